//! The prompt hook, in every shell of this machine.

mod changes;
mod direnv;
mod frameworks;
mod hostile;
mod kinds;
mod neighbours;
mod no_answer;
mod overriding;
mod own;
mod pin;
mod powershell;
mod quoting;
mod record;
mod remotes;
mod selection;
mod settings;
mod strict;
mod unchanged;
mod user_shell;
mod worktrees;

use crate::support::syntax::UNSET;
use crate::support::world::{World, entered, left};
use crate::support::{Language, Shell, Terminal};

impl Shell {
    /// Returns the line that prints the user's traps.
    fn list_traps(&self) -> &'static str {
        if self.language == Language::Fish { "trap -p INT" } else { "trap" }
    }
}

/// Takes a shell through every kind of directory, and asserts at each what it says and exports; at the end it stands where nothing is
/// bound.
///
/// The fake `claude` is not asked: where it refuses, it would end a shell with `set -e`.
fn tour(world: &World, terminal: &mut Terminal) {
    let shell = terminal.shell().clone();
    let (work, acme) = (world.bind("home/tour/work", "work"), world.bind("home/tour/acme", "acme"));
    let refused = world.write("home/tour/refused/.clauth.toml", "profile = \"work\"\n");
    let refused = refused.parent().unwrap();
    let not_allowed = format!(
        "clauth: {}/.clauth.toml asks for the profile `work` and is not allowed yet; run `clauth allow`, or `clauth deny` to ignore it",
        refused.display()
    );
    let stations = [
        (work.as_path(), entered("work"), world.config_dir("work")),
        (&acme, entered("acme"), world.config_dir("acme")),
        (refused, not_allowed, world.refused_config_dir()),
        (&work, entered("work"), world.config_dir("work")),
        (&world.plain(), left("work"), UNSET.to_owned()),
    ];
    for (directory, says, config_dir) in stations {
        assert_eq!(terminal.run(&shell.cd(directory)), says, "{}", terminal.transcript());
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), config_dir);
        assert_eq!(terminal.run(""), "");
    }
}
