//! The trash: where the last copy of a removed file goes, by day, for a while.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::size::Size;
use super::transfer::DAY;

/// How many days a removed file is kept.
pub const DAYS: u64 = 30;

/// The most that is kept, in bytes.
const MOST: u64 = 1024 * 1024 * 1024;

/// Counts what lies there.
pub fn size(directory: &Path) -> Size {
    let mut size = Size::default();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => waiting.push(entry.path()),
                Ok(meta) => size.add(meta.len()),
                Err(_) => {}
            }
        }
    }
    size
}

/// Deletes everything in it.
pub fn empty(directory: &Path) -> std::io::Result<()> {
    days(directory).into_iter().try_for_each(|(_, path)| fs::remove_dir_all(path))
}

/// Deletes what is too old or too much, the oldest day first.
pub fn tidy(directory: &Path) -> std::io::Result<()> {
    let today = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() / DAY.as_secs();
    let days = days(directory);
    let mut bytes = if days.is_empty() { 0 } else { size(directory).bytes };
    for (day, path) in days {
        if day + DAYS < today || bytes > MOST {
            bytes = bytes.saturating_sub(size(&path).bytes);
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

/// Returns the directories of days, the oldest first. Another profile may be called `removed`: what it rescued lies beside them, by the second.
fn days(directory: &Path) -> Vec<(u64, PathBuf)> {
    let tomorrow = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() / DAY.as_secs() + 1;
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut days: Vec<(u64, PathBuf)> = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))).collect();
    days.retain(|(day, _)| *day <= tomorrow);
    days.sort();
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_goes_and_what_is_not_a_day_stays() {
        let trash = std::env::temp_dir().join(format!("clauth-trash-{}", std::process::id()));
        let today = UNIX_EPOCH.elapsed().unwrap().as_secs() / DAY.as_secs();
        let directories = [today, today - DAYS, today - DAYS - 1, 1_796_000_000].map(|name| trash.join(name.to_string()));
        for directory in &directories {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join("file"), "text").unwrap();
        }
        tidy(&trash).unwrap();
        assert_eq!(directories.each_ref().map(|directory| directory.exists()), [true, true, false, true]);
        empty(&trash).unwrap();
        assert_eq!(directories.each_ref().map(|directory| directory.exists()), [false, false, false, true]);
        fs::remove_dir_all(trash).unwrap();
    }
}
