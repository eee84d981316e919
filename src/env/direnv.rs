//! What direnv has set for a directory, by its own record of it: `DIRENV_DIFF`.
//!
//! A key that direnv set and clauth set aside is invisible to direnv when the directory is left, so direnv does not take it back; neither may clauth
//! put it back then. The record is a JSON object, `{"p": {…before…}, "n": {…after…}}`, deflated, in URL-safe base64.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Env;

/// direnv's record of what it changed.
const DIRENV_DIFF: &str = "DIRENV_DIFF";

/// The directory of the `.envrc` that is loaded, a `-` before it.
const DIRENV_DIR: &str = "DIRENV_DIR";

/// The most that a record may unfold to, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// Whether direnv has set this variable where the shell is now.
pub fn has_set(env: &Env, name: &str) -> bool {
    set(env).is_some_and(|set| set.contains_key(name))
}

/// Whether direnv has set this variable to the value that it has, for this canonical directory or for one above it.
///
/// A shell without direnv inherits the record too, and takes it along to other directories.
pub fn has_set_for(env: &Env, name: &str, directory: &Path) -> bool {
    let is_set = |set: Map<String, Value>| env.get(name).is_some_and(|value| set.get(name).and_then(Value::as_str).map(OsStr::new) == Some(value));
    self::directory(env).is_some_and(|loaded| directory.starts_with(loaded)) && set(env).is_some_and(is_set)
}

/// Returns the canonical directory of the `.envrc` that is loaded.
pub fn directory(env: &Env) -> Option<PathBuf> {
    Path::new(env.non_empty(DIRENV_DIR)?.to_str()?.strip_prefix('-')?).canonicalize().ok()
}

/// Returns what direnv has set where the shell is now.
fn set(env: &Env) -> Option<Map<String, Value>> {
    read(env.non_empty(DIRENV_DIFF)?.to_str()?)
}

/// Returns what a record says was set.
fn read(record: &str) -> Option<Map<String, Value>> {
    #[derive(Deserialize)]
    struct Diff {
        n: Map<String, Value>,
    }
    let deflated = URL_SAFE.decode(record).ok()?;
    let text = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&deflated, LIMIT).ok()?;
    Some(serde_json::from_slice::<Diff>(&text).ok()?.n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_what_was_set_and_anything_else_names_nothing() {
        let text = br#"{"p":{"GONE":"1"},"n":{"ANTHROPIC_API_KEY":"sk"}}"#;
        let record = URL_SAFE.encode(miniz_oxide::deflate::compress_to_vec_zlib(text, 6));
        assert_eq!(Value::Object(read(&record).unwrap()), serde_json::json!({"ANTHROPIC_API_KEY": "sk"}));
        for broken in ["", "e30=", "not base64!", &record[..8]] {
            assert!(read(broken).is_none(), "{broken}");
        }
    }
}
