//! What git's own files say about a directory. `git` itself is never run, and nothing here is believed because a checkout says so.
//!
//! A linked worktree is known by git's two-way link (gitrepository-layout(5)):
//!
//! | file | holds | written by |
//! |---|---|---|
//! | `TOP/.git` | the path of `COMMON/worktrees/X` | whoever made TOP, so an archive can claim anything |
//! | `COMMON/worktrees/X/gitdir` | the path of `TOP/.git` | `git` in the repository, never by unpacking TOP |
//! | `COMMON/worktrees/X/commondir` | the path of COMMON | `git worktree add`, and never again |
//!
//! All three must agree, `TOP/.git` must be a regular file and no link, and TOP, X and COMMON must belong to this user. Older versions of git, and
//! `git worktree repair` in any, rewrite `gitdir` for whoever claims the link, so the two must also have been written at one time: see [`Worktree::is_sure`].

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::watch::Watch;
use crate::{io, sys};

pub mod remotes;
pub mod settings;

/// What git's own files are called.
const DOT_GIT: &str = ".git";

/// The most that a file with one path in it may hold, in bytes.
const PATH_LIMIT: usize = 16 * 1024;

/// How far apart `git worktree add` may write its files on a slow disk.
const ONE_MOMENT: Duration = Duration::from_secs(10);

/// A linked worktree whose link was checked both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// Its own top directory.
    pub top: PathBuf,
    /// The directory of the repository that it shares with the other checkouts, canonical.
    pub common: PathBuf,
    /// The top of the main checkout; of a bare repository, the repository.
    main: PathBuf,
    /// Whether `main` is a checkout, so that a directory of the worktree has its counterpart there.
    has_checkout: bool,
    /// Whether both ends of the link were written at one time, as `git worktree add` does. Nobody who packs an archive knows that time.
    pub is_sure: bool,
}

impl Worktree {
    /// Looks whether `top`, which is canonical, is the top of a linked worktree. What it reads is watched from then on.
    pub fn at(top: &Path, watch: &mut Watch) -> Option<Self> {
        let file = top.join(DOT_GIT);
        let meta = fs::symlink_metadata(&file).ok().filter(fs::Metadata::is_file)?;
        let administration = claimed(&file)?;
        if administration.parent()?.file_name()? != "worktrees" {
            return None; // a submodule, or a repository that is kept elsewhere
        }
        let (back, commondir) = (administration.join("gitdir"), administration.join("commondir"));
        watch.file(&file);
        watch.file(&back);
        let administration = sys::physical(&administration).ok()?;
        let common = administration.parent()?.parent()?.to_owned();
        let named = administration.join(one_path(&back)?);
        let leads_back = named.file_name()? == DOT_GIT && sys::same_file(named.parent()?, top);
        let is_below = administration.parent()?.file_name()? == "worktrees" && sys::same_file(&administration.join(one_path(&commondir)?), &common);
        let is_own = |path: &Path| sys::owned_by_this_user(path).unwrap_or(false);
        if !leads_back || !is_below || ![top, &file, &administration, &common].into_iter().all(is_own) {
            return None;
        }
        let is_sure = at_one_time(meta.modified().ok(), fs::metadata(&commondir).and_then(|meta| meta.modified()).ok());
        let checkout = main_checkout(&common, watch);
        let has_checkout = checkout.is_some();
        Some(Self { top: top.into(), main: checkout.unwrap_or_else(|| common.clone()), common, has_checkout, is_sure })
    }

    /// Returns the directory of the main checkout that a directory of this worktree stands for. It need not exist.
    pub fn counterpart(&self, directory: &Path) -> PathBuf {
        match directory.strip_prefix(&self.top) {
            Ok(inside) if self.has_checkout && !inside.as_os_str().is_empty() => self.main.join(inside),
            _ => self.main.clone(),
        }
    }
}

/// The place of a directory in a repository: the same one in each of its checkouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The directory of the repository, canonical.
    pub common: PathBuf,
    /// The path below the checkout's top.
    pub inside: PathBuf,
    /// The same place in the main checkout, where this one is another.
    pub main: Option<PathBuf>,
}

impl Position {
    /// Returns the place of a canonical directory in the innermost repository around it; `None` where that cannot be sure.
    pub fn of(directory: &Path, watch: &mut Watch) -> Option<Self> {
        let top = directory.ancestors().find(|above| stands(&above.join(DOT_GIT)))?;
        let inside = directory.strip_prefix(top).ok()?.to_owned();
        let own = top.join(DOT_GIT);
        if fs::symlink_metadata(&own).is_ok_and(|meta| meta.is_dir()) {
            return sys::owned_by_this_user(&own).unwrap_or(false).then_some(Self { common: own, inside, main: None });
        }
        let worktree = Worktree::at(top, watch).filter(|worktree| worktree.is_sure)?;
        let main = worktree.has_checkout.then(|| worktree.counterpart(directory));
        Some(Self { common: worktree.common, inside, main })
    }
}

/// Whether something of this name stands there, whatever it is.
pub fn stands(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Returns `.git` in a directory.
pub fn dot_git(directory: &Path) -> PathBuf {
    directory.join(DOT_GIT)
}

/// Returns what a `.git` file claims to be the repository.
pub fn claimed(file: &Path) -> Option<PathBuf> {
    let text = one_path(file)?;
    let path = text.to_str()?.strip_prefix("gitdir:")?.trim_start();
    (!path.is_empty()).then(|| file.parent().unwrap_or(file).join(path))
}

/// Reads a file that holds one path and a newline.
fn one_path(file: &Path) -> Option<PathBuf> {
    let text = String::from_utf8(io::read_regular(file, PATH_LIMIT).ok()??).ok()?;
    let path = text.trim_end_matches(['\n', '\r']);
    (!path.is_empty() && !path.contains(['\n', '\0'])).then(|| path.into())
}

fn at_one_time(one: Option<SystemTime>, other: Option<SystemTime>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one.duration_since(other).or_else(|_| other.duration_since(one)).is_ok_and(|apart| apart <= ONE_MOMENT)
}

/// Returns the top of a repository's main checkout: where `.git` stands or, of a submodule, the directory that its settings name, if its `.git` leads back.
fn main_checkout(common: &Path, watch: &mut Watch) -> Option<PathBuf> {
    if common.file_name()? == DOT_GIT {
        return Some(common.parent()?.to_owned());
    }
    let config = common.join("config");
    watch.file(&config);
    let named = settings::worktree(&config)?;
    let top = sys::physical(&common.join(named)).ok()?;
    let file = top.join(DOT_GIT);
    let leads_back = sys::same_file(&file, common) || claimed(&file).is_some_and(|claimed| sys::same_file(&claimed, common));
    (leads_back && sys::owned_by_this_user(&top).unwrap_or(false)).then_some(top)
}
