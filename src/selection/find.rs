//! Where to look for what a directory asks for, nearest first, by `stat` alone.
//!
//! A linked worktree counts as its main checkout. For `TOP/a/b` the order is
//!
//! 1. the files from `TOP/a/b` up to TOP, then rules for TOP and what lies below it,
//! 2. the files from `MAIN/a/b` up to the root, then rules for `MAIN/a/b` and above,
//! 3. the files above TOP, then rules for `TOP/a/b` and above.
//!
//! Anywhere else it is the files from the directory up to the root, then the rules.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::git::{self, Worktree};
use super::watch::Watch;
use crate::io;
use crate::layout::BINDING;

/// How many worktrees may lead to one another: one that stands for a directory of another one, say. Links can be made to lead in a circle.
const MOST_WORKTREES: usize = 4;

/// Names a place where something called `.clauth.toml` may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The directory; canonical when the search began at a canonical one.
    pub directory: PathBuf,
    /// How many levels above the start it is, 0 for the start itself; `None` in another checkout.
    pub level: Option<usize>,
}

impl Candidate {
    /// The file.
    pub fn file(&self) -> PathBuf {
        self.directory.join(BINDING)
    }
}

/// What to look at next.
pub enum Step<'a> {
    /// A directory without a file.
    Nothing(Candidate),
    /// A file.
    File(Candidate),
    /// The rules for a directory, or only those for `below` and what lies below that.
    Rules { directory: &'a Path, below: Option<&'a Path> },
    /// What follows was said for the main checkout of this worktree, until `None` comes.
    Worktree(Option<&'a Worktree>),
}

/// Visits everything that may decide for a canonical directory, in order, until the visitor breaks. What showed the way is added to `watch`.
///
/// What this user may not look at (an ancestor without search permission) counts as absent, as it does for git and direnv. Where the disk fails, there is
/// no telling: that counts as a file, and reading it will say why.
pub fn walk<B>(start: &Path, watch: &mut Watch, mut visit: impl FnMut(Step<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
    let mut view = start.to_owned();
    let mut above_own = None;
    for hops in 0..=MOST_WORKTREES {
        let is_own = hops == 0;
        let mut worktree = None;
        for (level, directory) in view.ancestors().enumerate() {
            look(directory, is_own.then_some(level), &mut visit)?;
            worktree = if hops < MOST_WORKTREES { Worktree::at(directory, watch) } else { None };
            if worktree.is_some() {
                above_own = if is_own { Some(level + 1) } else { above_own };
                break;
            }
        }
        let Some(worktree) = worktree else { break };
        // A nearer one would be another worktree.
        let nearer = view.ancestors().take_while(|directory| *directory != worktree.top).map(git::dot_git);
        nearer.filter(|file| !git::stands(file)).for_each(|file| watch.absent(file));
        visit(Step::Rules { directory: &view, below: Some(&worktree.top) })?;
        visit(Step::Worktree(Some(&worktree)))?;
        view = worktree.counterpart(&view);
    }
    visit(Step::Rules { directory: &view, below: None })?;
    if let Some(first) = above_own {
        visit(Step::Worktree(None))?;
        for (level, directory) in start.ancestors().enumerate().skip(first) {
            look(directory, Some(level), &mut visit)?;
        }
        visit(Step::Rules { directory: start, below: None })?;
    }
    ControlFlow::Continue(())
}

fn look<B>(directory: &Path, level: Option<usize>, visit: &mut impl FnMut(Step<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
    let candidate = Candidate { directory: directory.into(), level };
    let is_there = fs::symlink_metadata(candidate.file()).map_or_else(|error| !io::is_absence(&error), |_| true);
    visit(if is_there { Step::File(candidate) } else { Step::Nothing(candidate) })
}

/// Returns the directory of every file that may decide for a canonical directory, nearest first.
pub fn bound_directories(start: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let ControlFlow::Continue(()) = walk::<std::convert::Infallible>(start, &mut Watch::default(), |step| {
        if let Step::File(candidate) = step {
            found.push(candidate.directory);
        }
        ControlFlow::Continue(())
    });
    found
}
