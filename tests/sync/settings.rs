//! `settings.json`: each profile has its own copy, merged with the user's; what a profile overrides stays in its copy.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};

#[cfg(unix)]
use super::household::settle;
use super::household::{Household, State, replace, state, wait_for};
#[cfg(unix)]
use crate::support::files::make_fifo;
#[cfg(target_os = "linux")]
use crate::support::files::text;
#[cfg(target_os = "linux")]
use crate::support::length::rounds;
use crate::support::wait_until;

/// What the profiles of these tests override, in each of the ways.
const OVERRIDES: &str = r#"
base_url = "http://127.0.0.1:9"
api_key = "sk-secret"
[env]
OVERRIDDEN = "1"
[settings]
model = "opus"
[settings.permissions]
defaultMode = "plan"
"#;

/// Changes settings as the client does: without a lock, by rename through a link.
fn edit(file: &Path, change: impl FnOnce(&mut State)) {
    let file = file.canonicalize().unwrap();
    let mut state = state(&file);
    change(&mut state);
    replace(&file, serde_json::to_vec_pretty(&state).unwrap());
}

fn object(value: &Value) -> State {
    value.as_object().unwrap().clone()
}

/// Waits until a file holds just this.
fn wait_for_all(file: &Path, expected: &Value) {
    let mut now = State::new();
    let came = crate::support::patience::came_true(|| {
        now = state(file);
        now == object(expected)
    });
    assert!(came, "{}: {now:?} is not {expected}", file.display());
}

/// Returns how the sandbox's `clauth` prints the key of `work`.
#[cfg(unix)]
fn helper_command(household: &Household) -> String {
    format!("'{}' api-key work", household.sandbox.path("program/clauth").display()).replace('\'', "")
}

#[test]
fn without_overrides_the_copy_says_what_the_user_s_settings_say_to_the_byte() {
    let household = Household::new(&["work"]);
    let text = "{\n\t\"theme\":   \"dark\",\n\t\"env\": {}\n}";
    fs::write(household.hub_settings(), text).unwrap();
    household.enter("work");
    assert!(!household.own_settings("work").is_symlink());
    assert_eq!(fs::read_to_string(household.own_settings("work")).unwrap(), text);
    edit(&household.own_settings("work"), |state| drop(state.insert("theme".into(), json!("light"))));
    wait_for_all(&household.hub_settings(), &json!({"theme": "light", "env": {}}));
}

#[cfg(unix)]
#[test]
fn overrides_make_a_private_copy_and_never_reach_the_user_s_settings() {
    let household = Household::new(&["work", "acme"]);
    household.configure("work", OVERRIDES);
    fs::write(household.hub_settings(), r#"{"model": "sonnet", "theme": "dark", "env": {"A": "1", "OVERRIDDEN": "0"}}"#).unwrap();
    household.enter("work");
    household.enter("acme");
    let own = household.own_settings("work");
    assert!(!own.is_symlink());
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o600);
    let mut copy = state(&own);
    let command = copy.shift_remove("apiKeyHelper").unwrap();
    assert_eq!(command.as_str().unwrap().replace('\'', ""), helper_command(&household));
    let expected = json!({
        "model": "opus", "theme": "dark", "permissions": {"defaultMode": "plan"},
        "env": {"A": "1", "OVERRIDDEN": "1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"},
    });
    assert_eq!(copy, object(&expected));
    // As the client runs it.
    assert_eq!(household.sandbox.script("/bin/sh", command.as_str().unwrap()).success().stdout(), "sk-secret\n");

    edit(&household.own_settings("acme"), |state| drop(state.insert("theme".into(), json!("light"))));
    wait_for(&[own], "theme", &json!("light"));
    let hub = fs::read_to_string(household.hub_settings()).unwrap();
    assert_eq!(state(&household.hub_settings()), object(&json!({"model": "sonnet", "theme": "light", "env": {"A": "1", "OVERRIDDEN": "0"}})));
    assert!(!hub.contains("sk-secret") && !hub.contains("127.0.0.1"), "{hub}");
    let secret_in: Vec<_> = ["settings.json", ".claude.json"]
        .iter()
        .filter(|file| fs::read_to_string(household.runtime("work", file)).unwrap().contains("sk-secret"))
        .collect();
    assert!(secret_in.is_empty(), "{secret_in:?}");
}

#[test]
fn what_the_user_edits_in_a_session_reaches_the_other_side() {
    let household = Household::new(&["work"]);
    household.configure("work", OVERRIDES);
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    edit(&own, |state| {
        state.insert("theme".into(), json!("light"));
        state["permissions"]["allow"] = json!(["Bash(ls)"]);
        state["env"]["MINE"] = json!("1");
    });
    let expected = json!({"theme": "light", "permissions": {"allow": ["Bash(ls)"]}, "env": {"MINE": "1"}});
    wait_for_all(&hub, &expected);
    edit(&hub, |state| {
        state["permissions"]["allow"] = json!(["Bash(ls)", "Bash(cat)"]);
        state.insert("outputStyle".into(), json!("brief"));
    });
    wait_for(&[&own], "outputStyle", &json!("brief"));
    wait_for(&[&own], "permissions", &json!({"defaultMode": "plan", "allow": ["Bash(ls)", "Bash(cat)"]}));
    // An editor that writes in place, and one that deletes a key.
    fs::write(&hub, serde_json::to_vec(&json!({"theme": "light", "permissions": {"allow": []}, "env": {"MINE": "1"}})).unwrap()).unwrap();
    wait_for(&[&own], "permissions", &json!({"defaultMode": "plan", "allow": []}));
    assert_eq!(state(&own).get("outputStyle"), None);
    assert_eq!(state(&own).get("model"), Some(&json!("opus")));
}

#[test]
fn what_the_user_edits_reaches_the_other_side_where_no_names_are_linked() {
    let mut household = Household::new(&["work"]);
    household.sandbox.set_variable("CLAUTH_LINK_MODE", "copy");
    household.configure("work", OVERRIDES);
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    // The first pass, which finds what is there without being told, is over when the second change arrives.
    for theme in ["light", "dark", "solarized"] {
        edit(&hub, |state| drop(state.insert("theme".into(), json!(theme))));
        wait_for(&[&own], "theme", &json!(theme));
    }
    edit(&own, |state| drop(state.insert("theme".into(), json!("mine"))));
    wait_for(&[&hub], "theme", &json!("mine"));
}

#[test]
fn of_two_edits_of_one_setting_the_profile_s_wins_and_the_other_is_kept() {
    let household = Household::new(&["work"]);
    household.configure("work", OVERRIDES);
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    household.kill_helper("work");
    edit(&own, |state| drop(state.insert("theme".into(), json!("light"))));
    edit(&hub, |state| drop(state.insert("theme".into(), json!("solarized"))));
    let said = household.prompt("work");
    wait_for(&[own, hub], "theme", &json!("light"));
    let told = household.log("work") + said.stderr();
    assert_eq!(told.matches("/theme").count(), 1, "{told}");
    assert!(!told.contains("solarized"), "it could be a key: {told}");
    assert!(fs::read_to_string(household.sandbox.path("home/.clauth/rescued/work/losses.jsonl")).unwrap().contains("solarized"));
}

#[test]
fn an_edit_of_what_the_profile_overrides_is_kept_and_told_without_its_value() {
    let household = Household::new(&["work"]);
    fs::write(household.hub_settings(), r#"{"model": "sonnet"}"#).unwrap();
    household.configure("work", OVERRIDES);
    household.enter("work");
    let own = household.own_settings("work");
    let losses = || fs::read_to_string(household.sandbox.path("home/.clauth/rescued/work/losses.jsonl")).unwrap_or_default();
    assert_eq!(losses(), "", "overrides themselves are no edit");
    edit(&own, |state| state.extend([("model".into(), json!("haiku")), ("theme".into(), json!("light"))]));
    wait_for(&[&own], "model", &json!("opus"));
    wait_for(&[household.hub_settings()], "theme", &json!("light"));
    assert_eq!(losses(), "{\"file\":\"settings.json\",\"pointer\":\"/model\",\"overridden\":true,\"value\":\"haiku\"}\n");
    wait_until("it is told", || household.log("work").contains("the profile overrides /model"));
    assert!(!household.log("work").contains("haiku"), "it could be a key: {}", household.log("work"));
}

#[test]
fn overrides_that_change_or_end_leak_nothing_and_lose_no_edit() {
    let household = Household::new(&["work"]);
    fs::write(household.hub_settings(), r#"{"model": "sonnet"}"#).unwrap();
    household.configure("work", OVERRIDES);
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    // While no helper runs, the user edits the copy, and the profile's overrides become others.
    household.kill_helper("work");
    edit(&own, |state| drop(state.insert("theme".into(), json!("light"))));
    household.configure("work", "[settings]\nverbose = true");
    household.enter("work");
    wait_for_all(&own, &json!({"model": "sonnet", "theme": "light", "verbose": true}));
    wait_for_all(&hub, &json!({"model": "sonnet", "theme": "light"}));
    // And then none at all.
    household.kill_helper("work");
    edit(&own, |state| drop(state.insert("outputStyle".into(), json!("brief"))));
    household.configure("work", "");
    household.enter("work");
    for file in [&own, &hub] {
        wait_for_all(file, &json!({"model": "sonnet", "theme": "light", "outputStyle": "brief"}));
    }
    // And again.
    household.kill_helper("work");
    household.configure("work", "[settings]\nmodel = \"haiku\"");
    household.enter("work");
    wait_for_all(&own, &json!({"model": "haiku", "theme": "light", "outputStyle": "brief"}));
    assert_eq!(state(&hub).get("model"), Some(&json!("sonnet")));
}

#[cfg(unix)]
#[test]
fn overrides_that_end_while_the_user_s_settings_cannot_be_read_wait() {
    let household = Household::new(&["work"]);
    household.configure("work", OVERRIDES);
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    household.kill_helper("work");
    edit(&own, |state| drop(state.insert("theme".into(), json!("light"))));
    fs::write(&hub, "{\"broken").unwrap();
    household.configure("work", "");
    household.prompt("work");
    household.wait_for_trouble("work", "not whole");
    assert_eq!(fs::read_to_string(&hub).unwrap(), "{\"broken");
    assert_eq!(state(&own).get("theme"), Some(&json!("light")));
    // Mended, it gets the edit and none of the overrides.
    fs::write(&hub, "{\"fixed\": true}").unwrap();
    household.kill_helper("work");
    household.enter("work");
    for file in [&own, &hub] {
        wait_for_all(file, &json!({"fixed": true, "theme": "light"}));
    }
}

#[test]
fn an_env_block_that_redirects_the_client_is_refused() {
    for (variable, place) in ["CLAUDE_CONFIG_DIR", "ANTHROPIC_CONFIG_DIR"].into_iter().flat_map(|name| (0..4).map(move |place| (name, place))) {
        let household = Household::new(&["work"]);
        let file = [household.hub_settings(), household.hub(), household.own("work")].into_iter().nth(place);
        match &file {
            Some(file) => household.sandbox.write(file, json!({"env": {variable: "/elsewhere"}}).to_string()),
            None => household.sandbox.mkdir("nothing"),
        };
        if file.is_none() {
            household.configure("work", &format!("[env]\n{variable} = \"/elsewhere\""));
        }
        let refused = household.prompt("work");
        assert_eq!(refused.stderr().lines().count(), 1, "{}", refused.stderr());
        assert!(refused.stderr().contains(&format!("sets {variable}")), "{}", refused.stderr());
        let refusal = household.clauth("refused/run-clauth-status");
        let shown = |path: PathBuf| path.to_str().unwrap().replace('\\', "/");
        assert!(refused.stdout().contains(&shown(refusal)), "{}", refused.stdout());
        assert!(!refused.stdout().contains(shown(household.runtime("work", "")).trim_end_matches('/')), "{}", refused.stdout());
        assert_eq!(household.helper("work"), None);
        household.configure("work", "");
        if let Some(file) = file {
            fs::write(file, "{}").unwrap();
        }
        household.enter("work");
    }
}

#[test]
fn a_redirection_that_appears_in_a_session_is_told_and_refused_to_the_next_shell() {
    let household = Household::new(&["work"]);
    household.configure("work", OVERRIDES);
    household.enter("work");
    edit(&household.hub_settings(), |state| drop(state.insert("env".into(), json!({"CLAUDE_CONFIG_DIR": "/elsewhere"}))));
    household.wait_for_trouble("work", "CLAUDE_CONFIG_DIR");
    assert!(household.prompt("work").stderr().contains("sets CLAUDE_CONFIG_DIR"));
    assert!(!fs::read_to_string(household.own_settings("work")).unwrap().contains("/elsewhere"));
    wait_until("it is in the log", || household.log("work").contains("sets CLAUDE_CONFIG_DIR"));
    assert_eq!(household.log("work").matches("sets CLAUDE_CONFIG_DIR").count(), 1);
}

#[cfg(unix)]
#[test]
fn settings_that_cannot_be_read_stay_as_they_are_and_the_overrides_hold() {
    type Make = fn(&Path);
    let odd: [(&str, Make); 5] = [
        ("leads nowhere", |file| symlink("/nowhere/settings.json", file).unwrap()),
        ("not a regular file", |file| fs::create_dir(file).unwrap()),
        ("not a regular file", |file| make_fifo(file)),
        ("could not read", |file| symlink(file, file).unwrap()),
        ("not whole", |file| fs::write(file, "[]").unwrap()),
    ];
    for (complaint, make) in odd {
        let household = Household::new(&["work", "acme"]);
        household.configure("work", OVERRIDES);
        let hub = household.hub_settings();
        fs::remove_file(&hub).unwrap();
        make(&hub);
        let kind = fs::symlink_metadata(&hub).unwrap().file_type();
        household.enter("work");
        household.enter("acme");
        household.wait_for_trouble("work", complaint);
        assert_eq!(state(&household.own_settings("work"))["env"]["ANTHROPIC_BASE_URL"], "http://127.0.0.1:9", "{complaint}");
        settle(&household.own("work"), &[household.own("acme")]);
        household.sandbox.write("home/.claude/new.md", "x");
        wait_until("links go on", || household.runtime("work", "new.md").exists());
        assert_eq!(fs::symlink_metadata(&hub).unwrap().file_type(), kind, "{complaint}");
        let log = household.log("work");
        assert_eq!(log.matches(complaint).count(), 1, "{log}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows cannot exchange two names in one step, so a writer without a lock can lose")]
fn no_edit_is_lost_between_two_writers_without_a_lock() {
    let household = Household::new(&["work"]);
    household.configure("work", "[settings]\nmodel = \"opus\"");
    household.enter("work");
    let files = [household.own_settings("work"), household.hub_settings()];
    let count = 200;
    std::thread::scope(|scope| {
        for (side, file) in files.iter().enumerate() {
            // One that writes its own text whole, as an editor does: its keys grow, and none may vanish again.
            scope.spawn(move || {
                for number in 0..count {
                    edit(file, |state| drop(state.insert(format!("{side} {number}"), json!(number))));
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            });
        }
    });
    let last: Vec<_> = (0..2).map(|side| format!("{side} {}", count - 1)).collect();
    wait_until("the last edits are everywhere", || files.iter().all(|file| last.iter().all(|key| state(file).contains_key(key))));
    let hub = state(&files[1]);
    assert_eq!(hub.get("model"), None);
    let missing: Vec<_> =
        (0..2).flat_map(|side| (0..count).map(move |number| format!("{side} {number}"))).filter(|key| !hub.contains_key(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[cfg(unix)]
#[test]
fn without_the_user_s_settings_no_override_becomes_everybody_s() {
    let household = Household::new(&["work"]);
    household.configure("work", OVERRIDES);
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    edit(&own, |state| drop(state.insert("theme".into(), json!("light"))));
    wait_for(&[&hub], "theme", &json!("light"));
    household.kill_helper("work");
    fs::remove_file(&hub).unwrap();
    household.prompt("work");
    edit(&own, |state| drop(state.insert("outputStyle".into(), json!("brief"))));
    wait_until("the user's settings are there again", || hub.exists() && state(&hub).contains_key("outputStyle"));
    assert_eq!(state(&hub), object(&json!({"theme": "light", "outputStyle": "brief"})));
    assert_eq!(state(&own).get("model"), Some(&json!("opus")));
}

/// Puts settings in the place of others and returns those.
#[cfg(target_os = "linux")]
fn exchange(file: &Path, settings: &Value) -> String {
    let temp = file.with_extension("json.tmp.1.ab");
    fs::write(&temp, settings.to_string()).unwrap();
    renameat_with(CWD, &temp, CWD, file, RenameFlags::EXCHANGE).unwrap();
    let displaced = fs::read_to_string(&temp).unwrap();
    fs::remove_file(temp).unwrap();
    displaced
}

#[cfg(target_os = "linux")] // where a writer can tell what it displaced
#[test]
fn of_two_edits_of_one_value_at_once_one_stays_and_the_other_is_in_the_log() {
    let household = Household::new(&["work"]);
    household.configure("work", "[settings]\nmodel = \"opus\"\n");
    fs::write(household.hub_settings(), r#"{"both": "first"}"#).unwrap();
    household.enter("work");
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    let (mut seen, mut written) = (String::new(), Vec::new());
    for round in 0..rounds(150, 3000) {
        let [of_own, of_hub] = ["own", "hub"].map(|side| format!("{side}-{round}."));
        let mut write_own = || seen += &exchange(&own, &json!({"model": "opus", "both": of_own}));
        if round % 2 == 0 {
            write_own();
            seen += &exchange(&hub, &json!({"both": of_hub}));
        } else {
            let displaced = exchange(&hub, &json!({"both": of_hub}));
            write_own();
            seen += &displaced;
        }
        written.extend([of_own, of_hub]);
        wait_until("both say the same", || state(&own)["both"] == state(&hub)["both"]);
    }
    settle(&hub, &[&own]);
    seen += &fs::read_to_string(&hub).unwrap();
    seen += &text(&household.clauth("rescued/work/losses.jsonl")).unwrap_or_default();
    let lost: Vec<_> = written.iter().filter(|value| !seen.contains(value.as_str())).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", written.len());
}
