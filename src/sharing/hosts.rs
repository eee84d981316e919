//! Keys and hosts that other settings name, beside a profile that has its own: no key goes to the host of another.
//!
//! The client lays the `env` of several settings over one another, variable by variable. So a gateway of the shared settings and a key of the profile's
//! would meet in one request. What the shared settings say is covered by empty values in the profile's copy; what a project says cannot be, and is refused.

use std::path::Path;

use serde_json::{Map, Value};

use super::json::State;
use crate::claude_code::LIMIT;
use crate::claude_code::settings::{API_KEY_HELPER, ENV, OF_PROJECT};
use crate::claude_code::variables::{is_effective, overriding};
use crate::error::Mistake;
use crate::io;
use crate::io::json::Object;
use crate::profile::Profile;

/// Returns the variables of settings that decide which key or host is used, and whether a helper prints a key.
fn deciding(settings: &[u8]) -> (Vec<&'static str>, bool) {
    let Ok(settings) = Object::document(settings) else { return Default::default() };
    let text = |object: &Object<'_>, name: &str| match object.get(name).and_then(|member| io::json::value(object.raw(member.value))) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let env = settings.object(ENV);
    let is_set = |name: &str| env.as_ref().map(|env| text(env, name)).is_some_and(|value| !value.is_empty() && is_effective(name, &value));
    (overriding().map(|variable| variable.name).filter(|name| is_set(name)).collect(), !text(&settings, API_KEY_HELPER).is_empty())
}

/// Whether a profile says itself which key or host is used.
fn is_own(overrides: &State) -> bool {
    let text = serde_json::to_vec(overrides).unwrap_or_default();
    deciding(&text) != Default::default()
}

/// Covers in a profile's overrides what the shared settings say of keys and hosts and the profile does not; nothing for a profile that has neither.
pub fn cover(shared: &Path, overrides: &mut State) {
    if !is_own(overrides) {
        return;
    }
    let text = io::read_regular(shared, LIMIT).ok().flatten().unwrap_or_default();
    let (names, has_helper) = deciding(&text);
    if has_helper && !overrides.contains_key(API_KEY_HELPER) {
        overrides.insert(API_KEY_HELPER.into(), "".into());
    }
    if !names.is_empty()
        && let Some(env) = overrides.entry(ENV).or_insert_with(|| Map::new().into()).as_object_mut()
    {
        for name in names {
            env.entry(name).or_insert_with(|| "".into());
        }
    }
}

/// Fails where a project's settings name a key or a host, and the profile has its own. In the user's home they are the shared ones once more.
pub fn refuse_project(directory: &Path, profile: &Profile) -> Result<(), Mistake> {
    if !profile.has_api_key && !is_own(&profile.overrides) {
        return Ok(());
    }
    for file in OF_PROJECT.map(|name| directory.join(name)) {
        let text = io::read_regular(&file, LIMIT).ok().flatten().unwrap_or_default();
        let (names, has_helper) = deciding(&text);
        if let Some(variable) = names.first().copied().or(has_helper.then_some(API_KEY_HELPER)) {
            let file = file.display().to_string();
            return Err(Mistake::ProjectNamesHost { name: profile.name.to_string(), file, variable: variable.into() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(value: &Value) -> State {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn what_decides_is_found_however_it_is_spelled_and_nothing_else() {
        let text = "\u{feff}{\"env\": {\"\\u0041NTHROPIC_BASE_URL\": \"https://x\", \"PATH\": \"/bin\", \"ANTHROPIC_AUTH_TOKEN\": \"\"}, \"apiKeyHelper\": \"x\"}";
        assert_eq!(deciding(text.as_bytes()), (vec!["ANTHROPIC_BASE_URL"], true));
        for harmless in ["", "{", "[]", r#"{"env": 1}"#, r#"{"env": {"ANTHROPIC_CUSTOM_HEADERS": "X-Trace: 1"}}"#] {
            assert_eq!(deciding(harmless.as_bytes()), (vec![], false), "{harmless}");
        }
    }

    #[test]
    fn only_a_profile_with_a_key_or_a_host_of_its_own_is_covered() {
        let shared = std::env::temp_dir().join(format!("clauth-hosts-{}", std::process::id()));
        let settings = json!({"apiKeyHelper": "x", "env": {"ANTHROPIC_AUTH_TOKEN": "theirs", "ANTHROPIC_BASE_URL": "https://theirs", "A": "1"}});
        std::fs::write(&shared, settings.to_string()).unwrap();
        let mut plain = state(&json!({"model": "opus", "env": {"B": "2"}}));
        let before = plain.clone();
        cover(&shared, &mut plain);
        assert_eq!(plain, before);
        let mut own = state(&json!({"env": {"ANTHROPIC_BASE_URL": "https://mine"}}));
        cover(&shared, &mut own);
        assert_eq!(own, state(&json!({"apiKeyHelper": "", "env": {"ANTHROPIC_BASE_URL": "https://mine", "ANTHROPIC_AUTH_TOKEN": ""}})));
        std::fs::remove_file(shared).unwrap();
    }
}
