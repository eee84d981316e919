//! What people type who know direnv, mise, gh, aws, gcloud, nvm: each word works, or is answered with the line that does.

use crate::support::{Sandbox, Shell};

/// Words that work, with a command that does the same.
const WORK: &[(&str, &str)] = &[("ls", "list"), ("ls --json", "list --json"), ("whoami --json", "status --json"), ("which --json", "status --json")];

/// Words of other programs, and the line that they are answered with.
const ANSWERED: &[(&str, &str)] = &[
    // direnv
    ("permit", "allow"),
    ("grant", "allow"),
    ("revoke", "deny"),
    ("block", "deny"),
    ("prune", "removals empty"),
    ("trust", "allow"),
    // mise, nvm
    ("local", "use PROFILE"),
    ("global", "use --global PROFILE"),
    ("default", "use --global PROFILE"),
    ("current", "status"),
    ("where", "status"),
    ("activate", "use PROFILE"),
    ("deactivate", "env --unset"),
    ("unset", "use --global --unset"),
    ("install", "setup"),
    ("uninstall", "setup --uninstall"),
    ("run", "start PROFILE"),
    ("enter", "shell PROFILE"),
    // gh auth, aws, gcloud
    ("auth", "login PROFILE"),
    ("signin", "login PROFILE"),
    ("sign-in", "login PROFILE"),
    ("log-in", "login PROFILE"),
    ("logout", "exec PROFILE -- claude auth logout"),
    ("signout", "exec PROFILE -- claude auth logout"),
    ("create", "add NAME"),
    ("delete", "remove PROFILE"),
    ("destroy", "remove PROFILE"),
    ("profiles", "list"),
    ("accounts", "list"),
    ("users", "list"),
    ("set", "use PROFILE"),
    ("select", "use PROFILE"),
    ("choose", "use PROFILE"),
    ("bind", "use PROFILE"),
    ("unbind", "unuse"),
    ("set-default", "use --global PROFILE"),
    ("info", "status"),
    ("show", "status"),
    ("who", "status"),
    ("why", "status"),
    ("prompt", "status --format TEMPLATE"),
    ("quota", "usage"),
    ("limits", "usage"),
    ("check", "doctor"),
    ("diagnose", "doctor"),
    ("kill", "stop"),
    ("save", "capture NAME"),
    ("adopt", "import DIR NAME"),
    ("init", "setup"),
    ("undo", "removals"),
    ("subshell", "shell PROFILE"),
    ("version", "--version"),
];

#[test]
fn a_guess_works_or_is_answered_with_the_line_that_does() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let run = |line: &str| sandbox.clauth(&line.split(' ').collect::<Vec<_>>());
    for (guess, command) in WORK {
        assert_eq!(run(guess).success().stdout(), run(command).success().stdout(), "{guess}");
    }
    run("new other").success();
    run("rm other --yes").success();
    assert_eq!(run("ls --names").success().stdout(), "work\n");
    for (guess, line) in ANSWERED {
        run(guess).complains(2, &format!("type `clauth {line}`, or "));
    }
}

#[test]
fn a_shell_stays_with_its_profile_in_every_directory() {
    Shell::each(|shell| {
        let world = crate::support::world::World::new();
        let bound = world.bind("home/a", "acme");
        let mut terminal = world.start(shell);
        for word in ["shell", "switch"] {
            terminal.type_line(&shell.call(&["clauth", word, "work"]));
            terminal.wait_for_prompt();
            terminal.run(&shell.cd(&bound));
            assert_eq!(terminal.run("claude"), world.claude("work"));
            terminal.type_line("exit");
            terminal.wait_for_prompt();
        }
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run("claude"), world.claude("acme"));
    });
}

#[test]
fn a_profile_that_does_not_exist_is_said_before_any_question_of_trust() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", "profile = \"wrok\"\n");
    let refused = sandbox.status(&directory)["refused"].as_str().unwrap().to_owned();
    assert!(refused.contains("there is no profile `wrok` (did you mean `work`?)"), "{refused}");
    // One that exists still has to be allowed.
    sandbox.project("project", "profile = \"work\"\n");
    assert!(sandbox.status(&directory)["refused"].as_str().unwrap().contains("not allowed yet"));
}
