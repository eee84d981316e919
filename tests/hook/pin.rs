//! A shell pinned by hand, with `eval "$(clauth env PROFILE)"`.

use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered};
use crate::support::{Shell, Startup, Terminal};

#[test]
fn a_pin_outlives_prompts_and_directories() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let (opted_out, denied) = (world.bind("home/d", "default"), world.bind("home/denied", "acme"));
        world.clauth_in(&denied, &["deny"]).success();
        let mut terminal = world.start(shell);
        terminal.run(&shell.pin("work"));
        for directory in [&bound, &opted_out, &denied, &world.plain()] {
            assert_eq!(terminal.run(&shell.cd(directory)), "", "{}", directory.display());
            assert_eq!(terminal.run(""), "");
            assert_eq!(terminal.run("claude"), world.claude("work"), "{}", directory.display());
            assert_eq!(terminal.run(&shell.show_exported("CLAUTH_PROFILE")), "work");
        }
        assert_eq!(world.holders(&bound), [terminal.pid()]);
    });
}

#[test]
fn a_pin_says_once_that_the_directory_asks_for_another_account() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let below = world.mkdir("home/w/below");
        let mut terminal = world.start(shell);
        terminal.run(&shell.pin("acme"));
        let said = terminal.run(&shell.cd(&bound));
        assert!(said.starts_with("clauth: this shell is pinned to acme, though this directory asks for work"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for line in ["", &shell.cd(&below), ""] {
            assert_eq!(terminal.run(line), "");
        }
        assert_eq!(terminal.run("claude"), world.claude("acme"));
    });
}

#[test]
fn unset_hands_the_shell_back_to_the_directory() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let elsewhere = world.bind("home/a", "acme");
        let startup = Startup::hooked().before(&shell.export("ANTHROPIC_API_KEY", "sk"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.pin("acme"));
        assert_eq!(terminal.run("claude"), world.claude("acme"));
        terminal.run(&shell.cd(&bound));
        let said = terminal.run(&shell.evaluate("clauth env --unset"));
        assert_eq!(said, entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert!(world.holders(&elsewhere).is_empty());

        terminal.run(&shell.pin("acme"));
        terminal.run(&shell.cd(world.plain()));
        terminal.run(&shell.evaluate("clauth env --unset"));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE.replace("key=none", "key=sk"));
        assert_eq!(terminal.run(&shell.show("CLAUTH_PROFILE")), UNSET);
        assert!(world.holders(&elsewhere).is_empty());
    });
}

#[test]
fn another_pin_replaces_the_first() {
    Shell::each(|shell| {
        let world = World::new();
        let (bound, elsewhere) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let mut terminal = world.start(shell);
        for (profile, holds, holds_not) in [("work", &bound, &elsewhere), ("acme", &elsewhere, &bound)] {
            terminal.run(&shell.pin(profile));
            assert_eq!(terminal.run("claude"), world.claude(profile));
            assert_eq!(world.holders(holds), [terminal.pid()]);
            assert!(world.holders(holds_not).is_empty());
        }
    });
}

#[test]
fn a_pin_belongs_to_one_shell_process() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.pin("acme"));
        terminal.run(&shell.nested(&world));
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run("claude"), world.claude("work"), "the nested shell goes by its directory");
        terminal.run("exit");
        assert_eq!(terminal.run("claude"), world.claude("acme"));
    });
}

#[test]
fn a_pin_that_fails_changes_nothing_and_fails() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        let said = terminal.run(&shell.pin("wrok"));
        assert!(said.starts_with("clauth: there is no profile `wrok`"), "{said}");
        assert_ne!(terminal.run(&shell.show_status()), "0");
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}
