//! A profile with a key or a host of its own, beside shared settings that name others: no key goes to the host of another.

use std::fs;

use serde_json::{Value, json};

use super::household::{Household, replace, state};
use crate::support::wait_until;

const SHARED: &str = r#"{"theme": "dark", "env": {"A": "1", "ANTHROPIC_BASE_URL": "https://theirs.example", "ANTHROPIC_AUTH_TOKEN": "sk-theirs"}}"#;

/// Returns what the profile's client reads of the variables that decide.
fn read_by(household: &Household) -> [Value; 2] {
    let settings = state(&household.own_settings("work"));
    ["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"].map(|name| settings["env"].get(name).cloned().unwrap_or_default())
}

#[test]
fn what_the_shared_settings_say_of_keys_and_hosts_is_covered_and_stays_theirs() {
    let household = Household::new(&["work"]);
    household.configure("work", "base_url = \"https://mine.example\"\napi_key = \"sk-mine\"\n");
    fs::write(household.hub_settings(), SHARED).unwrap();
    household.enter("work");
    let mine = [json!("https://mine.example"), json!("")];
    wait_until("theirs is covered", || read_by(&household) == mine);
    assert_eq!(state(&household.own_settings("work"))["env"]["A"], "1");
    // One that comes while the profile is in use.
    replace(&household.hub_settings(), SHARED.replace("\"A\"", "\"CLAUDE_CODE_USE_BEDROCK\": \"1\", \"A\""));
    wait_until("that is covered too", || state(&household.own_settings("work"))["env"].get("CLAUDE_CODE_USE_BEDROCK") == Some(&json!("")));
    assert_eq!(read_by(&household), mine);
    household.leave("work");
    household.enter("work");
    assert_eq!(read_by(&household), mine);
    let shared = state(&household.hub_settings());
    assert_eq!(
        (&shared["env"]["ANTHROPIC_AUTH_TOKEN"], &shared["env"]["ANTHROPIC_BASE_URL"]),
        (&json!("sk-theirs"), &json!("https://theirs.example"))
    );
    // Without it there is nothing to cover.
    let mut without = shared;
    without["env"].as_object_mut().unwrap().shift_remove("ANTHROPIC_AUTH_TOKEN");
    replace(&household.hub_settings(), serde_json::to_vec(&without).unwrap());
    wait_until("only the profile's own is left", || {
        let own = state(&household.own_settings("work"));
        !own["env"].as_object().unwrap().contains_key("ANTHROPIC_AUTH_TOKEN")
    });
    assert_eq!(state(&household.hub_settings()), without);
}
