//! How much of an account's limits is used.
//!
//! Three sources tell it, each at its own time: the service itself, what Claude Code keeps of the service's answer in `.claude.json`, and what it
//! hands to a status line. Each is a [`Reading`]; [`figures`] takes the newest word on each window. What nobody told is unavailable, never 0 %.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

mod ask;
mod cache;
mod draw;
mod parse;
mod status_line;
mod windows;

pub use ask::ask;
pub use cache::{Account, Cache, Known};
use cache::{INTERVAL, Turn, turn};
pub use draw::{Report, draw};
pub use parse::of_client_cache;
use parse::{of_service, of_status_line};
pub use status_line::{amount, captured, line};
pub use windows::Windows;

/// How far ahead of this machine's clock a time may be before it is not believed.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Says who told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The service, asked by clauth.
    Service,
    /// The service, asked by Claude Code, which keeps the answer.
    Client,
    /// Claude Code's status line, which names the two windows of the account and no others.
    StatusLine,
}

/// Names what a limit is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Everything, within five hours.
    FiveHours,
    /// Everything, within seven days.
    SevenDays,
    /// One model, or a family of them, within seven days.
    Model(String),
}

/// How much of one limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// In percent; finite, at least 0, and above 100 where the service lets one go on.
    pub used: f64,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
}

/// What an account may spend beyond its limits, in the smallest unit of the currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtraUsage {
    /// Whether it is switched on.
    pub is_enabled: bool,
    /// The most in a month; `None` where there is no limit.
    pub limit: Option<f64>,
    /// What is spent this month.
    pub spent: Option<f64>,
    /// The currency's code, `USD`.
    pub currency: String,
}

/// What one source told at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Who told it.
    pub source: Source,
    /// When.
    pub at: Timestamp,
    /// What it told; a window without a figure is one that is unavailable.
    pub windows: Vec<(Span, Option<Window>)>,
    /// What may be spent beyond.
    pub extra: Option<ExtraUsage>,
}

/// The newest word on one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Which window.
    pub span: Span,
    /// How much of it is used, as of then; `None`: unavailable.
    pub window: Option<Window>,
    /// Who said so and when; `None`: nobody.
    pub told: Option<(Source, Timestamp)>,
}

/// What can be said of a window now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// So many percent are used.
    Used(f64),
    /// It has begun anew since somebody looked; what is used of the new one is not known.
    Reset(Timestamp),
    /// Nobody knows.
    Unavailable,
}

impl Figure {
    /// Says how things stand now.
    pub fn state(&self, now: Timestamp) -> State {
        match self.window {
            None => State::Unavailable,
            Some(Window { resets_at: Some(reset), .. }) if reset <= now => State::Reset(reset),
            Some(Window { used, .. }) => State::Used(used),
        }
    }
}

/// Returns the newest word on each window: the account's two, told or not, then those of models.
pub fn figures(readings: &[Reading], now: Timestamp) -> Vec<Figure> {
    let account = [Span::FiveHours, Span::SevenDays].map(|span| {
        let of = |reading: &Reading| reading.windows.iter().find(|(told, _)| *told == span).map(|(_, window)| *window);
        let told = newest_first(readings, now).into_iter().find_map(|reading| Some((reading, of(reading)?)));
        Figure { span, window: told.and_then(|(_, window)| window), told: told.map(|(reading, _)| (reading.source, reading.at)) }
    });
    // A status line says nothing of models, and so does not deny them.
    let models = newest_whole(readings, now).into_iter().flat_map(|reading| {
        let models = reading.windows.iter().filter(|(span, _)| matches!(span, Span::Model(_)));
        models.map(|(span, window)| Figure { span: span.clone(), window: *window, told: Some((reading.source, reading.at)) })
    });
    account.into_iter().chain(models).collect()
}

/// Returns the newest word on what may be spent beyond the limits.
pub fn extra(readings: &[Reading], now: Timestamp) -> Option<&ExtraUsage> {
    newest_whole(readings, now)?.extra.as_ref()
}

/// Whether somebody told something so lately that the service is not asked again.
pub fn is_fresh(readings: &[Reading], now: Timestamp) -> bool {
    age(readings, now).is_some_and(|age| age < INTERVAL)
}

/// Returns how long ago somebody last told anything.
fn age(readings: &[Reading], now: Timestamp) -> Option<SignedDuration> {
    newest_first(readings, now).first().map(|reading| now.duration_since(reading.at))
}

fn newest_whole(readings: &[Reading], now: Timestamp) -> Option<&Reading> {
    newest_first(readings, now).into_iter().find(|reading| reading.source != Source::StatusLine)
}

/// What claims to be from the future would win for as long as that lasts.
fn newest_first(readings: &[Reading], now: Timestamp) -> Vec<&Reading> {
    let mut believed: Vec<_> = readings.iter().filter(|reading| now.duration_until(reading.at) <= SKEW).collect();
    believed.sort_by_key(|reading| std::cmp::Reverse(reading.at));
    believed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn reading(source: Source, minutes: i64, windows: &[(Span, Option<f64>)]) -> Reading {
        let window = |used| Window { used, resets_at: Some(at(60)) };
        let windows = windows.iter().map(|(span, used)| (span.clone(), used.map(window))).collect();
        Reading { source, at: at(minutes), windows, extra: None }
    }

    fn shown(readings: &[Reading]) -> Vec<(Option<f64>, Option<Source>)> {
        let figures = figures(readings, at(0));
        figures.iter().map(|figure| (figure.window.map(|window| window.used), figure.told.map(|(source, _)| source))).collect()
    }

    #[test]
    fn the_newest_word_on_each_window_counts() {
        use Source::{Client, Service, StatusLine};
        let opus = Span::Model("Opus".into());
        let service = reading(Service, -9, &[(Span::FiveHours, Some(1.0)), (Span::SevenDays, Some(2.0)), (opus, Some(3.0))]);
        let line = reading(StatusLine, -1, &[(Span::FiveHours, Some(4.0))]);
        let client = reading(Client, -5, &[(Span::FiveHours, None), (Span::SevenDays, None)]);
        assert_eq!(shown(&[]), [(None, None), (None, None)]);
        assert_eq!(shown(std::slice::from_ref(&line)), [(Some(4.0), Some(StatusLine)), (None, None)]);
        // The status line knows nothing of seven days and of models, so the others' word stands.
        let both = [(Some(4.0), Some(StatusLine)), (Some(2.0), Some(Service)), (Some(3.0), Some(Service))];
        assert_eq!(shown(&[service.clone(), line.clone()]), both);
        assert_eq!(shown(&[line.clone(), service.clone()]), both, "whatever the order");
        // The client was told newer that there is no figure, and no model.
        assert_eq!(shown(&[service.clone(), client.clone()]), [(None, Some(Client)), (None, Some(Client))]);
        // From the future: nobody can have told it.
        assert_eq!(shown(&[service, reading(Client, 2, &[])])[0], (Some(1.0), Some(Service)));
        assert_eq!(age(&[client, line], at(0)), Some(SignedDuration::from_mins(1)));
    }

    #[test]
    fn a_window_that_began_anew_has_no_figure() {
        let figure = |used| figures(&[reading(Source::Service, -9, &[(Span::FiveHours, used)])], at(0)).remove(0);
        assert_eq!(figure(Some(7.0)).state(at(59)), State::Used(7.0));
        assert_eq!(figure(Some(7.0)).state(at(60)), State::Reset(at(60)));
        assert_eq!(figure(None).state(at(60)), State::Unavailable);
    }
}
