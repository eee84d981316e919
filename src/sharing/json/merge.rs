//! Three-way merge of JSON: pure.
//!
//! Two sides started from one agreed base. What one side changed is taken; what both changed is taken apart: objects key by key, lists of scalars
//! as sets. Where that ends at one leaf the first side wins and the other's value is reported, so that nothing is lost without a trace.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The most top-level keys that one pass may delete: a client that starts afresh after a crash looks like someone who deletes everything.
pub const MOST_DELETIONS: usize = 3;

/// A value of the second side that the first side's won over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it stood, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What it was.
    pub value: Value,
}

/// Holds the outcome of a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The agreed state.
    pub state: Map<String, Value>,
    /// What lost.
    pub losses: Vec<Loss>,
    /// Top-level keys that one side deleted, held back because they were too many.
    pub held: Vec<String>,
}

/// Merges two sides that grew from `base`; `first` wins where both changed one leaf. What is `accepted` may be deleted in any number.
pub fn merge(base: &Map<String, Value>, first: &Map<String, Value>, second: &Map<String, Value>, accepted: &BTreeSet<String>) -> Merged {
    let mut merged = Merged::default();
    let mut deleted = Vec::new();
    for key in union(first, second) {
        let (base, first, second) = (base.get(key), first.get(key), second.get(key));
        let path = format!("/{}", escape(key));
        match merge_value(base, first, second, &path, &mut merged.losses) {
            Some(value) => drop(merged.state.insert(key.clone(), value)),
            None if accepted.contains(key) => {}
            None => deleted.push((key, first.or(second))),
        }
    }
    if deleted.len() > MOST_DELETIONS {
        for (key, value) in deleted {
            merged.state.extend(value.map(|value| (key.clone(), value.clone())));
            merged.held.push(key.clone());
        }
    }
    merged
}

/// Returns the base of a pass after one that was cut short, possibly between its two writes, of which the second side's came first.
///
/// Where one side has what was intended and the other has left the base, both have got it by that pass, and whoever differs has gone on from there.
pub fn resume(
    base: &Map<String, Value>,
    intended: &Map<String, Value>,
    first: &Map<String, Value>,
    second: &Map<String, Value>,
) -> Map<String, Value> {
    let at = |key| resume_value(base.get(key), intended.get(key), first.get(key), second.get(key));
    union(base, intended).filter_map(|key| Some((key.clone(), at(key)?))).collect()
}

fn resume_value(base: Option<&Value>, intended: Option<&Value>, first: Option<&Value>, second: Option<&Value>) -> Option<Value> {
    match (base, intended, first, second) {
        (None | Some(Value::Object(_)), Some(Value::Object(intended)), Some(Value::Object(first)), Some(Value::Object(second))) => {
            let none = Map::new();
            let members = resume(base.and_then(Value::as_object).unwrap_or(&none), intended, first, second);
            (base.is_some() || !members.is_empty()).then_some(Value::Object(members))
        }
        (Some(Value::Array(base)), Some(Value::Array(intended)), Some(Value::Array(first)), Some(Value::Array(second))) if is_set(base) => {
            let added = intended.iter().filter(|item| !base.contains(item));
            let is_in_both = |item: &&Value| {
                let (was, will) = (base.contains(item), intended.contains(item));
                if first.contains(item) == will && second.contains(item) != was { will } else { was }
            };
            Some(base.iter().chain(added).filter(is_in_both).cloned().collect())
        }
        _ if (first == intended && second != base) || (second == intended && first != base) => intended.cloned(),
        _ => base.cloned(),
    }
}

/// Merges one place; `None` stands for "not there", on every side and in the answer.
fn merge_value(base: Option<&Value>, first: Option<&Value>, second: Option<&Value>, path: &str, losses: &mut Vec<Loss>) -> Option<Value> {
    if first == second || second == base {
        return first.cloned();
    }
    if first == base {
        return second.cloned();
    }
    match (first, second) {
        // One side deleted what the other changed: the change is kept.
        (kept, None) | (None, kept) => kept.cloned(),
        (Some(Value::Object(first)), Some(Value::Object(second))) => {
            let none = Map::new();
            let base = base.and_then(Value::as_object).unwrap_or(&none);
            let members = union(first, second).filter_map(|key| {
                let path = format!("{path}/{}", escape(key));
                Some((key.clone(), merge_value(base.get(key), first.get(key), second.get(key), &path, losses)?))
            });
            Some(Value::Object(members.collect()))
        }
        (Some(Value::Array(first)), Some(Value::Array(second))) if is_set(first) && is_set(second) => {
            let base = base.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Some(Value::Array(merge_sets(base, first, second)))
        }
        (Some(first), Some(second)) => {
            losses.push(Loss { pointer: path.into(), value: second.clone() });
            Some(first.clone())
        }
    }
}

/// The keys of both, the first's order first.
fn union<'a>(first: &'a Map<String, Value>, second: &'a Map<String, Value>) -> impl Iterator<Item = &'a String> {
    first.keys().chain(second.keys().filter(|key| !first.contains_key(*key)))
}

fn is_set(list: &[Value]) -> bool {
    list.iter().all(|item| !item.is_array() && !item.is_object())
}

/// What either side added is in, what either side removed is out.
fn merge_sets(base: &[Value], first: &[Value], second: &[Value]) -> Vec<Value> {
    let is_kept = |item: &&Value| !base.contains(item) || (first.contains(item) && second.contains(item));
    let added = second.iter().filter(|item| !first.contains(item));
    first.iter().chain(added).filter(is_kept).cloned().collect()
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn merge_plainly(base: &Map<String, Value>, first: &Map<String, Value>, second: &Map<String, Value>) -> Merged {
        merge(base, first, second, &BTreeSet::new())
    }

    fn merged(base: &Value, first: &Value, second: &Value) -> Merged {
        merge_plainly(&object(base), &object(first), &object(second))
    }

    #[test]
    fn what_one_side_changed_is_taken_and_what_both_changed_is_taken_apart() {
        let outcome = merged(
            &json!({"a": 1, "gone": 1, "p": {"x": {"n": 1}, "y": 1}, "tools": ["ls", "cat"]}),
            &json!({"a": 2, "p": {"x": {"n": 1, "m": 2}, "y": 1}, "tools": ["ls", "cat", "rg"]}),
            &json!({"a": 1, "gone": 1, "p": {"x": {"n": 9}, "z": 3, "y": 1}, "tools": ["cat", "git"]}),
        );
        assert_eq!(Value::Object(outcome.state), json!({"a": 2, "p": {"x": {"n": 9, "m": 2}, "y": 1, "z": 3}, "tools": ["cat", "rg", "git"]}));
        assert_eq!((outcome.losses, outcome.held), (vec![], vec![]));
    }

    #[test]
    fn what_was_accepted_goes_in_any_number() {
        let base = object(&json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}));
        let accepted = ["a", "b", "c", "d"].map(str::to_owned).into();
        let outcome = merge(&base, &object(&json!({})), &base, &accepted);
        assert_eq!((Value::Object(outcome.state), outcome.held), (json!({}), vec![]), "what is left is one deletion");
    }

    #[test]
    fn a_change_outlives_a_deletion() {
        let outcome = merged(&json!({"k": 1, "l": 1}), &json!({"l": 2}), &json!({"k": 2}));
        assert_eq!(Value::Object(outcome.state), json!({"l": 2, "k": 2}));
    }

    #[test]
    fn the_first_side_wins_a_leaf_and_the_loser_is_told() {
        let outcome = merged(&json!({"a/b": {"t": "dark"}}), &json!({"a/b": {"t": "light"}}), &json!({"a/b": {"t": "ansi"}}));
        assert_eq!(Value::Object(outcome.state), json!({"a/b": {"t": "light"}}));
        assert_eq!(outcome.losses, [Loss { pointer: "/a~1b/t".into(), value: json!("ansi") }]);
    }

    #[test]
    fn a_side_that_starts_afresh_deletes_nothing() {
        let full = json!({"a": 1, "b": 2, "c": 3, "d": 4});
        let outcome = merged(&full, &json!({}), &full);
        assert_eq!(Value::Object(outcome.state), full);
        assert_eq!(outcome.held, ["a", "b", "c", "d"]);
        assert_eq!(merged(&full, &json!({"d": 4}), &full).state.len(), 1);
    }

    #[test]
    fn what_a_pass_that_was_cut_short_wrote_is_no_change_of_the_first_side() {
        let (base, intended) =
            (json!({"k": 1, "p": {"a": 1, "b": 1}, "l": ["x"], "gone": 1}), json!({"k": 2, "p": {"a": 2, "b": 2}, "l": ["x", "y"]}));
        // The second side went on meanwhile, and its newer value counts; `b` is what the first side changed after the cut.
        let (first, second) =
            (json!({"k": 2, "p": {"a": 2, "b": 7}, "l": ["x", "y"]}), json!({"k": 3, "p": {"a": 3, "b": 2}, "l": ["y"], "gone": 3}));
        let base = Value::Object(resume(&object(&base), &object(&intended), &object(&first), &object(&second)));
        assert_eq!(Value::Object(merged(&base, &first, &second).state), json!({"k": 3, "p": {"a": 3, "b": 7}, "l": ["y"], "gone": 3}));
    }

    #[test]
    fn what_a_pass_that_was_cut_short_had_not_written_is_written_by_the_next() {
        let (base, first) = (json!({"k": 1, "l": ["x"]}), json!({"k": 2, "new": 1, "l": ["x", "y"]}));
        let second = json!({"k": 1, "other": 1, "l": ["x", "z"]});
        let base = Value::Object(resume(&object(&base), &object(&first), &object(&first), &object(&second)));
        assert_eq!(Value::Object(merged(&base, &first, &second).state), json!({"k": 2, "new": 1, "l": ["x", "y", "z"], "other": 1}));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::Bool), (0..4).prop_map(|n| json!(n)), "[ab]{0,2}".prop_map(Value::String)];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::hash_map("[a-c]", inner, 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn state() -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::hash_map("[a-f]", value(), 0..6).prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn merging_again_changes_nothing(base in state(), first in state(), second in state()) {
            let once = merge_plainly(&base, &first, &second);
            let again = merge_plainly(&once.state, &once.state, &once.state);
            prop_assert_eq!(&again.state, &once.state);
            prop_assert!(again.losses.is_empty() && again.held.is_empty());
        }

        #[test]
        fn one_sided_changes_arrive_whole(base in state(), changed in state()) {
            let deletions = base.keys().filter(|key| !changed.contains_key(*key)).count();
            prop_assume!(deletions <= MOST_DELETIONS);
            prop_assert_eq!(&merge_plainly(&base, &changed, &base).state, &changed);
            prop_assert_eq!(&merge_plainly(&base, &base, &changed).state, &changed);
        }

        #[test]
        fn no_key_that_a_side_added_or_changed_is_lost(base in state(), first in state(), second in state()) {
            let outcome = merge_plainly(&base, &first, &second);
            for (key, value) in first.iter().chain(&second) {
                prop_assert!(base.get(key) == Some(value) || outcome.state.contains_key(key));
            }
        }

        #[test]
        fn passes_cut_short_anywhere_lose_no_change(events in prop::collection::vec((0..3_u8, 0..4_usize), 1..40)) {
            let places = ["/a", "/b", "/p/a", "/p/b"];
            let start = json!({"a": 0, "b": 0, "p": {"a": 0, "b": 0}});
            let (mut base, mut intended) = (object(&start), None);
            let (mut first, mut second, mut latest) = (start.clone(), start.clone(), start);
            for (number, (event, which)) in events.into_iter().chain([(2, 3)]).enumerate() {
                let place = places[which];
                let side = if event == 0 { &mut first } else { &mut second };
                // Two who change one place, each without the other's change, are in conflict; that is another matter.
                if event < 2 && side.pointer(place) == latest.pointer(place) {
                    *side.pointer_mut(place).unwrap() = json!(number + 1);
                    *latest.pointer_mut(place).unwrap() = json!(number + 1);
                } else if event == 2 {
                    // A pass, cut short after as many writes.
                    if let Some(intended) = &intended {
                        base = resume(&base, intended, &object(&first), &object(&second));
                    }
                    let merged = Value::Object(merge_plainly(&base, &object(&first), &object(&second)).state);
                    intended = Some(object(&merged));
                    if which > 0 { second = merged.clone(); }
                    if which > 1 { first = merged.clone(); }
                    if which > 2 { (base, intended) = (object(&merged), None); }
                }
            }
            prop_assert_eq!((&first, &second), (&latest, &latest));
        }

        #[test]
        fn spokes_converge_in_any_order(base in state(), mut spokes in prop::collection::vec(state(), 2..4), order in prop::collection::vec(0..3_usize, 0..6)) {
            let mut hub = base.clone();
            let mut agreed = vec![base; spokes.len()];
            let everyone = 0..spokes.len();
            for spoke in order.into_iter().chain(everyone.clone()).chain(everyone).filter(|spoke| *spoke < agreed.len()).collect::<Vec<_>>() {
                let state = merge_plainly(&agreed[spoke], &spokes[spoke], &hub).state;
                (hub, agreed[spoke], spokes[spoke]) = (state.clone(), state.clone(), state);
            }
            for spoke in spokes {
                prop_assert_eq!(&spoke, &hub);
            }
        }
    }
}
