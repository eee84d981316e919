//! `clauth usage`: how much of each account's limits is used.

use std::process::ExitCode;
use std::thread;

use anyhow::{Error, Result};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::account::usage::{self, Cache, ExtraUsage, Figure, Report, Windows};
use crate::account::{Obstacle, Services, Standing};
use crate::context::Context;
use crate::io::{self, Clock, Screen};
use crate::profile::{self, Profile};

/// How many accounts are asked at a time.
const AT_ONCE: usize = 32;

/// Show how much of the 5-hour and 7-day limits is used
#[derive(Args)]
pub struct Arguments {
    /// The profile; all of them when absent
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    account: Option<String>,
    organization: Option<String>,
    plan: Option<String>,
    /// `ok`, `failed` when the service was asked in vain, or why it is not asked.
    state: &'static str,
    /// What failed, or null.
    trouble: Option<String>,
    token_expires_at: Option<Timestamp>,
    #[serde(flatten)]
    windows: Windows,
    extra_usage: Option<ExtraUsage>,
}

#[derive(Serialize)]
struct Listing {
    profiles: Vec<Row>,
}

/// Holds what there is to say of one profile.
struct Look {
    profile: Profile,
    standing: Standing,
    obstacle: Option<Obstacle>,
    figures: Vec<Figure>,
    extra: Option<ExtraUsage>,
    trouble: Option<Error>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let profiles = match &arguments.profile {
        Some(name) => vec![context.profile(&context.config()?, name)?],
        None => profile::all(&context.layout),
    };
    let services = Services::from_env(&context.env)?;
    let mut looks = io::while_waiting(&context.env, "asking how much is used", || look_at(context, &services, profiles));
    tell_troubles(&mut looks)?;
    let clock = Clock::read();
    if arguments.json {
        io::print_json(&Listing { profiles: looks.into_iter().map(|look| look.row(&clock)).collect() })?;
        return Ok(ExitCode::SUCCESS);
    }
    if looks.is_empty() {
        io::say("there is no profile yet; make one with `clauth add NAME`");
    }
    let reports: Vec<_> = looks.into_iter().map(|look| look.report(&clock)).collect();
    io::print(usage::draw(&reports, Screen::stdout(&context.env), &clock))?;
    Ok(ExitCode::SUCCESS)
}

/// Looks at profiles side by side: each may have to wait for the service.
fn look_at(context: &Context, services: &Services, profiles: Vec<Profile>) -> Vec<Look> {
    let mut looks = Vec::new();
    let mut left = profiles.into_iter().peekable();
    while left.peek().is_some() {
        thread::scope(|scope| {
            let asked: Vec<_> = left.by_ref().take(AT_ONCE).map(|profile| scope.spawn(|| look(context, services, profile))).collect();
            looks.extend(asked.into_iter().filter_map(|asked| asked.join().ok()));
        });
    }
    looks
}

fn look(context: &Context, services: &Services, profile: Profile) -> Look {
    let standing = Standing::read(&profile.config_dir);
    let now = Timestamp::now();
    let obstacle = standing.obstacle(now);
    let mut look = Look { profile, standing, obstacle, figures: Vec::new(), extra: None, trouble: None };
    let has_figures = !look.profile.has_api_key && !matches!(obstacle, Some(Obstacle::SignedOut | Obstacle::OtherAccount));
    let Some(account) = look.standing.account().filter(|_| has_figures) else { return look };
    let cache = Cache::of(&context.layout, account.clone());
    let all = |told| cache.read().1.readings.into_iter().chain(told).collect::<Vec<_>>();
    let is_fresh = usage::is_fresh(&all(look.standing.told.clone()), now);
    if let (None, false, Some(login)) = (obstacle, is_fresh, &look.standing.login) {
        let writable = context.layout.writable().map_err(Error::from);
        let client = services.client(&context.env);
        let name = look.profile.name.as_str();
        let asked =
            writable.and_then(|layout| usage::ask(services, &client, layout, (name, &account, &login.access_token), look.standing.told.as_slice()));
        look.trouble = asked.err();
    }
    let readings = all(look.standing.told.take());
    let now = Timestamp::now();
    look.figures = usage::figures(&readings, now);
    look.extra = usage::extra(&readings, now).cloned();
    look
}

/// Says what failed, each once. Where nothing is left to show, the last of it is the command's own failure.
fn tell_troubles(looks: &mut [Look]) -> Result<()> {
    let is_nothing_left =
        !looks.is_empty() && looks.iter().all(|look| look.trouble.is_some() && look.figures.iter().all(|figure| figure.window.is_none()));
    let failure = if is_nothing_left { looks.last_mut().and_then(|look| look.trouble.take()) } else { None };
    let mut told: Vec<_> = failure.iter().map(|failure| format!("{failure:#}")).collect();
    for trouble in looks.iter().filter_map(|look| look.trouble.as_ref()) {
        let text = format!("{trouble:#}");
        if !told.contains(&text) {
            io::complain(trouble);
            told.push(text);
        }
    }
    failure.map_or(Ok(()), Err)
}

impl Look {
    /// Says why the service is not asked, for people.
    fn note(&self, clock: &Clock) -> Option<String> {
        let advice = || Some(self.obstacle?.advice(self.profile.name.as_str(), clock));
        if self.profile.has_api_key { Some("API key: no usage windows".into()) } else { advice() }
    }

    fn state(&self) -> &'static str {
        match self.obstacle {
            _ if self.profile.has_api_key => "api_key",
            _ if self.trouble.is_some() => "failed",
            obstacle => obstacle.map_or("ok", |obstacle| obstacle.name()),
        }
    }

    fn report(self, clock: &Clock) -> Report {
        let who = [self.standing.address(), self.standing.organization(), self.standing.plan()];
        let title = std::iter::once(self.profile.name.as_str()).chain(who.into_iter().flatten()).map(str::to_owned).collect();
        Report { title, notes: self.note(clock).into_iter().collect(), figures: self.figures, extra: self.extra }
    }

    fn row(self, clock: &Clock) -> Row {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Row {
            name: self.profile.name.to_string(),
            account: owned(self.standing.address()),
            organization: owned(self.standing.organization()),
            plan: owned(self.standing.plan()),
            state: self.state(),
            trouble: self.trouble.as_ref().map(|trouble| format!("{trouble:#}")),
            token_expires_at: self.standing.expires_at(),
            windows: Windows::of(&self.figures, clock),
            extra_usage: self.extra,
        }
    }
}
