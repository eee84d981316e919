//! Whatever the service answers: one clear line, and what was known before is still shown.

use std::sync::{Mutex, mpsc};

use serde_json::json;

use super::{TOKEN, World, body, later};
use crate::support::service::{Service, answer};

/// Lets a service answer so to who knows nothing yet, and to who has old figures.
#[track_caller]
fn check(bytes: impl Into<Vec<u8>>, says: &str) {
    let world = World::on(&["work", "other"], Service::answering(bytes));
    world.usage(&["work"]).complains(1, says);
    let told = world.usage(&["work", "--json"]).exits_with(1);
    assert!(told.complaint().contains("a moment ago and told nothing; try again at "), "{told:?}");
    let row = &told.json()["profiles"][0];
    assert!(
        row["state"] == "failed" && row["five_hour"]["utilization"].is_null() && row["trouble"].as_str().unwrap().contains("a moment ago"),
        "{row}"
    );
    assert_eq!(world.asked(), 1, "not again at once");
    assert!(world.sandbox.path("home/.clauth/usage").join("account-work.json").exists());

    let told = json!({"fetchedAtMs": super::milliseconds_ago(400), "accountUuid": "account-other", "utilization": body(12.0, 34.0)});
    world.sign_in("other", &json!({"cachedUsageUtilization": told}));
    let shown = world.usage(&["other"]).success();
    assert!(shown.complaint().contains(&says.replace("work", "other")), "{shown:?}");
    assert!(shown.stdout().contains(" 12 %") && shown.stdout().contains("as of 6 min ago, by Claude Code"), "{shown:?}");
    let other = world.json("other");
    assert_eq!((&other["state"], &other["five_hour"]["utilization"]), (&json!("failed"), &json!(12.0)));
    assert!(other["trouble"].as_str().unwrap().contains("a moment ago"), "{other}");
}

#[test]
fn an_answer_without_figures_is_none() {
    check(answer(200, ""), "the service told nothing of the limits of `work` (the answer is empty)");
    check(answer(200, "<html>not here</html>"), "(the answer is not JSON)");
    check(
        answer(200, r#"{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}"#),
        "(the answer has no figures, overloaded_error)",
    );
    check(answer(200, "[]"), "(the answer has no figures)");
    check(answer(200, "{}"), "(the answer has no figures)");
}

#[test]
fn an_answer_that_ends_early_is_none() {
    let whole = String::from_utf8(answer(200, &body(1.0, 2.0).to_string())).unwrap();
    check(&whole[..whole.len() - 1], "no usable answer from 127.0.0.1: the answer ends too early");
    check("", "the answer ends too early");
    check("HELO there\r\n\r\n", "the answer is not HTTP");
    // Whole for HTTP, and cut before.
    check(answer(200, r#"{"five_hour": {"utilization": 3"#), "(the answer is not JSON)");
}

#[test]
fn an_answer_of_ten_megabytes_is_none() {
    let mut large = body(1.0, 2.0);
    large["padding"] = json!("x".repeat(10 * 1024 * 1024));
    check(answer(200, &large.to_string()), "the answer is over 1 MB");
}

#[test]
fn an_error_is_named() {
    check(answer(500, ""), "(HTTP 500)");
    check(answer(529, r#"{"error": {"type": "overloaded_error"}}"#), "(HTTP 529, overloaded_error)");
    check(answer(404, "<html>"), "(HTTP 404)");
    check(
        "HTTP/1.1 302 Found\r\nLocation: https://example.com/login\r\nContent-Length: 0\r\n\r\n",
        "it redirects to example.com, which is not followed",
    );
}

#[test]
fn a_token_that_is_not_accepted_is_said_with_the_way_out() {
    for status in [401, 403] {
        check(
            answer(status, r#"{"error": {"type": "authentication_error"}}"#),
            "the server does not accept the token of `work`; run `clauth refresh work`",
        );
    }
}

#[test]
fn a_service_that_is_slow_is_not_waited_for() {
    let (finish, finished) = mpsc::channel::<()>();
    let finished = Mutex::new(finished);
    let mut world = World::with(&["work"], move |_| {
        let _ = finished.lock().unwrap().recv();
        Vec::new()
    });
    world.sandbox.set_variable("CLAUTH_TIMEOUT", "0.3");
    world.usage(&["work"]).complains(1, "no answer within 0.3 s");
    drop(finish);
}

#[test]
fn who_is_sent_away_does_not_come_back_before_the_time() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1000\r\nContent-Length: 0\r\n\r\n";
    let world = World::with(&["work"], super::first(busy));
    world.usage(&["work"]).complains(1, "the service wants no question about the limits of `work` before ");
    // Not even when the three minutes are over, which is all that is aged here.
    world.age("work", 500);
    world.usage(&["work"]).complains(1, "the service wants no question about the limits of `work` before ");
    assert_eq!(world.asked(), 1);
    let known = json!({"fetchedAtMs": super::milliseconds_ago(400), "accountUuid": "account-work", "utilization": body(12.0, 34.0)});
    world.sign_in("work", &json!({"cachedUsageUtilization": known}));
    let shown = world.usage(&["work"]).success();
    assert!(shown.stdout().contains(" 12 %") && shown.complaint().contains("wants no question"), "{shown:?}");
    assert_eq!(world.asked(), 1);
    // The time has come.
    world.sign_in("work", &json!({}));
    let kept = std::fs::read_to_string(world.cache("work")).unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert!(kept["not_before"].as_str().unwrap() < later(1001).as_str() && kept["not_before"].as_str().unwrap() > later(900).as_str(), "{kept}");
    kept["not_before"] = json!(super::ago(1));
    std::fs::write(world.cache("work"), kept.to_string()).unwrap();
    assert_eq!(world.used("work"), [json!(1.0), json!(2.0)]);
    assert_eq!(world.asked(), 2);
}

#[test]
fn without_a_connection_that_is_said_once_and_old_figures_are_shown() {
    let mut world = World::new(&["a", "b", "c"]);
    world.usage(&[]).success();
    for profile in ["a", "b"] {
        world.age(profile, 7200);
    }
    std::fs::remove_file(world.cache("c")).unwrap();
    let service = world.service.url();
    world.sandbox.set_variable("CLAUTH_SERVICES", Service::answering("").url()); // nobody listens there any more
    let shown = world.usage(&[]).success();
    assert!(shown.complaint().starts_with("could not reach 127.0.0.1"), "{shown:?}");
    assert_eq!(shown.stdout().matches("as of 2 h ago, by the service").count(), 2, "{shown:?}");
    assert_eq!(shown.stdout().matches("Unavailable").count(), 2, "{shown:?}");
    world.usage(&["c"]).complains(1, "could not reach 127.0.0.1");
    // Nothing was sent, so nobody need wait.
    world.sandbox.set_variable("CLAUTH_SERVICES", service);
    assert_eq!(world.used("c"), [json!(42.0), json!(97.0)]);
}

#[test]
fn a_stand_in_elsewhere_gets_no_token() {
    let mut world = World::new(&["work"]);
    world.sandbox.set_variable("CLAUTH_SERVICES", "http://192.0.2.1");
    world.usage(&[]).complains(1, "CLAUTH_SERVICES is http://192.0.2.1, which is not on this machine");
}

#[test]
fn a_name_that_repeats_the_token_is_not_shown_and_not_kept() {
    let mut told = body(1.0, 2.0);
    told["limits"][0]["scope"]["model"]["display_name"] = json!(format!("{TOKEN}work"));
    let world = World::on(&["work"], Service::answering(answer(200, &told.to_string())));
    world.usage(&["work"]).complains(1, "(the answer repeats the token)");
    assert!(!world.sandbox.read(world.cache("work")).contains(TOKEN));
}
