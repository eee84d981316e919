//! How a file below the mirrored directories is carried, by its name: the habits of Claude Code 2.1.332.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::claude_code::names;

/// Whether a name is never carried, with all that lies below it. It is neither read, watched nor removed.
pub fn is_never_carried(name: &OsStr) -> bool {
    names::is_never_carried(&name.to_string_lossy())
}

/// Whether a path, or a directory in it, is never carried.
pub fn is_path_never_carried(relative: &Path) -> bool {
    relative.iter().any(is_never_carried)
}

/// Returns the directory of a project that the client has forgotten, by the JSON pointer of its record in `.claude.json`. Its purge removes that directory,
/// then the record.
pub fn purged_directory(pointer: &str) -> Option<PathBuf> {
    let project = pointer.strip_prefix("/projects/")?;
    let is_record = !project.contains('/');
    let name = project.replace("~1", "/").replace("~0", "~").replace(|one: char| !one.is_ascii_alphanumeric(), "-");
    is_record.then(|| Path::new("projects").join(name))
}

/// Whether a file grows by whole lines: it is carried line by line, since a live client keeps appending to the file that it knows.
pub fn is_log(relative: &Path) -> bool {
    relative.extension() == Some(OsStr::new("jsonl"))
}

/// Whether a path is that of a session's transcript: `projects/P/SESSION.jsonl`.
pub fn is_transcript(relative: &Path) -> bool {
    relative.starts_with("projects") && relative.components().count() == 3 && is_log(relative)
}

/// Whether a directory holds logs that grow many times a minute.
pub fn holds_logs(directory: &Path) -> bool {
    let mut names = directory.iter();
    names.next() == Some(OsStr::new("projects")) && (names.clone().count() == 1 || names.any(|name| name == "subagents"))
}

/// Returns the directory of a session (`projects/P/SESSION`) that a path lies in, or belongs to as its transcript; `None` for any other path. `memory` is
/// of a project, not of a session.
///
/// There can be thousands of them and nearly all are quiet, so each is watched only from the first event of its session on.
pub fn session_directory(relative: &Path) -> Option<PathBuf> {
    let depth = relative.components().count();
    let session = relative.ancestors().nth(depth.checked_sub(3)?)?;
    let name = session.file_name()?.to_str()?;
    let is_in_projects = session.iter().next() == Some(OsStr::new("projects"));
    (is_in_projects && name != "memory").then(|| session.with_file_name(name.strip_suffix(".jsonl").unwrap_or(name)))
}

/// Returns the id of the session that a path belongs to.
pub fn session_id(relative: &Path) -> Option<String> {
    session_directory(relative)?.file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_unfinished_files_are_nobodys_to_carry() {
        for never in ["7.json.lock", ".lock.lock", "plan.md.tmp.77.ab12", ".x.4242.tmp", "big.part", "s.staging", "before-cleanup"] {
            assert!(is_path_never_carried(&Path::new("tasks/l").join(never)), "{never}");
        }
        for carried in ["lock", "template.md", ".lock", ".highwatermark", "tmp"] {
            let is_lock = carried == ".lock";
            assert_eq!(is_path_never_carried(&Path::new("tasks/l").join(carried)), is_lock, "{carried}");
        }
    }

    #[test]
    fn what_belongs_to_a_session_is_known_by_its_place() {
        let session = |path| session_directory(Path::new(path));
        assert_eq!(session("projects/p/s1/subagents/a.jsonl").as_deref(), Some(Path::new("projects/p/s1")));
        assert_eq!(session("projects/p/s1").as_deref(), Some(Path::new("projects/p/s1")));
        assert_eq!((session("projects/p"), session("projects/p/memory/a.md"), session("tasks/l/1.json")), (None, None, None));
        assert_eq!(session_id(Path::new("projects/p/s1.jsonl")).as_deref(), Some("s1"));
        assert!(is_transcript(Path::new("projects/p/s1.jsonl")) && !is_transcript(Path::new("projects/p/s1/subagents/a.jsonl")));
        assert!(holds_logs(Path::new("projects/p")) && holds_logs(Path::new("projects/p/s1/subagents/x")));
        assert!(!holds_logs(Path::new("projects/p/memory")) && !holds_logs(Path::new("projects")));
    }
}
