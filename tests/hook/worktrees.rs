//! Linked worktrees under the hook: what makes one, and what it stands for, is looked at by the shell itself.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::support::files::make_fifo;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
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

#[test]
fn before_clauth_was_ever_used_a_prompt_in_a_worktree_starts_and_writes_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(repository) = world.repository("home/src/main") else { return };
        let two = world.worktree(&repository, "home/two");
        fs::remove_dir_all(world.path("home/.clauth")).unwrap();
        let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked().in_directory(&two)) else { return };
        let started = traced.processes_started(|terminal| {
            for _ in 0..3 {
                assert_eq!(terminal.run(""), "");
            }
        });
        assert_eq!(started, Started::default());
        assert!(!world.path("home/.clauth").exists());
    });
}

#[test]
fn nothing_that_is_called_dot_git_holds_up_a_shell() {
    Shell::each(|shell| {
        let world = World::new();
        let mut terminal = world.start(shell);
        let texts =
            [b"\0\xff\n\0".to_vec(), vec![b'x'; 4 << 20], b"gitdir: /nowhere/worktrees/x\n".to_vec(), b"/worktrees/$(touch hit)`touch hit`".to_vec()];
        let mut places: Vec<_> = (0..texts.len()).map(|number| world.mkdir(format!("home/hostile/{number}"))).collect();
        for (place, text) in places.iter().zip(&texts) {
            world.write(place.join(".git"), text);
        }
        let waiting = world.mkdir("home/hostile/waiting");
        make_fifo(&waiting.join(".git"));
        places.push(waiting);
        for place in places {
            for directory in [world.mkdir(place.join("below")), place.clone(), world.plain()] {
                assert_eq!(terminal.run(&shell.cd(&directory)), "", "{}", directory.display());
                assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
            }
            assert!(!place.join("hit").exists());
        }
    });
}

#[test]
fn a_dot_git_from_the_future_hides_no_edit_of_the_settings() {
    Shell::each(|shell| {
        let world = World::new();
        let evil = world.mkdir("home/evil");
        world.write(evil.join(".git"), "gitdir: /nowhere/worktrees/x\n");
        let future = SystemTime::now() + Duration::from_secs(1 << 31);
        fs::File::options().write(true).open(evil.join(".git")).unwrap().set_modified(future).unwrap();
        let mut terminal = world.start(shell);
        for directory in [evil, world.plain()] {
            assert_eq!(terminal.run(&shell.cd(&directory)), "");
            assert_eq!(terminal.run(""), "");
        }
        world.configure("default_profile = \"work\"\n");
        assert_eq!(terminal.run(""), entered("work"));
        // File times can be as coarse as a second: an edit is one that the shell can tell from the last.
        wait_until("the next edit counts", || {
            world.configure("default_profile = \"acme\"\n");
            terminal.run("").contains("acme")
        });
    });
}
