//! What a newcomer gets wrong first, in each command: wrong name, wrong place, missing argument, too many, a slip of the finger. Each answer is one line
//! that says what to type.

use std::collections::BTreeSet;

use crate::support::Sandbox;
use crate::support::finished::Finished;

/// A line as it is typed after `clauth`, the exit code, and what the answer says to type.
const MISTAKES: &[(&str, i32, &str)] = &[
    // A wrong word.
    ("sttaus", 2, "type `clauth status`"),
    ("profiles", 2, "type `clauth list`"),
    ("logout work", 2, "type `clauth exec PROFILE -- claude auth logout`"),
    ("rename work w2", 2, "`clauth rename`; type `clauth --help`"),
    ("update", 2, "`clauth update`; type `clauth --help`"),
    ("--hlep", 2, "type `clauth --help`"),
    ("version", 2, "type `clauth --version`"),
    ("work", 2, "type `clauth start work`"),
    ("xyzzy", 2, "type `clauth --help`"),
    ("--work", 2, "takes no `--work`; type `clauth --help`"),
    ("setup bash", 2, "[--shell SHELL]"),
    ("setup --shell", 2, "type `clauth setup [--shell SHELL]"),
    ("setup --shell tcsh", 2, "choose bash, zsh, fish, pwsh"),
    ("setup --uninstall --no-shim", 2, "run `clauth setup` with one of them"),
    ("hook", 2, "type `clauth hook SHELL`"),
    ("hook tcsh", 2, "choose bash, zsh, fish, pwsh, direnv"),
    ("hook sh", 1, "use `eval \"$(clauth env PROFILE)\"`"),
    ("hook bash zsh", 2, "type `clauth hook SHELL`"),
    ("use", 2, "type `clauth use PROFILE [DIR] [--remote[=HOST/PATH]] [--global] [--unset] [--yes]` (`clauth list` shows your profiles)"),
    ("use wrok", 1, "did you mean `work`?"),
    ("use nothing", 1, "run `clauth list` to see them, or `clauth add nothing`"),
    ("use ../home", 1, "type `clauth use PROFILE ../home`"),
    ("use . work", 1, "type `clauth use work .`"),
    ("use work nowhere", 1, "name one that exists"),
    ("use work --dir", 2, "type `clauth use PROFILE [DIR]"),
    ("use work . more", 2, "type `clauth use PROFILE [DIR]"),
    ("use work . --dir .", 2, "run `clauth use` with one of them"),
    ("use work --global .", 2, "run `clauth use` with one of them"),
    ("use --unset", 2, "type `clauth use"),
    ("use work --global --unset", 2, "run `clauth use` with one of them"),
    ("unuse", 1, "run `clauth status`"),
    ("unuse work", 1, "name one that exists"),
    ("unuse . more", 2, "type `clauth unuse [DIR]`"),
    ("allow", 1, "run `clauth use PROFILE` to write one"),
    ("allow work", 1, "name one that exists"),
    ("allow . more", 2, "type `clauth allow [DIR]`"),
    ("deny", 1, "run `clauth use PROFILE` to write one"),
    ("deny nowhere", 1, "name one that exists"),
    ("deny . more", 2, "type `clauth deny [DIR]`"),
    ("start", 2, "type `clauth start PROFILE [ARGS…]` (`clauth list` shows your profiles)"),
    ("start wrok", 125, "did you mean `work`?"),
    ("start --resume", 2, "type `clauth start PROFILE [ARGS…]`"),
    ("shell", 2, "type `clauth shell PROFILE` (`clauth list` shows your profiles)"),
    ("shell wrok", 125, "did you mean `work`?"),
    ("shell work more", 2, "type `clauth shell PROFILE`"),
    ("exec", 2, "type `clauth exec PROFILE -- COMMAND…`"),
    ("exec work", 2, "type `clauth exec PROFILE -- COMMAND…`"),
    ("exec work ls", 2, "type `clauth exec PROFILE -- COMMAND…`"),
    ("exec wrok -- ls", 125, "did you mean `work`?"),
    ("exec work -- no-such-command", 127, "give its path, or look at PATH"),
    ("add", 2, "type `clauth add NAME"),
    ("add work", 1, "run `clauth list` to see them"),
    ("add me@work.example", 1, "use 1 to 64 letters"),
    ("add default", 1, "choose another name"),
    ("add one two", 2, "type `clauth add NAME"),
    ("add gw --base-url", 2, "type `clauth add NAME [--base-url URL]"),
    ("add gw --base-url gateway", 1, "give it as https://HOST/PATH"),
    ("add gw --api-key sk-ant", 2, "[--api-key-stdin]"),
    ("login", 2, "type `clauth login PROFILE [--yes] [--dir DIR] [ARGS…]` (`clauth list` shows your profiles)"),
    ("login wrok", 1, "did you mean `work`?"),
    ("login default", 1, "type `clauth start default`"),
    ("capture", 2, "type `clauth capture NAME [--back] [--yes]`"),
    ("capture me", 1, "sign in to it with `clauth login NAME`"),
    ("capture me more", 2, "type `clauth capture NAME [--back] [--yes]`"),
    ("capture --back wrok", 1, "did you mean `work`?"),
    ("capture --back work", 1, "nobody is signed in"),
    ("import", 2, "type `clauth import DIR NAME"),
    ("import .", 2, "type `clauth import DIR NAME"),
    ("import nowhere other", 1, "name a directory that a CLAUDE_CONFIG_DIR of yours led to"),
    ("import work ..", 1, "type `clauth import .. work`"),
    ("import . other more", 2, "type `clauth import DIR NAME"),
    ("list work", 2, "type `clauth list [--json]"),
    ("list --names --json", 2, "run `clauth list` with one of them"),
    ("remove", 2, "type `clauth remove PROFILE [--yes]"),
    ("remove wrok", 1, "did you mean `work`?"),
    ("remove default", 1, "type `clauth start default`"),
    ("remove work more", 2, "type `clauth remove PROFILE [--yes]"),
    ("remove work", 1, "answer `y`, or pass `--yes`"),
    ("removals work", 2, "type `clauth removals"),
    ("removals accept wrok", 1, "did you mean `work`?"),
    ("removals restore work more", 2, "type `clauth removals restore [PROFILE]`"),
    ("status work", 1, "name one that exists"),
    ("status . more", 2, "type `clauth status [DIR] [--json] [--format TEMPLATE]`"),
    ("status --format {weekly}", 1, "use {profile}, {account}"),
    ("status --format", 2, "type `clauth status [DIR] [--json] [--format TEMPLATE]`"),
    ("usage wrok", 1, "did you mean `work`?"),
    ("usage work more", 2, "type `clauth usage [PROFILE] [--json]`"),
    ("refresh", 1, "name one, or pass `--all`"),
    ("refresh wrok", 1, "did you mean `work`?"),
    ("refresh work", 1, "sign in with `clauth login work`"),
    ("refresh work --all", 2, "run `clauth refresh` with one of them"),
    ("refresh work more", 2, "type `clauth refresh [PROFILE] [--all] [--force]`"),
    ("doctor work", 2, "type `clauth doctor [--fix] [--json]`"),
    ("doctor --repair", 2, "type `clauth doctor [--fix] [--json]`"),
    ("statusline work", 2, "type `clauth statusline`"),
    ("stop wrok", 1, "did you mean `work`?"),
    ("stop work more", 2, "type `clauth stop [PROFILE]`"),
    ("shim", 2, "type `clauth shim install` or `clauth shim remove`"),
    ("shim instal", 2, "type `clauth shim install`"),
    ("shim install work", 2, "type `clauth shim install`"),
    ("completions", 2, "type `clauth completions SHELL`"),
    ("completions tcsh", 2, "choose bash, zsh, fish, pwsh"),
    ("completions bash zsh", 2, "type `clauth completions SHELL`"),
];

/// The same for the one command whose output is evaluated: it says `false` there.
const MISTAKES_OF_ENV: &[(&str, i32, &str)] = &[
    ("env", 2, "type `clauth env [PROFILE] [--shell SHELL]"),
    ("env wrok", 1, "did you mean `work`?"),
    ("env default", 1, "type `clauth start default`"),
    ("env work more", 2, "type `clauth env [PROFILE]"),
    ("env work --unset", 2, "run `clauth env` with one of them"),
    ("env work --shell tcsh", 2, "choose bash, zsh, fish, pwsh"),
];

fn answer(sandbox: &Sandbox, line: &str) -> Finished {
    sandbox.clauth(&line.split(' ').collect::<Vec<_>>())
}

#[test]
fn the_first_mistakes_are_answered_with_what_to_type() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    std::fs::remove_file(sandbox.path("home/.claude/.credentials.json")).unwrap(); // which `capture` would move
    let (of_env, others) = ((MISTAKES_OF_ENV, "false\n"), (MISTAKES, ""));
    for (mistakes, stdout) in [of_env, others] {
        for (line, code, instead) in mistakes {
            let told = answer(&sandbox, line).exits_with(*code);
            assert_eq!(told.stdout(), stdout, "{line}: {told:?}");
            let last = told.stderr().lines().last().unwrap();
            let (wrong, remedy) = last.split_once("; ").unwrap_or_else(|| panic!("{line}: no remedy: {told:?}"));
            assert!(wrong.starts_with("clauth: ") && last.contains(instead), "{line}: {last}");
            // What is shown before a question is no answer to a mistake.
            assert_eq!(told.stderr().lines().count(), if *line == "remove work" { 2 } else { 1 }, "{line}: {told:?}");
            for typed in remedy.split('`').skip(1).step_by(2).filter_map(|typed| typed.strip_prefix("clauth ")) {
                is_understood(&sandbox, typed);
            }
        }
    }
}

/// Asks for the help of what an answer says to type: that there is such a command.
fn is_understood(sandbox: &Sandbox, typed: &str) {
    let words = typed.split(' ').take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase()));
    // Behind the command stand names.
    let words: Vec<_> = words.take(if typed.starts_with("shim ") { 2 } else { 1 }).chain(["--help"]).collect();
    sandbox.clauth(&words).success();
}

#[test]
fn each_command_is_among_them() {
    let help = Sandbox::new().clauth(&["--help"]).success();
    let (_, commands) = help.stdout().split_once("Commands:\n").unwrap();
    // A description that takes two lines goes on further to the right.
    let lines = commands.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let commands: BTreeSet<_> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 15, "{help:?}");
    let tried: BTreeSet<_> = MISTAKES.iter().chain(MISTAKES_OF_ENV).filter_map(|(line, ..)| line.split(' ').next()).collect();
    assert_eq!(commands.difference(&tried).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn help_is_given_however_it_is_asked_for() {
    let sandbox = Sandbox::new();
    for (asked, expected) in
        [("help", "Commands:"), ("--help", "Commands:"), ("help use", "Usage: clauth use"), ("help shim install", "shim install")]
    {
        assert!(answer(&sandbox, asked).success().stdout().contains(expected), "{asked}");
    }
    // Without a word there is nothing to be wrong about.
    assert!(sandbox.clauth(&[]).exits_with(2).stderr().contains("Commands:"));
}

#[test]
fn a_file_that_is_wrong_is_mended_as_its_complaint_says() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for wrong in ["profile = work\n", "profil = \"work\"\n", &"#".repeat(5000)] {
        let project = sandbox.project("project", wrong);
        let told = sandbox.clauth_in(&project, &["use", "work"]).failure();
        assert!(told.complaint().ends_with("correct it, or remove it and run `clauth use PROFILE`"), "{told:?}");
        std::fs::remove_file(project.join(".clauth.toml")).unwrap();
        sandbox.clauth_in(&project, &["use", "work"]).success();
        assert_eq!(sandbox.applies(&project), "work");
    }
    // And so is a directory whose profile was taken away.
    let told = sandbox.clauth(&["remove", "work", "--yes"]).success();
    assert!(told.stderr().ends_with("until you run `clauth use` or `clauth deny` there\n"), "{told:?}");
    let project = sandbox.path("project");
    assert_eq!(sandbox.applies(&project), "refused");
    sandbox.clauth_in(&project, &["use", "default"]).success();
    assert_eq!(sandbox.applies(&project), "none");
}

#[test]
fn a_directory_may_be_named_in_either_way() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for place in [&["project"][..], &["--dir", "project"], &["project/.clauth.toml"]] {
        sandbox.mkdir("home/project");
        sandbox.clauth(&["use", "work", "project"]).success(); // so that there is a file to name
        let with = |command: &[&str]| sandbox.clauth(&[command, place].concat()).success();
        assert!(with(&["use", "work"]).complaint().ends_with("/home/project is bound to work"), "{place:?}");
        with(&["deny"]);
        assert_eq!(sandbox.applies(sandbox.path("home/project")), "none", "{place:?}");
        with(&["allow"]);
        assert_eq!(with(&["status", "--json"]).json()["profile"], "work", "{place:?}");
        std::fs::remove_dir_all(sandbox.path("home/project")).unwrap();
    }
}

#[test]
fn by_default_is_without_clauth() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    let refused = sandbox.project("refused", "profile = \"work\"\n");
    sandbox.set_variable("CLAUDE_CONFIG_DIR", sandbox.runtime("work"));
    for place in [&directory, &refused] {
        for line in [&["start", "default"][..], &["exec", "default", "--", "claude"], &["exec", "default", "--", "sh", "-c", "claude"]] {
            assert_eq!(sandbox.clauth_in(place, line).success().stdout(), sandbox.claude_says(None), "{line:?}");
        }
        // The shim in what it started does not choose again.
        sandbox.clauth(&["shim", "install"]).success();
        let shim = sandbox.path("home/.clauth/bin/claude").display().to_string();
        assert_eq!(sandbox.clauth_in(place, &["exec", "default", "--", &shim]).success().stdout(), sandbox.claude_says(None));
    }
    sandbox.assert_no_helpers_left();
}
