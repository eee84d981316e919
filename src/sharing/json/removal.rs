//! Members that the user lets go.

use std::collections::BTreeSet;

use anyhow::Result;

use super::pair::{Pair, ROUNDS, not_whole, read};
use super::place::{Placed, place};
use super::pointer;
use crate::io::ClientLock;
use crate::io::json::{Change, Edits, Object};

/// Removes members from the profile's file, as its client would; the next pass tells the hub.
///
/// Returns whether it was done: somebody else can hold the client's lock for too long.
pub fn drop_keys(pair: &Pair, names: &BTreeSet<String>) -> Result<bool> {
    let Some(_lock) = ClientLock::take(&pair.own)? else { return Ok(false) };
    for _ in 0..ROUNDS {
        let Some(text) = read(&pair.own)? else { return Ok(true) };
        let object = Object::document(&text).map_err(|broken| not_whole(&pair.own, broken))?;
        let mut edits = Edits::default();
        drop_members(&object, "", names, pair.kind.is_private(), &mut edits);
        if edits.is_empty() {
            return Ok(true);
        }
        let changed = edits.apply(&text);
        if place(&pair.own, Some(&text), &changed, true)? == Placed::AsMeant {
            return Ok(true);
        }
    }
    Ok(false)
}

fn drop_members(object: &Object<'_>, prefix: &str, names: &BTreeSet<String>, is_private: fn(&[u8]) -> bool, edits: &mut Edits<'_>) {
    let mut change = Change::default();
    for (place, member) in object.members.iter().enumerate() {
        let key = object.key(*member);
        let name = format!("{prefix}{}", pointer::escaped(&key));
        if prefix.is_empty() && is_private(&key) {
            continue;
        }
        let inside = format!("{name}/");
        if names.contains(&name) {
            change.removed.push(place);
        } else if names.range(inside.clone()..).next().is_some_and(|name| name.starts_with(&inside)) {
            let value = Object::at(object.text, member.value);
            if let Some(value) = value {
                drop_members(&value, &inside, names, is_private, edits);
            }
        }
    }
    change.note(object, false, 0, edits);
}
