//! `clauth status --format`: a line for prompts.

use serde_json::json;

use crate::support::finished::Finished;
use crate::support::startup::PROMPT;
use crate::support::trace::strace;
use crate::support::{Language, Sandbox, Shell, Startup, Terminal};

/// Every placeholder, told apart.
const ALL: &str = "{profile}|{account}|{organization}|{plan}|{5h}|{7d}";

/// Signs `work` in, to an account whose limits the service told a moment ago.
fn sign_in(sandbox: &Sandbox, organization: &str) {
    let identity = json!({"oauthAccount": {
        "accountUuid": "one", "organizationUuid": "org", "emailAddress": "me@corp.example", "organizationName": organization,
    }});
    let login = json!({"claudeAiOauth": {
        "accessToken": "a", "refreshToken": "r", "expiresAt": 4_102_444_800_000_u64, "subscriptionType": "max", "accountUuid": "one",
    }});
    sandbox.write(sandbox.runtime("work").join(".claude.json"), identity.to_string());
    sandbox.write(sandbox.runtime("work").join(".credentials.json"), login.to_string());
    let window = |used: f64| json!({"used": used, "resets_at": "2100-01-01T00:00:00Z"});
    let reading = json!({
        "source": "service", "at": jiff::Timestamp::now().to_string(), "extra": null,
        "windows": [["five_hours", window(42.9)], ["seven_days", window(7.0)]],
    });
    sandbox.write("home/.clauth/usage/one.json", json!({"organizations": {"org": {"asked_at": null, "readings": [reading]}}}).to_string());
}

fn line(sandbox: &Sandbox, directory: &str, template: &str) -> String {
    let told = sandbox.clauth_in(sandbox.path(directory), &["status", "--format", template]).success();
    assert_eq!(told.stderr(), "");
    told.stdout().strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn a_line_says_what_its_template_asks_for() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.bind("home/w", "work");
    assert_eq!(line(&sandbox, "home/w", ALL), "work|not signed in|||–|–");
    sign_in(&sandbox, "Corp");
    assert_eq!(line(&sandbox, "home/w", ALL), "work|me@corp.example|Corp|max|42%|7%");
    assert_eq!(line(&sandbox, "home/w", "{{{profile}}} %F{{red}}"), "{work} %F{red}");
    assert_eq!(line(&sandbox, "home", ALL), "", "nothing is bound there");
    let dir = sandbox.path("home/w");
    assert_eq!(sandbox.clauth(&["status", "--dir", dir.to_str().unwrap(), "--format", "{profile}"]).success().stdout(), "work\n");
    sandbox.write("home/refused/.clauth.toml", "profile = \"work\"\n");
    assert_eq!(line(&sandbox, "home/refused", ALL), "refused|||||");
    sandbox.clauth_with_input(&["add", "key", "--api-key-stdin"], "sk-ant-api-own").success();
    sandbox.bind("home/k", "key");
    assert_eq!(line(&sandbox, "home/k", ALL), "key|API key||||");
}

#[test]
fn a_choice_by_hand_is_what_the_line_says() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    sandbox.bind("home/w", "work");
    let script = "cd ~/w; eval \"$(clauth env other)\"; clauth status --format '{profile}'; clauth status --dir . --format '{profile}'";
    assert_eq!(sandbox.script("/bin/sh", script).success().stdout(), "other\nwork\n");
}

#[test]
fn figures_of_another_account_are_not_told() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.bind("home/w", "work");
    sign_in(&sandbox, "Corp");
    let file = sandbox.runtime("work").join(".credentials.json");
    let login = sandbox.read(&file).replace("\"one\"", "\"two\"");
    sandbox.write(file, login);
    assert_eq!(line(&sandbox, "home/w", "{5h} {7d}"), "– –");
}

#[test]
fn what_a_template_cannot_ask_for_is_said_with_what_it_can() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    // Where nothing is bound, too: else the mistake would wait for the first bound directory.
    for (template, wrong) in [("{5h} {week}", "`{week}`"), ("{profile", "`{profile`"), ("}", "`}`")] {
        let told = sandbox.clauth(&["status", "--format", template]);
        assert!(told.stderr().contains("{profile}, {account}, {organization}, {plan}, {5h}, {7d}, and `{{`"), "{told:?}");
        told.complains(1, wrong);
    }
    sandbox.clauth(&["status", "--format", "{profile}", "--json"]).exits_with(2);
}

#[test]
fn a_terminal_obeys_nothing_of_an_account() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.bind("home/w", "work");
    sign_in(&sandbox, "Corp\u{1b}[31m\n\u{202e}");
    assert_eq!(line(&sandbox, "home/w", "{organization}"), "Corp\\u{1b}[31m\\n\\u{202e}");
}

#[test]
fn a_line_starts_no_process_and_asks_nobody() {
    let Some(strace) = strace() else { return };
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.bind("home/w", "work");
    sign_in(&sandbox, "Corp");
    let log = sandbox.path("strace.log");
    let mut command = sandbox.command(strace);
    command.args(["-f", "-qq", "-e", "trace=%process,%network", "-e", "signal=none", "-o"]).arg(&log);
    command.args(["clauth", "status", "--format", ALL]).current_dir(sandbox.path("home/w"));
    assert_eq!(Finished::run(command).success().stdout(), "work|me@corp.example|Corp|max|42%|7%\n");
    let calls = sandbox.read(&log);
    let started: Vec<_> = calls.lines().filter(|call| !call.contains("exit_group(0)") && !call.contains(" = -1 ENOENT")).collect();
    assert!(started.len() == 1 && started[0].contains("execve("), "{calls}");
}

#[test]
fn a_plain_prompt_shows_it_as_the_readme_says() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let directory = sandbox.bind("home/w", "work");
        sign_in(&sandbox, "Corp");
        let lines = match shell.language {
            Language::Bash => format!(r#"PS1='$(clauth status --format "{{profile}} {{5h}} "){PROMPT}'"#),
            Language::Zsh => format!(r#"setopt prompt_subst; PS1='${{$(clauth status --format "{{profile}} {{5h}} ")//\%/%%}}{PROMPT}'"#),
            Language::Fish => format!(r#"function fish_prompt; echo -n (clauth status --format "{{profile}} {{5h}} ")'{PROMPT}'; end"#),
            Language::Pwsh => format!(r#"function global:prompt {{ "$(clauth status --format '{{profile}} {{5h}} '){PROMPT}" }}"#),
        };
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::hooked().after(&lines).in_directory(&directory));
        terminal.run("");
        assert!(terminal.transcript().contains(&format!("work 42% {PROMPT}")), "{}", terminal.transcript());
    });
}
