//! Which files may choose a profile.
//!
//! An allowance is for the pair of canonical directory and name: a file that asks for another name, or stands elsewhere, is asked about
//! again. A denial is for the directory, whatever its file says, and wins. Both are files named by a hash, so that no path is too long or odd
//! to be kept; the text inside is for people.
//!
//! In a repository an allowance is for the text too: the very same text, at the same place in any checkout of this repository, may choose as well. A denial
//! in the main checkout is one for the same place in its worktrees, where nothing was allowed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::binding::{Binding, Target};
use super::git::Position;
use super::watch::Watch;
use crate::config::Config;
use crate::error::Mistake;
use crate::io::{self, epoch};
use crate::layout::{BINDING, Layout, Writable};

/// Whether a file in this canonical directory is denied; an error where the disk does not say.
pub fn is_denied(layout: &Layout, directory: &Path) -> Result<bool, Mistake> {
    let file = denial(layout, directory);
    match fs::symlink_metadata(&file) {
        Ok(_) => Ok(true),
        Err(error) if io::is_absence(&error) => Ok(false),
        Err(error) => Err(Mistake::BindingUnreadable { file: file.display().to_string(), reason: error.to_string() }),
    }
}

/// Whether the same place in the main checkout of the directory's repository is denied.
pub fn is_denied_in_main_checkout(layout: &Layout, directory: &Path, watch: &mut Watch) -> Result<bool, Mistake> {
    let main = Position::of(directory, watch).and_then(|position| position.main);
    main.map_or(Ok(false), |main| is_denied(layout, &main))
}

/// Whether a file in this canonical directory may choose.
pub fn is_allowed(layout: &Layout, config: &Config, directory: &Path, binding: &Binding, watch: &mut Watch) -> bool {
    is_allowed_here(layout, config, directory, &binding.target)
        || Position::of(directory, watch).is_some_and(|position| is_allowed_elsewhere(layout, config, &position, binding, watch))
}

fn is_allowed_here(layout: &Layout, config: &Config, directory: &Path, target: &Target) -> bool {
    fs::symlink_metadata(allowance(layout, directory, target)).is_ok() || config.trusts(directory)
}

/// Whether this very text was allowed at the same place in another checkout, or stands in the main one and may choose there.
fn is_allowed_elsewhere(layout: &Layout, config: &Config, position: &Position, binding: &Binding, watch: &mut Watch) -> bool {
    if fs::symlink_metadata(text_allowance(layout, position, &binding.text)).is_ok() {
        return true;
    }
    let Some(main) = &position.main else { return false };
    watch.file(&main.join(BINDING));
    allowed_in_main_checkout(layout, config, main).is_some_and(|text| text == binding.text)
}

fn allowed_in_main_checkout(layout: &Layout, config: &Config, main: &Path) -> Option<String> {
    let binding = Binding::read(&main.join(BINDING)).ok()?;
    let may_choose = !is_denied(layout, main).ok()? && is_allowed_here(layout, config, main, &binding.target);
    may_choose.then_some(binding.text)
}

/// Returns the text that may choose at the same place in another checkout of the repository: that of the main one, or else the one that was allowed last.
pub fn text_allowed_elsewhere(layout: &Layout, config: &Config, directory: &Path) -> Option<String> {
    let position = Position::of(directory, &mut Watch::default())?;
    if let Some(text) = position.main.as_ref().and_then(|main| allowed_in_main_checkout(layout, config, main)) {
        return Some(text);
    }
    let heading = heading(&position);
    let texts = fs::read_dir(layout.allow()).ok()?.flatten().filter_map(|entry| {
        let text = fs::read(entry.path()).ok()?.strip_prefix(&heading[..])?.to_vec();
        Some((entry.metadata().ok()?.modified().ok()?, String::from_utf8(text).ok()?))
    });
    texts.max().map(|(_, text)| text)
}

/// Allows the pair and, in a repository, the text; takes back a denial.
pub fn allow(layout: Writable<'_>, directory: &Path, target: &Target, text: &str) -> Result<()> {
    io::create_dir(&layout.allow())?;
    io::forget_unfinished(&layout.allow());
    io::remove(&denial(&layout, directory))?;
    let mut pair = directory.as_os_str().as_encoded_bytes().to_vec();
    pair.extend_from_slice(format!("\n{}\n", target.as_str()).as_bytes());
    io::write(&allowance(&layout, directory, target), &pair)?;
    if let Some(position) = Position::of(directory, &mut Watch::default()) {
        io::write(&text_allowance(&layout, &position, text), &[&heading(&position), text.as_bytes()].concat())?;
    }
    epoch::advance(layout)
}

/// Denies the directory.
pub fn deny(layout: Writable<'_>, directory: &Path) -> Result<()> {
    io::create_dir(&layout.deny())?;
    io::forget_unfinished(&layout.deny());
    let mut text = directory.as_os_str().as_encoded_bytes().to_vec();
    text.push(b'\n');
    io::write(&denial(&layout, directory), &text)?;
    if let (Some(position), Ok(binding)) = (Position::of(directory, &mut Watch::default()), Binding::read(&directory.join(BINDING))) {
        io::remove(&text_allowance(&layout, &position, &binding.text))?;
    }
    epoch::advance(layout)
}

fn allowance(layout: &Layout, directory: &Path, target: &Target) -> PathBuf {
    layout.allow().join(id(&[directory.as_os_str().as_encoded_bytes(), target.as_str().as_bytes()]))
}

fn text_allowance(layout: &Layout, position: &Position, text: &str) -> PathBuf {
    let [common, inside] = [&position.common, &position.inside].map(|path| path.as_os_str().as_encoded_bytes());
    layout.allow().join(id(&[common, inside, text.as_bytes()]))
}

/// What stands before the text in the file of such an allowance.
fn heading(position: &Position) -> Vec<u8> {
    let [common, inside] = [&position.common, &position.inside].map(|path| path.as_os_str().as_encoded_bytes());
    [common, b"\n", inside, b"\n\n"].concat()
}

fn denial(layout: &Layout, directory: &Path) -> PathBuf {
    layout.deny().join(id(&[directory.as_os_str().as_encoded_bytes()]))
}

/// Paths hold no NUL, so parts that end in one cannot run into each other.
fn id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    io::hex(&hash.finalize())
}
