//! `clauth status`: where am I, and why.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::binding::Place;
use super::status_format;
use crate::account::{Obstacle, Standing, Summary, live_clients};
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::config::Config;
use crate::context::Context;
use crate::doctor::{Panel, panels};
use crate::env;
use crate::env::direnv;
use crate::env::record::{Chosen, Record};
use crate::error::Mistake;
use crate::io::{self, Clock, clock, terminal_safe};
use crate::layout::BINDING;
use crate::profile::{self, Profile};
use crate::selection::binding::Binding;
use crate::selection::decide::Loaded;
use crate::selection::{Outcome, Resolution, Source, trust};
use crate::session::helper::Introduction;
use crate::session::{Lease, Session};
use crate::sharing::files::{Size, Space, trash};
use crate::sharing::hosts;
use crate::shell::{Shell, command_line};

/// Show which profile applies here, and why
#[derive(Args, Default)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print one line for a prompt, such as '{profile} {5h}'; empty where nothing is bound
    ///
    /// Of {profile}, {account}, {organization}, {plan}, {5h} and {7d}. It asks no service; `~42%` is a figure that is not recent.
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "json")]
    format: Option<String>,
}

/// What decides.
enum Decider {
    Source(Source),
    /// A choice by hand, in this shell or above it.
    Pin,
    /// An `.envrc`.
    Direnv,
}

#[derive(Serialize)]
struct Status {
    directory: String,
    /// Whether the shell is in another directory than the one that was asked about.
    #[serde(skip)]
    is_elsewhere: bool,
    /// The profile that applies, or null.
    profile: Option<String>,
    /// What decides: a file, `pin`, `direnv`, `rule for DIRECTORY`, `rule for remote PATTERN`, `default_profile`, or null.
    decided_by: Option<Decider>,
    /// Why `claude` refuses here, or null.
    refused: Option<String>,
    /// What this shell has loaded: a profile, "refused", the user's own directory, or null.
    loaded: Option<String>,
    #[serde(flatten)]
    account: Summary,
    api_key: bool,
    config_dir: Option<String>,
    anthropic_dir: Option<String>,
    holders: Vec<Holder>,
    clients: Vec<u32>,
    helper: Option<Helper>,
    /// What the helper could not do, and why.
    troubles: Vec<String>,
    /// What the profile's copies of the history take.
    copies: Option<Size>,
    /// Old transcripts that are hard links to those of `~/.claude` instead.
    hard_links: Option<Size>,
    /// What was removed and is kept for a while.
    removed_files: Option<Size>,
    /// Variables that win over the login where they are set.
    overriding: Vec<&'static str>,
    /// Those that are set aside in this shell until the profile is left.
    set_aside: Vec<&'static str>,
    /// Denied files that would otherwise apply here, nearest first.
    ignored: Vec<String>,
    /// What the panel of each editor has here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    editors: Vec<Panel>,
    /// How the refused file differs from what was allowed at its place in another checkout of the repository, or null.
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct Difference {
    /// The text that was allowed.
    allowed: String,
    /// The text that stands here.
    here: String,
}

impl Difference {
    fn of(context: &Context, config: &Config, found: &Resolution) -> Option<Self> {
        let decider = found.decider.as_ref().filter(|_| matches!(found.outcome, Outcome::Refused(Mistake::NotAllowed { .. })))?;
        let allowed = trust::text_allowed_elsewhere(&context.layout, config, &decider.directory)?;
        Some(Self { allowed, here: Binding::read(&decider.file()).ok()?.text })
    }

    /// Returns the lines that only one of the two has.
    fn rows(&self) -> impl Iterator<Item = (&'static str, String)> {
        let only =
            |one: &str, other: &str| one.lines().filter(|line| !other.lines().any(|known| known == *line)).map(str::to_owned).collect::<Vec<_>>();
        let (allowed, here) = (only(&self.allowed, &self.here), only(&self.here, &self.allowed));
        let told = |label, lines: Vec<String>| lines.into_iter().map(move |line| (label, line));
        told("allowed", allowed).chain(told("here", here))
    }
}

#[derive(Serialize)]
struct Holder {
    pid: u32,
    kind: String,
}

#[derive(Serialize)]
struct Helper {
    pid: u32,
    since: u64,
}

/// Prints the line for a prompt of this shell.
pub fn for_a_prompt(context: &Context, template: &str) -> Result<ExitCode> {
    run(context, &Arguments { format: Some(template.into()), ..Arguments::default() })
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let directory = arguments.place.directory(context)?;
    let config = context.config()?;
    let loaded = context.loaded();
    let pin = pin(context, &loaded, &directory).filter(|_| arguments.place.said().is_none());
    let mut found = context.resolve(&config, &directory);
    let mut decided_by = found.source.take().map(Decider::Source);
    if let Some((profile, by)) = pin {
        (found.outcome, decided_by) = (Outcome::Bound(profile), Some(by));
    }
    // As the hook and the shim decide when they enter the profile.
    if let Outcome::Bound(profile) = &found.outcome
        && let Err(mistake) = hosts::refuse_project(&directory, profile)
    {
        found.outcome = Outcome::Refused(mistake);
    }
    if let Some(template) = &arguments.format {
        io::print(status_format::line(context, &found.outcome, template)? + "\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut status = Status::of(context, &config, &directory, &found, decided_by, &loaded);
    if arguments.json {
        status.editors = panels(context, &directory);
        io::print_json(&status)?;
    } else {
        io::print(text(&status, &Clock::read(&context.env)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the profile that applies in a directory of this shell.
pub fn profile_here(context: &Context, config: &Config, directory: &Path) -> Result<Profile, Mistake> {
    let outcome = pin(context, &context.loaded(), directory).map(|(profile, _)| Outcome::Bound(profile));
    match outcome.unwrap_or_else(|| context.resolve(config, directory).outcome) {
        Outcome::Bound(profile) => Ok(profile),
        Outcome::Refused(mistake) => Err(mistake),
        Outcome::Unbound => Err(Mistake::NoProfileHere { directory: directory.display().to_string() }),
    }
}

/// The profile that was chosen by hand in this shell or above it, or by direnv for this directory; and by which of them.
fn pin(context: &Context, loaded: &Loaded, directory: &Path) -> Option<(Profile, Decider)> {
    let Loaded::Profile(dir) = loaded else { return None };
    let by = if direnv::has_set_for(&context.env, CLAUDE_CONFIG_DIR, directory) {
        Decider::Direnv
    } else if context.before().chosen() == Chosen::Hand {
        Decider::Pin
    } else {
        return None;
    };
    let name = context.layout.profile_of(dir.as_os_str())?;
    Some((profile::load(&context.layout, &name).ok()?, by))
}

impl Status {
    fn of(context: &Context, config: &Config, directory: &Path, found: &Resolution, decided_by: Option<Decider>, loaded: &Loaded) -> Self {
        let status = Self {
            directory: directory.display().to_string(),
            is_elsewhere: env::current_dir().ok().as_deref() != Some(directory),
            profile: None,
            decided_by,
            refused: match (&found.outcome, &context.hub(config)) {
                (Outcome::Refused(mistake), _) | (Outcome::Bound(_), Err(mistake)) => Some(mistake.to_string()),
                _ => None,
            },
            loaded: match loaded {
                Loaded::Nothing => context.env.non_empty(CLAUDE_CONFIG_DIR).map(|dir| dir.to_string_lossy().into_owned()),
                Loaded::Profile(dir) => context.layout.profile_of(dir.as_os_str()).map(|name| name.to_string()),
                Loaded::Refusal => Some("refused".into()),
            },
            account: Summary::default(),
            api_key: false,
            config_dir: None,
            anthropic_dir: None,
            holders: Vec::new(),
            clients: Vec::new(),
            helper: None,
            troubles: Vec::new(),
            copies: None,
            hard_links: None,
            removed_files: None,
            set_aside: Record::load(&context.env).aside().collect(),
            ignored: found.ignored.iter().map(|directory| directory.join(BINDING).display().to_string()).collect(),
            difference: Difference::of(context, config, found),
            overriding: context.env.winning(&config.keep_env).collect(),
            editors: Vec::new(),
        };
        let Outcome::Bound(profile) = &found.outcome else { return status };
        let session = Session::new(&context.layout, &profile.name);
        let space = Space::read(&context.layout.copies(&profile.name));
        Self {
            profile: Some(profile.name.to_string()),
            account: Standing::of(&context.layout, &profile.name, &profile.config_dir).summary(),
            api_key: profile.has_api_key,
            config_dir: Some(profile.exported()),
            anthropic_dir: Some(profile.exported_anthropic()),
            holders: Lease::live(&session).into_iter().map(|lease| Holder { pid: lease.pid, kind: lease.holder.to_string() }).collect(),
            clients: live_clients(&profile.config_dir),
            helper: Introduction::read(&session).map(|helper| Helper { pid: helper.pid, since: helper.since }),
            copies: space.map(|space| space.copies),
            hard_links: space.map(|space| space.links).filter(|size| size.files > 0),
            removed_files: Some(trash::size(&context.layout.trash())).filter(|size| size.files > 0),
            troubles: fs::read_to_string(session.troubles()).unwrap_or_default().lines().map(str::to_owned).collect(),
            ..status
        }
    }
}

/// As `--json` has it.
impl fmt::Display for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(Source::File(file)) => file.display().fmt(f),
            Self::Source(Source::Rule(directory)) => write!(f, "rule for {}", directory.display()),
            Self::Source(Source::Remote(pattern)) => write!(f, "rule for remote {pattern}"),
            Self::Source(Source::DefaultProfile) => f.write_str("default_profile"),
            Self::Pin => f.write_str("pin"),
            Self::Direnv => f.write_str("direnv"),
        }
    }
}

impl Serialize for Decider {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Decider {
    /// Says it to a person.
    fn explain(&self, is_refused: bool) -> String {
        match self {
            Self::Source(Source::File(_)) if is_refused => self.to_string(),
            Self::Source(Source::File(_)) => format!("{self} (allowed)"),
            Self::Source(Source::Rule(_) | Source::Remote(_)) => format!("the {self} in config.toml"),
            Self::Source(Source::DefaultProfile) => format!("{self} in config.toml"),
            Self::Pin => {
                let shell = Shell::at_hand().unwrap_or(Shell::Sh);
                format!("this shell's pin; unpin it with `{}`", shell.evaluate("clauth env --unset"))
            }
            Self::Direnv => "direnv: `use clauth` in an .envrc".into(),
        }
    }
}

fn text(status: &Status, clock: &Clock) -> String {
    let mut rows: Vec<(&str, String)> = vec![("directory", status.directory.clone())];
    let account = match (&status.account.account, status.account.signed_in) {
        _ if status.api_key => "API key".into(),
        (Some(account), true) => account.clone(),
        (None, true) => "signed in".into(),
        (Some(account), false) if status.account.login_ended => format!("{account}, whose login has ended: sign in again by running `claude` here"),
        (None, false) if status.account.login_ended => "the login has ended: sign in again by running `claude` here".into(),
        _ if status.account.trouble.is_some() => status.account.who(),
        _ => "not signed in yet: run `claude` here".into(),
    };
    match (&status.profile, &status.refused) {
        (_, Some(reason)) => rows.push(("refused", reason.clone())),
        (Some(profile), _) => rows.push(("profile", format!("{profile} · {account}"))),
        (None, None) => rows.push(("profile", "none: `claude` uses the account it uses without clauth".into())),
    }
    let login: Vec<_> = status.account.belongs_to().into_iter().flatten().map(str::to_owned).chain(status.account.token(clock)).collect();
    if !login.is_empty() {
        rows.push(("login", login.join(" · ")));
    }
    if let (Some(profile), true) = (&status.profile, status.account.other_account) {
        rows.push(("trouble", Obstacle::OtherAccount.advice(profile, clock)));
    }
    rows.extend(status.account.trouble.clone().map(|trouble| ("trouble", trouble)));
    rows.extend(status.difference.iter().flat_map(Difference::rows));
    rows.extend(status.decided_by.as_ref().map(|decider| ("decided by", decider.explain(status.refused.is_some()))));
    let expected = status.refused.as_ref().map_or(status.profile.as_deref(), |_| Some("refused"));
    match status.loaded.as_deref() {
        _ if status.is_elsewhere => {}
        loaded if loaded == expected => {}
        Some(own) if Path::new(own).is_absolute() && expected.is_none() => {
            rows.push(("this shell", format!("has a CLAUDE_CONFIG_DIR of your own: {own}")));
        }
        loaded => rows.push(("this shell", format!("has {} loaded; the next prompt with the hook changes that", loaded.unwrap_or("nothing")))),
    }
    if let Some(config_dir) = &status.config_dir {
        rows.push(("config dir", config_dir.clone()));
        // Made by a sign-in to a Console account; before that it is of no interest.
        rows.extend(status.anthropic_dir.iter().filter(|directory| Path::new(directory).exists()).map(|directory| ("Console", directory.clone())));
        let holders: Vec<_> = status.holders.iter().map(|holder| format!("{} {}", holder.kind, holder.pid)).collect();
        rows.push(("in use by", if holders.is_empty() { "nobody".into() } else { holders.join(", ") }));
        let helper = status.helper.as_ref().map(|helper| {
            let since = Timestamp::from_second(helper.since.cast_signed()).unwrap_or(clock.now);
            format!("pid {}, for {}", helper.pid, clock::in_words(clock.since(since)))
        });
        rows.push(("helper", helper.unwrap_or_else(|| "none: starts with the first shell".into())));
    }
    if let Some(copies) = &status.copies {
        rows.push(("copies", format!("{copies}, beside those in ~/.claude")));
    }
    if let Some(links) = &status.hard_links {
        rows.push(("hard links", format!("{links}: old transcripts that share the files in ~/.claude, to save disk space")));
    }
    if let Some(removed) = &status.removed_files {
        rows.push(("removed", format!("{removed}, kept for {} days; `clauth removals empty` deletes them", trash::DAYS)));
    }
    rows.extend(status.troubles.iter().map(|trouble| ("trouble", trouble.clone())));
    rows.extend(
        status.ignored.iter().map(|file| ("ignored", format!("{file} (denied; `{}` takes that back)", command_line(["clauth", "allow", file])))),
    );
    if !status.set_aside.is_empty() {
        rows.push(("set aside", format!("{} until you leave; `keep_env` in config.toml exempts variables", status.set_aside.join(", "))));
    }
    if !status.overriding.is_empty() && status.profile.is_some() {
        rows.push(("overridden", format!("{} would win over the login here", status.overriding.join(", "))));
    }
    rows.iter().map(|(label, value)| format!("{label:11} {}\n", terminal_safe(value))).collect()
}
