//! The keys of `.claude.json`: which belong to an account, and so never cross between config directories.

use super::table;

/// Who is signed in, as the client shows and sends it.
pub const ACCOUNT: &str = "oauthAccount";

/// What the client was last told of the account's limits.
pub const USAGE: &str = "cachedUsageUtilization";

/// The API key of a Console sign-in, which is a login too.
pub const CONSOLE_KEY: &str = "primaryApiKey";

/// What makes an unknown key sound like an account's, in small letters. A key of a later client that is shared by mistake tells one account of another;
/// one that is kept by mistake is asked for once more.
const SOUNDS: &[&str] = &[
    "account",
    "apikey",
    "authent",
    "authoriz",
    "billing",
    "cached",
    "credential",
    "credit",
    "eligib",
    "entitle",
    "experiment",
    "featureflag",
    "growthbook",
    "overage",
    "passes",
    "promo",
    "quota",
    "ratelimit",
    "secret",
    "subscription",
    "tier",
    "token",
    "usagelimit",
];

/// The same where it is a word of its own, as in `orgModel`, `lastSeenOrg` or `authState`.
const WORDS: [&str; 3] = ["auth", "oauth", "org"];

const TEXT: &str = include_str!("state-keys.tsv");
const ROWS: &[[&str; 2]] = &table::rows::<{ table::count(TEXT) }, 2>(TEXT);

/// Whether a top-level key stays in its file: it is an account's, or unknown and sounds like one.
pub fn is_private(key: &str) -> bool {
    table::find(ROWS, key).map_or_else(|| sounds_private(key), |[_, treatment]| *treatment == "private")
}

/// Whether a key crosses only while it is `true` on both sides or missing on one: a sign-out makes it false, and nobody else is to be asked again.
pub fn is_shared_when_true(key: &str) -> bool {
    table::find(ROWS, key).is_some_and(|[_, treatment]| *treatment == "shared when true")
}

/// Whether a key is in no table, but kept in its file for how it sounds.
pub fn is_unknown_and_private(key: &str) -> bool {
    table::find(ROWS, key).is_none() && sounds_private(key)
}

fn sounds_private(key: &str) -> bool {
    let small = key.to_ascii_lowercase();
    let is_word = |(at, word): (usize, &str)| {
        let rest = &key[at + word.len()..];
        let begins = at == 0 || key.as_bytes()[at].is_ascii_uppercase() || !key.as_bytes()[at - 1].is_ascii_alphanumeric();
        begins && rest.chars().next().is_none_or(|next| !next.is_ascii_lowercase())
    };
    SOUNDS.iter().any(|sound| small.contains(sound)) || WORDS.iter().any(|word| small.match_indices(word).any(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_an_account_stay() {
        for key in [ACCOUNT, CONSOLE_KEY, USAGE, "claudeCodeFirstTokenDate", "cachedExperimentFeatures", "feedbackRefusedByServer"] {
            assert!(is_private(key), "{key}");
        }
    }

    #[test]
    fn what_the_table_shares_is_shared_however_it_sounds() {
        for key in ["projects", "mcpServers", "theme", "userID", "hasCompletedOnboarding", "cachedChangelog", "knownAccounts"] {
            assert!(!is_private(key), "{key}");
        }
    }

    #[test]
    fn the_onboarding_is_shared_when_it_is_over() {
        assert!(is_shared_when_true("hasCompletedOnboarding") && !is_private("hasCompletedOnboarding"));
        assert!(!is_shared_when_true("theme") && !is_shared_when_true("hasCompletedSomething"));
    }

    #[test]
    fn an_unknown_key_that_sounds_like_an_account_s_stays() {
        for key in
            ["hybridOauthThing", "orgModelPick", "lastSeenOrg", "newSubscriptionNotice", "someTokenDate", "my_org_cache", "accountUuid", "authState"]
        {
            assert!(is_private(key), "{key}");
        }
        for key in ["mark", "organizeImports", "forgetMe", "newTheme", "disorganized", "coAuthored", "/home/clauth", "hasSeenSomething"] {
            assert!(!is_private(key), "{key}");
        }
    }
}
