//! `import` of a directory that `~/.claude` leads to, or that leads there: one place is not two sides, and nothing is moved onto itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Sandbox;
use crate::support::files::{files_below, text};
use crate::support::finished::Finished;
use crate::support::session::may_unshare;

/// Makes a config directory of the user's own, signed in.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let login = json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": "work-refresh", "expiresAt": 1}});
    sandbox.write("home/.claude-work/.credentials.json", login.to_string());
    sandbox.write("home/.claude-work/projects/p/only.jsonl", "talk\n");
    sandbox.write("home/.claude-work/commands/only.md", "command");
    sandbox.write("home/.claude-work/CLAUDE.md", "Be quick.\n");
    sandbox
}

/// Removes a name of `~/.claude` and puts a link there.
fn lead(sandbox: &Sandbox, name: &str, target: &str) {
    let link = sandbox.path("home/.claude").join(name);
    let _ = fs::remove_dir_all(&link).or_else(|_| fs::remove_file(&link)); // it need not be there
    symlink(sandbox.path("home").join(target), link).unwrap();
}

fn texts(sandbox: &Sandbox) -> Vec<String> {
    files_below(&sandbox.home()).iter().filter(|file| !file.is_symlink()).filter_map(|file| text(file)).collect()
}

#[test]
fn what_the_hub_leads_to_stays_and_is_shared_from_there() {
    let sandbox = sandbox();
    lead(&sandbox, "projects", ".claude-work/projects");
    lead(&sandbox, "CLAUDE.md", ".claude-work/CLAUDE.md");
    let listed = sandbox.clauth(&["import", ".claude-work", "work", "--dry-run"]).success();
    for name in ["projects", "CLAUDE.md"] {
        assert!(listed.stdout().contains(&format!("leave {name}: {}", sandbox.path("home/.claude").join(name).display())), "{listed:?}");
    }
    let told = sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).success();
    assert!(told.stderr().contains("do not remove"), "{told:?}");
    for (name, text) in [("projects/p/only.jsonl", "talk\n"), ("commands/only.md", "command"), ("CLAUDE.md", "Be quick.\n")] {
        assert_eq!(sandbox.read(format!("home/.claude/{name}")), text, "{name}");
    }
    assert_eq!(sandbox.read("home/.claude-work/projects/p/only.jsonl"), "talk\n");
    // And a session of the new profile takes nothing away.
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    assert_eq!(sandbox.read("home/.claude/projects/p/only.jsonl"), "talk\n");
}

#[test]
fn a_link_deep_inside_is_not_followed_onto_itself() {
    let sandbox = sandbox();
    sandbox.write("home/.claude-work/agents/team/only.md", "agent");
    sandbox.mkdir("home/.claude/agents");
    lead(&sandbox, "agents/team", ".claude-work/agents/team");
    lead(&sandbox, "agents/one.md", ".claude-work/agents/team/only.md");
    sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).success();
    for name in ["agents/team/only.md", "agents/one.md"] {
        assert_eq!(sandbox.read(format!("home/.claude/{name}")), "agent", "{name}");
    }
}

#[test]
fn a_bind_mount_is_one_place_too() {
    if !may_unshare() {
        return;
    }
    for (from, to) in [(".claude-work/projects", ".claude/projects"), (".claude-work/projects/p", ".claude/tasks")] {
        let sandbox = sandbox();
        let script = format!("mkdir -p ~/{to} && mount --bind ~/{from} ~/{to} && clauth import ~/.claude-work work --yes && [ -e ~/{from} ]");
        let mut command = sandbox.command("unshare");
        command.args(["--mount", "/bin/sh", "-c", &script]);
        let told = Finished::run(command).success();
        assert!(told.stderr().contains("do not remove"), "{told:?}");
        assert_eq!(sandbox.read("home/.claude-work/projects/p/only.jsonl"), "talk\n", "{from}");
        assert!(texts(&sandbox).contains(&"command".into()));
    }
    let sandbox = sandbox();
    let mut command = sandbox.command("unshare");
    command.args(["--mount", "/bin/sh", "-c", "mount --bind ~/.claude-work ~/.claude && clauth import ~/.claude-work work --yes"]);
    Finished::run(command).complains(1, "cannot be imported");
    assert_eq!(sandbox.read("home/.claude-work/projects/p/only.jsonl"), "talk\n");
}

#[test]
fn settings_that_name_an_account_or_a_service_are_not_everybodys() {
    for settings in [
        json!({"env": {"ANTHROPIC_BASE_URL": "https://gateway.example", "ANTHROPIC_AUTH_TOKEN": "gateway-token"}}).to_string(),
        json!({"apiKeyHelper": "print gateway-token"}).to_string(),
        "{\"env\": {\"gateway-token".to_owned(),
    ] {
        let sandbox = sandbox();
        fs::remove_file(sandbox.path("home/.claude/settings.json")).unwrap();
        sandbox.write("home/.claude-work/settings.json", &settings);
        let listed = sandbox.clauth(&["import", ".claude-work", "work", "--dry-run"]).success();
        assert!(listed.stdout().contains("keep  settings.json in ") && listed.stdout().contains("which account or service"), "{listed:?}");
        sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).success();
        let holders: Vec<PathBuf> =
            files_below(&sandbox.home()).into_iter().filter(|file| text(file).is_some_and(|text| text.contains("gateway-token"))).collect();
        assert!(holders.len() == 1 && holders[0].starts_with(sandbox.path("home/.clauth/rescued/work")), "{holders:?}");
    }
}
