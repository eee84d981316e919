//! The services that know an account, and how they are asked.

/// Where a refresh token becomes new tokens: host and path.
pub const TOKEN: (&str, &str) = ("https://platform.claude.com", "/v1/oauth/token");

/// What an account has used of its limits.
pub const USAGE: (&str, &str) = ("https://api.anthropic.com", "/api/oauth/usage");

/// The client's own name at the service, where a login names no other.
pub const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";

/// What the services want to hear from a login of claude.ai.
pub const BETA: (&str, &str) = ("anthropic-beta", "oauth-2025-04-20");

/// The scope without which the service names neither an account nor its usage. A token of `claude setup-token` lacks it.
pub const PROFILE_SCOPE: &str = "user:profile";

/// Whether a host, in small letters, is Anthropic's own: the only place that the token of a login may be sent to.
pub fn is_own_host(host: &str) -> bool {
    host == "anthropic.com" || host.ends_with(".anthropic.com")
}
