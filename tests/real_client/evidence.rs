//! What the mock saw: whose credential came with each request, and where a request went that belongs to the client's own services.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::rig::{Freshness, Rig, read_json};

/// The services of the client's maker.
const OWN_HOSTS: [&str; 5] = ["api.anthropic.com", "platform.claude.com", "claude.com", "claude.ai", "localhost"];

/// The OAuth clients that Claude Code signs in as: for claude.ai, and for a Console account.
const OWN_CLIENTS: [&str; 2] = ["9d1c250a-e61b-44d9-88ed-5944d1962f5e", CONSOLE_CLIENT];
const CONSOLE_CLIENT: &str = "41077d10-94b8-4194-be48-d251e9eb21b4";

/// Returns everyone whose credential was in a request, and besides every foreign host, foreign OAuth client and foreign grant.
///
/// A directory whose account is right has exactly one entry, the account; one that is refused has none.
pub(super) fn senders(requests: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for request in requests {
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let is_own_login = request["kind"] != "authorize" && request["kind"] != "none";
        found.extend([text("token"), text("also_apikey")]);
        found.extend(is_own_login.then(|| text("account")));
        let host = text("host");
        if !OWN_HOSTS.contains(&host.split(':').next().unwrap()) {
            found.insert(format!("host {host}"));
        }
        let client = request["req"]["client_id"].as_str().unwrap_or(OWN_CLIENTS[0]);
        if !OWN_CLIENTS.contains(&client) {
            found.insert(format!("client {client}"));
        }
        if request["req"]["grant_type"].as_str().is_some_and(|grant| grant.ends_with("jwt-bearer")) {
            found.insert("federation".into());
        }
    }
    found.remove("");
    found
}

/// Asserts that what came since there were so many requests carries the credential of this account and of nobody else, and that the client took itself for it.
#[track_caller]
pub(super) fn assert_only(rig: &Rig, before: usize, account: &str, what: &str) {
    let requests = rig.requests().split_off(before);
    assert_eq!(senders(&requests), [account.to_owned()].into(), "{what}: {requests:#?}");
    assert!(requests.iter().any(|request| request["path"] == "/v1/messages" && request["status"] == 200), "{what}: {requests:#?}");
}

/// Asserts that nothing was sent since there were so many requests: no message, and no credential of anybody.
#[track_caller]
pub(super) fn assert_nobody(rig: &Rig, before: usize, what: &str) {
    let requests = rig.requests().split_off(before);
    assert!(senders(&requests).is_empty(), "{what}: {requests:#?}");
    assert!(requests.iter().all(|request| request["path"] != "/v1/messages"), "{what}: {requests:#?}");
}

/// Signs an account in to a directory of its own and returns its access token and its refresh token.
pub(super) fn tokens(rig: &Rig, account: &str) -> [String; 2] {
    let directory = rig.sandbox.mkdir(format!("elsewhere/{account}"));
    rig.sign_in(account, &directory, &directory.join(".claude.json"), Freshness::Fresh);
    let login = read_json(&directory.join(".credentials.json"));
    ["accessToken", "refreshToken"].map(|key| login["claudeAiOauth"][key].as_str().unwrap().to_owned())
}

/// Names the two kinds of an Anthropic profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A Console account signed in, as the client's `/login` does.
    Console,
    /// A federation, whose token was exchanged already; it wins over a stored login.
    Federation,
}

/// Makes the active Anthropic profile `default` in a directory, in the layout that the client writes.
pub(super) fn make_anthropic_profile(rig: &Rig, directory: &Path, account: &str, kind: Kind) {
    let [access, refresh] = tokens(rig, account);
    let write = |name: &str, text: String| rig.sandbox.write(directory.join(name), text);
    let identity = directory.join("identity");
    let authentication = match kind {
        Kind::Console => json!({"type": "user_oauth", "client_id": CONSOLE_CLIENT, "scope": "user:inference"}),
        Kind::Federation => json!({
            "type": "oidc_federation", "federation_rule_id": "rule", "service_account_id": "service",
            "identity_token": {"source": "file", "path": identity},
        }),
    };
    let organization = "22222222-2222-4222-8222-222222222222";
    let config = json!({
        "version": "1.0", "organization_id": organization, "created_by": "claude-code", "authentication": authentication,
    });
    let credentials = json!({
        "version": "1.0", "type": "oauth_token", "access_token": access, "refresh_token": refresh, "expires_at": 4_102_444_800_u64,
        "scope": "user:inference", "organization_uuid": organization, "organization_name": account,
        "account_email": format!("{account}@example.test"), "created_by": "claude-code",
    });
    write("active_config", "default".into());
    write("identity", "made-up".into());
    write("configs/default.json", config.to_string());
    let login = write("credentials/default.json", credentials.to_string());
    // The client takes no credentials that others could read.
    for (path, mode) in [(login.parent().unwrap(), 0o700), (login.as_path(), 0o600)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
}
