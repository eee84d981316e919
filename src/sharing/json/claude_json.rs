//! `.claude.json`: the client's state, of which some keys belong to the account.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::{State, merge};
use crate::account::is_account_key;
use crate::claude_code::LIMIT;
use crate::io;

/// Returns what a new profile starts with: the hub's state without its account's keys, so that the client asks no first-run question again.
///
/// `None` when the hub's text is not a JSON object; the client then makes a file of its own.
pub fn seed(hub: &[u8]) -> Option<String> {
    let mut state: State = serde_json::from_slice(hub).ok()?;
    state.retain(|key, _| !is_account_key(key));
    serde_json::to_string_pretty(&state).ok()
}

/// Returns the part of a state that profiles share.
pub fn shared(state: &State) -> State {
    state.iter().filter(|(key, _)| !is_account_key(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Takes into the hub's state what another one knows besides: where both say something, the hub's stays. False when a client holds its lock for too long.
pub fn take_in(hub: &Path, other: &State) -> Result<bool> {
    let Some(_lock) = io::ClientLock::take(hub)? else { return Ok(false) };
    let reading = || format!("could not read {}", hub.display());
    let text = io::read_if_any(hub, LIMIT)?.unwrap_or_else(|| b"{}".into());
    // serde's message can quote what it found.
    let before: State = serde_json::from_slice(&text).map_err(|error| anyhow!("it is not whole (line {})", error.line())).with_context(reading)?;
    let mut state = before.clone();
    let merged = merge::merge(&State::new(), &shared(&before), &shared(other), &BTreeSet::new()).state;
    state.extend(merged);
    if state != before {
        io::write(&io::resolved(hub), &io::pretty_json(&state)?)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::seed;

    #[test]
    fn a_seed_keeps_order_and_numbers_and_drops_the_account() {
        let hub = br#"{"zeta": 1.50, "oauthAccount": {"emailAddress": "x"}, "alpha": 12345678901234567890123, "primaryApiKey": "k"}"#;
        assert_eq!(seed(hub).unwrap(), "{\n  \"zeta\": 1.50,\n  \"alpha\": 12345678901234567890123\n}");
    }

    #[test]
    fn what_is_not_an_object_seeds_nothing() {
        for odd in ["", "[]", "7", "{"] {
            assert_eq!(seed(odd.as_bytes()), None, "{odd}");
        }
    }
}
