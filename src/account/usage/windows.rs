//! Limits for programs.

use jiff::Timestamp;
use serde::Serialize;

use super::{Figure, Source, Span, State};
use crate::io::Clock;

/// Holds the windows as `--json` has them; null where there can be none.
#[derive(Debug, Default, Serialize)]
pub struct Windows {
    five_hour: Option<Window>,
    seven_day: Option<Window>,
    models: Vec<Window>,
}

#[derive(Debug, Serialize)]
struct Window {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// In percent; null where nobody knows.
    utilization: Option<f64>,
    resets_at: Option<Timestamp>,
    /// Whether it began anew since somebody looked.
    has_reset: bool,
    source: Option<Source>,
    fetched_at: Option<Timestamp>,
    age_seconds: Option<i64>,
}

impl Windows {
    /// Says how things stand now.
    pub fn of(figures: &[Figure], clock: &Clock) -> Self {
        figures.iter().fold(Self::default(), |mut windows, figure| {
            let window = Window::of(figure, clock);
            match figure.span {
                Span::FiveHours => windows.five_hour = Some(window),
                Span::SevenDays => windows.seven_day = Some(window),
                Span::Model(_) => windows.models.push(window),
            }
            windows
        })
    }
}

impl Window {
    fn of(figure: &Figure, clock: &Clock) -> Self {
        let state = figure.state(clock.now);
        let (source, fetched_at) = figure.told.unzip();
        Self {
            model: if let Span::Model(name) = &figure.span { Some(name.clone()) } else { None },
            utilization: if let State::Used(used) = state { Some(used) } else { None },
            resets_at: figure.window.and_then(|window| window.resets_at),
            has_reset: matches!(state, State::Reset(_)),
            source,
            fetched_at,
            age_seconds: fetched_at.map(|at| clock.since(at).as_secs()),
        }
    }
}
