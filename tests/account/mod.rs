//! How accounts arrive in profiles.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Sandbox;
use crate::support::files::files_below;

#[cfg(unix)]
mod add;
mod anywhere;
#[cfg(unix)]
mod capture;
#[cfg(unix)]
mod import;
#[cfg(unix)]
mod keychain;
#[cfg(unix)]
mod killed;
#[cfg(unix)]
mod login;
#[cfg(unix)]
mod places;
#[cfg(unix)]
mod real_client;
#[cfg(unix)]
pub(crate) mod refresh;
#[cfg(unix)]
mod unfinished;
#[cfg(unix)]
pub(crate) mod usage;

/// Reads a `.claude.json`.
fn state(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap_or_else(|err| panic!("{}: {err}", file.display()))
}

/// Returns every file in HOME, whatever its name, that holds the refresh token of `~/.claude`'s login.
fn logins(sandbox: &Sandbox) -> Vec<PathBuf> {
    let holds = |file: &PathBuf| !file.is_symlink() && fs::read(file).is_ok_and(|text| String::from_utf8_lossy(&text).contains("home-refresh"));
    files_below(&sandbox.home()).into_iter().filter(holds).collect()
}

/// Asserts that there is exactly one usable login, by its usual name and with its identity beside it; returns it.
#[track_caller]
pub(crate) fn assert_one_login(sandbox: &Sandbox) -> PathBuf {
    let found = logins(sandbox);
    assert_eq!(found.len(), 1, "{found:?}");
    let login = state(&found[0]);
    assert_eq!((&login["claudeAiOauth"]["refreshToken"], &login["mcpOAuth"]["example"]["accessToken"]), (&"home-refresh".into(), &"home-mcp".into()));
    let directory = found[0].parent().unwrap();
    let identity = if directory == sandbox.path("home/.claude") { sandbox.path("home/.claude.json") } else { directory.join(".claude.json") };
    assert!(found[0].ends_with(".credentials.json") && directory.exists(), "{found:?}");
    assert_eq!(state(&identity)["oauthAccount"]["emailAddress"], "me@home.example", "{}", identity.display());
    found[0].clone()
}

/// Returns the locks that lie about in HOME: directories, as the client makes them.
pub(crate) fn locks(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut waiting = vec![sandbox.home()];
    let mut found = Vec::new();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_dir()) {
            let is_lock = entry.file_name().to_string_lossy().ends_with(".lock");
            if is_lock { found.push(entry.path()) } else { waiting.push(entry.path()) }
        }
    }
    found
}
