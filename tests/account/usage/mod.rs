//! `clauth usage` and `clauth statusline`, against a service on loopback.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::service::{Request, Service, answer};

mod answers;
mod asking;
mod real_client;
mod secrets;
mod shown;
mod sources;
mod standing;
mod status_line;

/// What the beginning of each access token is; the profile's name follows.
const TOKEN: &str = "sk-ant-oat01-ACCESS-";

/// Holds signed-in profiles and the service that knows them.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    service: Service,
}

impl World {
    /// Makes the profiles; the service tells each of them 42 % and 97 %.
    fn new(profiles: &[&str]) -> Self {
        Self::with(profiles, |_| answer(200, &body(42.0, 97.0).to_string()))
    }

    /// Makes the profiles with a service that answers so.
    fn with(profiles: &[&str], told: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::on(profiles, Service::start(told))
    }

    /// Makes the profiles beside a service.
    pub(crate) fn on(profiles: &[&str], service: Service) -> Self {
        let mut sandbox = Sandbox::with_profiles(profiles);
        sandbox.set_variable("CLAUTH_SERVICES", service.url());
        sandbox.set_variable("TZ", "UTC0");
        let world = Self { sandbox, service };
        for profile in profiles {
            world.sign_in(profile, &json!({}));
        }
        world
    }

    /// Signs a profile in, each to an account of its own; `more` is put into its `.claude.json`.
    fn sign_in(&self, profile: &str, more: &Value) {
        let mut state = json!({"oauthAccount": {
            "accountUuid": account(profile), "organizationUuid": "org", "emailAddress": format!("me@{profile}.example"), "organizationName": "Corp",
        }});
        state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.sandbox.write(self.sandbox.runtime(profile).join(".claude.json"), state.to_string());
        self.write_login(profile, &json!({}));
    }

    /// Writes a profile's login; what `more` has replaces the usual.
    fn write_login(&self, profile: &str, more: &Value) {
        let mut login = json!({
            "accessToken": format!("{TOKEN}{profile}"), "refreshToken": format!("sk-ant-ort01-REFRESH-{profile}"), "expiresAt": 4_102_444_800_000_u64,
            "scopes": ["user:inference", "user:profile"], "subscriptionType": "max", "accountUuid": account(profile),
        });
        login.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.sandbox.write(self.sandbox.runtime(profile).join(".credentials.json"), json!({"claudeAiOauth": login}).to_string());
    }

    fn usage(&self, arguments: &[&str]) -> Finished {
        self.sandbox.clauth(&[&["usage"], arguments].concat())
    }

    /// Returns what `--json` says of a profile.
    fn json(&self, profile: &str) -> Value {
        self.usage(&[profile, "--json"]).success().json()["profiles"][0].take()
    }

    /// Returns what is used of the two windows of a profile.
    fn used(&self, profile: &str) -> [Value; 2] {
        let mut told = self.json(profile);
        ["five_hour", "seven_day"].map(|window| told[window]["utilization"].take())
    }

    /// Returns how often the service was asked.
    fn asked(&self) -> usize {
        self.service.requests().len()
    }

    /// Returns the file of a profile's account.
    fn cache(&self, profile: &str) -> PathBuf {
        self.sandbox.path("home/.clauth/usage").join(account(profile) + ".json")
    }

    /// Lets everything that is known have happened so many seconds ago.
    fn age(&self, profile: &str, seconds: u64) {
        let text = fs::read_to_string(self.cache(profile)).unwrap();
        let mut kept: Value = serde_json::from_str(&text).unwrap();
        let earlier = json!(ago(seconds));
        for known in kept["organizations"].as_object_mut().unwrap().values_mut() {
            known["asked_at"] = earlier.clone();
            for reading in known["readings"].as_array_mut().unwrap() {
                reading["at"] = earlier.clone();
            }
        }
        fs::write(self.cache(profile), kept.to_string()).unwrap();
    }

    /// Runs `clauth statusline` of a profile with this input.
    fn status_line(&self, profile: &str, input: &str) -> Finished {
        status_line(&self.sandbox, Some(&self.sandbox.runtime(profile)), input)
    }
}

/// Runs `clauth statusline` as a client with this config directory does.
fn status_line(sandbox: &Sandbox, config_dir: Option<&Path>, input: &str) -> Finished {
    let file = sandbox.write("input", input);
    let mut command = sandbox.command("clauth");
    command.arg("statusline").stdin(File::open(file).unwrap()).envs(config_dir.map(|directory| ("CLAUDE_CONFIG_DIR", directory)));
    Finished::run(command)
}

fn account(profile: &str) -> String {
    format!("account-{profile}")
}

/// Returns an answer of the service: what is used of both windows, which end in 130 minutes and in three days and four hours, and a bit.
pub(crate) fn body(five_hour: f64, seven_day: f64) -> Value {
    json!({
        "five_hour": {"utilization": five_hour, "resets_at": later(130 * 60 + 30)},
        "seven_day": {"utilization": seven_day, "resets_at": later(76 * 3600 + 30)},
        "seven_day_opus": null, "seven_day_sonnet": {"utilization": 0.0, "resets_at": null},
        "limits": [{"kind": "weekly_scoped", "percent": 7, "resets_at": null, "scope": {"model": {"display_name": "Fable"}}}],
        "extra_usage": {"is_enabled": true, "monthly_limit": 5000, "used_credits": 1234, "utilization": 24.7, "currency": "USD"},
    })
}

fn later(seconds: u64) -> String {
    rfc3339(SystemTime::now() + Duration::from_secs(seconds))
}

fn ago(seconds: u64) -> String {
    rfc3339(SystemTime::now() - Duration::from_secs(seconds))
}

fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap().to_string()
}

fn milliseconds_ago(seconds: u64) -> u64 {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Returns a service that answers the first time as told, and then with figures.
fn first(bytes: impl Into<Vec<u8>>) -> impl Fn(&Request) -> Vec<u8> {
    let (bytes, was_asked) = (bytes.into(), AtomicBool::new(false));
    move |_| if was_asked.swap(true, Ordering::SeqCst) { answer(200, &body(1.0, 2.0).to_string()) } else { bytes.clone() }
}
