//! `clauth setup --editors`: tells the editors of this user to start clauth's wrapper, or takes that out again.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::setup::led_to;
use super::shim;
use crate::claude_code::editors::Setting;
use crate::context::Context;
use crate::editor::{self, Done, Editor, Record, Said, settings};
use crate::error::Mistake;
use crate::io;

/// One settings file to be changed.
struct Edit {
    editor: &'static str,
    needs_shim: bool,
    file: PathBuf,
    /// Whether the file is there.
    is_there: bool,
    after: String,
    piece: editor::Piece,
    line: String,
}

/// What there is to do.
#[derive(Default)]
pub struct Plan {
    edits: Vec<Edit>,
    refused: Vec<Mistake>,
    /// What stays as it is, and why.
    kept: Vec<String>,
}

/// Whether something was left for the user to do by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Whole,
    /// It was said what.
    Partial,
}

impl Plan {
    /// Looks at the settings of each editor.
    pub fn make(context: &Context, editors: &[Editor], has_shim: bool) -> Self {
        let mut plan = Self::default();
        for editor in editors {
            if editor.needs_shim() && !has_shim {
                plan.kept.push(format!("{} needs the shim, and so keeps its own Claude Code with `--no-shim`", editor.name));
                continue;
            }
            for file in &editor.files {
                plan.look(context, editor, file);
            }
        }
        plan
    }

    fn look(&mut self, context: &Context, editor: &Editor, file: &Path) {
        let program = editor.program(&context.layout).display().to_string();
        let line = settings::by_hand(editor.setting, &program);
        let refused = |reason: String| Mistake::EditorSettings { file: file.display().to_string(), reason, line: line.clone() };
        let before = match io::read_text(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return self.refused.push(refused(error.to_string())),
        };
        let text = before.as_deref().unwrap_or_default();
        match settings::look(text, editor.setting) {
            Err(reason) => self.refused.push(refused(reason)),
            Ok(Said::Value(value)) if value == program => {}
            Ok(Said::Value(own)) => self.kept.push(format!("{} has a program of your own, {own}, which stays: {}", editor.name, file.display())),
            Ok(Said::Nothing) if fs::metadata(file).is_ok_and(|meta| meta.permissions().readonly()) => {
                self.refused.push(refused("it is read-only".into()));
            }
            Ok(Said::Nothing) => match settings::put(text, editor.setting, &program) {
                Err(reason) => self.refused.push(refused(reason)),
                Ok((after, piece)) => self.edits.push(Edit {
                    editor: editor.name,
                    needs_shim: editor.needs_shim(),
                    file: file.into(),
                    is_there: before.is_some(),
                    after,
                    piece,
                    line,
                }),
            },
        }
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Says what would be written, and what not.
    pub fn show(&self) {
        for kept in &self.kept {
            io::say(kept);
        }
        for edit in &self.edits {
            io::say(format_args!("{}: {} gets {}", edit.editor, edit.file.display(), edit.line));
        }
    }

    /// Writes it, with the programs that it names; what cannot be written is said, with the line to add by hand.
    pub fn carry_out(self, context: &Context) -> Result<Outcome> {
        let layout = context.layout.writable()?;
        if self.edits.iter().any(|edit| edit.needs_shim) {
            shim::install(context, layout)?;
        } else if !self.edits.is_empty() {
            shim::install_wrapper(context, layout)?;
        }
        let (mut refused, mut told) = (self.refused, BTreeSet::new());
        for edit in self.edits {
            match write(context, &edit) {
                Ok(()) => drop(told.insert(if edit.needs_shim {
                    format!("restart {}: then each thread has the account of its project", edit.editor)
                } else {
                    format!("reload the open windows of {} (Developer: Reload Window): then each panel has the account of its folder", edit.editor)
                })),
                Err(error) => {
                    let reason = format!("{error:#}");
                    refused.push(Mistake::EditorSettings { file: edit.file.display().to_string(), reason, line: edit.line });
                }
            }
        }
        for line in told {
            io::say(line);
        }
        let outcome = if refused.is_empty() { Outcome::Whole } else { Outcome::Partial };
        for mistake in refused {
            io::complain(&mistake.into());
        }
        Ok(outcome)
    }
}

fn write(context: &Context, edit: &Edit) -> Result<()> {
    let layout = context.layout.writable()?;
    let directory = edit.file.parent().unwrap_or(&edit.file);
    let mut missing: Vec<PathBuf> = directory.ancestors().take_while(|directory| !directory.exists()).map(Path::to_path_buf).collect();
    missing.reverse();
    let made = (!edit.is_there).then_some(missing);
    // Noted first: after a crash in between, there is nothing of this in the file to be taken back.
    let mut record = Record::read(&layout);
    record.note(layout, &edit.file, Some(Done { piece: edit.piece.clone(), made }))?;
    let created = fs::create_dir_all(directory).with_context(|| format!("could not create {}", directory.display()));
    let written = created.and_then(|()| io::write_public(&led_to(&edit.file), edit.after.as_bytes()));
    if written.is_err() {
        record.note(layout, &edit.file, None)?; // or `doctor` would say that an update took it away
    }
    written
}

/// `clauth setup --editors`.
pub fn set_up(context: &Context, has_shim: bool, yes: bool) -> Result<Outcome> {
    let editors = editor::found(&context.env);
    if editors.is_empty() {
        let line = settings::by_hand(&crate::claude_code::editors::PROCESS_WRAPPER, &context.layout.wrapper().display().to_string());
        bail!(Mistake::NoEditorFound { known: editor::known(), line });
    }
    let mut plan = Plan::make(context, &editors, has_shim);
    plan.show();
    if plan.is_empty() {
        // The last one is told by `main`.
        if let Some(last) = plan.refused.pop() {
            plan.carry_out(context)?;
            bail!(last);
        }
        io::say("each editor is told already, or has a program of your own");
        return Ok(Outcome::Whole);
    }
    io::confirm("write them?", yes)?;
    plan.carry_out(context)
}

/// The same as a part of the whole setup, which goes on without it.
pub fn offer(context: &Context, has_shim: bool, yes: bool) -> Result<Outcome> {
    let plan = Plan::make(context, &editor::found(&context.env), has_shim);
    plan.show();
    if !plan.is_empty() && io::confirm("let their panels start Claude Code by the account of the folder?", yes).is_err() {
        io::say("editors stay as they are; `clauth setup --editors` asks again");
        return Ok(Outcome::Whole);
    }
    plan.carry_out(context)
}

/// One settings file that has clauth's program.
pub struct Removal {
    file: PathBuf,
    setting: &'static Setting,
}

impl std::fmt::Display for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} loses clauth's setting", self.file.display())
    }
}

impl Removal {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// Finds what is to be taken back: what is on record, and what is not and names clauth's program all the same. Fails where that cannot be told: the editor
/// would start a program that is gone.
pub fn removals(context: &Context) -> Result<Vec<Removal>> {
    let record = Record::read(&context.layout);
    let mut found: Vec<Removal> = Vec::new();
    // As JSON has them.
    let own = [context.layout.wrapper(), context.layout.shim()].map(|program| serde_json::json!(program.display().to_string()).to_string());
    let editors = editor::found(&context.env);
    let present = editors.iter().flat_map(|editor| editor.files.iter().map(move |file| (file.clone(), editor.setting)));
    let recorded = record.files().flat_map(|file| editor::SETTINGS.map(|setting| (file.clone(), setting)));
    for (file, setting) in present.chain(recorded) {
        let left = |reason: String, what: &str| Mistake::EditorSettingsLeft {
            file: file.display().to_string(),
            reason,
            line: format!("the line with {what}"),
        };
        let text = match io::read_text(&file) {
            Ok(text) => text,
            Err(error) if error.kind() != ErrorKind::NotFound && record.of(&file).is_some() => bail!(left(error.to_string(), &own[0])),
            Err(_) => continue,
        };
        let Some(program) = own.iter().find(|program| text.contains(&program[1..program.len() - 1])) else { continue };
        let is_ours = match settings::look(&text, setting) {
            Ok(said) => matches!(said, Said::Value(value) if own.contains(&serde_json::json!(value).to_string())),
            // The other setting's path may lead through something else of the user's; that is not a file that cannot be read.
            Err(reason) if settings::look(&text, editor::SETTINGS[0]).is_err() => bail!(left(reason, program)),
            Err(_) => false,
        };
        if is_ours && !found.iter().any(|known| known.file == file) {
            found.push(Removal { file, setting });
        }
    }
    Ok(found)
}

/// Takes it back, each file to what it was but for what the user changed since.
pub fn take_back(context: &Context, removals: Vec<Removal>) -> Result<()> {
    let layout = context.layout.writable()?;
    let mut record = Record::read(&layout);
    for Removal { file, setting } in removals {
        let could_not = || format!("could not take clauth's setting out of {}", file.display());
        let text = io::read_text(&file).with_context(could_not)?;
        let done = record.of(&file);
        let made = done.and_then(|done| done.made.as_ref()).filter(|_| done.is_some_and(|done| done.piece.new == text));
        if let Some(made) = made {
            fs::remove_file(led_to(&file)).with_context(could_not)?;
            let _ = made.iter().rev().try_for_each(fs::remove_dir); // unless anything else is there
        } else {
            let after = settings::take(&text, setting, done.map(|done| &done.piece)).map_err(anyhow::Error::msg).with_context(could_not)?;
            io::write_public(&led_to(&file), after.as_bytes())?;
        }
        record.note(layout, &file, None)?;
    }
    // What the user took out since is nothing to remember.
    io::remove(&layout.editors())
}
