//! The setting by which an editor is told what to run in the place of the client that it brings, and where each editor keeps its settings.

/// One setting: where it stands in the editor's settings.json, level by level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The keys that lead to it.
    pub path: &'static [&'static str],
    /// What an object needs besides, where clauth makes it: the key of the object, and the key and value in it.
    pub besides: Option<[&'static str; 3]>,
}

/// Of the extension for VS Code and its family: one absolute path, run as `WRAPPER CLIENT ARGS…`.
pub const PROCESS_WRAPPER: Setting = Setting { path: &["claudeCode.claudeProcessWrapper"], besides: None };

/// Of the adapter in Zed (<https://zed.dev/docs/ai/external-agents>): run as `EXECUTABLE ARGS…`.
pub const ACP_EXECUTABLE: Setting =
    Setting { path: &["agent_servers", "claude-acp", "env", "CLAUDE_CODE_EXECUTABLE"], besides: Some(["claude-acp", "type", "registry"]) };

/// What editors call their settings.
pub const FILE: &str = "settings.json";

/// The directory beside them with one for each profile of the editor, in each of which there is such a file.
pub const PROFILES: &str = "profiles";

/// What a directory of the tables is below; on each system some of them do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Where programs keep their settings: `~/.config`, `~/Library/Application Support`, `%APPDATA%`.
    Configuration,
    /// Where they keep other data on Linux: `~/.local/share`.
    Data,
    /// The user's home.
    Home,
}

/// An editor's name, the setting, its directory, and where in that its settings lie.
pub type Row = (&'static str, &'static Setting, Below, &'static str, &'static str);

const USER: &str = "User/settings.json";
const MACHINE: &str = "data/Machine/settings.json";

/// The editors that clauth knows.
pub const EDITORS: &[Row] = &[
    ("VS Code", &PROCESS_WRAPPER, Below::Configuration, "Code", USER),
    ("VS Code Insiders", &PROCESS_WRAPPER, Below::Configuration, "Code - Insiders", USER),
    ("VSCodium", &PROCESS_WRAPPER, Below::Configuration, "VSCodium", USER),
    ("Cursor", &PROCESS_WRAPPER, Below::Configuration, "Cursor", USER),
    ("Windsurf", &PROCESS_WRAPPER, Below::Configuration, "Windsurf", USER),
    ("Antigravity", &PROCESS_WRAPPER, Below::Configuration, "Antigravity", USER),
    ("code-server", &PROCESS_WRAPPER, Below::Data, "code-server", USER),
    ("VS Code (Flatpak)", &PROCESS_WRAPPER, Below::Home, ".var/app/com.visualstudio.code/config/Code", USER),
    ("VSCodium (Flatpak)", &PROCESS_WRAPPER, Below::Home, ".var/app/com.vscodium.codium/config/VSCodium", USER),
    // What a window on another machine runs there.
    ("VS Code server", &PROCESS_WRAPPER, Below::Home, ".vscode-server", MACHINE),
    ("VS Code Insiders server", &PROCESS_WRAPPER, Below::Home, ".vscode-server-insiders", MACHINE),
    ("VS Code in a container", &PROCESS_WRAPPER, Below::Home, ".vscode-remote", MACHINE),
    ("VSCodium server", &PROCESS_WRAPPER, Below::Home, ".vscodium-server", MACHINE),
    ("Cursor server", &PROCESS_WRAPPER, Below::Home, ".cursor-server", MACHINE),
    ("Windsurf server", &PROCESS_WRAPPER, Below::Home, ".windsurf-server", MACHINE),
    ("Antigravity server", &PROCESS_WRAPPER, Below::Home, ".antigravity-server", MACHINE),
    ("Zed", &ACP_EXECUTABLE, Below::Home, ".config/zed", FILE), // on macOS too
    ("Zed", &ACP_EXECUTABLE, Below::Configuration, "Zed", FILE),
    ("Zed (Flatpak)", &ACP_EXECUTABLE, Below::Home, ".var/app/dev.zed.Zed/config/zed", FILE),
];
