//! The directory of Anthropic profiles, which a `ANTHROPIC_CONFIG_DIR` names: the sign-in of a Console account.

use std::path::{Path, PathBuf};

/// The name of the profile where no other is the active one.
const DEFAULT: &str = "default";

/// The kind of profile that a Console account signs in to.
pub const CONSOLE: &str = "user_oauth";

/// The file that names the active profile.
pub fn active(directory: &Path) -> PathBuf {
    directory.join("active_config")
}

/// The name in that file, given its text.
pub fn name(text: Option<&str>) -> &str {
    text.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(DEFAULT)
}

/// The file that says what kind of profile it is: `authentication` with its `type`.
pub fn config(directory: &Path, name: &str) -> PathBuf {
    directory.join("configs").join(format!("{name}.json"))
}

/// The file with its tokens, and whose they are.
pub fn credentials(directory: &Path, name: &str) -> PathBuf {
    directory.join("credentials").join(format!("{name}.json"))
}

/// Where the directory is without that variable, given the values of the variables that say so: `XDG_CONFIG_HOME`, the home, `APPDATA`.
pub fn defaults(config_home: Option<&Path>, home: Option<&Path>, app_data: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let config_home = config_home.map(Path::to_path_buf).or_else(|| home.map(|home| home.join(".config")));
    config_home.map(|directory| directory.join("anthropic")).into_iter().chain(app_data.map(|directory| directory.join("Anthropic")))
}
