//! What the sources say, read leniently: a part that is wrong is one that is missing.

use jiff::Timestamp;
use serde_json::Value;

use super::{ExtraUsage, Reading, Source, Span, Window};

/// The windows of models that have keys of their own.
const MODELS: [(&str, &str); 2] = [("seven_day_opus", "Opus"), ("seven_day_sonnet", "Sonnet")];

/// The kind of a limit that is for one model.
const SCOPED: &str = "weekly_scoped";

/// How many models are shown, and how many characters of a name: all of it comes from elsewhere.
const MOST_MODELS: usize = 12;
const LONGEST_NAME: usize = 40;

/// Reads the service's answer; `None` for JSON that is none, such as an error with status 200.
pub fn of_service(body: &Value, at: Timestamp) -> Option<Reading> {
    whole(body, Source::Service, at)
}

/// Reads what Claude Code keeps of the service's answer in `.claude.json`: `cachedUsageUtilization`, if it is this account's.
pub fn of_client_cache(cache: &Value, account: &str) -> Option<Reading> {
    let at = milliseconds(cache.get("fetchedAtMs")?)?;
    let is_own = cache.get("accountUuid").and_then(Value::as_str) == Some(account);
    is_own.then(|| whole(cache.get("utilization")?, Source::Client, at)).flatten()
}

/// Reads the `rate_limits` that Claude Code hands to a status line: each window that it knows of.
pub fn of_status_line(limits: &Value, at: Timestamp) -> Option<Reading> {
    let named = [("five_hour", Span::FiveHours), ("seven_day", Span::SevenDays)];
    let windows: Vec<_> = named.into_iter().filter_map(|(key, span)| Some((span, Some(window(limits.get(key)?, "used_percentage")?)))).collect();
    (!windows.is_empty()).then_some(Reading { source: Source::StatusLine, at, windows, extra: None })
}

fn whole(body: &Value, source: Source, at: Timestamp) -> Option<Reading> {
    let keys = ["five_hour", "seven_day", "limits"];
    let is_usage = keys.iter().any(|key| body.get(key).is_some_and(|value| value.is_null() || value.is_object() || value.is_array()));
    if !is_usage || body.get("error").is_some_and(|error| !error.is_null()) {
        return None;
    }
    let of = |key: &str| body.get(key).and_then(|value| window(value, "utilization"));
    let mut windows = vec![(Span::FiveHours, of("five_hour")), (Span::SevenDays, of("seven_day"))];
    let mut models: Vec<(String, Option<Window>)> = Vec::new();
    let scoped = body.get("limits").and_then(Value::as_array).into_iter().flatten().filter_map(scoped);
    // A key that is null is a model without a limit of its own.
    let keyed = MODELS.iter().filter(|(key, _)| body.get(key).is_some_and(Value::is_object)).map(|(key, name)| ((*name).to_owned(), of(key)));
    for (name, window) in scoped.chain(keyed) {
        let is_known = models.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name));
        if !is_known && models.len() < MOST_MODELS {
            models.push((name, window));
        }
    }
    windows.extend(models.into_iter().map(|(name, window)| (Span::Model(name), window)));
    Some(Reading { source, at, windows, extra: body.get("extra_usage").and_then(extra) })
}

/// Reads one of `limits` that is a model's.
fn scoped(limit: &Value) -> Option<(String, Option<Window>)> {
    let name = limit.pointer("/scope/model/display_name")?.as_str()?.trim();
    let is_model = limit.get("kind").and_then(Value::as_str) == Some(SCOPED) && !name.is_empty();
    is_model.then(|| (name.chars().take(LONGEST_NAME).collect(), window(limit, "percent")))
}

fn window(value: &Value, used: &str) -> Option<Window> {
    let used = number(value.get(used)?)?;
    Some(Window { used, resets_at: value.get("resets_at").and_then(time) })
}

fn extra(value: &Value) -> Option<ExtraUsage> {
    let amount = |key: &str| value.get(key).and_then(number);
    let currency =
        value.get("currency").and_then(Value::as_str).filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    Some(ExtraUsage {
        is_enabled: value.get("is_enabled")?.as_bool()?,
        limit: amount("monthly_limit"),
        spent: amount("used_credits"),
        currency: currency.unwrap_or("USD").to_uppercase(),
    })
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite() && *number >= 0.0)
}

/// The service writes times as RFC 3339, the status line in seconds since 1970.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant, and what is beyond any calendar is refused")]
        number => Timestamp::from_second(number.as_f64()? as i64).ok(),
    }
}

fn milliseconds(value: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(value.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn used(used: f64) -> Window {
        Window { used, resets_at: None }
    }

    #[test]
    fn a_window_without_a_number_is_unavailable_and_never_zero() {
        for (told, expected) in [
            (json!({"utilization": 12.5, "resets_at": null}), Some(used(12.5))),
            (json!({"utilization": 0, "resets_at": "soon"}), Some(used(0.0))),
            (json!({"utilization": 7}), Some(used(7.0))),
            (json!({"utilization": null, "resets_at": null}), None),
            (json!({"resets_at": "2026-11-21T14:00:00Z"}), None),
            (json!({"utilization": "12"}), None),
            (json!({"utilization": -1}), None),
            (json!(null), None),
        ] {
            let reading = of_service(&json!({"five_hour": told}), at()).unwrap_or_else(|| panic!("{told}"));
            assert_eq!(reading.windows, [(Span::FiveHours, expected), (Span::SevenDays, None)], "{told}");
        }
        let huge: Value = serde_json::from_str(r#"{"five_hour": {"utilization": 1e999}}"#).unwrap();
        assert_eq!(of_service(&huge, at()).unwrap().windows[0].1, None);
    }

    #[test]
    fn what_is_no_usage_is_no_reading() {
        let bodies = [json!({}), json!([]), json!("x"), json!({"error": {"type": "overloaded"}}), json!({"five_hour": 3})];
        for body in bodies.iter().chain([&json!({"five_hour": null, "error": {"type": "overloaded"}})]) {
            assert_eq!(of_service(body, at()), None, "{body}");
        }
    }

    #[test]
    fn models_are_told_once_by_their_names() {
        let scoped =
            |name: &str, percent: f64| json!({"kind": SCOPED, "percent": percent, "resets_at": null, "scope": {"model": {"display_name": name}}});
        let body = json!({
            "five_hour": null, "seven_day": null, "seven_day_opus": {"utilization": 5.0}, "seven_day_sonnet": null,
            "limits": [scoped("opus", 6.0), scoped("Fable", 7.0), scoped(" ", 8.0), scoped(&"x".repeat(90), 9.0),
                       {"kind": "session", "percent": 1.0}, {"kind": SCOPED, "scope": null}, 3],
        });
        let models: Vec<_> = of_service(&body, at()).unwrap().windows.split_off(2);
        let expected = [("opus".to_owned(), 6.0), ("Fable".into(), 7.0), ("x".repeat(LONGEST_NAME), 9.0)];
        assert_eq!(models, expected.map(|(name, percent)| (Span::Model(name), Some(used(percent)))));
        let many = json!({"limits": (0..99).map(|number| scoped(&number.to_string(), 1.0)).collect::<Vec<_>>()});
        assert_eq!(of_service(&many, at()).unwrap().windows.len(), 2 + MOST_MODELS);
    }

    #[test]
    fn the_clients_own_cache_counts_for_its_account_alone() {
        let cache = json!({"fetchedAtMs": 1_795_262_191_717_u64, "accountUuid": "a", "utilization": {"five_hour": {"utilization": 3}}});
        assert_eq!(of_client_cache(&cache, "a").unwrap().at.as_millisecond(), 1_795_262_191_717);
        assert_eq!(of_client_cache(&cache, "b"), None);
        for broken in [json!(null), json!({"accountUuid": "a"}), json!({"fetchedAtMs": 1, "utilization": {"five_hour": null}})] {
            assert_eq!(of_client_cache(&broken, "a"), None, "{broken}");
        }
    }

    #[test]
    fn a_status_line_tells_what_it_knows_of() {
        let limits = json!({"five_hour": {"used_percentage": 12, "resets_at": 1_795_271_197}});
        let resets_at = Some("2026-11-21T14:26:37Z".parse().unwrap());
        assert_eq!(of_status_line(&limits, at()).unwrap().windows, [(Span::FiveHours, Some(Window { used: 12.0, resets_at }))]);
        for nothing in [json!(null), json!({}), json!({"five_hour": null, "seven_day": {"used_percentage": null}})] {
            assert_eq!(of_status_line(&nothing, at()), None, "{nothing}");
        }
        let far = json!({"five_hour": {"used_percentage": 1, "resets_at": 1e300}});
        assert_eq!(of_status_line(&far, at()).unwrap().windows[0].1, Some(used(1.0)));
    }

    #[test]
    fn what_may_be_spent_beyond_is_in_the_smallest_unit() {
        let body = json!({"five_hour": null, "extra_usage": {"is_enabled": true, "monthly_limit": null, "used_credits": 1234, "currency": "eur"}});
        let expected = ExtraUsage { is_enabled: true, limit: None, spent: Some(1234.0), currency: "EUR".into() };
        assert_eq!(of_service(&body, at()).unwrap().extra, Some(expected));
        for broken in [json!(null), json!({"is_enabled": null}), json!(7)] {
            assert_eq!(of_service(&json!({"five_hour": null, "extra_usage": broken}), at()).unwrap().extra, None);
        }
    }
}
