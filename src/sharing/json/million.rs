//! The merge against a model of it, in a million cases. A case is one member: what was agreed on, what each side has, and what becomes of it. Many are
//! merged in one document, some in each object, since what is removed together counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use serde_json::Value;

use super::fingerprint::Fingerprints;
use super::merge::{MOST_REMOVALS, Merged, Rules, merge};
use super::model::{Dice, known};

/// The objects of a document.
const OBJECTS: usize = 500;

const OUTER: [&str; 5] = ["a", "b", "c", "d", "e"];
const INNER: [&str; 4] = ["p", "q", "r", "s"];

/// A value that the model can tell from others.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Scalar(u8),
    /// A list of the numbers whose bits are set.
    List(u8),
    Object(Members),
}

/// The members of an object, in the order of its keys.
type Members = Vec<Option<Node>>;

fn node(dice: &mut Dice, is_outer: bool) -> Node {
    match dice.below(if is_outer { 6 } else { 4 }) {
        0 | 1 => Node::Scalar(dice.small(3)),
        2 | 3 => Node::List(dice.small(16)),
        _ => Node::Object(INNER.iter().map(|_| (dice.below(3) > 0).then(|| node(dice, false))).collect()),
    }
}

/// Changes a few members, or removes most.
fn edited(dice: &mut Dice, before: &Members, is_outer: bool) -> Members {
    let mut after = before.clone();
    for _ in 0..dice.below(4) {
        let place = usize::from(dice.small(after.len()));
        match (dice.below(3), &mut after[place]) {
            (0, member) => *member = None,
            (1, Some(Node::Object(inner))) => *inner = edited(dice, inner, false),
            (_, member) => *member = Some(node(dice, is_outer)),
        }
    }
    if dice.below(8) == 0 {
        for member in &mut after {
            *member = member.take().filter(|_| dice.below(5) == 0);
        }
    }
    after
}

fn write_object(text: &mut String, keys: &[&str], members: &Members) {
    text.push('{');
    let mut comma = "";
    for (key, member) in keys.iter().zip(members) {
        let Some(member) = member else { continue };
        let _ = write!(text, "{comma}\"{key}\":");
        comma = ",";
        match member {
            Node::Scalar(number) => text.push_str(["null", "0", "\"x\""][usize::from(*number)]),
            Node::List(bits) => {
                let items: Vec<_> = (0..4).filter(|bit| bits >> bit & 1 == 1).map(|bit| ["1", "2", "3", "4"][bit]).collect();
                let _ = write!(text, "[{}]", items.join(","));
            }
            Node::Object(inner) => write_object(text, &INNER, inner),
        }
    }
    text.push('}');
}

fn document(objects: &[Members]) -> Vec<u8> {
    let mut text = String::from("{");
    for (number, object) in objects.iter().enumerate() {
        let _ = write!(text, "{}\"{number}\":", if number > 0 { "," } else { "" });
        write_object(&mut text, &OUTER, object);
    }
    (text + "}").into_bytes()
}

fn is_said(value: Option<&Value>, expected: Option<&Node>) -> bool {
    match (value, expected) {
        (None, None) => true,
        (Some(value), Some(Node::Scalar(number))) => match number {
            0 => value.is_null(),
            1 => value.as_u64() == Some(0),
            _ => value == "x",
        },
        (Some(Value::Array(items)), Some(Node::List(bits))) => {
            let has = items.iter().fold(0, |bits, item| bits | 1 << (item.as_u64().unwrap() - 1));
            has == *bits && items.len() == bits.count_ones() as usize
        }
        (Some(value), Some(Node::Object(members))) => are_said(value, &INNER, members),
        _ => false,
    }
}

fn are_said(value: &Value, keys: &[&str], members: &Members) -> bool {
    let Some(object) = value.as_object() else { return false };
    let count = members.iter().flatten().count();
    object.len() == count && keys.iter().zip(members).all(|(key, member)| is_said(object.get(*key), member.as_ref()))
}

/// What a merge should tell.
#[derive(Debug, Default, PartialEq)]
struct Told {
    lost: BTreeSet<String>,
    removed: BTreeSet<String>,
    held: BTreeSet<String>,
}

/// The model.
#[derive(Default)]
struct Model {
    expected: Told,
    /// The members that something was decided about.
    cases: usize,
}

impl Model {
    /// Says what becomes of the members of one object.
    fn members(&mut self, at: &dyn Display, keys: &[&str], base: Option<&Members>, own: &Members, hub: &Members) -> Members {
        let was = |place: usize| base.and_then(|base| base[place].as_ref());
        let is_removed = |place: usize| matches!((&own[place], &hub[place]), (Some(one), None) | (None, Some(one)) if was(place) == Some(one));
        let removed: Vec<_> = (0..keys.len()).filter(|place| is_removed(*place)).collect();
        let are_held = removed.len() > MOST_REMOVALS;
        (0..keys.len())
            .map(|place| {
                let name = || format!("{at}/{}", keys[place]);
                self.cases += usize::from(own[place].is_some() || hub[place].is_some() || was(place).is_some());
                match (&own[place], &hub[place]) {
                    (None, None) => None,
                    (Some(own), Some(hub)) if own == hub => Some(own.clone()),
                    (Some(own), Some(hub)) => Some(self.both(name(), was(place), own, hub)),
                    (Some(one), None) | (None, Some(one)) => {
                        if !removed.contains(&place) {
                            return Some(one.clone());
                        }
                        if are_held {
                            self.expected.held.insert(name())
                        } else {
                            self.expected.removed.insert(name())
                        };
                        are_held.then(|| one.clone())
                    }
                }
            })
            .collect()
    }

    fn both(&mut self, name: String, was: Option<&Node>, own: &Node, hub: &Node) -> Node {
        if let (Node::Object(own), Node::Object(hub)) = (own, hub) {
            let was = if let Some(Node::Object(was)) = was { Some(was) } else { None };
            return Node::Object(self.members(&name, &INNER, was, own, hub));
        }
        let (changed, other) = match was {
            Some(was) if was == own => (hub, own),
            Some(was) if was == hub => (own, hub),
            _ => {
                if let (Node::List(own), Node::List(hub)) = (own, hub) {
                    let was = if let Some(Node::List(was)) = was { *was } else { 0 };
                    return Node::List((own | hub) & !(was & !(own & hub)));
                }
                self.expected.lost.insert(name.clone());
                (own, hub)
            }
        };
        // An object of many members is not given up for another value without a question.
        let is_held = was.is_some() && matches!(other, Node::Object(members) if members.iter().flatten().count() > MOST_REMOVALS);
        if is_held {
            self.expected.held.insert(name);
        }
        if is_held { other.clone() } else { changed.clone() }
    }
}

fn told(merged: &Merged) -> Told {
    Told {
        lost: merged.losses.iter().map(|loss| loss.pointer[1..].into()).collect(),
        removed: merged.removals.iter().map(|loss| loss.pointer[1..].into()).collect(),
        held: merged.held.iter().cloned().collect(),
    }
}

#[test]
fn every_case_ends_as_the_model_says() {
    run(if cfg!(debug_assertions) { 30_000 } else { 1_000_000 });
}

#[test]
#[ignore = "half a minute where code is not optimized"]
fn each_of_a_million_cases_ends_as_the_model_says() {
    run(1_000_000);
}

fn run(cases: usize) {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let fingerprints = Fingerprints::new(11);
    let mut done = 0;
    while done < cases {
        let bases: Vec<Members> = (0..OBJECTS).map(|_| OUTER.iter().map(|_| (dice.below(4) > 0).then(|| node(&mut dice, true))).collect()).collect();
        let owns: Vec<_> = bases.iter().map(|base| edited(&mut dice, base, true)).collect();
        let hubs: Vec<_> = bases.iter().map(|base| edited(&mut dice, base, true)).collect();
        let [base_text, own, hub] = [&bases, &owns, &hubs].map(|objects| document(objects));
        let has_base = dice.below(8) > 0;
        let agreed = if has_base { known(&base_text, fingerprints) } else { BTreeMap::new() };
        let rules = Rules { fingerprints, agreed: &agreed, is_private: |_| false, accepted: &BTreeSet::new() };
        let merged = merge(&own, &hub, &rules).unwrap();
        let [out, other_out] = [merged.own.as_ref().unwrap_or(&own), merged.hub.as_ref().unwrap_or(&hub)]
            .map(|text| serde_json::from_slice::<serde_json::Map<String, Value>>(text).unwrap());
        let mut model = Model::default();
        for (number, (base, (own, hub))) in bases.iter().zip(owns.iter().zip(&hubs)).enumerate() {
            let members = model.members(&number, &OUTER, has_base.then_some(base), own, hub);
            for out in [&out, &other_out] {
                let is = &out[&number.to_string()];
                assert!(are_said(is, &OUTER, &members), "base {base:?}\nown {own:?}\nhub {hub:?}\nexpected {members:?}\nis {is}");
            }
        }
        assert_eq!(told(&merged), model.expected);
        done += model.cases;
    }
}
