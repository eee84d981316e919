//! Whose a config directory is, and whose its login: two files of Claude Code's that belong together.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::usage::{self, Account, Reading};
use super::{ClaudeJson, Console, Credentials, Identity, Login, Place, Store, refresh};
use crate::claude_code::STATE;
use crate::claude_code::services::PROFILE_SCOPE;
use crate::io::{Clock, clock};
use crate::layout::Layout;
use crate::name::ProfileName;

/// What stands in the place of a plan where somebody is signed in to no claude.ai account.
const CONSOLE: &str = "Console";
const ORGANIZATION: &str = "organization";

/// Says why a login is not one to ask with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// There is none.
    SignedOut,
    /// It is over.
    Ended,
    /// It is another account's than the one that is shown.
    OtherAccount,
    /// It is good for messages and nothing else.
    MessagesOnly,
    /// It cannot be read.
    Unreadable,
    /// It is no login of claude.ai.
    OtherSignIn,
    /// Nobody knows whose it is.
    UnknownAccount,
    /// The access token ended then.
    Expired(Timestamp),
}

impl Obstacle {
    /// Returns its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Ended => "login_ended",
            Self::OtherAccount => "other_account",
            Self::MessagesOnly => "messages_only",
            Self::Unreadable => "login_unreadable",
            Self::OtherSignIn => "other_sign_in",
            Self::UnknownAccount => "unknown_account",
            Self::Expired(_) => "expired",
        }
    }

    /// Says what to do about it.
    pub fn advice(self, profile: &str, clock: &Clock) -> String {
        match self {
            Self::SignedOut => format!("not signed in: run `clauth login {profile}`"),
            Self::Ended => format!("the login has ended: run `clauth login {profile}`"),
            Self::OtherAccount => format!("the login is of another account than .claude.json names: run `clauth login {profile}`"),
            Self::MessagesOnly => "a long-lived token: the service tells it no usage windows".into(),
            Self::OtherSignIn => "a Console account's or an organization's sign-in: the service tells it no usage windows".into(),
            Self::Unreadable => "the login cannot be read: run `clauth doctor`".into(),
            Self::UnknownAccount => format!("whose login it is, is not known yet: run `clauth start {profile}` once"),
            Self::Expired(end) => {
                format!("the token expired {} ago: run `clauth refresh {profile}`, or use it once", clock::in_words(clock.since(end)))
            }
        }
    }
}

/// Holds what the files of a config directory say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The account that Claude Code shows and sends.
    pub identity: Option<Identity>,
    /// The login; `None` where nobody is signed in.
    pub login: Option<Login>,
    /// Another sign-in than a login of claude.ai: what it is, and whose.
    pub other: Option<(&'static str, Console)>,
    /// Why nobody can say whether there is one.
    pub trouble: Option<String>,
    /// Whether it is over, so that only a new sign-in helps.
    pub has_ended: bool,
    /// What Claude Code was last told of the account's limits.
    pub told: Option<Reading>,
}

/// Says whose a profile is, as the commands tell it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// The address of the account that Claude Code shows, whether or not it is signed in.
    pub account: Option<String>,
    /// Its organisation.
    pub organization: Option<String>,
    /// `pro`, `max`, `team`, …
    pub plan: Option<String>,
    /// Whether there is a login.
    pub signed_in: bool,
    /// Why the login cannot be read.
    #[serde(rename = "login_trouble", skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Whether there is a login that is over, so that only a new sign-in helps.
    pub login_ended: bool,
    /// Whether the token belongs to another account than the one that is shown.
    pub other_account: bool,
    /// When the access token ends; Claude Code renews one that has ended when it is next used.
    pub token_expires_at: Option<Timestamp>,
}

impl Summary {
    /// Returns who is signed in, or that nobody is.
    pub fn who(&self) -> String {
        match &self.account {
            Some(account) if self.login_ended => format!("{account}: sign in again"),
            Some(account) if self.signed_in => account.clone(),
            _ if self.trouble.is_some() => "login unreadable".into(),
            None if self.login_ended => "sign in again".into(),
            None if self.signed_in => "signed in".into(),
            _ => "not signed in".into(),
        }
    }

    /// Returns the organisation and the plan of who is signed in.
    pub fn belongs_to(&self) -> [Option<&str>; 2] {
        [&self.organization, &self.plan].map(|part| part.as_deref().filter(|_| self.signed_in))
    }

    /// Says until when the access token is good.
    pub fn token(&self, clock: &Clock) -> Option<String> {
        let end = self.token_expires_at.filter(|_| self.signed_in)?;
        let verb = if end > clock.now { "until" } else { "ended" };
        Some(format!("token {verb} {}", clock.local(end)))
    }
}

impl Standing {
    /// Reads what a profile has; a `.claude.json` that cannot be read is one that says nothing.
    pub fn of(layout: &Layout, name: &ProfileName, config_dir: &Path) -> Self {
        let (credentials, trouble) = match Store::of(layout, config_dir).read() {
            Ok(credentials) => (credentials, None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let login = credentials.as_ref().and_then(Credentials::login);
        let organization = credentials.as_ref().filter(|credentials| credentials.has_organization()).map(|_| (ORGANIZATION, Console::default()));
        let other = organization.or_else(|| login.is_none().then(|| Console::of(layout, config_dir)).flatten().map(|console| (CONSOLE, console)));
        Self {
            login,
            other,
            has_ended: credentials.is_some_and(|credentials| refresh::has_ended(layout, name, &credentials)),
            trouble,
            ..Self::shown(&config_dir.join(STATE))
        }
    }

    /// Reads what the config directory of plain `claude` has; clauth renews nothing there, so only an emptied login is known to be over.
    pub fn of_place(layout: &Layout, place: &Place) -> Self {
        let (credentials, trouble) = match place.store(layout).read() {
            Ok(credentials) => (credentials, None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let has_ended = credentials.as_ref().is_some_and(Credentials::is_emptied);
        Self { login: credentials.as_ref().and_then(Credentials::login), has_ended, trouble, ..Self::shown(&place.claude_json) }
    }

    /// Reads a `.claude.json` and no login.
    pub fn shown(claude_json: &Path) -> Self {
        let ClaudeJson { oauth_account: identity, cached_usage_utilization: cache } = ClaudeJson::read(claude_json);
        let uuid = identity.as_ref().and_then(|identity| identity.account_uuid.as_deref());
        let told = uuid.and_then(|uuid| usage::of_client_cache(&cache?, uuid));
        Self { identity, told, ..Self::default() }
    }

    /// Whether the token belongs to another account than the one that is shown: what is asked is then paid by one and told of the other.
    fn is_of_two(&self) -> bool {
        let shown = self.identity.as_ref().and_then(|identity| identity.account_uuid.as_deref());
        let paying = self.login.as_ref().and_then(|login| login.account_uuid.as_deref());
        matches!((shown, paying), (Some(shown), Some(paying)) if shown != paying)
    }

    /// Returns what there is to say of it.
    pub fn summary(&self) -> Summary {
        let identity = self.identity.clone().unwrap_or_default();
        let (kind, other) = self.other.clone().map(|(kind, other)| (Some(kind), other)).unwrap_or_default();
        Summary {
            account: identity.email_address.or(other.email_address),
            organization: identity.organization_name.or(other.organization_name),
            plan: kind.map(str::to_owned).or_else(|| self.login.as_ref()?.subscription.clone()),
            signed_in: self.other.is_some() || (self.login.is_some() && !self.has_ended),
            trouble: self.trouble.clone(),
            login_ended: self.has_ended,
            other_account: self.is_of_two(),
            token_expires_at: self.expires_at(),
        }
    }

    /// Returns when the access token ends; `None` for one that does not, or of which nobody knows.
    fn expires_at(&self) -> Option<Timestamp> {
        let milliseconds = self.login.as_ref()?.expires_at?;
        Timestamp::from_millisecond(milliseconds.try_into().ok()?).ok()
    }

    /// Returns why the service is not to be asked with this login, if there is a reason.
    pub fn obstacle(&self, now: Timestamp) -> Option<Obstacle> {
        let may = |login: &Login| login.scopes.is_empty() || login.scopes.iter().any(|scope| scope == PROFILE_SCOPE);
        match &self.login {
            _ if self.trouble.is_some() => Some(Obstacle::Unreadable),
            _ if self.other.is_some() => Some(Obstacle::OtherSignIn),
            _ if self.has_ended => Some(Obstacle::Ended),
            None => Some(Obstacle::SignedOut),
            Some(_) if self.is_of_two() => Some(Obstacle::OtherAccount),
            Some(login) if !may(login) => Some(Obstacle::MessagesOnly),
            Some(_) if self.account().is_none() => Some(Obstacle::UnknownAccount),
            Some(_) => self.expires_at().filter(|end| *end <= now).map(Obstacle::Expired),
        }
    }

    /// Returns the account whose limits count here, if that is known.
    pub fn account(&self) -> Option<Account> {
        let uuid = self.identity.as_ref().and_then(|identity| identity.account_uuid.as_deref());
        let uuid = uuid.or_else(|| self.login.as_ref()?.account_uuid.as_deref())?;
        Account::new(uuid, self.identity.as_ref().and_then(|identity| identity.organization_uuid.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(identity: Option<&str>, login: &str) -> Standing {
        let identity = identity.map(|uuid| Identity { account_uuid: Some(uuid.into()), ..Identity::default() });
        let credentials = Credentials::parse(format!(r#"{{"claudeAiOauth": {{{login}}}}}"#).as_bytes()).unwrap();
        Standing { identity, login: credentials.login(), ..Standing::default() }
    }

    #[test]
    fn a_login_is_asked_with_unless_there_is_a_reason() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let end = Timestamp::from_second(1_700_000_000).unwrap();
        for (identity, login, expected) in [
            (Some("a"), r#""refreshToken": "r", "expiresAt": 1900000000000, "scopes": ["user:profile"], "accountUuid": "a""#, None),
            (Some("a"), r#""refreshToken": "r""#, None),
            (None, r#""refreshToken": "r", "accountUuid": "a""#, None),
            (Some("a"), r#""refreshToken": """#, Some(Obstacle::SignedOut)),
            (Some("a"), r#""refreshToken": "r", "accountUuid": "b""#, Some(Obstacle::OtherAccount)),
            (Some("a"), r#""refreshToken": "r", "scopes": ["user:inference"]"#, Some(Obstacle::MessagesOnly)),
            (None, r#""refreshToken": "r""#, Some(Obstacle::UnknownAccount)),
            (Some("../a"), r#""refreshToken": "r""#, Some(Obstacle::UnknownAccount)),
            (Some("a"), r#""refreshToken": "r", "expiresAt": 1700000000000"#, Some(Obstacle::Expired(end))),
            // Beyond any calendar.
            (Some("a"), r#""refreshToken": "r", "expiresAt": 18446744073709551615"#, None),
        ] {
            assert_eq!(standing(identity, login).obstacle(now), expected, "{identity:?} {login}");
        }
    }
}
