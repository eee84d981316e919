//! The remotes of the repository around a directory, as git's settings have them.
//!
//! A repository says itself which remotes it has, so all that they do is to choose among the rules that the user wrote. Its own settings are read without
//! what they include: a path in them could lead anywhere.

use std::fs;
use std::path::{Path, PathBuf};

use super::settings::{self, Setting};
use super::{DOT_GIT, claimed, one_path, stands};
use crate::config::{GitSettings, Remote};
use crate::error::Mistake;
use crate::selection::watch::Watch;
use crate::sys;

/// How deep settings of the user's may include others, as git has it.
const DEEPEST: usize = 10;

/// A remote by its name, in every spelling that its URLs have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What the repository calls it.
    pub name: String,
    /// Where it is.
    pub remote: Remote,
}

/// Returns the remotes of the repository around a canonical directory; none where there is no repository, or it is another user's, which git does not touch
/// either. What they hang on is watched from then on.
pub fn remotes(directory: &Path, git: &GitSettings, watch: &mut Watch) -> Result<Vec<Named>, Mistake> {
    let Some(repository) = repository(directory, watch) else { return Ok(Vec::new()) };
    let common = one_path(&repository.join("commondir")).map_or_else(|| repository.clone(), |common| repository.join(common));
    let mut found = read(&common.join("config"), watch)?;
    let has_own = found.iter().rfind(|setting| setting.is("extensions", "worktreeconfig")).is_some_and(Setting::is_true);
    if has_own {
        found.extend(read(&repository.join("config.worktree"), watch)?);
    }
    for file in &git.files {
        include(file, git, 0, &mut found, watch)?;
    }
    let is_url = |setting: &&Setting| setting.is("remote", "url");
    let mut remotes: Vec<Named> = Vec::new();
    for setting in found.iter().filter(is_url) {
        let (Some(name), Some(url)) = (&setting.subsection, &setting.value) else { continue };
        // As it stands and as git spells it: either can be what a rule says.
        let spelled = [rewritten(url, &found), Some(url.clone())].into_iter().flatten();
        for remote in spelled.filter_map(|url| Remote::parse(&url)) {
            let named = Named { name: name.clone(), remote };
            if !remotes.contains(&named) {
                remotes.push(named);
            }
        }
    }
    Ok(remotes)
}

/// Returns the directory in which the innermost repository keeps what is the checkout's own.
fn repository(directory: &Path, watch: &mut Watch) -> Option<PathBuf> {
    for above in directory.ancestors() {
        let file = above.join(DOT_GIT);
        if !stands(&file) {
            watch.absent(file);
            continue;
        }
        let found = if file.is_dir() {
            file
        } else {
            watch.file(&file);
            claimed(&file)?
        };
        let head = found.join("HEAD");
        if !stands(&head) {
            watch.absent(head); // git goes on upward, too
            continue;
        }
        let is_own = |path: &Path| sys::owned_by_this_user(path).unwrap_or(false);
        return (is_own(above) && is_own(&found)).then_some(found);
    }
    None
}

/// Reads one file of settings; none where it does not exist.
fn read(file: &Path, watch: &mut Watch) -> Result<Vec<Setting>, Mistake> {
    watch.file(file);
    if !stands(file) {
        return Ok(Vec::new());
    }
    settings::read(file).map_err(|reason| Mistake::GitSettingsInvalid { file: file.display().to_string(), reason })
}

/// Reads one of the user's own, and what it includes.
fn include(file: &Path, git: &GitSettings, depth: usize, found: &mut Vec<Setting>, watch: &mut Watch) -> Result<(), Mistake> {
    if depth > DEEPEST || !fs::metadata(file).is_ok_and(|meta| meta.is_file()) {
        watch.file(file);
        return Ok(()); // git takes no notice of what is missing
    }
    for setting in read(file, watch)? {
        let included = setting.value.as_ref().filter(|_| setting.is("include", "path") && setting.subsection.is_none());
        let Some(path) = included else {
            found.push(setting);
            continue;
        };
        let path = match (path.strip_prefix("~/"), &git.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => file.parent().unwrap_or(file).join(path),
        };
        include(&path, git, depth + 1, found, watch)?;
    }
    Ok(())
}

/// Returns a URL as `url.BASE.insteadOf` has git spell it: the longest beginning that is named counts.
fn rewritten(url: &str, settings: &[Setting]) -> Option<String> {
    let rules = settings.iter().filter(|setting| setting.is("url", "insteadof"));
    let matching = rules.filter_map(|setting| Some((setting.subsection.as_ref()?, url.strip_prefix(setting.value.as_deref()?)?)));
    matching.min_by_key(|(_, rest)| rest.len()).map(|(base, rest)| format!("{base}{rest}"))
}
