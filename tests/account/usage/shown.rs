//! How it is shown: on any width, in colour only where that is wanted, at the user's own time of day.

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{World, body, milliseconds_ago};
use crate::support::finished::Finished;
use crate::support::service::answer;
use crate::support::shell::shells_found;
use crate::support::{Startup, Terminal};

fn usage_with(world: &World, variables: &[(&str, &str)]) -> Finished {
    let mut command = world.sandbox.command("clauth");
    command.arg("usage").envs(variables.iter().copied());
    Finished::run(command)
}

#[test]
fn each_window_is_a_line() {
    let world = World::new(&["work"]);
    let shown = world.usage(&[]).success();
    let lines: Vec<_> = shown.stdout().lines().collect();
    assert_eq!(lines[0], "work · me@work.example · Corp · max");
    assert!(lines[1].starts_with("  5 hours  ████████░░░░░░░░░░░░  42 %  resets ") && lines[1].ends_with(", in 2 h 10 min"), "{shown:?}");
    assert!(lines[2].starts_with("  7 days   ███████████████████░  97 %  resets ") && lines[2].ends_with(", in 3 d 4 h"), "{shown:?}");
    assert_eq!(lines[3], "  Fable    █░░░░░░░░░░░░░░░░░░░   7 %");
    assert_eq!(lines[4], "  Sonnet   ░░░░░░░░░░░░░░░░░░░░   0 %");
    assert_eq!(lines[5], "  extra usage: 12.34 of 50.00 USD this month");
    assert!(lines[6].starts_with("  as of ") && lines[6].ends_with(" ago, by the service"), "{shown:?}");
    assert_eq!(lines.len(), 7);
}

#[test]
fn any_width_from_twenty_columns_on_is_enough() {
    let world = World::new(&["work", "b"]);
    for columns in ["20", "21", "40", "60", "80", "300", "7"] {
        let shown = usage_with(&world, &[("COLUMNS", columns)]).success();
        let widest = shown.stdout().lines().map(UnicodeWidthStr::width).max().unwrap();
        assert!(widest <= columns.parse::<usize>().unwrap().clamp(20, 100), "{columns}: {shown:?}");
        for word in ["42 %", "97 %", "2 h 10 min", "3 d 4 h", "Corp"] {
            assert!(shown.stdout().contains(word), "{word:?} in {columns} columns: {shown:?}");
        }
    }
}

#[test]
fn a_terminal_has_colours_and_something_to_see_while_the_service_takes_its_time() {
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    let finished = std::sync::Mutex::new(finished);
    let world = World::with(&["work"], move |_| {
        let _ = finished.lock().unwrap().recv();
        answer(200, &body(42.0, 97.0).to_string())
    });
    let mut terminal = Terminal::start(&world.sandbox, &shells_found()[0], &Startup::bare());
    terminal.type_line("clauth usage");
    terminal.wait_for("asking how much is used");
    drop(finish);
    let shown = terminal.wait_for_prompt();
    assert!(shown.contains("42 %") && shown.contains("resets "), "{shown}");
    // What a terminal shows is compared without colours everywhere else.
    let line = "clauth usage | cat; clauth usage >coloured; test -t 1 && clauth usage >/dev/tty; NO_COLOR=1 clauth usage | head -1";
    assert!(terminal.run(line).contains("work · me@work.example · Corp · max"));
}

#[test]
fn colour_is_for_who_wants_it() {
    let world = World::new(&["work"]);
    for (variables, is_coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "0")], false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let shown = usage_with(&world, variables).success();
        assert_eq!(shown.stdout().contains("\u{1b}["), is_coloured, "{variables:?}: {shown:?}");
        assert_eq!(shown.stderr(), "", "nothing turns where nobody sees it");
    }
}

#[test]
fn times_are_the_users_own() {
    let world = World::new(&["work"]);
    let window = json!({"utilization": 5, "resets_at": "2099-06-01T21:30:00Z"});
    let told = json!({"fetchedAtMs": milliseconds_ago(10), "accountUuid": "account-work", "utilization": {"five_hour": window}});
    world.sign_in("work", &json!({"cachedUsageUtilization": told}));
    for (zone, expected) in [
        ("UTC0", "2099-06-01 21:30"),
        ("Asia/Tokyo", "2099-06-02 06:30"),
        (":Asia/Tokyo", "2099-06-02 06:30"),
        ("Europe/Berlin", "2099-06-01 23:30"),
        ("XYZ-3:30", "2099-06-02 01:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2099-06-01 23:30"),
        ("", "2099-06-01 21:30"),
        ("Nowhere/AtAll", "2099-06-01 21:30"),
        ("../../../etc/passwd", "2099-06-01 21:30"),
    ] {
        let shown = usage_with(&world, &[("TZ", zone)]).success();
        assert!(shown.stdout().contains(&format!("resets {expected}, in ")), "{zone}: {shown:?}");
    }
    // For programs they are the same everywhere.
    assert_eq!(world.json("work")["five_hour"]["resets_at"], "2099-06-01T21:30:00Z");
}

#[test]
fn names_from_elsewhere_cannot_write_to_the_terminal() {
    let mut told = body(1.0, 2.0);
    told["limits"][0]["scope"]["model"]["display_name"] = json!("\u{1b}]0;x\u{7}\u{202e}F");
    let world = World::with(&["work"], move |_| answer(200, &told.to_string()));
    let hostile = json!({"oauthAccount": {"accountUuid": "account-work", "emailAddress": "\u{1b}[2Jx", "organizationName": "a\r\nb"}});
    world.sign_in("work", &hostile);
    let shown = world.usage(&["work"]).success();
    assert!(!shown.stdout().contains(['\u{1b}', '\r', '\u{7}', '\u{202e}']), "{shown:?}");
    assert!(shown.stdout().starts_with("work · \\u{1b}[2Jx · a\\r\\nb · max\n"), "{shown:?}");
    let json = world.usage(&["work", "--json"]).success();
    assert!(!json.stdout().contains(['\u{1b}', '\u{202e}']), "{json:?}");
}

#[test]
fn json_has_the_same_keys_whatever_is_known() {
    let world = World::new(&["b", "work"]);
    std::fs::remove_file(world.sandbox.runtime("b").join(".credentials.json")).unwrap();
    let told = world.usage(&["--json"]).success().json();
    assert_eq!(told["schema"], 1);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let [nobody, work] = [0, 1].map(|profile: usize| &told["profiles"][profile]);
    assert_eq!(keys(nobody), keys(work));
    assert_eq!((&nobody["five_hour"], &nobody["models"], &nobody["state"]), (&Value::Null, &json!([]), &json!("signed_out")));
    let expected = ["utilization", "resets_at", "has_reset", "source", "fetched_at", "age_seconds"];
    assert_eq!(keys(&work["five_hour"]), expected);
    for time in [&work["five_hour"]["resets_at"], &work["five_hour"]["fetched_at"], &work["token_expires_at"]] {
        assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    assert_eq!(work["models"][0]["model"], "Fable");
    assert_eq!(work["extra_usage"], json!({"is_enabled": true, "limit": 5000.0, "spent": 1234.0, "currency": "USD"}));
}

#[test]
fn one_profile_or_all_of_them() {
    let world = World::new(&["a", "b"]);
    world.sandbox.write("home/.clauth/config.toml", "[aliases]\nacme = \"b\"\n");
    let shown = world.usage(&["acme"]).success();
    assert!(shown.stdout().starts_with("b · me@b.example") && !shown.stdout().contains("me@a.example"), "{shown:?}");
    assert_eq!(world.asked(), 1);
    world.usage(&["c"]).complains(1, "there is no profile `c`");
    world.sandbox.write("home/.clauth/profiles/a/profile.toml", "config_dir = 7\n");
    let shown = world.usage(&[]).success();
    assert!(shown.complaint().contains("profiles/a/profile.toml:1:14: ") && shown.stdout().starts_with("b · "), "{shown:?}");
    let nobody = World::new(&[]);
    assert_eq!(nobody.usage(&[]).success().complaint(), "there is no profile yet; make one with `clauth add NAME`");
    assert_eq!(nobody.usage(&["--json"]).success().json(), json!({"schema": 1, "profiles": []}));
}
