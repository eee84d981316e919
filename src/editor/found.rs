//! The editors of this user, found by where they keep their settings.

use std::fs;
use std::path::PathBuf;

use super::Editor;
use crate::claude_code::editors::{Below, EDITORS, FILE, PROFILES};
use crate::env::Env;

/// Returns the names of all of them, once each.
pub fn known() -> String {
    let mut names: Vec<_> = EDITORS.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    names.join(", ")
}

/// Returns the editors of this user: those whose directory exists, each with its settings and those of its profiles, written yet or not.
pub fn found(env: &Env) -> Vec<Editor> {
    let home = env.home_dir().ok();
    let in_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let chosen = |variable: &str| env.non_empty(variable).map(PathBuf::from).filter(|directory| directory.is_absolute());
    let mut seen = Vec::new();
    let mut found: Vec<Editor> = Vec::new();
    for (name, setting, below, directory, settings) in EDITORS {
        let bases: Vec<PathBuf> = match below {
            Below::Configuration => {
                let usual = chosen("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
                [usual, in_home("Library/Application Support"), chosen("APPDATA")].into_iter().flatten().collect()
            }
            Below::Data => chosen("XDG_DATA_HOME").or_else(|| in_home(".local/share")).into_iter().collect(),
            Below::Home => home.clone().into_iter().collect(),
        };
        for directory in bases.into_iter().map(|base| base.join(directory)).filter(|directory| directory.is_dir()) {
            // One file system takes `Zed` for `zed`, and a link leads to the same settings.
            let real = fs::canonicalize(&directory).unwrap_or_else(|_| directory.clone());
            if !seen.contains(&real) {
                seen.push(real);
                let settings = directory.join(settings);
                let profiles = settings.with_file_name(PROFILES);
                let mut files = vec![settings];
                let mut named: Vec<_> = fs::read_dir(profiles).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
                named.sort();
                files.extend(named.into_iter().filter(|profile| profile.is_dir()).map(|profile| profile.join(FILE)));
                found.push(Editor { name, setting, files });
            }
        }
    }
    found
}
