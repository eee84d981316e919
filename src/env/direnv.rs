//! What direnv has set for a directory, by its own record of it: `DIRENV_DIFF`.
//!
//! A key that direnv set and clauth set aside is invisible to direnv when the directory is left, so direnv does not take it back; neither may clauth
//! put it back then. The record is a JSON object, `{"p": {…before…}, "n": {…after…}}`, deflated, in URL-safe base64.

use std::ffi::OsStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Env;

/// direnv's record of what it changed.
const DIRENV_DIFF: &str = "DIRENV_DIFF";

/// The most that a record may unfold to, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// Whether direnv has set this variable where the shell is now.
pub fn has_set(env: &Env, name: &str) -> bool {
    env.non_empty(DIRENV_DIFF).and_then(OsStr::to_str).and_then(read).is_some_and(|names| names.iter().any(|set| set == name))
}

/// Returns the names that a record says were set.
fn read(record: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Diff {
        n: Map<String, Value>,
    }
    let deflated = URL_SAFE.decode(record).ok()?;
    let text = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&deflated, LIMIT).ok()?;
    Some(serde_json::from_slice::<Diff>(&text).ok()?.n.into_iter().map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_what_was_set_and_anything_else_names_nothing() {
        let text = br#"{"p":{"GONE":"1"},"n":{"ANTHROPIC_API_KEY":"sk"}}"#;
        let record = URL_SAFE.encode(miniz_oxide::deflate::compress_to_vec_zlib(text, 6));
        assert_eq!(read(&record).unwrap(), ["ANTHROPIC_API_KEY"]);
        for broken in ["", "e30=", "not base64!", &record[..8]] {
            assert!(read(broken).is_none(), "{broken}");
        }
    }
}
