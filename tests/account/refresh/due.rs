//! When a login is refreshed, which one, and what becomes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{World, login, milliseconds};
use crate::support::finished::Finished;
use crate::support::service::Account;

#[test]
fn a_login_that_ends_soon_is_renewed_and_nothing_else_changes() {
    let world = World::new();
    let before = world.text();
    let told = world.refresh(&["work"]).success();
    assert_eq!((told.stdout(), told.complaint()), ("", "work: refreshed, good for 8 h"));

    let mut expected: Value = serde_json::from_str(&before).unwrap();
    let after: Value = serde_json::from_str(&world.text()).unwrap();
    let ends = after["claudeAiOauth"]["expiresAt"].as_u64().unwrap();
    let expected_end = milliseconds(28_800);
    assert!((expected_end - 20_000..=expected_end).contains(&ends), "{ends} is not 8 hours from when it was asked for, {expected_end}");
    for (key, value) in [("accessToken", json!(Account::access(1))), ("refreshToken", json!(Account::refresh(1))), ("expiresAt", json!(ends))] {
        expected["claudeAiOauth"][key] = value;
    }
    assert_eq!(world.text(), expected.to_string(), "every key in its place");
    let mode = fs::metadata(world.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    let requests = world.service.requests();
    assert_eq!(requests.len(), 1);
    let expected = json!({
        "grant_type": "refresh_token", "refresh_token": Account::refresh(0), "client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        "scope": "user:inference user:profile",
    });
    assert_eq!(requests[0].json(), expected);
    assert!(requests[0].head.starts_with("POST /v1/oauth/token HTTP/1.1\r\n"), "{requests:?}");
    world.assert_good();
}

#[test]
fn a_login_that_is_good_for_longer_is_left_alone_unless_forced() {
    let world = World::new();
    world.sign_in(0, 7200);
    let before = (world.text(), fs::metadata(world.file()).unwrap().modified().unwrap());
    let told = world.refresh(&["work"]).success();
    assert!(told.complaint().starts_with("work: good for 1 h 59 min still, so nothing was sent"), "{told:?}");
    assert_eq!((world.text(), fs::metadata(world.file()).unwrap().modified().unwrap()), before);
    assert_eq!(world.asked(), 0);
    for number in 1..4 {
        world.refresh(&["work", "--force"]).success();
        assert_eq!(world.number(), number);
    }
    world.assert_good();
}

#[test]
fn when_a_login_ends_is_understood_however_it_is_written() {
    for (ends, is_due) in [
        (json!(milliseconds(-3600)), true),
        (json!(milliseconds(290)), true),
        (json!(milliseconds(310)), false),
        (json!(milliseconds(7200) / 1000), false), // in seconds, by somebody else's tool
        (json!(milliseconds(100) / 1000), true),
        (json!(0), true),
        (json!(null), true),
        (json!("soon"), true),
        (json!(milliseconds(7200).to_string()), true),
        (json!(4_102_444_800_000_u64), false),
    ] {
        let world = World::new();
        world.sandbox.write(world.file(), login(0, &ends).to_string());
        world.refresh(&["work"]).success();
        assert_eq!(world.number(), usize::from(is_due), "{ends}");
        world.assert_good();
    }
}

#[test]
fn without_a_name_it_is_the_profile_that_applies_here() {
    let world = World::new();
    world.sandbox.clauth(&["add", "other"]).success();
    let project = world.sandbox.bind("project", "work");
    let refresh_in = |directory| world.sandbox.clauth_in(directory, &["refresh", "--force"]);
    refresh_in(project.as_path()).success();
    assert_eq!(world.number(), 1);
    let other = world.sandbox.bind("project/other", "other");
    refresh_in(other.as_path()).complains(1, "`other` is not signed in");
    // A pin wins, as it does for `status`.
    let mut pinned = world.sandbox.command("/bin/sh");
    pinned.current_dir(&other).args(["-c", r#"eval "$(clauth env work)" && clauth refresh --force"#]);
    Finished::run(pinned).success();
    assert_eq!(world.number(), 2);
    world.sandbox.write("asks/.clauth.toml", "profile = \"work\"");
    refresh_in(world.sandbox.path("asks").as_path()).complains(1, "not allowed yet");
    world.sandbox.write("home/.clauth/config.toml", "[aliases]\nteam = \"work\"\n");
    world.refresh(&["team", "--force"]).success();
    assert_eq!(world.number(), 3);
    world.refresh(&["work", "--all"]).exits_with(2);
    world.assert_good();
}

#[test]
fn all_are_refreshed_and_those_that_cannot_be_stop_no_other() {
    let world = World::new();
    world.sandbox.clauth(&["add", "empty"]).success();
    world.sandbox.clauth_with_input(&["add", "key", "--api-key-stdin"], "sk-ant-api-own").success();
    world.sandbox.clauth_with_input(&["add", "token", "--token-stdin"], "sk-ant-oat01-own").success();
    let told = world.refresh(&["--all"]).success();
    assert_eq!(
        told.stderr(),
        "clauth: empty: no login to refresh\nclauth: key: no login to refresh\nclauth: token: no login to refresh\nclauth: work: refreshed, good for 8 h\n"
    );
    // One that is broken, and one that the service does not know, before the one that is fine.
    for name in ["broken", "ended"] {
        world.sandbox.clauth(&["add", name]).success();
    }
    world.sandbox.write(world.sandbox.runtime("broken").join(".credentials.json"), "{");
    world.sandbox.write(world.sandbox.runtime("ended").join(".credentials.json"), login(77, &json!(0)).to_string());
    let told = world.refresh(&["--all", "--force"]).failure();
    let lines: Vec<_> = told.stderr().lines().collect();
    assert_eq!(lines.len(), 6, "{told:?}");
    assert!(lines[0].starts_with("clauth: could not read ") && lines[0].contains("it is not a JSON object"), "{told:?}");
    assert!(lines[2].starts_with("clauth: the login of `ended` has ended"), "{told:?}");
    assert_eq!(lines[5], "clauth: work: refreshed, good for 8 h");
    assert_eq!(world.account.refused(), [Account::refresh(77)]);
    assert_eq!(world.number(), 2);
}

#[test]
fn of_many_at_once_one_asks_and_the_others_see_it() {
    let world = World::new();
    let mut all: Vec<_> = (0..8).map(|_| world.start(&["work"])).collect();
    for one in &mut all {
        assert!(one.wait().unwrap().success());
    }
    assert_eq!(world.asked(), 1);
    // Forced, each one that begins after another's end asks once more, and none with a token that was sent before.
    let mut all: Vec<_> = (0..8).map(|_| world.start(&["work", "--force"])).collect();
    for one in &mut all {
        assert!(one.wait().unwrap().success());
    }
    assert!((2..=9).contains(&world.asked()), "{}", world.asked());
    world.assert_good();
}
