//! What `clauth status --format` prints, for prompts: it starts no process, asks no service, and reads only what the template asks for.

use std::cell::OnceCell;

use jiff::Timestamp;

use crate::account::Standing;
use crate::account::usage::{self, Cache, Reading};
use crate::context::Context;
use crate::error::Mistake;
use crate::io::{Template, terminal_safe};
use crate::profile::Profile;
use crate::selection::Outcome;

/// What a template may ask for.
const PLACEHOLDERS: &[&str] = &["profile", "account", "organization", "plan", "5h", "7d"];

/// What `{profile}` is where `claude` refuses; no prompt should look there as if nothing were bound.
const REFUSED: &str = "refused";

/// Returns the line for what applies; an empty one where nothing is bound.
pub fn line(context: &Context, outcome: &Outcome, template: &str) -> Result<String, Mistake> {
    let template = Template::parse(template, PLACEHOLDERS).map_err(|wrong| {
        let known = PLACEHOLDERS.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>();
        Mistake::UnknownPlaceholder { text: wrong.into(), known: known.join(", ") }
    })?;
    Ok(match outcome {
        Outcome::Bound(profile) => of_profile(context, profile, &template),
        Outcome::Unbound => String::new(),
        Outcome::Refused(_) => template.fill(|name| if name == "profile" { REFUSED.into() } else { String::new() }),
    })
}

fn of_profile(context: &Context, profile: &Profile, template: &Template<'_>) -> String {
    let (standing, readings, now) = (OnceCell::new(), OnceCell::new(), Timestamp::now());
    let standing = || standing.get_or_init(|| Standing::of(&context.layout, &profile.name, &profile.config_dir));
    let used = |window: usize| {
        let readings = readings.get_or_init(|| readings_of(context, profile, standing()));
        usage::figures(readings, now).get(window).map(|figure| usage::amount(figure, now)).unwrap_or_default()
    };
    let value = |name: &str| match name {
        "profile" => profile.name.to_string(),
        "5h" | "7d" if profile.has_api_key => String::new(),
        "5h" => used(0),
        "7d" => used(1),
        "account" if profile.has_api_key => "API key".into(),
        "account" => standing().summary().who(),
        field => {
            let [organization, plan] = standing().summary().belongs_to().map(|part| part.unwrap_or_default().to_owned());
            if field == "plan" { plan } else { organization }
        }
    };
    template.fill(|name| terminal_safe(&value(name)))
}

/// Returns what was told of the limits; of nobody's where nobody is signed in, or somebody else.
fn readings_of(context: &Context, profile: &Profile, standing: &Standing) -> Vec<Reading> {
    let summary = standing.summary();
    let account = standing.account().filter(|_| summary.signed_in && !summary.other_account && !profile.has_api_key);
    account.map(|account| Cache::of(&context.layout, account).readings(standing.told.as_ref())).unwrap_or_default()
}
