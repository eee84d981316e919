//! `login`: the client's own sign-in under a profile, and who came out of it.

use std::fs;

use super::state;
use crate::support::finished::Finished;
use crate::support::shell::shells_found;
use crate::support::{Sandbox, Startup, Terminal, wait_until};

/// A client that signs in as the account and with the refresh token that HOME/who names, and writes down how it was called.
const CLIENT: &str = r#"#!/bin/sh
echo "$* dir=$CLAUDE_CONFIG_DIR key=${ANTHROPIC_API_KEY-none} url=${ANTHROPIC_BASE_URL-none}" >>"$HOME/calls"
read -r account token <"$HOME/who"
case "$1 $2" in
"auth login")
    echo "Opening browser to sign in…"
    [ "$account" != nobody ] || exit 3
    echo "{\"claudeAiOauth\": {\"accessToken\": \"a\", \"refreshToken\": \"$token\", \"expiresAt\": 1}}" >"$CLAUDE_CONFIG_DIR/.credentials.json"
    echo "{\"oauthAccount\": {\"emailAddress\": \"$account@corp.example\", \"accountUuid\": \"uuid-$account\"}}" >"$CLAUDE_CONFIG_DIR/.claude.json"
    ;;
"auth status")
    [ -e "$CLAUDE_CONFIG_DIR/.credentials.json" ] || { echo '{"loggedIn": false}'; exit 1; }
    echo "{\"loggedIn\": true, \"authMethod\": \"claude.ai\", \"email\": \"$account@corp.example\", \"orgName\": \"Corp\", \"subscriptionType\": \"max\"}"
    ;;
esac
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    sandbox.program("claude", CLIENT);
    sandbox
}

/// Signs in, as somebody with a refresh token.
fn login(sandbox: &Sandbox, profile: &str, who: &str) -> Finished {
    sandbox.write("home/who", format!("{who}\n"));
    sandbox.clauth(&["login", profile, "--yes"])
}

#[test]
fn login_signs_in_under_the_profile_and_says_who_came() {
    let mut sandbox = sandbox();
    sandbox.set_variable("ANTHROPIC_API_KEY", "sk-own");
    sandbox.set_variable("ANTHROPIC_BASE_URL", "https://gateway.example");
    sandbox.write("home/who", "me r1\n");
    let told = sandbox.clauth(&["login", "work", "--email", "me@corp.example", "--sso"]).success();
    assert_eq!(told.complaint(), "work is signed in as me@corp.example (Corp, max)");
    assert_eq!(told.stdout(), "Opening browser to sign in…\n", "the client speaks for itself");
    let under = format!("dir={} key=none url=none", sandbox.runtime("work").display());
    assert_eq!(sandbox.read("home/calls"), format!("auth login --email me@corp.example --sso {under}\nauth status --json {under}\n"));
    assert!(sandbox.runtime("work").join("settings.json").exists(), "the tree is there");
    assert!(sandbox.clauth(&["list"]).success().stdout().starts_with("other  not signed in\nwork   me@corp.example"));
    sandbox.assert_no_helpers_left();
}

#[test]
fn a_sign_in_that_comes_to_nothing_is_a_failure() {
    let sandbox = sandbox();
    login(&sandbox, "work", "nobody").exits_with(1);
    // One that ends well and leaves nothing is none either.
    sandbox.program("claude", "#!/bin/sh\nexit 0\n");
    let told = sandbox.clauth(&["login", "work"]).failure();
    assert_eq!(told.complaint(), "nobody signed in to `work`; run `clauth login work` to try again");
    sandbox.clauth(&["login", "wrok"]).complains(1, "(did you mean `work`?)");
    assert!(!sandbox.path("home/.clauth/profiles/wrok").exists(), "a mistyped name makes no profile");
}

#[test]
fn where_a_sign_in_would_be_of_no_use_or_give_a_token_away_there_is_none() {
    let sandbox = sandbox();
    sandbox.clauth_with_input(&["add", "gw", "--base-url", "https://gateway.example", "--api-key-stdin"], "sk-ant-api").success();
    sandbox.clauth(&["login", "gw"]).complains(1, "has an API key, which wins over any login");
    let file = sandbox.path("home/.clauth/profiles/gw/profile.toml");
    let text = fs::read_to_string(&file).unwrap().replace("api_key", "# api_key");
    fs::write(&file, text).unwrap();
    sandbox.clauth(&["login", "gw"]).complains(1, "the token of a login would go there");
    assert!(!sandbox.path("home/calls").exists());
}

#[test]
fn it_says_calmly_that_an_account_is_known_and_loudly_that_a_login_is() {
    let sandbox = sandbox();
    login(&sandbox, "work", "me r1").success();
    let told = login(&sandbox, "other", "me r2").success();
    let lines: Vec<_> = told.stderr().lines().collect();
    assert_eq!(lines[1..2], ["clauth: the profile work has a login of the same account; that is fine, each is its own"], "{told:?}");
    assert!(lines[2].contains("`clauth login other --email ADDRESS`") && lines[2].contains("private window"), "{told:?}");
    let told = login(&sandbox, "other", "me r1").success();
    let lines: Vec<_> = told.stderr().lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("clauth: WARNING: other has a copy of the login of the profile work"), "{told:?}");
    assert!(lines[1].ends_with("`clauth login other`") && !told.stderr().contains("r1"), "{told:?}");
    // And of ~/.claude: by its id, whatever its address is now.
    let hub = sandbox.read("home/.claude.json").replace("11111111-1111-4111-8111-111111111111", "uuid-me");
    sandbox.write("home/.claude.json", hub);
    let told = login(&sandbox, "other", "me r3").success();
    let places = format!("the profile work and {} have a login", sandbox.path("home/.claude").display());
    assert!(told.stderr().contains(&places), "{told:?}");
    let told = login(&sandbox, "other", "you r4").success();
    assert!(!told.stderr().contains("same account") && !told.stderr().contains("copy"), "{told:?}");
}

#[test]
fn ctrl_c_is_the_clients_and_the_profile_is_in_use_until_it_obeys() {
    let sandbox = sandbox();
    let client = "#!/bin/sh\ntrap 'echo obeyed; exit 1' INT\ntrap 'echo going on' CONT\necho asking\nwhile :; do sleep 0.01; done\n";
    sandbox.program("claude", client);
    let mut terminal = Terminal::start(&sandbox, &shells_found()[0], &Startup::bare());
    terminal.type_line("clauth login work; echo \"exit $?\"");
    terminal.wait_for("asking");
    wait_until("the lease is there", || sandbox.clauth(&["list", "--json"]).json()["profiles"][1]["in_use_by"] == 1);
    let shown = terminal.interrupt();
    assert!(shown.contains("obeyed"), "{shown}");
    sandbox.assert_no_helpers_left();
    assert!(sandbox.processes_named("claude").is_empty());
    // And Ctrl-Z stops both, so that the shell has the terminal again.
    terminal.type_line("clauth login work; echo \"exit $?\"");
    terminal.wait_for("asking");
    terminal.send("\u{1a}");
    terminal.wait_for_prompt();
    terminal.type_line("fg");
    terminal.wait_for("going on"); // by then the terminal is theirs
    assert!(terminal.interrupt().contains("obeyed"));
}

#[test]
fn without_claude_there_is_no_sign_in() {
    let mut sandbox = sandbox();
    sandbox.set_path(&["program"]);
    sandbox.clauth(&["login", "work"]).complains(1, "install it with");
    assert!(!sandbox.runtime("work").join(".claude.json").exists() || state(&sandbox.runtime("work").join(".claude.json"))["oauthAccount"].is_null());
}

/// Returns the directories in which a login of this profile is kept.
fn kept(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let found = fs::read_dir(sandbox.path("home/.clauth/rescued")).into_iter().flatten();
    found.map(|entry| entry.unwrap().path()).flat_map(|path| fs::read_dir(path).unwrap()).map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_login_of_another_account_is_asked_for_and_kept_where_a_command_takes_it_back() {
    let sandbox = sandbox();
    login(&sandbox, "work", "me r1").success();
    sandbox.write("home/who", "you r2\n");
    sandbox.clauth(&["login", "work"]).complains(1, "work is signed in (me@corp.example); sign in again?");
    assert_eq!(sandbox.read("home/calls").matches("auth login").count(), 1, "no sign-in began");
    let told = sandbox.clauth(&["login", "work", "--email", "you@corp.example", "--yes"]).success();
    assert!(sandbox.read("home/calls").contains("auth login --email you@corp.example dir="), "`--yes` is clauth's own");
    assert!(told.stderr().contains("work was me@corp.example; that login is kept: `clauth import "), "{told:?}");
    let [directory] = &kept(&sandbox)[..] else { panic!("{:?}", kept(&sandbox)) };
    sandbox.clauth(&["import", directory.to_str().unwrap(), "back", "--yes"]).success();
    assert!(sandbox.clauth(&["list"]).success().stdout().starts_with("back   me@corp.example"));
    assert!(fs::read_to_string(sandbox.runtime("back").join(".credentials.json")).unwrap().contains("r1"));
}

#[test]
fn a_newer_login_of_the_same_account_replaces_the_old_one_without_a_trace() {
    let sandbox = sandbox();
    login(&sandbox, "work", "me r1").success();
    let told = login(&sandbox, "work", "me r2").success();
    assert_eq!(told.complaint(), "work is signed in as me@corp.example (Corp, max)");
    assert_eq!(kept(&sandbox), [""; 0].map(std::path::PathBuf::from));
    // Nor does a sign-in that is given up: the login is where it was.
    login(&sandbox, "work", "nobody").exits_with(1);
    assert_eq!(kept(&sandbox), [""; 0].map(std::path::PathBuf::from));
    assert!(fs::read_to_string(sandbox.runtime("work").join(".credentials.json")).unwrap().contains("r2"));
}

#[test]
fn a_token_that_is_shown_once_survives_a_sign_in_and_is_no_copy_of_another() {
    let sandbox = sandbox();
    for name in ["ci", "deploy"] {
        sandbox.clauth_with_input(&["add", name, "--token-stdin"], format!("sk-ant-oat01-{name}")).success();
    }
    let doctor = sandbox.clauth(&["doctor"]);
    assert!(!doctor.stdout().contains("copies of one login"), "{doctor:?}");
    sandbox.write("home/who", "me r1\n");
    sandbox.clauth(&["login", "ci"]).complains(1, "a long-lived token, which cannot be shown again");
    let told = login(&sandbox, "ci", "me r1").success();
    assert!(told.stderr().contains("ci was a long-lived token") && !told.stderr().contains("sk-ant"), "{told:?}");
    let [directory] = &kept(&sandbox)[..] else { panic!("{:?}", kept(&sandbox)) };
    sandbox.clauth(&["import", directory.to_str().unwrap(), "again", "--yes"]).success();
    assert!(fs::read_to_string(sandbox.runtime("again").join(".credentials.json")).unwrap().contains("sk-ant-oat01-ci"));
}

#[test]
fn one_line_makes_the_profile_signs_in_and_binds() {
    let sandbox = sandbox();
    let directory = sandbox.mkdir("home/it's new");
    sandbox.write("home/who", "nobody r1\n");
    let failed = sandbox.clauth(&["login", "fresh", "--dir", "~/it's new"]).failure();
    assert!(
        failed
            .stderr()
            .contains(&format!("run `clauth login fresh --dir '{}'` to try again", directory.display().to_string().replace('\'', r"'\''"))),
        "{failed:?}"
    );
    assert!(!directory.join(".clauth.toml").exists(), "nothing is bound to a profile that nobody signed in to");
    // Behind the client's own arguments, too.
    sandbox.write("home/who", "me r1\n");
    sandbox.clauth(&["login", "fresh", "--email", "me@corp.example", "--dir=~/it's new"]).success();
    assert!(sandbox.read("home/calls").contains("auth login --email me@corp.example dir="));
    assert_eq!(sandbox.applies(&directory), "fresh");
    // A slip of the finger makes no profile, and a directory that is not there opens no browser.
    sandbox.clauth(&["login", "wrok", "--dir", "."]).complains(1, "(did you mean `work`?); make it?");
    let calls = sandbox.read("home/calls");
    sandbox.clauth(&["login", "work", "--dir", "nowhere"]).complains(1, "name one that exists");
    assert_eq!((sandbox.read("home/calls"), sandbox.path("home/.clauth/profiles/wrok").exists()), (calls, false));
}
