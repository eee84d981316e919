//! What lies in a file or Keychain item of credentials: one JSON object, with a key for each kind of sign-in and for what else is secret.

/// The login of a claude.ai account.
pub const LOGIN: &str = "claudeAiOauth";

/// The sign-in of an organization that is bound to settings and a lock of its own in `~/.claude/state`: the client alone can renew it and move it.
pub const ORGANIZATION: &str = "hybridOauth";

/// Where a Keychain item had no room for everything: which second item has the rest, and the key that it is encrypted with. The two belong together, and
/// what stands in the first alone may be a part of a login.
pub const OVERFLOW: &str = "keychainOverflow";

/// The keys of a sign-in's two tokens.
pub const TOKENS: [&str; 2] = ["accessToken", "refreshToken"];
