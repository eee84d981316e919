//! `clauth setup`: puts the hook into the startup files of the shells in use, or takes it out again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{completions, editors, shim};
use crate::claude_code::STATE;
use crate::context::Context;
use crate::doctor;
use crate::error::Mistake;
use crate::io;
use crate::name::ProfileName;
use crate::shell::{HOOKED, Shell, block, command_line};
use crate::sys;

/// Put the prompt hook and completions into your shell's startup file, and the wrapper into your editors
///
/// Shows the lines and asks first. The account you have now stays what it is.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    /// bash, zsh, fish or pwsh; all that you use when absent
    #[arg(long, value_name = "SHELL")]
    shell: Vec<Shell>,
    /// Only tell editors to start Claude Code with the account of the folder: VS Code and its kin, and Zed
    #[arg(long, conflicts_with = "shell")]
    editors: bool,
    /// Leave PATH alone: editors, scripts and `cd x && claude` use the account that they use without clauth
    #[arg(long)]
    no_shim: bool,
    /// As by default: earlier versions asked for the shim by this
    #[arg(long, hide = true, conflicts_with = "no_shim")]
    shim: bool,
    /// Take everything out again; profiles stay
    #[arg(long, conflicts_with_all = ["shim", "no_shim"])]
    uninstall: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// One file to be written, or removed.
struct Edit {
    file: PathBuf,
    before: Option<String>,
    /// `None`: removed.
    after: Option<String>,
    /// What to show of it, and whether it is the user's file and so worth a backup.
    lines: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments, cli: &mut clap::Command) -> Result<ExitCode> {
    if arguments.uninstall {
        return uninstall(context, arguments);
    }
    if arguments.editors {
        let outcome = editors::set_up(context, !arguments.no_shim, arguments.yes)?;
        return Ok(if outcome == editors::Outcome::Whole { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let shells =
        if arguments.shell.is_empty() { HOOKED.into_iter().filter(|shell| shell.is_in_use(&context.env)).collect() } else { arguments.shell.clone() };
    if shells.is_empty() {
        bail!(Mistake::NoShellFound { variable: "SHELL".into() });
    }
    let has_shim = !arguments.no_shim || fs::symlink_metadata(context.layout.shim()).is_ok();
    let mut edits = Vec::new();
    for shell in &shells {
        edits.extend(edits_for(context, *shell, has_shim, cli)?);
    }
    edits.retain(|edit| edit.before != edit.after);
    for edit in &edits {
        match &edit.lines {
            Some(_) => io::say(format_args!("{} gets these lines:", edit.file.display())),
            None => io::say(format_args!("{} gets the completions", edit.file.display())),
        }
        for line in edit.lines.iter().flat_map(|lines| lines.lines()) {
            io::say(format_args!("    {line}"));
        }
    }
    if edits.is_empty() {
        io::say("everything is in place already");
    } else {
        io::confirm("write them?", arguments.yes)?;
    }
    edits.iter().try_for_each(write)?;
    if !arguments.no_shim {
        shim::install(context, context.layout.writable()?)?;
        let shim = context.layout.shim();
        io::say(format_args!("{} decides where no prompt does: in editors, scripts and `cd x && claude`", shim.display()));
    }
    let editors = editors::offer(context, !arguments.no_shim, arguments.yes)?;
    let judged = doctor::judge(context, &shells);
    for one in &judged {
        match one.fresh.obstacle {
            None if one.fresh.completes => io::say(format_args!("{}: a fresh shell has the hook", one.shell)),
            None => io::say(format_args!("{}: a fresh shell has the hook; {}", one.shell, one.shell.completion_need())),
            Some(_) => {}
        }
        for finding in &one.findings {
            io::say(format_args!("{}: {}; {}", one.shell, finding.what, finding.remedy));
        }
    }
    let works = editors == editors::Outcome::Whole && judged.iter().all(doctor::Judged::runs);
    say_what_next(context, has_shim);
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn edits_for(context: &Context, shell: Shell, has_shim: bool, cli: &mut clap::Command) -> Result<Vec<Edit>> {
    let files = shell.startup_files(&context.env);
    let Some(usual) = files.first() else { bail!(Mistake::NoHook { shell: shell.to_string() }) };
    let completion_file = shell.completion_file(&context.env);
    let mut edits = Vec::new();
    let mut by_hand = None;
    for file in &files {
        by_hand = by_hand.or(read(file)?.filter(|text| block::is_hooked_by_hand(text)).map(|_| file));
    }
    if let Some(file) = by_hand {
        io::say(format_args!("{shell}: {} has the hook already, by a line of your own", file.display()));
    } else {
        let called = which::which_in("clauth", Some(context.env.absolute_path()), "/").ok().filter(|found| sys::same_file(found, &context.program));
        let program = called.map_or_else(|| context.program.to_string_lossy().into_owned(), |_| "clauth".into());
        let bin = has_shim.then(|| context.layout.bin());
        let lines = shell.startup_lines(&program, completion_file.as_deref(), bin.as_deref());
        let before = read(usual)?;
        let after = block::insert(before.as_deref().unwrap_or_default(), &lines);
        edits.push(Edit { file: usual.clone(), before, after: Some(after), lines: Some(lines) });
    }
    if let (Some(file), Some(script)) = (completion_file, completions::script(shell, cli)) {
        edits.push(Edit { before: read(&file)?, file, after: Some(script), lines: None });
    }
    Ok(edits)
}

fn uninstall(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let settings = editors::removals(context)?;
    for removal in &settings {
        io::say(removal);
    }
    if arguments.editors {
        if settings.is_empty() {
            io::say("no editor has a setting of clauth's");
        } else {
            io::confirm("do that?", arguments.yes)?;
        }
        editors::take_back(context, settings)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut edits = Vec::new();
    for shell in HOOKED {
        for file in shell.startup_files(&context.env) {
            let before = read(&file)?;
            let without = before.as_deref().map(block::remove);
            // What setup made, and nobody wrote in since, goes; what the user wrote, or had made, stays.
            let after = without.filter(|text| !text.is_empty() || before.as_deref() == Some("") || backup(&file).exists());
            edits.push(Edit { file, before, after, lines: None });
        }
        if let Some(file) = shell.completion_file(&context.env) {
            let before = read(&file)?.filter(|text| text.contains("clauth"));
            edits.push(Edit { file, before, after: None, lines: None });
        }
    }
    edits.retain(|edit| edit.before != edit.after);
    for edit in &edits {
        io::say(format_args!("{} {}", edit.file.display(), if edit.after.is_some() { "loses clauth's lines" } else { "is removed" }));
    }
    let links = [("shim", context.layout.shim()), ("wrapper", context.layout.wrapper())];
    let links: Vec<_> = links.into_iter().filter(|(_, link)| fs::symlink_metadata(link).is_ok()).collect();
    for (what, link) in &links {
        io::say(format_args!("the {what} {} is removed", link.display()));
    }
    if edits.is_empty() && links.is_empty() && settings.is_empty() {
        io::say("no startup file has lines of clauth's");
    } else {
        io::confirm("do that?", arguments.yes)?;
    }
    if !settings.is_empty() || context.layout.editors().exists() {
        editors::take_back(context, settings)?;
    }
    for edit in &edits {
        write(edit)?;
        let backup = backup(&edit.file);
        if edit.after.as_ref().is_some_and(|after| fs::read(&backup).is_ok_and(|text| text == after.as_bytes())) {
            let _ = fs::remove_file(backup); // the file is again what it was of
        }
    }
    for file in HOOKED.into_iter().filter_map(|shell| shell.completion_file(&context.env)) {
        // Where setup made the way to it: `site-functions` of `zsh`, say, unless anything else is there.
        let _ = file.ancestors().skip(1).take(2).try_for_each(fs::remove_dir);
    }
    if !links.is_empty() {
        shim::remove(context, context.layout.writable()?)?;
        let _ = fs::remove_dir(context.layout.bin()).and_then(|()| fs::remove_dir(context.layout.home())); // unless anything else is there
        if !matches!(Shell::at_hand(), Some(Shell::Fish | Shell::Pwsh)) {
            io::say("a shell that remembers `claude` as the shim finds it again after `hash -r`");
        }
    }
    io::say("shells that run keep the hook until they end; profiles stay: `clauth remove NAME` takes one away");
    Ok(ExitCode::SUCCESS)
}

/// Reads a file of the user's; what is no text would be damaged by writing it.
fn read(file: &Path) -> Result<Option<String>> {
    match io::read_text(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", file.display())),
    }
}

fn write(edit: &Edit) -> Result<()> {
    let file = led_to(&edit.file);
    let Some(after) = &edit.after else {
        return fs::remove_file(&file).with_context(|| format!("could not remove {}", edit.file.display()));
    };
    if let Some(directory) = edit.file.parent() {
        fs::create_dir_all(directory).with_context(|| format!("could not create {}", directory.display()))?;
    }
    let backup = backup(&edit.file);
    if edit.before.is_some() && edit.lines.is_some() && fs::symlink_metadata(&backup).is_err() {
        // With the mode of the file: it may be one that nobody else reads.
        fs::copy(&edit.file, &backup).with_context(|| format!("could not write {}", backup.display()))?;
    }
    io::write_public(&file, after.as_bytes())
}

/// Returns where a link of the user's own leads, to nothing yet too; any other path as it is.
pub(super) fn led_to(file: &Path) -> PathBuf {
    fs::canonicalize(file).or_else(|_| fs::read_link(file).map(|target| file.with_file_name("").join(target))).unwrap_or_else(|_| file.into())
}

fn backup(file: &Path) -> PathBuf {
    io::with_ending(file, ".before-clauth")
}

fn say_what_next(context: &Context, has_shim: bool) {
    let home = context.env.home_dir().unwrap_or_default();
    let entries = fs::read_dir(&home).into_iter().flatten().flatten();
    let mut others: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name.starts_with(".claude-")).collect();
    others.retain(|name| home.join(name).join(STATE).exists());
    others.sort();
    for name in others {
        let suggested: Result<ProfileName, _> = name.trim_start_matches(".claude-").parse();
        let suggested = suggested.as_ref().map_or("NAME", ProfileName::as_str);
        io::say(format_args!(
            "~/{name} looks like an account of its own; `{}` makes it a profile",
            command_line(["clauth".as_ref(), "import".as_ref(), home.join(&name).as_os_str(), suggested.as_ref()])
        ));
    }
    if !has_shim {
        io::say("editors, scripts and `cd x && claude` have no prompt: `clauth setup` lets them choose by directory too");
    }
    // The shell at hand began without the hook.
    let here = Shell::at_hand().filter(|shell| HOOKED.contains(shell)).map(|shell| format!(" (here: `exec {shell}`)")).unwrap_or_default();
    io::say(format_args!("the account you have now stays as it is; in a new shell{here}, for each further one:"));
    if context.config().and_then(|config| context.hub(&config)).is_err() {
        io::say("  claude                           # once: it makes ~/.claude, which all accounts share");
    }
    io::say("  clauth login work --dir ~/work   # makes the profile, signs in, in the browser, and binds the directory");
}
