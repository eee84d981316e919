//! What can be wrong around clauth, why it matters, and the way out of each: what `clauth doctor` shows.
//!
//! Each file looks at one part and returns what it found; only [`mend`] changes anything.

use std::path::PathBuf;

use serde::Serialize;

use crate::context::{Client, Context};
use crate::error::Mistake;
use crate::name::ProfileName;

mod blame;
mod bypass;
mod client;
mod editors;
mod hooks;
mod installation;
mod login;
mod mend;
mod place;
mod settings;
mod tree;
mod unfinished;

pub use editors::{Panel, panels};
pub use hooks::{Hook, Judged, judge};
pub use mend::mend;
pub use tree::Helper;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work, or is not safe.
    Problem,
    /// Worth knowing.
    Note,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub remedy: String,
    /// What `--fix` does about it.
    #[serde(skip)]
    pub mend: Option<Mend>,
}

/// Something that is safe to do without asking.
#[derive(Debug)]
pub enum Mend {
    /// Take everybody else's permissions away.
    MakePrivate(Vec<PathBuf>),
    /// Remove a client's lock whose holder is gone.
    RemoveLock(PathBuf),
    /// Make the config directory what it should be.
    MakeTree(ProfileName),
    /// Remove from the profile's files what too many deletions at once held back.
    AcceptDeletions(ProfileName),
}

impl Finding {
    fn problem(what: impl Into<String>, why: &'static str, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, what: what.into(), why, remedy: remedy.into(), mend: None }
    }

    fn of(mistake: &Mistake, why: &'static str) -> Self {
        let (what, remedy) = mistake.parts();
        Self::problem(what, why, remedy)
    }

    fn note(what: impl Into<String>, why: &'static str, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::problem(what, why, remedy) }
    }

    fn mended_by(mut self, mend: Mend) -> Self {
        self.mend = Some(mend);
        self
    }
}

/// What stands as a remedy where `--fix` does it.
const FIX: &str = "run `clauth doctor --fix`";

/// What there is, and what is wrong with it.
#[derive(Debug, Serialize)]
pub struct Examination {
    /// The shells that have the prompt hook.
    pub hooks: Vec<Hook>,
    /// The Claude Code that clauth starts, or null.
    pub client: Option<Client>,
    /// What the panel of each editor has in this directory.
    pub editors: Vec<Panel>,
    /// The helpers that run.
    pub helpers: Vec<Helper>,
    /// What is wrong, or worth knowing.
    pub findings: Vec<Finding>,
}

/// Looks at everything; changes nothing.
pub fn examine(context: &Context) -> Examination {
    let (hooks, unhooked, judged) = hooks::look(context);
    let panels = editors::here(context);
    let findings = [
        unhooked,
        installation::examine(context, &judged),
        editors::examine(&panels),
        place::examine(context),
        settings::examine(context),
        login::examine(context),
        client::examine(context),
        tree::examine(context),
        unfinished::examine(context),
    ];
    let client = context.client().ok();
    Examination { hooks, client, editors: panels, helpers: tree::helpers(context), findings: findings.into_iter().flatten().collect() }
}
