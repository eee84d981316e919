//! What mise has set for a directory, by its own record of it: `__MISE_DIFF`, as [`super::direnv`] does it for direnv.
//!
//! The record is `MessagePack`, `{"old": {…before…}, "new": {…after…}, "path": […]}`, deflated, in base64. It is not read but searched: a name of clauth's
//! own list, spelled as a text of `MessagePack`, stands behind `new` where mise has set that variable.

use std::ffi::OsStr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Env;

/// mise's record of what it changed.
const MISE_DIFF: &str = "__MISE_DIFF";

/// The most that a record may unfold to, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// Whether mise has set this variable where the shell is now.
pub fn has_set(env: &Env, name: &str) -> bool {
    env.non_empty(MISE_DIFF).and_then(OsStr::to_str).and_then(unfold).is_some_and(|record| names(&record, name))
}

fn unfold(record: &str) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&engine.decode(record).ok()?, LIMIT).ok()
}

fn names(record: &[u8], name: &str) -> bool {
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).position(|found| found == text).map(|at| at + text.len());
    holds(record, &text("new")).is_some_and(|new| holds(&record[new..], &text(name)).is_some())
}

/// Returns a short text as `MessagePack` has it: its length, then its bytes.
fn text(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let head = if length < 32 { vec![0xa0 | length] } else { vec![0xd9, length] };
    [&head, name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What mise 2026.9.15 wrote for `ANTHROPIC_API_KEY` and `FROM_MISE`.
    const RECORD: &str = "eAFrXpyfk9KwOC+1vGmjo1+IR5B/gKdzvGOAZ7y3a+Ty4mzd3Mzi1JVuQf6+8b6ewa6LK1OLlxQklmRMAACZWxbO";

    #[test]
    fn a_record_names_what_was_set_and_anything_else_names_nothing() {
        let env = |record: &str| Env { variables: [(MISE_DIFF.into(), record.into())].into() };
        assert!(has_set(&env(RECORD), "ANTHROPIC_API_KEY") && has_set(&env(RECORD), "FROM_MISE"));
        for name in ["ANTHROPIC_API", "API_KEY", "sk", "ANTHROPIC_BASE_URL"] {
            assert!(!has_set(&env(RECORD), name), "{name}");
        }
        for broken in ["", "e30=", "not base64!", &RECORD[..8]] {
            assert!(!has_set(&env(broken), "ANTHROPIC_API_KEY"), "{broken}");
        }
    }

    #[test]
    fn a_long_name_is_spelled_with_a_longer_head() {
        let name = "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR";
        let record = [b"\x83\xa3old\x80\xa3new\x81".as_slice(), b"\xd9\x27", name.as_bytes(), b"\xa13"].concat();
        assert!(names(&record, name) && !names(&record, "CLAUDE_CODE_OAUTH_TOKEN"));
        let unset = [b"\x83\xa3old\x81".as_slice(), b"\xd9\x27", name.as_bytes(), b"\xa13\xa3new\x80"].concat();
        assert!(!names(&unset, name), "it was there before, and mise took it away");
    }
}
