//! `settings.json` of a profile that overrides something: its own copy, of which the overrides never reach the hub.

use serde_json::Value;

use super::State;

/// Whether settings would send the client to another config directory, and so to another account.
pub fn redirects(settings: &State) -> bool {
    settings.get("env").and_then(Value::as_object).is_some_and(|env| env.contains_key("CLAUDE_CONFIG_DIR"))
}

/// Returns the settings as the profile's client sees them: the agreed ones with the overrides over them.
pub fn dress(agreed: &State, overrides: &State) -> State {
    let mut dressed = agreed.clone();
    for (key, value) in overrides {
        let merged = match (dressed.get(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => Value::Object(dress(below, above)),
            _ => value.clone(),
        };
        dressed.insert(key.clone(), merged);
    }
    dressed
}

/// Returns the settings without the overrides: where one stands, what was agreed comes back.
pub fn undress(own: &State, overrides: &State, base: &State) -> State {
    let mut plain = own.clone();
    for (key, value) in overrides {
        let agreed = base.get(key);
        let restored = match (plain.get(key), value) {
            (Some(Value::Object(own)), Value::Object(above)) => {
                let below = agreed.and_then(Value::as_object).cloned().unwrap_or_default();
                let inner = undress(own, above, &below);
                (!inner.is_empty() || agreed.is_some()).then_some(Value::Object(inner))
            }
            _ => agreed.cloned(),
        };
        match restored {
            Some(restored) => drop(plain.insert(key.clone(), restored)),
            None => drop(plain.shift_remove(key)),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(value: &Value) -> State {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn what_is_dressed_and_undressed_is_what_it_was() {
        let base = state(&json!({"theme": "dark", "env": {"A": "1", "B": "2"}}));
        let overrides = state(&json!({"env": {"B": "mine", "C": "3"}, "model": "opus", "new": {"x": 1}}));
        let dressed = dress(&base, &overrides);
        assert_eq!(
            Value::Object(dressed.clone()),
            json!({"theme": "dark", "env": {"A": "1", "B": "mine", "C": "3"}, "model": "opus", "new": {"x": 1}})
        );
        assert_eq!(undress(&dressed, &overrides, &base), base);
    }

    #[test]
    fn an_edit_in_a_session_is_kept_and_an_override_is_not() {
        let base = state(&json!({"theme": "dark"}));
        let overrides = state(&json!({"env": {"ANTHROPIC_BASE_URL": "http://x"}}));
        let edited = state(&json!({"theme": "light", "env": {"ANTHROPIC_BASE_URL": "http://x", "MINE": "1"}}));
        assert_eq!(Value::Object(undress(&edited, &overrides, &base)), json!({"theme": "light", "env": {"MINE": "1"}}));
    }
}
