//! Who is signed in, and whom the service is not asked for: said with the way out, by `usage`, `list` and `status` alike.

use serde_json::{Value, json};

use super::{World, body, milliseconds_ago};
use crate::support::finished::Finished;

/// Asserts what `usage` says of the profile `work` in place of asking.
#[track_caller]
fn says(world: &World, state: &str, note: &str) {
    let mut command = world.sandbox.command("clauth");
    command.args(["usage", "work"]).env("COLUMNS", "100");
    let shown = Finished::run(command).success();
    assert!(shown.stdout().lines().nth(1).is_some_and(|line| line.starts_with(&format!("  {note}"))), "{shown:?}");
    assert_eq!((shown.stderr(), &world.json("work")["state"]), ("", &json!(state)));
    assert_eq!(world.asked(), 0);
}

#[test]
fn who_cannot_be_asked_for_is_told_why() {
    let world = World::new(&["work"]);
    world.write_login("work", &json!({"expiresAt": milliseconds_ago(7200)}));
    says(&world, "expired", "the token expired 2 h ago: run `clauth refresh work`, or use it once");
    world.write_login("work", &json!({"scopes": ["user:inference"]}));
    says(&world, "messages_only", "a long-lived token: the service tells it no usage windows");
    world.write_login("work", &json!({"accountUuid": "somebody-else"}));
    says(&world, "other_account", "the login is of another account than .claude.json names: run `clauth login work`");
    // As Claude Code leaves one that was revoked.
    world.write_login("work", &json!({"accessToken": "", "refreshToken": "", "expiresAt": 0}));
    says(&world, "login_ended", "the login has ended: run `clauth login work`");
    world.write_login("work", &json!({"accountUuid": null}));
    world.sandbox.write(world.sandbox.runtime("work").join(".claude.json"), "{}");
    says(&world, "unknown_account", "whose login it is, is not known yet: run `clauth start work` once");
    world.sandbox.write(world.sandbox.runtime("work").join(".claude.json"), r#"{"oauthAccount": {"accountUuid": "../../escape"}}"#);
    says(&world, "unknown_account", "whose login it is");
    std::fs::remove_file(world.sandbox.runtime("work").join(".credentials.json")).unwrap();
    says(&world, "signed_out", "not signed in: run `clauth login work`");
    world.sandbox.sign_in_to_console("home/.clauth/profiles/work/anthropic", "console@example.com");
    says(&world, "other_sign_in", "a Console account's or an organization's sign-in: the service tells it no usage windows");
    std::fs::remove_dir_all(world.sandbox.path("home/.clauth/profiles/work/anthropic")).unwrap();
    world
        .sandbox
        .write(world.sandbox.runtime("work").join(".credentials.json"), r#"{"hybridOauth": {"refreshToken": "r", "organizationUuid": "o"}}"#);
    says(&world, "other_sign_in", "a Console account's or an organization's sign-in");
    std::fs::remove_file(world.sandbox.runtime("work").join(".credentials.json")).unwrap();
    assert!(!world.sandbox.path("home/.clauth/usage").exists());

    let profile = world.sandbox.read("home/.clauth/profiles/work/profile.toml");
    world.sandbox.write("home/.clauth/profiles/work/profile.toml", profile + "api_key = \"sk-ant-api-KEY\"\n");
    world.write_login("work", &json!({}));
    says(&world, "api_key", "API key: no usage windows");
}

#[test]
fn what_is_known_is_shown_though_the_token_has_expired() {
    let world = World::new(&["work"]);
    world.usage(&[]).success();
    world.age("work", 7200);
    world.write_login("work", &json!({"expiresAt": milliseconds_ago(60)}));
    let shown = world.usage(&["work"]).success();
    assert!(shown.stdout().contains("the token expired 1 min ago") && shown.stdout().contains(" 42 %"), "{shown:?}");
    assert!(shown.stdout().contains("as of 2 h ago, by the service"), "{shown:?}");
    assert_eq!(world.asked(), 1);
}

#[test]
fn figures_of_another_account_are_not_shown() {
    let world = World::new(&["work"]);
    let told = json!({"fetchedAtMs": milliseconds_ago(10), "accountUuid": "account-work", "utilization": body(12.0, 34.0)});
    world.sign_in("work", &json!({"cachedUsageUtilization": told}));
    world.write_login("work", &json!({"accountUuid": "somebody-else"}));
    assert!(!world.usage(&["work"]).success().stdout().contains('%'));
    assert_eq!(world.json("work")["five_hour"], Value::Null);
}

#[test]
fn list_and_status_flag_a_token_of_another_account_by_its_uuid() {
    let world = World::new(&["good", "work"]);
    world.write_login("work", &json!({"accountUuid": "somebody-else"}));
    let sandbox = &world.sandbox;
    assert_eq!(
        sandbox.clauth(&["list"]).success().profiles(),
        "good  me@good.example  Corp  max  token until 2100-01-01 00:00\n\
         work  me@work.example  Corp  max  token until 2100-01-01 00:00  the token is another account's: run `clauth login work`\n"
    );
    let listed = sandbox.clauth(&["list", "--json"]).success().json();
    assert_eq!([0, 1].map(|profile: usize| listed["profiles"][profile]["other_account"].clone()), [json!(false), json!(true)]);
    for (profile, is_flagged) in [("good", false), ("work", true)] {
        let directory = sandbox.bind(profile, profile);
        let told = sandbox.clauth_in(&directory, &["status"]).success();
        assert!(told.stdout().contains("login       Corp · max · token until 2100-01-01 00:00\n"), "{told:?}");
        let advice = format!("trouble     the login is of another account than .claude.json names: run `clauth login {profile}`\n");
        assert_eq!(told.stdout().contains(&advice), is_flagged, "{told:?}");
        let status = sandbox.status(&directory);
        assert_eq!((&status["other_account"], &status["plan"], &status["organization"]), (&json!(is_flagged), &json!("max"), &json!("Corp")));
        assert_eq!(status["token_expires_at"], "2100-01-01T00:00:00Z");
    }
    // A token that nobody named is not suspected.
    world.write_login("work", &json!({"accountUuid": null}));
    assert!(!sandbox.clauth(&["list"]).success().stdout().contains("another account"));
}

#[test]
fn columns_stand_below_each_other_whatever_the_names_are() {
    let world = World::new(&["a", "long-name"]);
    let named = |organization: &str, address: &str| json!({"oauthAccount": {"accountUuid": "account-a", "emailAddress": address, "organizationName": organization}});
    world.sign_in("a", &named("日本コープ", "e\u{301}@a.example"));
    world.sign_in("long-name", &named("\u{1b}[31mx", "me@long-name.example"));
    assert_eq!(
        world.sandbox.clauth(&["list"]).success().profiles().replace("  the token is another account's: run `clauth login long-name`", ""),
        "a          e\u{301}@a.example           日本コープ   max  token until 2100-01-01 00:00\n\
         long-name  me@long-name.example  \\u{1b}[31mx  max  token until 2100-01-01 00:00\n"
    );
    // Nothing to say in a column, no column.
    world.write_login("a", &json!({"subscriptionType": null, "expiresAt": milliseconds_ago(3600)}));
    world.sandbox.clauth(&["remove", "long-name", "--yes"]).success();
    let told = world.sandbox.clauth(&["list"]).success();
    assert!(told.stdout().starts_with("a  e\u{301}@a.example  日本コープ  token ended "), "{told:?}");
}
