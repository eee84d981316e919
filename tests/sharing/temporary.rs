//! A writer's temporary name is the writer's, and so are its locks: nobody carries, moves or removes them.

use std::fs;

use crate::support::files::{age, files_below, text, write};
use crate::support::sharing::{Sides, wait_for_same};

#[test]
fn a_file_under_a_foreign_temporary_name_stays_until_its_writer_renames_it() {
    let sides = Sides::live(&["work", "play"]);
    // The first looks like a name of clauth's own, with the number of a process that does not run.
    let names = [".x.4242.tmp", ".note.md.4194304.tmp", "note.md.tmp.77.1a2b", "big.part", "big.staging", "x.tmp"];
    for (turn, name) in names.iter().cycle().take(24).enumerate() {
        let places = sides.places(format!("projects/p/{turn}.md"));
        let temporary = places[turn % 3].with_file_name(name);
        write(&temporary, format!("text {turn}"));
        age(&temporary, 3600 * u64::try_from(turn % 2).unwrap());
        for profile in ["work", "play"] {
            sides.pass(profile, &format!("{profile}-{turn}"));
            if turn % 8 == 7 {
                sides.kill(profile);
                sides.prompt(profile);
            }
        }
        fs::rename(&temporary, &places[turn % 3]).unwrap_or_else(|error| panic!("{name} was taken away under its writer: {error}"));
        wait_for_same(&places, &format!("text {turn}"));
    }
    assert_eq!(sides.rescued(), []);
}

#[test]
fn locks_of_clients_are_neither_carried_nor_removed() {
    let sides = Sides::live(&["work", "play"]);
    let places = sides.places("tasks/list");
    for (turn, place) in places.iter().enumerate() {
        let lock = place.join(format!("{turn}.json.lock"));
        fs::create_dir_all(&lock).unwrap();
        write(&place.join(format!("{turn}.json")), "{}");
        wait_for_same(&sides.places(format!("tasks/list/{turn}.json")), "{}");
        for profile in ["work", "play"] {
            sides.pass(profile, &format!("{profile}-{turn}"));
        }
        let found: Vec<_> = places.iter().filter(|other| other.join(format!("{turn}.json.lock")).exists()).collect();
        assert_eq!(found, [place], "a lock is where its client made it, and nowhere else");
        fs::remove_dir(&lock).unwrap();
    }
    for place in places {
        assert!(files_below(&place).iter().all(|file| !file.to_string_lossy().contains(".lock.lock")), "{}", place.display());
        assert_eq!(text(&place.join("0.json")).as_deref(), Some("{}"));
    }
}
