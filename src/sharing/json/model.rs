//! The merge held to what it promises, in many random cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fingerprint::Fingerprints;
use super::memory::Memory;
use super::merge::{MOST_REMOVALS, Merged, Rules, merge};
use super::sources::Sources;
use super::steps::steps;
use crate::io::json::Object;
use crate::sharing::base::Key;
use crate::sharing::decide::Side;

/// A generator that gives the same numbers again for the same seed.
pub struct Dice(pub u64);

impl Dice {
    /// Returns one of so many numbers.
    pub fn small(&mut self, limit: usize) -> u8 {
        u8::try_from(self.below(u64::try_from(limit).unwrap())).unwrap()
    }

    /// Returns a number below the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

const KEYS: [&str; 7] = ["a", "b", "c", "é", "~/", "f", "g"];

fn scalar(dice: &mut Dice) -> Value {
    [json!(null), json!(0), json!(1), json!("x"), json!("é\n"), json!(true)][usize::try_from(dice.below(6)).unwrap()].clone()
}

fn value(dice: &mut Dice, depth: u64) -> Value {
    match dice.below(if depth == 0 { 3 } else { 6 }) {
        0 | 1 => scalar(dice),
        2 => (0..dice.below(4)).map(|_| scalar(dice)).collect(),
        3 if dice.below(4) == 0 => json!([{"x": scalar(dice)}]),
        _ => object(dice, depth - u64::from(depth > 0)),
    }
}

fn object(dice: &mut Dice, depth: u64) -> Value {
    let keys: Vec<_> = KEYS.iter().filter(|_| dice.below(2) == 0).collect();
    Value::Object(keys.into_iter().map(|key| ((*key).to_owned(), value(dice, depth))).collect())
}

/// Changes a few things.
fn edited(dice: &mut Dice, before: &Value) -> Value {
    let mut after = before.clone();
    let mut at = &mut after;
    while dice.below(3) > 0 && at.as_object().is_some_and(|object| object.values().any(Value::is_object)) {
        at = at.as_object_mut().unwrap().values_mut().find(|value| value.is_object()).unwrap();
    }
    for _ in 0..dice.below(4) {
        let key = KEYS[usize::try_from(dice.below(7)).unwrap()];
        let object = at.as_object_mut().unwrap();
        match (dice.below(3), object.get_mut(key)) {
            (0, _) => drop(object.shift_remove(key)),
            (1, Some(Value::Array(list))) => {
                list.retain(|_| dice.below(3) > 0);
                list.push(scalar(dice));
            }
            _ => drop(object.insert(key.into(), value(dice, 2))),
        }
    }
    after
}

/// Writes a value in one of the ways that mean the same.
fn text(dice: &mut Dice, value: &Value) -> Vec<u8> {
    let mut text = match dice.below(3) {
        0 => serde_json::to_string_pretty(value).unwrap(),
        1 => value.to_string(),
        _ => shuffled(dice, value),
    };
    if dice.below(4) == 0 {
        text = text.replace('é', "\\u00e9");
    }
    text.into_bytes()
}

fn shuffled(dice: &mut Dice, value: &Value) -> String {
    let Some(object) = value.as_object() else { return value.to_string() };
    let mut members: Vec<_> = object.iter().collect();
    if dice.below(2) == 0 {
        members.reverse();
    }
    let mut text = String::from("{ ");
    for (number, (key, value)) in members.into_iter().enumerate() {
        let comma = if number > 0 { "\t,\n" } else { "" };
        // One that does not count, before the one that does.
        let twice = if dice.below(10) == 0 { format!("{}:[7],", json!(key)) } else { String::new() };
        write!(text, "{comma}{twice}{} : {}", json!(key), shuffled(dice, value)).unwrap();
    }
    text + "}"
}

fn parsed(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)))
}

/// Returns the base of a text that was agreed on.
pub fn known(text: &[u8], fingerprints: Fingerprints) -> BTreeMap<Key, u64> {
    let steps = steps(&Object::document(text).unwrap(), fingerprints, |_| false, &BTreeMap::new(), &Sources::default(), false);
    steps.into_iter().filter_map(|(key, version, _)| Some((key, version?))).collect()
}

/// Merges, and returns what both sides say then.
fn merged(base: Option<&[u8]>, own: &[u8], hub: &[u8]) -> (Value, Value, Merged) {
    let fingerprints = Fingerprints::new(11);
    let known = base.map(|base| known(base, fingerprints)).unwrap_or_default();
    let rules = Rules { fingerprints, agreed: &known, is_private: |_| false, accepted: &BTreeSet::new() };
    let merged = merge(own, hub, &rules).unwrap();
    (parsed(merged.own.as_deref().unwrap_or(own)), parsed(merged.hub.as_deref().unwrap_or(hub)), merged)
}

/// Returns everything that is no object, and each empty object, by where it is.
fn leaves(value: &Value, at: &str, found: &mut BTreeMap<String, Value>) {
    match value.as_object().filter(|object| !object.is_empty()) {
        Some(object) => {
            for (key, value) in object {
                leaves(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        None => drop(found.insert(at.into(), value.clone())),
    }
}

fn leaves_of(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    leaves(value, "", &mut found);
    found
}

/// Whether all that one value says is in another: a list's items anywhere in the list.
fn is_within(one: &Value, other: Option<&Value>) -> bool {
    match (one, other) {
        (Value::Array(one), Some(Value::Array(other))) => one.iter().all(|item| other.contains(item)),
        (Value::Object(one), Some(Value::Object(_))) => one.is_empty(),
        (one, other) => Some(one) == other,
    }
}

fn check(case: u64, base: &Value, own: &Value, hub: &Value, dice: &mut Dice) {
    let tell = |what: &str, out: &Merged| format!("case {case}: {what}\nbase {base}\nown {own}\nhub {hub}\nheld {:?}", out.held);
    let [base_text, own_text, hub_text] = [base, own, hub].map(|value| text(dice, value));
    let (out, other_out, outcome) = merged(Some(&base_text), &own_text, &hub_text);
    assert_eq!(out, other_out, "{}", tell("both sides say the same", &outcome));
    let is_lost = |path: &str| outcome.losses.iter().any(|loss| path.starts_with(&loss.pointer) || loss.pointer.starts_with(path));
    let is_held = |path: &str| outcome.held.iter().any(|name| path.starts_with(&format!("/{name}")) || format!("/{name}").starts_with(path));
    for (side, other) in [(own, hub), (hub, own)] {
        for (path, value) in leaves_of(side) {
            let (was, is, theirs) = (base.pointer(&path), out.pointer(&path), other.pointer(&path));
            let has_changed = was != Some(&value);
            let items_of_both = was.is_some_and(Value::is_array) && value.is_array() && theirs.is_some_and(Value::is_array);
            if has_changed && !items_of_both {
                let is_there = is_within(&value, is) || (value.is_object() && is.is_some_and(Value::is_object));
                assert!(is_there || is_lost(&path) || is_held(&path), "{}", tell(&format!("what was changed is there: {path}"), &outcome));
            }
            // Nobody but who removed it touched it, or anything around it.
            let is_certain =
                !has_changed && theirs.is_none() && parent(&path).is_some_and(|parent| other.pointer(parent).is_some_and(Value::is_object));
            if is_certain && !is_held(&path) {
                assert_eq!(is, None, "{}", tell(&format!("what was removed stays removed: {path}"), &outcome));
            }
            if items_of_both {
                let [was, value, theirs, is] = [was, Some(&value), theirs, is].map(|list| list.and_then(Value::as_array).unwrap());
                let is_removed = |item: &Value| was.contains(item) && !(value.contains(item) && theirs.contains(item));
                let is_flat = |list: &[Value]| list.iter().all(|item| !item.is_object());
                if is_flat(value) && is_flat(theirs) && value != was && theirs != was && value != theirs {
                    assert!(value.iter().all(|item| is.contains(item) != is_removed(item)), "{}", tell(&format!("items of {path}"), &outcome));
                }
            }
        }
    }
    for loss in &outcome.losses {
        assert_eq!(hub.pointer(&loss.pointer), Some(&parsed(&loss.value)), "{}", tell("a loss tells what was lost", &outcome));
    }
    for removal in &outcome.removals {
        let was = own.pointer(&removal.pointer).or(hub.pointer(&removal.pointer));
        assert_eq!((was, base.pointer(&removal.pointer)), (Some(&parsed(&removal.value)), was), "{}", tell("a removal is certain", &outcome));
    }
    let again = merged(
        Some(outcome.hub.as_deref().unwrap_or(&hub_text)),
        outcome.own.as_deref().unwrap_or(&own_text),
        outcome.hub.as_deref().unwrap_or(&hub_text),
    );
    let is_nothing = (&again.2.own, &again.2.hub, again.2.losses.len() + again.2.removals.len() + again.2.held.len()) == (&None, &None, 0);
    assert!(is_nothing, "{}", tell("a second pass changes nothing", &again.2));
    // Without a base nothing goes.
    let (union, _, outcome) = merged(None, &own_text, &hub_text);
    assert!(outcome.removals.is_empty() && outcome.held.is_empty(), "{}", tell("an empty base removes nothing", &outcome));
    let is_lost = |path: &str| outcome.losses.iter().any(|loss| path.starts_with(&loss.pointer));
    for (path, value) in leaves_of(own).into_iter().chain(leaves_of(hub)) {
        let is = union.pointer(&path);
        let is_there = is_within(&value, is) || (value.is_object() && is.is_some_and(Value::is_object));
        assert!(is_there || is_lost(&path), "{}", tell(&format!("a union has all: {path}"), &outcome));
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

#[test]
fn nothing_that_either_side_added_is_missing_and_nothing_that_was_removed_comes_back() {
    // Few, for each is spelled, merged and parsed several times over: the many are in `million`.
    let cases = if cfg!(debug_assertions) { 2000 } else { 20_000 };
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for case in 0..cases {
        let base = object(&mut dice, 2);
        let (own, hub) = (edited(&mut dice, &base), edited(&mut dice, &base));
        let own = if dice.below(20) == 0 { object(&mut dice, 2) } else { own };
        check(case, &base, &own, &hub, &mut dice);
    }
}

#[test]
fn too_many_removals_at_once_are_held_at_every_level_and_let_go_when_accepted() {
    let projects = |count: usize| (0..count).map(|number| (format!("/p/{number}"), json!({"n": number}))).collect::<serde_json::Map<_, _>>();
    let base = json!({"theme": "dark", "projects": projects(200)}).to_string().into_bytes();
    for afresh in
        [json!({"theme": "light", "projects": projects(1)}), json!({"theme": "light"}), json!({"theme": "light", "projects": null}), json!({})]
    {
        let afresh_text = afresh.to_string().into_bytes();
        for (own, hub) in [(&afresh_text, &base), (&base, &afresh_text)] {
            let (out, other_out, outcome) = merged(Some(&base), own, hub);
            assert_eq!(out, other_out);
            assert_eq!(out["projects"], Value::Object(projects(200)), "{afresh:.40}");
            assert!(outcome.removals.is_empty() && !outcome.held.is_empty());
            let fingerprints = Fingerprints::new(11);
            let accepted = outcome.held.iter().cloned().collect();
            let rules = Rules { fingerprints, agreed: &known(&base, fingerprints), is_private: |_| false, accepted: &accepted };
            let let_go = merge(own, hub, &rules).unwrap();
            assert_eq!(parsed(let_go.own.as_deref().unwrap_or(own)), afresh);
            assert!(let_go.held.is_empty());
        }
    }
    let base = json!({"a": {"1": 1, "2": 2, "3": 3, "4": 4}}).to_string().into_bytes();
    let (out, _, outcome) = merged(Some(&base), br#"{"a": {"4": 4}}"#, &base);
    assert_eq!((out, outcome.removals.len()), (json!({"a": {"4": 4}}), MOST_REMOVALS));
}

#[test]
fn each_text_keeps_its_layout_where_nothing_changed() {
    let base = br#"{"a":1,"gone":{"x":1},"list":["x","y"],"deep":{}}"#;
    let own = b"\xef\xbb\xbf{ \"a\" :1,\n\n\t\"gone\": {\"x\": 1}, \"list\": [\"x\", \"y\"] , \"deep\": {} , \"s\": \"\\ud800\" }\r\n";
    let hub = b"{\n  \"a\": 2.50,\n  \"list\": [\n    \"y\",\n    \"z\"\n  ],\n  \"deep\": {\n    \"er\": {\n      \"n\": 1\n    }\n  }\n}\n";
    let fingerprints = Fingerprints::new(11);
    let rules = Rules { fingerprints, agreed: &known(base, fingerprints), is_private: |_| false, accepted: &BTreeSet::new() };
    let outcome = merge(own, hub, &rules).unwrap();
    let expected_own =
        "\u{feff}{ \"a\" :2.50, \"list\": [\n    \"y\",\n    \"z\"\n  ] , \"deep\": {\"er\":{\n      \"n\": 1\n    }} , \"s\": \"\\ud800\" }\r\n";
    let expected_hub = "{\n  \"a\": 2.50,\n  \"list\": [\n    \"y\",\n    \"z\"\n  ],\n  \"deep\": {\n    \"er\": {\n      \"n\": 1\n    }\n  },\n  \"s\": \"\\ud800\"\n}\n";
    assert_eq!(String::from_utf8(outcome.own.unwrap()).unwrap(), expected_own);
    assert_eq!(String::from_utf8(outcome.hub.unwrap()).unwrap(), expected_hub);
}

#[test]
fn bytes_that_are_not_utf8_stay_as_they_are_where_nothing_else_changed() {
    let hub = b"{\"a\": \"\xff\", \"p\": {\"\xe9\": [\"\xc3\x28\"], \"x\": 1}, \"n\": 1}";
    // As the client writes it after it changed two numbers.
    let own = "{\"a\":\"\u{fffd}\",\"p\":{\"\u{fffd}\":[\"\u{fffd}(\"],\"x\":2},\"n\":2}".as_bytes();
    let fingerprints = Fingerprints::new(11);
    for base in [Some(&hub[..]), None] {
        let agreed = base.map(|base| known(base, fingerprints)).unwrap_or_default();
        let rules = Rules { fingerprints, agreed: &agreed, is_private: |_| false, accepted: &BTreeSet::new() };
        let outcome = merge(own, hub, &rules).unwrap();
        assert_eq!(outcome.hub.unwrap(), b"{\"a\": \"\xff\", \"p\": {\"\xe9\": [\"\xc3\x28\"], \"x\": 2}, \"n\": 2}");
        assert_eq!(outcome.own, None);
    }
}

#[test]
fn passes_that_are_cut_short_anywhere_lose_no_change() {
    let directory = std::env::temp_dir().join(format!("clauth-memory-{}", std::process::id()));
    crate::sys::create_private_dir(&directory).unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for case in 0..300 {
        let file = directory.join(case.to_string());
        cut_short(&file, &mut dice);
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// Has both sides change while passes are cut short after some of their steps.
fn cut_short(file: &std::path::Path, dice: &mut Dice) {
    let open = || Memory::open(file, "here", &file.with_extension("earlier")).unwrap();
    let start = json!({"a": 0, "b": 0, "p": {"a": 0, "b": 0}, "l": [0], "q": {"a": 0}});
    let text = start.to_string().into_bytes();
    let mut memory = open();
    let agreed = memory.steps_to(&Object::document(&text).unwrap(), |_| false, &Sources::default(), [0; 2]);
    memory.agree(&agreed, [0, 0]).unwrap();
    drop(memory);
    let places = ["/a", "/b", "/p/a", "/p/b", "/l", "/q"];
    let (mut own, mut hub, mut latest) = (start.clone(), start.clone(), start);
    for number in 1..=30_u64 {
        let place = places[usize::try_from(dice.below(6)).unwrap()];
        let side = if dice.below(2) == 0 { &mut own } else { &mut hub };
        // Two who change one place, each without the other's change, are in conflict; that is another matter.
        if number < 30 && dice.below(3) > 0 {
            if side.pointer(place) == latest.pointer(place) {
                change(side, place, number);
                change(&mut latest, place, number);
            }
            continue;
        }
        let done = if number == 30 { 3 } else { dice.below(4) };
        let mut memory = open();
        let (own_text, hub_text) = (own.to_string().into_bytes(), hub.to_string().into_bytes());
        let rules = Rules { fingerprints: memory.fingerprints, agreed: &memory, is_private: |_| false, accepted: &BTreeSet::new() };
        let outcome = merge(&own_text, &hub_text, &rules).unwrap();
        let (new_own, new_hub) = (outcome.own.unwrap_or(own_text), outcome.hub.unwrap_or(hub_text));
        let agreed = memory.steps_to(&Object::document(&new_hub).unwrap(), |_| false, &outcome.sources, [1; 2]);
        memory.intend(&agreed).unwrap();
        if done > 0 {
            hub = parsed(&new_hub);
            memory.has_written(Side::Hub).unwrap();
        }
        if done > 1 {
            own = parsed(&new_own);
            memory.has_written(Side::Own).unwrap();
        }
        if done > 2 {
            memory.agree(&agreed, [0, 0]).unwrap();
        }
    }
    assert_eq!((&own, &hub), (&latest, &latest));
}

/// Changes a number, an item of a list, or whether there is an object.
fn change(state: &mut Value, place: &str, number: u64) {
    if place == "/q" {
        let object = state.as_object_mut().unwrap();
        if object.shift_remove("q").is_none() {
            object.insert("q".into(), json!({"a": number}));
        }
    } else if place == "/l" {
        *state.pointer_mut(place).unwrap() = json!([number]);
    } else {
        *state.pointer_mut(place).unwrap() = json!(number);
    }
}
