//! The client's own lock around each write, files caught half-written, and files that nobody has to touch.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::household::{Household, edit, replace, settle, state, take_lock, wait_for};
use crate::support::{system, wait_until};

#[test]
fn a_client_that_holds_its_lock_is_waited_for() {
    let household = Household::in_use(&["work", "acme"]);
    for locked in [household.hub(), household.own("acme")] {
        let before = fs::read(&locked).unwrap();
        let lock = take_lock(&locked);
        edit(&household.own("work"), |state| drop(state.insert("waits".into(), json!(locked))));
        // By then it has been asked for the lock more than once, and everything else goes on.
        household.wait_for_trouble(if locked == household.hub() { "work" } else { "acme" }, "locked");
        assert_eq!(fs::read(&locked).unwrap(), before);
        // The client's own write under its lock, of a key that clauth's write must not take back.
        let mut written = state(&locked);
        written.insert("written".into(), json!(locked));
        replace(&locked, serde_json::to_vec_pretty(&written).unwrap());
        fs::remove_dir(lock).unwrap();
        let all = [household.hub(), household.own("work"), household.own("acme")];
        wait_for(&all, "waits", &json!(locked));
        wait_for(&all, "written", &json!(locked));
    }
    wait_until("nothing is wrong any more", || household.troubles("work").is_empty() && household.troubles("acme").is_empty());
}

#[test]
fn a_lock_whose_holder_died_is_taken_over() {
    let household = Household::in_use(&["work"]);
    for (from, locked) in [(household.own("work"), household.hub()), (household.hub(), household.own("work"))] {
        let lock = take_lock(&locked);
        edit(&from, |state| drop(state.insert("to".into(), json!(locked))));
        household.wait_for_trouble("work", "locked");
        // Nothing else happens: it is the helper that looks again when the lock has aged.
        system::age(&lock, Duration::from_secs(20));
        wait_for(&[locked], "to", state(&from).get("to").unwrap());
        wait_until("the lock is gone", || !lock.exists());
        wait_until("nothing is wrong any more", || household.troubles("work").is_empty());
    }
}

#[test]
fn a_half_written_file_is_waited_for() {
    let household = Household::in_use(&["work"]);
    for (half, other) in [(household.own("work"), household.hub()), (household.hub(), household.own("work"))] {
        settle(&other, &[&half]);
        let before = fs::read(&other).unwrap();
        let mut whole = state(&half);
        whole.insert("whole".into(), json!(half));
        let whole = serde_json::to_vec_pretty(&whole).unwrap();

        let mut file = File::create(&half).unwrap();
        file.write_all(&whole[..whole.len() / 2]).unwrap();
        // What a look at it says, and no more than that: the file is still open.
        File::options().append(true).open(&half).unwrap();
        household.wait_for_trouble("work", "not whole");
        assert_eq!(fs::read(&other).unwrap(), before);
        file.write_all(&whole[whole.len() / 2..]).unwrap();
        drop(file);
        wait_for(&[other], "whole", &json!(half));
        assert_eq!(fs::read(&half).unwrap(), whole);
        wait_until("nothing is wrong any more", || household.troubles("work").is_empty());
    }
    let log = household.log("work");
    assert_eq!(log.matches("not whole").count(), 2, "{log}");
}

#[test]
fn an_unchanged_file_is_never_rewritten() {
    let household = Household::new(&["work", "acme"]);
    // A spelling of its own: what is not pretty stays so.
    let text = serde_json::to_vec(&state(&household.hub())).unwrap();
    replace(&household.hub(), text);
    household.enter("work");
    household.enter("acme");
    settle(&household.own("work"), &[household.own("acme")]);

    let files = [household.hub(), household.own("work"), household.own("acme"), household.hub_settings()];
    let before = files.each_ref().map(|file| identity(file));
    // Its text once more, a touch, and other events that say nothing new.
    let hub = fs::read(household.hub()).unwrap();
    File::options().write(true).open(household.hub()).unwrap().write_all(&hub).unwrap();
    let hub_now = identity(&household.hub());
    File::options().append(true).open(household.own("work")).unwrap().set_modified(SystemTime::now()).unwrap();
    let own_now = identity(&household.own("work"));
    household.sandbox.write("home/.claude/new.md", "x");
    wait_until("links go on", || household.runtime("work", "new.md").exists() && household.runtime("acme", "new.md").exists());
    for name in ["work", "acme"] {
        household.leave(name);
        household.enter(name);
        household.sandbox.write(format!("home/.claude/{name}.md"), "x");
        wait_until("the new helper works", || household.runtime(name, &format!("{name}.md")).exists());
    }
    let after = files.each_ref().map(|file| identity(file));
    assert_eq!(after, [hub_now, own_now, before[2], before[3]]);
}

/// Tells one version of a file from another: its birth, and the time of its last write.
fn identity(file: &Path) -> (Option<SystemTime>, SystemTime) {
    let meta = fs::metadata(file).unwrap();
    (meta.created().ok(), meta.modified().unwrap())
}

#[cfg(unix)]
#[test]
fn a_hub_that_is_a_link_of_the_user_s_stays_one() {
    let household = Household::new(&["work"]);
    let dotfile = household.sandbox.path("home/dotfiles/claude.json");
    fs::create_dir(dotfile.parent().unwrap()).unwrap();
    fs::rename(household.hub(), &dotfile).unwrap();
    std::os::unix::fs::symlink(&dotfile, household.hub()).unwrap();
    household.enter("work");
    edit(&household.own("work"), |state| drop(state.insert("through".into(), json!(1))));
    wait_for(&[&dotfile], "through", &json!(1));
    assert!(household.hub().is_symlink());
    edit(&dotfile, |state| drop(state.insert("back".into(), json!(2))));
    wait_for(&[household.own("work")], "back", &json!(2));
}

#[test]
fn a_chosen_hub_has_its_own_file_and_its_links_go_on() {
    let household = Household::new(&["work"]);
    household.sandbox.write("home/elsewhere/settings.json", "{}\n");
    household.sandbox.write("home/.clauth/config.toml", "claude_home = \"~/elsewhere\"\n");
    household.enter("work");
    // Nothing is there to start from; the client makes its own, and so the hub's.
    replace(&household.own("work"), r#"{"theme": "dark"}"#);
    let hub = household.sandbox.path("home/elsewhere/.claude.json");
    wait_until("the chosen hub has a file", || hub.exists());
    edit(&hub, |state| drop(state.insert("more".into(), json!(true))));
    wait_for(&[household.own("work")], "more", &json!(true));
    household.sandbox.write("home/elsewhere/new.md", "x");
    wait_until("links go on", || household.runtime("work", "new.md").exists());
    assert_eq!(state(&household.hub()).get("more"), None);
}
