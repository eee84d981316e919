//! The profile's copy of the settings: what it wears is known and in force, whatever is in the way, and what goes from it is kept.

use std::fs;
#[cfg(target_os = "linux")]
use std::io::Write as _;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::household::{Household, edit, state, take_lock, wait_for};
use crate::support::wait_until;

const GATEWAY: &str = "base_url = \"http://127.0.0.1:9\"\napi_key = \"sk-key\"\n[settings]\nmodel = \"secret\"\n";

fn model(household: &Household) -> Option<Value> {
    state(&household.own_settings("work")).get("model").cloned()
}

#[test]
fn no_session_begins_without_its_overrides_whatever_is_in_the_way() {
    type Hinder = fn(&Household);
    let hindrances: [(&str, Hinder); 3] = [
        ("a lock", |household| drop(take_lock(&household.own_settings("work")))),
        ("the user's settings are not whole", |household| fs::write(household.hub_settings(), "{\"model\":").unwrap()),
        ("the copy is not whole", |household| fs::write(household.own_settings("work"), "{\"model\":").unwrap()),
    ];
    for (what, hinder) in hindrances {
        let household = Household::in_use(&["work"]);
        household.kill_helper_and_its_locks("work");
        household.configure("work", GATEWAY);
        hinder(&household);
        household.prompt("work");
        let own = state(&household.own_settings("work"));
        assert_eq!((&own["model"], &own["env"]["ANTHROPIC_BASE_URL"]), (&json!("secret"), &json!("http://127.0.0.1:9")), "{what}");
    }
}

#[test]
fn overrides_of_which_nothing_is_known_any_more_are_nobody_elses() {
    type Forget = fn(&Household);
    let losses: [(&str, Forget); 3] = [
        ("all of it", |household| fs::remove_dir_all(household.clauth("profiles/work/base")).unwrap()),
        ("the note", |household| fs::remove_file(household.clauth("profiles/work/base/overrides.json")).unwrap()),
        ("what it says", |household| fs::write(household.clauth("profiles/work/base/overrides.json"), "").unwrap()),
    ];
    for (what, forget) in losses {
        let household = Household::new(&["work"]);
        household.configure("work", GATEWAY);
        household.enter("work");
        assert_eq!(model(&household), Some(json!("secret")));
        household.kill_helper_and_its_locks("work");
        forget(&household);
        household.configure("work", "");
        assert!(household.prompt("work").stderr().contains("made anew"), "{what}");
        edit(&household.own_settings("work"), |state| drop(state.insert("theme".into(), json!("mine"))));
        wait_for(&[household.hub_settings()], "theme", &json!("mine"));
        let hub = fs::read_to_string(household.hub_settings()).unwrap();
        assert!(!hub.contains("secret") && !hub.contains("127.0.0.1"), "{what}: {hub}");
        assert_eq!(model(&household), None, "{what}");
    }
}

#[test]
fn what_many_items_or_an_object_give_way_to_is_kept_in_the_log() {
    let household = Household::new(&["work"]);
    let rules: Vec<String> = (0..300).map(|number| format!("Bash(rule{number})")).collect();
    let object: serde_json::Map<String, Value> = (0..9).map(|number| (format!("key{number}"), json!(number))).collect();
    fs::write(household.hub_settings(), json!({"permissions": {"deny": rules}, "object": object, "kept": 1}).to_string()).unwrap();
    household.enter("work");
    let own = household.own_settings("work");
    edit(&own, |state| state["permissions"]["deny"] = json!([]));
    wait_for(&[household.hub_settings()], "permissions", &json!({"deny": []}));
    edit(&own, |state| drop(state.insert("object".into(), json!("NEW VALUE"))));
    wait_until("it is held", || household.log("work").contains("held: settings.json"));
    let log = fs::read_to_string(household.clauth("rescued/work/losses.jsonl")).unwrap();
    assert!(rules.iter().all(|rule| log.contains(rule)) && log.contains("NEW VALUE"), "{log}");
    assert_eq!(state(&household.hub_settings())["object"], json!(object), "so many are held");
}

#[cfg(target_os = "linux")] // where the system tells who has a file open
#[test]
fn what_an_editor_writes_through_an_open_file_is_not_lost() {
    let household = Household::new(&["work"]);
    fs::write(household.hub_settings(), "{\"first\": 1}").unwrap();
    household.enter("work");
    let mut editor = fs::File::options().write(true).open(household.hub_settings()).unwrap();
    edit(&household.own_settings("work"), |state| drop(state.insert("client".into(), json!(2))));
    household.wait_for_trouble("work", "open for writing");
    editor.write_all(b"{\"first\": 1, \"editor\": 3}").unwrap();
    drop(editor);
    let files = [household.hub_settings(), household.own_settings("work")];
    wait_for(&files, "editor", &json!(3));
    wait_for(&files, "client", &json!(2));
}

#[cfg(unix)]
#[test]
fn the_user_s_settings_keep_their_mode() {
    let household = Household::in_use(&["work"]);
    for mode in [0o644, 0o640, 0o600] {
        fs::set_permissions(household.hub_settings(), fs::Permissions::from_mode(mode)).unwrap();
        edit(&household.own_settings("work"), |state| drop(state.insert("mode".into(), json!(mode))));
        wait_for(&[household.hub_settings()], "mode", &json!(mode));
        assert_eq!(fs::metadata(household.hub_settings()).unwrap().permissions().mode() & 0o777, mode);
    }
}
