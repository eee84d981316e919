//! Where each shell looks when it starts.

use std::path::PathBuf;

use super::Shell;
use crate::env::Env;

impl Shell {
    /// Returns the files that an interactive shell of this kind reads at its start and that are the user's to write, the usual one first.
    pub fn startup_files(self, env: &Env) -> Vec<PathBuf> {
        let Ok(home) = env.home_dir() else { return Vec::new() };
        let directory = |variable: &str, otherwise: &str| env.non_empty(variable).map_or_else(|| home.join(otherwise), PathBuf::from);
        match self {
            Self::Bash => [".bashrc", ".bash_profile", ".bash_login", ".profile"].map(|name| home.join(name)).into(),
            Self::Zsh => [".zshrc", ".zprofile"].map(|name| directory("ZDOTDIR", "").join(name)).into(),
            Self::Fish => {
                let fish = directory("XDG_CONFIG_HOME", ".config").join("fish");
                vec![fish.join("conf.d/clauth.fish"), fish.join("config.fish")]
            }
            Self::Pwsh => {
                let pwsh = directory("XDG_CONFIG_HOME", ".config").join("powershell");
                ["profile.ps1", "Microsoft.PowerShell_profile.ps1"].map(|name| pwsh.join(name)).into()
            }
            Self::Sh => Vec::new(),
        }
    }
}
