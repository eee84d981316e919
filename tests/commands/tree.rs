//! The config directory of a profile: links in one hop, real directories where the client wants them, its own state.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::support::Sandbox;
use crate::support::claude::HOME_ACCOUNT;
use crate::support::files::make_fifo;

/// What the client's permission checks resolve, so that a link would be denied.
const MIRRORED: [&str; 4] = ["agent-memory", "plans", "projects", "tasks"];

/// Makes the tree of `work`, or mends it, and waits until nobody uses it.
fn make(sandbox: &Sandbox) {
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
}

/// Returns each name in a directory with the text of its link; `None` for what is real.
fn entries(directory: &Path) -> BTreeMap<String, Option<PathBuf>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_link(entry.path()).ok())).collect()
}

fn assert_no_link_dangles(runtime: &Path) {
    for (name, target) in entries(runtime) {
        assert!(runtime.join(&name).exists(), "{name} -> {target:?}");
    }
}

#[test]
fn what_is_shared_is_one_hop_away() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.claude/something-new.json", "{}");
    sandbox.write("home/.claude/agents/a.md", "");
    make(&sandbox);
    let runtime = sandbox.runtime("work");
    let hub = sandbox.path("home/.claude");
    let links: BTreeMap<_, _> = entries(&runtime).into_iter().filter_map(|(name, target)| Some((name, target?))).collect();
    for (name, target) in &links {
        assert_eq!(target, &hub.join(name));
        assert!(!fs::symlink_metadata(target).unwrap().is_symlink(), "{name}");
    }
    let names: Vec<_> = links.keys().map(String::as_str).collect();
    let shared = [
        "CLAUDE.md",
        "agents",
        "commands",
        "file-history",
        "history.jsonl",
        "plugins",
        "session-env",
        "shell-snapshots",
        "skills",
        "something-new.json",
    ];
    assert_eq!(names, shared);
}

#[test]
fn what_the_client_checks_by_path_is_a_real_directory() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    make(&sandbox);
    for name in MIRRORED {
        assert!(fs::symlink_metadata(sandbox.runtime("work").join(name)).unwrap().is_dir(), "{name}");
    }
}

#[test]
fn what_belongs_to_an_account_is_not_linked() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let private = [
        ".claude.json.backup",
        ".credentials.json.tmp.0af",
        ".last-cleanup",
        ".oauth_refresh.lock",
        ".storage-write.lock",
        "daemon.json",
        "daemon.log",
        "hfi-auth.json",
        "id_ed25519.key",
        "mcp-needs-auth-cache.json",
        "my-token.txt",
        "old-Credentials",
        "policy-limits.json",
        "remote-settings.json",
        "x.pid",
        "x.sock",
    ];
    for name in private {
        sandbox.write(Path::new("home/.claude").join(name), "private");
    }
    for name in ["ide", "jobs", "remote-control", "routines", "shares", "teams", "uploads"] {
        sandbox.mkdir(Path::new("home/.claude").join(name));
    }
    make(&sandbox);
    let real: Vec<_> = entries(&sandbox.runtime("work")).into_iter().filter(|(_, target)| target.is_none()).map(|(name, _)| name).collect();
    let mut expected = vec![".claude.json", ".clauth-id", "settings.json"];
    expected.extend(MIRRORED);
    expected.sort_unstable();
    assert_eq!(real, expected);
    let linked = entries(&sandbox.runtime("work"));
    for name in private.iter().chain(&["backups", "ide", "jobs", "sessions", "teams", ".credentials.json"]) {
        assert!(!linked.contains_key(*name), "{name}");
    }
}

#[test]
fn a_hub_of_links_is_resolved() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    // As stow and Nix lay a home directory out: links to links, and the hub itself one.
    fs::rename(sandbox.path("home/.claude"), sandbox.path("hub")).unwrap();
    symlink("../hub", sandbox.path("home/.claude")).unwrap();
    sandbox.write("store/commands/review.md", "");
    fs::remove_dir_all(sandbox.path("hub/commands")).unwrap();
    symlink("store/commands", sandbox.path("middle")).unwrap();
    symlink("../middle", sandbox.path("hub/commands")).unwrap();
    fs::rename(sandbox.path("hub/CLAUDE.md"), sandbox.path("store/CLAUDE.md")).unwrap();
    symlink(sandbox.path("store/CLAUDE.md"), sandbox.path("hub/CLAUDE.md")).unwrap();
    make(&sandbox);
    let links = entries(&sandbox.runtime("work"));
    assert_eq!(links["commands"], Some(sandbox.path("store/commands")));
    assert_eq!(links["CLAUDE.md"], Some(sandbox.path("store/CLAUDE.md")));
    assert_no_link_dangles(&sandbox.runtime("work"));
}

#[test]
fn no_link_ever_dangles() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let runtime = sandbox.runtime("work");
    symlink("nowhere", sandbox.path("home/.claude/agents")).unwrap();
    symlink("agents", sandbox.path("home/.claude/output-styles")).unwrap();
    symlink("rules", sandbox.path("home/.claude/rules")).unwrap();
    make_fifo(&sandbox.path("home/.claude/fifo"));
    make(&sandbox);
    assert_no_link_dangles(&runtime);
    let links = entries(&runtime);
    assert!(!["agents", "output-styles", "rules", "fifo"].iter().any(|name| links.contains_key(*name)), "{links:?}");

    // What leaves the hub leaves the profile, and what comes back comes back.
    fs::rename(sandbox.path("home/.claude/skills"), sandbox.path("skills")).unwrap();
    make(&sandbox);
    assert!(!entries(&runtime).contains_key("skills"));
    fs::rename(sandbox.path("skills"), sandbox.path("home/.claude/skills")).unwrap();
    make(&sandbox);
    assert_eq!(entries(&runtime)["skills"], Some(sandbox.path("home/.claude/skills")));
}

#[test]
fn what_the_client_makes_itself_is_made_in_the_hub_first() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    fs::remove_dir_all(sandbox.path("home/.claude")).unwrap();
    sandbox.mkdir("home/.claude");
    make(&sandbox);
    assert_eq!(sandbox.read("home/.claude/history.jsonl"), "");
    let links = entries(&sandbox.runtime("work"));
    for name in ["file-history", "history.jsonl", "plugins", "session-env", "shell-snapshots"] {
        assert_eq!(links[name], Some(sandbox.path("home/.claude").join(name)));
    }
    assert_no_link_dangles(&sandbox.runtime("work"));
}

#[test]
fn a_profile_starts_with_the_hubs_state_but_for_its_account() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    make(&sandbox);
    let own = sandbox.runtime("work").join(".claude.json");
    let seeded: serde_json::Value = serde_json::from_str(&fs::read_to_string(&own).unwrap()).unwrap();
    let mut hub: serde_json::Value = serde_json::from_str(&sandbox.read("home/.claude.json")).unwrap();
    assert_eq!(hub["oauthAccount"]["emailAddress"], HOME_ACCOUNT);
    for key in ["oauthAccount", "customApiKeyResponses", "hasAvailableSubscription", "cachedUsageUtilization"] {
        assert!(hub.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    assert_eq!(seeded, hub);
    let meta = fs::symlink_metadata(&own).unwrap();
    assert!(meta.is_file() && meta.mode() & 0o777 == 0o600);

    // From then on it is the profile's.
    sandbox.sign_in("work", "me@corp.example");
    make(&sandbox);
    assert!(fs::read_to_string(&own).unwrap().contains("me@corp.example"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&sandbox.read("home/.claude.json")).unwrap()["oauthAccount"]["emailAddress"], HOME_ACCOUNT);
}

#[test]
fn a_hub_without_state_or_with_a_broken_one_seeds_nothing() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for text in ["", "not JSON", "[1]"] {
        sandbox.write("home/.claude.json", text);
        make(&sandbox);
        assert!(!sandbox.runtime("work").join(".claude.json").exists(), "{text:?}");
    }
    fs::remove_file(sandbox.path("home/.claude.json")).unwrap();
    make(&sandbox);
    assert!(!sandbox.runtime("work").join(".claude.json").exists());
}

#[test]
fn running_again_changes_nothing() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    make(&sandbox);
    let snapshot = || {
        let mut seen = Vec::new();
        for directory in [sandbox.runtime("work"), sandbox.path("home/.claude")] {
            let names = entries(&directory).into_keys().map(|name| directory.join(name));
            for path in names.chain([directory.clone(), sandbox.path("home/.claude.json")]) {
                let meta = fs::symlink_metadata(&path).unwrap();
                seen.push((path, meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.ctime_nsec()));
            }
        }
        seen
    };
    let before = snapshot();
    make(&sandbox);
    sandbox.clauth(&["start", "work"]).success();
    sandbox.assert_no_helpers_left();
    assert_eq!(snapshot(), before);
}

#[test]
fn a_new_entry_of_the_hub_appears_and_a_turned_link_is_turned_back() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    make(&sandbox);
    let runtime = sandbox.runtime("work");
    sandbox.write("home/.claude/output-styles/terse.md", "");
    fs::remove_file(runtime.join("commands")).unwrap();
    symlink("/tmp", runtime.join("commands")).unwrap();
    make(&sandbox);
    let links = entries(&runtime);
    assert_eq!(links["output-styles"], Some(sandbox.path("home/.claude/output-styles")));
    assert_eq!(links["commands"], Some(sandbox.path("home/.claude/commands")));
}

#[test]
fn what_is_real_is_never_replaced() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let runtime = sandbox.runtime("work");
    sandbox.write(runtime.join("commands/mine.md"), "mine");
    sandbox.write(runtime.join("history.jsonl"), "mine");
    sandbox.write(runtime.join("plans"), "a file where a directory belongs");
    sandbox.write(runtime.join(".credentials.json"), "mine");
    sandbox.write(runtime.join("unknown"), "mine");
    make(&sandbox);
    make(&sandbox);
    for name in ["commands/mine.md", "history.jsonl", ".credentials.json", "unknown"] {
        assert_eq!(fs::read_to_string(runtime.join(name)).unwrap(), "mine", "{name}");
    }
    assert!(runtime.join("plans").is_file());
    // And the hub keeps its own.
    assert_eq!(sandbox.read("home/.claude/commands/review.md"), "Review it.\n");
}

#[test]
fn without_the_hub_nothing_is_run() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let project = sandbox.bind("project", "work");
    fs::rename(sandbox.path("home/.claude"), sandbox.path("away")).unwrap();
    sandbox.clauth(&["exec", "work", "--", "echo", "ran"]).complains(125, "there is no Claude Code config directory at");
    sandbox.clauth(&["start", "work"]).complains(125, "there is no Claude Code config directory at");
    let export = sandbox.clauth_in(&project, &["export", "bash", "--pid", &std::process::id().to_string()]).success();
    assert!(export.stdout().contains("/.clauth/refused/run-clauth-status'"), "{export:?}");
    fs::rename(sandbox.path("away"), sandbox.path("home/.claude")).unwrap();
    sandbox.clauth(&["start", "work"]).success();
}

#[test]
fn two_profiles_share_the_hub_and_nothing_of_an_account() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    make(&sandbox);
    sandbox
        .clauth(&[
            "exec",
            "other",
            "--",
            "sh",
            "-c",
            "echo shared >>\"$CLAUDE_CONFIG_DIR/history.jsonl\"; echo own >\"$CLAUDE_CONFIG_DIR/.credentials.json\"",
        ])
        .success();
    assert!(fs::read_to_string(sandbox.runtime("work").join("history.jsonl")).unwrap().ends_with("shared\n"));
    assert!(!sandbox.runtime("work").join(".credentials.json").exists());
    assert!(sandbox.read("home/.claude/.credentials.json").contains("home-refresh"));
}
