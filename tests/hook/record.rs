//! The record of what was before is data that may be lost or forged; what counts is the value of `CLAUDE_CONFIG_DIR`.

use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, left};
use crate::support::{Shell, Startup, Terminal};

/// Records that nobody of ours wrote.
const FORGED: [&str; 9] = [
    "",
    "{",
    "[]",
    "null",
    "rm -rf /; $(touch hit) `touch hit`",
    r#"{"run":"touch hit"}"#,
    r#"{"config_dir":7,"chosen":"hook"}"#,
    r#"{"config_dir":"/srv/x","aside":["PATH","LD_PRELOAD","HOME"],"chosen":"hook","unset":["PATH"]}"#,
    r#"{"aside":["PATH; touch hit","$(touch hit)","HOME"],"chosen":"hook"}"#,
];

#[test]
fn a_lost_or_forged_record_still_leaves() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        let (path, home) = (terminal.run(&shell.show_exported("PATH")), terminal.run(&shell.show_exported("HOME")));
        for record in FORGED {
            for line in [shell.export("CLAUTH_STATE", record), shell.unset("CLAUTH_STATE")] {
                terminal.run(&shell.cd(&bound));
                terminal.run(&line);
                assert_eq!(terminal.run("claude"), world.claude("work"), "{line}");
                assert_eq!(terminal.run(&format!("{line}; {}", shell.cd(world.plain()))), left("work"), "{line}");
                assert_eq!(terminal.run("claude"), PLAIN_CLAUDE, "{line}");
            }
        }
        assert_eq!(terminal.run(&shell.show_exported("PATH")), path);
        assert_eq!(terminal.run(&shell.show_exported("HOME")), home);
        for directory in [bound, world.plain(), world.home()] {
            assert!(!directory.join("hit").exists());
        }
    });
}

#[test]
fn a_forged_record_is_quoted_when_it_is_put_back() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked()
            .variable("CLAUDE_CONFIG_DIR", &world.config_dir("work"))
            .variable("CLAUTH_STATE", r#"{"config_dir":"/srv/'; touch hit; \\'$(touch hit)`touch hit`","chosen":"hook"}"#)
            .in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        let own = terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR"));
        assert_eq!(own, r"/srv/'; touch hit; \'$(touch hit)`touch hit`");
        for directory in [bound, world.plain()] {
            assert!(!directory.join("hit").exists());
        }
    });
}

#[test]
fn an_inherited_account_without_a_record_is_left() {
    Shell::each(|shell| {
        let world = World::new();
        for config_dir in [world.config_dir("work"), world.config_dir("gone"), world.refused_config_dir()] {
            let startup = Startup::hooked().variable("CLAUDE_CONFIG_DIR", &config_dir).variable("CLAUTH_PROFILE", "work");
            let mut terminal = Terminal::start(&world, shell, &startup);
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE, "{config_dir}");
            assert_eq!(terminal.run(&shell.show("CLAUTH_PROFILE")), UNSET, "{config_dir}");
        }
    });
}

#[test]
fn a_record_that_names_another_profile_is_not_put_back() {
    Shell::each(|shell| {
        let world = World::new();
        let record = format!(r#"{{"config_dir":"{}","chosen":"hook"}}"#, world.config_dir("acme"));
        let startup = Startup::hooked().variable("CLAUDE_CONFIG_DIR", &world.config_dir("work")).variable("CLAUTH_STATE", &record);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
    });
}
