//! Names and things that no client makes, and users and other programs do.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::support::files::{age, make_fifo, replace, text, wait_for_end_of, wait_for_text, write};
use crate::support::mirror::Shared;
use crate::support::wait_until;

#[test]
fn every_name_is_carried_replaced_and_removed() {
    let shared = Shared::live(&["work"]);
    let long = "n".repeat(255);
    let long_and_wide = "é".repeat(127);
    let names: [&[u8]; 14] = [
        b"README.md",
        b"readme.md",
        b"Readme.MD",
        b"\xff\xfe not utf-8",
        b"\xfe\xff not utf-8",
        b"new\nline",
        b"-rf",
        b"*",
        b" ",
        b"\\",
        b".hidden",
        b"a\"b'c$(d)`e`",
        long.as_bytes(),
        long_and_wide.as_bytes(),
    ];
    let path = |name: &[u8]| Path::new("projects").join(OsStr::from_bytes(name)).join(OsStr::from_bytes(name));
    for (number, name) in names.iter().enumerate() {
        write(&shared.own("work", path(name)), format!("{number}"));
    }
    for (number, name) in names.iter().enumerate() {
        wait_for_text(&shared.both(path(name)), &format!("{number}"));
        let temp = shared.hub(format!("projects/replacement-{number}"));
        write(&temp, format!("{number} again"));
        fs::rename(temp, shared.hub(path(name))).unwrap();
    }
    for (number, name) in names.iter().enumerate() {
        wait_for_text(&shared.both(path(name)), &format!("{number} again"));
        fs::remove_file(shared.own("work", path(name))).unwrap();
    }
    for name in names {
        wait_for_end_of(&shared.both(path(name)));
    }
    shared.settle();
    assert_eq!(shared.rescued("work"), []);
    shared.assert_all_finished();
}

#[test]
fn a_fifo_and_a_socket_stay_where_they_are_and_are_said_once() {
    let shared = Shared::new(&["work"]);
    let [own, hub] = shared.both("projects/-srv-example");
    fs::create_dir_all(&own).unwrap();
    make_fifo(&hub.join("fifo"));
    let _listener = UnixListener::bind(own.join("socket")).unwrap();
    write(&hub.join("zz.md"), "behind them");
    shared.start("work");
    wait_for_text(&[own.join("zz.md"), hub.join("zz.md")], "behind them");
    for turn in 0..3 {
        write(&own.join(format!("other-{turn}")), "other");
        shared.settle();
        assert!(shared.status("work").contains("fifo"), "{}", shared.status("work"));
    }
    assert!(hub.join("fifo").exists() && !own.join("fifo").exists());
    assert!(own.join("socket").exists() && !hub.join("socket").exists());
    assert_eq!(shared.log("work").matches("fifo").count(), 1, "{}", shared.log("work"));
}

#[test]
fn a_file_and_a_directory_of_one_name_both_stay() {
    let shared = Shared::new(&["work"]);
    let [own, hub] = shared.both("projects/-srv-example/memory");
    write(&own, "a file");
    write(&hub.join("MEMORY.md"), "in a directory");
    write(&shared.hub("projects/-srv-example/zz.md"), "behind them");
    shared.start("work");
    wait_for_text(&shared.both("projects/-srv-example/zz.md"), "behind them");
    assert_eq!(text(&own).as_deref(), Some("a file"));
    assert_eq!(text(&hub.join("MEMORY.md")).as_deref(), Some("in a directory"));
    wait_until("the status says so", || shared.status("work").contains("projects/-srv-example/memory"));
    // Solved by the user, it is over.
    fs::rename(&own, own.with_file_name("file")).unwrap();
    wait_for_text(&shared.both("projects/-srv-example/memory/MEMORY.md"), "in a directory");
    wait_until("the status is quiet", || !shared.status("work").contains("projects/-srv-example/memory"));
}

#[test]
fn links_are_carried_as_links_and_loops_end_nowhere() {
    let shared = Shared::new(&["work"]);
    let [own, hub] = shared.both("projects/-srv-example");
    fs::create_dir_all(&own).unwrap();
    let links =
        [("up", ".."), ("self", "self"), ("one", "other"), ("other", "one"), ("nowhere", "/no/such/file"), ("zero", "/dev/zero"), ("root", "/")];
    for (number, (name, target)) in links.iter().enumerate() {
        symlink(target, [&own, &hub][number % 2].join(name)).unwrap();
    }
    shared.start("work");
    for (name, target) in links {
        wait_until(&format!("{name} is on both sides"), || {
            [&own, &hub].iter().all(|side| fs::read_link(side.join(name)).is_ok_and(|found| found == Path::new(target)))
        });
    }
}

#[test]
fn a_link_into_its_own_side_is_carried_once() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/p/talk.jsonl");
    write(&places[1], "talk\n");
    wait_for_text(&places, "talk\n");
    let roots = shared.places("");
    let links =
        [(1, "projects/p/link.jsonl", "projects/p/talk.jsonl"), (0, "plans/plan.md", "projects/p/talk.jsonl"), (1, "projects/back", "projects")];
    for (side, link, target) in links {
        symlink(roots[side].join(target), roots[side].join(link)).unwrap();
        let is_carried = || (0..3).all(|side| fs::read_link(roots[side].join(link)).is_ok_and(|found| found == roots[side].join(target)));
        wait_until(&format!("{link} leads into each side"), is_carried);
    }
    shared.settle();
    let looked = || links.map(|(_, link, _)| [0, 1, 2].map(|side| fs::symlink_metadata(roots[side].join(link)).unwrap().ino()));
    let before = looked();
    shared.settle();
    assert_eq!(looked(), before, "they are made again and again");
}

#[test]
fn a_link_that_leads_to_the_other_side_does_not_eat_the_file() {
    let shared = Shared::new(&["work"]);
    for (name, link, real) in [("a", 0, 1), ("b", 1, 0)] {
        let sides = shared.both(format!("projects/-srv-example/{name}"));
        write(&sides[real], "precious");
        age(&sides[real], 60);
        fs::create_dir_all(sides[link].parent().unwrap()).unwrap();
        symlink(&sides[real], &sides[link]).unwrap();
    }
    shared.start("work");
    for name in ["a", "b"] {
        wait_for_text(&shared.both(format!("projects/-srv-example/{name}")), "precious");
    }
    // And the same to a file that was agreed on.
    let sides = shared.both("projects/-srv-example/a");
    shared.asleep(&["work"], || {
        fs::remove_file(&sides[0]).unwrap();
        symlink(&sides[1], &sides[0]).unwrap();
    });
    shared.settle();
    wait_for_text(&sides, "precious");
}

#[test]
fn a_path_that_is_too_long_for_one_side_hinders_no_other() {
    let shared = Shared::live(&["work"]);
    // As long as the hub can hold; in the profile, whose directory has the longer name, it is too long.
    let room = 4095 - shared.hub("projects").as_os_str().len();
    let mut deep = shared.hub("projects");
    for _ in 0..room / 201 {
        deep.push("d".repeat(200));
    }
    fs::create_dir_all(&deep).unwrap();
    let rest = 4095 - deep.as_os_str().len();
    if rest > 2 {
        fs::write(deep.join("f".repeat(rest - 1)), "deep").unwrap();
    }
    write(&shared.hub("projects/zz.md"), "behind it");
    wait_for_text(&shared.both("projects/zz.md"), "behind it");
    shared.settle();
    replace(&shared.own("work", "projects/zz.md"), "again");
    wait_for_text(&shared.both("projects/zz.md"), "again");
}
