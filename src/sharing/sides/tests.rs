//! Races for one name, made by hand.

use std::time::{Duration, SystemTime};

use super::*;

/// Two sides that know one old file, of which the profile has a new one, written so many seconds ago.
fn sides(name: &str, age: u64) -> (Sides, Seen) {
    let root = std::env::temp_dir().join(format!("clauth-sides-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    let sides = Sides::new(&root.join("own"), &root.join("hub"), root.join("rescued"), LinkMode::Symlink);
    for directory in [&sides.own, &sides.hub] {
        fs::create_dir_all(directory).unwrap();
    }
    write(&sides, Side::Hub, "old", 60);
    write(&sides, Side::Own, "own", age);
    let seen = |side| look(&sides.path(side, Path::new("a"))).file();
    let seen = Seen { given: seen(Side::Own), replaced: seen(Side::Hub), is_dispensable: true };
    (sides, seen)
}

fn write(sides: &Sides, side: Side, text: &str, age: u64) {
    let (path, temp) = (sides.root(side).join("a"), sides.root(side).join("b"));
    fs::write(&temp, text).unwrap();
    fs::File::open(&temp).unwrap().set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    fs::rename(temp, path).unwrap();
}

/// What stands in the profile, in the hub, and among the losers.
fn texts(sides: &Sides) -> [Option<String>; 3] {
    let texts = [&sides.own, &sides.hub, &sides.rescue].map(|directory| fs::read_to_string(directory.join("a")).ok());
    fs::remove_dir_all(sides.own.parent().unwrap()).unwrap();
    texts
}

#[test]
fn what_was_looked_at_is_replaced() {
    let (sides, seen) = sides("replaced", 5);
    assert!(sides.give(Path::new("a"), Side::Own, &seen).unwrap().is_some());
    assert_eq!(texts(&sides), [Some("own".into()), Some("own".into()), None]);
}

#[test]
fn a_newer_file_that_another_put_there_meanwhile_stays_and_the_next_look_decides() {
    let (sides, seen) = sides("newer", 5);
    write(&sides, Side::Hub, "faster", 0);
    assert!(sides.give(Path::new("a"), Side::Own, &seen).unwrap().is_none());
    assert_eq!(texts(&sides), [Some("own".into()), Some("faster".into()), None]);
}

#[test]
fn an_older_file_that_another_put_there_meanwhile_is_rescued() {
    let (sides, seen) = sides("older", 5);
    write(&sides, Side::Hub, "late", 30);
    assert!(sides.give(Path::new("a"), Side::Own, &seen).unwrap().is_some());
    assert_eq!(texts(&sides), [Some("own".into()), Some("own".into()), Some("late".into())]);
}

#[test]
fn a_file_that_another_put_there_meanwhile_is_not_removed() {
    let (sides, seen) = sides("removed", 5);
    write(&sides, Side::Hub, "faster", 0);
    sides.remove(Path::new("a"), Side::Hub, seen.replaced.as_ref()).unwrap();
    assert_eq!(texts(&sides), [Some("own".into()), Some("faster".into()), None]);
}

#[test]
fn what_was_linked_was_given_whatever_became_of_it_since() {
    let file = |inode| Some(Identity { device: 1, inode, born: 7, length: 3, modified: 5 });
    for (before, source, target, expected) in [
        (file(1), file(1), file(1), file(1)),
        (file(1), file(1), file(2), file(1)), // replaced there
        (file(1), file(1), None, file(1)),    // removed there
        (file(1), None, file(1), file(1)),    // removed here
        (file(1), file(2), file(1), file(1)), // replaced here afterwards
        (file(1), file(2), file(2), file(2)), // replaced here before
        (file(1), file(2), file(3), None),
        (file(1), file(2), None, None),
        (None, file(2), file(2), file(2)),
        (None, None, None, None),
    ] {
        assert_eq!(linked(before, source, target), expected, "{before:?} {source:?} {target:?}");
    }
}
