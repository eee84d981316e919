//! The environment variables that decide which account a client uses, where it asks, and where it keeps its files.

use super::table;

/// The config directory: settings, history and, where logins lie in files, the login.
pub const CLAUDE_CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";

/// The directory of Anthropic profiles: the sign-in of a Console account. Without it that is `~/.config/anthropic`, for every config directory.
pub const ANTHROPIC_CONFIG_DIR: &str = "ANTHROPIC_CONFIG_DIR";

/// What leads a client to its account, wherever it is set: in the `env` of settings or of the state it wins over the shell's, and moves every profile.
pub const PLACES: [&str; 2] = [CLAUDE_CONFIG_DIR, ANTHROPIC_CONFIG_DIR];

/// A bearer token that wins over a login.
pub const AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";

/// Where requests go.
pub const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// Headers of every request, a line for each.
pub const CUSTOM_HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";

/// The headers by which a request says whose it is.
const SIGNING: [&str; 2] = ["authorization", "x-api-key"];

const TEXT: &str = include_str!("variables.tsv");
const ROWS: &[[&str; 3]] = &table::rows::<{ table::count(TEXT) }, 3>(TEXT);

/// A variable that overrides or redirects the login of a config directory, and is set aside while clauth has one loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overriding {
    /// Its name.
    pub name: &'static str,
    /// Whether a shell looks for it at each prompt. The others are set aside in passing, when the shell asks for another reason: they act only together with
    /// one that is looked for, or decide about one service and not about who serves, and come from what starts a shell.
    pub is_watched: bool,
}

/// Returns every variable that overrides or redirects a login.
pub fn overriding() -> impl Iterator<Item = Overriding> + Clone {
    let rows = ROWS.iter().filter(|[_, treatment, _]| treatment.starts_with("set aside"));
    rows.map(|[name, treatment, _]| Overriding { name, is_watched: *treatment != "set aside in passing" })
}

/// Returns the variables that make a client use no login in ways that are the user's to choose, with what they do: `doctor` names them.
pub fn notable() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter().filter(|[_, treatment, _]| *treatment == "doctor").map(|[name, _, does]| (*name, *does))
}

/// Whether this value of an overriding variable changes the account: custom headers do only where one of them signs the request.
pub fn is_effective(name: &str, value: &str) -> bool {
    let signs = |line: &str| line.split_once(':').is_some_and(|(header, _)| SIGNING.contains(&header.trim().to_ascii_lowercase().as_str()));
    name != CUSTOM_HEADERS || value.split(['\n', '\r']).any(signs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_set_aside_only_where_one_of_them_signs() {
        for signing in ["Authorization: Bearer x", "X-Trace: 1\nx-api-key:k", "a: b\r\n AUTHORIZATION : x"] {
            assert!(is_effective(CUSTOM_HEADERS, signing), "{signing}");
        }
        for harmless in ["", "X-Trace: 1", "X-Authorization: x", "X-Note: authorization: x", "authorization"] {
            assert!(!is_effective(CUSTOM_HEADERS, harmless), "{harmless}");
        }
        assert!(is_effective(AUTH_TOKEN, "x"));
    }

    #[test]
    fn what_does_not_decide_who_serves_by_itself_is_not_looked_for() {
        let is_watched = |name: &str| overriding().find(|variable| variable.name == name).map(|variable| variable.is_watched);
        assert_eq!(is_watched(AUTH_TOKEN), Some(true));
        assert_eq!(is_watched(CUSTOM_HEADERS), Some(true));
        assert_eq!(is_watched("ANTHROPIC_SCOPE"), Some(false));
        assert_eq!(is_watched(CLAUDE_CONFIG_DIR), None);
        assert_eq!(is_watched("HTTPS_PROXY"), None);
    }
}
