//! The user's own settings, edited while shells run: no command of clauth's tells of that.

use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Shell, Started, Startup, Traced, wait_until};

#[test]
fn an_edit_of_the_settings_counts_from_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        world.configure("default_profile = \"work\"\n");
        assert_eq!(terminal.run(""), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        // File times can be as coarse as a second: an edit is one that the shell can tell from the last.
        wait_until("the next edit counts", || {
            world.configure("default_profile = \"acme\"\n");
            terminal.run("").contains("acme")
        });
        assert_eq!(terminal.run("claude"), world.claude("acme"));
        std::fs::remove_file(world.path("home/.clauth/config.toml")).unwrap();
        assert_eq!(terminal.run(""), left("acme"));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
    });
}

#[test]
fn settings_that_did_not_change_cost_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure("quiet = true\n[[rule]]\ndir = \"~/ruled\"\nprofile = \"work\"\n");
        for directory in [world.bind("home/w", "work"), world.mkdir("home/ruled/deep"), world.mkdir("home/beside")] {
            let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked().in_directory(&directory)) else { return };
            traced.terminal.run("");
            let started = traced.processes_started(|terminal| {
                terminal.run("");
            });
            assert_eq!(started, Started::default(), "{}", directory.display());
        }
    });
}
