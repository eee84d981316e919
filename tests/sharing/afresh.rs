//! A client that starts afresh, or loses its state, deletes nobody's entries.

use serde_json::{Value, json};

use crate::support::wait_until;
use crate::sync::household::{Household, edit, settle, state, wait_for};

const PROJECTS: usize = 200;

fn projects() -> Value {
    (0..PROJECTS)
        .map(|number| (format!("/srv/{number}"), json!({"allowedTools": ["ls"], "lastCost": number})))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn count(file: &std::path::Path, key: &str) -> usize {
    state(file).get(key).and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

/// Returns what stands for a state whose client has begun anew, but for the keys that it wrote since.
fn afresh(state: &mut crate::sync::household::State) {
    state.insert("projects".into(), json!({"/srv/new": {"allowedTools": []}}));
    state.insert("numStartups".into(), json!(1));
}

#[test]
fn a_state_with_one_project_left_takes_no_project_of_the_others() {
    for side in 0..2 {
        let household = Household::in_use(&["work", "play"]);
        let all = [household.hub(), household.own("work"), household.own("play")];
        edit(&household.hub(), |state| drop(state.insert("projects".into(), projects())));
        wait_until("all have all projects", || all.iter().all(|file| count(file, "projects") == PROJECTS));
        let from = &all[side];
        edit(from, afresh);
        settle(from, &all);
        for file in all.iter().filter(|file| *file != from) {
            assert!(count(file, "projects") >= PROJECTS, "{}: {} projects are left", file.display(), count(file, "projects"));
            wait_for(&[file], "numStartups", &json!(1));
        }
        // By the helper that saw it first: the others find the projects where they were.
        let is_said = |profile: &str| household.troubles(profile).iter().any(|trouble| trouble.contains("held"));
        wait_until("it is said that something is held", || ["work", "play"].into_iter().any(is_said));
    }
}

#[test]
fn one_project_that_is_removed_is_removed_for_all() {
    let household = Household::in_use(&["work", "play"]);
    let all = [household.hub(), household.own("work"), household.own("play")];
    edit(&household.hub(), |state| drop(state.insert("projects".into(), projects())));
    wait_until("all have all projects", || all.iter().all(|file| count(file, "projects") == PROJECTS));
    edit(&household.own("work"), |state| {
        state["projects"].as_object_mut().unwrap().remove("/srv/7");
    });
    wait_until("it is gone everywhere", || all.iter().all(|file| count(file, "projects") == PROJECTS - 1));
}

#[test]
fn a_removed_member_that_another_side_changed_stays() {
    let household = Household::in_use(&["work", "play"]);
    let all = [household.hub(), household.own("work"), household.own("play")];
    edit(&household.hub(), |state| drop(state.insert("projects".into(), projects())));
    wait_until("all have all projects", || all.iter().all(|file| count(file, "projects") == PROJECTS));
    household.leave("work");
    edit(&household.own("work"), |state| {
        state["projects"].as_object_mut().unwrap().remove("/srv/7");
    });
    edit(&household.hub(), |state| state["projects"]["/srv/7"]["lastCost"] = json!("changed"));
    household.enter("work");
    wait_until("the change is everywhere", || all.iter().all(|file| state(file)["projects"]["/srv/7"]["lastCost"] == "changed"));
}
