//! Removals and what happens meanwhile, made by hand.

use super::*;

/// Stands for somebody who acts at the moment at which a directory is told to be watched.
struct Meanwhile<'a> {
    directory: &'a str,
    action: Box<dyn FnMut() + 'a>,
}

impl Watcher for Meanwhile<'_> {
    fn watch(&mut self, relative: &Path, _: &Path, _: bool) {
        if relative == Path::new(self.directory) {
            (self.action)();
        }
    }
}

fn nobody() -> Meanwhile<'static> {
    Meanwhile { directory: "", action: Box::new(|| {}) }
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `birth` of tests/cross/README.md")]
fn a_removal_is_forgotten_when_its_root_is_given_again() {
    let root = std::env::temp_dir().join(format!("clauth-mirror-removal-{}", std::process::id()));
    let [own, hub] = ["own", "hub"].map(|side| root.join(side));
    for directory in ["early", "late"] {
        fs::create_dir_all(own.join("plans").join(directory)).unwrap();
        fs::write(own.join("plans").join(directory).join("plan.md"), "plan").unwrap();
    }
    fs::create_dir_all(&hub).unwrap();
    let mut mirror = Mirror::open(Sides::new(&own, &hub, root.join("rescued"), LinkMode::Symlink), None, &root.join("manifest"));
    assert_eq!(mirror.settle(&mut nobody()), None);
    // One side is taken away as a whole, and the events of its files come first.
    fs::remove_dir_all(hub.join("plans")).unwrap();
    for path in ["plans/early/plan.md", "plans/early", "plans"] {
        assert_eq!(mirror.settle_path(Path::new(path), &mut nobody()), None);
    }
    // While it is given again, so is the other.
    let mut taker = Meanwhile { directory: "plans/late", action: Box::new(|| drop(fs::remove_dir_all(own.join("plans")))) };
    mirror.carry_removals(&mut taker);
    drop(taker);
    mirror.settle_path(Path::new("plans"), &mut nobody());
    mirror.carry_removals(&mut nobody());
    for side in [&own, &hub] {
        assert_eq!(fs::read_to_string(side.join("plans/early/plan.md")).unwrap(), "plan");
    }
    fs::remove_dir_all(root).unwrap();
}
