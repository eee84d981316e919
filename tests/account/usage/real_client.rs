//! The real client: it shows the line of `clauth statusline`, and what it says there is what `clauth usage` tells.

use std::fs;

use serde_json::json;

use crate::support::rig::{Freshness, Rig, read_json};
use crate::support::shell::shells_found;
use crate::support::{Startup, Terminal, wait_until};

#[test]
fn the_status_line_is_shown_and_what_it_hears_is_kept() {
    let Some(rig) = Rig::start() else { return };
    let sandbox = &rig.sandbox;
    sandbox.write("home/.claude/settings.json", r#"{"statusLine": {"type": "command", "command": "clauth statusline"}}"#);
    sandbox.write("home/.clauth/config.toml", "statusline = \"echo mine\"\n");
    sandbox.clauth(&["add", "work"]).success();
    sandbox.clauth(&["exec", "work", "--", "true"]).success(); // makes its config directory
    let project = sandbox.mkdir("home/project");
    let claude_json = sandbox.runtime("work").join(".claude.json");
    rig.sign_in("alice", &sandbox.runtime("work"), &claude_json, Freshness::Fresh);
    // The client begins at its prompt: the first-run screens are done, and the directory is trusted.
    let mut state = read_json(&claude_json);
    for (key, value) in [
        ("hasCompletedOnboarding", json!(true)),
        ("lastOnboardingVersion", json!("2.1.332")),
        ("theme", json!("dark")),
        ("hasSeenAutoDefaultNotice", json!(true)),
        ("officialMarketplaceAutoInstallAttempted", json!(true)),
        ("projects", json!({project.to_str().unwrap(): {"hasTrustDialogAccepted": true, "allowedTools": []}})),
    ] {
        state[key] = value;
    }
    fs::write(&claude_json, state.to_string()).unwrap();

    let mut terminal = Terminal::start(sandbox, &shells_found()[0], &Startup::bare().in_directory(&project));
    terminal.type_line("clauth start work");
    terminal.wait_for("work │ mine"); // nothing is known yet
    terminal.send("hello");
    terminal.wait_for("hello");
    terminal.send("\r");
    terminal.wait_for("5h 12% · 7d 34%");
    let account = state["oauthAccount"]["accountUuid"].as_str().unwrap();
    let kept = sandbox.path("home/.clauth/usage").join(format!("{account}.json"));
    wait_until("it is kept", || fs::read_to_string(&kept).is_ok_and(|text| text.contains("status_line")));

    let asked = |path: &str| rig.requests().iter().filter(|request| request["path"] == path).count();
    let before = asked("/api/oauth/usage");
    let told = sandbox.clauth(&["usage", "work", "--json"]).success().json();
    let work = &told["profiles"][0];
    assert_eq!((&work["five_hour"]["utilization"], &work["seven_day"]["utilization"]), (&json!(12.0), &json!(34.0)));
    assert_eq!((&work["five_hour"]["source"], &work["account"]), (&json!("status_line"), &json!("alice@example.test")));
    assert_eq!(asked("/api/oauth/usage"), before, "what the client said a moment ago is not asked");
    rig.assert_served(&[("alice", 1)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn the_service_is_asked_as_the_client_asks_it() {
    let Some(rig) = Rig::start() else { return };
    let sandbox = &rig.sandbox;
    sandbox.clauth(&["add", "work"]).success();
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    rig.sign_in("bob", &sandbox.runtime("work"), &sandbox.runtime("work").join(".claude.json"), Freshness::Fresh);
    // By the proxy and the authority that the client is told of, over TLS.
    let told = sandbox.clauth(&["usage", "--json"]).success().json();
    let work = &told["profiles"][0];
    assert_eq!((&work["five_hour"]["utilization"], &work["seven_day"]["utilization"]), (&json!(80.0), &json!(61.0)));
    assert_eq!((&work["five_hour"]["source"], &work["models"][0]["model"]), (&json!("service"), &json!("Sonnet")));
    let requests = rig.requests();
    assert_eq!((&requests.last().unwrap()["path"], &requests.last().unwrap()["account"]), (&json!("/api/oauth/usage"), &json!("bob")));
    sandbox.assert_no_helpers_left();
}
