//! Answers of the service.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{assert_sane, cases};
use crate::account::refresh::World;
use crate::account::usage;
use crate::support::service::{Account, Service, answer};

#[test]
fn an_answer_of_any_bytes_leaves_a_whole_login() {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let sent = Arc::clone(&bytes);
    let world = World::on(Service::start(move |_| sent.lock().unwrap().clone()), Arc::<Account>::default());
    let whole = answer(200, r#"{"access_token": "sk-ant-oat01-NEW", "refresh_token": "sk-ant-ort01-NEW", "expires_in": 28800, "scope": "a b"}"#);
    let refused = answer(400, r#"{"error": "invalid_grant", "error_description": "spent"}"#);
    let busy = answer(429, "{\"error\": {\"type\": \"rate_limit_error\"}}");
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec();
    for case in cases(&[&whole, &refused, &busy, &chunked], 30, 5000) {
        world.sign_in(0, 60);
        let before = world.text();
        let _ = fs::remove_file(world.sandbox.path("home/.clauth/profiles/work/spent"));
        bytes.lock().unwrap().clone_from(&case);
        let said = world.refresh(&["work"]);
        assert_sane(&said, &case);
        let text = world.text();
        let shown = String::from_utf8_lossy(&case);
        if text == before {
            continue;
        }
        let login: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        let field = |name: &str| login["claudeAiOauth"][name].as_str().unwrap_or_default().to_owned();
        assert!(!field("accessToken").is_empty() && !field("refreshToken").is_empty(), "{shown:?}: {text}");
        assert!(shown.contains(&field("accessToken")) && said.code() == Some(0), "{shown:?}: {said:?}");
        // What else stands there stays.
        assert_eq!((&login["mcpOAuth"]["example"]["accessToken"], &login["zuletzt"]), (&"mcp-SECRET".into(), &"ü".into()), "{shown:?}");
        assert!(!said.stdout().contains("NEW") && !said.stderr().contains("sk-ant-"), "{shown:?}: {said:?}");
    }
}

#[test]
fn an_answer_of_any_bytes_about_limits_is_a_figure_or_none() {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let sent = Arc::clone(&bytes);
    let world = usage::World::on(&["work"], Service::start(move |_| sent.lock().unwrap().clone()));
    let whole = answer(200, &usage::body(42.0, 97.0).to_string());
    let refused = answer(403, r#"{"error": {"type": "permission_error"}}"#);
    let busy = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n".to_vec();
    for case in cases(&[&whole, &refused, &busy], 30, 5000) {
        let _ = fs::remove_dir_all(world.sandbox.path("home/.clauth/usage"));
        bytes.lock().unwrap().clone_from(&case);
        for words in [&["usage", "work"][..], &["usage", "work", "--json"], &["status", "--format", "{5h} {7d}"]] {
            let said = world.sandbox.clauth(words);
            assert_sane(&said, &case);
            if let Ok(told) = serde_json::from_str::<Value>(said.stdout()) {
                let used = &told["profiles"][0]["five_hour"]["utilization"];
                assert!(used.is_null() || used.as_f64().is_some_and(|used| used >= 0.0), "{:?}: {said:?}", String::from_utf8_lossy(&case));
            }
        }
    }
}
