//! `clauth import`: a config directory that the user made without clauth becomes a profile.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, ValueHint};

use super::{arrive, removal};
use crate::account::{self, Place};
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::claude_code::{CREDENTIALS, OLD_STATE, STATE};
use crate::context::Context;
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io::{self, epoch};
use crate::name::ProfileName;
use crate::profile::{self, Profile};
use crate::sharing::belongings::Belongings;
use crate::sharing::json::claude_json;
use crate::sharing::places;
use crate::sharing::settle::Kept;
use crate::shell::command_line;
use crate::sys;

/// Turn a config directory of your own into a profile: its login moves there, its history and settings to ~/.claude
#[derive(Args)]
pub struct Arguments {
    /// The directory, as ~/.claude-work
    #[arg(value_hint = ValueHint::DirPath)]
    dir: PathBuf,
    /// The profile: a new one, or one without a login
    name: String,
    /// List what would move and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let name: ProfileName = arguments.name.parse().map_err(|mistake| or_swapped(context, mistake, arguments))?;
    let layout = context.layout.writable()?;
    let hub = context.hub(&context.config()?)?;
    let note = layout.importing(&name);
    let typed = context.typed(&arguments.dir);
    let directory = directory(context, &hub, &typed, &note)?;
    let from = place(context, &directory, &typed)?;
    arrive::refuse_clients(&from.directory)?;
    if !arguments.dry_run {
        context.refuse_unsettled()?;
        removal::finish(context, &name)?;
    }
    let belongings = belongings(context, &from, &hub)?;
    let is_signed_in = refuse_unfit(context, &name, &from)? && belongings.has_login;
    let rescue = layout.rescue(&name);
    // Of what `remove` has kept within this very second, what loses goes beside it.
    let rescue = if sys::same_file(&rescue, &from.directory) { io::with_ending(&rescue, "+") } else { rescue };
    if arguments.dry_run {
        io::print(plan(&belongings, is_signed_in, &from, &hub, &name, &rescue))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes {
        io::say(summary(&belongings, is_signed_in, &from, &hub, &rescue));
    }
    io::confirm(&format!("make {} the profile {name}?", from.directory.display()), arguments.yes)?;

    let state = profile::lock_state(layout)?;
    arrive::refuse_clients(&from.directory)?;
    let belongings = self::belongings(context, &from, &hub)?;
    let is_signed_in = refuse_unfit(context, &name, &from)? && belongings.has_login;
    let profile = arrive::make_ready(layout, &state, &hub, &name)?;
    // Killed from here on, the same command goes on from whatever is left; `doctor` names it by this note.
    io::write_for_good(&note, named(&from.directory).as_bytes())?;
    // What is shared first: killed before the login moves, all of it can be done again.
    let mut kept = belongings.share(&from.directory, &hub, &rescue)?;
    if belongings.has_state {
        ensure!(claude_json::take_in(&hub.claude_json, &from.claude_json)?, arrive::busy(&hub.directory));
    }
    let to = Place::of(&profile.config_dir);
    let mut remains = None;
    if is_signed_in {
        remains = account::transfer(layout, &from, &to)?;
    } else if belongings.has_state && !to.is_signed_in(&layout)? {
        account::transfer_account(&from, &to)?;
    }
    // Before the names by which a directory is known as one of Claude Code's: without them the command could not be run again.
    io::remove(&note)?;
    let login = from.store(&layout).file().to_path_buf();
    for (is_there, file) in [(belongings.has_state, &from.claude_json), (belongings.has_login && !is_signed_in && login.exists(), &login)] {
        if is_there && let Some(name) = file.file_name() {
            io::keep(file, &rescue.join(name))?;
            kept.rescued.push(name.into());
        }
    }
    epoch::advance(layout)?;
    drop(state); // what is told of other profiles may take one of an older clauth over, under this very lock
    tell(to.is_signed_in(&layout).unwrap_or(false), &belongings, &from, &profile, &kept, &rescue);
    let in_this_shell = context.env.non_empty(CLAUDE_CONFIG_DIR).is_some_and(|value| sys::same_file(Path::new(value), &from.directory));
    io::say(format_args!(
        "where a shell or an alias of yours sets CLAUDE_CONFIG_DIR to {}, as {}, take that out: use `clauth use {name}` in its directories, or `clauth \
         start {name}`",
        arguments.dir.display(),
        if in_this_shell { "this one does" } else { "in ~/.bashrc" }
    ));
    arrive::tell_what_remains(&from, remains.as_deref());
    arrive::tell_kin(context, &hub, &profile, arrive::Came::Moved);
    Ok(ExitCode::SUCCESS)
}

/// Says that directory and profile stand in each other's place, if that is what is wrong, with the line that was meant.
fn or_swapped(context: &Context, mistake: Mistake, arguments: &Arguments) -> Mistake {
    let name = arguments.dir.to_str().filter(|name| name.parse::<ProfileName>().is_ok());
    match name {
        Some(name) if context.typed(Path::new(&arguments.name)).is_dir() => {
            let line = command_line(["clauth", "import", &arguments.name, name]);
            Mistake::DirectoryForProfile { directory: arguments.name.clone(), line }
        }
        _ => mistake,
    }
}

/// Fails where the login there cannot be one of the profile's; returns whether there is one at all.
fn refuse_unfit(context: &Context, name: &ProfileName, from: &Place) -> Result<bool> {
    match from.login(&context.layout) {
        Ok(_) => arrive::refuse_unfit(context, name).map(|()| true),
        // One that was interrupted comes again without its login, to the very profile that has it by now.
        Err(Mistake::NoLogin { .. }) => Ok(false),
        Err(broken) => Err(broken.into()),
    }
}

/// Returns how the note of an import names its directory.
fn named(directory: &Path) -> String {
    sys::paths::portable(&directory.to_string_lossy())
}

/// Returns the directory that is to become a profile, resolved; fails where it cannot be one. `note` is what an import of this profile leaves that was killed.
fn directory(context: &Context, hub: &Hub, typed: &Path, note: &Path) -> Result<PathBuf, Mistake> {
    let wrong = |reason: &dyn Display| Mistake::NotImportable { directory: typed.display().to_string(), reason: reason.to_string() };
    let directory = sys::physical(typed).map_err(|error| wrong(&error))?;
    let rescued = io::resolved(&context.layout.rescued());
    let meets = |other: &Path| places::overlap(&directory, other).map_err(|error| wrong(&error));
    if directory == hub.directory {
        return Err(wrong(&"it is what all profiles share; its login alone is moved by `clauth capture`"));
    }
    // What `remove` has kept may come back.
    let is_kept = directory.starts_with(&rescued) && directory != rescued;
    if meets(&hub.directory)? || (!is_kept && (meets(context.layout.home())? || meets(&context.layout.profiles())?)) {
        return Err(wrong(&"it lies in what clauth and its profiles use, or around it"));
    }
    let goes_on = || io::read_text(note).is_ok_and(|text| text == named(&directory));
    if ![STATE, OLD_STATE, CREDENTIALS, "projects"].iter().any(|name| directory.join(name).exists()) && !goes_on() {
        return Err(wrong(&"Claude Code has never used it"));
    }
    Ok(directory)
}

/// Names the place, by the spelling that the Keychain knows it by: Claude Code was told one of a few.
fn place(context: &Context, directory: &Path, typed: &Path) -> Result<Place, Mistake> {
    let set = context.env.non_empty(CLAUDE_CONFIG_DIR).map(Path::new).filter(|set| sys::same_file(set, directory));
    for spelling in [set, Some(typed), Some(&directory.join(""))].into_iter().flatten() {
        let place = Place::of(spelling);
        if spelling.is_absolute() && place.store(&context.layout).held_by()?.is_some() {
            return Ok(place);
        }
    }
    Ok(Place::of(directory))
}

/// Looks at what lies there. A login in the Keychain is the directory's own, as a file of its own is.
fn belongings(context: &Context, from: &Place, hub: &Hub) -> Result<Belongings> {
    let mut found = Belongings::of(&from.directory, hub)?;
    found.has_login |= from.store(&context.layout).held_by()?.is_some();
    Ok(found)
}

/// Lists what would become of each name.
fn plan(belongings: &Belongings, is_signed_in: bool, from: &Place, hub: &Hub, name: &ProfileName, rescue: &Path) -> String {
    let (there, rescue) = (hub.directory.display(), rescue.display());
    let mut lines = Vec::new();
    if is_signed_in {
        let account = account::address(&from.directory);
        lines.push(format!("move  the login of {} to the profile {name}", account.as_deref().unwrap_or("an unknown account")));
    }
    let lost = belongings.in_conflict(&from.directory, hub);
    for (name, files) in &belongings.shared {
        match files.iter().filter(|file| !lost.contains(file)).collect::<Vec<_>>().as_slice() {
            [] => {}
            [only] if only.as_os_str() == name => lines.push(format!("move  {} to {there}", only.display())),
            files => lines.push(format!("move  {} ({}) to {there}", name.display(), io::counted(files.len(), "file"))),
        }
    }
    lines.extend(belongings.has_state.then(|| format!("merge .claude.json into {}; the rest of it goes to {rescue}", hub.claude_json.display())));
    lines.extend(lost.iter().map(|file| format!("keep  {} in {rescue}: {there} has another", file.display())));
    lines.extend(belongings.has_own_settings.then(|| {
        format!("keep  settings.json in {rescue}: it says which account or service to use, so it is not for all profiles; `clauth add` has --base-url, and \
                 profile.toml an [env] and [settings]")
    }));
    lines.extend(
        belongings.places.iter().map(|(name, of_hub)| format!("leave {}: {} leads there, so it is shared already", name.display(), of_hub.display())),
    );
    lines.extend(belongings.links.iter().map(|name| format!("drop  {}: a link to what {there} has", name.display())));
    lines.extend(belongings.staying.iter().map(|name| format!("leave {}", name.display())));
    lines.iter().map(|line| io::terminal_safe(line) + "\n").collect()
}

fn summary(belongings: &Belongings, is_signed_in: bool, from: &Place, hub: &Hub, rescue: &Path) -> String {
    let login = if is_signed_in { "the login moves to the profile" } else { "there is no login" };
    let lost = belongings.in_conflict(&from.directory, hub).len();
    let lost = if lost == 0 { String::new() } else { format!(", but for {lost} that differ there, which go to {}", rescue.display()) };
    let files = io::counted(belongings.files().len(), "shared file");
    format!("{login}; {} gets {files}{lost}", hub.directory.display())
}

fn tell(is_signed_in: bool, belongings: &Belongings, from: &Place, profile: &Profile, kept: &Kept, rescue: &Path) {
    let (name, directory) = (&profile.name, from.directory.display());
    let signed_in = match account::address(&profile.config_dir) {
        _ if !is_signed_in => format!("nobody is signed in yet: `clauth login {name}`"),
        Some(account) => account,
        None => "account unknown".into(),
    };
    let files = io::counted(belongings.files().len(), "file");
    io::say(format_args!("{directory} is the profile {name} now ({signed_in}), and {files} of it shared"));
    let rescued: Vec<_> = kept.rescued.iter().map(|file| file.display().to_string()).collect();
    if !rescued.is_empty() {
        io::say(format_args!("what differs from what is shared is kept in {}: {}", rescue.display(), list(&rescued)));
    }
    let led_to =
        belongings.places.iter().map(|(name, _)| name.display().to_string()).chain(kept.staying.iter().map(|file| file.display().to_string()));
    let led_to: Vec<_> = led_to.collect();
    if !led_to.is_empty() {
        io::say(format_args!("~/.claude leads to what stays in {directory} and is shared from there, so do not remove it: {}", list(&led_to)));
    }
    let staying: Vec<_> = belongings.staying.iter().map(|name| name.display().to_string()).collect();
    if !staying.is_empty() {
        io::say(format_args!("what belongs to that directory alone stays in {directory}: {}", list(&staying)));
    }
}

/// Names a few things, and counts the rest.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let rest = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - rest].join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}
