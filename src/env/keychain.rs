//! Whether logins lie in a keychain, by what the environment says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Env, variable};
use crate::claude_code::keychain::COMMON_ACCOUNT;
use crate::sys;

/// How long Claude Code lets it take, and so does clauth.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says by which program logins in a keychain are reached, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keychain {
    /// `security`, by an absolute path: what is found on PATH could be anything, and gets logins.
    pub program: PathBuf,
    /// The account that Claude Code files its items under.
    pub account: String,
    /// How long it may take for an answer; over that it shows a dialog, or hangs.
    pub patience: Duration,
}

impl Keychain {
    /// Returns how logins in a keychain are reached; `None` on systems where they lie in files.
    pub fn from_env(env: &Env) -> Option<Self> {
        let stand_in = env.non_empty(variable::CLAUTH_KEYCHAIN).map(Path::new).filter(|program| program.is_absolute());
        let program = stand_in.or(sys::KEYCHAIN_PROGRAM.map(Path::new))?.to_owned();
        let patience = stand_in.and_then(|_| env.patience_with_stand_ins()).unwrap_or(PATIENCE);
        let user = variable::USER.iter().find_map(|name| env.non_empty(name)?.to_str());
        Some(Self { program, account: account(user).into(), patience })
    }
}

/// Returns the account that Claude Code files its items under for a user of this name.
fn account(user: Option<&str>) -> &str {
    let is_plain = |user: &&str| user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    user.filter(is_plain).unwrap_or(COMMON_ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::account;

    #[test]
    fn a_user_whose_name_is_not_plain_has_the_common_account() {
        for (user, expected) in [
            (Some("me"), "me"),
            (Some("j.doe_2-x"), "j.doe_2-x"),
            (Some("j doe"), "claude-code-user"),
            (Some("zo\u{eb}"), "claude-code-user"),
            (Some("a\"; rm"), "claude-code-user"),
            (None, "claude-code-user"),
        ] {
            assert_eq!(account(user), expected, "{user:?}");
        }
    }
}
