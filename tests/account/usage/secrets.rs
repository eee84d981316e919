//! No token in any output, file, argument or environment, whatever happens.

use std::fs;
use std::sync::{Mutex, mpsc};

use serde_json::json;

use super::{World, body};
use crate::support::files::files_below;
use crate::support::service::answer;
use crate::support::wait_until;

/// What every token of these tests begins with.
const MARKS: [&str; 3] = ["sk-ant-oat01-", "sk-ant-ort01-", "sk-ant-api"];

#[track_caller]
fn assert_clean(text: &str) {
    assert!(!MARKS.iter().any(|mark| text.contains(mark)), "{text}");
}

#[test]
fn no_token_is_said_or_kept() {
    let echo = |request: &crate::support::service::Request| {
        let token = request.head.split("earer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default().to_owned();
        let mut told = body(42.0, 97.0);
        match token.rsplit('-').next().unwrap() {
            "good" => return answer(200, &told.to_string()),
            "name" | "escaped" => told["limits"][0]["scope"]["model"]["display_name"] = json!(token),
            "error" => return answer(500, &json!({"error": {"type": token, "message": token}}).to_string()),
            "refused" => return answer(401, &json!({"error": {"type": token, "message": token}}).to_string()),
            "html" => return answer(200, &format!("<html>{token}")),
            "http" => return format!("{token}\r\n\r\n{token}").into_bytes(),
            "place" => return format!("HTTP/1.1 302 {token}\r\nLocation: https://{token}/{token}\r\n\r\n").into_bytes(),
            other => panic!("{other}"),
        }
        let told = told.to_string();
        answer(200, &if token.ends_with("escaped") { told.replace("sk-ant", "\\u0073k-ant") } else { told })
    };
    let profiles = ["good", "name", "escaped", "error", "refused", "html", "http", "place"];
    let world = World::with(&profiles, echo);
    world.sandbox.write("home/.clauth/config.toml", "statusline = 'env; tr \"\\0\" \" \" </proc/$PPID/cmdline </proc/$PPID/environ'\n");
    for profile in profiles {
        for arguments in [&["usage", profile][..], &["usage", profile, "--json"], &["usage"], &["usage", "--json"], &["list"], &["list", "--json"]] {
            let finished = world.sandbox.clauth(arguments);
            assert_clean(finished.stdout());
            assert_clean(finished.stderr());
        }
        let finished = world.status_line(profile, "{}").success();
        assert_clean(finished.stdout());
        assert_clean(finished.stderr());
    }
    assert_eq!(world.asked(), profiles.len());
    let kept = files_below(&world.sandbox.path("home/.clauth/usage"));
    assert!(kept.len() >= profiles.len() * 2, "{kept:?}");
    for file in kept {
        assert_clean(&fs::read_to_string(&file).unwrap());
    }
}

#[test]
fn no_token_is_seen_in_the_process_table() {
    let (finish, finished) = mpsc::channel::<()>();
    let finished = Mutex::new(finished);
    let world = World::with(&["work"], move |_| {
        let _ = finished.lock().unwrap().recv();
        answer(200, &body(42.0, 97.0).to_string())
    });
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| world.usage(&[]).success());
        wait_until("the service is asked", || world.asked() == 1);
        let running = world.sandbox.processes();
        assert!(running.iter().any(|process| process.command_line.contains("clauth usage")), "{running:?}");
        for process in running {
            for name in ["cmdline", "environ", "comm"] {
                assert_clean(&String::from_utf8_lossy(&fs::read(format!("/proc/{}/{name}", process.id)).unwrap_or_default()));
            }
        }
        drop(finish);
        asking.join().unwrap();
    });
}
