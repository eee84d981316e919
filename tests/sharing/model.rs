//! What the files of three sides say, and whether that is what the model wants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::files::{files_below, text};
use crate::support::session::may_unshare;

/// The roots whose files are shared as files.
const ROOTS: [&str; 4] = ["projects", "plans", "tasks", "agent-memory"];

/// Holds the text of each file below a directory, by its path in it.
#[derive(Debug)]
pub(super) struct Found(BTreeMap<PathBuf, String>);

impl Found {
    pub(super) fn below(directory: &Path) -> Self {
        if directory.is_file() {
            return Self([(PathBuf::new(), text(directory).unwrap_or_default())].into());
        }
        let files = files_below(directory).into_iter().filter_map(|file| Some((file.strip_prefix(directory).ok()?.to_owned(), text(&file)?)));
        Self(files.collect())
    }

    /// Returns what is in the shared roots of a side.
    fn of_side(side: &Path) -> Self {
        let roots = ROOTS.iter().map(|root| (root, Self::below(&side.join(root))));
        Self(roots.flat_map(|(root, found)| found.0.into_iter().map(move |(path, text)| (Path::new(root).join(path), text))).collect())
    }

    pub(super) fn text(&self) -> String {
        self.0.values().map(|text| format!("{text}\n")).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    fn tokens(&self) -> BTreeSet<String> {
        tokens(&self.text()).into_iter().collect()
    }
}

/// Makes logs look as if nobody had used them for two weeks; returns how many there are.
pub(super) fn age_logs(roots: &[PathBuf; 3], logs: &[&str]) -> usize {
    let files = roots.iter().flat_map(|root| logs.iter().map(move |log| File::options().append(true).open(root.join(log))));
    let then = SystemTime::now() - Duration::from_secs(14 * 24 * 60 * 60);
    files.flatten().filter(|file| file.set_modified(then).is_ok()).count()
}

/// Returns the tokens that a text says, as often as it says them.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let starts = text.match_indices("token-").map(|(start, _)| &text[start..]);
    starts.filter_map(|rest| rest.split_once('.').map(|(token, _)| format!("{token}."))).collect()
}

/// Returns what is wrong. What a killed helper left below a `held` path stays until the user decides.
pub(super) fn look(
    roots: &[PathBuf; 3],
    rescued: &Path,
    wanted: &BTreeMap<String, PathBuf>,
    disturbed: &BTreeSet<String>,
    held: &BTreeSet<PathBuf>,
) -> Vec<String> {
    let sides = roots.each_ref().map(|root| Found::of_side(root));
    let (on_sides, rescued) = (sides.each_ref().map(Found::tokens), Found::below(rescued));
    let in_rescue = rescued.tokens();
    let mut wrong = Vec::new();
    for (token, path) in wanted {
        let there: Vec<_> = (0..3).filter(|side| on_sides[*side].contains(token)).collect();
        if in_rescue.contains(token) {
            continue;
        }
        if there.is_empty() {
            wrong.push(format!("{token} of {} is nowhere", path.display()));
        } else if there.len() < 3 && !disturbed.contains(token) {
            wrong.push(format!("{token} of {} is on the sides {there:?} only", path.display()));
        }
    }
    for (number, side) in sides.iter().enumerate() {
        let is_left = |path: &Path| held.iter().any(|held| path.starts_with(held)) && path.extension().is_some_and(|ending| ending == "tmp");
        for (path, text) in side.0.iter().filter(|(path, _)| !is_left(path)) {
            wrong.extend(file_is_wrong(path, text).map(|what| format!("side {number}, {}: {what}", path.display())));
        }
    }
    for (path, text) in &rescued.0 {
        // What the user removed is in the trash, whatever it says, and may be everywhere again.
        let is_removed = path.iter().any(|name| name == "removed");
        let is_junk = text.is_empty() || !text.contains("token-") && ROOTS.iter().any(|root| path.iter().any(|name| name == *root));
        let is_everywhere = sides.iter().all(|side| side.0.iter().any(|(live, there)| path.ends_with(live) && there == text));
        if !is_removed && (is_junk || is_everywhere) {
            wrong.push(format!("nobody lost what is rescued as {}: {text:?}", path.display()));
        }
    }
    wrong
}

fn file_is_wrong(path: &Path, text: &str) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    if name.ends_with(".tmp") || name.contains(".tmp.") {
        return Some("is a temporary name".into());
    }
    if !name.ends_with(".jsonl") {
        return None;
    }
    if let Some(line) = text.lines().find(|line| serde_json::from_str::<serde_json::Value>(line).is_err()) {
        return Some(format!("has a broken line {line:?}"));
    }
    let mut said = tokens(text);
    said.sort_unstable();
    let twice = said.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(format!("says {} twice", twice[0]))
}

/// Appends a whole line by one write to a file that has a name when that is done.
pub(super) fn append(path: &Path, token: &str) -> std::io::Result<()> {
    let mut file = File::options().append(true).create(true).open(path)?;
    file.write_all(format!("{{\"uuid\":\"{token}\"}}\n").as_bytes())
}

/// Moves this thread, and what it starts from now on, to mounts of its own; returns whether that is allowed here.
pub(super) fn enter_own_mounts() -> bool {
    if !may_unshare() {
        return false;
    }
    #[expect(unsafe_code, reason = "other namespaces of this call could take memory or descriptors from under other threads")]
    // SAFETY: mounts and the working directory become the thread's own, and memory and descriptors stay those of the process.
    let entered = unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }.is_ok();
    // What is mounted here is nobody's business outside.
    entered && std::process::Command::new("mount").args(["--make-rprivate", "/"]).status().is_ok_and(|status| status.success())
}
