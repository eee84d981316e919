//! `.claude.json` and `settings.json`, kept in step by real helpers between profiles that are in use.

#[cfg(unix)]
mod bad_input;
mod claude_json;
#[cfg(unix)]
mod copies;
#[cfg(unix)]
mod crashes;
#[cfg(unix)] // a file that nobody locks is missing for a moment elsewhere
mod hosts;
pub(crate) mod household;
mod locks;
#[cfg(target_os = "linux")]
mod quiet;
mod settings;
mod writers;
