//! Who told it: the service, Claude Code or its status line; the newest word counts.

use serde_json::{Value, json};

use super::{World, account, ago, body, milliseconds_ago};

fn client_cache(profile: &str, seconds: u64, told: &Value) -> Value {
    json!({"cachedUsageUtilization": {"fetchedAtMs": milliseconds_ago(seconds), "accountUuid": account(profile), "utilization": told}})
}

#[test]
fn what_claude_code_was_told_lately_is_not_asked_again() {
    let world = World::new(&["work"]);
    world.sign_in("work", &client_cache("work", 100, &body(12.0, 34.0)));
    let told = world.json("work");
    assert_eq!((&told["five_hour"]["utilization"], &told["five_hour"]["source"]), (&json!(12.0), &json!("client")));
    assert_eq!(told["five_hour"]["age_seconds"].as_u64().unwrap() / 10, 10);
    assert_eq!(told["models"].as_array().unwrap().len(), 2);
    assert_eq!(world.asked(), 0);
    // Longer ago, it is.
    world.sign_in("work", &client_cache("work", 200, &body(12.0, 34.0)));
    let told = world.json("work");
    assert_eq!((&told["five_hour"]["utilization"], &told["five_hour"]["source"]), (&json!(42.0), &json!("service")));
    // And newer than the service's word, it counts again.
    world.age("work", 100);
    world.sign_in("work", &client_cache("work", 50, &body(13.0, 34.0)));
    assert_eq!(world.used("work")[0], 13.0);
    assert_eq!(world.asked(), 1);
}

#[test]
fn what_claude_code_was_told_of_another_account_or_in_the_future_is_nothing() {
    let world = World::new(&["work"]);
    let mut future = client_cache("work", 0, &body(12.0, 34.0));
    future["cachedUsageUtilization"]["fetchedAtMs"] = json!(milliseconds_ago(0) + 600_000);
    for (number, cache) in [client_cache("other", 10, &body(12.0, 34.0)), future, json!({"cachedUsageUtilization": 7})].iter().enumerate() {
        world.sign_in("work", cache);
        assert_eq!(world.used("work")[0], 42.0, "{cache}");
        assert_eq!(world.asked(), number + 1);
        std::fs::remove_file(world.cache("work")).unwrap();
    }
}

#[test]
fn what_is_null_or_missing_is_unavailable_and_never_nothing() {
    let world = World::new(&["work"]);
    let told = json!({"five_hour": {"utilization": null, "resets_at": null}, "seven_day_opus": {"utilization": null}});
    world.sign_in("work", &client_cache("work", 10, &told));
    let shown = world.usage(&["work"]).success();
    assert!(shown.stdout().contains("  5 hours  Unavailable\n  7 days   Unavailable\n  Opus     Unavailable\n"), "{shown:?}");
    assert!(!shown.stdout().contains('%'), "{shown:?}");
    assert_eq!(world.used("work"), [json!(null), json!(null)]);
    // What is 0 is 0.
    world.sign_in("work", &client_cache("work", 10, &json!({"five_hour": {"utilization": 0, "resets_at": null}})));
    assert!(world.usage(&["work"]).success().stdout().contains("  0 %\n  7 days   Unavailable\n"));
}

#[test]
fn a_window_that_began_anew_is_not_shown_as_it_was() {
    let world = World::new(&["work"]);
    let told = json!({"five_hour": {"utilization": 93, "resets_at": ago(30)}, "seven_day": {"utilization": 93, "resets_at": null}});
    world.sign_in("work", &client_cache("work", 100, &told));
    let told = world.json("work");
    assert_eq!((&told["five_hour"]["utilization"], &told["five_hour"]["has_reset"]), (&json!(null), &json!(true)));
    assert_eq!((&told["seven_day"]["utilization"], &told["seven_day"]["has_reset"]), (&json!(93.0), &json!(false)));
    let shown = world.usage(&["work"]).success();
    let first = shown.stdout().lines().nth(1).unwrap();
    assert!(first.starts_with("  5 hours  reset ") && first.ends_with(", and not known since"), "{shown:?}");
    assert_eq!(shown.stdout().matches("93 %").count(), 1, "{shown:?}");
    assert!(world.status_line("work", "{}").success().stdout().starts_with("work · 5h reset · 7d 93%"));
}

#[test]
fn a_status_line_lends_its_figures_and_denies_no_model() {
    let world = World::new(&["work"]);
    world.usage(&[]).success();
    world.age("work", 600);
    let limits = r#"{"rate_limits": {"five_hour": {"used_percentage": 50, "resets_at": 4102444800}, "seven_day": {"used_percentage": 60}}}"#;
    world.status_line("work", limits).success();
    let told = world.json("work");
    assert_eq!((&told["five_hour"]["source"], &told["five_hour"]["utilization"]), (&json!("status_line"), &json!(50.0)));
    assert_eq!(told["five_hour"]["resets_at"], "2100-01-01T00:00:00Z");
    assert_eq!((&told["models"][0]["source"], &told["models"][0]["age_seconds"].as_u64().map(|age| age / 10)), (&json!("service"), &Some(60)));
    let shown = world.usage(&["work"]).success();
    let (_, ages) = shown.stdout().split_once("5 hours, 7 days as of ").unwrap_or_else(|| panic!("{shown:?}"));
    let (seconds, others) = ages.split_once(" s ago, by its status line\n").unwrap_or_else(|| panic!("{shown:?}"));
    assert!(seconds.parse::<u8>().is_ok() && others.starts_with("  Fable, Sonnet as of 10 min ago, by the service\n"), "{shown:?}");
    assert_eq!(world.asked(), 1, "what a status line told lately is not asked");
}
