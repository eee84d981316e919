//! All that clauth knows of Claude Code: what it calls its files, keys, variables and services, and what each of them is bound to.
//!
//! Nothing here is opened, read or asked: other rooms come with a name and get an answer. Five tables hold what was found in Claude Code 2.1.332, a row for
//! each name, with the reason; `tests/client/review` compares them with a client and names what is new or gone.
//!
//! | Table | One row for | Asked through |
//! |---|---|---|
//! | `names.tsv` | a name below the config directory | [`names`] |
//! | `state-keys.tsv` | a key of `.claude.json` | [`state`] |
//! | `variables.tsv` | a variable that changes account, credential, endpoint or place | [`variables`] |
//! | `settings-keys.tsv` | a key of `settings.json` that does so | [`settings`] |
//! | `locks.tsv` | a lock | [`lock_of`] |
//!
//! What no table knows is treated so that no account can leak: a name that the client makes in a profile stays in that profile, while what the user puts
//! into `~/.claude` is shared; a key of the state that sounds like an account's (see [`state::is_private`]) stays where it is. `doctor` lists both.

pub mod anthropic;
pub mod credentials;
pub mod editors;
pub mod keychain;
mod locks;
pub mod names;
pub mod places;
pub mod processes;
pub mod services;
pub mod settings;
pub mod state;
pub mod stream;
mod table;
pub mod variables;

pub use locks::{lock_of, refresh_locks, write_lock};

/// The config directory without a `CLAUDE_CONFIG_DIR`, in the user's home.
pub const DIRECTORY: &str = ".claude";

/// A login, where it does not lie in a keychain.
pub const CREDENTIALS: &str = ".credentials.json";

/// The client's state, who is signed in with it: inside a config directory, and beside the default one.
pub const STATE: &str = ".claude.json";

/// The name of the state in an old installation. Where such a file is there and not empty, the client uses it and no other.
pub const OLD_STATE: &str = ".config.json";

/// The user's settings.
pub const SETTINGS: &str = "settings.json";

/// The most that is read of a state or of settings, in bytes: what is larger is none of a client's, and stays as it is.
pub const LIMIT: usize = 40 * 1024 * 1024;
