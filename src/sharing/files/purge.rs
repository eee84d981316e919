//! The client's own purge of a project, told from an accident. It is the user's word, so it crosses whole and leaves nothing in the trash.
//!
//! `claude purge DIR` removes the task lists of the project's sessions, then the project's directory, then its record in `.claude.json`. One of two things
//! shows it: the record went (see [`names_below::purged_directory`]); or, since a project without a prompt has none, one project of several is gone together
//! with exactly the task lists of its sessions, which no accident knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::record::Kind;
use super::side::{Entry, look};
use super::{Mirror, names_below};
use crate::sharing::decide::Side;

impl Mirror {
    /// Notes what was purged among what vanished: the directory of a project, and the task lists of its sessions.
    pub(super) fn note_purges(&mut self, vanished: &BTreeSet<PathBuf>) {
        for project in vanished.iter().filter(|path| path.parent() == Some(Path::new("projects"))) {
            for gone_from in Side::BOTH {
                let is_gone = |path: &Path| look(&self.sides.path(gone_from, path)) == Entry::Absent;
                if !is_gone(project) {
                    continue;
                }
                let lists = self.task_lists(project, gone_from.other());
                let is_part = |path: &PathBuf| path.starts_with(project) || lists.iter().any(|list| path.starts_with(list));
                let is_whole = || !lists.is_empty() && lists.iter().all(|list| is_gone(list)) && vanished.iter().all(is_part);
                if self.removals.is_purged(project) || (is_whole() && self.has_a_project(gone_from)) {
                    lists.iter().chain([project]).for_each(|path| self.removals.note_purged(path));
                }
            }
        }
    }

    /// Returns the task lists, of those that both sides had agreed on, of the sessions whose transcripts a side still has.
    fn task_lists(&self, project: &Path, side: Side) -> Vec<PathBuf> {
        let names = fs::read_dir(self.sides.path(side, project)).into_iter().flatten().flatten().map(|entry| PathBuf::from(entry.file_name()));
        let sessions = names.filter(|name| names_below::is_log(name));
        let lists = sessions.filter_map(|name| Some(Path::new("tasks").join(name.file_stem()?)));
        lists.filter(|list| self.get(list).is_some_and(|record| record.kind == Kind::Directory)).collect()
    }

    fn has_a_project(&self, side: Side) -> bool {
        fs::read_dir(self.sides.path(side, Path::new("projects"))).is_ok_and(|mut entries| entries.next().is_some())
    }
}
