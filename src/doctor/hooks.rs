//! Which shells have the prompt hook.

use std::path::PathBuf;

use serde::Serialize;

use super::Finding;
use crate::context::Context;
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
    let (mut hooks, mut without) = (Vec::new(), Vec::new());
    for shell in HOOKED {
        let is_hooked = |file: &PathBuf| std::fs::read_to_string(file).is_ok_and(|text| block::is_hooked(&text));
        let file = shell.startup_files(&context.env).into_iter().find(is_hooked);
        if file.is_some() || (shell.is_in_use(&context.env) && shell.is_hooked_when_fresh().is_ok()) {
            hooks.push(Hook { shell: shell.to_string(), file });
        } else if shell.is_in_use(&context.env) {
            without.push(shell);
        }
    }
    let found = if hooks.is_empty() {
        let why = "without it no directory chooses an account";
        vec![Finding::problem("no shell's startup file has the prompt hook", why, "run `clauth setup`")]
    } else {
        without.into_iter().map(missing).collect()
    };
    (hooks, found)
}

fn missing(shell: Shell) -> Finding {
    let remedy = format!("run `clauth setup --shell {shell}`, if you use that shell");
    Finding::note(format!("{shell} has no prompt hook"), "there no directory chooses an account", remedy)
}
