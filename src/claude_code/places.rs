//! Where installers put the client, for who is started without the PATH of a shell: editors from a dock, timers, services.

/// The package of the client, for npm and those like it; the client's version stands in its description.
pub const PACKAGE: &str = "claude-code";

/// What describes a package.
pub const DESCRIPTION: &str = "package.json";

/// What a directory of [`PLACES`] is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// The user's home.
    Home,
    /// The directory that this variable names.
    Variable(&'static str),
    /// Nothing: it is absolute, and so is on one kind of system.
    Root,
}

/// The directories that may hold the client, or what runs it; `*` stands for any one name.
pub const PLACES: &[(Below, &str)] = &[
    (Below::Home, ".local/bin"),    // the native installer, on each system
    (Below::Home, ".claude/local"), // `claude migrate-installer`, before that
    (Below::Root, "/opt/homebrew/bin"),
    (Below::Root, "/home/linuxbrew/.linuxbrew/bin"),
    (Below::Root, "/usr/local/bin"), // npm, Homebrew on Intel
    (Below::Root, "/usr/bin"),       // npm and packages of distributions
    (Below::Variable("LOCALAPPDATA"), "Microsoft/WinGet/Links"),
    (Below::Variable("APPDATA"), "npm"),
    (Below::Variable("LOCALAPPDATA"), "pnpm"),
    (Below::Variable("PROGRAMFILES"), "nodejs"),
    (Below::Home, ".npm-global/bin"),
    (Below::Home, ".npm-packages/bin"),
    (Below::Home, ".nvm/versions/node/*/bin"),
    (Below::Home, ".local/share/fnm/node-versions/*/installation/bin"),
    (Below::Home, ".local/share/mise/installs/node/*/bin"),
    (Below::Home, ".asdf/installs/nodejs/*/bin"),
    (Below::Home, ".volta/bin"),
    (Below::Home, ".bun/bin"),
    (Below::Home, ".local/share/pnpm"),
    (Below::Home, "Library/pnpm"),
    (Below::Home, ".yarn/bin"),
    (Below::Home, ".nix-profile/bin"),
    (Below::Root, "/run/current-system/sw/bin"),
];

/// Reads a version, `2.1.332`, as something to be compared; `None` for any other text.
pub fn version(text: &str) -> Option<Vec<u64>> {
    let numbers: Vec<u64> = text.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    (numbers.len() == 3).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(version("2.1.332") > version("2.1.99") && version("2.0.0") > version("1.0.128") && version("0.0.1") > None);
        for other in ["claude", "v20.1.0", "2.1", "2.1.x", "", "1.2.3.4"] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
