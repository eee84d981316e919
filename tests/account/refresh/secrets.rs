//! No token and no key is ever said, logged, kept anywhere but in the login's own files, or seen in the process table.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::World;
use crate::support::files::files_below;
use crate::support::processes;
use crate::support::service::{Account, Request, answer};

/// What every token of these tests has in it.
const MARKS: [&str; 4] = ["ACCESS-", "REFRESH-", "oat01", "mcp-SECRET"];

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    for mark in MARKS {
        assert!(!text.contains(mark), "{what}: {text}");
    }
}

/// Asserts that nothing in the process table shows a token, of the one refresh that runs.
fn assert_unseen(home: &Path) {
    let running = processes::with_home(home);
    assert!(running.iter().any(|process| process.command_line.contains("clauth refresh")), "{running:?}");
    for process in running {
        for name in ["cmdline", "environ", "comm"] {
            let text = fs::read(format!("/proc/{}/{name}", process.id)).unwrap_or_default();
            assert_silent(name, &String::from_utf8_lossy(&text));
        }
    }
}

/// A service that answers this, with the request itself in it wherever something of it could be quoted.
fn echo(case: usize, request: &Request) -> Option<Vec<u8>> {
    let token = request.json()["refresh_token"].as_str().unwrap().to_owned();
    let body = json!({"error": "invalid_grant", "error_description": token, "echo": request.body}).to_string();
    let raw = |text: String| Some(text.into_bytes());
    match case {
        0 => Some(answer(400, &body)),
        1 => Some(answer(500, &body)),
        2 => Some(answer(200, &body)),
        3 => Some(answer(403, &body.replace("invalid_grant", "else"))),
        4 => raw(format!("HTTP/1.1 200 {token}\r\nContent-Length: 100\r\n\r\n{body}")),
        5 => raw(format!("HTTP/1.1 302 {token}\r\nLocation: https://{token}@elsewhere.example/{token}?{token}\r\nContent-Length: 0\r\n\r\n")),
        6 => raw(format!("{token}\r\n\r\n")),
        7 => raw(format!("HTTP/1.1 200 OK\r\n{token}\r\n\r\n")),
        8 => raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {token}\r\n\r\n")),
        9 => raw(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{token}\r\n{body}")),
        10 => raw(format!("HTTP/1.1 429 {token}\r\nRetry-After: {token}\r\nContent-Length: 0\r\n\r\n")),
        11 => raw(format!("HTTP/1.1 200 OK\r\nContent-Encoding: {token}\r\nContent-Length: 5\r\n\r\n")),
        12 => raw(String::new()),
        _ => None,
    }
}

#[test]
fn whatever_happens_no_token_is_said_or_left_anywhere() {
    let case = std::sync::Arc::new(AtomicUsize::new(0));
    let current = std::sync::Arc::clone(&case);
    let home = std::sync::Arc::new(std::sync::Mutex::new(std::path::PathBuf::new()));
    let known = std::sync::Arc::clone(&home);
    let world = World::with(move |request, account: &Account| {
        assert_unseen(&known.lock().unwrap());
        echo(current.load(Ordering::Relaxed), request).unwrap_or_else(|| account.renew(request))
    });
    *home.lock().unwrap() = world.sandbox.home();
    let profile = world.sandbox.path("home/.clauth/profiles/work");
    for number in 0..14 {
        case.store(number, Ordering::Relaxed);
        world.sign_in(0, 60);
        let _ = fs::remove_file(profile.join("spent"));
        let asked = world.asked();
        for arguments in [&["work"][..], &["work", "--force"], &["--all"]] {
            let told = world.refresh(arguments);
            assert_silent("output", &format!("{}{}", told.stdout(), told.stderr()));
            assert_eq!(told.code(), Some(i32::from(number != 13)), "{number}: {told:?}");
            if number == 13 {
                break;
            }
        }
        assert!(world.asked() > asked, "{number}");
        for command in [&["list"][..], &["list", "--json"], &["status", "--json"]] {
            let told = world.sandbox.clauth(command).success();
            assert_silent("output", &format!("{}{}", told.stdout(), told.stderr()));
        }
        let is_login = |file: &Path| file.ends_with(".credentials.json");
        for file in files_below(&world.sandbox.path("home/.clauth")).into_iter().filter(|file| !is_login(file)) {
            assert_silent(&file.display().to_string(), &String::from_utf8_lossy(&fs::read(&file).unwrap()));
        }
    }
    assert_eq!(world.number(), 1);
}
