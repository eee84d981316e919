//! Rules by remote under the hook: a changed remote counts from the next prompt, and an unchanged one costs nothing.

use std::fs;

use crate::support::world::{World, entered, left};
use crate::support::{Shell, Started, Startup, Traced, wait_until};

/// The user's settings in these tests.
const RULES: &str = "[[rule]]\nremote = \"github.com/acme/*\"\nprofile = \"acme\"\n\n[[rule]]\nremote = \"github.com/work/*\"\nprofile = \"work\"\n";

#[test]
fn a_changed_remote_counts_from_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure(RULES);
        let Some(repository) = world.repository("home/src/it's $(x) é") else { return };
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&repository)), "");
        let mut set = |url: &str, says: String| {
            // File times can be as coarse as a second: an edit is one that the shell can tell from the last.
            wait_until("the remote counts", || {
                world.git(&repository, &["config", "remote.origin.url", url]);
                terminal.run("") == says
            });
        };
        set("git@github.com:acme/api", entered("acme"));
        set("https://github.com/work/api", entered("work"));
        set("gh:x", left("work"));
        // So do the user's own settings of git, which were not there before.
        world.write("home/.gitconfig", "[url \"https://github.com/acme/\"]\ninsteadOf = gh:\n");
        assert_eq!(terminal.run(""), entered("acme"));
        assert_eq!(terminal.run("claude"), world.claude("acme"));
        fs::remove_dir_all(repository.join(".git")).unwrap();
        assert_eq!(terminal.run(""), left("acme"));
    });
}

#[test]
fn a_new_repository_counts_from_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure(RULES);
        let directory = world.mkdir("home/src/new/below");
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&directory)), "");
        for (top, url, says) in
            [("home/src", "git@github.com:acme/api", entered("acme")), ("home/src/new", "git@github.com:work/api", entered("work"))]
        {
            // In one step, as an archive or `mv` brings it.
            world.write("home/made/HEAD", "ref: refs/heads/main\n");
            world.write("home/made/config", format!("[remote \"origin\"]\nurl = {url}\n"));
            fs::rename(world.path("home/made"), world.path(top).join(".git")).unwrap();
            assert_eq!(terminal.run(""), says);
        }
    });
}

#[test]
fn an_unchanged_prompt_with_rules_by_remote_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure(RULES);
        let Some(repository) = world.repository("home/src/main") else { return };
        world.git(&repository, &["config", "remote.origin.url", "git@github.com:acme/api"]);
        let tree = world.worktree(&repository, "home/tree");
        for directory in [world.mkdir(repository.join("a/b")), tree, world.plain()] {
            let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked().in_directory(&directory)) else { return };
            traced.terminal.run("");
            let started = traced.processes_started(|terminal| {
                for _ in 0..3 {
                    assert_eq!(terminal.run(""), "");
                }
            });
            assert_eq!(started, Started::default(), "{}", directory.display());
        }
    });
}
