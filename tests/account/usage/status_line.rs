//! `clauth statusline`: a line whatever happens, what Claude Code tells is kept, and the user's own line stands behind.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use super::{World, body, milliseconds_ago, status_line};
use crate::support::files::age;
use crate::support::shell::shells_found;
use crate::support::{Startup, Terminal};

/// Returns what Claude Code writes, in its own words (2.1.329 and 2.1.332), less what is of no matter here.
fn input(five_hour: f64, seven_day: f64, transcript: &str) -> String {
    json!({
        "session_id": "c06d2e2c", "transcript_path": transcript, "cwd": "/", "model": {"id": "claude-opus-5-5", "display_name": "Opus 5.5"},
        "cost": {"total_cost_usd": 0.00014}, "exceeds_200k_tokens": false,
        "rate_limits": {"five_hour": {"used_percentage": five_hour, "resets_at": 4_102_444_800_u64},
                        "seven_day": {"used_percentage": seven_day, "resets_at": 4_102_444_800_u64}},
    })
    .to_string()
}

#[test]
fn the_line_says_the_profile_and_its_windows() {
    let world = World::new(&["work"]);
    let line = world.status_line("work", &input(12.0, 34.0, "/nowhere")).success();
    assert_eq!((line.stdout(), line.stderr()), ("work · 5h 12% · 7d 34%\n", ""));
    // At the start of a session there is nothing to hear yet.
    assert_eq!(world.status_line("work", "{}").success().stdout(), "work · 5h 12% · 7d 34%\n");
    world.age("work", 3600);
    assert_eq!(world.status_line("work", "{}").success().stdout(), "work · 5h ~12% · 7d ~34%\n");
    assert_eq!(world.json("work")["five_hour"]["utilization"], 42.0);
    assert_eq!(world.status_line("work", "{}").success().stdout(), "work · 5h 42% · 7d 97%\n");
    assert_eq!(world.asked(), 1, "a status line asks nobody");
}

#[test]
fn without_figures_the_line_is_the_name() {
    let world = World::new(&["work"]);
    for said in ["", "{", "null", "[]", "{}", r#"{"rate_limits": null}"#, r#"{"rate_limits": {"five_hour": null}}"#] {
        assert_eq!(world.status_line("work", said).success().stdout(), "work\n", "{said:?}");
    }
    let endless = input(12.0, 34.0, &"x".repeat(2_000_000));
    assert_eq!(world.status_line("work", &endless).success().stdout(), "work\n");
    assert!(!world.sandbox.path("home/.clauth/usage").exists());
}

#[test]
fn plain_claude_has_a_line_too() {
    let world = World::new(&["work"]);
    let sandbox = &world.sandbox;
    assert_eq!(status_line(sandbox, None, &input(12.0, 34.0, "")).success().stdout(), "default · 5h 12% · 7d 34%\n");
    let own = sandbox.mkdir("home/.claude-own");
    assert_eq!(status_line(sandbox, Some(&own), &input(12.0, 34.0, "")).success().stdout(), ".claude-own · 5h 12% · 7d 34%\n");
    // The account of `~/.claude.json` may be a profile's, too.
    let state = json!({"oauthAccount": {"accountUuid": "account-work", "organizationUuid": "org"}});
    sandbox.write("home/.claude.json", state.to_string());
    status_line(sandbox, None, &input(13.0, 34.0, "")).success();
    assert_eq!(world.used("work"), [json!(13.0), json!(34.0)]);
}

#[test]
fn only_news_is_written() {
    let world = World::new(&["work"]);
    let written = || fs::metadata(world.cache("work")).unwrap().ino();
    let say = |five_hour| world.status_line("work", &input(five_hour, 34.0, "/nowhere")).success();
    say(12.0);
    let first = written();
    say(12.0);
    assert_eq!(written(), first, "the same again");
    say(13.0);
    assert_ne!(written(), first);
    // Said again after a while, it is true for longer.
    world.age("work", 100);
    let before = written();
    say(13.0);
    assert_ne!(written(), before);
    assert_eq!(world.json("work")["five_hour"]["age_seconds"].as_u64().unwrap() / 10, 0);
}

#[test]
fn a_session_that_nobody_uses_does_not_take_figures_back() {
    let world = World::new(&["work"]);
    let transcript = |name: &str, seconds: u64| {
        let file = world.sandbox.write(name, "{}\n");
        age(&file, seconds);
        file.to_str().unwrap().to_owned()
    };
    let (busy, idle) = (transcript("busy.jsonl", 5), transcript("idle.jsonl", 4000));
    assert_eq!(world.status_line("work", &input(50.0, 60.0, &busy)).success().stdout(), "work · 5h 50% · 7d 60%\n");
    for _ in 0..3 {
        assert_eq!(world.status_line("work", &input(12.0, 34.0, &idle)).success().stdout(), "work · 5h 50% · 7d 60%\n");
    }
    let told = world.json("work");
    assert_eq!((&told["five_hour"]["utilization"], told["five_hour"]["age_seconds"].as_u64().unwrap() / 10), (&json!(50.0), 0));
}

#[test]
fn the_users_own_line_gets_the_same_and_stands_behind() {
    let world = World::new(&["work"]);
    let line = |command: &str| {
        world.sandbox.write("home/.clauth/config.toml", format!("statusline = '''{command}'''\n"));
        world.status_line("work", &input(12.0, 34.0, "/nowhere")).success()
    };
    let ours = "work · 5h 12% · 7d 34%";
    assert_eq!(line("cat >heard; printf 'mine \\033[31mred\\033[0m'").stdout(), format!("{ours} │ mine \u{1b}[31mred\u{1b}[0m\n"));
    assert_eq!(world.sandbox.read("home/heard"), input(12.0, 34.0, "/nowhere"));
    assert_eq!(line("echo one; echo two").stdout(), format!("{ours} │ one\ntwo\n"));
    // Whatever it does, the line is there.
    for (command, behind) in [
        ("exit 3", ""),
        ("echo half; exit 3", " │ half"),
        ("no-such-command 2>/dev/null", ""),
        ("((", ""),
        ("kill -9 $$", ""),
        ("true </dev/null", ""),
        ("", ""),
    ] {
        assert_eq!(line(command).stdout(), format!("{ours}{behind}\n"), "{command}");
    }
    // It prints without an end, and it never ends.
    assert!(line("yes").stdout().starts_with(&format!("{ours} │ y\ny\n")));
    assert_eq!(line("exec sleep 600").stdout(), format!("{ours}\n"));
    assert!(world.sandbox.processes_named("sleep").is_empty(), "it is ended");
}

#[test]
fn whatever_is_broken_the_line_is_there() {
    let world = World::new(&["work"]);
    world.sandbox.write("home/.clauth/config.toml", "statusline = 7\n");
    let told = world.status_line("work", &input(12.0, 34.0, "/nowhere")).success();
    assert_eq!(told.stdout(), "work · 5h 12% · 7d 34%\n");
    assert!(told.complaint().contains("config.toml:1:14: "), "{told:?}");
    fs::remove_file(world.sandbox.path("home/.clauth/config.toml")).unwrap();

    fs::remove_dir_all(world.sandbox.path("home/.clauth/usage")).unwrap();
    world.sandbox.write("home/.clauth/usage", "a file where the directory belongs");
    let told = world.status_line("work", &input(12.0, 34.0, "/nowhere")).success();
    assert_eq!(told.stdout(), "work · 5h 12% · 7d 34%\n");
    assert!(told.complaint().starts_with("could not create "), "{told:?}");

    world.sandbox.write(world.sandbox.runtime("work").join(".claude.json"), "{");
    let told = world.status_line("work", &input(12.0, 34.0, "/nowhere")).success();
    assert_eq!((told.stdout(), told.stderr()), ("work · 5h 12% · 7d 34%\n", ""));
}

#[test]
fn what_claude_code_keeps_is_in_the_line() {
    let world = World::new(&["work"]);
    let told = json!({"fetchedAtMs": milliseconds_ago(10), "accountUuid": "account-work", "utilization": body(55.0, 66.0)});
    world.sign_in("work", &json!({"cachedUsageUtilization": told}));
    assert_eq!(world.status_line("work", "{}").success().stdout(), "work · 5h 55% · 7d 66%\n");
}

#[test]
fn by_hand_on_a_terminal_it_waits_for_nothing() {
    let world = World::new(&["work"]);
    let mut terminal = Terminal::start(&world.sandbox, &shells_found()[0], &Startup::bare());
    assert!(terminal.run("clauth statusline").starts_with("default"));
    assert!(world.sandbox.clauth(&["statusline", "--help"]).success().stdout().contains("\"command\": \"clauth statusline\""));
}
