//! The mirror against a model: random changes on three sides, the hub and two profiles; in each quiet moment all are equal and nothing is missing.
//!
//! Every write puts a word of its own into a file. A word is wanted until somebody removes or replaces a file that says it: from then on it may be
//! gone. Whatever is taken away is exchanged or renamed first and read then, so that the model knows what was taken, whatever the helpers do
//! at that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::support::files::{files_below, text};
use crate::support::length::rounds;
use crate::support::mirror::Shared;
use crate::support::patience::came_true;
use crate::support::random::Random;
use crate::support::wait_until;

const FILES: [&str; 8] = ["a.jsonl", "b.md", "d/a.jsonl", "d/b.md", "d/e/a.jsonl", "d/e/b.md", "f/a.jsonl", "f/b.md"];
const DIRECTORIES: [&str; 5] = ["d", "d/e", "f", "g", "g/h"];

/// What takes a file away from its path.
const TAKING: [&str; 2] = ["remove", "rename"];

/// Holds the three sides and what must be found in them.
struct Model {
    shared: Shared,
    roots: [PathBuf; 3],
    trash: PathBuf,
    random: Random,
    words: usize,
    wanted: BTreeSet<String>,
    /// What was done to each path since the last quiet moment.
    touched: BTreeMap<&'static str, Vec<&'static str>>,
    /// What was appended to which file since then.
    appended: Vec<(&'static str, String)>,
    log: Vec<String>,
}

impl Model {
    fn new(seed: usize) -> Self {
        let shared = Shared::live(&["work", "play"]);
        let roots = [shared.hub("projects/p"), shared.own("work", "projects/p"), shared.own("play", "projects/p")];
        fs::create_dir_all(&roots[0]).unwrap();
        wait_until("the directory is everywhere", || roots.iter().all(|root| root.is_dir()));
        let trash = shared.sandbox.mkdir("trash");
        let random = Random::new(seed);
        Self { shared, roots, trash, random, words: 0, wanted: BTreeSet::new(), touched: BTreeMap::new(), appended: Vec::new(), log: Vec::new() }
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("word-{}", self.words)
    }

    /// Does one random thing on one side.
    fn step(&mut self) {
        let side = self.random.below(3);
        let file = *self.random.pick(&FILES);
        let directory = *self.random.pick(&DIRECTORIES);
        let done = match self.random.below(16) {
            0..=4 => self.replace(side, file).map(|()| (file, "replace")),
            5..=9 => self.append(side, file).map(|()| (file, "append")),
            10..=11 => self.remove(&self.roots[side].join(file)).map(|()| (file, "remove")),
            12 => self.remove(&self.roots[side].join(directory)).map(|()| (directory, "remove")),
            13 => self.rename(side, file),
            14 => fs::create_dir_all(self.roots[side].join(directory)).ok().map(|()| (directory, "mkdir")),
            _ => fs::remove_dir(self.roots[side].join(directory)).ok().map(|()| (directory, "rmdir")),
        };
        if let Some((path, what)) = done {
            self.log.push(format!("{what} {path} on side {side}"));
            self.touched.entry(path).or_default().push(what);
            if TAKING.contains(&what) {
                let taken = self.appended.iter().filter(|(file, _)| Path::new(file).starts_with(path));
                for (_, word) in taken {
                    self.wanted.remove(word);
                }
            }
        }
    }

    /// Replaces a file as the client does, but for the exchange, which shows what was replaced.
    fn replace(&mut self, side: usize, file: &str) -> Option<()> {
        let path = self.roots[side].join(file);
        let temp = path.with_extension("tmp.1a2b");
        let word = self.word();
        // The directory may be removed by a helper at any moment; then nothing was done.
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(&temp, format!("{word}\n")).ok()?;
        let placed = renameat_with(CWD, &temp, CWD, &path, RenameFlags::NOREPLACE).is_ok();
        if !placed && renameat_with(CWD, &temp, CWD, &path, RenameFlags::EXCHANGE).is_err() {
            let _ = fs::remove_file(&temp);
            return None;
        }
        self.wanted.insert(word);
        if placed { Some(()) } else { self.remove(&temp) }
    }

    fn append(&mut self, side: usize, file: &'static str) -> Option<()> {
        let word = self.word();
        let mut file_open = File::options().append(true).open(self.roots[side].join(file)).ok()?;
        file_open.write_all(format!("{word}\n").as_bytes()).ok()?;
        // A file that is removed, or gets another name, elsewhere in the same breath takes along what is appended to it; so does one without a name.
        let is_gone = self.touched.iter().any(|(path, done)| Path::new(file).starts_with(path) && done.iter().any(|what| TAKING.contains(what)));
        if file_open.metadata().ok()?.nlink() > 0 && !is_gone {
            self.appended.push((file, word.clone()));
            self.wanted.insert(word);
        }
        Some(())
    }

    fn remove(&mut self, path: &Path) -> Option<()> {
        let word = self.word();
        let taken = self.trash.join(word);
        fs::rename(path, &taken).ok()?;
        let files = if taken.is_dir() { files_below(&taken) } else { vec![taken.clone()] };
        for word in files.iter().filter_map(|file| text(file)).flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
            self.wanted.remove(&word);
        }
        let removed = if taken.is_dir() { fs::remove_dir_all(&taken) } else { fs::remove_file(&taken) };
        removed.unwrap();
        Some(())
    }

    fn rename(&mut self, side: usize, file: &'static str) -> Option<(&'static str, &'static str)> {
        let path = self.roots[side].join(file);
        renameat_with(CWD, &path, CWD, path.with_file_name(format!("renamed-{}.md", self.random.below(5))), RenameFlags::NOREPLACE).ok()?;
        Some((file, "rename"))
    }

    /// Waits for the quiet moment and looks at everything.
    fn check(&mut self, was_killed: bool) {
        self.shared.settle();
        let mut trees = Vec::new();
        let is_equal = came_true(|| {
            trees = self.roots.iter().map(|root| tree(root)).collect();
            trees[0] == trees[1] && trees[0] == trees[2]
        });
        assert!(is_equal, "{:#?}\nend with {trees:#?}", self.log);
        let rescued = ["work", "play"].map(|profile| self.shared.rescued(profile));
        let mut found = String::new();
        for text in trees[0].values().chain(rescued.iter().flatten().map(|(_, text)| text)) {
            found = found + text + "\n";
        }
        let found: BTreeSet<&str> = found.lines().collect();
        let missing: Vec<_> = self.wanted.iter().filter(|word| !found.contains(word.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?} are nowhere after {:#?}\n{trees:#?}\n{rescued:#?}", self.log);
        for (path, done) in &self.touched {
            let is_alone =
                done == &["remove"] && !self.touched.keys().any(|other| other != path && (path.starts_with(other) || other.starts_with(path)));
            // A helper that was killed has not written down what was agreed: then the file is brought back rather than lost.
            assert!(!is_alone || was_killed || !self.roots[0].join(path).exists(), "{path} came back after {:#?}", self.log);
        }
        self.touched.clear();
        self.appended.clear();
        self.log.clear();
    }
}

/// Returns every file with its text, and every directory.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut tree = BTreeMap::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), PathBuf::from(entry.file_name()));
        if path.is_dir() {
            tree.extend(self::tree(&path).into_iter().map(|(below, text)| (name.join(below), text)));
            tree.insert(name, "a directory".into());
        } else {
            let mut text = text(&path).unwrap_or_default();
            if path.extension().is_some_and(|ending| ending == "jsonl") {
                // Lines that two sides append in the same moment stand in another order on each side.
                let mut lines: Vec<_> = text.lines().collect();
                lines.sort_unstable();
                text = lines.join("\n");
            }
            tree.insert(name, text);
        }
    }
    tree
}

#[test]
fn in_every_quiet_moment_all_sides_are_equal_and_nothing_is_missing() {
    for seed in 0..rounds(2, 20) {
        let mut model = Model::new(seed);
        for round in 0..rounds(2, 20) {
            model.log.push(format!("seed {seed}, round {round}"));
            let steps = 1 + model.random.below(14);
            let kind = model.random.below(8);
            match kind {
                0 => {
                    let shared = &model.shared;
                    shared.stop("work");
                    (0..steps).for_each(|_| model.step());
                    model.shared.start("work");
                }
                1 => {
                    (0..steps).for_each(|_| model.step());
                    model.shared.kill("play");
                    model.shared.join("play");
                }
                _ => (0..steps).for_each(|_| model.step()),
            }
            model.check(kind == 1);
        }
        model.shared.assert_all_finished();
    }
}
