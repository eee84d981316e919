//! The three-way merge of two JSON texts: pure.
//!
//! 1. Members that are equal on both sides are never looked into. Objects that differ are taken apart member by member.
//! 2. [`decide`] says what becomes of a member; it knows the agreed version by its hash. A change beats a removal.
//! 3. Lists of scalars are sets: what either side added is in, what either side removed is out.
//! 4. Any other value that both sides changed stays as the profile has it, and the other one is reported.
//! 5. Too many removals in one object are held: both sides have the members again until the user decides. A client that lost its file looks like a
//!    user who removes everything.

use std::collections::BTreeSet;

use super::fingerprint::{Fingerprints, HashesOf, PlacesOf, is_set};
use super::kind::is_held_back;
use super::pointer;
use super::sources::{Source, Sources};
use crate::io::json::{Broken, Change, Edits, Member, Object, Raw, Span, compact, elements, is_pretty};
use crate::sharing::base::Key;
use crate::sharing::decide::{Decision, Found, Side, decide};

/// The most members that may go from one object at once without a question.
pub const MOST_REMOVALS: usize = 3;

/// How deep objects are taken apart; what lies deeper is one value.
pub const LEVELS: usize = 16;

/// The group of the outermost members.
pub const ROOT: u64 = 0x726f_6f74;

/// Stands for the presence of an item of a list.
pub const ITEM: u64 = 1;

/// Knows the versions that were agreed on, by their hashes.
pub trait Agreed {
    /// Returns the agreed version of a member, given what each side has now.
    fn version(&self, key: Key, own: Option<u64>, hub: Option<u64>) -> Option<u64>;
}

/// A value that is not in the outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it stood, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What it was, as JSON on one line.
    pub value: Vec<u8>,
}

/// Holds the outcome of a merge.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The profile's text, if it has to change.
    pub own: Option<Vec<u8>>,
    /// The other text, if it has to change.
    pub hub: Option<Vec<u8>>,
    /// Values of the hub's that the profile's won over.
    pub losses: Vec<Loss>,
    /// Values that one side removed.
    pub removals: Vec<Loss>,
    /// What went, or did not come, where another value counts: to be logged.
    pub replaced: Vec<Loss>,
    /// The names ([`pointer`]) of members whose removal is held.
    pub held: Vec<String>,
    /// Who had what becomes of a member, where not both sides had.
    pub sources: Sources,
    /// Where the object of the hub's text is as it was, and its members.
    pub hub_members: (Span, Vec<Member>),
}

/// What a merge goes by besides the two texts.
pub struct Rules<'a> {
    /// How values are compared.
    pub fingerprints: Fingerprints,
    /// What was agreed on.
    pub agreed: &'a dyn Agreed,
    /// Outermost keys that never cross.
    pub is_private: fn(&[u8]) -> bool,
    /// The names of members that may go in any number.
    pub accepted: &'a BTreeSet<String>,
}

/// Merges two texts, each an object.
pub fn merge<'a>(own: &'a [u8], hub: &'a [u8], rules: &Rules<'a>) -> Result<Merged, (Side, Broken)> {
    let hub = Object::document(hub).map_err(|broken| (Side::Hub, broken))?;
    let own = Object::document_like(own, Some(&hub)).map_err(|broken| (Side::Own, broken))?;
    let is_pretty = (is_pretty(&own), is_pretty(&hub));
    let mut merge = Merge { rules, is_pretty, own: Edits::default(), hub: Edits::default(), path: Vec::new(), outcome: Merged::default() };
    merge.object(ROOT, &own, &hub);
    let mut merged = merge.outcome;
    merged.sources.sort();
    merged.own = (!merge.own.is_empty()).then(|| merge.own.apply(own.text));
    merged.hub = (!merge.hub.is_empty()).then(|| merge.hub.apply(hub.text));
    merged.hub_members = (hub.span, hub.members);
    Ok(merged)
}

/// Names the members of an object by the hashes of their keys.
pub struct Table {
    /// The hash of each member's key.
    pub keys: Vec<u64>,
    places: PlacesOf,
}

impl Table {
    /// Hashes the keys of an object.
    pub fn new(object: &Object<'_>, fingerprints: Fingerprints, is_left_out: impl Fn(&[u8]) -> bool) -> Self {
        let hash = |member: &Member| if is_left_out(&object.key(*member)) { 0 } else { fingerprints.key(object.raw(member.key)).max(1) };
        let keys: Vec<_> = object.members.iter().map(hash).collect();
        let place = |(place, key): (usize, &u64)| (*key, u32::try_from(place).unwrap_or(u32::MAX));
        let places = keys.iter().enumerate().filter(|(_, key)| **key != 0).map(place).collect();
        Self { keys, places }
    }

    /// Returns the place of the member that counts for a key.
    pub fn place(&self, key: u64) -> Option<usize> {
        self.places.get(&key).map(|place| *place as usize)
    }

    /// Returns the places of the members that count, with their keys, in their order.
    pub fn counting(&self) -> impl Iterator<Item = (usize, u64)> {
        self.keys.iter().copied().enumerate().filter(|(place, key)| *key != 0 && self.place(*key) == Some(*place))
    }

    /// Returns the places of all members of a key.
    fn all(&self, key: u64) -> Vec<usize> {
        if self.places.len() == self.keys.len() {
            return self.place(key).into_iter().collect();
        }
        (0..self.keys.len()).filter(|place| self.keys[*place] == key).collect()
    }
}

struct Merge<'a, 'r> {
    rules: &'r Rules<'a>,
    is_pretty: (bool, bool),
    own: Edits<'a>,
    hub: Edits<'a>,
    /// The raw keys that lead to the object at hand.
    path: Vec<&'a [u8]>,
    outcome: Merged,
}

/// A member that one side has and the other removed.
struct Removal {
    key: Key,
    side: Side,
    place: usize,
    name: String,
}

impl<'a> Merge<'a, '_> {
    fn object(&mut self, group: u64, own: &Object<'a>, hub: &Object<'a>) {
        let is_left_out = |key: &[u8]| self.path.is_empty() && ((self.rules.is_private)(key) || is_held_back(key, [own, hub]));
        let tables = [own, hub].map(|object| Table::new(object, self.rules.fingerprints, is_left_out));
        let [own_table, hub_table] = &tables;
        let mut changes = [Change::default(), Change::default()];
        let mut removals = Vec::new();
        for (place, key) in own_table.counting() {
            match hub_table.place(key) {
                Some(other) => self.both(Key { group, member: key }, (own, own.members[place]), (hub, hub.members[other])),
                None => self.single(Key { group, member: key }, Side::Own, (own, place), &mut changes, &mut removals),
            }
        }
        for (place, key) in hub_table.counting().filter(|(_, key)| own_table.place(*key).is_none()) {
            self.single(Key { group, member: key }, Side::Hub, (hub, place), &mut changes, &mut removals);
        }
        self.remove([own, hub], &tables, removals, &mut changes);
        let [own_change, hub_change] = changes;
        own_change.note(own, self.is_pretty.0, self.path.len(), &mut self.own);
        hub_change.note(hub, self.is_pretty.1, self.path.len(), &mut self.hub);
    }

    /// Merges a member that both sides have.
    fn both(&mut self, key: Key, own: (&Object<'a>, Member), hub: (&Object<'a>, Member)) {
        let (own_value, hub_value) = (own.1.value, hub.1.value);
        if own.0.raw(own_value) == hub.0.raw(hub_value) {
            return;
        }
        self.path.push(own.0.raw(own.1.key));
        let group = self.rules.fingerprints.group(key.group, key.member);
        let is_taken_apart = self.path.len() < LEVELS;
        let hub_object = if is_taken_apart { Object::at(hub.0.text, hub_value) } else { None };
        let objects = hub_object.and_then(|object| Some((Object::at_like(own.0.text, own_value, Some(&object))?, object)));
        match objects {
            Some((own, hub)) => {
                self.outcome.sources.insert(key, Source::Apart);
                self.object(group, &own, &hub);
            }
            None => self.value(key, group, (own.0.text, own_value), (hub.0.text, hub_value)),
        }
        self.path.pop();
    }

    /// Merges two values that are not taken apart as objects.
    fn value(&mut self, key: Key, group: u64, own: (&'a [u8], Span), hub: (&'a [u8], Span)) {
        let [own_hash, hub_hash] = [own, hub].map(|(text, value)| self.rules.fingerprints.value(text, value));
        let agreed = self.rules.agreed.version(key, Some(own_hash), Some(hub_hash));
        let (own_raw, hub_raw) = (&own.0[own.1.start()..own.1.end()], &hub.0[hub.1.start()..hub.1.end()]);
        let side = match decide(agreed.as_ref(), &Found::Is(own_hash), &Found::Is(hub_hash)) {
            Decision::Give(side) => side,
            Decision::Conflict if is_set(own.0, own.1) && is_set(hub.0, hub.1) => {
                self.outcome.sources.insert(key, Source::Apart);
                return self.sets(group, own, hub);
            }
            Decision::Conflict => {
                let pointer = pointer::of(&self.path);
                self.outcome.losses.push(Loss { pointer, value: compact(hub_raw) });
                Side::Own
            }
            Decision::Agree | Decision::Wait | Decision::Remove(_) => return,
        };
        let (replaced, kept) = if side == Side::Own { (hub, own) } else { (own, hub) };
        let side = if agreed.is_some() && self.is_held(replaced) {
            // What was written in its place is not.
            self.outcome.replaced.push(Loss { pointer: pointer::of(&self.path), value: compact(&kept.0[kept.1.start()..kept.1.end()]) });
            side.other()
        } else {
            let removed = agreed.and_then(|_| self.removed_from(replaced, kept));
            self.outcome.replaced.extend(removed.map(|value| Loss { pointer: pointer::of(&self.path), value }));
            side
        };
        self.outcome.sources.insert(key, side.into());
        match side {
            Side::Own => self.hub.replace(hub.1, own_raw),
            Side::Hub => self.own.replace(own.1, hub_raw),
        }
    }

    /// Whether an object would go with too many members; then its name is noted.
    fn is_held(&mut self, replaced: (&'a [u8], Span)) -> bool {
        let name = pointer::name(&self.path);
        let is_held =
            Object::at(replaced.0, replaced.1).is_some_and(|object| object.members.len() > MOST_REMOVALS) && !self.rules.accepted.contains(&name);
        self.outcome.held.extend(is_held.then_some(name));
        is_held
    }

    /// Returns what goes where a value replaces another one: many items of a list, or a list or object in whose place is none. The few that a client's
    /// own lists lose and gain all the time would fill the log.
    fn removed_from(&self, replaced: (&'a [u8], Span), kept: (&'a [u8], Span)) -> Option<Vec<u8>> {
        let [whole, new] = [replaced, kept].map(|(text, value)| &text[value.start()..value.end()]);
        if is_set(replaced.0, replaced.1) && is_set(kept.0, kept.1) {
            let kept: HashesOf = self.items(kept).into_iter().map(|(hash, _)| hash).collect();
            let removed: Vec<_> = self.items(replaced).into_iter().filter(|(hash, _)| !kept.contains(hash)).collect();
            return (removed.len() > MOST_REMOVALS).then(|| compact(&list_text(replaced, &removed)));
        }
        let is_other_kind = matches!(whole[0], b'{' | b'[') && whole[0] != new[0];
        is_other_kind.then(|| compact(whole))
    }

    /// Returns the items of a list of scalars, with their hashes.
    fn items(&self, (text, list): (&'a [u8], Span)) -> Vec<(u64, &'a [u8])> {
        let item = |item: Span| (self.rules.fingerprints.value(text, item), &text[item.start()..item.end()]);
        elements(text, list).unwrap_or_default().into_iter().map(item).collect()
    }

    /// Merges two lists of scalars.
    fn sets(&mut self, group: u64, own: (&'a [u8], Span), hub: (&'a [u8], Span)) {
        let (own_items, hub_items) = (self.items(own), self.items(hub));
        let [in_own, in_hub] = [&own_items, &hub_items].map(|items| items.iter().map(|(hash, _)| *hash).collect::<HashesOf>());
        let added = hub_items.iter().filter(|(item, _)| !in_own.contains(item));
        let (mut merged, mut removed) = (Vec::new(), Vec::new());
        for &(member, raw) in own_items.iter().chain(added) {
            let (key, found) = (Key { group, member }, [&in_own, &in_hub].map(|items| items.contains(&member).then_some(ITEM)));
            let is_in_both = found[0].is_some() && found[1].is_some();
            let is_kept = is_in_both || self.rules.agreed.version(key, found[0], found[1]).is_none();
            if is_kept { &mut merged } else { &mut removed }.push((member, raw));
            if !is_in_both {
                self.outcome.sources.insert(key, if found[0].is_some() == is_kept { Source::Own } else { Source::Hub });
            }
        }
        if removed.len() > MOST_REMOVALS {
            let like = if own_items.is_empty() { hub } else { own };
            self.outcome.replaced.push(Loss { pointer: pointer::of(&self.path), value: compact(&list_text(like, &removed)) });
        }
        let is_same = |items: &[(u64, &[u8])]| items.iter().map(|(item, _)| item).eq(merged.iter().map(|(item, _)| item));
        let (own_is_same, hub_is_same) = (is_same(&own_items), is_same(&hub_items));
        let text = list_text(if own_items.is_empty() { hub } else { own }, &merged);
        if !own_is_same {
            self.own.replace(own.1, text.clone());
        }
        if !hub_is_same {
            self.hub.replace(hub.1, text);
        }
    }

    /// Merges a member that one side has.
    fn single(&mut self, key: Key, side: Side, at: (&Object<'a>, usize), changes: &mut [Change<'a>; 2], removals: &mut Vec<Removal>) {
        let (object, place) = at;
        let member = object.members[place];
        let hash = self.rules.fingerprints.value(object.text, member.value);
        let is = |at: Side| (at == side).then_some(hash);
        let agreed = self.rules.agreed.version(key, is(Side::Own), is(Side::Hub));
        let found = |at: Side| is(at).map_or(Found::Absent, Found::Is);
        if let Decision::Remove(side) = decide(agreed.as_ref(), &found(Side::Own), &found(Side::Hub)) {
            self.path.push(object.raw(member.key));
            removals.push(Removal { key, side, place, name: pointer::name(&self.path) });
            self.path.pop();
        } else {
            changes[usize::from(side == Side::Own)].added.push(raw(object, member));
            self.outcome.sources.insert(key, side.into());
        }
    }

    /// Carries removals across, or holds them.
    fn remove(&mut self, objects: [&Object<'a>; 2], tables: &[Table; 2], removals: Vec<Removal>, changes: &mut [Change<'a>; 2]) {
        let weight = |removal: &Removal| weight(objects[usize::from(removal.side == Side::Hub)], removal.place);
        let is_accepted = |removal: &Removal| self.rules.accepted.contains(&removal.name);
        // A file that says nothing any more is one that was made anew.
        let is_emptied = self.path.is_empty() && tables.iter().any(|table| table.counting().next().is_none());
        let most = if is_emptied { 0 } else { MOST_REMOVALS };
        let are_held = removals.iter().filter(|removal| !is_accepted(removal)).map(weight).sum::<usize>() > most;
        for removal in removals {
            let at = usize::from(removal.side == Side::Hub);
            let (object, member) = (objects[at], objects[at].members[removal.place]);
            if are_held && !is_accepted(&removal) {
                changes[1 - at].added.push(raw(object, member));
                self.outcome.held.push(removal.name);
            } else {
                changes[at].removed.extend(tables[at].all(tables[at].keys[removal.place]));
                self.outcome.sources.insert(removal.key, removal.side.other().into());
                self.outcome.removals.push(Loss { pointer: format!("/{}", removal.name), value: compact(object.raw(member.value)) });
            }
        }
    }
}

/// Returns how many things go with a member: an object of objects (`projects`, `mcpServers`) is as many as it has.
fn weight(object: &Object<'_>, place: usize) -> usize {
    let value = Object::at(object.text, object.members[place].value);
    let inner = value.map_or(0, |value| value.members.iter().filter(|member| value.raw(member.value).starts_with(b"{")).count());
    inner.max(1)
}

fn raw<'a>(object: &Object<'a>, member: Member) -> Raw<'a> {
    (object.raw(member.key).into(), object.raw(member.value).into())
}

/// Writes a list of these items, laid out as another list.
fn list_text(like: (&[u8], Span), items: &[(u64, &[u8])]) -> Vec<u8> {
    let inside = &like.0[like.1.start() + 1..like.1.end() - 1];
    let blanks = |bytes: &[u8]| bytes.len() - bytes.trim_ascii_start().len();
    let (before, after) = (&inside[..blanks(inside)], &inside[inside.trim_ascii_end().len()..]);
    let mut text = b"[".to_vec();
    for (number, (_, item)) in items.iter().enumerate() {
        text.extend_from_slice(if number > 0 { b"," } else { b"" });
        // Lists on one line have a blank behind each comma at most.
        text.extend_from_slice(if number > 0 && before.is_empty() { b" " } else { before });
        text.extend_from_slice(item);
    }
    text.extend_from_slice(if items.is_empty() { b"" } else { after });
    text.push(b']');
    text
}
