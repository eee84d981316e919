//! A profile's config directory as its session needs it: links, and its own copy of the settings.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use super::decide::Side;
use super::files::{Mirror, Sides, dedup};
use super::json::{self, Deletions, Keys, Kind, Pair, State};
use super::link_mode::LinkMode;
use super::links::{self, Use};
use super::{hosts, names, places};
use crate::account;
use crate::claude_code::settings::{API_KEY_HELPER, ENV};
use crate::claude_code::{self, OLD_STATE, SETTINGS, STATE};
use crate::context::Context;
use crate::env::variable::{CLAUTH_COPIES_LIMIT, CLAUTH_LINK_MODE};
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io;
use crate::profile::Profile;
use crate::shell::Shell;
use crate::sys::paths;

/// Knows what a profile's config directory is made of.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The profile's config directory.
    pub config_dir: PathBuf,
    /// The profile's own file, for as long as there is a profile.
    pub profile_file: PathBuf,
    /// What all profiles share.
    pub hub: Hub,
    /// Both, as files are given from one to the other.
    pub sides: Sides,
    /// What the profile and the hub last agreed on.
    pub base: PathBuf,
    /// Where it is remembered that the best way to share files is not to be had.
    remembered_mode: PathBuf,
    /// How many bytes of copies there may be before old transcripts become hard links.
    limit: u64,
    /// What the profile's settings say differently; what the shared ones say of keys and hosts is covered.
    pub overrides: State,
    /// The same without what is covered.
    own_overrides: State,
    /// The log of values that lost a conflict.
    pub losses: PathBuf,
    /// Deletions that wait for the user's word.
    pub deletions: Deletions,
}

impl Tree {
    /// Looks up what belongs to a profile.
    pub fn new(context: &Context, hub: Hub, profile: &Profile) -> Self {
        let mut overrides = profile.overrides.clone();
        if profile.has_api_key {
            // The client runs this by `sh -c`, or by `cmd` on Windows, and reads the key from its pipe: it stands in no file that is shared, and in no argument.
            let program = context.program.to_string_lossy();
            let program = paths::in_any_shell(&program).unwrap_or_else(|| Shell::Sh.quote(&program));
            overrides.insert(API_KEY_HELPER.into(), format!("{program} api-key {}", profile.name).into());
        }
        let layout = &context.layout;
        let base = layout.base(&profile.name);
        let remembered_mode = base.join("links");
        let remembered = || fs::read_to_string(&remembered_mode).ok().map(OsString::from);
        let mode = context.env.get(CLAUTH_LINK_MODE).map(OsStr::to_owned).or_else(remembered);
        let mode = mode.as_deref().map_or_else(LinkMode::default, LinkMode::from_name);
        let limit = context.env.get(CLAUTH_COPIES_LIMIT).and_then(|limit| limit.to_str()?.parse().ok()).unwrap_or(dedup::LIMIT);
        let sides = Sides::new(&profile.config_dir, &hub.directory, layout.rescue(&profile.name), layout.trash(), mode);
        Self {
            config_dir: profile.config_dir.clone(),
            profile_file: layout.profile_file(&profile.name),
            hub,
            sides,
            losses: layout.losses(&profile.name),
            deletions: Deletions { held: base.join("held.json"), accepted: layout.accepted_deletions() },
            base,
            remembered_mode,
            limit,
            own_overrides: overrides.clone(),
            overrides,
        }
    }

    /// Makes or mends all of it. What cannot be mended is returned and everything else goes on; without a directory, or with settings that lead
    /// elsewhere, there is no tree.
    pub fn prepare(&mut self, use_: Use) -> Result<Vec<anyhow::Error>> {
        // A profile that was removed meanwhile must not come back as a directory without one.
        anyhow::ensure!(self.profile_file.exists(), "{} does not exist any more", self.profile_file.display());
        refuse_redirection(&self.hub, &self.config_dir, &self.overrides)?;
        if use_ == Use::Beginning {
            self.refuse_one_place()?;
        }
        self.overrides.clone_from(&self.own_overrides);
        hosts::cover(&self.hub.directory.join(SETTINGS), &mut self.overrides);
        let mut troubles = Vec::new();
        let ended = self.end_overrides();
        let wanted = self.sides.mode;
        troubles.extend(loop {
            let troubles = links::prepare(&self.sides, &self.hub, use_)?;
            match self.sides.mode.next().filter(|_| links::lacks_links(&troubles)) {
                Some(next) => self.sides.mode = next,
                None => break troubles,
            }
        });
        if self.sides.mode != wanted {
            self.remember_links(wanted)?;
        }
        match ended.and_then(|()| self.keep_settings()) {
            // Without its overrides the profile's client would go to another server, or use another account's key; without any settings it would clean up as
            // by default.
            Err(error) if !is_copy(&self.config_dir.join(SETTINGS)) => return Err(error),
            kept => troubles.extend(kept.err()),
        }
        Ok(troubles)
    }

    /// Fails when the profile's directory and the hub, or a directory that would be carried between them, are one place: what is on one side only would be
    /// looked for there and not found.
    fn refuse_one_place(&self) -> Result<()> {
        let [own, hub] = Side::BOTH.map(|side| self.sides.root(side));
        // A link to the hub, as clauth 0.5 made them, becomes a directory.
        let mirrored = names::MIRRORED
            .iter()
            .filter(|name| !own.join(name).is_symlink())
            .map(|name| [own.join(name), self.sides.path(Side::Hub, Path::new(name))]);
        for [one, other] in std::iter::once([own.to_path_buf(), hub.to_path_buf()]).chain(mirrored) {
            if places::overlap(&one, &other)? {
                bail!(Mistake::OnePlace { one: one.display().to_string(), other: other.display().to_string() });
            }
        }
        if let Some(name) = places::hub_name_meeting(&self.hub, own)? {
            bail!(Mistake::OnePlace { one: name.display().to_string(), other: own.display().to_string() });
        }
        Ok(())
    }

    /// Says once that files are shared in another way than was wanted, and keeps to it: this user, or this file system, cannot have the links.
    fn remember_links(&self, wanted: LinkMode) -> Result<()> {
        let mode = self.sides.mode;
        io::say(format_args!("{} cannot be made for {}, so it is shared by {}", wanted.means(), self.config_dir.display(), mode.means()));
        io::create_dir(&self.base)?;
        io::write(&self.remembered_mode, mode.name().as_bytes())
    }

    /// Brings the profile's own settings and the hub's together.
    ///
    /// Every profile has its own copy: the client locks its settings by the path as it is spelled, so two clients that wrote through links to one file would
    /// not exclude each other, and one edit would be lost.
    fn keep_settings(&self) -> Result<()> {
        // Before there is a copy that wears them, so that none is ever found without it.
        self.remember(&self.overrides)?;
        let pair = self.settings(&self.overrides);
        let report = json::sync(&pair);
        // Whatever was in the way (a client's lock, a file that is not whole), no client may start without them.
        let (is_copy, worn) = (is_copy(&pair.own), json::wears(&pair.own, &self.overrides));
        // An editor may be at work on a copy that is not whole: without overrides it stays as it is.
        if !is_copy || !worn.unwrap_or(self.overrides.is_empty()) {
            if is_copy && worn.is_none() {
                self.set_copy_aside()?;
            }
            json::redress(&pair, &self.overrides)?;
        }
        let report = report?;
        self.say_what_lost(SETTINGS, &report.lost);
        if !report.overridden.is_empty() {
            let (edited, log) = (report.overridden.join(", "), self.losses.display());
            io::say(format_args!("{SETTINGS}: the profile overrides {edited}, so the edit has no effect; its value is in {log}"));
        }
        if !report.held.is_empty() {
            bail!(held_back(SETTINGS, &report.held));
        }
        match report.left {
            None => Ok(()),
            Some(left) if report.is_locked => Err(anyhow::Error::new(InTurn(left))),
            Some(left) => Err(anyhow!(left)),
        }
    }

    /// Says where values of the hub's lost, and not what they were: they can be secrets.
    pub fn say_what_lost(&self, file: &str, pointers: &[String]) {
        if !pointers.is_empty() {
            let log = self.losses.display();
            io::say(format_args!("{file}: both sides changed {}; the profile's values stay, the others are in {log}", pointers.join(", ")));
        }
    }

    /// Takes overrides back that the profile no longer has, before anything of them could pass for an edit of the user's.
    fn end_overrides(&self) -> Result<()> {
        let own = self.config_dir.join(SETTINGS);
        let Some(ended) = self.remembered() else {
            // Nobody knows what the copy wears, so none of it may pass for the user's. What it says beyond theirs is kept.
            let is_unknown = is_copy(&own) && !json::say_the_same(&own, &self.hub.directory.join(SETTINGS));
            return if is_unknown { self.set_copy_aside() } else { Ok(()) };
        };
        if ended == self.overrides {
            return Ok(());
        }
        if is_copy(&own) && json::wears(&own, &State::new()).is_none() {
            return self.set_copy_aside(); // it is not whole, so nothing can be taken back from it
        }
        let pair = self.settings(&ended);
        json::sync(&pair)?;
        // Killed from here on, the copy may wear either: it is known as wearing both until it does not.
        self.remember(&json::dress(&ended, &self.overrides))?;
        json::redress(&pair, &self.overrides)?;
        self.remember(&self.overrides)
    }

    /// Returns the overrides that the copy may wear; `None` where that is not known.
    fn remembered(&self) -> Option<State> {
        fs::read(self.overrides_file()).ok().and_then(|text| serde_json::from_slice(&text).ok())
    }

    /// Moves the profile's settings to `rescued/`; new ones are made of the hub's.
    fn set_copy_aside(&self) -> Result<()> {
        let own = self.config_dir.join(SETTINGS);
        io::say(format_args!("{} is kept in {}, and made anew", own.display(), self.sides.rescue.display()));
        self.sides.rescue(&own, Path::new(SETTINGS))
    }

    /// Notes on the disk which overrides the copy may wear.
    fn remember(&self, overrides: &State) -> Result<()> {
        if self.remembered().as_ref() == Some(overrides) {
            return Ok(());
        }
        io::create_dir(&self.base)?;
        io::write_durably(&self.overrides_file(), &io::json(overrides)?)
    }

    /// Returns what keeps the mirrored directories the same.
    pub fn mirror(&self) -> Mirror {
        Mirror::open(self.sides.clone(), &self.base, self.limit)
    }

    /// The client's state in the profile and in the hub.
    pub fn claude_json(&self) -> Pair {
        // What was agreed on with another file says nothing of this one.
        let base = if self.hub.claude_json.ends_with(OLD_STATE) { "old-claude.json" } else { "claude.json" };
        self.pair(STATE, self.hub.claude_json.clone(), base, Kind::ClaudeJson)
    }

    fn settings(&self, overrides: &State) -> Pair {
        self.pair(SETTINGS, self.hub.directory.join(SETTINGS), SETTINGS, Kind::Settings { overrides: overrides.clone() })
    }

    fn pair(&self, name: &str, hub: PathBuf, base: &str, kind: Kind) -> Pair {
        let deletions = self.deletions.clone();
        Pair { own: self.config_dir.join(name), hub, base: self.base.join(base), kind, losses: self.losses.clone(), deletions }
    }

    /// Lets go of what too many deletions at once held back: removes it from the profile's files, from where it goes on to the hub. Returns what.
    pub fn accept_deletions(&self) -> Result<Keys> {
        let held = self.deletions.held();
        self.deletions.accept()?;
        for (file, keys) in &held {
            let pair = if file == STATE { self.claude_json() } else { self.settings(&self.overrides) };
            if !json::drop_keys(&pair, keys)? {
                bail!("a client keeps {} locked; try again when it is quiet", pair.own.display());
            }
        }
        self.deletions.let_go()?;
        Ok(held)
    }

    /// Remembers which overrides the profile's copy was dressed with.
    fn overrides_file(&self) -> PathBuf {
        self.base.join("overrides.json")
    }
}

/// Says that a client writes the settings at this moment, or was killed while it did: the next try comes soon.
#[derive(Debug)]
pub struct InTurn(String);

impl std::fmt::Display for InTurn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for InTurn {}

/// How many names a message lists.
const SHOWN: usize = 5;

/// Fails when the shared settings or the profile's, or the state of either, would send the client to another place, and so to another account.
pub fn refuse_redirection(hub: &Hub, config_dir: &Path, overrides: &State) -> Result<()> {
    let shared = hub.directory.join(SETTINGS);
    let file = || shared.display().to_string();
    let unclear = |reason: String| Mistake::SettingsUnclear { file: file(), reason };
    // What cannot be opened, the client cannot read either; what it can read and we do not, could lead anywhere.
    let text = match io::read_regular(&shared, claude_code::LIMIT) {
        Ok(None) if fs::metadata(&shared).is_ok_and(|meta| meta.is_file()) => {
            return Err(unclear(format!("it is over {} MB", claude_code::LIMIT / 1024 / 1024)).into());
        }
        read => read.ok().flatten().unwrap_or_default(),
    };
    let redirect = |file: String, variable: &str| Err(Mistake::SettingsRedirect { file, variable: variable.into() }.into());
    if let Some(variable) = json::text_redirects(&text).map_err(|broken| unclear(broken.to_string()))? {
        return redirect(file(), variable);
    }
    if let Some(variable) = json::redirects(overrides) {
        return redirect("profile.toml".into(), variable);
    }
    for state in [&hub.claude_json, &config_dir.join(STATE)] {
        if let Some(variable) = json::redirects(&State::from_iter([(ENV.into(), account::env_of(state).into())])) {
            return redirect(state.display().to_string(), variable);
        }
    }
    Ok(())
}

/// Says that keys stay which vanished.
pub fn held_back(file: &str, keys: &[String]) -> String {
    format!(
        "held: {file}: too many keys vanished at once, so they stay: {}; run `clauth removals accept` to remove them everywhere, or `clauth removals \
         restore` to keep them",
        first_few(keys)
    )
}

/// Lists names; of many only the first.
pub fn first_few(names: &[impl AsRef<str>]) -> String {
    let few: Vec<_> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len() - few.len();
    few.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

fn is_copy(settings: &Path) -> bool {
    fs::symlink_metadata(settings).is_ok_and(|meta| meta.is_file())
}
