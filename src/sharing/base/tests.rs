//! The merge base against a map, and after kills.

use std::collections::HashMap;

use std::fs;

use super::*;

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("clauth-base-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        sys::create_private_dir(&directory).unwrap();
        Self(directory)
    }

    fn open(&self, owner: &str) -> Base<8> {
        Base::open(&self.0.join("base"), owner)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(number: u64) -> Key {
    Key { group: number % 3, member: number / 3 }
}

#[test]
fn what_was_recorded_is_there_after_a_kill_and_what_was_not_is_gone() {
    let directory = Directory::new("kill");
    let mut base = directory.open("here");
    base.set(key(1), Some([1; 8]));
    base.record().unwrap();
    base.set(key(2), Some([2; 8]));
    drop(base);
    let base = directory.open("here");
    assert_eq!((base.get(key(1)), base.get(key(2))), (Some([1; 8]), None));
}

#[test]
fn another_owner_finds_an_empty_base() {
    let directory = Directory::new("owner");
    let mut base = directory.open("here");
    base.set(key(1), Some([1; 8]));
    base.save_synced().unwrap();
    assert!(directory.open("there").is_empty());
    assert!(!directory.open("here").is_empty());
}

#[test]
fn a_forgotten_base_is_empty_on_the_disk() {
    let directory = Directory::new("forgotten");
    let mut base = directory.open("here");
    base.set(key(1), Some([1; 8]));
    base.save_synced().unwrap();
    base.forget().unwrap();
    assert!(directory.open("here").is_empty());
}

#[test]
fn a_journal_of_another_boot_makes_the_base_doubtful_unless_it_is_empty() {
    let directory = Directory::new("boot");
    let mut base = directory.open("here");
    base.set(key(1), Some([1; 8]));
    base.save_synced().unwrap();
    let journal = base.journal_file();
    let other_boot = format!("{} elsewhere\n", base.header.generation);
    fs::write(&journal, &other_boot).unwrap();
    assert_eq!(directory.open("here").get(key(1)), Some([1; 8]));
    fs::write(&journal, [other_boot.as_bytes(), &Base::entry(key(2), Some([2; 8]))].concat()).unwrap();
    assert!(directory.open("here").is_empty());
}

#[test]
fn what_follows_a_torn_entry_is_kept() {
    let directory = Directory::new("torn");
    let mut base = directory.open("here");
    for number in 1..4 {
        base.set(key(number), Some([1; 8]));
        base.record().unwrap();
        let journal = fs::read(base.journal_file()).unwrap();
        fs::write(base.journal_file(), [&journal[..], b"torn"].concat()).unwrap();
        base = directory.open("here");
    }
    assert_eq!([1, 2, 3].map(|number| base.get(key(number)).is_some()), [true; 3]);
}

#[test]
fn a_base_does_what_a_map_does_however_often_it_is_opened() {
    let directory = Directory::new("model");
    let mut model = HashMap::new();
    let mut base = directory.open("here");
    let mut dice = 1_u64;
    for round in 0..3000_u64 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (key, value) = (key((dice >> 40) % 60), (dice >> 20).to_le_bytes());
        let record = (dice >> 60 != 0).then_some(value);
        // So many go another way than one does; of two for one key the later one counts.
        if (dice >> 50).is_multiple_of(32) {
            let all: Vec<_> = (0..1500).map(|number| (self::key(number % 60), (number + round) % 7 != 0, (number + round).to_le_bytes())).collect();
            model.extend(all.iter().map(|(key, is_there, value)| (key.group * 1000 + key.member, is_there.then_some(*value))));
            base.set_all(all.into_iter().map(|(key, is_there, value)| (key, is_there.then_some(value))).collect());
        }
        base.set(key, record);
        model.insert(key.group * 1000 + key.member, record);
        match dice >> 33 & 31 {
            0 => base.save_synced().unwrap(),
            2 => base.rest().unwrap(),
            1 => {
                base.record().unwrap();
                base = directory.open("here");
            }
            _ => base.record().unwrap(),
        }
        assert_eq!(base.get(key), record, "round {round}");
    }
    for group in 0..3 {
        let mut expected: Vec<u64> = model.iter().filter(|(key, value)| *key / 1000 == group && value.is_some()).map(|(key, _)| key % 1000).collect();
        expected.sort_unstable();
        assert_eq!(base.members(group), expected);
        for member in expected {
            assert_eq!(base.get(Key { group, member }), model[&(group * 1000 + member)]);
        }
    }
}

#[test]
fn a_large_base_does_the_same_from_its_file() {
    let directory = Directory::new("large");
    let mut base = directory.open("here");
    let record = |number: u64| Some(number.to_le_bytes());
    // So many that changes are merged in memory too.
    for number in 0..20_000 {
        base.set(key(number), record(number));
    }
    base.rest().unwrap();
    assert!(!base.sorted.is_in_memory());
    for number in [0, 1, 19_999, 7777, 20_000] {
        assert_eq!(base.get(key(number)), record(number).filter(|_| number < 20_000), "{number}");
    }
    base.set(key(7), None);
    base.set(key(8), record(9));
    base.record().unwrap();
    assert!(!base.sorted.is_in_memory());
    for base in [&directory.open("here"), &base] {
        assert_eq!((base.get(key(7)), base.get(key(8)), base.members(1).len()), (None, record(9), 6666));
    }
    base.save_synced().unwrap();
    assert_eq!(directory.open("here").members(1).len(), 6666);
}

#[test]
fn a_base_whose_file_is_another_one_now_is_empty() {
    let directory = Directory::new("replaced");
    let mut base = directory.open("here");
    for number in 0..5000 {
        base.set(key(number), Some([1; 8]));
    }
    base.rest().unwrap();
    directory.open("here").save_synced().unwrap(); // of another generation
    assert_eq!((base.get(key(1)), base.members(1)), (None, Vec::new()));
    base.rest().unwrap();
    fs::remove_file(directory.0.join("base")).unwrap();
    assert_eq!((base.get(key(1)), base.members(1)), (None, Vec::new()));
}
