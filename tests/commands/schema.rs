//! The fields of `--json`, each of them named in the README.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Holder, Sandbox, wait_until};

/// Collects the names of all fields; those of variables are values, in a way.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().filter(|(name, _)| name.chars().any(char::is_lowercase)).for_each(|(name, value)| {
            into.insert(name.clone());
            fields(value, into);
        }),
        Value::Array(array) => array.iter().for_each(|value| fields(value, into)),
        _ => {}
    }
}

#[test]
fn every_field_is_named_in_the_readme() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let documented = readme.split("\n## JSON\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("home/w", "work");
    sandbox.sign_in("work", "me@corp.example");
    let told = |used: f64| json!({"utilization": used, "resets_at": "2100-01-01T00:00:00Z"});
    let state = json!({
        "oauthAccount": {"accountUuid": "one", "emailAddress": "me@corp.example"},
        "cachedUsageUtilization": {"fetchedAtMs": jiff::Timestamp::now().as_millisecond(), "accountUuid": "one", "utilization": {
            "five_hour": told(1.0), "seven_day": told(2.0), "seven_day_opus": told(3.0),
            "extra_usage": {"is_enabled": true, "monthly_limit": 5000, "used_credits": 1, "utilization": 1.0, "currency": "USD"},
        }},
    });
    sandbox.write(sandbox.runtime("work").join(".claude.json"), state.to_string());
    sandbox.mkdir("home/.config/Code");
    let _user = Holder::exec(&sandbox, "work");
    wait_until("the helper is up", || sandbox.status(&directory)["helper"].is_object());
    for arguments in [&["status"][..], &["list"], &["usage"], &["doctor"], &["env", "work"]] {
        let mut names = BTreeSet::new();
        fields(&sandbox.clauth_in(&directory, &[arguments, &["--json"]].concat()).json(), &mut names);
        let missing: Vec<_> = names.iter().filter(|name| *name != "schema" && !documented.contains(&format!("`{name}`"))).collect();
        let deepest: &[&str] = if arguments[0] == "usage" { &["currency", "model", "utilization"] } else { &[] };
        assert!(deepest.iter().all(|name| names.contains(*name)), "{names:?}");
        assert!(missing.is_empty() && names.len() > 4, "{arguments:?}: not in the README: {missing:?}");
    }
}
