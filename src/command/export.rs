//! `clauth export SHELL --pid PID`: the hook's evaluation.
//!
//! It prints one answer in one write: the changes to make, and what the shell must look at to know that nothing changed since.

use std::collections::hash_map::DefaultHasher;
use std::ffi::{OsStr, OsString};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::account;
use crate::claude_code::variables::{ANTHROPIC_CONFIG_DIR, CLAUDE_CONFIG_DIR};
use crate::config::Config;
use crate::context::Context;
use crate::env::change::{self, Before, Change, Directories};
use crate::env::record::Chosen;
use crate::env::variable::CLAUTH_STATE;
use crate::env::{self, direnv, looked_for};
use crate::error::{self, Mistake};
use crate::io::{self, epoch};
use crate::layout::Layout;
use crate::name::ProfileName;
use crate::profile::{self, Profile};
use crate::selection::decide::{Action, Loaded, Wanted, decide};
use crate::selection::{Outcome, Resolution, Watched};
use crate::session::helper::Introduction;
use crate::session::{self, Holder, Lease, Lifetime, Session, Trouble};
use crate::shell::{Answer, Liveness, Look, Place, Shell, Spot, as_text};
use crate::sys::{self, paths};

/// What the hook says about its shell.
struct Asker {
    shell: Shell,
    pid: u32,
    /// The first evaluation of this shell process says nothing about entering or leaving: the user did not.
    is_first: bool,
    pin: Option<ProfileName>,
    /// What the last evaluation had to complain about.
    said: String,
    /// The variables that the shell cannot change.
    fixed: Vec<String>,
}

/// Answers a hook.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<ExitCode> {
    let asker = Asker::parse(arguments)?;
    // Before anything is looked at: a change made meanwhile then costs one more evaluation and is never missed.
    let _ = context.layout.writable().map(epoch::follow_settings); // where nothing can be written, each prompt with newer settings looks again
    let mut epoch = epoch::read(&context.layout);
    let mut evaluation = Evaluation::new(context, &asker);
    if evaluation.follow_watched(&epoch) {
        epoch = epoch::read(&context.layout);
        evaluation = Evaluation::new(context, &asker);
    }
    let (said, answer) = evaluation.answer(epoch);
    for complaint in &said.complaints {
        if answer.said != asker.said {
            io::say(complaint);
        }
    }
    if let Some(news) = said.news {
        io::say(news);
    }
    io::print(asker.shell.answer(&answer))?;
    Ok(ExitCode::SUCCESS)
}

impl Asker {
    fn parse(arguments: &[OsString]) -> Result<Self> {
        let mut words = arguments.iter().map(|word| word.to_str().unwrap_or_default());
        let shell = words.next().and_then(|name| Shell::from_str(name, false).ok());
        let (mut pid, mut is_first, mut pin, mut said, mut fixed) = (None, false, None, "", "");
        while let Some(word) = words.next() {
            let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
            let mut value = || value.or_else(|| words.next()).unwrap_or_default();
            match flag {
                "--pid" => pid = value().parse().ok(),
                "--pin" => pin = value().parse().ok(),
                "--said" => said = value(),
                "--fixed" => fixed = value(),
                "--first" => is_first = true,
                _ => {} // an empty word stands for a flag that a hook left out
            }
        }
        match (shell, pid) {
            (Some(shell), Some(pid)) if shell != Shell::Sh => {
                let fixed = fixed.split_whitespace().map(str::to_owned).collect();
                Ok(Self { shell, pid, is_first, pin, said: said.into(), fixed })
            }
            _ => bail!("this is the prompt hook's own command; run `clauth status` instead"),
        }
    }
}

/// What there is to tell the user.
#[derive(Default)]
struct Said {
    /// What is wrong, to be said once for as long as it stays so.
    complaints: Vec<String>,
    /// What happened: a profile was entered, switched or left.
    news: Option<String>,
    is_quiet: bool,
}

/// Holds one look at a shell and its directory.
struct Evaluation<'a> {
    context: &'a Context,
    asker: &'a Asker,
    config: Result<Config, Mistake>,
    /// `None` in a directory without a name.
    resolution: Option<Resolution>,
    directory: Option<PathBuf>,
    loaded: Loaded,
    pin: Option<Pin>,
}

/// A choice by hand, which outranks the directory for as long as this shell process lives.
struct Pin {
    name: ProfileName,
    holder: Holder,
    /// What is said of it where a directory asks for something else: what it is, and how it ends.
    words: (&'static str, String),
}

impl Pin {
    /// Returns the pin that `clauth env` set in the shell, what direnv loaded here, or the pin of a shell that `clauth exec` became: its own lease says so.
    fn of(context: &Context, asker: &Asker, loaded: &Loaded, directory: Option<&Path>) -> Option<Self> {
        let by_hand = || ("this shell is pinned to", format!("unpin it with `{}`", asker.shell.evaluate("clauth env --unset")));
        if let Some(name) = &asker.pin {
            return Some(Self { name: name.clone(), holder: Holder::Env, words: by_hand() });
        }
        let Loaded::Profile(dir) = loaded else { return None };
        let name = context.layout.profile_of(dir.as_os_str())?;
        if directory.is_some_and(|directory| direnv::has_set_for(&context.env, CLAUDE_CONFIG_DIR, directory)) {
            return Some(Self { name, holder: Holder::Shell, words: ("direnv has loaded", "take `use clauth` out of its .envrc".into()) });
        }
        let lease = Lease::read(&Session::new(&context.layout, &name), asker.pid)?;
        (lease.holder == Holder::Exec && lease.is_live()).then(|| Self { name, holder: Holder::Exec, words: by_hand() })
    }
}

impl<'a> Evaluation<'a> {
    fn new(context: &'a Context, asker: &'a Asker) -> Self {
        let config = context.config();
        let directory = env::current_dir().ok();
        let resolution = config.as_ref().ok().zip(directory.as_ref()).map(|(config, directory)| context.resolve(config, directory));
        let loaded = context.loaded();
        let pin = Pin::of(context, asker, &loaded, directory.as_deref());
        Self { context, asker, config, resolution, directory, loaded, pin }
    }

    /// Makes an epoch that is as new as what decides here, since the shell will ask which of the two is newer. Where nothing was ever written by clauth the
    /// shell does not ask, and a prompt writes nothing. Nor does it follow into the future, where an archive's times may lie: no edit of the settings would be
    /// newer then. Such a file costs an evaluation at each prompt in its directory.
    fn follow_watched(&self, epoch: &epoch::Epoch) -> bool {
        let may_follow = |newest: &SystemTime| matches!(epoch, epoch::Epoch::At(_)) && *newest <= SystemTime::now();
        let newest = self.resolution.as_ref().and_then(|found| found.watch.newest()).filter(may_follow);
        newest.zip(self.context.layout.writable().ok()).is_some_and(|(newest, layout)| epoch::follow(layout, newest).unwrap_or(false))
    }

    fn answer(self, epoch: epoch::Epoch) -> (Said, Answer) {
        let default = Config::default();
        let config = self.config.as_ref().unwrap_or(&default);
        let mut said = Said { is_quiet: config.quiet, ..Said::default() };
        let mut outcome = self.outcome(&mut said);
        let before = self.context.before().in_shell(self.asker.pid);

        if let Outcome::Bound(profile) = &outcome
            && let Err(trouble) = self.join(config, profile)
        {
            match trouble {
                Trouble::Registration(error) => said.complaints.push(error::told(&error)),
                Trouble::Tree(error) => {
                    outcome = Outcome::Refused(Mistake::ConfigDirectory { profile: profile.name.to_string(), reason: format!("{error:#}") });
                }
            }
        }
        let is_unnamed = self.directory.is_none() && self.pin.is_none();
        let mut changes = if is_unnamed { Vec::new() } else { self.changes(&before, &outcome, config) };
        let is_fixed = |change: &Change| self.asker.fixed.iter().any(|fixed| fixed == change.name());
        if let Some(change) = changes.iter().find(|change| is_fixed(change)) {
            // What else can be kept from serving is; of the variable itself the shell would say an error, and do nothing of what follows.
            outcome = Outcome::Refused(Mistake::ReadOnlyVariable { name: change.name().into() });
            changes = self.changes(&before, &outcome, config);
            changes.retain(|change| !is_fixed(change));
        }
        let exported = match &outcome {
            Outcome::Bound(profile) => profile.exported(),
            Outcome::Unbound | Outcome::Refused(_) => String::new(),
        };
        let wanted = match &outcome {
            Outcome::Unbound => Wanted::Nothing,
            Outcome::Bound(_) => Wanted::Profile(&exported),
            Outcome::Refused(_) => Wanted::Refusal,
        };
        let action = decide(&self.loaded, wanted);
        if action != Action::Keep && !is_unnamed {
            self.drop_other_leases(&outcome);
            // Who is signed in stands in a file that may be large: read only to be said.
            said.news = (!self.asker.is_first && !said.is_quiet).then(|| self.news(action, &outcome)).flatten();
        }
        if let Outcome::Refused(mistake) = &outcome {
            said.complaints.push(mistake.to_string());
            // The client refuses below a regular file; without one it would make a config directory there.
            if let Err(error) = self.context.layout.writable().map_err(anyhow::Error::from).and_then(profile::make_refusable) {
                said.complaints.push(error::told(&error));
            }
        }
        let watched = looked_for(&config.keep_env).filter(|_| matches!(outcome, Outcome::Bound(_)));
        let harmless: Vec<_> = watched.clone().filter(|name| self.context.env.is_harmless(name)).collect();
        let answer = Answer {
            epoch,
            settings_exist: self.context.layout.config().exists(),
            settings: paths::portable(&self.context.layout.config().to_string_lossy()),
            has_own_directories: outcome == Outcome::Unbound,
            config_dir: change::value_after(CLAUDE_CONFIG_DIR, &changes, &self.context.env),
            anthropic_dir: change::value_after(ANTHROPIC_CONFIG_DIR, &changes, &self.context.env),
            home: self.context.env.non_empty(sys::HOME_VARIABLE).and_then(OsStr::to_str).map(str::to_owned).filter(|_| sys::HOME_VARIABLE == "HOME"),
            overriding: watched.filter(|name| !harmless.contains(name)).collect(),
            harmless: harmless.clone(),
            place: self.place(&outcome),
            helper: match &outcome {
                Outcome::Bound(profile) => self.helper(&profile.name),
                Outcome::Unbound | Outcome::Refused(_) => None,
            },
            free: outcome == Outcome::Unbound
                && change::value_after(CLAUTH_STATE, &changes, &self.context.env).is_none()
                && config.rules.is_empty()
                && self.resolution.as_ref().is_some_and(|found| found.source.is_none() && found.ignored.is_empty()),
            said: digest(&said.complaints),
            changes,
        };
        (said, answer)
    }

    /// Returns what this outcome changes in the shell.
    fn changes(&self, before: &Before<'_>, outcome: &Outcome, config: &Config) -> Vec<Change> {
        match outcome {
            Outcome::Unbound => before.leave(),
            Outcome::Bound(profile) => {
                let chosen = if self.pin.is_some() { Chosen::Hand } else { Chosen::Hook };
                let directories = Directories { config: &profile.exported(), anthropic: &profile.exported_anthropic() };
                before.load(profile.name.as_str(), directories, chosen, &config.keep_env)
            }
            Outcome::Refused(_) => before.refuse(&self.context.layout.refused_config_dir()),
        }
    }

    /// What applies to this shell: its pin, or its directory.
    fn outcome(&self, said: &mut Said) -> Outcome {
        let config = match &self.config {
            Ok(config) => config,
            Err(mistake) => return Outcome::Refused(mistake.clone()),
        };
        let here = self.resolution.as_ref();
        let Some(Pin { name: pin, words: (what, end), .. }) = &self.pin else {
            return here.map_or(Outcome::Unbound, |found| found.outcome.clone());
        };
        let pinned = self.context.profile(config, pin.as_str());
        if let (Ok(pinned), Some(Outcome::Bound(bound))) = (&pinned, here.map(|found| &found.outcome))
            && pinned != bound
        {
            said.complaints.push(format!("{what} {pin}, though this directory asks for {}; {end}", bound.name));
        }
        pinned.map_or_else(Outcome::Refused, Outcome::Bound)
    }

    fn join(&self, config: &Config, profile: &Profile) -> Result<(), Trouble> {
        let holder = self.pin.as_ref().map_or(Holder::Shell, |pin| pin.holder);
        match Lease::of(self.asker.pid, holder) {
            Some(lease) => session::join(self.context, config, profile, &lease, Lifetime::Brief),
            None => Ok(()), // the shell is gone; nobody reads this answer
        }
    }

    /// How the shell sees that the helper of its profile runs: killed, it is back at the next prompt.
    fn helper(&self, name: &ProfileName) -> Option<Liveness> {
        let helper = Introduction::read(&Session::new(&self.context.layout, name))?;
        let path = sys::process_path(helper.pid).and_then(|path| as_text(&path));
        Some(path.map_or(Liveness::Signal(helper.pid), Liveness::Path))
    }

    /// Takes the shell off every session but the one it uses now; a record of where it was could be lost, so all are looked at.
    fn drop_other_leases(&self, outcome: &Outcome) {
        let kept = match outcome {
            Outcome::Bound(profile) => Some(&profile.name),
            _ => None,
        };
        if let Ok(layout) = self.context.layout.writable() {
            session::leave_all_but(layout, kept, self.asker.pid);
        }
    }

    fn news(&self, action: Action, outcome: &Outcome) -> Option<String> {
        match (action, outcome, &self.loaded) {
            (_, Outcome::Bound(profile), _) => Some(introduce(profile, &self.context.layout)),
            (Action::Leave, _, Loaded::Profile(left)) => {
                let name = self.context.layout.profile_of(left.as_os_str())?;
                Some(format!("left {name}"))
            }
            _ => None,
        }
    }

    fn place(&self, outcome: &Outcome) -> Place {
        let Some(directory) = &self.directory else { return Place::Unnamed };
        let (Some(found), false) = (&self.resolution, matches!(outcome, Outcome::Refused(_))) else { return Place::Unsure };
        let directory_text = as_text(directory);
        if self.pin.is_some() {
            return Place::Known { directory: directory_text, absent: Vec::new(), decider: None, watched: Vec::new() };
        }
        let decider = match (&found.decider, &found.text) {
            (None, _) => None,
            (Some(candidate), Some(text)) => {
                let spot = candidate.level.map(Spot::Above).or_else(|| as_text(&candidate.file()).map(Spot::At));
                let Some(spot) = spot else { return Place::Unsure };
                Some((spot, text.clone()))
            }
            (Some(_), None) => return Place::Unsure,
        };
        let look = |watched: &Watched| match watched {
            Watched::Absent(path) => as_text(path).map(Look::Absent),
            Watched::Unwritten(path) => as_text(path).map(Look::Unwritten),
        };
        let Some(watched) = found.watch.paths().iter().map(look).collect() else { return Place::Unsure };
        Place::Known { directory: directory_text, absent: found.absent.clone(), decider, watched }
    }
}

/// Returns the line that says which account a shell is in.
fn introduce(profile: &Profile, layout: &Layout) -> String {
    let account = match account::address(&profile.config_dir) {
        _ if profile.has_api_key => "API key".into(),
        Some(address) => address,
        // The Keychain may show a dialog or hang, and no prompt waits for it.
        None if layout.keychain().is_some() => "account not known yet".into(),
        None if account::is_signed_in(layout, &profile.config_dir).unwrap_or(false) => "signed in".into(),
        None => "not signed in yet".into(),
    };
    format!("{} · {account}", profile.name)
}

/// Stands for some complaints in a shell variable; empty for none.
fn digest(complaints: &[String]) -> String {
    if complaints.is_empty() {
        return String::new();
    }
    let mut hasher = DefaultHasher::new();
    complaints.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
