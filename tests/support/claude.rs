//! The client's side of a sandbox: a config dir as Claude Code leaves it, and a `claude` that tells what it was given.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The account that `~/.claude` of a sandbox is signed in to.
pub(crate) const HOME_ACCOUNT: &str = "me@home.example";

/// The stand-in for the client; a file of its own, so that it can be linted.
pub(crate) const FAKE_CLAUDE: &str = if cfg!(windows) { include_str!("claude.cmd") } else { include_str!("claude.sh") };

const DOT_CLAUDE_JSON: &str = r#"{
  "numStartups": 12,
  "theme": "dark",
  "hasCompletedOnboarding": true,
  "userID": "5f0c1b9e2d7a4c63",
  "projects": {"/srv/example": {"hasTrustDialogAccepted": true, "allowedTools": []}},
  "oauthAccount": {
    "accountUuid": "11111111-1111-4111-8111-111111111111",
    "emailAddress": "me@home.example",
    "organizationUuid": "22222222-2222-4222-8222-222222222222",
    "organizationName": "home"
  },
  "customApiKeyResponses": {"approved": [], "rejected": []},
  "hasAvailableSubscription": true,
  "cachedUsageUtilization": {
    "fetchedAtMs": 1700000000000,
    "accountUuid": "11111111-1111-4111-8111-111111111111",
    "utilization": {"five_hour": {"utilization": 7, "resets_at": null}, "seven_day": null}
  }
}
"#;

/// `expiresAt` lies in the year 2100: no test meets a login that is about to expire unless it writes one.
const CREDENTIALS: &str = r#"{
  "claudeAiOauth": {
    "accessToken": "home-access",
    "refreshToken": "home-refresh",
    "expiresAt": 4102444800000,
    "refreshTokenExpiresAt": 4102444800000,
    "scopes": ["user:inference", "user:profile"],
    "subscriptionType": "max",
    "subscriptionTypeSource": "profile",
    "rateLimitTier": "default"
  },
  "mcpOAuth": {"example": {"accessToken": "home-mcp"}}
}
"#;

/// The directories that the client makes at its first starts, or a user soon after.
const DIRECTORIES: [&str; 10] =
    ["backups", "commands", "file-history", "plans", "plugins", "projects/-srv-example", "session-env", "sessions", "shell-snapshots", "skills"];

/// Makes `~/.claude` and `~/.claude.json` below `home`, with one login, one command and one transcript.
pub(crate) fn settle(home: &Path) {
    let directory = home.join(".claude");
    for name in DIRECTORIES {
        fs::create_dir_all(directory.join(name)).unwrap();
    }
    let files = [
        ("settings.json", "{}\n"),
        ("history.jsonl", "{\"display\":\"hello\"}\n"),
        ("CLAUDE.md", "Be brief.\n"),
        ("commands/review.md", "Review it.\n"),
        ("plugins/installed_plugins.json", "{\"version\":1,\"plugins\":{}}\n"),
        ("projects/-srv-example/session.jsonl", "{\"type\":\"user\"}\n"),
        (".credentials.json", CREDENTIALS),
    ];
    for (name, text) in files {
        fs::write(directory.join(name), text).unwrap();
    }
    fs::write(home.join(".claude.json"), DOT_CLAUDE_JSON).unwrap();
    #[cfg(unix)]
    for private in [directory.join(".credentials.json"), home.join(".claude.json")] {
        fs::set_permissions(private, fs::Permissions::from_mode(0o600)).unwrap();
    }
}
