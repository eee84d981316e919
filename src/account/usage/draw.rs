//! Limits as bars, for any width of a terminal.

use jiff::{SignedDuration, Timestamp};

use super::{ExtraUsage, Figure, Source, Span, State};
use crate::io::screen::{Tone, cut, pad, width, wrap};
use crate::io::{Clock, Screen, clock, terminal_safe};

/// The widest that a bar is, and the narrowest that still says something beside a text.
const WIDEST: usize = 20;
const NARROWEST: usize = 8;

/// The widest that a name of a window is.
const LABEL: usize = 16;

/// `100 %`.
const PERCENT: usize = 5;

/// Stands for a blank at which no line ends, until the lines are made.
const UNBROKEN: &str = "\u{a0}";

/// Holds what is shown of one profile.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The profile's name, then who it is: address, organisation, plan.
    pub title: Vec<String>,
    /// What there is to say beside the figures, or in place of them.
    pub notes: Vec<String>,
    /// The windows; none where there can be none.
    pub figures: Vec<Figure>,
    /// What may be spent beyond.
    pub extra: Option<ExtraUsage>,
}

/// Draws profiles, one below the other.
pub fn draw(reports: &[Report], screen: Screen, clock: &Clock) -> String {
    let finished = |line: String| line.replace(UNBROKEN, " ").trim_end().to_owned() + "\n";
    let blocks = reports.iter().map(|report| block(report, screen, clock).into_iter().map(finished).collect());
    blocks.collect::<Vec<String>>().join("\n")
}

fn block(report: &Report, screen: Screen, clock: &Clock) -> Vec<String> {
    let title = report.title.iter().map(|part| terminal_safe(part)).collect::<Vec<_>>().join(" · ");
    let mut lines = wrap(&title, screen.columns);
    if let Some(first) = lines.first_mut() {
        let name = first.split(' ').next().unwrap_or_default();
        *first = screen.paint(Tone::Strong, name) + &first[name.len()..];
    }
    lines.extend(report.notes.iter().flat_map(|note| indented(&whole_commands(&terminal_safe(note)), 2, screen)));
    lines.extend(rows(&report.figures, screen, clock));
    if let Some(extra) = report.extra.as_ref().filter(|extra| extra.is_enabled) {
        lines.extend(indented(&spent(extra), 2, screen));
    }
    let faint = as_of(&report.figures, clock).into_iter().flat_map(|text| indented(&text, 2, screen));
    lines.extend(faint.map(|line| screen.paint(Tone::Faint, &line)));
    lines
}

fn rows(figures: &[Figure], screen: Screen, clock: &Clock) -> Vec<String> {
    let labels: Vec<_> = figures.iter().map(|figure| cut(&label(&figure.span), LABEL.min(screen.columns / 2 - 2))).collect();
    let label_width = labels.iter().map(|label| width(label)).max().unwrap_or(0);
    let resets: Vec<_> = figures.iter().map(|figure| resets(figure, clock)).collect();
    let resets_width = resets.iter().map(|text| width(text)).max().unwrap_or(0);
    // Beside its bar, or below it.
    let before = 2 + label_width + 2;
    let room = screen.columns.saturating_sub(before + 1 + PERCENT);
    let beside = room.saturating_sub(2 + resets_width);
    let is_beside = beside >= NARROWEST;
    let bar_width = if is_beside { beside } else { room }.min(WIDEST);
    let mut lines = Vec::new();
    for ((figure, label), resets) in figures.iter().zip(&labels).zip(&resets) {
        let start = format!("  {}  ", pad(label, label_width));
        match figure.state(clock.now) {
            State::Unavailable | State::Reset(_) if before + width(resets) <= screen.columns => lines.push(start + resets),
            State::Unavailable | State::Reset(_) => {
                lines.push(start);
                lines.extend(indented(resets, 4, screen));
            }
            State::Used(used) => {
                let line = format!("{start}{} {:>3.0} %", screen.paint(tone(used), &bar(used, bar_width)), used.floor().min(999.0));
                if is_beside {
                    lines.push(line + "  " + resets);
                } else {
                    lines.push(line);
                    lines.extend(indented(resets, 4, screen));
                }
            }
        }
    }
    lines
}

fn indented(text: &str, indent: usize, screen: Screen) -> impl Iterator<Item = String> + use<> {
    wrap(text, screen.columns - indent).into_iter().map(move |line| " ".repeat(indent) + &line)
}

/// Keeps what stands between backquotes on one line, where it can be copied.
fn whole_commands(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { part.replace(' ', UNBROKEN) } else { part.into() }).collect::<Vec<_>>().join("`")
}

fn label(span: &Span) -> String {
    match span {
        Span::FiveHours => "5 hours".into(),
        Span::SevenDays => "7 days".into(),
        Span::Model(name) => terminal_safe(name),
    }
}

/// Returns a bar: empty for nothing and for nothing else, full when nothing is left.
fn bar(used: f64, columns: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few columns, of a percentage in bounds"
    )]
    let full = (used.min(100.0) / 100.0 * columns as f64) as usize;
    let full = full.max(usize::from(used > 0.0)).min(columns);
    "█".repeat(full) + &"░".repeat(columns - full)
}

fn tone(used: f64) -> Tone {
    match used {
        ..75.0 => Tone::Good,
        ..95.0 => Tone::Warning,
        _ => Tone::Bad,
    }
}

fn resets(figure: &Figure, clock: &Clock) -> String {
    let later = |time| format!("resets {}, in {}", clock.local(time).replace(' ', UNBROKEN), in_words(clock.until(time)));
    match figure.state(clock.now) {
        State::Unavailable => "Unavailable".into(),
        State::Reset(time) => format!("reset {}, and not known since", clock.local(time)),
        State::Used(_) => figure.window.and_then(|window| window.resets_at).map(later).unwrap_or_default(),
    }
}

fn in_words(duration: SignedDuration) -> String {
    clock::in_words(duration).replace(' ', UNBROKEN)
}

fn spent(extra: &ExtraUsage) -> String {
    let amount = |cents: f64| format!("{:.2}", cents / 100.0);
    match (extra.spent.map(amount), extra.limit.map(amount)) {
        (Some(spent), Some(limit)) => format!("extra usage: {spent} of {limit} {} this month", extra.currency),
        (Some(spent), None) => format!("extra usage: {spent} {} this month, no limit", extra.currency),
        (None, Some(limit)) => format!("extra usage: up to {limit} {} a month", extra.currency),
        (None, None) => "extra usage: on".into(),
    }
}

/// Says how old the figures are and where they are from, once for all that have it in common.
fn as_of(figures: &[Figure], clock: &Clock) -> Vec<String> {
    let mut told: Vec<((Source, Timestamp), Vec<String>)> = Vec::new();
    for figure in figures {
        let Some(by) = figure.told else { continue };
        match told.iter_mut().find(|(known, _)| *known == by) {
            Some((_, labels)) => labels.push(label(&figure.span)),
            None => told.push((by, vec![label(&figure.span)])),
        }
    }
    let is_one = told.len() == 1;
    let line = |((source, at), labels): ((Source, Timestamp), Vec<String>)| {
        let which = if is_one { String::new() } else { labels.join(", ") + " " };
        let whom = match source {
            Source::Service => "the service",
            Source::Client => "Claude Code",
            Source::StatusLine => "its status line",
        };
        format!("{which}as of {} ago, by {whom}", in_words(clock.since(at)))
    };
    told.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::account::usage::Window;

    fn clock() -> Clock {
        Clock { now: "2026-11-21T12:20:00Z".parse().unwrap(), zone: TimeZone::UTC }
    }

    fn figure(span: Span, used: Option<f64>, resets_at: &str) -> Figure {
        let window = used.map(|used| Window { used, resets_at: resets_at.parse().ok() });
        Figure { span, window, told: Some((Source::Service, "2026-11-21T12:18:00Z".parse().unwrap())) }
    }

    fn report() -> Report {
        Report {
            title: ["work", "me@corp.example", "日本コープ", "max"].map(str::to_owned).into(),
            notes: Vec::new(),
            figures: vec![
                figure(Span::FiveHours, Some(42.9), "2026-11-21T14:30:00Z"),
                figure(Span::SevenDays, Some(100.0), "2026-11-24T16:30:00Z"),
                figure(Span::Model("Opus".into()), Some(0.2), "2026-11-21T12:00:00Z"),
                figure(Span::Model("Fable".into()), None, ""),
                figure(Span::Model("Sonnet".into()), Some(0.0), ""),
            ],
            extra: Some(ExtraUsage { is_enabled: true, limit: Some(5000.0), spent: Some(1234.0), currency: "EUR".into() }),
        }
    }

    fn drawn(report: Report, columns: usize) -> String {
        let drawn = draw(&[report], Screen { columns, has_colour: false }, &clock());
        for line in drawn.lines() {
            assert!(width(line) <= columns, "{line:?} is wider than {columns}");
        }
        drawn
    }

    #[test]
    fn a_wide_screen_has_a_line_for_each_window() {
        let expected = "\
work ·
me@corp.example ·
日本コープ · max
  5 hours  █░░  42 %
    resets 14:30, in
    2 h 10 min
  7 days   ███ 100 %
    resets
    Tue 16:30, in
    3 d 4 h
  Opus
    reset 12:00, and
    not known since
  Fable
    Unavailable
  Sonnet   ░░░   0 %
  extra usage: 12.34
  of 50.00 EUR this
  month
  as of 2 min ago,
  by the service
";
        assert_eq!(drawn(report(), 20), expected);
    }

    #[test]
    fn every_width_and_every_name_fits() {
        let long = "日".repeat(40) + "\u{1b}[31m" + &"x".repeat(40);
        for columns in 20..=100 {
            drawn(report(), columns);
            let figures = vec![figure(Span::Model(long.clone()), Some(1e300), "2027-11-21T14:30:00Z")];
            let odd = Report { title: vec![long.clone(), long.clone()], notes: vec![long.clone()], figures, extra: None };
            assert!(!drawn(odd, columns).contains('\u{1b}'));
        }
    }

    #[test]
    fn a_bar_is_empty_only_for_nothing_and_full_only_at_the_end() {
        for (used, expected) in [(0.0, "░░░░"), (0.1, "█░░░"), (50.0, "██░░"), (99.9, "███░"), (100.0, "████"), (250.0, "████")]
        {
            assert_eq!(bar(used, 4), expected, "{used}");
        }
        assert_eq!((bar(50.0, 0), bar(1.0, 1)), (String::new(), "█".into()));
    }

    #[test]
    fn a_command_stays_in_one_piece() {
        let told = Report { notes: vec!["not signed in: run `clauth login work`, then `claude`".into()], ..Report::default() };
        assert_eq!(drawn(told, 40), "  not signed in: run\n  `clauth login work`, then `claude`\n");
    }

    #[test]
    fn figures_of_several_times_each_say_theirs() {
        let mut mixed = report();
        mixed.figures.truncate(3);
        for figure in &mut mixed.figures[..2] {
            figure.told = Some((Source::StatusLine, "2026-11-21T12:19:30Z".parse().unwrap()));
        }
        let drawn = drawn(mixed, 80);
        assert!(drawn.contains("  5 hours, 7 days as of 30 s ago, by its status line\n  Opus as of 2 min ago, by the service\n"), "{drawn}");
    }

    #[test]
    fn colour_is_around_what_is_measured_without_it() {
        let coloured = draw(&[report()], Screen { columns: 80, has_colour: true }, &clock());
        assert!(
            coloured.starts_with("\u{1b}[1mwork\u{1b}[0m · ") && coloured.contains("\u{1b}[31m████████████████████\u{1b}[0m 100 %"),
            "{coloured}"
        );
        let mut plain = coloured;
        for code in ["0", "1", "2", "31", "32"] {
            plain = plain.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(plain, drawn(report(), 80));
    }
}
