//! What each top-level name of a config directory is to its profile.

use std::ffi::OsStr;

use super::decide::Side;
use crate::claude_code::names::{self, Treatment};
use crate::claude_code::{CREDENTIALS, OLD_STATE, STATE};

/// How a name is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bound to an account, a process or the directory, or looking like a secret: stays in the profile.
    Private,
    /// Taken by path: a link to the hub.
    Linked,
    /// Resolved by the client's permission checks, which deny what leads out of the config directory: a real directory.
    Mirrored,
    /// The settings, which the client locks by path: a copy, merged member by member.
    Merged,
    /// In no table. What the user puts into the hub under such a name is shared by a link, as everything there; what a client makes in a profile stays.
    Unknown,
}

/// Tells one config directory from another that stands at the same place later.
pub const TOKEN: &str = ".clauth-id";

/// The names that must be real directories, and what is made in the hub so that a link can stand.
pub use names::{COPIED as MIRRORED, MADE_DIRECTORIES, MADE_FILES};

/// What makes a name look like a secret, in small letters.
const SECRET_ENDINGS: &[&str] = &[".lock", ".owner", ".key", ".sock", ".pid"];
const SECRET_PARTS: &[&str] = &["auth", "credential", "token"];

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
    let looks_secret = || SECRET_ENDINGS.iter().any(|ending| lower.ends_with(ending)) || SECRET_PARTS.iter().any(|part| lower.contains(part));
    match names::treatment(name) {
        _ if name == TOKEN || is_temporary(name) => Kind::Private,
        Some(Treatment::Private | Treatment::Untouched) => Kind::Private,
        Some(Treatment::Linked) => Kind::Linked,
        Some(Treatment::Copied) => Kind::Mirrored,
        Some(Treatment::Merged) => Kind::Merged,
        None if is_version_of_private(name) || looks_secret() => Kind::Private,
        None => Kind::Unknown,
    }
}

/// Whether it is a private file's under a longer name, as a client or a user makes a backup.
fn is_version_of_private(name: &str) -> bool {
    [CREDENTIALS, STATE, OLD_STATE].iter().any(|private| name.starts_with(private))
}

/// Whether a top-level name that stands on this side is one that profiles share: nobody gives the hub what no table knows.
pub fn is_shared_from(side: Side, name: &OsStr) -> bool {
    is_shared(name) && (side == Side::Hub || kind(&name.to_string_lossy()) != Kind::Unknown)
}

/// Whether a top-level name is one that profiles can share.
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
    fn what_the_tables_know_is_shared_and_nothing_else_is_given_to_the_hub() {
        for linked in ["commands", "CLAUDE.md", "history.jsonl", "plugins"] {
            assert_eq!(kind(linked), Kind::Linked, "{linked}");
        }
        assert_eq!(kind("settings.json"), Kind::Merged);
        for mirrored in MIRRORED {
            assert_eq!(kind(mirrored), Kind::Mirrored);
        }
        for unknown in ["something-new", "notes.md", ".mine"] {
            assert_eq!(kind(unknown), Kind::Unknown, "{unknown}");
        }
    }
}
