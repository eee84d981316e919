//! Editors: which account the panel of each has in a directory, and what broke the way there.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Finding;
use crate::account::Standing;
use crate::context::Context;
use crate::editor::{self, Editor, Record, Said, settings};
use crate::env;
use crate::io;
use crate::selection::{Outcome, Resolution, bound_here};
use crate::sys;

/// What an editor starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Starts {
    /// Clauth's wrapper or shim.
    Clauth,
    /// A program of the user's own.
    Own,
    /// The client that it brings.
    Bundled,
    /// Nobody can tell: its settings cannot be read.
    Unknown,
}

/// An editor's panel in a directory.
#[derive(Debug, Serialize)]
pub struct Panel {
    /// The editor.
    pub editor: &'static str,
    /// Its settings, or those of one of its profiles.
    pub settings: PathBuf,
    /// What it starts.
    pub starts: Starts,
    /// The profile that its panel has, or null.
    pub profile: Option<String>,
    /// The account, as far as it is known.
    pub account: Option<String>,
    /// Why.
    pub why: String,
    #[serde(skip)]
    is_broken: bool,
}

impl Panel {
    /// Says it to a person.
    pub fn text(&self) -> String {
        let account = match (&self.profile, &self.account) {
            (Some(profile), Some(account)) => format!("{profile} · {account}"),
            (Some(profile), None) => profile.clone(),
            (None, Some(account)) => account.clone(),
            (None, None) => "no account that clauth knows".into(),
        };
        format!("{}: {account}; {} ({})", self.editor, self.why, self.settings.display())
    }
}

/// Looks at every editor of this user, for a directory.
pub fn panels(context: &Context, directory: &Path) -> Vec<Panel> {
    let editors = editor::found(&context.env);
    if editors.is_empty() {
        return Vec::new();
    }
    // By the folder alone: what this shell has loaded, an editor may have inherited or not, and the wrapper does not follow it.
    let here = context.config().map(|config| bound_here(&context.layout, &config, directory));
    let plain = context.config().and_then(|config| context.hub(&config)).ok().and_then(|hub| Standing::shown(&hub.claude_json).summary().account);
    let mut panels = Vec::new();
    for editor in &editors {
        for file in &editor.files {
            panels.push(look(context, editor, file, here.as_ref(), plain.as_ref()));
        }
    }
    panels
}

fn look(context: &Context, editor: &Editor, file: &Path, here: Result<&Resolution, &crate::error::Mistake>, plain: Option<&String>) -> Panel {
    let program = editor.program(&context.layout);
    let panel =
        |starts, why: String| Panel { editor: editor.name, settings: file.into(), starts, profile: None, account: None, why, is_broken: false };
    let text = match io::read_text(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return panel(Starts::Unknown, format!("its settings cannot be read: {error}")),
        Ok(text) => text,
    };
    match settings::look(&text, editor.setting) {
        Err(reason) => panel(Starts::Unknown, format!("its settings cannot be read: {reason}")),
        Ok(Said::Value(value)) if Path::new(&value) != program => {
            let is_broken = Path::new(&value).is_absolute() && !Path::new(&value).exists();
            let state = if is_broken { ", which is not there, so its panel fails" } else { "" };
            Panel { is_broken, ..panel(Starts::Own, format!("it starts a program of your own, {value}{state}")) }
        }
        Ok(Said::Nothing) => {
            let is_broken = Record::read(&context.layout).of(file).is_some();
            let why =
                if is_broken { "clauth's setting is gone from its settings" } else { "it starts the Claude Code that it brings, in every folder" };
            Panel { account: plain.cloned(), is_broken, ..panel(Starts::Bundled, why.into()) }
        }
        Ok(Said::Value(_)) if !sys::linked_program(&program).is_ok_and(|program| program.exists()) => {
            Panel { is_broken: true, ..panel(Starts::Clauth, format!("{} leads to a program that is gone, so its panel fails", program.display())) }
        }
        Ok(Said::Value(_)) => match here.map(|here| &here.outcome) {
            Err(mistake) | Ok(Outcome::Refused(mistake)) => panel(Starts::Clauth, format!("the folder is refused: {mistake}")),
            Ok(Outcome::Unbound) => Panel { account: plain.cloned(), ..panel(Starts::Clauth, "nothing is bound in this folder".into()) },
            Ok(Outcome::Bound(profile)) => Panel {
                profile: Some(profile.name.to_string()),
                account: Some(Standing::of(&context.layout, &profile.name, &profile.config_dir).summary().who()),
                ..panel(Starts::Clauth, "this folder is bound to it".into())
            },
        },
    }
}

/// Looks at them for the working directory.
pub fn here(context: &Context) -> Vec<Panel> {
    env::current_dir().map(|directory| panels(context, &directory)).unwrap_or_default()
}

/// Finds what is wrong with them.
pub fn examine(panels: &[Panel]) -> Vec<Finding> {
    let why = "its panel does not have the account of the folder";
    let finding = |panel: &Panel| {
        let what = || format!("{}: {} ({})", panel.editor, panel.why, panel.settings.display());
        match panel.starts {
            Starts::Own if panel.is_broken => Some(Finding::problem(what(), why, "take that setting out of it, then run `clauth setup --editors`")),
            _ if panel.is_broken => Some(Finding::problem(what(), why, "run `clauth setup --editors`, then reload the editor's windows")),
            Starts::Bundled => Some(Finding::note(what(), why, "run `clauth setup --editors`, if you use Claude Code in it")),
            Starts::Unknown => Some(Finding::note(what(), why, "correct that file, then run `clauth setup --editors`")),
            Starts::Own | Starts::Clauth => None,
        }
    };
    panels.iter().filter_map(finding).collect()
}
