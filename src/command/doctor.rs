//! `clauth doctor`: what is wrong, and what to do about it.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::doctor::{self, Examination, Severity};
use crate::io::screen::Tone;
use crate::io::{self, Clock, Screen, clock, terminal_safe};

/// Look for what is wrong, and say what to do about it
#[derive(Args)]
pub struct Arguments {
    /// Mend what is safe to mend
    #[arg(long)]
    fix: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    found: Examination,
    /// What `--fix` did.
    mended: Vec<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let (mut mended, mut failed) = (Vec::new(), Vec::new());
    if arguments.fix {
        for mend in doctor::examine(context).findings.into_iter().filter_map(|finding| finding.mend) {
            match doctor::mend(context, &mend) {
                Ok(done) => mended.push(done),
                Err(error) => failed.push(error),
            }
        }
    }
    for error in &failed {
        io::say(format_args!("{error:#}"));
    }
    // Looked at again: what `--fix` could not mend is still there.
    let report = Report { found: doctor::examine(context), mended };
    if arguments.json {
        io::print_json(&report)?;
    } else {
        io::print(text(&report, Screen::stdout(&context.env), &Clock::read(&context.env)))?;
    }
    let has_problem = report.found.findings.iter().any(|finding| finding.severity == Severity::Problem);
    Ok(if has_problem || !failed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(report: &Report, screen: Screen, clock: &Clock) -> String {
    let row = |tone: Option<Tone>, label: &str, text: &str| {
        let padded = format!("{label:8}");
        format!("{} {}\n", tone.map_or_else(|| padded.clone(), |tone| screen.paint(tone, &padded)), terminal_safe(text))
    };
    let mut text: String = report.mended.iter().map(|done| row(Some(Tone::Good), "mended", done)).collect();
    for hook in &report.found.hooks {
        let file = hook.file.as_ref().map_or_else(|| "a fresh shell has it".into(), |file| file.display().to_string());
        text += &row(None, "hook", &format!("{}: {file}", hook.shell));
    }
    if let Some(client) = report.found.client.as_ref().filter(|client| !client.is_on_path) {
        text += &row(None, "client", &format!("{} (not on PATH: the newest where installers put it)", client.path.display()));
    }
    for panel in &report.found.editors {
        text += &row(None, "editor", &panel.text());
    }
    for helper in &report.found.helpers {
        let since = Timestamp::from_second(helper.since.cast_signed()).unwrap_or(clock.now);
        text += &row(None, "helper", &format!("{}: pid {}, for {}", helper.profile, helper.pid, clock::in_words(clock.since(since))));
    }
    for finding in &report.found.findings {
        text += &match finding.severity {
            Severity::Problem => row(Some(Tone::Bad), "problem", &finding.what),
            Severity::Note => row(Some(Tone::Warning), "note", &finding.what),
        };
        text += &format!("{:8} why: {}\n{:8} do:  {}\n", "", finding.why, "", terminal_safe(&finding.remedy));
    }
    if report.found.findings.is_empty() {
        text += "nothing is wrong\n";
    }
    text
}
