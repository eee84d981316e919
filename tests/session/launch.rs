//! Programs run under a profile: each holds the lease itself, for as long as it runs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::length::rounds;
use crate::support::session::in_use;
use crate::support::system;
use crate::support::{Holder, Session, World, wait_until};

/// Returns how each kind of lease comes about, with a program that waits for the end of its input.
fn launches(world: &World, directory: &Path) -> [(&'static str, Command); 4] {
    world.program("claude", "#!/bin/sh\nread -r line\n");
    world.clauth(&["shim", "install"]).success();
    let command = |program: &str, arguments: &[&str]| {
        let mut command = world.command(program);
        command.args(arguments).current_dir(directory);
        command
    };
    let [shim, wrapper] = ["claude", "claude-wrapper"].map(|name| world.path("home/.clauth/bin").join(name));
    [
        ("exec", command("clauth", &["exec", "work", "--", "cat"])),
        ("start", command("clauth", &["start", "work", "--resume"])),
        ("shim", command(shim.to_str().unwrap(), &[])),
        ("editor", command(wrapper.to_str().unwrap(), &["cat"])),
    ]
}

/// Waits until clauth has become the program that it should run; the pid stays.
fn wait_for_program(session: &Session, holder: &Holder) {
    let clauth = Path::new(env!("CARGO_BIN_EXE_clauth")).canonicalize().unwrap();
    let program = format!("/proc/{}/exe", holder.pid());
    // The shim is a script before it is clauth.
    wait_until("clauth has become the program", || session.leases().contains_key(&holder.pid()) && fs::read_link(&program).unwrap() != clauth);
}

#[test]
fn the_program_itself_holds_the_lease_and_the_helper_is_not_its_child() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    for (kind, command) in launches(&world, &work) {
        let program = Holder::of(command);
        wait_for_program(&session, &program);
        let pid = program.pid();
        session.assert_serves(pid);
        assert_eq!(session.leases()[&pid], kind);
        assert_eq!(fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap(), "", "{kind}: it has a child it knows nothing of");
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
            let target = fs::read_link(entry.unwrap().path()).unwrap();
            assert!(!target.starts_with(world.path("home/.clauth")), "{kind}: it has inherited {}", target.display());
        }
        program.finish();
        session.wait_for_end();
    }
}

/// A killed helper holds its lock until the kernel has taken it apart, and a program has no prompt at which that would be noticed.
#[test]
fn a_program_that_starts_while_the_helper_dies_has_another_one() {
    let world = World::new();
    let session = Session::of(&world, "work");
    world.bind("home/work", "work");
    let program = || {
        let mut command = world.command("clauth");
        command.args(["exec", "work", "--", "cat"]);
        Holder::of(command)
    };
    let first = program();
    wait_for_program(&session, &first);
    // Others keep the processors busy, so that it takes a while to die.
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        for round in 0..rounds(20, 120) {
            let helper = session.assert_serves(first.pid());
            system::kill(helper);
            thread::sleep(Duration::from_millis(round as u64 % 4));
            let next = program();
            wait_for_program(&session, &next);
            session.assert_serves(next.pid());
            next.finish();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    first.finish();
    session.wait_for_end();
}

#[test]
fn a_program_that_is_killed_takes_the_helper_with_it() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    for (_, command) in launches(&world, &work) {
        let mut program = Holder::of(command);
        wait_for_program(&session, &program);
        session.assert_serves(program.pid());
        program.kill();
        session.wait_for_end();
    }
}

#[test]
fn programs_and_shells_share_one_helper() {
    let world = World::new();
    let (work, session, shell) = in_use(&world);
    let helper = session.assert_serves(shell.pid());
    let programs = launches(&world, &work).map(|(_, command)| Holder::of(command));
    for program in &programs {
        wait_for_program(&session, program);
        assert_eq!(session.assert_serves(program.pid()), helper);
    }
    drop(shell);
    wait_until("the shell's lease is gone", || session.leases().len() == programs.len());
    assert_eq!(session.helper(), Some(helper));
    drop(programs);
    session.wait_for_end();
}

#[test]
fn a_program_that_does_not_exist_leaves_no_helper() {
    let world = World::new();
    world.clauth(&["exec", "work", "--", "no-such-program"]).exits_with(127);
    Session::of(&world, "work").wait_for_end();
}
