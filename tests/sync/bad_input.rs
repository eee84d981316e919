//! A `.claude.json` that is none: it stays as it is, is told of once, and everything else goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use super::household::{Household, edit, replace, settle, state, swap_in, wait_for};
use crate::support::files::make_fifo;
use crate::support::wait_until;

/// Makes something at a path, under the name by which it will be known.
type Make = fn(&Path, &Path);

/// What can stand where a state is expected, with a part of what is said of it.
const ODD: [(&str, &str, Make); 8] = [
    ("empty", "not whole", |place, _| fs::write(place, "").unwrap()),
    ("list", "not whole", |place, _| fs::write(place, "[]").unwrap()),
    ("half", "not whole", |place, _| fs::write(place, r#"{"theme": "da"#).unwrap()),
    ("deep", "not whole", |place, _| fs::write(place, format!("{{\"a\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000))).unwrap()),
    ("huge", "over", |place, _| fs::write(place, format!("{{\"a\": \"{}\"}}", "x".repeat(50 * 1024 * 1024))).unwrap()),
    ("directory", "not a regular file", |place, _| fs::create_dir(place).unwrap()),
    ("fifo", "not a regular file", |place, _| make_fifo(place)),
    // Root may read everything but this.
    ("unreadable", "could not read", |place, name| symlink(name, place).unwrap()),
];

/// Puts something where a file stands, in one step, as a program that saves does.
fn put(household: &Household, file: &Path, make: Make) {
    let odd = household.sandbox.path("odd");
    make(&odd, file);
    swap_in(&odd, file);
}

/// Tells what stands there and whether it was touched.
fn trace(file: &Path) -> (fs::FileType, u64, std::time::SystemTime) {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::symlink_metadata(file).unwrap();
    (meta.file_type(), meta.ino(), meta.modified().unwrap())
}

/// Puts a whole file back, in one step too.
fn mend(household: &Household, file: &Path, text: Vec<u8>) {
    let whole = household.sandbox.write("whole", text);
    swap_in(&whole, file);
}

#[test]
fn an_odd_file_of_a_profile_stays_and_the_others_go_on() {
    let household = Household::in_use(&["work", "acme"]);
    let (own, hub) = (household.own("work"), household.hub());
    for (name, complaint, make) in ODD {
        let told = || household.log("work").lines().filter(|line| line.contains(complaint)).count();
        let (good, told_before) = (fs::read(&own).unwrap(), told());
        put(&household, &own, make);
        let before = trace(&own);
        household.wait_for_trouble("work", complaint);
        settle(&household.own("acme"), &[&hub]);
        settle(&hub, &[household.own("acme")]);
        household.sandbox.write(format!("home/.claude/{name}.md"), "x");
        wait_until("links go on", || household.runtime("work", &format!("{name}.md")).exists());
        assert_eq!(trace(&own), before, "{name}");
        // Nothing is said again where nothing changed, and a file that is whole again is taken up.
        settle(&household.own("acme"), &[&hub]);
        assert_eq!(told(), told_before + 1, "{name}: {}", household.log("work"));
        mend(&household, &own, good);
        edit(&own, |state| drop(state.insert("mended".into(), json!(name))));
        wait_for(&[hub.clone(), household.own("acme")], "mended", &json!(name));
        wait_until("nothing is wrong any more", || household.troubles("work").is_empty());
    }
}

#[test]
fn an_odd_hub_stays_and_takes_part_when_it_is_mended() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    for (name, complaint, make) in ODD {
        let good = fs::read(&hub).unwrap();
        put(&household, &hub, make);
        let before = trace(&hub);
        household.wait_for_trouble("work", complaint);
        edit(&own, |state| drop(state.insert("meanwhile".into(), json!(name))));
        household.sandbox.write(format!("home/.claude/{name}.md"), "x");
        wait_until("links go on", || household.runtime("work", &format!("{name}.md")).exists());
        assert_eq!(trace(&hub), before, "{name}");
        mend(&household, &hub, good);
        wait_for(&[&hub], "meanwhile", &json!(name));
        wait_until("nothing is wrong any more", || household.troubles("work").is_empty());
    }
}

#[test]
fn an_odd_hub_holds_up_no_shell_and_no_profile_s_beginning() {
    for (name, complaint, make) in ODD {
        let household = Household::new(&["work"]);
        put(&household, &household.hub(), make);
        let before = trace(&household.hub());
        household.enter("work");
        household.wait_for_trouble("work", complaint);
        assert_eq!(trace(&household.hub()), before, "{name}");
        assert!(household.own_settings("work").exists(), "{name}");
    }
}

#[test]
fn odd_keys_and_numbers_are_carried_across_as_they_are() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    let huge = "1".repeat(400);
    let text = format!(r#"{{"twice": 1, "huge": {huge}, "": "empty", "a/b~c": {{"😀": 1e+400}}, "twice": 2, "nul": "\u0000"}}"#);
    let mut theirs = state(&own);
    theirs.extend(serde_json::from_str::<super::household::State>(&text).unwrap());
    // By text, so that one key stands there twice.
    let whole = serde_json::to_string(&theirs).unwrap();
    replace(&own, whole.replacen('{', "{\"twice\": 1, ", 1));
    wait_for(&[&hub], "twice", &json!(2));
    let (own_text, hub_text) = (fs::read_to_string(&own).unwrap(), fs::read_to_string(&hub).unwrap());
    assert!(own_text.starts_with("{\"twice\": 1, "), "{own_text}");
    for part in [huge.as_str(), "\"a/b~c\"", "1e+400", "\\u0000", "\"\""] {
        assert!(hub_text.contains(part), "{part}: {hub_text}");
    }
    edit(&hub, |state| drop(state.insert("more".into(), json!(true))));
    wait_for(&[&own], "more", &json!(true));
    assert!(fs::read_to_string(&own).unwrap().contains(&huge));
}

#[test]
fn bytes_that_are_not_utf8_stay_in_the_user_s_state_though_the_client_replaces_them() {
    let household = Household::new(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    let text = b"{\n  \"numStartups\": 1,\n  \"note\": \"caf\xe9\",\n  \"projects\": {\n    \"/srv/\xff\": {\n      \"cost\": 1\n    }\n  }\n}\n";
    fs::write(&hub, text).unwrap();
    household.enter("work");
    wait_until("the profile has its own", || own.exists());
    assert_eq!(fs::read(&own).unwrap(), text);
    // The client reads and writes text, in which such a byte is U+FFFD.
    let (before, after) = ("\"numStartups\": 1", "\"numStartups\": 2");
    replace(&own, String::from_utf8_lossy(text).replace(before, after));
    let at = text.windows(before.len()).position(|part| part == before.as_bytes()).unwrap();
    let expected = [&text[..at], after.as_bytes(), &text[at + before.len()..]].concat();
    wait_until("the edit is in the hub", || fs::read(&hub).unwrap() != text);
    let is = fs::read(&hub).unwrap();
    assert!(is == expected, "{}", String::from_utf8_lossy(&is));
    assert_eq!(household.troubles("work"), [] as [String; 0]);
}

#[test]
fn a_helper_that_finds_nothing_to_share_says_so_and_begins_when_it_is_there() {
    let household = Household::in_use(&["work"]);
    settle(&household.hub(), &[household.own("work")]);
    household.kill_helper_and_its_locks("work");
    let (claude, away) = (household.sandbox.path("home/.claude"), household.sandbox.path("home/away"));
    fs::rename(&claude, &away).unwrap();
    let mut helper = household.sandbox.command("clauth");
    let mut helper = helper.args(["helper", "work"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    household.wait_for_trouble("work", "there is no Claude Code config directory at");
    edit(&household.hub(), |state| drop(state.insert("theme".into(), json!("light"))));
    fs::rename(away, claude).unwrap();
    wait_for(&[household.own("work")], "theme", &json!("light"));
    wait_until("nothing is wrong any more", || household.troubles("work").is_empty());
    household.leave("work");
    assert!(helper.wait().unwrap().success());
}
