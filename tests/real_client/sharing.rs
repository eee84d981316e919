//! Accounts side by side: one history, one memory, one set of settings, commands, servers and plugins, and each its own identity.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::steps::{Run, Step, Verdict, project_name};
use super::{answers, client, in_use, served_by, world};
use crate::support::files::{age, is_one_file, text, wait_for_text};
use crate::support::finished::Finished;
use crate::support::rig::{Freshness, Rig, read_json};
use crate::support::{Holder, Sandbox, Shell, Startup, Terminal, wait_until};

/// Each config directory by the account that is signed in to it, and its profile.
const ACCOUNTS: [(&str, Option<&str>); 3] = [("alice", Some("work")), ("bob", Some("personal")), ("carol", None)];

const PROFILES: [&str; 2] = ["work", "personal"];

/// Starts a world whose two profiles are in use for as long as what is returned with it lives.
fn live() -> Option<(Rig, [Holder; 2])> {
    let rig = world(Freshness::Fresh)?;
    let holders = PROFILES.map(|profile| in_use(&rig.sandbox, profile));
    Some((rig, holders))
}

fn config_dir(sandbox: &Sandbox, profile: Option<&str>) -> PathBuf {
    profile.map_or_else(|| sandbox.home().join(".claude"), |profile| sandbox.runtime(profile))
}

fn claude_json(sandbox: &Sandbox, profile: Option<&str>) -> PathBuf {
    profile.map_or_else(|| sandbox.home().join(".claude.json"), |profile| sandbox.runtime(profile).join(".claude.json"))
}

/// Returns a path in each of the three config directories.
fn everywhere(sandbox: &Sandbox, relative: &str) -> [PathBuf; 3] {
    ACCOUNTS.map(|(_, profile)| config_dir(sandbox, profile).join(relative))
}

/// Runs the client to its end, and returns what it printed.
fn run(sandbox: &Sandbox, profile: Option<&str>, words: &[&str]) -> String {
    Finished::run(client(sandbox, profile, words)).success().stdout().to_owned()
}

/// Starts a session and returns what it says it has.
fn introduction(sandbox: &Sandbox, profile: Option<&str>) -> Value {
    let said = run(sandbox, profile, &["-p", "hi", "--output-format", "stream-json", "--verbose"]);
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.into_iter().find(|line| line["subtype"] == "init").unwrap_or_else(|| panic!("no introduction: {said}"))
}

fn has(list: &Value, name: &str) -> bool {
    list.as_array().unwrap().iter().any(|entry| entry == name || entry["name"] == name)
}

#[test]
fn a_conversation_goes_on_under_another_account_and_comes_back() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let (sandbox, mut shells) = (&rig.sandbox, 0);
    let office = sandbox.path("office");
    Shell::each(|shell| {
        shells += 1;
        let session = format!("0c1a4f00-0000-4000-8000-00000000000{shells}");
        let in_office = || Startup::hooked().in_directory(&office);
        let (mut bound, mut pinned) = (Terminal::start(sandbox, shell, &in_office()), Terminal::start(sandbox, shell, &in_office()));
        pinned.run(&shell.pin("personal"));
        let ask = |terminal: &mut Terminal, question: &str, how: &str| {
            let line = format!("exec claude -p '{question} in shell {shells}' {how} {session} </dev/null");
            answers(&terminal.run(&shell.call(&["/bin/sh", "-c", &line])))
        };
        let transcripts = everywhere(sandbox, &format!("projects/{}/{session}.jsonl", project_name(&office)));
        // The lines of one account are in the others within a second.
        let settle = || {
            let lines = |place: &PathBuf| {
                let mut lines: Vec<String> = text(place)?.lines().map(str::to_owned).collect();
                lines.sort_unstable();
                Some(lines)
            };
            wait_until("the conversation is everywhere", || {
                lines(&transcripts[0]).is_some() && transcripts.iter().all(|place| lines(place) == lines(&transcripts[0]))
            });
        };
        assert_eq!(ask(&mut bound, "first", "--session-id"), served_by("alice"), "{}", bound.transcript());
        settle();
        assert_eq!(ask(&mut pinned, "second", "--resume"), served_by("bob"), "{}", pinned.transcript());
        settle();
        // And without clauth, where nothing but `~/.claude` is looked at.
        let mut plain = client(sandbox, None, &["-p", &format!("third in shell {shells}"), "--resume", &session]);
        plain.current_dir(&office);
        assert_eq!(answers(Finished::run(plain).success().stdout()), served_by("carol"));
        settle();
        assert_eq!(ask(&mut bound, "fourth", "--resume"), served_by("alice"), "{}", bound.transcript());
        settle();

        let transcript = text(&transcripts[0]).unwrap();
        let bodies = rig.bodies();
        let last = bodies.last().unwrap();
        for part in ["first", "second", "third", "fourth"].map(|question| format!("{question} in shell {shells}")) {
            assert!(transcript.contains(&part) && last.contains(&part), "{part}");
        }
        for account in ["alice", "bob", "carol"].map(served_by) {
            assert!(transcript.contains(&account) && last.contains(&account), "{account}");
        }
    });
    let messages = rig.messages();
    let served: Vec<_> = messages.iter().map(|message| message["account"].as_str().unwrap()).collect();
    assert_eq!(served, ["alice", "bob", "carol", "alice"].repeat(shells));
    rig.assert_served(&[("alice", 2 * shells), ("bob", shells), ("carol", shells)]);
    rig.assert_nobody_was_logged_out();
}

/// Above the limit of copies, as hard links.
#[test]
fn an_old_conversation_that_is_a_hard_link_goes_on_under_each_account() {
    let Some((mut rig, holders)) = live() else { return };
    let office = rig.sandbox.path("office");
    let session = "0c1a4f00-0000-4000-8000-0000000000aa";
    let places = everywhere(&rig.sandbox, &format!("projects/{}/{session}.jsonl", project_name(&office)));
    let ask = |rig: &Rig, profile: Option<&str>, words: &[&str]| {
        let mut command = client(&rig.sandbox, profile, &[&["-p"], words].concat());
        command.current_dir(&office);
        answers(Finished::run(command).success().stdout())
    };
    let is_everywhere =
        |word: &str| places.iter().all(|place| text(place).is_some_and(|said| said.contains(word) && Some(&said) == text(&places[0]).as_ref()));
    assert_eq!(ask(&rig, Some("work"), &["first", "--session-id", session]), served_by("alice"));
    wait_until("the conversation is everywhere", || is_everywhere(&served_by("alice")));
    drop(holders);
    rig.sandbox.assert_no_helpers_left();
    for place in &places {
        age(place, 20 * 24 * 60 * 60);
    }
    rig.sandbox.set_variable("CLAUTH_COPIES_LIMIT", "0");
    let _holders = PROFILES.map(|profile| in_use(&rig.sandbox, profile));
    wait_until("it is one file", || is_one_file(&places));
    assert_eq!(ask(&rig, Some("personal"), &["second", "--continue"]), served_by("bob"));
    wait_until("the conversation is everywhere", || is_everywhere(&served_by("bob")));
    wait_until("who goes on has a file of its own", || !is_one_file(&[places[1].clone(), places[2].clone()]));
    assert_eq!(ask(&rig, None, &["third", "--resume", session]), served_by("carol"));
    wait_until("the conversation is everywhere", || is_everywhere(&served_by("carol")));
    assert_eq!(ask(&rig, Some("work"), &["fourth", "--resume", session]), served_by("alice"));
    let last = rig.bodies().pop().unwrap();
    for part in ["first", "second", "third", "fourth"] {
        assert!(last.contains(part), "{part}");
    }
    wait_until("all have files of their own", || {
        places.iter().all(|place| std::os::unix::fs::MetadataExt::nlink(&fs::metadata(place).unwrap()) == 1)
    });
    rig.assert_nobody_was_logged_out();
}

#[test]
fn what_one_account_remembers_the_others_read_and_correct_without_asking() {
    let Some((rig, _holders)) = live() else { return };
    let sandbox = &rig.sandbox;
    let directory = sandbox.path("office");
    let relative = format!("projects/{}/memory/note.md", project_name(&directory));
    let places = everywhere(sandbox, &relative);
    let drive = |turn: u8, number: usize, steps: &[Step]| {
        let run = Run { sandbox, profile: ACCOUNTS[number].1, config_dir: None, directory: &directory, mode: "default" };
        run.drive(&format!("0c1a4f00-0000-4000-8000-00000000000{turn}"), steps)
    };
    drive(0, 0, &[("write", "Write", json!({"file_path": places[0], "content": "by alice"}))]).assert_all(Verdict::Allowed);
    for (turn, number, former, now) in [(1, 1, "by alice", "by bob"), (2, 0, "by bob", "by alice again")] {
        wait_for_text(&places, former);
        let edit = json!({"file_path": places[number], "old_string": former, "new_string": now});
        let outcome = drive(turn, number, &[("read", "Read", json!({"file_path": places[number]})), ("edit", "Edit", edit)]);
        outcome.assert_all(Verdict::Allowed);
        assert!(outcome.said("read").contains(former), "{outcome:?}");
        wait_for_text(&places, now);
    }
    // In a new session each is told of it, whoever wrote it down.
    sandbox.write(places[2].with_file_name("MEMORY.md"), "- the heron flies at noon");
    wait_for_text(&everywhere(sandbox, &relative.replace("note.md", "MEMORY.md")), "- the heron flies at noon");
    for (account, profile) in ACCOUNTS {
        let mut command = client(sandbox, profile, &["-p", "hi"]);
        command.current_dir(&directory);
        assert_eq!(answers(Finished::run(command).success().stdout()), served_by(account));
        assert!(rig.bodies().last().unwrap().contains("the heron flies at noon"), "{account}");
    }
    rig.assert_nobody_was_logged_out();
}

#[test]
fn each_account_shows_its_own_identity_and_keeps_it() {
    let Some((rig, _holders)) = live() else { return };
    let sandbox = &rig.sandbox;
    let identity = |profile| read_json(&claude_json(sandbox, profile))["oauthAccount"]["emailAddress"].clone();
    for _ in 0..2 {
        // All at once, each writing its own `.claude.json` while the helpers write them too.
        let sessions = ACCOUNTS.map(|(_, profile)| {
            let mut command = client(sandbox, profile, &["-p", "hi"]);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        });
        for ((account, _), session) in ACCOUNTS.iter().zip(sessions) {
            let said = session.wait_with_output().unwrap().stdout;
            assert_eq!(answers(&String::from_utf8_lossy(&said)), served_by(account));
        }
        // Once each has what every other wrote, the identities are still apart.
        for (account, profile) in ACCOUNTS {
            run(sandbox, profile, &["mcp", "add", "-s", "user", account, "--", "/bin/true"]);
        }
        let has_all = |profile| ACCOUNTS.iter().all(|(account, _)| !read_json(&claude_json(sandbox, profile))["mcpServers"][*account].is_null());
        wait_until("each file has what every account wrote", || ACCOUNTS.iter().all(|(_, profile)| has_all(*profile)));
        for (account, profile) in ACCOUNTS {
            let status: Value = serde_json::from_str(&run(sandbox, profile, &["auth", "status", "--json"])).unwrap();
            assert_eq!(status["email"], format!("{account}@example.test"), "{status}");
            assert_eq!(identity(profile), status["email"], "{account}");
            run(sandbox, profile, &["mcp", "remove", "-s", "user", account]);
        }
        wait_until("each file lacks what every account took back", || {
            ACCOUNTS
                .iter()
                .all(|(_, profile)| read_json(&claude_json(sandbox, *profile))["mcpServers"].as_object().is_none_or(serde_json::Map::is_empty))
        });
    }
    rig.assert_served(&[("alice", 2), ("bob", 2), ("carol", 2)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn a_setting_that_one_client_or_the_user_changes_holds_for_the_others() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    // One of the two overrides something.
    let file = sandbox.home().join(".clauth/profiles/personal/profile.toml");
    let profile = fs::read_to_string(&file).unwrap();
    sandbox.write(&file, format!("{profile}\n[settings]\nverbose = true\n"));
    let _holders = PROFILES.map(|profile| in_use(sandbox, profile));
    let settings = |profile| config_dir(sandbox, profile).join("settings.json");

    for ((_, profile), theme) in ACCOUNTS.into_iter().zip(["light", "dark-ansi", "light-ansi"]) {
        run(sandbox, profile, &["-p", &format!("/config theme={theme}")]);
        let is_everywhere = || ACCOUNTS.iter().all(|(_, profile)| read_json(&settings(*profile))["theme"] == theme);
        wait_until("the theme is in all settings", is_everywhere);
    }
    for (model, told) in [("sonnet", "sonnet"), ("haiku", "haiku")] {
        let mut shared = read_json(&settings(None));
        shared["model"] = json!(model);
        shared["outputStyle"] = json!("Explanatory");
        sandbox.write(settings(None), shared.to_string());
        wait_until("the copy has the model", || read_json(&settings(Some("personal")))["model"] == model);
        for (account, profile) in ACCOUNTS {
            let introduction = introduction(sandbox, profile);
            assert!(introduction["model"].as_str().unwrap().contains(told), "{account}: {introduction}");
            assert_eq!(introduction["output_style"], "Explanatory", "{account}");
        }
    }
    assert_eq!(read_json(&settings(Some("personal")))["verbose"], true);
    assert_eq!(read_json(&settings(None))["verbose"], Value::Null);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn what_is_added_while_accounts_are_in_use_is_loaded_by_the_next_session_of_each() {
    let Some((rig, _holders)) = live() else { return };
    let sandbox = &rig.sandbox;
    let about = |name: &str| format!("---\nname: {name}\ndescription: {name}\n---\nDo it.\n");
    sandbox.write("home/.claude/commands/hammer.md", about("hammer"));
    sandbox.write("home/.claude/agents/carver.md", about("carver"));
    sandbox.write("home/.claude/skills/plane/SKILL.md", about("plane"));
    sandbox.write("home/.claude/CLAUDE.md", "Mind the heron.\n");
    // `agents` is a name that was not there before; what the client finds it must find by the links.
    let names = ["commands/hammer.md", "agents/carver.md", "skills/plane/SKILL.md", "CLAUDE.md"];
    wait_until("links lead to all of it", || names.iter().all(|name| everywhere(sandbox, name).iter().all(|path| path.exists())));
    for (account, profile) in ACCOUNTS {
        let introduction = introduction(sandbox, profile);
        assert!(has(&introduction["slash_commands"], "hammer"), "{account}: {introduction}");
        assert!(has(&introduction["agents"], "carver"), "{account}: {introduction}");
        assert!(has(&introduction["skills"], "plane"), "{account}: {introduction}");
        let commands = introduction["slash_commands"].as_array().unwrap();
        assert_eq!(commands.iter().filter(|command| *command == "hammer").count(), 1, "{account}: {introduction}");
        assert_eq!(rig.bodies().last().unwrap().matches("Mind the heron.").count(), 1, "{account}");
    }
    rig.assert_nobody_was_logged_out();
}

#[test]
fn a_server_and_a_plugin_that_one_account_adds_are_the_others_too_and_outlive_it() {
    let Some((rig, holders)) = live() else { return };
    let sandbox = &rig.sandbox;
    let market = sandbox.mkdir("market");
    let plugin = json!({"name": "shelf", "owner": {"name": "x"}, "plugins": [{"name": "tool", "source": "./tool", "description": "d"}]});
    sandbox.write("market/.claude-plugin/marketplace.json", plugin.to_string());
    sandbox.write("market/tool/.claude-plugin/plugin.json", json!({"name": "tool", "description": "d", "version": "1.0.0"}).to_string());
    sandbox.write("market/tool/commands/saw.md", "Saw it.\n");
    run(sandbox, Some("work"), &["mcp", "add", "-s", "user", "clock", "--", "/bin/true"]);
    run(sandbox, Some("work"), &["plugin", "marketplace", "add", market.to_str().unwrap()]);
    run(sandbox, Some("work"), &["plugin", "install", "tool@shelf"]);
    let has_server = |profile| !read_json(&claude_json(sandbox, profile))["mcpServers"]["clock"].is_null();
    wait_until("each has the server", || ACCOUNTS.iter().all(|(_, profile)| has_server(*profile)));
    for (account, profile) in ACCOUNTS {
        assert!(run(sandbox, profile, &["mcp", "list"]).contains("clock: /bin/true"), "{account}");
        assert!(run(sandbox, profile, &["plugin", "list"]).contains("tool@shelf"), "{account}");
        assert!(has(&introduction(sandbox, profile)["slash_commands"], "tool:saw"), "{account}");
    }
    drop(holders);
    sandbox.assert_no_helpers_left();
    let _ = sandbox.clauth(&["remove", "work", "--yes"]).success();
    for (account, profile) in &ACCOUNTS[1..] {
        assert!(run(sandbox, *profile, &["mcp", "list"]).contains("clock: /bin/true"), "{account}");
        assert!(has(&introduction(sandbox, *profile)["slash_commands"], "tool:saw"), "{account}");
    }
    rig.assert_nobody_was_logged_out();
}
