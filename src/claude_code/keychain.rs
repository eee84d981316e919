//! How the client files a login in the macOS Keychain.

/// The item of the default config directory; others have a hash of their spelling behind it.
pub const SERVICE: &str = "Claude Code-credentials";

/// The account of all items of a user whose name is not plain.
pub const COMMON_ACCOUNT: &str = "claude-code-user";
