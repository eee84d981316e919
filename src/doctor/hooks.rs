//! Which shells have the prompt hook, and where it does not run: each is started afresh and asked.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, anyhow};
use serde::Serialize;

use super::{Finding, Severity, blame};
use crate::context::Context;
use crate::io;
use crate::shell::{Fresh, HOOKED, Obstacle, Shell, Start, block};

/// A shell that has the hook.
#[derive(Debug, Serialize)]
pub struct Hook {
    /// The shell.
    pub shell: String,
    /// The startup file that says so; null where a fresh shell has it by a file that clauth does not know.
    pub file: Option<PathBuf>,
}

/// What a shell showed when it was started.
#[derive(Debug)]
pub struct Judged {
    /// The shell.
    pub shell: Shell,
    /// The startup file that asks for the hook.
    pub file: Option<PathBuf>,
    /// What it has when a terminal of this system starts it.
    pub fresh: Fresh,
    /// Why the hook does not run there, or when it is started in the other way.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// Whether nothing keeps the hook from running.
    pub fn runs(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Note)
    }
}

/// Why a hook that does not run is worth a word.
const WITHOUT: &str = "without it no directory chooses an account";

/// Returns the shells that have the hook, what is wrong with the others that the user uses, and what those that were asked showed.
pub fn look(context: &Context) -> (Vec<Hook>, Vec<Finding>, Vec<Judged>) {
    let (used, unused): (Vec<_>, Vec<_>) = HOOKED.into_iter().partition(|shell| shell.is_in_use(&context.env));
    let (mut hooks, mut without, mut found) = (Vec::new(), Vec::new(), Vec::new());
    // One that is not installed may be so in another container of this home.
    hooks.extend(unused.into_iter().filter_map(|shell| Some(Hook { shell: shell.to_string(), file: Some(asking_file(context, shell)?) })));
    let mut judged = judge(context, &used);
    for one in &mut judged {
        let has_it = one.fresh.obstacle.is_none();
        let findings = std::mem::take(&mut one.findings);
        if has_it {
            hooks.push(Hook { shell: one.shell.to_string(), file: one.file.clone() });
        }
        match &one.file {
            None if !has_it && !findings.is_empty() => without.push(one.shell),
            _ => found.extend(findings),
        }
    }
    if hooks.is_empty() && found.is_empty() {
        found.push(Finding::problem("no shell's startup file has the prompt hook", WITHOUT, "run `clauth setup`"));
    } else {
        found.extend(without.into_iter().map(missing));
    }
    hooks.sort_by_key(|hook| HOOKED.iter().position(|shell| shell.to_string() == hook.shell));
    (hooks, found, judged)
}

/// Starts these shells, in both ways that terminals do, and says where the hook does not run.
pub fn judge(context: &Context, shells: &[Shell]) -> Vec<Judged> {
    thread::scope(|scope| {
        // All at once: one whose startup files wait for something keeps nobody waiting twice.
        let start = |shell: Shell| Start::BOTH.map(|start| scope.spawn(move || shell.when_fresh(&context.env, &context.program, start)));
        let started: Vec<_> = shells.iter().map(|shell| (*shell, start(*shell))).collect();
        started
            .into_iter()
            .map(|(shell, asked)| {
                let [usual, other] = asked.map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("could not ask {shell}"))));
                judge_one(context, shell, usual, other)
            })
            .collect()
    })
}

fn judge_one(context: &Context, shell: Shell, usual: Result<Fresh>, other: Result<Fresh>) -> Judged {
    let file = asking_file(context, shell);
    let fresh = usual.unwrap_or_else(|error| Fresh { obstacle: Some(Obstacle::NotRun(format!("{error:#}"))), ..Fresh::default() });
    let [first, second] = Start::BOTH;
    let mut findings = Vec::new();
    if let Some(obstacle) = &fresh.obstacle {
        findings.extend(explain(context, shell, first, file.as_deref(), obstacle));
    } else if let Ok(Fresh { obstacle: Some(obstacle), .. }) = other {
        findings.extend(explain(context, shell, second, file.as_deref(), &obstacle));
    }
    Judged { shell, file, fresh, findings }
}

/// Returns the startup file that asks for the hook.
fn asking_file(context: &Context, shell: Shell) -> Option<PathBuf> {
    let is_hooked = |file: &PathBuf| io::read_text(file).is_ok_and(|text| block::is_hooked(&text));
    shell.startup_files(&context.env).into_iter().find(is_hooked)
}

/// Says why the hook does not run in a fresh shell; nothing where that does no harm.
fn explain(context: &Context, shell: Shell, start: Start, file: Option<&Path>, obstacle: &Obstacle) -> Option<Finding> {
    let called = start.shell(shell);
    let reading = shell.read_at_start(&context.env, start);
    // A line that names the program by its path finds it.
    let calls_by_name = || file.is_some_and(|file| io::read_text(file).is_ok_and(|text| block::calls_by_name(&text)));
    let obstacle = if *obstacle == Obstacle::NotFound && !calls_by_name() { &Obstacle::Missing } else { obstacle };
    if let (Obstacle::Missing | Obstacle::NotFound, Some(reading), Some(file)) = (obstacle, &reading, file)
        && reading != file
        && !(reading.exists() && mentions(reading, file))
    {
        return not_read(shell, start, reading, file);
    }
    let lines = blame::Lines::read(
        &reading.map_or_else(|| shell.startup_files(&context.env), |reading| vec![reading, file.map(PathBuf::from).unwrap_or_default()]),
    );
    if *obstacle == Obstacle::Ended
        && let Some((line, other)) = lines.becoming(shell)
    {
        let has_it = other.when_fresh(&context.env, &context.program, start).is_ok_and(|fresh| fresh.obstacle.is_none());
        let what = format!("{called} becomes {other} at {line}, before the lines of clauth, and {other} does not have the prompt hook");
        return (!has_it).then(|| Finding::problem(what, WITHOUT, format!("run `clauth setup --shell {other}`")));
    }
    let asks = file.map_or_else(|| "a startup file".into(), |file| file.display().to_string());
    let what = match obstacle {
        Obstacle::Missing | Obstacle::NotFound | Obstacle::Ended => format!("{asks} asks for the prompt hook, and a fresh {called} does not have it"),
        _ => format!("{asks} asks for the prompt hook, and it does not run in a fresh {called}"),
    };
    let (cause, remedy) = lines.explain(shell, obstacle, &context.program);
    Some(Finding::problem(format!("{what}: {cause}"), WITHOUT, remedy))
}

/// Whether a startup file seems to read another.
fn mentions(reading: &Path, file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    io::read_text(reading).is_ok_and(|text| text.lines().any(|line| line.contains(&*name) && !line.trim_start().starts_with('#')))
}

/// Says that a shell does not read the file that asks for the hook.
fn not_read(shell: Shell, start: Start, reading: &Path, file: &Path) -> Option<Finding> {
    let is_usual = Start::BOTH[0] == start;
    let exists = reading.exists();
    if !is_usual && !exists && !Shell::is_login_at_hand() {
        return None; // of use only where such shells are in use
    }
    let called = start.shell(shell);
    let what = if exists {
        format!("a fresh {called} reads {}, which does not read {}, where the prompt hook is", reading.display(), file.display())
    } else {
        format!("a fresh {called} reads no file of yours, and so not {}, where the prompt hook is", file.display())
    };
    if start == Start::Plain {
        let remedy = format!("move the lines of clauth to {}, and read that in {}", reading.display(), file.display());
        return Some(if is_usual { Finding::problem(what, WITHOUT, remedy) } else { Finding::note(what, WITHOUT, remedy) });
    }
    let why = "terminals that start such a shell, tmux and ssh among them, choose no account by directory";
    // Other shells may read `.profile`.
    let line = format!("[ -z \"$BASH_VERSION\" ] || . {}", shell.word(&file.to_string_lossy()));
    let remedy = format!("run `echo {} >> {}`", shell.quote(&line), shell.word(&reading.to_string_lossy()));
    Some(Finding::problem(what, why, remedy))
}

fn missing(shell: Shell) -> Finding {
    let remedy = format!("run `clauth setup --shell {shell}`, if you use that shell");
    Finding::note(format!("{shell} has no prompt hook"), "there no directory chooses an account", remedy)
}
