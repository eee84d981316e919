//! Files: private ones, who a file is, links, and renames that lose nothing.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(unix)]
use super::in_time;
use super::scratch;
use crate::sys;

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_file_is_who_it_is_under_every_name_and_nobody_else() {
    let scratch = scratch("identity");
    let [file, name, other, moved] = ["file", "name", "other", "moved"].map(|name| scratch.0.join(name));
    fs::write(&file, "1").unwrap();
    fs::write(&other, "1").unwrap();
    let identity = |path: &Path| sys::look_at(path).unwrap().1;
    let before = identity(&file);
    assert!(!sys::has_other_names(&file));
    fs::hard_link(&file, &name).unwrap();
    assert!(sys::has_other_names(&file) && sys::same_file(&file, &name) && !sys::same_file(&file, &other));
    assert_eq!((identity(&name), identity(&file)), (before, before));
    assert_ne!(identity(&other), before);
    fs::rename(&file, &moved).unwrap();
    assert_eq!(identity(&moved), before);
    assert_eq!(sys::look_at(&file).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(sys::look_at(&scratch.0).unwrap().0.is_dir());
}

#[test]
fn a_clone_has_the_bytes_of_its_file_and_where_it_cannot_be_made_there_is_nothing() {
    let scratch = scratch("clone");
    let [file, clone] = ["file", "clone"].map(|name| scratch.0.join(name));
    fs::write(&file, "bytes").unwrap();
    match sys::clone_file(&fs::File::open(&file).unwrap(), &clone) {
        Ok(()) => {
            assert_eq!(text(&clone), "bytes");
            fs::write(&clone, "others").unwrap();
            assert_eq!(text(&file), "bytes");
        }
        Err(_) => assert!(!clone.exists()),
    }
}

#[test]
fn a_rename_over_nothing_replaces_nothing() {
    let scratch = scratch("rename-new");
    let [one, other, new, directory] = ["one", "other", "new", "directory"].map(|name| scratch.0.join(name));
    fs::write(&one, "one").unwrap();
    fs::write(&other, "other").unwrap();
    fs::create_dir(&directory).unwrap();
    for taken in [&other, &directory] {
        assert_eq!(sys::rename_new(&one, taken).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!((text(&one), text(&other)), ("one".into(), "other".into()));
    sys::rename_new(&one, &new).unwrap();
    assert_eq!((text(&new), one.exists()), ("one".into(), false));
    sys::rename(&new, &other).unwrap();
    assert_eq!((text(&other), new.exists()), ("one".into(), false));
}

#[test]
#[cfg(unix)] // Windows has no exchange
fn an_exchange_gives_each_name_what_the_other_had() {
    let scratch = scratch("exchange");
    let [one, other, directory] = ["one", "other", "directory"].map(|name| scratch.0.join(name));
    fs::write(&one, "one").unwrap();
    fs::write(&other, "other").unwrap();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("inside"), "").unwrap();
    sys::exchange(&one, &other).unwrap();
    assert_eq!((text(&one), text(&other)), ("other".into(), "one".into()));
    sys::exchange(&directory, &one).unwrap();
    assert!(one.join("inside").exists() && text(&directory) == "other");
    assert!(sys::exchange(&scratch.0.join("none"), &other).is_err());
    assert!(sys::exchange(&other, &scratch.0.join("none")).is_err());
    assert_eq!(text(&other), "one");
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 3, "nothing is left of it");
}

#[test]
fn a_link_leads_where_it_should_or_the_user_may_make_none() {
    let scratch = scratch("links");
    let [file, directory, to_file, to_directory] = ["file", "directory", "to file", "to directory"].map(|name| scratch.0.join(name));
    fs::write(&file, "text").unwrap();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("inside"), "text").unwrap();
    for (made, link, target, way) in
        [(sys::symlink(&file, &to_file), &to_file, &file, ""), (sys::link_directory(&directory, &to_directory), &to_directory, &directory, "inside")]
    {
        match made {
            Ok(()) => {
                assert_eq!(fs::read_link(link).unwrap(), *target);
                assert!(fs::symlink_metadata(link).unwrap().is_symlink());
                assert_eq!(text(&if way.is_empty() { link.clone() } else { link.join(way) }), "text");
                assert_eq!(sys::physical(link).unwrap(), sys::physical(target).unwrap());
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
        }
        assert_eq!(link.is_symlink(), link.exists(), "what cannot be made leaves nothing");
        let _ = sys::remove_file(link);
        assert!(fs::symlink_metadata(link).is_err() && target.exists());
    }
    assert_eq!(text(&directory.join("inside")), "text", "a link is removed, and never what it leads to");
}

#[test]
fn a_program_has_another_name_that_says_whose_it_is() {
    let scratch = scratch("program");
    let program = std::env::current_exe().unwrap();
    let link = scratch.0.join(format!("other{}", sys::PROGRAM_SUFFIX));
    sys::link_program(&program, &link).unwrap();
    assert_eq!(sys::linked_program(&link).unwrap(), program);
    let said = Command::new(&link).args(["--list", "nothing of this name"]).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    sys::unlink_program(&link).unwrap();
    assert!(sys::linked_program(&link).is_err() && program.exists());
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 0);
}

#[test]
fn what_is_private_is_made_once_and_can_be_used_by_its_owner() {
    let scratch = scratch("owner");
    let (below, file, lock) = (scratch.0.join("a/b c/é"), scratch.0.join("a/file"), scratch.0.join("a/lock"));
    sys::create_private_dir(&below).unwrap();
    sys::create_private_dir(&below).unwrap();
    assert_eq!(sys::create_lock_dir(&below).unwrap_err().kind(), ErrorKind::AlreadyExists);
    sys::create_private_file(&file).unwrap().write_all(b"text").unwrap();
    assert_eq!(sys::create_private_file(&file).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(sys::create_private_dir(&file).is_err() && sys::create_private_dir(&file.join("below")).is_err());
    let mut read = String::new();
    sys::open_for_reading(&file).unwrap().read_to_string(&mut read).unwrap();
    assert_eq!(read, "text");
    for _ in 0..2 {
        sys::open_lock_file(&lock).unwrap().write_all(b"line").unwrap();
    }
    assert_eq!(text(&lock), "lineline", "a log is appended to");
    for path in [&below, &file, &lock] {
        assert!(sys::owned_by_this_user(path).unwrap(), "{}", path.display());
    }
    assert!(sys::owned_by_this_user(&scratch.0.join("none")).is_err());
}

#[test]
fn paths_may_be_long_and_in_any_script() {
    let scratch = scratch("long");
    let deep: PathBuf = scratch.0.join(["Zoë Müller 日本 with a long name"; 12].join("/"));
    assert!(deep.as_os_str().len() > 300);
    sys::create_private_dir(&deep).unwrap();
    let [one, other] = ["one", "other"].map(|name| deep.join(name));
    sys::create_private_file(&one).unwrap();
    sys::rename_new(&one, &other).unwrap();
    fs::write(&one, "one").unwrap();
    sys::rename(&other, &one).unwrap();
    sys::rename_new(&one, &other).unwrap();
    assert!(sys::owned_by_this_user(&other).unwrap());
    sys::remove_file(&other).unwrap();
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `long` of tests/cross/README.md")]
fn a_long_path_without_links_is_spelled_as_any_other() {
    let scratch = scratch("long-spelled");
    let deep: PathBuf = scratch.0.join(["a directory with a long name"; 12].join("/"));
    sys::create_private_dir(&deep).unwrap();
    assert_eq!(sys::physical(&deep.join(".")).unwrap(), sys::physical(&scratch.0).unwrap().join(deep.strip_prefix(&scratch.0).unwrap()));
}

/// Lets everybody look at a path.
#[cfg(unix)]
fn open_to_others(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path, mode).unwrap();
}

#[cfg(windows)]
use sys::windows::open_to_others;

#[test]
fn what_was_opened_to_others_is_found_and_closed() {
    let scratch = scratch("opened");
    let root = scratch.0.join("private"); // on Wine what lies below a directory that is open inherits that
    let [file, directory] = ["file", "directory"].map(|name| root.join(name));
    sys::create_private_dir(&directory).unwrap();
    drop(sys::create_private_file(&file).unwrap());
    for path in [&file, &directory] {
        assert!(sys::is_private(path).unwrap());
        open_to_others(path);
        assert!(!sys::is_private(path).unwrap());
        sys::make_private(path).unwrap();
        assert!(sys::is_private(path).unwrap());
    }
    fs::write(&file, "still the user's").unwrap();
    fs::write(directory.join("inside"), "still the user's").unwrap();
    assert_eq!(sys::is_private(&root.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
}

/// As virus scanners do on Windows; elsewhere nobody is in the way.
#[cfg(windows)]
#[test]
fn a_rename_that_somebody_is_in_the_way_of_loses_nothing() {
    use std::os::windows::fs::OpenOptionsExt;
    let scratch = scratch("held");
    let [file, new] = ["file", "new"].map(|name| scratch.0.join(name));
    fs::write(&file, "old").unwrap();
    fs::write(&new, "new").unwrap();
    let shares_no_deletion = 1;
    let held = fs::File::options().read(true).share_mode(shares_no_deletion).open(&file).unwrap();
    let error = sys::rename(&new, &file).unwrap_err();
    assert!(sys::is_momentary(&error), "{error}");
    assert_eq!((text(&file), text(&new)), ("old".into(), "new".into()));
    drop(held);
    sys::rename(&new, &file).unwrap();
    assert_eq!((text(&file), new.exists()), ("new".into(), false));
}

#[test]
fn what_was_renamed_can_be_waited_for() {
    let scratch = scratch("synced");
    sys::sync_directory(&scratch.0).unwrap();
    assert_eq!(sys::sync_directory(&scratch.0.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn what_is_private_is_so_under_any_umask() {
    let mode = |path: &PathBuf| std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap()) & 0o7777;
    for mask in [0o000, 0o022, 0o077] {
        let scratch = scratch("private");
        let [above, below, file, lock] = ["above", "above/below", "above/file", "above/lock"].map(|name| scratch.0.join(name));
        let before = rustix::process::umask(rustix::fs::Mode::from_bits_retain(mask));
        let made = sys::create_private_dir(&below).and_then(|()| sys::create_private_file(&file)).and_then(|_| sys::open_lock_file(&lock));
        rustix::process::umask(before);
        made.unwrap();
        assert_eq!([&above, &below, &file, &lock].map(mode), [0o700, 0o700, 0o600, 0o600], "umask {mask:03o}");
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_without_a_writer_opens_at_once() {
    let scratch = scratch("fifo");
    let fifo = scratch.0.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    in_time(move || sys::open_for_reading(&fifo)).unwrap();
}
