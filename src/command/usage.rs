//! `clauth usage`: how much of each account's limits is used.

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use anyhow::{Error, Result};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::list::{self, Listing};
use crate::account::usage::{self, Account, Cache, ExtraUsage, Figure, Reading, Report, Windows};
use crate::account::{Obstacle, Services, Standing, Summary};
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
    #[serde(flatten)]
    account: Summary,
    /// `ok`, `failed` when the service was asked in vain, or why it is not asked.
    state: &'static str,
    /// What failed, or null.
    trouble: Option<String>,
    #[serde(flatten)]
    windows: Windows,
    extra_usage: Option<ExtraUsage>,
}

/// Holds what there is to say of one profile.
struct Look {
    profile: Profile,
    standing: Standing,
    obstacle: Option<Obstacle>,
    /// The account whose limits are shown; `None` where there are none to show.
    account: Option<Account>,
    readings: Vec<Reading>,
    trouble: Option<Error>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let profiles = match &arguments.profile {
        Some(name) => vec![context.profile(&context.config()?, name)?],
        None => profile::all(&context.layout),
    };
    let mut clock = Clock::read(&context.env);
    let mut looks: Vec<_> = profiles.into_iter().map(|profile| Look::of(context, profile, &clock)).collect();
    let mut due: Vec<_> = looks.iter_mut().filter(|look| look.is_due(&clock)).collect();
    if !due.is_empty() {
        let services = Services::from_env(&context.env)?;
        io::while_waiting(&context.env, "asking how much is used", || ask_all(context, &services, &mut due, &clock));
        clock = Clock { now: Timestamp::now(), ..clock };
    }
    let is_anything_left = tell_troubles(&looks, &clock);
    if arguments.json {
        io::print_json(&Listing { profiles: looks.iter().map(|look| look.row(&clock)).collect() })?;
    } else if is_anything_left {
        list::say_if_none(&looks);
        let reports: Vec<_> = looks.iter().map(|look| look.report(&clock)).collect();
        io::print(usage::draw(&reports, Screen::stdout(&context.env), &clock))?;
    }
    Ok(if is_anything_left { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks for several accounts at a time: each has to wait for the service.
fn ask_all(context: &Context, services: &Services, due: &mut [&mut Look], clock: &Clock) {
    let others = due.len().clamp(1, AT_ONCE) - 1;
    let due = Mutex::new(due.iter_mut());
    let next = || due.lock().ok()?.next();
    let ask = || std::iter::from_fn(next).for_each(|look| look.ask(context, services, clock));
    thread::scope(|scope| {
        for _ in 0..others {
            let _ = thread::Builder::new().spawn_scoped(scope, ask); // where none can be started, those that are there ask for more
        }
        ask();
    });
}

/// Says what failed, each once; returns whether anything is left to show for all that. If not, the command has failed as well.
fn tell_troubles(looks: &[Look], clock: &Clock) -> bool {
    let mut told = Vec::new();
    for trouble in looks.iter().filter_map(|look| look.trouble.as_ref()) {
        let text = format!("{trouble:#}");
        if !told.contains(&text) {
            io::complain(trouble);
            told.push(text);
        }
    }
    let is_known = |look: &Look| look.figures(clock).iter().any(|figure| figure.window.is_some());
    looks.is_empty() || looks.iter().any(|look| look.trouble.is_none() || is_known(look))
}

impl Look {
    /// Looks at what the files say.
    fn of(context: &Context, profile: Profile, clock: &Clock) -> Self {
        let standing = Standing::of(&context.layout, &profile.name, &profile.config_dir);
        let obstacle = standing.obstacle(clock.now);
        let has_limits =
            !profile.has_api_key && !matches!(obstacle, Some(Obstacle::SignedOut | Obstacle::Ended | Obstacle::OtherAccount | Obstacle::Unreadable));
        let account = standing.account().filter(|_| has_limits);
        let mut look = Self { profile, standing, obstacle, account, readings: Vec::new(), trouble: None };
        look.read(context);
        look
    }

    fn read(&mut self, context: &Context) {
        if let Some(account) = &self.account {
            self.readings = Cache::of(&context.layout, account.clone()).readings(self.standing.told.as_ref());
        }
    }

    /// Whether the service is the one to ask now.
    fn is_due(&self, clock: &Clock) -> bool {
        self.account.is_some() && self.obstacle.is_none() && !usage::is_fresh(&self.readings, clock.now)
    }

    fn ask(&mut self, context: &Context, services: &Services, clock: &Clock) {
        let (Some(account), Some(login)) = (&self.account, &self.standing.login) else { return };
        let who = (self.profile.name.as_str(), account, &login.access_token);
        let asked = context.layout.writable().map_err(Error::from);
        let client = services.client(&context.env);
        self.trouble = asked.and_then(|layout| usage::ask(services, &client, layout, who, self.standing.told.as_slice(), clock)).err();
        self.read(context);
    }

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

    /// Returns the windows; none where there can be none.
    fn figures(&self, clock: &Clock) -> Vec<Figure> {
        self.account.iter().flat_map(|_| usage::figures(&self.readings, clock.now)).collect()
    }

    fn extra(&self, clock: &Clock) -> Option<ExtraUsage> {
        usage::extra(&self.readings, clock.now).cloned()
    }

    fn report(&self, clock: &Clock) -> Report {
        let account = self.standing.summary();
        let who = account.account.as_deref().filter(|_| account.signed_in);
        let who = [who].into_iter().chain(account.belongs_to()).flatten();
        let title = std::iter::once(self.profile.name.as_str()).chain(who).map(str::to_owned).collect();
        Report { title, notes: self.note(clock).into_iter().collect(), figures: self.figures(clock), extra: self.extra(clock) }
    }

    fn row(&self, clock: &Clock) -> Row {
        Row {
            name: self.profile.name.to_string(),
            account: self.standing.summary(),
            state: self.state(),
            trouble: self.trouble.as_ref().map(|trouble| format!("{trouble:#}")),
            windows: Windows::of(&self.figures(clock), clock),
            extra_usage: self.extra(clock),
        }
    }
}
