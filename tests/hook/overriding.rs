//! Variables that override a login: set aside for a profile's time, by the shell itself.

use crate::support::client::variables_of_the_client;
use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

const KEY: &str = "ANTHROPIC_API_KEY";
const TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";
const HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";
const ANTHROPIC: &str = "ANTHROPIC_CONFIG_DIR";

/// A value that would do harm wherever it were evaluated.
const SECRET: &str = "sk-it's $(touch hit) `touch hit` \\ \"é\" *";

/// Returns the line that counts, among the variables that a program started here gets, those that hold `text`.
fn count_in_environment(shell: &Shell, text: &str) -> String {
    shell.call(&["/bin/sh", "-c", &format!("env | grep -c -- '{text}'")])
}

#[test]
fn a_key_that_the_rc_file_exports_is_set_aside_and_put_back() {
    Shell::each(|shell| {
        let world = World::new();
        let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let startup = Startup::hooked().before(&shell.export(KEY, SECRET)).before(&shell.export(TOKEN, "tok"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        for _ in 0..2 {
            assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
            assert_eq!(terminal.run("claude"), world.claude("work"));
            assert_eq!(terminal.run(&shell.show_exported(TOKEN)), UNSET);
            assert_eq!(terminal.run(&count_in_environment(shell, "sk-it")), "0");
            assert_eq!(terminal.run(&shell.cd(&other)), entered("acme"));
            assert_eq!(terminal.run("claude"), world.claude("acme"));
            assert_eq!(terminal.run(&shell.cd(world.plain())), left("acme"));
            assert_eq!(terminal.run(&shell.show_exported(KEY)), SECRET);
            assert_eq!(terminal.run(&shell.show_exported(TOKEN)), "tok");
            assert_eq!(terminal.run(&count_in_environment(shell, "sk-it")), "1");
        }
        assert!(!bound.join("hit").exists());
    });
}

#[test]
fn a_key_is_set_aside_where_the_shell_starts_too() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        // Behind the hook: what an rc file exports late.
        let startup = Startup::hooked().after(&shell.export(KEY, "sk")).in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run("claude"), world.claude("work"));
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "sk");
    });
}

#[test]
fn a_shell_that_exports_every_assignment_does_not_export_what_is_set_aside() {
    Shell::each(|shell| {
        if !matches!(shell.language, Language::Bash | Language::Zsh) {
            return; // no such option
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().before("set -a").before(&shell.export(KEY, "sk-secret"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&count_in_environment(shell, "sk-secret")), "0");
        // Functions are exported by `set -a` as well, which does no harm: their values begin with a parenthesis.
        let own_variables = count_in_environment(shell, "^__clauth[^=]*=[^(]*$");
        assert_eq!(terminal.run(&own_variables), "0", "nothing of the hook's own is exported");
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "sk-secret");
        assert_eq!(terminal.run(&own_variables), "0");
    });
}

#[test]
fn an_empty_key_comes_back_empty() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().before(&shell.export(KEY, ""));
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "");
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), UNSET);
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "");
    });
}

#[test]
fn a_key_that_appears_inside_is_set_aside_at_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().before(&shell.export(KEY, "old"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&shell.export(KEY, "new")), "");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.export(TOKEN, "tok")), "");
        assert_eq!(terminal.run(&shell.show_exported(TOKEN)), UNSET);
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "new", "what the user said last");
        assert_eq!(terminal.run(&shell.show_exported(TOKEN)), "tok");
    });
}

#[test]
fn a_key_that_the_user_set_on_the_way_out_is_kept() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().before(&shell.export(KEY, "old"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.cd(&bound));
        terminal.run(&format!("{}; {}", shell.export(KEY, "new"), shell.cd(world.plain())));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "new");
        // And the old one is forgotten: it does not come back the next time.
        terminal.run(&shell.unset(KEY));
        terminal.run(&shell.cd(&bound));
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), UNSET);
    });
}

#[test]
fn a_variable_that_is_not_exported_stays_as_it_is() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.set(KEY, "mine alone"));
        for directory in [bound, world.plain()] {
            terminal.run(&shell.cd(directory));
            assert_eq!(terminal.run(""), "");
            assert_eq!(terminal.run(&shell.show(KEY)), "mine alone");
            assert_eq!(terminal.run(&shell.show_exported(KEY)), UNSET);
        }
    });
}

#[test]
fn what_the_user_keeps_is_not_set_aside() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure("keep_env = [\"ANTHROPIC_BASE_URL\"]\n");
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().before(&shell.export("ANTHROPIC_BASE_URL", "http://proxy")).before(&shell.export(KEY, "sk"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_BASE_URL")), "http://proxy");
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn a_key_is_served_whatever_the_config_directory_so_a_refused_directory_sets_it_aside_too() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let refused = world.write("home/r/.clauth.toml", "profile = \"work\"\n");
        let startup = Startup::hooked().before(&shell.export(KEY, "sk"));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.cd(&bound));
        terminal.run(&shell.cd(refused.parent().unwrap()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), UNSET);
        assert_eq!(terminal.run("claude"), world.claude_refusal());
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "sk");
    });
}

#[test]
fn a_nested_shell_says_which_key_its_parent_keeps() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().variable(KEY, "sk-secret").in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.nested(&world));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        let said = terminal.run(&shell.cd(world.plain()));
        assert_eq!(said.matches("ANTHROPIC_API_KEY was set aside by the shell that started this one").count(), 1, "{said}");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"), "said once");
        terminal.run("exit");
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "sk-secret");
    });
}

#[test]
fn a_universal_variable_of_fish_is_hidden_and_not_erased() {
    Shell::each(|shell| {
        if shell.language != Language::Fish {
            return;
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run("set -Ux ANTHROPIC_API_KEY everywhere");
        terminal.run(&shell.cd(&bound));
        // fish exports it below whatever unexported variable hides it; an empty one the client ignores.
        assert_eq!(terminal.run("claude"), world.claude("work").replace("key=none", "key="));
        let mut other = world.start(shell);
        assert_eq!(other.run(&shell.show_exported(KEY)), "everywhere", "a shell outside still has it");
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "everywhere");
        // It is the universal one again, not a copy of it.
        terminal.run("set -U ANTHROPIC_API_KEY changed");
        assert_eq!(terminal.run(&shell.show_exported(KEY)), "changed");
    });
}

#[test]
fn each_profile_has_a_directory_of_anthropic_profiles_of_its_own_and_the_user_s_comes_back() {
    Shell::each(|shell| {
        let world = World::new();
        let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let refused = world.write("home/r/.clauth.toml", "profile = \"work\"\n");
        let directory = |name: &str| world.path(format!("home/.clauth/profiles/{name}/anthropic")).display().to_string();
        for own in ["", "/my own/anthropic"] {
            let startup = if own.is_empty() { Startup::hooked() } else { Startup::hooked().before(&shell.export(ANTHROPIC, own)) };
            let mut terminal = Terminal::start(&world, shell, &startup);
            terminal.run(&shell.cd(&bound));
            assert_eq!(terminal.run(&shell.show_exported(ANTHROPIC)), directory("work"));
            terminal.run(&shell.cd(&other));
            assert_eq!(terminal.run(&shell.show_exported(ANTHROPIC)), directory("acme"));
            terminal.run(&shell.cd(refused.parent().unwrap()));
            assert!(terminal.run(&shell.show_exported(ANTHROPIC)).ends_with("refused/run-clauth-status"));
            terminal.run(&shell.cd(world.plain()));
            assert_eq!(terminal.run(&shell.show_exported(ANTHROPIC)), if own.is_empty() { UNSET } else { own });
            terminal.run(&shell.cd(&bound));
            terminal.run(&shell.export(ANTHROPIC, "/elsewhere"));
            assert_eq!(terminal.run(&shell.show_exported(ANTHROPIC)), directory("work"), "what is set by hand is noticed at the next prompt");
            terminal.run(&shell.cd(world.plain()));
            assert_eq!(terminal.run(&shell.show_exported(ANTHROPIC)), "/elsewhere", "the last that the user chose");
        }
    });
}

#[test]
fn headers_are_set_aside_only_while_one_of_them_signs() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().before(&shell.export(HEADERS, "X-Trace: sk-1")));
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&shell.show_exported(HEADERS)), "X-Trace: sk-1");
        terminal.run(&shell.export(HEADERS, "Authorization: Bearer sk-2"));
        assert_eq!(terminal.run(&shell.show_exported(HEADERS)), UNSET);
        assert_eq!(terminal.run(&count_in_environment(shell, "sk-2")), "0");
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported(HEADERS)), "Authorization: Bearer sk-2");
    });
}

#[test]
fn every_variable_that_overrides_a_login_is_set_aside_and_put_back() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let value = "authorization: sk-of-the-user";
        let startup = variables_of_the_client("set aside").fold(Startup::hooked(), |startup, name| startup.before(&shell.export(name, value)));
        let count = variables_of_the_client("set aside").count().to_string();
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run(&count_in_environment(shell, "sk-of-the-user")), count);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&count_in_environment(shell, "sk-of-the-user")), "0");
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&count_in_environment(shell, "sk-of-the-user")), count);
        // One that appears inside is noticed by itself, wherever it decides by itself.
        terminal.run(&shell.cd(&bound));
        for name in variables_of_the_client("set aside").filter(|name| !variables_of_the_client("set aside in passing").any(|other| other == *name)) {
            terminal.run(&shell.export(name, value));
            assert_eq!(terminal.run(&shell.show_exported(name)), UNSET, "{name}");
        }
    });
}

#[test]
fn a_home_that_changes_and_comes_back_leaves_no_profile_loaded() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // its home is a constant
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let (home, other) = (world.home().display().to_string(), world.mkdir("other").display().to_string());
        let mut terminal =
            Terminal::start(&world, shell, &Startup::hooked().before(&shell.export(KEY, "sk")).before(&shell.export(ANTHROPIC, "/mine")));
        terminal.run(&shell.cd(&bound));
        terminal.run(&shell.export("HOME", &other));
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), UNSET, "a profile is one wherever $HOME leads");
        terminal.run(&shell.export("HOME", &home));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE.replace("key=none", "key=sk"));
        assert_eq!(terminal.run(&shell.show_exported(ANTHROPIC)), "/mine");
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}
