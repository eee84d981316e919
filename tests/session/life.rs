//! How long a helper lives: from the first shell of its profile to the last.

use std::io::{Read as _, Write as _};
use std::process::Child;

use pty_process::blocking::Pty;
use rustix::io::ioctl_fionbio;

use crate::support::session::in_use;
use crate::support::{Session, Shell, Startup, Terminal, World, wait_until};

#[test]
fn the_helper_lives_from_the_first_shell_to_the_last() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let session = Session::of(&world, "work");
        let start = || Terminal::start(&world, shell, &Startup::hooked().in_directory(&work));
        let mut first = start();
        let helper = session.assert_serves(first.pid());
        let mut second = start();
        assert_eq!(session.assert_serves(second.pid()), helper);
        assert!(session.leases().values().all(|kind| kind == "shell"));

        first.exit();
        wait_until("the first lease is gone", || session.leases().into_keys().eq([second.pid()]));
        assert_eq!(session.helper(), Some(helper));
        second.exit();
        session.wait_for_end();
        assert_eq!(session.log(), "");
    });
}

#[test]
fn the_helper_ends_when_the_last_shell_is_killed() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&work));
        Session::of(&world, "work").assert_serves(terminal.pid());
        terminal.kill();
        Session::of(&world, "work").wait_for_end();
    });
}

#[test]
fn the_helper_ends_when_the_last_terminal_is_closed() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let session = Session::of(&world, "work");
        let (pty, other_side) = pty_process::blocking::open().unwrap();
        let command = Startup::hooked().in_directory(&work).command(&world, shell);
        let mut child = pty_process::blocking::Command::from(command).spawn(other_side).unwrap();
        ioctl_fionbio(&pty, true).unwrap();
        wait_until("the shell has registered", || {
            read_and_answer(&pty);
            session.leases().contains_key(&child.id())
        });
        session.wait_for_helper();

        drop(pty); // the kernel sends SIGHUP to whoever has the terminal
        wait_for_end_of(&mut child);
        session.wait_for_end();
    });
}

/// Keeps a shell from waiting for room, or for the answer to its question what the terminal is.
fn read_and_answer(mut pty: &Pty) {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = pty.read(&mut part) {
        let text = String::from_utf8_lossy(&part[..count]);
        if text.contains("\x1b[c") || text.contains("\x1b[0c") {
            pty.write_all(b"\x1b[?62c").unwrap();
        }
    }
}

fn wait_for_end_of(child: &mut Child) {
    wait_until("the shell has ended", || child.try_wait().unwrap().is_some());
}

#[test]
fn a_dead_shell_that_nobody_waits_for_counts_as_dead() {
    let world = World::new();
    let (_, session, mut holder) = in_use(&world);
    session.assert_serves(holder.pid());
    holder.kill();
    session.wait_for_end();
    drop(holder);
}

#[test]
fn leaving_the_directory_ends_the_helper_though_the_shell_lives() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let session = Session::of(&world, "work");
        let mut terminal = world.start(shell);
        assert_eq!(session.helper(), None);
        terminal.run(&shell.cd(&work));
        session.assert_serves(terminal.pid());
        terminal.run(&shell.cd(world.home()));
        session.wait_for_end();
        terminal.run(&shell.cd(&work));
        session.assert_serves(terminal.pid());
    });
}

#[test]
fn two_profiles_have_a_helper_each_and_a_switch_moves_the_lease() {
    Shell::each(|shell| {
        let world = World::new();
        let directories = ["work", "acme"].map(|profile| world.bind(format!("home/{profile}"), profile));
        let [work, acme] = ["work", "acme"].map(|profile| Session::of(&world, profile));
        let [mut wanderer, mut resident] =
            directories.each_ref().map(|directory| Terminal::start(&world, shell, &Startup::hooked().in_directory(directory)));
        let helper = acme.assert_serves(resident.pid());
        assert_ne!(work.assert_serves(wanderer.pid()), helper);

        wanderer.run(&shell.cd(&directories[1]));
        assert_eq!(acme.assert_serves(wanderer.pid()), helper);
        work.wait_for_end();
        resident.exit();
        wait_until("the resident's lease is gone", || acme.leases().into_keys().eq([wanderer.pid()]));
        assert_eq!(acme.helper(), Some(helper));
        wanderer.exit();
        acme.wait_for_end();
    });
}

#[test]
fn a_nested_shell_has_a_lease_of_its_own() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let session = Session::of(&world, "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&work));
        let helper = session.assert_serves(terminal.pid());
        terminal.run(&shell.nested(&world));
        assert_eq!(session.leases().len(), 2);
        terminal.run("exit");
        wait_until("the inner lease is gone", || session.leases().into_keys().eq([terminal.pid()]));
        assert_eq!(session.helper(), Some(helper));
    });
}
