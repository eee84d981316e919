//! Which shells have the prompt hook.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Finding;
use crate::context::Context;
use crate::io;
use crate::shell::{HOOKED, Shell, block};

/// A shell that has the hook.
#[derive(Debug, Serialize)]
pub struct Hook {
    /// The shell.
    pub shell: String,
    /// The startup file that says so; null where a fresh shell has it by a file that clauth does not know.
    pub file: Option<PathBuf>,
}

/// Returns the shells that have it, and what is wrong with the others that the user uses.
pub fn look(context: &Context) -> (Vec<Hook>, Vec<Finding>) {
    let (mut hooks, mut without, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for shell in HOOKED {
        let is_hooked = |file: &PathBuf| io::read_text(file).is_ok_and(|text| block::is_hooked(&text));
        let file = shell.startup_files(&context.env).into_iter().find(is_hooked);
        let is_in_use = shell.is_in_use(&context.env);
        match file {
            Some(file) if is_in_use && shell.completes_when_fresh().is_err() => found.push(without_effect(shell, &file)),
            None if !is_in_use => {}
            None if shell.completes_when_fresh().is_err() => without.push(shell),
            file => hooks.push(Hook { shell: shell.to_string(), file }),
        }
    }
    if hooks.is_empty() && found.is_empty() {
        found.push(Finding::problem("no shell's startup file has the prompt hook", WITHOUT, "run `clauth setup`"));
    } else {
        found.extend(without.into_iter().map(missing));
    }
    (hooks, found)
}

/// Why a hook that is not there is worth a word.
const WITHOUT: &str = "without it no directory chooses an account";

fn without_effect(shell: Shell, file: &Path) -> Finding {
    let what = format!("{} asks for the prompt hook, and a fresh {shell} does not have it", file.display());
    Finding::problem(what, WITHOUT, "look whether the file ends, or becomes another shell, before that line")
}

fn missing(shell: Shell) -> Finding {
    let remedy = format!("run `clauth setup --shell {shell}`, if you use that shell");
    Finding::note(format!("{shell} has no prompt hook"), "there no directory chooses an account", remedy)
}
