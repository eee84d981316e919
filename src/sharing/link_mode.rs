//! The ways in which two sides can share files, from the best to what works everywhere.

use std::ffi::OsStr;

/// How the two sides share a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkMode {
    /// By symbolic links, and by copies where the client wants real files.
    #[default]
    Symlink,
    /// By links to directories, and copies of files: for users who may make no symbolic links. On Windows the former are junctions then.
    Junction,
    /// By copies: for file systems without links.
    Copy,
}

impl LinkMode {
    /// Each mode, from the best to what works everywhere.
    const NAMES: [(Self, &str); 3] = [(Self::Symlink, "symlink"), (Self::Junction, "junction"), (Self::Copy, "copy")];

    /// Returns the mode of this name; the default for an unknown one. Hard links alone were a mode of clauth 0.6.
    pub fn from_name(name: &OsStr) -> Self {
        if name == "hardlink" {
            return Self::Copy;
        }
        Self::NAMES.into_iter().find_map(|(mode, known)| (name == known).then_some(mode)).unwrap_or_default()
    }

    /// Returns the mode's name.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find_map(|(mode, name)| (mode == self).then_some(name)).unwrap_or_default()
    }

    /// Returns the mode to fall to where this one is not to be had.
    pub fn next(self) -> Option<Self> {
        Self::NAMES.into_iter().map(|(mode, _)| mode).skip_while(|mode| *mode != self).nth(1)
    }

    /// Returns what files are shared by, in words.
    pub fn means(self) -> &'static str {
        match self {
            Self::Symlink => "symbolic links",
            Self::Junction => "junctions and copies",
            Self::Copy => "copies",
        }
    }

    /// Whether a directory that is shared by a link is one in this mode.
    pub fn links_directories(self) -> bool {
        matches!(self, Self::Symlink | Self::Junction)
    }
}
