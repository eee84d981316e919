//! Programs run under a profile: each holds the lease itself, for as long as it runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::session::in_use;
use crate::support::{Holder, Session, World, wait_until};

/// Returns how each kind of lease comes about, with a program that waits for the end of its input.
fn launches(world: &World, directory: &Path) -> [(&'static str, Command); 3] {
    world.program("claude", "#!/bin/sh\nread -r line\n");
    world.clauth(&["shim", "install"]).success();
    let command = |program: &str, arguments: &[&str]| {
        let mut command = world.command(program);
        command.args(arguments).current_dir(directory);
        command
    };
    let shim = world.path("home/.clauth/bin/claude");
    [
        ("exec", command("clauth", &["exec", "work", "--", "cat"])),
        ("start", command("clauth", &["start", "work", "--resume"])),
        ("shim", command(shim.to_str().unwrap(), &[])),
    ]
}

/// Waits until clauth has become the program that it should run; the pid stays.
fn wait_for_program(holder: &Holder) {
    let clauth = Path::new(env!("CARGO_BIN_EXE_clauth")).canonicalize().unwrap();
    let program = format!("/proc/{}/exe", holder.pid());
    wait_until("clauth has become the program", || fs::read_link(&program).unwrap() != clauth);
}

#[test]
fn the_program_itself_holds_the_lease_and_the_helper_is_not_its_child() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    for (kind, command) in launches(&world, &work) {
        let program = Holder::of(command);
        wait_for_program(&program);
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

#[test]
fn a_program_that_is_killed_takes_the_helper_with_it() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    for (_, command) in launches(&world, &work) {
        let mut program = Holder::of(command);
        wait_for_program(&program);
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
        wait_for_program(program);
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
