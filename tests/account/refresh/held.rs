//! The locks: taken as the client takes them, touched, given back, and what is done when they are not to be had.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::World;
use crate::support::files::{age, replace};
use crate::support::finished::Finished;
use crate::support::service::{Account, Service};
use crate::support::trace::strace;
use crate::support::{Sandbox, wait_until};

/// What holds a refresh of `work`: clauth's own lock aside.
fn places(sandbox: &Sandbox) -> [PathBuf; 2] {
    let runtime = sandbox.runtime("work");
    [runtime.join(".oauth_refresh.lock"), runtime.with_file_name("runtime.lock")]
}

/// What a service does before it answers.
type During = Arc<Mutex<Box<dyn Fn() + Send>>>;

/// Starts a world whose service does something before it answers: `during` is set once there is a world.
fn world_with_hook() -> (World, During) {
    let during: During = Arc::new(Mutex::new(Box::new(|| {})));
    let hook = Arc::clone(&during);
    let world = World::with(move |request, account| {
        hook.lock().unwrap()();
        account.renew(request)
    });
    (world, during)
}

fn touched(lock: &Path) -> SystemTime {
    fs::metadata(lock).unwrap().modified().unwrap()
}

#[test]
fn both_locks_are_held_while_the_service_is_asked_and_touched_all_the_while() {
    let (world, during) = world_with_hook();
    let locks = places(&world.sandbox);
    *during.lock().unwrap() = Box::new(move || {
        let before = locks.each_ref().map(|lock| touched(lock));
        wait_until("both are touched", || locks.iter().zip(before).all(|(lock, before)| touched(lock) > before));
    });
    world.refresh(&["work"]).success();
    world.assert_good();
}

#[test]
fn who_holds_a_lock_is_waited_for_and_what_he_did_is_not_done_again() {
    for number in 0..2 {
        let world = World::new();
        let lock = &places(&world.sandbox)[number];
        fs::create_dir(lock).unwrap();
        let mut waiting = world.start(&["work"]);
        // What it takes before: by then it has looked at the login.
        let taken = [world.sandbox.path("home/.clauth/profiles/work/rotation.lock"), places(&world.sandbox)[0].clone()];
        wait_until("it waits", || taken[number].exists());
        world.account.renew_elsewhere();
        world.sign_in(1, 28_800);
        fs::remove_dir(lock).unwrap();
        assert!(waiting.wait().unwrap().success());
        assert_eq!(world.asked(), 0);
        world.assert_good();
    }
}

#[test]
fn who_holds_a_lock_for_too_long_is_said() {
    for number in 0..2 {
        let mut world = World::new();
        world.sandbox.set_variable("CLAUTH_TIMEOUT", "0.3");
        let lock = places(&world.sandbox)[number].clone();
        fs::create_dir(&lock).unwrap();
        age(&lock, 50); // of a client that is late, not dead
        world.refresh(&["work"]).complains(1, "another program is refreshing the login of `work`");
        assert_eq!((super::locks(&world.sandbox), world.asked()), (vec![lock], 0), "the other's lock is left to him, and no other lock is left");
    }
}

#[test]
fn the_locks_of_a_process_that_died_are_taken_over() {
    for number in 0..2 {
        let world = World::new();
        let lock = places(&world.sandbox)[number].clone();
        fs::create_dir(&lock).unwrap();
        age(&lock, 70);
        world.refresh(&["work"]).success();
        world.assert_good();
    }
}

#[test]
fn what_is_no_lock_is_not_taken_away() {
    let mut world = World::new();
    world.sandbox.set_variable("CLAUTH_TIMEOUT", "0.3");
    let [lock, _] = places(&world.sandbox);
    world.sandbox.write(lock.join("kept"), "something of somebody's");
    age(&lock, 1000);
    world.refresh(&["work"]).complains(1, "another program");
    assert_eq!(world.sandbox.read(lock.join("kept")), "something of somebody's");
    fs::remove_dir_all(&lock).unwrap();
    world.sandbox.write(&lock, "a file");
    age(&lock, 1000);
    world.refresh(&["work"]).complains(1, "another program");
    assert_eq!(world.sandbox.read(&lock), "a file");
}

#[test]
fn a_lock_that_is_another_s_by_now_is_left_to_him() {
    let (world, during) = world_with_hook();
    let lock = places(&world.sandbox)[0].clone();
    let others = lock.clone();
    // A client that took clauth's lock for one of a dead process.
    *during.lock().unwrap() = Box::new(move || {
        fs::remove_dir(&others).unwrap();
        fs::create_dir(&others).unwrap();
    });
    world.refresh(&["work"]).success();
    assert_eq!(super::locks(&world.sandbox), [lock]);
    assert_eq!(world.number(), 1);
}

#[test]
fn without_its_lock_nothing_is_sent() {
    let lock = Arc::<Mutex<Option<PathBuf>>>::default();
    let others = Arc::clone(&lock);
    // Before the second try: the first connection is no TLS.
    let service = Service::raw(move |_| {
        let lock = others.lock().unwrap();
        fs::remove_dir(lock.as_ref().unwrap()).unwrap();
        fs::create_dir(lock.as_ref().unwrap()).unwrap();
    });
    let mut world = World::on(service, Arc::default());
    world.sandbox.set_variable("CLAUTH_SERVICES", world.service.url().replace("http:", "https:"));
    *lock.lock().unwrap() = Some(places(&world.sandbox)[0].clone());
    world.refresh(&["work"]).complains(1, "another program is refreshing");
    assert_eq!(world.service.connections(), 1);
}

/// Replaces the login as a client does that writes something else of it, between two looks of clauth's.
fn edit(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut login = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut login);
    replace(file, login.to_string());
}

#[test]
fn what_a_client_writes_meanwhile_survives() {
    let (world, during) = world_with_hook();
    let file = world.file();
    *during.lock().unwrap() = Box::new(move || edit(&file, |login| login["mcpOAuth"]["new"] = json!(7)));
    world.refresh(&["work"]).success();
    assert_eq!(serde_json::from_str::<Value>(&world.text()).unwrap()["mcpOAuth"]["new"], 7);
    world.assert_good();
}

#[test]
fn a_dead_writer_is_not_waited_for() {
    let (world, during) = world_with_hook();
    let lock = world.sandbox.runtime("work").join(".storage-write.lock");
    *during.lock().unwrap() = Box::new(move || {
        fs::create_dir(&lock).unwrap();
        age(&lock, 20);
    });
    world.refresh(&["work"]).success();
    world.assert_good();
}

#[test]
fn a_writer_is_waited_for() {
    let Some(strace) = strace() else { return };
    let (world, during) = world_with_hook();
    let (file, lock, log) = (world.file(), world.sandbox.runtime("work").join(".storage-write.lock"), world.sandbox.path("strace.log"));
    let traced = log.clone();
    *during.lock().unwrap() = Box::new(move || {
        fs::create_dir(&lock).unwrap();
        // He has read already, and writes what he read: new tokens that came in between would be gone.
        let read = fs::read_to_string(&file).unwrap();
        let (file, lock, log) = (file.clone(), lock.clone(), traced.clone());
        thread::spawn(move || {
            let is_wanted = |line: &str| line.contains(".storage-write.lock") && line.contains("EEXIST");
            wait_until("clauth wants the lock", || fs::read_to_string(&log).unwrap_or_default().lines().any(is_wanted));
            replace(&file, read);
            fs::remove_dir(&lock).unwrap();
        });
    });
    let mut command = world.sandbox.command(strace);
    command.args(["-f", "-qqq", "-e", "trace=?mkdir,mkdirat", "-o"]).arg(log).args(["clauth", "refresh", "work"]);
    Finished::run(command).success();
    world.assert_good();
}

#[test]
fn a_login_made_or_taken_away_meanwhile_is_not_overwritten() {
    let after = |change: fn(&Path)| {
        let (world, during) = world_with_hook();
        let file = world.file();
        *during.lock().unwrap() = Box::new(move || change(&file));
        assert_eq!(world.refresh(&["work"]).success().complaint(), "work: another program refreshed it meanwhile");
        world.assert_tidy();
        fs::read_to_string(world.file()).ok()
    };
    let other = after(|file| edit(file, |login| login["claudeAiOauth"]["refreshToken"] = json!("of-another-account")));
    assert!(other.unwrap().contains("of-another-account"));
    assert_eq!(after(|file| fs::remove_file(file).unwrap()), None);
    let signed_out = after(|file| edit(file, |login| drop(login.as_object_mut().unwrap().shift_remove("claudeAiOauth"))));
    assert!(!signed_out.unwrap().contains("oat01"));
}

#[test]
fn a_login_that_a_client_emptied_meanwhile_is_filled_again() {
    let (world, during) = world_with_hook();
    let file = world.file();
    *during.lock().unwrap() = Box::new(move || {
        edit(&file, |login| {
            for (key, value) in [("accessToken", json!("")), ("refreshToken", json!("")), ("expiresAt", json!(0))] {
                login["claudeAiOauth"][key] = value;
            }
        });
    });
    world.refresh(&["work"]).success();
    world.assert_good();
}

#[test]
fn a_token_that_another_spent_under_a_lock_he_took_away_is_no_end() {
    let (world, during) = world_with_hook();
    let (file, account) = (world.file(), Arc::clone(&world.account));
    *during.lock().unwrap() = Box::new(move || {
        account.renew_elsewhere();
        edit(&file, |login| {
            login["claudeAiOauth"]["accessToken"] = json!(Account::access(1));
            login["claudeAiOauth"]["refreshToken"] = json!(Account::refresh(1));
        });
    });
    assert_eq!(world.refresh(&["work"]).success().complaint(), "work: another program refreshed it meanwhile");
    assert_eq!((world.number(), world.account.refused().len()), (1, 1));
    world.assert_tidy();
}

#[test]
fn a_profile_that_is_refreshed_is_not_removed() {
    let (world, during) = world_with_hook();
    let said = Arc::<Mutex<String>>::default();
    let mut remove = world.sandbox.command("clauth");
    remove.args(["remove", "work", "--yes"]);
    let (told, remove) = (Arc::clone(&said), Mutex::new(Some(remove)));
    *during.lock().unwrap() = Box::new(move || {
        let output = remove.lock().unwrap().take().map(|mut remove| remove.output().unwrap());
        *told.lock().unwrap() = String::from_utf8(output.unwrap().stderr).unwrap();
    });
    world.refresh(&["work"]).success();
    assert!(said.lock().unwrap().contains("`work` is in use by a refresh of its login"), "{said:?}");
    world.assert_good();
}

#[test]
fn a_profile_that_was_removed_meanwhile_is_not_refreshed() {
    let world = World::new();
    world.refresh(&["work"]).success();
    let lock = File::options().append(true).open(world.sandbox.path("home/.clauth/profiles/work/rotation.lock")).unwrap();
    fs4::FileExt::lock(&lock).unwrap();
    let command = world.command(&["work", "--force"]);
    let waiting = thread::spawn(move || Finished::run(command));
    let waits_for_lock = |pid: &i32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|file| file.ends_with("rotation.lock")))
    };
    wait_until("it waits", || world.sandbox.processes_named("clauth refresh").iter().any(waits_for_lock));
    fs::rename(world.sandbox.path("home/.clauth/profiles/work"), world.sandbox.path("gone")).unwrap();
    drop(lock);
    waiting.join().unwrap().complains(1, "there is no profile `work`");
    assert_eq!(world.asked(), 1);
}
