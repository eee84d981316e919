//! Shells within shells, shells in the place of shells, and other tools beside.

use std::path::Path;

use crate::support::finished::Finished;
use crate::support::shell::skip;
use crate::support::startup::PROMPT;
use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal, wait_until};

/// Prints the shell's own process id.
fn show_pid(shell: &Shell) -> &'static str {
    match shell.language {
        Language::Bash | Language::Zsh => "echo $$",
        Language::Fish => "echo $fish_pid",
        Language::Pwsh => "$PID",
    }
}

#[test]
fn a_nested_shell_keeps_the_account_and_takes_its_own_lease() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run(&shell.nested(&world)), "", "nobody entered anything");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        let inner: u32 = terminal.run(show_pid(shell)).parse().unwrap();
        let mut both = [terminal.pid(), inner];
        both.sort_unstable();
        assert_eq!(world.holders(&bound), both);
        terminal.run("exit");
        assert_eq!(world.holders(&bound), [terminal.pid()]);
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn a_nested_shell_in_an_unbound_directory_leaves() {
    Shell::each(|shell| {
        let world = World::new();
        let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let startup = Startup::hooked().variable("CLAUDE_CONFIG_DIR", "/srv/mine").in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(terminal.run(&shell.nested_in(&world, &world.plain())), "");
        assert_eq!(terminal.run("claude"), "claude config_dir=/srv/mine key=none args=");
        assert_eq!(terminal.run(&shell.show("CLAUTH_PROFILE")), UNSET);
        terminal.run("exit");
        assert_eq!(terminal.run(&shell.nested_in(&world, &other)), "");
        assert_eq!(terminal.run("claude"), world.claude("acme"));
        terminal.run("exit");
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn a_shell_that_replaces_itself_stays_right() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // its `exec` is a cmdlet of some systems only
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&format!("exec {}", shell.nested(&world))), "");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(world.holders(&bound), [terminal.pid()]);

        assert_eq!(terminal.run(&format!("exec {}", shell.nested_in(&world, &world.plain()))), "");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        assert!(world.holders(&bound).is_empty());
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
    });
}

#[test]
fn a_key_that_goes_with_a_shell_that_replaces_itself_is_told_as_that() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // its `exec` is a cmdlet of some systems only
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.export("ANTHROPIC_API_KEY", "sk"));
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(&format!("exec {}", shell.nested(&world))), "");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        let said = terminal.run(&shell.cd(world.plain()));
        assert_eq!(said, left("work") + "\nclauth: ANTHROPIC_API_KEY had been set aside, and went with the shell that `exec` replaced; set it again");
        // One that the startup file exports is there again.
        let exporting = Startup::hooked().before(&shell.export("ANTHROPIC_API_KEY", "sk"));
        let mut terminal = Terminal::start(&world, shell, &exporting.in_directory(&bound));
        assert_eq!(terminal.run(&format!("exec {}", shell.nested(&world))), "");
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_API_KEY")), "sk");
        // In a shell within, another one keeps it.
        terminal.run(&shell.cd(&bound));
        Startup::hooked().write_rc(&world, shell);
        terminal.run(&shell.nested(&world));
        assert!(terminal.run(&shell.cd(world.plain())).contains("by the shell that started this one"), "{}", terminal.transcript());
        terminal.run("exit");
        assert_eq!(terminal.run("claude"), world.claude("work"));
    });
}

#[test]
fn a_shell_of_another_kind_within_is_right_too() {
    Shell::each(|outer| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        Shell::each(|inner| {
            if inner.language == outer.language {
                return;
            }
            Startup::hooked().write_rc(&world, inner);
            let startup = Startup::hooked().variable("ANTHROPIC_API_KEY", "sk").in_directory(&bound);
            let mut terminal = Terminal::start(&world, outer, &startup);
            let words = inner.interactive_words(&world);
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            terminal.run(&outer.call(&words));
            assert_eq!(terminal.run("claude"), world.claude("work"), "{inner}");
            terminal.run(&inner.cd(world.plain()));
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE, "{inner}");
        });
    });
}

/// Holds a tmux server of the sandbox, which ends with the sandbox.
struct Tmux<'a> {
    world: &'a World,
}

impl Tmux<'_> {
    fn run(&self, words: &[&str]) -> String {
        let mut command = self.world.command("tmux");
        command.arg("-S").arg(self.world.path("tmux.socket")).args(["-f", "/dev/null"]).args(words);
        Finished::run(command).success().stdout().to_owned()
    }

    /// Opens a pane in `directory` and returns what the fake `claude` says there.
    fn claude_in_pane(&self, shell: &Shell, directory: &Path) -> String {
        let words = shell.interactive_words(self.world);
        let mut line = vec!["new-window", "-d", "-P", "-F", "#{pane_id}", "-c", directory.to_str().unwrap()];
        line.extend(words.iter().map(String::as_str));
        let pane = self.run(&line);
        let pane = pane.trim_end();
        wait_until("the pane shows a prompt", || self.run(&["capture-pane", "-p", "-t", pane]).contains(PROMPT.trim_end()));
        let told = self.world.path("told");
        let partial = self.world.path("told.partial");
        let tell = format!("claude >{}; mv {} {}", partial.display(), partial.display(), told.display());
        self.run(&["send-keys", "-t", pane, &tell, "Enter"]);
        wait_until("the pane's claude has spoken", || told.exists());
        let text = self.world.read("told");
        std::fs::remove_file(told).unwrap();
        text.trim_end().to_owned()
    }
}

#[test]
fn a_tmux_server_started_inside_does_not_bind_its_panes() {
    if which::which("tmux").is_err() {
        skip("no tmux on PATH", "CLAUTH_REQUIRE_SHELLS");
        return;
    }
    Shell::each(|shell| {
        let world = World::new();
        let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let startup = Startup::hooked().in_directory(&bound);
        let mut terminal = Terminal::start(&world, shell, &startup);
        let socket = world.path("tmux.socket");
        let server = shell.call(&["tmux", "-S", socket.to_str().unwrap(), "-f", "/dev/null", "new-session", "-d", "tail", "-f", "/dev/null"]);
        assert_eq!(terminal.run(&server), "");
        let tmux = Tmux { world: &world };
        let inherited = tmux.run(&["show-environment", "-g", "CLAUDE_CONFIG_DIR"]);
        assert!(inherited.contains(&world.config_dir("work")), "the server has what the shell had: {inherited}");
        assert_eq!(tmux.claude_in_pane(shell, &world.plain()), PLAIN_CLAUDE);
        assert_eq!(tmux.claude_in_pane(shell, &other), world.claude("acme"));
        assert_eq!(tmux.claude_in_pane(shell, &bound), world.claude("work"));
        assert_eq!(world.holders(&bound).len(), 2, "the first shell and the last pane");
    });
}

#[test]
fn a_key_that_mise_set_for_a_directory_goes_with_it() {
    // What mise 2026.9.15 writes for a directory whose mise.toml sets the key.
    let record = "eAFrXpyfk9KwOC+1vGmjo1+IR5B/gKdzvGOAZ7y3a+Ty4mzd3Mzi1JVuQf6+8b6ewa6LK1OLlxQklmRMAACZWxbO";
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        for _ in 0..2 {
            // Its hook comes before clauth's, and takes back what it finds set: the key is set aside by then.
            let entering = [shell.export("__MISE_DIFF", record), shell.export("ANTHROPIC_API_KEY", "sk-mise"), shell.cd(&bound)].join("; ");
            assert_eq!(terminal.run(&entering), entered("work"));
            assert_eq!(terminal.run("claude"), world.claude("work"));
            terminal.run(&[shell.unset("__MISE_DIFF"), shell.cd(world.plain())].join("; "));
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        }
    });
}
