//! Which files may choose a profile.
//!
//! An allowance is for the pair of canonical directory and name: a file that asks for another name, or stands elsewhere, is asked about
//! again. A denial is for the directory, whatever its file says, and wins. Both are files named by a hash, so that no path is too long or odd
//! to be kept; the text inside is for people.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::binding::Target;
use crate::config::Config;
use crate::error::Mistake;
use crate::io::{self, epoch};
use crate::layout::{Layout, Writable};

/// Whether a file in this canonical directory is denied; an error where the disk does not say.
pub fn is_denied(layout: &Layout, directory: &Path) -> Result<bool, Mistake> {
    let file = denial(layout, directory);
    match fs::symlink_metadata(&file) {
        Ok(_) => Ok(true),
        Err(error) if io::is_absence(&error) => Ok(false),
        Err(error) => Err(Mistake::BindingUnreadable { file: file.display().to_string(), reason: error.to_string() }),
    }
}

/// Whether a file in this canonical directory may choose this name.
pub fn is_allowed(layout: &Layout, config: &Config, directory: &Path, target: &Target) -> bool {
    fs::symlink_metadata(allowance(layout, directory, target)).is_ok() || config.trusts(directory)
}

/// Allows the pair and takes back a denial.
pub fn allow(layout: Writable<'_>, directory: &Path, target: &Target) -> Result<()> {
    io::create_dir(&layout.allow())?;
    io::forget_unfinished(&layout.allow());
    io::remove(&denial(&layout, directory))?;
    let mut text = directory.as_os_str().as_encoded_bytes().to_vec();
    text.extend_from_slice(format!("\n{}\n", target.as_str()).as_bytes());
    io::write(&allowance(&layout, directory, target), &text)?;
    epoch::advance(layout)
}

/// Denies the directory.
pub fn deny(layout: Writable<'_>, directory: &Path) -> Result<()> {
    io::create_dir(&layout.deny())?;
    io::forget_unfinished(&layout.deny());
    let mut text = directory.as_os_str().as_encoded_bytes().to_vec();
    text.push(b'\n');
    io::write(&denial(&layout, directory), &text)?;
    epoch::advance(layout)
}

fn allowance(layout: &Layout, directory: &Path, target: &Target) -> PathBuf {
    layout.allow().join(id(&[directory.as_os_str().as_encoded_bytes(), target.as_str().as_bytes()]))
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
