//! Whatever the service answers: the login stays or is replaced as a whole, and what may be spent is not sent again.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::{fs, thread};

use serde_json::json;

use super::{World, login};
use crate::support::service::{Account, Service, answer};

/// Whether the token that was sent may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The service said that it did nothing.
    Again,
    /// Nobody knows what it did.
    Never,
}

/// Lets a service answer so, and asserts what is said, that the login stays, and what happens the next time.
#[track_caller]
fn check(bytes: impl Into<Vec<u8>>, says: &str, then: Then) {
    let bytes = bytes.into();
    let asked = AtomicUsize::new(0);
    // The second time it does what it should.
    let world = World::with(move |request, account| if asked.fetch_add(1, Ordering::Relaxed) == 0 { bytes.clone() } else { account.renew(request) });
    let before = world.text();
    world.refresh(&["work"]).complains(1, says);
    assert_eq!(world.text(), before, "{says}");
    world.assert_tidy();
    match then {
        Then::Again => {
            world.refresh(&["work"]).success();
            assert_eq!((world.number(), world.asked()), (1, 2), "{says}");
        }
        Then::Never => {
            world.refresh(&["work", "--force"]).complains(1, "it was sent earlier, and no answer came");
            assert_eq!((world.text(), world.asked()), (before, 1), "{says}");
            // What Claude Code makes of it is another login.
            world.sign_in(0, 7200);
            let text = world.text().replace("REFRESH-0-", "REFRESH-0-later-");
            fs::write(world.file(), text).unwrap();
            assert!(world.refresh(&["work"]).success().complaint().contains("good for"));
        }
    }
    world.assert_tidy();
}

#[test]
fn an_answer_without_tokens_is_none() {
    for body in ["", "{}", "null", "<html>not here</html>", r#"{"error": "invalid_grant"}"#, r#"{"access_token": ""}"#] {
        check(answer(200, body), "the answer holds no token", Then::Never);
    }
}

#[test]
fn an_answer_that_ends_early_is_none() {
    let whole = String::from_utf8(answer(200, &json!({"access_token": "sk-ant-oat01-NEW-"}).to_string())).unwrap();
    check(&whole[..whole.len() - 1], "ends too early", Then::Never);
    check(&whole[..20], "ends too early", Then::Never);
    check("", "ends too early", Then::Never);
    check("HELO there\r\n\r\n", "is not HTTP", Then::Never);
}

#[test]
fn an_answer_of_ten_megabytes_is_none() {
    let body = json!({"access_token": "sk-ant-oat01-NEW-", "padding": "x".repeat(10 * 1024 * 1024)}).to_string();
    check(answer(200, &body), "over 1 MB", Then::Never);
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X-Padding: x\r\n".repeat(100_000));
    check(endless, "is not HTTP", Then::Never);
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    let redirect = |status: u16, place: &str| format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Service::answering(answer(200, r#"{"access_token": "sk-ant-oat01-STOLEN-"}"#));
        let place = elsewhere.url().replace("127.0.0.1", "localhost") + "/v1/oauth/token";
        check(redirect(status, &place), "it redirects to localhost, which is not followed", Then::Never);
        assert!(elsewhere.requests().is_empty(), "{status}");
    }
    check(redirect(302, "/login"), "it redirects to itself", Then::Never);
}

#[test]
fn a_service_that_cannot_do_it_now_is_asked_again_later() {
    for (status, body) in
        [(500, ""), (503, "<html>"), (529, r#"{"type":"error"}"#), (400, r#"{"error":"invalid_scope"}"#), (403, "<html>"), (404, "")]
    {
        check(answer(status, body), &format!("the service answered {status}, and the login of `work` stays as it is; try again later"), Then::Again);
    }
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n";
    check(busy, "the service answered 429, and the login of `work` stays as it is; try again in 17 s", Then::Again);
}

#[test]
fn what_a_gateway_answers_says_nothing_of_the_service() {
    for status in [502, 504, 524] {
        check(answer(status, "<html>"), "a gateway answered that the service did not", Then::Never);
    }
}

#[test]
fn a_service_that_is_slow_is_not_waited_for_and_not_asked_again() {
    let (finish, finished) = mpsc::channel::<()>();
    let finished = std::sync::Mutex::new(finished);
    let mut world = World::with(move |request, account| {
        let answer = account.renew(request);
        // It did what it should, and says so too late.
        let _ = finished.lock().unwrap().recv();
        answer
    });
    world.sandbox.set_variable("CLAUTH_TIMEOUT", "0.3");
    let before = world.text();
    world.refresh(&["work"]).complains(1, "no answer within 0.3 s");
    drop(finish);
    world.refresh(&["work"]).complains(1, "it was sent earlier, and no answer came");
    assert_eq!((world.text(), world.asked(), world.account.number()), (before, 1, 1));
    world.assert_tidy();
}

#[test]
fn what_drips_is_slow_too() {
    let account = Arc::<Account>::default();
    let service = Service::raw(|mut stream| {
        // Each read brings something, and the end never comes.
        while stream.write_all(b"H").is_ok() {
            thread::yield_now();
        }
    });
    let mut world = World::on(service, account);
    world.sandbox.set_variable("CLAUTH_TIMEOUT", "0.3");
    let told = world.refresh(&["work"]).failure();
    assert!(told.complaint().contains("no usable answer from 127.0.0.1"), "{told:?}");
    world.assert_tidy();
}

#[test]
fn a_connection_that_breaks_before_anything_was_sent_is_tried_again() {
    // Not TLS, so that the connection fails before the request.
    let mut world = World::on(Service::raw(drop), Arc::default());
    world.sandbox.set_variable("CLAUTH_SERVICES", world.service.url().replace("http:", "https:"));
    let before = world.text();
    world.refresh(&["work"]).complains(1, "so nothing was sent");
    assert_eq!((world.text(), world.service.connections()), (before, 3));
    assert!(!world.sandbox.path("home/.clauth/profiles/work/spent").exists(), "nothing was sent, so nothing is noted");
    world.assert_tidy();
    let healthy = World::new();
    world.sandbox.set_variable("CLAUTH_SERVICES", healthy.service.url());
    world.refresh(&["work"]).success();
    assert_eq!(world.number(), 1);
}

#[test]
fn a_login_that_has_ended_is_said_everywhere_until_the_next_sign_in() {
    let world = World::new();
    world.sign_in(77, 60);
    let before = world.text();
    let identity = json!({"oauthAccount": {"emailAddress": "me@corp.example"}}).to_string();
    world.sandbox.write(world.sandbox.runtime("work").join(".claude.json"), identity);
    let project = world.sandbox.bind("project", "work");
    let asks_to_sign_in = || {
        let told = world.sandbox.clauth(&["list"]).success();
        assert!(told.stdout().starts_with("work  "), "{told:?}");
        told.stdout().contains("sign in again")
    };
    assert!(!asks_to_sign_in());

    world.refresh(&["work"]).complains(1, "the login of `work` has ended");
    assert!(asks_to_sign_in());
    let status = world.sandbox.status(&project);
    assert_eq!((&status["signed_in"], &status["login_ended"]), (&json!(false), &json!(true)));
    let told = world.sandbox.clauth_in(&project, &["status"]).success();
    assert!(told.stdout().contains("me@corp.example, whose login has ended: sign in again"), "{told:?}");
    // Its access token may be good for a while: the client's file stays, and a copy for when the client empties it.
    assert_eq!(world.text(), before);
    let rescued = crate::support::files::files_below(&world.sandbox.path("home/.clauth/rescued/work"));
    assert_eq!(rescued.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>(), [before]);
    // It is not asked again, and neither is it when the client has emptied it.
    world.refresh(&["work", "--force"]).complains(1, "has ended");
    assert_eq!(world.asked(), 1);
    let mut emptied = login(77, &json!(0));
    for key in ["accessToken", "refreshToken"] {
        emptied["claudeAiOauth"][key] = json!("");
    }
    world.sandbox.write(world.file(), emptied.to_string());
    assert!(asks_to_sign_in());
    world.refresh(&["work"]).complains(1, "not signed in");

    world.sign_in(0, 60);
    assert!(!asks_to_sign_in());
    world.refresh(&["work"]).success();
    assert_eq!(world.number(), 1);
    world.assert_tidy();
}

#[test]
fn a_token_that_the_service_does_not_replace_stays_and_is_sent_again() {
    let world = World::with(|_, _| answer(200, &json!({"access_token": Account::access(0), "expires_in": 60}).to_string()));
    for asked in 1..4 {
        world.refresh(&["work"]).success();
        assert_eq!((world.number(), world.asked()), (0, asked));
    }
    assert_eq!(world.sandbox.read("home/.clauth/profiles/work/spent"), "");
    world.assert_tidy();
}
