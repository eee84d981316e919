//! What clauth 0.3 to 0.5 put into `~/.claude` for the profile that was active.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::take_over::{Old, PLACES, login};
use crate::support::files::{age, text, write};

/// Returns a place below the home directory.
fn home(old: &Old, relative: &str) -> PathBuf {
    old.sandbox.path("home").join(relative)
}

/// Makes the old profile the active one, with a login of its own.
fn active() -> Old {
    let old = Old::new();
    old.sandbox.write("home/.clauth/profiles.toml", "active_profile = \"old\"\nprofiles = [\"old\"]\nfallback_chain = []\n");
    old.put(PLACES[1], &login("a", 1), 100);
    old
}

/// Lets `~/.claude` use the profile's login, as the older one did.
fn link_login(old: &Old) -> PathBuf {
    let place = home(old, ".claude/.credentials.json");
    let _ = fs::remove_file(&place);
    symlink(old.directory.join(PLACES[1]), &place).unwrap();
    place
}

fn settings(old: &Old) -> String {
    text(&home(old, ".claude/settings.json")).unwrap_or_default()
}

#[test]
fn the_active_login_moves_into_the_profile_which_becomes_the_default() {
    for is_link in [true, false] {
        let old = active();
        let place = link_login(&old);
        if !is_link {
            fs::remove_file(&place).unwrap();
            write(&place, login("a", 1));
        }
        old.sandbox.write("home/.clauth/config.toml", "quiet = true\n");
        let said = old.sandbox.clauth(&["list"]).success().stderr().to_owned();
        assert!(said.contains("default_profile") && said.contains("signed out"), "{said}");
        assert!(fs::symlink_metadata(&place).is_err(), "one login, one place");
        assert_eq!(text(&old.login()).as_deref(), Some(login("a", 1).as_str()));
        assert_eq!(text(&home(&old, ".clauth/config.toml")).unwrap(), "default_profile = \"old\"\nquiet = true\n");
        let status = old.sandbox.clauth(&["status"]).success().stdout().to_owned();
        assert!(status.contains("old"), "{status}");
    }
}

#[test]
fn a_default_that_the_user_chose_stays() {
    let old = active();
    old.sandbox.write("home/.clauth/config.toml", "default_profile = \"other\"\n");
    link_login(&old);
    old.take_over();
    assert_eq!(text(&home(&old, ".clauth/config.toml")).unwrap(), "default_profile = \"other\"\n");
}

#[test]
fn a_login_that_went_on_in_the_home_directory_is_not_spent_twice() {
    let old = active();
    let place = home(&old, ".claude/.credentials.json");
    write(&place, login("b", 2));
    let said = old.sandbox.clauth(&["list"]).success().stderr().to_owned();
    assert!(said.contains("clauth capture old"), "{said}");
    assert_eq!(text(&place).as_deref(), Some(login("b", 2).as_str()));
    assert!(fs::symlink_metadata(old.login()).is_err(), "the spent one is nowhere that a client looks");
    assert!(old.texts().contains(&login("a", 1)), "it is kept");
}

#[test]
fn a_login_of_another_account_or_an_older_one_or_of_no_active_profile_stays_beside() {
    let with_account = |token: &str, account: &str| login(token, 1).replace("\"expiresAt\"", &format!("\"accountUuid\":\"{account}\",\"expiresAt\""));
    let by_login = active();
    by_login.put(PLACES[1], &with_account("a", "one"), 100);
    write(&home(&by_login, ".claude/.credentials.json"), with_account("b", "two"));
    let by_identity = active();
    write(&home(&by_identity, ".claude/.credentials.json"), login("b", 1));
    write(&home(&by_identity, ".claude.json"), r#"{"oauthAccount":{"accountUuid":"two"}}"#);
    write(&by_identity.directory.join("runtime/.claude.json"), r#"{"oauthAccount":{"accountUuid":"one"}}"#);
    let by_age = active();
    write(&home(&by_age, ".claude/.credentials.json"), login("b", 1));
    age(&home(&by_age, ".claude/.credentials.json"), 3_000_000_000 - 1_700_000_000);
    let inactive = active();
    fs::remove_file(home(&inactive, ".clauth/profiles.toml")).unwrap();
    write(&home(&inactive, ".claude/.credentials.json"), login("b", 1));
    for (case, old) in [("login", by_login), ("identity", by_identity), ("age", by_age), ("inactive", inactive)] {
        old.take_over();
        assert!(text(&old.login()).is_some_and(|text| text.contains("refresh-a")), "{case}");
        assert!(text(&home(&old, ".claude/.credentials.json")).is_some_and(|text| text.contains("refresh-b")), "{case}");
        assert!(!home(&old, ".clauth/config.toml").exists(), "{case}");
    }
}

#[test]
fn a_profile_that_is_in_use_by_the_older_one_waits() {
    let old = active();
    link_login(&old);
    let refused = |because: &str| {
        let said = old.sandbox.clauth(&["list"]).stderr().to_owned();
        assert!(said.contains(because), "{said}");
        assert!(home(&old, ".claude/.credentials.json").exists() && old.directory.join(PLACES[1]).exists());
        assert!(!old.directory.join("profile.toml").exists());
    };
    let client = home(&old, &format!(".claude/sessions/{}.json", std::process::id()));
    write(&client, "{}");
    refused("end it first");
    fs::remove_file(client).unwrap();
    let session = old.directory.join(format!("sessions/{}", std::process::id()));
    write(&session, "");
    let held = File::open(&session).unwrap();
    fs4::FileExt::lock(&held).unwrap();
    refused("an older clauth still runs");
    fs4::FileExt::unlock(&held).unwrap(); // by name: a child that another test forks just now has the open file too
    old.take_over();
    assert!(old.login().exists());
}

#[test]
fn an_endpoint_in_the_shared_settings_is_taken_back() {
    let old = active();
    fs::remove_file(old.directory.join(PLACES[1])).unwrap();
    old.put("config.toml", "base_url = \"https://proxy.example\"\napi_key = \"sk-key\"\n[env]\nMINE = \"1\"\nOTHER = \"1\"\n", 5);
    let env = r#""ANTHROPIC_BASE_URL":"https://proxy.example","ANTHROPIC_AUTH_TOKEN":"sk-key","MINE":"1","OTHER":"2","KEPT":"3""#;
    old.sandbox.write("home/.claude/settings.json", format!(r#"{{"theme":"dark","env":{{{env}}}}}"#));
    write(&old.directory.join("runtime/settings.json"), format!(r#"{{"theme":"light","env":{{{env}}}}}"#));
    old.take_over();
    let expected = serde_json::json!({"theme": "dark", "env": {"OTHER": "2", "KEPT": "3"}});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&settings(&old)).unwrap(), expected);
    assert!(old.texts().iter().any(|text| text.contains("sk-key") && text.contains("dark")), "what was there is kept");
    // And it does not come back with the settings that the older one wrote for the profile.
    old.sandbox.clauth(&["exec", "old", "--", "true"]).success();
    assert!(!settings(&old).contains("sk-key"), "{}", settings(&old));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&settings(&old)).unwrap(), expected);
    let own = text(&old.directory.join("runtime/settings.json")).unwrap();
    assert!(own.contains("https://proxy.example") && own.contains("api-key old") && !own.contains("sk-key"), "{own}");
}

#[test]
fn a_linked_claude_json_becomes_the_profiles_own() {
    let old = active();
    old.sandbox.write("home/.claude.json", r#"{"theme":"dark","oauthAccount":{"emailAddress":"me@home"}}"#);
    symlink(home(&old, ".claude.json"), old.directory.join("runtime/.claude.json")).unwrap();
    old.sandbox.clauth(&["exec", "old", "--", "true"]).success();
    let own = text(&old.directory.join("runtime/.claude.json")).unwrap();
    assert!(own.contains("dark") && !own.contains("me@home"), "{own}");
    assert!(text(&home(&old, ".claude.json")).unwrap().contains("me@home"));
}
