//! What each top-level name of a config directory is: the table, from measurements of Claude Code 2.1.332.

use std::ffi::OsStr;
use std::path::Path;

use crate::claude_code::{CREDENTIALS, SETTINGS, STATE};

/// How a name is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bound to an account, a process or the directory, or unknown and looking like a secret: stays in the profile.
    Private,
    /// Taken by path: a link to the hub.
    Linked,
    /// Resolved by the client's permission checks, which deny what leads out of the config directory: a real directory.
    Mirrored,
}

/// Tells one config directory from another that stands at the same place later.
pub const TOKEN: &str = ".clauth-id";

/// The names that must be real directories.
pub const MIRRORED: &[&str] = &["projects", "plans", "tasks", "agent-memory"];

/// What the client makes in a fresh directory by itself and clauth wants shared: made in the hub first, so that a link can stand.
///
/// Settings come first: a config directory without them runs the default clean-up over history.
pub const MADE_FILES: &[(&str, &str)] = &[(SETTINGS, "{}\n"), ("history.jsonl", "")];

/// Returns what clauth has put into a file that it makes; `None` for any other.
pub fn made_text(name: &Path) -> Option<&'static str> {
    MADE_FILES.iter().find_map(|(made, text)| (name == Path::new(made)).then_some(*text))
}

/// The directories of the same sort.
pub const MADE_DIRECTORIES: &[&str] = &["plugins", "file-history", "session-env", "shell-snapshots"];

/// Bound to one account, process or directory.
const PRIVATE: &[&str] = &[
    TOKEN,
    ".cc-writes",
    ".config.json",
    ".last-cleanup",
    "backups",
    "dev-mods",
    "hfi-auth.json",
    "ide",
    "jobs",
    "mcp-needs-auth-cache.json",
    "remote-control",
    "routines",
    "seed-admin",
    "sessions",
    "shares",
    "state",
    "teams",
    "uploads",
];

const PRIVATE_PREFIXES: &[&str] = &[CREDENTIALS, STATE, "daemon", "policy-limits", "remote-settings"];
const PRIVATE_ENDINGS: &[&str] = &[".lock", ".owner", ".key", ".sock", ".pid"];
const PRIVATE_PARTS: &[&str] = &["auth", "credential", "token"];

/// Whether it says who somebody is: taken away, a client would be signed out.
pub fn is_identity(name: &OsStr) -> bool {
    name == CREDENTIALS || name == STATE
}

/// Whether a name is one under which programs write before they rename.
pub fn is_temporary(name: &str) -> bool {
    (name.to_lowercase() + ".").contains(".tmp.")
}

/// Returns how a top-level name is shared.
pub fn kind(name: &str) -> Kind {
    let lower = name.to_lowercase();
    let is_private = PRIVATE.contains(&name)
        || is_temporary(name)
        || PRIVATE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || PRIVATE_ENDINGS.iter().any(|ending| lower.ends_with(ending))
        || PRIVATE_PARTS.iter().any(|part| lower.contains(part));
    match name {
        _ if is_private => Kind::Private,
        _ if MIRRORED.contains(&name) => Kind::Mirrored,
        _ => Kind::Linked,
    }
}

/// Whether a top-level name is one that profiles share.
pub fn is_shared(name: &OsStr) -> bool {
    kind(&name.to_string_lossy()) != Kind::Private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_never_leaves_its_directory() {
        for private in [".credentials.json", ".credentials.json.tmp.0af", ".claude.json", ".claude.json.lock", "daemon.log", "sessions", "x.pid"] {
            assert_eq!(kind(private), Kind::Private, "{private}");
        }
        for secret in ["my-Auth.json", "old_credentials", "API.TOKEN", "id.key"] {
            assert_eq!(kind(secret), Kind::Private, "{secret}");
        }
    }

    #[test]
    fn whatever_else_appears_is_shared() {
        for linked in ["commands", "CLAUDE.md", "settings.json", "history.jsonl", "plugins", "something-new"] {
            assert_eq!(kind(linked), Kind::Linked, "{linked}");
        }
        for mirrored in MIRRORED {
            assert_eq!(kind(mirrored), Kind::Mirrored);
        }
    }
}
