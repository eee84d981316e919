//! Whether two paths are one place: links, `..`, bind mounts and other spellings are seen through.
//!
//! Names are not places. A link or a bind mount can make a directory of the hub and one of a profile the same directory, or put one inside the other.
//! Whoever takes such a pair for two sides moves files onto themselves and deletes the only copy, so every move between two roots asks here first.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::hub::Hub;
use crate::sys;

/// Whether two directories are one, or one of them lies inside the other. A path that does not exist lies where it would be created.
///
/// Compares the resolved paths; then, for bind mounts, the identity (device and inode) of each with the other and the directories above it, and where both
/// lie on their file system. Costs a few `stat`s and one look at the table of mounts.
pub fn overlap(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (resolve(one)?, resolve(other)?);
    if one.starts_with(&other) || other.starts_with(&one) {
        return Ok(true);
    }
    if is_or_holds(&one, &other)? || is_or_holds(&other, &one)? {
        return Ok(true);
    }
    // A directory mounted from deep inside the other one: no name above it shows that.
    let Some([one, other]) = sys::origins([&one, &other]) else { return Ok(false) };
    Ok(one.0 == other.0 && (one.1.starts_with(&other.1) || other.1.starts_with(&one.1)))
}

/// Returns the first name of the hub that leads to this path, or inside or around it.
pub fn hub_name_meeting(hub: &Hub, path: &Path) -> io::Result<Option<PathBuf>> {
    for name in entries_in(&hub.directory)? {
        match overlap(&name, path) {
            Ok(true) => return Ok(Some(name)),
            Ok(false) => {}
            Err(_) if name.is_symlink() && !name.exists() => {} // a circle of links leads to no place
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether moving one path to the other would take the only copy away from under both names: their directories are one, or `to` is a link to `from`.
pub fn is_moved_onto_itself(from: &Path, to: &Path) -> bool {
    let is_one_directory = from.parent().zip(to.parent()).is_some_and(|(from, to)| sys::same_file(from, to));
    is_one_directory || (to.is_symlink() && sys::same_file(from, to))
}

/// Returns the directories and links in a directory; nothing where there is none.
fn entries_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_symlink() || path.is_dir()).collect())
}

/// Whether a directory is the other one, or one of those above it.
fn is_or_holds(directory: &Path, other: &Path) -> io::Result<bool> {
    let Some(wanted) = identity(directory)? else { return Ok(false) };
    for above in other.ancestors() {
        if identity(above)? == Some(wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns who a path is: device and inode; `None` where nothing is there.
fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match sys::look_at(path) {
        Ok((_, (device, inode, _))) => Ok(Some((device, inode))),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Resolves a path; of one that does not exist, the part that does, with the rest behind it. A dangling link is resolved to where it leads.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    /// More links than this in a row are a circle, as they are for the kernel.
    const LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match sys::physical(&path) {
            Err(error) if is_absent(&error) => {}
            resolved => return resolved,
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path) };
        match fs::read_link(&path) {
            Ok(target) => path = parent.join(target),
            Err(_) => return Ok(resolve(parent)?.join(name)),
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "too many links lead to one another"))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("clauth-places-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            sys::create_private_dir(&path).unwrap();
            Self(sys::physical(&path).unwrap())
        }

        fn directory(&self, name: &str) -> PathBuf {
            let path = self.0.join(name);
            sys::create_private_dir(&path).unwrap();
            path
        }

        fn link(&self, name: &str, target: &str) -> PathBuf {
            let path = self.0.join(name);
            sys::link_directory(Path::new(target), &path).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "beyond Wine: row `symlink` of tests/cross/README.md")]
    fn two_names_of_one_place_and_of_nested_places_overlap() {
        let scratch = Scratch::new("one");
        let (hub, inside) = (scratch.directory("hub"), scratch.directory("hub/projects"));
        let (link, deep) = (scratch.link("link", "hub"), scratch.link("deep", "link/projects"));
        for (one, other) in [(&hub, &hub), (&hub, &inside), (&hub, &link), (&link, &inside), (&hub, &deep), (&deep, &inside)] {
            assert!(overlap(one, other).unwrap() && overlap(other, one).unwrap(), "{one:?} {other:?}");
        }
        assert!(is_moved_onto_itself(&hub.join("x"), &link.join("x")) && !is_moved_onto_itself(&hub.join("x"), &inside.join("x")));
    }

    #[test]
    #[cfg_attr(windows, ignore = "beyond Wine: row `symlink` of tests/cross/README.md")]
    fn neighbours_do_not_overlap_whatever_they_are_called() {
        let scratch = Scratch::new("two");
        let (hub, longer, other) = (scratch.directory("hub"), scratch.directory("hub-work"), scratch.directory("other"));
        let link = scratch.link("hub/agents", "../other");
        for (one, two) in [(&hub, &longer), (&hub, &other), (&longer, &link)] {
            assert!(!overlap(one, two).unwrap(), "{one:?} {two:?}");
        }
        assert!(overlap(&other, &link).unwrap());
    }

    #[test]
    #[cfg_attr(windows, ignore = "beyond Wine: row `symlink` of tests/cross/README.md")]
    fn what_does_not_exist_yet_lies_where_it_would_be_made() {
        let scratch = Scratch::new("absent");
        let hub = scratch.directory("hub");
        let dangling = scratch.link("dangling", "hub/later/deep");
        assert!(overlap(&hub, &hub.join("no/such")).unwrap() && overlap(&dangling, &hub).unwrap());
        assert!(!overlap(&hub, &scratch.0.join("no/such")).unwrap());
        let circle = scratch.link("circle", "circle");
        assert!(overlap(&hub, &circle).is_err(), "nobody can tell");
    }
}
