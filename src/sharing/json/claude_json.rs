//! `.claude.json`: the client's state, of which some keys belong to the account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::fingerprint::Fingerprints;
use super::kind::is_account_keys;
use super::merge::{Rules, merge};
use crate::claude_code::LIMIT;
use crate::io;
use crate::io::json::{Change, Edits, Object};
use crate::sharing::decide::Side;

/// Returns what a new profile starts with: the hub's state without its account's keys, so that the client asks no first-run question again.
///
/// `None` when the hub's text is not a JSON object; the client then makes a file of its own.
pub fn seed(hub: &[u8]) -> Option<Vec<u8>> {
    let state = Object::document(hub).ok()?;
    let is_accounts = |place: &usize| is_account_keys(&state.key(state.members[*place]));
    let change = Change { removed: (0..state.members.len()).filter(is_accounts).collect(), added: Vec::new() };
    let mut edits = Edits::default();
    change.note(&state, true, 0, &mut edits);
    Some(edits.apply(hub))
}

/// Takes into the hub's state what another one knows besides: where both say something, the hub's stays. False when a client holds its lock for too long.
pub fn take_in(hub: &Path, other: &Path) -> Result<bool> {
    let Some(_lock) = io::ClientLock::take(hub)? else { return Ok(false) };
    let read = |file: &Path| io::read_if_any(file, LIMIT).map(|text| text.unwrap_or_else(|| b"{}".into()));
    let (text, others) = (read(hub)?, read(other)?);
    let nothing = BTreeMap::new();
    let rules = Rules { fingerprints: Fingerprints::fresh(), agreed: &nothing, is_private: is_account_keys, accepted: &BTreeSet::new() };
    let merged = merge(&text, &others, &rules).map_err(|(side, broken)| {
        let file = if side == Side::Own { hub } else { other };
        anyhow!(broken).context(format!("could not read {}", file.display()))
    })?;
    merged.own.map_or(Ok(()), |state| io::write(&io::resolved(hub), &state)).with_context(|| format!("could not fill {}", hub.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::seed;

    #[test]
    fn a_seed_keeps_its_layout_and_drops_the_account() {
        let hub = br#"{"zeta": 1.50, "oauthAccount": {"emailAddress": "x"}, "alpha": 12345678901234567890123, "primaryApiKey": "k"}"#;
        assert_eq!(seed(hub).unwrap(), br#"{"zeta": 1.50, "alpha": 12345678901234567890123}"#);
        assert_eq!(seed(b"{\n  \"oauthAccount\": {},\n  \"a\": \"\\ud800\"\n}\n").unwrap(), b"{\n  \"a\": \"\\ud800\"\n}\n");
        assert_eq!(seed(b"{\n  \"oauthAccount\": {}\n}").unwrap(), b"{}");
        let not_utf8 = b"{\"oauthAccount\": {}, \"a\": \"\xff\xe9\"}";
        assert_eq!(seed(not_utf8).unwrap(), b"{ \"a\": \"\xff\xe9\"}", "bytes that are not UTF-8 stay as they are");
    }

    #[test]
    fn what_is_not_an_object_seeds_nothing() {
        for odd in ["", "[]", "7", "{"] {
            assert_eq!(seed(odd.as_bytes()), None, "{odd}");
        }
    }
}
