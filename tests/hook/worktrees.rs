//! Linked worktrees under the hook: what makes one, and what it stands for, is looked at by the shell itself.

use std::fs;

use crate::support::world::{World, entered, left};
use crate::support::{Shell, Started, Startup, Traced, wait_until};

#[test]
fn a_shell_in_a_worktree_follows_the_main_checkout() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(repository) = world.repository("home/src/it's main é") else { return };
        let two = world.worktree(&repository, "home/two $(x)");
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&two)), "");
        world.clauth_in(&repository, &["use", "work"]).success();
        assert_eq!(terminal.run(""), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        // Without a command of clauth's that would tell: another text, none, a nearer file.
        world.write(repository.join(".clauth.toml"), "profile = \"acme\"\n");
        assert!(terminal.run("").contains("is not allowed yet"), "{}", terminal.transcript());
        fs::remove_file(repository.join(".clauth.toml")).unwrap();
        assert_eq!(terminal.run(""), "");
        world.write(repository.join(".clauth.toml"), "profile = \"work\"\n");
        assert_eq!(terminal.run(""), entered("work"));
        world.write(two.join(".clauth.toml"), "profile = \"default\"\n");
        assert!(terminal.run("").contains("is not allowed yet"), "{}", terminal.transcript());
    });
}

#[test]
fn a_link_that_is_cut_or_mended_counts_from_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(repository) = world.repository("home/src/main") else { return };
        world.bind(&repository, "work");
        let two = world.worktree(&repository, "home/two");
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&two)), entered("work"));
        let back = repository.join(".git/worktrees/two/gitdir");
        let text = fs::read_to_string(&back).unwrap();
        // File times can be as coarse as a second: an edit is one that the shell can tell from the last.
        wait_until("the cut link counts", || {
            fs::write(&back, "/nowhere/.git\n").unwrap();
            terminal.run("") == left("work")
        });
        wait_until("the mended link counts", || {
            fs::write(&back, &text).unwrap();
            terminal.run("") == entered("work")
        });
        fs::remove_file(two.join(".git")).unwrap();
        assert_eq!(terminal.run(""), left("work"));
    });
}

#[test]
fn a_shell_that_goes_from_an_unbound_directory_into_a_worktree_asks() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(repository) = world.repository("home/src/main") else { return };
        world.bind(&repository, "work");
        let two = world.worktree(&repository, "home/two");
        let below = world.mkdir(two.join("a/b"));
        let mut terminal = world.start(shell);
        for directory in [two, below] {
            assert_eq!(terminal.run(&shell.cd(&directory)), entered("work"));
            assert_eq!(terminal.run("claude"), world.claude("work"));
            assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        }
    });
}

#[test]
fn an_unchanged_prompt_in_a_worktree_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(repository) = world.repository("home/src/main") else { return };
        let (bound, own) = (world.worktree(&repository, "home/two"), world.worktree(&repository, "home/three"));
        world.commit(&own, ".clauth.toml", "profile = \"work\"\n");
        for is_bound in [false, true] {
            if is_bound {
                world.clauth_in(&repository, &["use", "work"]).success();
            }
            for directory in [bound.clone(), world.mkdir(bound.join("deep/er")), own.clone()] {
                if !is_bound && directory == own {
                    continue; // refused, which costs an evaluation
                }
                let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked().in_directory(&directory)) else { return };
                traced.terminal.run("");
                let started = traced.processes_started(|terminal| {
                    for _ in 0..3 {
                        assert_eq!(terminal.run(""), "");
                    }
                });
                assert_eq!(started, Started::default(), "{} {is_bound}", directory.display());
            }
        }
    });
}

#[test]
fn a_submodule_costs_no_more_than_a_directory() {
    Shell::each(|shell| {
        if shell.language == crate::support::Language::Fish {
            return; // evaluates at each change of directory
        }
        let world = World::new();
        let (Some(repository), Some(part)) = (world.repository("home/src/main"), world.repository("home/src/part")) else { return };
        world.git(&repository, &["submodule", "--quiet", "add", part.to_str().unwrap(), "part"]);
        let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked().in_directory(world.plain())) else { return };
        traced.terminal.run("");
        let started = traced.processes_started(|terminal| {
            for directory in [repository.join("part"), repository.clone(), world.plain()] {
                assert_eq!(terminal.run(&shell.cd(directory)), "");
            }
        });
        assert_eq!(started, Started::default());
    });
}
