//! What Claude Code tells a status line, and what is shown there.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{Figure, Known, Reading, Span, State, of_status_line};

/// How old a figure may be that is shown as it is.
const RECENT: SignedDuration = SignedDuration::from_mins(30);

/// How soon figures that did not change are written again, for their time alone.
const CONFIRMED: SignedDuration = SignedDuration::from_mins(1);

/// What matters of the standard input of a status line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Input {
    rate_limits: Value,
    transcript_path: Option<PathBuf>,
}

/// Reads the limits that a status line is told of; `None` before the first answer of a session, and of an API key.
pub fn captured(input: &[u8], now: Timestamp) -> Option<Reading> {
    let input: Input = serde_json::from_slice(input).ok()?;
    // A session that nobody uses tells the limits of its last answer again and again; that answer is the last that the transcript was written for.
    let written = input.transcript_path.and_then(|file| fs::metadata(file).ok()?.modified().ok());
    let written = written.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(now);
    of_status_line(&input.rate_limits, written.min(now))
}

impl Known {
    /// Whether a reading of the status line is worth writing: it says something else than the last, or says it again after a while.
    pub fn is_new(&self, reading: &Reading) -> bool {
        self.readings.iter().find(|known| known.source == reading.source).is_none_or(|known| {
            let later = known.at.duration_until(reading.at);
            later > SignedDuration::ZERO && (known.windows != reading.windows || later >= CONFIRMED)
        })
    }
}

/// Returns the line: a name and the account's two windows, as far as anything is known of them. `~` marks a figure that is not recent.
pub fn line(name: &str, figures: &[Figure], now: Timestamp) -> String {
    let account = figures.iter().filter(|figure| !matches!(figure.span, Span::Model(_)));
    if account.clone().all(|figure| figure.state(now) == State::Unavailable) {
        return name.into();
    }
    account.fold(name.to_owned(), |line, figure| line + " · " + &short(figure, now))
}

fn short(figure: &Figure, now: Timestamp) -> String {
    format!("{} {}", if figure.span == Span::FiveHours { "5h" } else { "7d" }, amount(figure, now))
}

/// Returns how much of a window is used, in a word.
pub fn amount(figure: &Figure, now: Timestamp) -> String {
    let is_recent = figure.told.is_some_and(|(_, at)| now.duration_since(at) <= RECENT);
    match figure.state(now) {
        State::Used(used) => format!("{}{:.0}%", if is_recent { "" } else { "~" }, used.floor().min(999.0)),
        State::Reset(_) => "reset".into(),
        State::Unavailable => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::account::usage::{Source, Window, figures};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn reading(minutes: i64, five_hours: Option<f64>, seven_days: Option<f64>) -> Reading {
        let window = |used| Window { used, resets_at: Some(at(60)) };
        let windows = vec![(Span::FiveHours, five_hours.map(window)), (Span::SevenDays, seven_days.map(window))];
        Reading { source: Source::StatusLine, at: at(minutes), windows, extra: None }
    }

    #[test]
    fn a_line_says_what_is_known() {
        for (told, now, expected) in [
            (reading(0, Some(12.9), Some(34.0)), 0, "work · 5h 12% · 7d 34%"),
            (reading(0, Some(100.0), Some(1e9)), 30, "work · 5h 100% · 7d 999%"),
            (reading(0, Some(12.0), None), 31, "work · 5h ~12% · 7d –"),
            (reading(0, Some(12.0), None), 60, "work · 5h reset · 7d –"),
            (reading(0, None, None), 0, "work"),
        ] {
            assert_eq!(line("work", &figures(&[told], at(now)), at(now)), expected);
        }
        assert_eq!(line("work", &figures(&[], at(0)), at(0)), "work");
    }

    #[test]
    fn only_news_is_written() {
        let mut known = Known::default();
        assert!(known.is_new(&reading(0, Some(1.0), None)));
        known.learn(reading(0, Some(1.0), None));
        for (told, expected) in [
            (reading(0, Some(2.0), None), false),
            (reading(-5, Some(9.0), None), false), // of a session that nobody uses
            (reading(1, Some(1.0), None), true),
            (reading(1, Some(2.0), None), true),
        ] {
            assert_eq!(known.is_new(&told), expected, "{told:?}");
        }
        let soon = Reading { at: at(0).saturating_add(SignedDuration::from_secs(59)).unwrap(), ..reading(0, Some(1.0), None) };
        assert!(!known.is_new(&soon));
        assert!(known.is_new(&Reading { at: soon.at, ..reading(0, Some(2.0), None) }));
    }

    #[test]
    fn figures_are_as_old_as_the_transcript() {
        let told = |transcript: &str| {
            let input = json!({"rate_limits": {"five_hour": {"used_percentage": 3}}, "transcript_path": transcript});
            captured(input.to_string().as_bytes(), at(0)).unwrap().at
        };
        assert_eq!(told("/nowhere/at/all"), at(0));
        // This program's own: written before now, in a year after 1970.
        let own = Timestamp::try_from(fs::metadata(file!()).unwrap().modified().unwrap()).unwrap();
        assert_eq!(told(file!()), own.min(at(0)));
        for nothing in ["", "{", "[]", "{}", r#"{"rate_limits": 7}"#, r#"{"transcript_path": 7}"#] {
            assert_eq!(captured(nothing.as_bytes(), at(0)), None, "{nothing}");
        }
    }
}
