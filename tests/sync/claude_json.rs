//! Hub and spokes: what one profile's client writes reaches the user's own file and every other profile in use, and the account's keys stay.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::json;

use crate::support::wait_until;

use super::household::{Household, edit, replace, settle, state, wait_for};

/// The keys of an account (`claude-code-facts.md`), written here again so that one that is dropped from the code is missed.
const ACCOUNT_KEYS: &str = "oauthAccount primaryApiKey customApiKeyResponses managedSettingsNoticeSeenOrg trainingConsentSettledAt firstWeek
    additionalModelOptionsCache additionalModelOptionsAnsweredAt additionalModelCostsCache modelAccessCache orgModelDefaultCache
    cachedArtifactRoster artifactRosterDenied lastSeenOrgDefaultUpdatedAt clientDataCache clientDataCacheSlots autoCompactWindowsCache
    cachedUsageUtilization metricsStatusCache metricsStatusCacheByPrincipal githubWebConnectionStatusCache unusedLimitResetStatusCache
    promoCreditCheck startupPrefetchedAt cachedExtraUsageDisabledReason hasAvailableSubscription subscriptionNoticeCount
    penguinModeOrgEnabled hostBootstrapSeed claudeAiMcpEverConnected apiCreditLinkStatusCache cachedGrowthBookFeatures
    cachedFeatureFlags groveConfigCache passesEligibilityCache passesLastSeenRemaining overageCreditGrantCache promoStartupStatusCache";

#[test]
fn a_change_reaches_the_hub_and_every_profile_in_use() {
    let household = Household::in_use(&["work", "acme", "play"]);
    let all = [household.hub(), household.own("work"), household.own("acme"), household.own("play")];
    for (number, file) in all.iter().enumerate() {
        edit(file, |state| drop(state.insert("mcpServers".into(), json!({"number": number}))));
        wait_for(&all, "mcpServers", &json!({"number": number}));
    }
    edit(&all[1], |state| drop(state.shift_remove("mcpServers")));
    settle(&all[1], &all);
    for file in &all {
        assert_eq!(state(file).get("mcpServers"), None, "{}", file.display());
    }
}

#[test]
fn a_profile_that_was_not_in_use_catches_up() {
    let household = Household::in_use(&["work", "acme"]);
    household.leave("acme");
    edit(&household.own("work"), |state| drop(state.insert("tipsHistory".into(), json!({"a": 1}))));
    wait_for(&[household.hub()], "tipsHistory", &json!({"a": 1}));
    assert_eq!(state(&household.own("acme")).get("tipsHistory"), None);
    household.enter("acme");
    wait_for(&[household.own("acme")], "tipsHistory", &json!({"a": 1}));
}

#[test]
fn keys_of_an_account_never_cross() {
    let household = Household::new(&["work", "acme"]);
    let all = [("hub", household.hub()), ("work", household.own("work")), ("acme", household.own("acme"))];
    // As found at the first start, and again as written while the helpers run.
    edit(&all[0].1, |state| state.extend(ACCOUNT_KEYS.split_whitespace().map(|key| (key.to_owned(), json!("hub at first")))));
    household.enter("work");
    household.enter("acme");
    settle(&all[0].1, &all.clone().map(|(_, file)| file));
    for (name, file) in &all[1..] {
        for key in ACCOUNT_KEYS.split_whitespace() {
            assert_eq!(state(file).get(key), None, "{key} in {name}");
        }
    }
    for (name, file) in &all {
        edit(file, |state| state.extend(ACCOUNT_KEYS.split_whitespace().map(|key| (key.to_owned(), json!(name)))));
        settle(file, &all.clone().map(|(_, file)| file));
    }
    // One that an account loses stays lost, and stays with the others.
    edit(&all[1].1, |state| state.retain(|key, _| key != "primaryApiKey"));
    settle(&all[1].1, &all.clone().map(|(_, file)| file));
    for (name, file) in &all {
        for key in ACCOUNT_KEYS.split_whitespace() {
            let expected = (key, *name) != ("primaryApiKey", "work");
            assert_eq!(state(file).get(key), expected.then(|| json!(name)).as_ref(), "{key} in {name}");
        }
    }
}

#[test]
fn what_crosses_keeps_its_order_and_its_numbers() {
    let household = Household::in_use(&["work"]);
    let text =
        r#"{"zulu": 1.50, "oauthAccount": {"emailAddress": "x"}, "alpha": 12345678901234567890123, "mike": {"z": 1e+21, "a": -0.0}, "é": "\n日"}"#;
    // A hub of other keys in another order: each file keeps its own.
    household.leave("work");
    replace(&household.hub(), text);
    fs::remove_file(household.own("work")).unwrap();
    fs::remove_dir_all(household.clauth("profiles/work/base")).unwrap();
    household.enter("work");
    edit(&household.own("work"), |state| drop(state.insert("last".into(), json!(true))));
    wait_for(&[household.hub()], "last", &json!(true));

    let hub = fs::read_to_string(household.hub()).unwrap();
    let keys: Vec<_> = state(&household.hub()).keys().cloned().collect();
    assert_eq!(keys, ["zulu", "oauthAccount", "alpha", "mike", "é", "last"], "{hub}");
    let own = fs::read_to_string(household.own("work")).unwrap();
    for number in ["1.50", "12345678901234567890123", "1e+21", "-0.0", "日"] {
        assert!(hub.contains(number) && own.contains(number), "{number}: {hub} {own}");
    }
}

#[test]
fn a_sign_out_sends_nobody_else_through_the_onboarding() {
    let household = Household::in_use(&["work", "acme"]);
    let (own, other, hub) = (household.own("work"), household.own("acme"), household.hub());
    let done = "hasCompletedOnboarding";
    edit(&own, |state| drop(state.insert(done.into(), json!(true))));
    wait_for(&[&hub, &other], done, &json!(true));
    edit(&own, |state| drop(state.insert(done.into(), json!(false))));
    settle(&own, &[&hub, &other]);
    settle(&hub, &[&own]);
    assert_eq!([&own, &hub, &other].map(|file| state(file)[done].clone()), [json!(false), json!(true), json!(true)]);
    // A sign-in is over, and what the others say was never lost.
    edit(&own, |state| drop(state.insert(done.into(), json!(true))));
    edit(&hub, |state| drop(state.insert(done.into(), json!(false))));
    settle(&hub, &[&own, &other]);
    assert_eq!([&own, &hub, &other].map(|file| state(file)[done].clone()), [json!(true), json!(false), json!(true)]);
}

#[test]
fn the_state_of_an_old_installation_is_the_one_that_is_shared_and_stays_the_hub_s() {
    let household = Household::new(&["work"]);
    let old = household.sandbox.write("home/.claude/.config.json", r#"{"theme": "old", "oauthAccount": {"accountUuid": "hub"}}"#);
    household.sandbox.write(household.hub(), r#"{"theme": "unused"}"#);
    let own = household.own("work");
    household.enter("work");
    wait_for(&[&own], "theme", &json!("old"));
    edit(&own, |state| drop(state.insert("theme".into(), json!("light"))));
    wait_for(&[&old], "theme", &json!("light"));
    assert_eq!((&state(&household.hub())["theme"], state(&own).get("oauthAccount")), (&json!("unused"), None));
    assert!(
        fs::symlink_metadata(household.runtime("work", ".config.json")).is_err(),
        "one that leads there would make every profile the hub's account"
    );
    // An empty one is none.
    household.leave("work");
    fs::write(&old, "").unwrap();
    household.enter("work");
    wait_for(&[&household.hub()], "theme", &json!("light"));
}

#[test]
fn both_sides_of_an_object_are_taken_key_by_key_and_of_a_list_as_a_set() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    let base = json!({"/srv/a": {"allowedTools": ["ls", "cat"], "cost": 1, "deep": {"x": 1, "y": 1}}});
    settle(&own, &[&hub]); // before the first pass nothing was agreed that could be taken away
    edit(&own, |state| drop(state.insert("projects".into(), base.clone())));
    wait_for(&[&hub], "projects", &base);
    household.leave("work");

    edit(&own, |state| {
        let project = &mut state["projects"]["/srv/a"];
        project["allowedTools"] = json!(["ls", "cat", "rg"]);
        project["deep"]["x"] = json!(2);
        project["deep"]["new"] = json!([1]);
    });
    edit(&hub, |state| {
        state["projects"]["/srv/b"] = json!({"cost": 7});
        let project = &mut state["projects"]["/srv/a"];
        project["allowedTools"] = json!(["cat", "git"]);
        project["deep"].as_object_mut().unwrap().remove("y");
    });
    household.enter("work");
    let expected = json!({
        "/srv/a": {"allowedTools": ["cat", "rg", "git"], "cost": 1, "deep": {"x": 2, "new": [1]}},
        "/srv/b": {"cost": 7},
    });
    wait_for(&[own, hub], "projects", &expected);
}

#[test]
fn of_two_changes_of_one_value_the_profile_s_wins_and_the_other_is_kept_where_only_the_user_looks() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    settle(&own, &[&hub]);
    household.leave("work");
    let full = household.sandbox.write("home/.clauth/rescued/work/losses.jsonl", "x".repeat(2_000_000));
    edit(&own, |state| drop(state.insert("theme".into(), json!("light"))));
    edit(&hub, |state| drop(state.insert("theme".into(), json!("solarized"))));
    household.enter("work");
    wait_for(&[own.clone(), hub.clone()], "theme", &json!("light"));
    settle(&own, &[hub]);
    let log = household.log("work");
    let told: Vec<_> = log.lines().filter(|line| line.contains("/theme")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(!log.contains("solarized"), "it could be a key: {log}");
    let losses = household.sandbox.path("home/.clauth/rescued/work/losses.jsonl");
    let kept = fs::read_to_string(&losses).unwrap();
    assert_eq!(kept, "{\"file\":\".claude.json\",\"pointer\":\"/theme\",\"value\":\"solarized\"}\n");
    #[cfg(unix)]
    assert_eq!(fs::metadata(&losses).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(full.with_extension("jsonl.1")).unwrap().len(), 2_000_000, "a full log makes room");
}

#[test]
fn a_change_outlives_a_deletion_of_the_same_key() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    edit(&own, |state| state.extend([("one".into(), json!({"n": 1})), ("two".into(), json!({"n": 1}))]));
    wait_for(&[&hub], "two", &json!({"n": 1}));
    household.leave("work");
    edit(&own, |state| {
        state.shift_remove("one");
        state["two"] = json!({"n": 2});
    });
    edit(&hub, |state| {
        state.shift_remove("two");
        state["one"] = json!({"n": 2});
    });
    household.enter("work");
    let both = [own, hub];
    wait_for(&both, "one", &json!({"n": 2}));
    wait_for(&both, "two", &json!({"n": 2}));
}

#[test]
fn many_keys_that_vanish_at_once_stay_and_status_says_so() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    edit(&own, |state| state.extend((0..5).map(|number| (format!("key{number}"), json!(number)))));
    wait_for(&[&hub], "key4", &json!(4));
    // A client that starts afresh after a crash.
    edit(&own, |state| {
        state.retain(|key, _| !key.starts_with("key"));
        state.insert("fresh".into(), json!(true));
    });
    wait_for(&[&hub], "fresh", &json!(true));
    wait_for(&[own.clone(), hub.clone()], "key4", &json!(4));
    settle(&own, &[&hub]);
    let trouble = household.wait_for_trouble("work", "vanished");
    assert!((0..5).all(|number| trouble.contains(&format!("key{number}"))), "{trouble}");
    // Three are somebody's decision.
    edit(&own, |state| state.retain(|key, _| !["key0", "key1", "key2"].contains(&key.as_str())));
    settle(&own, &[&hub]);
    for file in [own, hub] {
        let left: Vec<_> = state(&file).keys().filter(|key| key.starts_with("key")).cloned().collect();
        assert_eq!(left, ["key3", "key4"], "{}", file.display());
    }
}

#[test]
fn doctor_lets_many_keys_go_when_the_user_says_so() {
    let household = Household::in_use(&["work", "play"]);
    let all = [household.own("work"), household.own("play"), household.hub()];
    edit(&all[0], |state| state.extend((0..5).map(|number| (format!("key{number}"), json!(number)))));
    wait_for(&all, "key4", &json!(4));
    edit(&all[0], |state| state.retain(|key, _| !key.starts_with("key")));
    household.wait_for_trouble("work", "clauth removals accept");
    wait_for(&all, "key4", &json!(4));
    let told = household.sandbox.clauth(&["doctor"]);
    assert!(told.stdout().contains(".claude.json: key0, .claude.json: key1"), "{}", told.stdout());
    let fixed = household.sandbox.clauth(&["doctor", "--fix"]);
    assert!(fixed.stdout().contains("key0, key1, key2, key3, key4 may go"), "{}", fixed.stdout());
    wait_until("the keys are gone everywhere, and nobody complains", || {
        let is_gone = |file: &PathBuf| !state(file).keys().any(|key| key.starts_with("key"));
        all.iter().all(is_gone) && !household.sandbox.clauth(&["doctor"]).stdout().contains("key0")
    });
}

#[test]
fn a_hub_that_appears_later_is_found_and_a_missing_one_is_made() {
    let household = Household::new(&["work"]);
    fs::remove_file(household.hub()).unwrap();
    household.enter("work");
    replace(&household.own("work"), r#"{"oauthAccount": {"emailAddress": "x"}, "theme": "dark"}"#);
    wait_until("the hub has a file", || household.hub().exists());
    assert_eq!(state(&household.hub()), json!({"theme": "dark"}).as_object().unwrap().clone());
    fs::remove_file(household.hub()).unwrap();
    replace(&household.hub(), r#"{"theme": "light"}"#);
    wait_for(&[household.own("work")], "theme", &json!("light"));
    assert!(state(&household.own("work")).contains_key("oauthAccount"));
}

#[test]
fn a_client_that_starts_afresh_takes_nobody_s_projects_away_until_the_user_says_so() {
    let household = Household::in_use(&["work", "play"]);
    let all = [household.own("work"), household.own("play"), household.hub()];
    let projects: super::household::State =
        (0..200).map(|number| (format!("/srv/{number}"), json!({"allowedTools": ["ls"], "cost": number}))).collect();
    edit(&all[0], |state| drop(state.insert("projects".into(), projects.clone().into())));
    wait_for(&all, "projects", &projects.clone().into());
    let afresh = json!({"/srv/new": {"cost": 1}});
    edit(&all[0], |state| drop(state.insert("projects".into(), afresh)));
    household.wait_for_trouble("work", "projects/~1srv~10, projects/~1srv~11");
    for file in &all {
        wait_until("nothing is gone, and the new one is there", || state(file)["projects"].as_object().unwrap().len() == 201);
    }
    let told = household.sandbox.clauth(&["doctor"]);
    assert!(told.stdout().contains("and 195 more vanished at once"), "{}", told.stdout());
    household.sandbox.clauth(&["doctor", "--fix"]);
    for file in &all {
        wait_for(&[file], "projects", &json!({"/srv/new": {"cost": 1}}));
    }
    let losses = fs::read_to_string(household.sandbox.path("home/.clauth/rescued/work/losses.jsonl")).unwrap();
    let is_told =
        |number: usize| losses.contains(&format!("\"pointer\":\"/projects/~1srv~1{number}\",\"removed\":true,\"value\":{{\"allowedTools\":[\"ls\"]"));
    assert!((0..200).all(is_told), "{losses}");
}

#[test]
fn what_the_client_reads_crosses_as_it_is() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    let deep = format!("{}1{}", "{\"a\": [".repeat(130), "]}".repeat(130));
    let whole = fs::read_to_string(&own).unwrap();
    let text = whole.replacen('{', &format!("\u{feff}{{\"lone\": \"\\ud800\", \"deep\": {deep},"), 1);
    replace(&own, &text);
    let arrived = || fs::read_to_string(&hub).unwrap();
    wait_until("it is in the hub", || arrived().contains(&deep) && arrived().contains(r#""lone": "\ud800""#));
    assert_eq!(fs::read_to_string(&own).unwrap(), text, "and its own file stays, byte by byte");
    wait_until("nothing is wrong", || household.troubles("work").is_empty());
}

#[test]
fn an_agreed_state_of_an_earlier_version_is_taken_over_and_its_secrets_go() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    edit(&own, |state| state.extend([("kept".into(), json!(1)), ("gone".into(), json!(1))]));
    wait_for(&[&hub], "gone", &json!(1));
    settle(&hub, &[&own]);
    household.leave("work");
    // As clauth 0.6 left it.
    let base = household.clauth("profiles/work/base");
    fs::remove_file(base.join("claude.agreed")).unwrap();
    fs::write(base.join("claude.json"), serde_json::to_vec(&state(&hub)).unwrap()).unwrap();
    edit(&own, |state| drop(state.shift_remove("gone")));
    household.enter("work");
    settle(&own, &[&hub]);
    for file in [&own, &hub] {
        assert_eq!((state(file).get("gone"), state(file).get("kept")), (None, Some(&json!(1))), "{}", file.display());
    }
    assert!(!base.join("claude.json").exists());
}
