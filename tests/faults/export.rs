//! An evaluation at which one system call fails: the right account or none, and at the next prompt all is as it should be.

use std::cell::RefCell;
use std::path::Path;

use crate::support::faults::{FILES, PROCESSES, at_each};
use crate::support::finished::Finished;
use crate::support::trace::strace;
use crate::support::{Holder, Session, World};

/// Returns the calls of files and of processes.
fn calls() -> String {
    format!("{FILES} {PROCESSES}")
}

/// Runs an evaluation under strace and asserts that its answer, if it is one, is the profile or a refusal.
fn evaluate(world: &World, directory: &Path, holder: &Holder, strace: &[&str], fault: &str) {
    let mut command = world.command(strace[0]);
    command.args(&strace[1..]).args(["clauth", "export", "bash", "--pid", &holder.pid().to_string()]).current_dir(directory);
    let said = Finished::run(command);
    let is_whole = said.code() == Some(0) && said.stdout().ends_with(": clauth-end\n");
    let is_right = said.stdout().contains(&world.config_dir("work")) || said.stdout().contains(&world.refused_config_dir());
    assert!(!is_whole || is_right, "{fault}: {said:?}");
    assert!(said.code() != Some(101) && !said.stderr().contains("panicked"), "{fault}: {said:?}");
    assert!(said.stderr().lines().all(|line| line.starts_with("clauth: ") || !line.contains("clauth: ")), "{fault}: {said:?}");
}

/// Asserts that the next evaluation is as any.
fn assert_well(world: &World, directory: &Path, holder: &Holder, fault: &str) {
    let said = holder.evaluate(world, directory).success();
    assert_eq!(said.stderr(), "", "{fault}");
    assert!(said.stdout().contains(&world.config_dir("work")), "{fault}: {said:?}");
    Session::of(world, "work").assert_serves(holder.pid());
}

#[test]
fn whatever_fails_once_while_a_session_begins_the_account_is_right_or_refused() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let holder = RefCell::new(None);
    let set_up = || {
        drop(holder.take());
        session.wait_for_end();
        holder.replace(Some(Holder::start(&world)));
    };
    let count = at_each(&world.path("strace.log"), &calls(), 60, set_up, |strace, fault| {
        let holder = holder.borrow();
        let holder = holder.as_ref().unwrap();
        evaluate(&world, &work, holder, strace, fault);
        assert_well(&world, &work, holder, fault);
    });
    assert!(count > 20 || strace().is_none(), "{count}");
}

#[test]
fn whatever_fails_once_while_a_session_goes_on_the_account_is_right_or_refused() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let below = world.mkdir("home/work/below");
    world.write("home/.clauth/config.toml", "[[rule]]\ndir = \"~/other\"\nprofile = \"acme\"\n");
    let holder = Holder::start(&world);
    holder.evaluate(&world, &work).success();
    let count = at_each(
        &world.path("strace.log"),
        &calls(),
        80,
        || {},
        |strace, fault| {
            evaluate(&world, &below, &holder, strace, fault);
            assert_well(&world, &below, &holder, fault);
        },
    );
    assert!(count > 20 || strace().is_none(), "{count}");
}

#[test]
fn whatever_fails_once_a_rule_and_a_default_are_followed_or_refused() {
    let world = World::new();
    let ruled = world.mkdir("home/ruled");
    let holder = Holder::start(&world);
    for settings in ["default_profile = \"work\"\n", "default_profile = \"acme\"\n[[rule]]\ndir = \"~/ruled\"\nprofile = \"work\"\n"] {
        world.write("home/.clauth/config.toml", settings);
        holder.evaluate(&world, &ruled).success();
        let looks = "openat read statx ?readlink getdents64";
        at_each(
            &world.path("strace.log"),
            looks,
            40,
            || {},
            |strace, fault| {
                evaluate(&world, &ruled, &holder, strace, fault);
                assert_well(&world, &ruled, &holder, fault);
            },
        );
    }
}
