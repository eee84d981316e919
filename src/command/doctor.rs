//! `clauth doctor`: what is wrong, and what to do about it.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::doctor::{self, Finding, Severity};
use crate::io::{self, terminal_safe};

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
    findings: Vec<Finding>,
    /// What `--fix` did.
    mended: Vec<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let (mut mended, mut failed) = (Vec::new(), Vec::new());
    if arguments.fix {
        for mend in doctor::examine(context).into_iter().filter_map(|finding| finding.mend) {
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
    let report = Report { findings: doctor::examine(context), mended };
    if arguments.json {
        io::print_json(&report)?;
    } else {
        io::print(text(&report))?;
    }
    let has_problem = report.findings.iter().any(|finding| finding.severity == Severity::Problem);
    Ok(if has_problem || !failed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(report: &Report) -> String {
    let mut text: String = report.mended.iter().map(|done| format!("mended   {}\n", terminal_safe(done))).collect();
    for finding in &report.findings {
        let label = match finding.severity {
            Severity::Problem => "problem",
            Severity::Note => "note",
        };
        text += &format!("{label:8} {}\n", terminal_safe(&finding.what));
        text += &format!("{:8} why: {}\n{:8} do:  {}\n", "", finding.why, "", terminal_safe(&finding.remedy));
    }
    if report.findings.is_empty() {
        text += "nothing is wrong\n";
    }
    text
}
