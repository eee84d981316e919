//! The keys and files of settings that say by which account or for which service a client works.

use super::table;

const TEXT: &str = include_str!("settings-keys.tsv");
const ROWS: &[[&str; 3]] = &table::rows::<{ table::count(TEXT) }, 3>(TEXT);

/// Variables that are set over those of the shell.
pub const ENV: &str = "env";

/// A command that prints an API key, which wins over a login.
pub const API_KEY_HELPER: &str = "apiKeyHelper";

/// Which organizations may sign in at all.
pub const ORGANIZATIONS: &str = "forceLoginOrgUUID";

/// A project's settings, below the directory where the client starts.
pub const OF_PROJECT: [&str; 2] = [".claude/settings.json", ".claude/settings.local.json"];

/// An administrator's settings, in their directory: one file, and a directory of more.
pub const MANAGED: (&str, &str) = ("managed-settings.json", "managed-settings.d");

/// Returns the keys that belong to one account or service: everybody's, they would send each account to that of one.
pub fn of_one_account() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(|[_, _, kind]| ["credential", "login", "endpoint"].contains(kind)).map(|[key, ..]| *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_an_account_or_a_service_is_of_one_account() {
        for key in [ENV, API_KEY_HELPER, ORGANIZATIONS, "awsAuthRefresh", "forceLoginGatewayUrl", "xaaIdp", "allowedProviders"] {
            assert!(of_one_account().any(|found| found == key), "{key}");
        }
        for key in ["permissions", "hooks", "model", "statusLine", "unknown"] {
            assert!(of_one_account().all(|found| found != key), "{key}");
        }
    }
}
