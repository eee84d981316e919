//! When the service is asked: each account once, by whoever comes first, and then not for three minutes.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;
use std::sync::{Barrier, Mutex};
use std::{fs, thread};

use serde_json::json;

use super::{TOKEN, World, account, body};
use crate::support::finished::Finished;
use crate::support::service::answer;
use crate::support::trace::strace;
use crate::support::wait_until;

#[test]
fn an_account_is_asked_once_in_three_minutes() {
    let world = World::new(&["work"]);
    let first = world.usage(&[]).success();
    assert_eq!((first.stderr(), world.usage(&[]).success().stdout()), ("", first.stdout()));
    assert_eq!(world.asked(), 1);
    let request = &world.service.requests()[0].head;
    assert!(request.starts_with("GET /api/oauth/usage HTTP/1.1\r\n"), "{request}");
    let request = request.to_lowercase();
    let token = format!("authorization: bearer {TOKEN}work\r\n").to_lowercase();
    assert!(request.contains(&token) && request.contains("anthropic-beta: oauth-2025-04-20\r\n"), "{request}");

    world.age("work", 170);
    assert_eq!(world.json("work")["five_hour"]["age_seconds"].as_u64().unwrap() / 10, 17);
    assert_eq!(world.asked(), 1);
    world.age("work", 181);
    assert_eq!(world.json("work")["five_hour"]["age_seconds"].as_u64().unwrap() / 10, 0);
    assert_eq!(world.asked(), 2);
}

#[test]
fn what_is_kept_is_the_users_alone() {
    let world = World::new(&["work"]);
    world.usage(&[]).success();
    let directory = world.sandbox.path("home/.clauth/usage");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut names: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names, ["asking", "json", "lock"].map(|ending| directory.join(format!("{}.{ending}", account("work")))));
    assert!(names.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn without_a_thread_to_be_had_accounts_are_asked_one_by_one() {
    let Some(strace) = strace() else { return };
    let world = World::new(&["a", "b", "c"]);
    let mut command = world.sandbox.command(strace);
    command.args(["-qq", "-o", "/dev/null", "-e", "trace=clone3", "-e", "inject=clone3:error=EAGAIN", "clauth", "usage"]);
    assert_eq!(Finished::run(command).success().stdout().matches(" 42 %").count(), 3);
    assert_eq!(world.asked(), 3);
}

#[test]
fn accounts_are_asked_side_by_side() {
    const PROFILES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    // Nobody is answered before everybody has asked.
    let all = Barrier::new(PROFILES.len());
    let world = World::with(&PROFILES, move |_| {
        all.wait();
        answer(200, &body(42.0, 97.0).to_string())
    });
    assert_eq!(world.usage(&[]).success().stdout().matches(" 42 %").count(), PROFILES.len());
    let mut tokens: Vec<_> = world.service.requests().iter().map(|request| request.head.split(TOKEN).nth(1).unwrap()[..1].to_owned()).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, PROFILES);
}

#[test]
fn profiles_and_processes_of_one_account_ask_once() {
    let world = World::new(&["a", "b", "c"]);
    for profile in ["b", "c"] {
        fs::copy(world.sandbox.runtime("a").join(".claude.json"), world.sandbox.runtime(profile).join(".claude.json")).unwrap();
        world.write_login(profile, &json!({"accountUuid": account("a")}));
    }
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(world.usage(&[]).success().stdout().matches(" 42 %").count(), 3));
        }
    });
    assert_eq!(world.asked(), 1);
}

#[test]
fn an_account_has_figures_of_its_own_in_each_organisation() {
    let world = World::with(&["a", "b"], |request| {
        let used = if request.head.contains("ACCESS-a") { 11.0 } else { 22.0 };
        answer(200, &body(used, used).to_string())
    });
    let state = world.sandbox.read(world.sandbox.runtime("a").join(".claude.json"));
    world.sandbox.write(world.sandbox.runtime("b").join(".claude.json"), state.replace("\"org\"", "\"another\""));
    world.write_login("b", &json!({"accountUuid": account("a")}));
    for _ in 0..2 {
        let told = world.usage(&["--json"]).success().json();
        let used = |profile: usize| told["profiles"][profile]["five_hour"]["utilization"].as_f64().unwrap();
        assert_eq!((used(0), used(1)), (11.0, 22.0));
    }
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_status_line_does_not_wait_for_who_asks() {
    let (finish, finished) = mpsc::channel::<()>();
    let finished = Mutex::new(finished);
    let world = World::with(&["work"], move |_| {
        let _ = finished.lock().unwrap().recv();
        answer(200, &body(42.0, 97.0).to_string())
    });
    let told = thread::scope(|scope| {
        let asking = scope.spawn(|| world.usage(&["--json"]).success().json());
        wait_until("the service is asked", || world.asked() == 1);
        let line = world.status_line("work", r#"{"rate_limits": {"five_hour": {"used_percentage": 50, "resets_at": 4102444800}}}"#).success();
        assert_eq!(line.stdout(), "work · 5h 50% · 7d –\n");
        assert!(world.sandbox.read(world.cache("work")).contains("status_line"), "it is kept meanwhile");
        drop(finish);
        asking.join().unwrap()
    });
    // The service's word is the newer one.
    assert_eq!(told["profiles"][0]["five_hour"]["utilization"], 42.0);
    assert!(world.sandbox.read(world.cache("work")).contains("status_line"), "neither word is lost");
}

#[test]
fn whoever_was_killed_while_asking_has_asked() {
    let world = World::with(&["work"], |_| {
        thread::park();
        Vec::new()
    });
    let mut asking = world.sandbox.command("clauth").arg("usage").spawn().unwrap();
    wait_until("the service is asked", || world.asked() == 1);
    asking.kill().unwrap();
    asking.wait().unwrap();
    world.usage(&["work"]).complains(1, "a moment ago and told nothing");
    assert_eq!(world.asked(), 1);
    // The lock went with it.
    world.age("work", 200);
    let mut asking = world.sandbox.command("clauth").arg("usage").spawn().unwrap();
    wait_until("the service is asked again", || world.asked() == 2);
    asking.kill().unwrap();
    asking.wait().unwrap();
}

#[test]
fn a_file_that_is_broken_or_from_another_time_is_asked_anew() {
    let world = World::new(&["work"]);
    let future = super::later(86_000);
    let window = json!([["five_hours", {"used": 1.0, "resets_at": null}]]);
    let reading = json!({"source": "service", "at": future, "windows": window, "extra": null});
    let files = [
        String::new(),
        "{".into(),
        "[]".into(),
        r#"{"not_before": 7}"#.into(),
        json!({"not_before": super::later(200_000), "organizations": {"org": {"asked_at": future, "readings": [reading]}}}).to_string(),
    ];
    for (number, text) in files.iter().enumerate() {
        world.sandbox.write(world.cache("work"), text);
        assert_eq!(world.used("work"), [json!(42.0), json!(97.0)], "{text}");
        assert_eq!(world.asked(), number + 1, "{text}");
    }
}

#[test]
fn where_nothing_can_be_kept_nothing_is_asked() {
    let world = World::new(&["work"]);
    world.sandbox.write("home/.clauth/usage", "a file where the directory belongs");
    let told = world.usage(&["work"]).failure();
    assert!(told.complaint().starts_with("could not create "), "{told:?}");
    assert_eq!(world.asked(), 0);
}
