//! A prompt where nothing changed starts no process.

use std::fs;
use std::path::PathBuf;

use crate::support::world::{World, entered};
use crate::support::{Language, Shell, Started, Startup, Traced};

/// Starts a traced shell in `directory` and waits for its first prompt, or returns `None` where nothing can be traced.
fn settled(world: &World, shell: &Shell, directory: &PathBuf) -> Option<Traced> {
    let startup = Startup::hooked().in_directory(directory);
    Traced::start(world, shell, &startup)
}

#[track_caller]
fn assert_idle(traced: &mut Traced, what: &str) {
    let started = traced.processes_started(|terminal| {
        for _ in 0..3 {
            assert_eq!(terminal.run(""), "", "{what}");
        }
    });
    assert_eq!(started, Started::default(), "{what}");
}

/// Makes a directory so many levels below the root; HOME is at level 3.
fn at_depth(world: &World, depth: usize) -> PathBuf {
    let missing = depth + 1 - world.home().ancestors().count();
    world.mkdir((0..missing).fold(world.home(), |directory, _| directory.join("d")))
}

#[test]
fn an_unchanged_prompt_in_a_bound_directory_starts_nothing() {
    Shell::each(|shell| {
        for depth in [3, 30] {
            let world = World::new();
            world.bind("home", "work");
            let Some(mut traced) = settled(&world, shell, &at_depth(&world, depth)) else { return };
            assert_eq!(traced.terminal.run("claude"), world.claude("work"));
            assert_idle(&mut traced, &format!("depth {depth}"));
        }
    });
}

#[test]
fn an_unchanged_prompt_with_headers_that_sign_nothing_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().before(&shell.export("ANTHROPIC_CUSTOM_HEADERS", "X-Trace: 1")).in_directory(&bound);
        let Some(mut traced) = Traced::start(&world, shell, &startup) else { return };
        assert_eq!(traced.terminal.run("claude"), world.claude("work"));
        assert_idle(&mut traced, "harmless headers");
    });
}

#[test]
fn an_unchanged_prompt_in_an_unbound_directory_starts_nothing() {
    Shell::each(|shell| {
        for depth in [3, 30] {
            let world = World::new();
            let Some(mut traced) = settled(&world, shell, &at_depth(&world, depth)) else { return };
            assert_idle(&mut traced, &format!("depth {depth}"));
        }
    });
}

#[test]
fn an_unchanged_prompt_below_a_denied_file_or_an_opt_out_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        world.bind("home/w", "work");
        let denied = world.bind("home/w/denied", "acme");
        world.clauth_in(&denied, &["deny"]).success();
        let default = world.bind("home/w/default", "default");
        let Some(mut traced) = settled(&world, shell, &denied) else { return };
        assert_eq!(traced.terminal.run("claude"), world.claude("work"));
        assert_idle(&mut traced, "denied");
        traced.terminal.run(&shell.cd(default));
        assert_idle(&mut traced, "default");
    });
}

#[test]
fn an_unchanged_prompt_with_a_pin_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let Some(mut traced) = settled(&world, shell, &world.plain()) else { return };
        traced.terminal.run(&shell.pin("acme"));
        assert_idle(&mut traced, "unbound");
        traced.terminal.run(&shell.cd(bound));
        assert_idle(&mut traced, "bound elsewhere");
    });
}

#[test]
fn an_unchanged_prompt_with_a_key_set_aside_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut lines = vec![shell.export("ANTHROPIC_API_KEY", "sk")];
        if shell.language == Language::Fish {
            lines.push("set -Ux ANTHROPIC_API_KEY sk".to_owned());
        }
        for line in lines {
            let startup = Startup::hooked().before(&line).in_directory(&bound);
            let Some(mut traced) = Traced::start(&world, shell, &startup) else { return };
            assert!(!traced.terminal.run("claude").contains("key=sk"), "{line}");
            assert_idle(&mut traced, &line);
        }
    });
}

#[test]
fn an_unchanged_prompt_before_clauth_was_ever_used_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        fs::remove_dir_all(world.path("home/.clauth")).unwrap();
        let Some(mut traced) = settled(&world, shell, &world.plain()) else { return };
        assert_idle(&mut traced, "no ~/.clauth");
        assert!(!world.path("home/.clauth").exists(), "a prompt writes nothing where nothing is bound");
    });
}

#[test]
fn going_between_unbound_directories_starts_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let (one, other) = (world.mkdir("home/w/one"), world.mkdir("home/w/it's $(other) é"));
        let Some(mut traced) = settled(&world, shell, &world.plain()) else { return };
        let started = traced.processes_started(|terminal| {
            for directory in [&one, &other, &one, &world.home(), &PathBuf::from("/"), &at_depth(&world, 30)] {
                assert_eq!(terminal.run(&shell.cd(directory)), "");
                assert_eq!(terminal.run(""), "");
            }
        });
        assert_eq!(started, Started::default());
        world.bind("home/w", "work");
        assert_eq!(traced.terminal.run(&shell.cd(&other)), entered("work"));
    });
}

#[test]
fn a_removed_directory_is_quiet_and_costs_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        for top in [&bound, &world.plain()] {
            let gone = world.mkdir(top.join("a/gone"));
            let Some(mut traced) = settled(&world, shell, &gone) else { return };
            let says = traced.terminal.run("claude");
            fs::remove_dir(&gone).unwrap();
            assert_eq!(traced.terminal.run(""), "");
            assert_idle(&mut traced, "removed");
            let still = traced.terminal.run("claude");
            // Before it, what /bin/sh has to say about such a directory.
            assert!(still.ends_with(&says), "what was loaded stays: {still}");
            traced.terminal.run(&shell.cd(&bound));
            assert_eq!(traced.terminal.run("claude"), world.claude("work"));
        }
    });
}
