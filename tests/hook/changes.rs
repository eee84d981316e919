//! What changes while a shell stands still: files, trust. The next prompt knows.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::files::make_fifo;
use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

/// Returns the part of a complaint that says that a file waits for the user's word.
const NOT_ALLOWED: &str = "is not allowed yet; run `clauth allow`, or `clauth deny` to ignore it";

#[test]
fn an_edit_that_asks_for_another_account_waits_for_the_users_word() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        world.write("home/w/.clauth.toml", "profile = \"acme\"\n");
        let said = terminal.run("");
        assert!(said.starts_with("clauth: ") && said.ends_with(NOT_ALLOWED), "{said}");
        assert_eq!(terminal.run("claude"), world.claude_refusal());
        let said = terminal.run("clauth allow");
        assert!(said.ends_with(&format!("may choose acme\n{}", entered("acme"))), "{said}");
        assert_eq!(terminal.run("claude"), world.claude("acme"));

        world.write("home/w/.clauth.toml", "profile = \"work\"\n");
        assert_eq!(terminal.run(""), entered("work"), "that pair was allowed before");
    });
}

#[test]
fn an_edit_that_asks_for_the_same_account_says_nothing() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        let awkward = "# it's `$(touch hit)` \\ \"ours\" ; } fi *\nprofile = 'work'\n\n";
        for text in [awkward, "# é\nprofile = \"work\"\n", "profile = \"work\"", "\n\nprofile = \"work\"\n"] {
            world.write("home/w/.clauth.toml", text);
            assert_eq!(terminal.run(""), "", "{text}");
            assert_eq!(terminal.run(""), "", "{text}");
            assert_eq!(terminal.run("claude"), world.claude("work"), "{text}");
        }
        assert!(!bound.join("hit").exists());
    });
}

#[test]
fn a_denied_file_counts_as_absent() {
    Shell::each(|shell| {
        let world = World::new();
        let outer = world.bind("home/w", "work");
        let inner = world.bind("home/w/acme", "acme");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&inner));
        let said = terminal.run("clauth deny");
        assert!(said.ends_with(&format!("is ignored from now on\n{}", entered("work"))), "{said}");
        let said = terminal.run(&shell.call(&["clauth", "deny", outer.to_str().unwrap()]));
        assert!(said.ends_with(&left("work")), "{said}");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        let said = terminal.run("clauth allow");
        assert!(said.ends_with(&entered("acme")), "{said}");
    });
}

#[test]
fn what_another_terminal_allows_or_denies_holds_at_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        world.clauth_in(&bound, &["deny"]).success();
        assert_eq!(terminal.run(""), left("work"));
        world.clauth_in(&bound, &["allow"]).success();
        assert_eq!(terminal.run(""), entered("work"));
        world.bind("home/w", "acme");
        assert_eq!(terminal.run(""), entered("acme"));
    });
}

#[test]
fn a_nearer_file_wins_as_soon_as_it_appears() {
    Shell::each(|shell| {
        let world = World::new();
        world.bind("home/w", "work");
        let below = world.mkdir("home/w/a/b");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&below));
        world.bind("home/w/a", "acme");
        assert_eq!(terminal.run(""), entered("acme"));
        world.write("home/w/a/b/.clauth.toml", "profile = \"work\"\n");
        let said = terminal.run("");
        assert!(said.ends_with(NOT_ALLOWED), "{said}");
        fs::remove_file(below.join(".clauth.toml")).unwrap();
        assert_eq!(terminal.run(""), entered("acme"));
        fs::remove_file(world.path("home/w/a/.clauth.toml")).unwrap();
        assert_eq!(terminal.run(""), entered("work"));
    });
}

#[test]
fn a_first_file_is_seen_where_none_was() {
    Shell::each(|shell| {
        let world = World::new();
        let below = world.mkdir("home/w/a/b");
        let mut terminal = world.start(shell);
        for directory in [world.path("home/w"), below] {
            terminal.run(&shell.cd(directory));
        }
        world.bind("home/w", "work");
        assert_eq!(terminal.run(""), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn a_removed_file_leaves_the_account() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        fs::remove_file(bound.join(".clauth.toml")).unwrap();
        assert_eq!(terminal.run(""), left("work"));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert!(world.holders(&bound).is_empty());
    });
}

#[test]
fn a_directory_moved_under_the_shell_is_another_directory() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w/here", "work");
        world.mkdir("home/a");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        fs::rename(world.path("home/w"), world.path("home/a/w")).unwrap();
        let said = terminal.run("");
        if shell.language == Language::Pwsh {
            // A location is text there: what it named is gone, and programs start where the shell began.
            assert_eq!(terminal.run(&shell.call(&["/bin/pwd", "-P"])), world.home().to_str().unwrap());
            assert_eq!(said, left("work"));
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
            return;
        }
        assert!(said.ends_with(NOT_ALLOWED), "the file is trusted where it stood: {said}");
        assert_eq!(terminal.run("claude"), world.claude_refusal());
    });
}

/// Files that cannot be followed, each with what is said about it.
const REFUSED: [(&str, &str, &str); 5] = [
    ("not allowed", "profile = \"work\"\n", NOT_ALLOWED),
    ("unknown profile", "profile = \"wrok\"\n", "there is no profile `wrok`"),
    ("not TOML", "profile = \n", ":1:"),
    ("unknown key", "profile = \"work\"\nenv = 1\n", ":2:1"),
    ("bad name", "profile = \"../x\"\n", ":1:11"),
];

#[test]
fn in_a_refused_directory_claude_refuses_and_the_reason_is_said_once() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        for (number, (what, text, reason)) in REFUSED.iter().enumerate() {
            terminal.run(&shell.cd(&bound));
            let file = world.write(format!("home/w/{number}/.clauth.toml"), text);
            let said = terminal.run(&shell.cd(file.parent().unwrap()));
            assert!(said.starts_with("clauth: ") && said.lines().count() == 1 && said.contains(reason), "{what}: {said}");
            assert_eq!(terminal.run(""), "", "{what}");
            assert_eq!(terminal.run("claude"), world.claude_refusal(), "{what}");
            assert_eq!(terminal.run(&shell.show("CLAUTH_PROFILE")), UNSET, "{what}");
            assert!(world.holders(&bound).is_empty(), "{what}");
            assert_eq!(terminal.run(&shell.cd(world.plain())), "", "{what}");
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE, "{what}");
        }
    });
}

#[test]
fn an_unknown_profile_is_refused_though_it_is_trusted() {
    Shell::each(|shell| {
        let world = World::new();
        world.configure("trusted = [\"~/w\"]\n");
        let file = world.write("home/w/.clauth.toml", "profile = \"wrok\"\n");
        let mut terminal = world.start(shell);
        let said = terminal.run(&shell.cd(file.parent().unwrap()));
        assert!(said.starts_with("clauth: there is no profile `wrok` (did you mean `work`?)"), "{said}");
        assert_eq!(terminal.run(""), "");
        assert_eq!(terminal.run("claude"), world.claude_refusal());
        assert!(terminal.run("clauth add wrok").ends_with("clauth: wrok · not signed in yet"));
        assert_eq!(terminal.run("claude"), world.claude("wrok"));
    });
}

#[test]
fn a_shell_that_starts_in_a_refused_directory_says_why() {
    Shell::each(|shell| {
        let world = World::new();
        let file = world.write("home/w/.clauth.toml", "profile = \"work\"\n");
        let startup = Startup::hooked().in_directory(file.parent().unwrap());
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.transcript().matches(NOT_ALLOWED).count(), 1, "{}", terminal.transcript());
        assert_eq!(terminal.run(""), "");
        assert_eq!(terminal.run("claude"), world.claude_refusal());
    });
}

#[test]
fn broken_settings_refuse_everywhere_and_say_so_once() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        world.configure("quiet = yes\n");
        let said = terminal.run(&shell.cd(&bound));
        assert!(said.contains("config.toml:1:") && said.lines().count() == 1, "{said}");
        assert_eq!(terminal.run(""), "");
        assert_eq!(terminal.run("claude"), world.claude_refusal());
        world.configure("quiet = false\n");
        assert_eq!(terminal.run(""), entered("work"));
    });
}

/// Makes something at a path.
type Make<'a> = &'a dyn Fn(&Path);

#[test]
fn a_file_that_turns_into_something_else_is_refused_and_never_waited_for() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let file = bound.join(".clauth.toml");
        let aside = world.path("home/aside.toml");
        let kinds: [(&str, Make); 5] = [
            ("a FIFO", &make_fifo),
            ("a directory", &|path| fs::create_dir(path).unwrap()),
            ("a link to a device", &|path| symlink("/dev/zero", path).unwrap()),
            ("a link to nothing", &|path| symlink("nowhere", path).unwrap()),
            ("too large", &|path| fs::write(path, "#".repeat(5000)).unwrap()),
        ];
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
        for (what, make) in kinds {
            fs::rename(&file, &aside).unwrap();
            make(&file);
            let said = terminal.run("");
            assert!(said.starts_with("clauth: ") && said.lines().count() == 1, "{what}: {said}");
            assert_eq!(terminal.run(""), "", "{what}");
            assert_eq!(terminal.run("claude"), world.claude_refusal(), "{what}");
            // What was there goes away with the rename, but for a directory.
            let _ = fs::remove_dir(&file);
            fs::rename(&aside, &file).unwrap();
            assert_eq!(terminal.run(""), entered("work"), "{what}");
        }
        fs::rename(&file, &aside).unwrap();
        symlink(&aside, &file).unwrap();
        assert_eq!(terminal.run(""), "", "a link to a file with the same text is the same");
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}
