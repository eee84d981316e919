//! The directory selects the account, and one line says so.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Shell, Startup, Terminal};

#[test]
fn entering_a_bound_directory_selects_its_account() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), world.config_dir("work"));
        assert_eq!(terminal.run(&shell.show_exported("CLAUTH_PROFILE")), "work");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(world.holders(&bound), [terminal.pid()]);
    });
}

#[test]
fn a_subdirectory_keeps_the_account_and_says_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let below = world.mkdir("home/w/a/b c");
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&below)), entered("work"));
        assert_eq!(terminal.run(&shell.cd(&bound)), "");
        assert_eq!(terminal.run(&shell.cd(&below)), "");
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn another_bound_directory_switches_the_account() {
    Shell::each(|shell| {
        let world = World::new();
        let outer = world.bind("home/w", "work");
        let inner = world.bind("home/w/acme", "acme");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&outer));
        assert_eq!(terminal.run(&shell.cd(&inner)), entered("acme"));
        assert_eq!(terminal.run("claude"), world.claude("acme"));
        assert_eq!(terminal.run(&shell.show_exported("CLAUTH_PROFILE")), "acme");
        assert_eq!((world.holders(&outer), world.holders(&inner)), (vec![], vec![terminal.pid()]));
        assert_eq!(terminal.run(&shell.cd(&outer)), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn leaving_puts_the_environment_back() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        for name in ["CLAUDE_CONFIG_DIR", "CLAUTH_PROFILE", "CLAUTH_STATE"] {
            assert_eq!(terminal.run(&shell.show(name)), UNSET, "{name}");
        }
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert!(world.holders(&bound).is_empty());
    });
}

#[test]
fn a_shell_that_starts_in_a_bound_directory_says_nothing_and_has_its_account() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert!(!terminal.transcript().contains("clauth: "), "{}", terminal.transcript());
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(world.holders(&bound), [terminal.pid()]);
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
    });
}

#[test]
fn a_quiet_user_is_told_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure("quiet = true\n");
        let (one, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let mut terminal = world.start(shell);
        for (directory, says) in [(one, world.claude("work")), (other, world.claude("acme")), (world.plain(), PLAIN_CLAUDE.into())] {
            assert_eq!(terminal.run(&shell.cd(directory)), "");
            assert_eq!(terminal.run("claude"), says);
        }
    });
}

#[test]
fn default_opts_a_subtree_out() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure("default_profile = \"acme\"\n");
        let outer = world.bind("home/w", "work");
        let own = world.bind("home/w/own", "default");
        let below = world.mkdir("home/w/own/below");
        let startup = Startup::hooked().in_directory(&outer);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.cd(&own)), left("work"));
        assert_eq!(terminal.run(&shell.cd(&below)), "");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert_eq!(terminal.run(&shell.cd(world.plain())), entered("acme"), "the default profile, where no file says anything");
    });
}

#[test]
fn a_rule_binds_a_directory_without_a_file() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure("[[rule]]\ndir = \"~/clients\"\nprofile = \"work\"\n[[rule]]\ndir = \"~/clients/acme\"\nprofile = \"acme\"\n");
        let (clients, acme, beside) = (world.mkdir("home/clients/deep"), world.mkdir("home/clients/acme/deep"), world.mkdir("home/clientsome"));
        let filed = world.bind("home/clients/filed", "acme");
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&clients)), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.cd(&acme)), entered("acme"), "the rule for the deeper directory");
        assert_eq!(terminal.run(&shell.cd(&beside)), left("acme"), "a name that only begins the same");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert_eq!(terminal.run(&shell.cd(&clients)), entered("work"), "from one unbound directory to another");
        assert_eq!(terminal.run(&shell.cd(&filed)), entered("acme"), "a file is nearer than any rule");
    });
}

#[test]
fn a_link_is_bound_as_what_it_leads_to() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let below = world.mkdir("home/w/below");
        let other = world.bind("home/a", "acme");
        // $PWD is a path below `acme`, whose parents say nothing about where the shell really is.
        let link = other.join("link");
        symlink(&below, &link).unwrap();
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&link)), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.cd(&bound)), "");
        assert_eq!(terminal.run(&shell.cd(&other)), entered("acme"));

        fs::remove_file(&link).unwrap();
        symlink(world.plain(), &link).unwrap();
        assert_eq!(terminal.run(&shell.cd(&link)), left("acme"));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
    });
}

#[test]
fn the_users_own_config_dir_comes_back_on_leaving() {
    Shell::each(|shell| {
        let world = World::new();
        let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let own = "/srv/it's \"mine\" $(x) é";
        let startup = Startup::hooked().variable("CLAUDE_CONFIG_DIR", own);
        let mut terminal = Terminal::start(&world, shell, &startup);
        for directory in [&bound, &other] {
            terminal.run(&shell.cd(directory));
            assert!(terminal.run("claude").contains(".clauth/profiles"));
        }
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), own);
    });
}

#[test]
fn a_config_dir_that_the_user_chose_meanwhile_stays_on_leaving() {
    Shell::each(|shell| {
        let world = World::new();
        // Where the hook would run between the two, it would rightly take the bound directory's word for it.
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        let change_and_leave = format!("{}; {}", shell.export("CLAUDE_CONFIG_DIR", "/srv/mine"), shell.cd(world.plain()));
        terminal.run(&change_and_leave);
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), "/srv/mine");
        assert_eq!(terminal.run(&shell.show("CLAUTH_PROFILE")), UNSET);
    });
}

#[test]
fn a_config_dir_that_the_user_removed_is_back_at_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        terminal.run(&shell.unset("CLAUDE_CONFIG_DIR"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        terminal.run(&shell.export("CLAUDE_CONFIG_DIR", "/srv/other"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn clauth_can_be_disabled_for_a_while() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.export("CLAUTH_DISABLE", "1"));
        assert_eq!(terminal.run(&shell.cd(&bound)), "");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert_eq!(terminal.run(&shell.unset("CLAUTH_DISABLE")), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}
