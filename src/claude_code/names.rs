//! The names below a config directory: how each is shared between accounts.

use super::table;

/// How a name is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Bound to an account, a process or the directory: it stays in it.
    Private,
    /// Taken by path: a link to one shared place will do.
    Linked,
    /// Checked by the client: a real directory whose files are copied both ways.
    Copied,
    /// Locked by the client at its spelled path: a file of its own, merged member by member.
    Merged,
    /// A lock, a temporary name, or what is always in the user's home: neither shared nor touched.
    Untouched,
}

const TEXT: &str = include_str!("names.tsv");
const ROWS: &[[&str; 2]] = &table::rows::<{ table::count(TEXT) }, 2>(TEXT);

/// The names that must be real directories.
pub const COPIED: &[&str] = &["projects", "plans", "tasks", "agent-memory"];

/// What the client makes in a fresh directory by itself and clauth wants shared: made empty in the hub first, so that a link can stand.
pub const MADE_FILES: &[&str] = &["history.jsonl"];

/// The directories of the same sort.
pub const MADE_DIRECTORIES: &[&str] = &["plugins", "file-history", "session-env", "shell-snapshots"];

/// Endings of locks and of what is not finished, wherever they stand.
const TRANSIENT: &[&str] = &[".lock", ".v5-lock-anchor", ".tmp", ".part", ".staging"];

/// What is below the copied directories and never carried: an organization's, or there for the time of a clean-up.
const NEVER_CARRIED: &[&str] = &["before-cleanup", "bridge-pointer.json"];

/// Returns how a top-level name is shared; `None` for one that no row knows.
pub fn treatment(name: &str) -> Option<Treatment> {
    if let Some([_, treatment]) = table::find(ROWS, name) {
        return Some(parse(treatment));
    }
    let treatments =
        |fits: &dyn Fn(&str) -> bool| ROWS.iter().filter(|[pattern, _]| fits(pattern)).map(|[_, treatment]| parse(treatment)).collect::<Vec<_>>();
    let fitting = treatments(&|pattern| pattern.contains('*') && !pattern.contains('/') && matches(pattern, name));
    if let Some(first) = fitting.first() {
        return Some(if fitting.contains(&Treatment::Untouched) { Treatment::Untouched } else { *first });
    }
    // One that only has rows below it is as private as all of them.
    let below = treatments(&|pattern| pattern.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')));
    below.into_iter().reduce(|one, other| if one == other { one } else { Treatment::Linked })
}

/// Whether a name below the copied directories is never carried: it is neither read, watched nor removed, with all that lies below it.
pub fn is_never_carried(name: &str) -> bool {
    TRANSIENT.iter().any(|ending| name.ends_with(ending)) || name.contains(".tmp.") || NEVER_CARRIED.contains(&name)
}

fn parse(treatment: &str) -> Treatment {
    match treatment {
        "link" => Treatment::Linked,
        "copy" => Treatment::Copied,
        "merge" => Treatment::Merged,
        "never-touch" => Treatment::Untouched,
        _ => Treatment::Private,
    }
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => {
            let Some(behind) = name.strip_prefix(before) else { return false };
            (0..=behind.len()).filter(|at| behind.is_char_boundary(*at)).any(|at| matches(rest, &behind[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_treated_as_its_row_says() {
        for (name, expected) in [
            (".credentials.json", Treatment::Private),
            (".claude.json", Treatment::Private),
            (".claude-custom-oauth.json", Treatment::Private),
            (".config.json", Treatment::Private),
            ("policy-limits.json.stamp.json", Treatment::Private),
            ("remote-settings-consent.json", Treatment::Private),
            ("state", Treatment::Private),
            ("telemetry", Treatment::Private),
            ("feedback", Treatment::Private),
            ("server-sessions.json", Treatment::Private),
            ("bridge-spawn", Treatment::Private),
            ("settings.json", Treatment::Merged),
            ("routines", Treatment::Linked),
            ("uploads", Treatment::Linked),
            ("cache", Treatment::Linked),
            ("paste-cache", Treatment::Linked),
            ("projects", Treatment::Copied),
            ("settings.json.lock", Treatment::Untouched),
            ("mcp-refresh-x.lock.lock", Treatment::Untouched),
            (".claude.json.tmp.1a2b", Treatment::Untouched),
            ("anything.tmp.77", Treatment::Untouched),
        ] {
            assert_eq!(treatment(name), Some(expected), "{name}");
        }
        for unknown in ["notes.md", "organization.json", "templates", "completion.zsh.old", "tmp"] {
            assert_eq!(treatment(unknown), None, "{unknown}");
        }
        assert!(COPIED.iter().all(|name| treatment(name) == Some(Treatment::Copied)));
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name) in [("*.lock", ".lock"), ("a-*.json", "a-b.c.json"), ("*", ""), ("a*b*c", "abbc"), ("é*", "éü")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.lock", "lock"), ("a-*.json", "a-.jso"), ("a*b", "abc"), ("", "x")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
