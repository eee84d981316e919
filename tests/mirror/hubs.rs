//! What `~/.claude` can be: a link, made of links (stow), read-only.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::files::{text, wait_for_text, write};
use crate::support::mirror::Shared;
use crate::support::shell::skip;
use crate::support::{Sandbox, wait_until};

#[test]
fn a_hub_that_is_a_link_is_used_where_it_leads() {
    let sandbox = Sandbox::new();
    let real = sandbox.path("home/dotfiles/claude");
    fs::create_dir_all(real.parent().unwrap()).unwrap();
    fs::rename(sandbox.path("home/.claude"), &real).unwrap();
    symlink(&real, sandbox.path("home/.claude")).unwrap();
    let shared = Shared::with_hub(sandbox, real, &["work"]);
    shared.start("work");
    assert_eq!(fs::read_link(shared.own("work", "commands")).unwrap(), shared.hub("commands"));
    write(&shared.own("work", "projects/p/t.jsonl"), "1\n");
    wait_for_text(&shared.both("projects/p/t.jsonl"), "1\n");
    assert!(shared.sandbox.path("home/.claude").is_symlink());
}

#[test]
fn entries_that_are_links_are_linked_and_mirrored_where_they_lead() {
    let sandbox = Sandbox::new();
    let stow = sandbox.mkdir("home/dotfiles/claude");
    for name in ["commands", "CLAUDE.md", "projects", "history.jsonl"] {
        fs::rename(sandbox.path("home/.claude").join(name), stow.join(name)).unwrap();
        symlink(format!("../dotfiles/claude/{name}"), sandbox.path("home/.claude").join(name)).unwrap();
    }
    symlink("nowhere", sandbox.path("home/.claude/dangling")).unwrap();
    symlink("loop", sandbox.path("home/.claude/loop")).unwrap();
    let shared = Shared::with(sandbox, &["work"]);
    write(&stow.join("projects/p/before.md"), "before");
    shared.start("work");
    for name in ["commands", "CLAUDE.md", "history.jsonl"] {
        assert_eq!(fs::read_link(shared.own("work", name)).unwrap(), stow.join(name), "in one hop");
    }
    wait_for_text(&[shared.own("work", "projects/p/before.md"), stow.join("projects/p/before.md")], "before");
    assert!(fs::symlink_metadata(shared.own("work", "projects")).unwrap().is_dir());
    write(&shared.own("work", "projects/p/mine.md"), "mine");
    wait_for_text(&[shared.own("work", "projects/p/mine.md"), stow.join("projects/p/mine.md")], "mine");
    write(&stow.join("projects/p/theirs.md"), "theirs");
    wait_for_text(&[shared.own("work", "projects/p/theirs.md"), stow.join("projects/p/theirs.md")], "theirs");
    // A cut link is mended where the file really is; the user's own link stays.
    write(&shared.own("work", "CLAUDE.md.tmp.1"), "new");
    fs::rename(shared.own("work", "CLAUDE.md.tmp.1"), shared.own("work", "CLAUDE.md")).unwrap();
    wait_until("it is taken up", || shared.own("work", "CLAUDE.md").is_symlink() && text(&stow.join("CLAUDE.md")).as_deref() == Some("new"));
    for name in ["commands", "CLAUDE.md", "projects", "history.jsonl"] {
        assert!(shared.hub(name).is_symlink(), "{name}");
    }
    for name in ["dangling", "loop"] {
        assert!(!shared.own("work", name).is_symlink(), "{name}");
    }
    shared.assert_all_finished();
}

#[test]
fn a_mirrored_directory_that_is_taken_away_as_a_whole_is_held_until_the_user_decides() {
    let shared = Shared::live(&["work"]);
    let sides = shared.both("plans/deep/plan.md");
    write(&sides[0], "plan");
    for (taken, kept) in [(0, 1), (1, 0)] {
        wait_for_text(&sides, "plan");
        shared.settle();
        fs::remove_dir_all(shared.both("plans")[taken].clone()).unwrap();
        wait_until("it is said", || shared.status("work").contains("clauth removals"));
        assert_eq!((sides[taken].exists(), text(&sides[kept]).as_deref()), (false, Some("plan")));
        shared.sandbox.clauth(&["removals", "restore", "work"]).success();
        wait_until("nothing is said any more", || !shared.status("work").contains("clauth removals"));
    }
    wait_for_text(&sides, "plan");
    let another = shared.both("plans/another.md");
    write(&another[1], "another");
    wait_for_text(&another, "another");
}

#[test]
fn a_hub_that_cannot_be_written_is_read_and_what_is_new_stays_in_the_profile() {
    let shared = Shared::new(&["work"]);
    write(&shared.hub("projects/p/theirs.md"), "theirs");
    let directories = ["", "projects", "projects/p", "plans", "tasks", "agent-memory"].map(|name| shared.hub(name));
    for directory in &directories {
        fs::create_dir_all(directory).unwrap();
    }
    let set_mode = |mode| {
        for directory in &directories {
            fs::set_permissions(directory, Permissions::from_mode(mode)).unwrap();
        }
    };
    set_mode(0o500);
    if fs::write(shared.hub("probe"), "").is_ok() {
        skip("not as root, for whom no directory is read-only", "CLAUTH_REQUIRE_READ_ONLY");
        return;
    }
    shared.start("work");
    wait_for_text(&shared.both("projects/p/theirs.md"), "theirs");
    write(&shared.own("work", "projects/p/mine.md"), "mine");
    wait_until("it is said", || shared.status("work").contains("mine.md"));
    set_mode(0o700);
    shared.stop("work");
    shared.start("work");
    wait_for_text(&shared.both("projects/p/mine.md"), "mine");
}
