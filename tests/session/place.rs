//! Where sessions lie: in places that belong to others, cannot be written, are full, or vanish.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::support::files::everything_below;
use crate::support::finished::Finished;
use crate::support::session::{in_use, may_unshare, signal};
use crate::support::{Holder, Session, Shell, Startup, Terminal, World, wait_until};

/// Asserts what every such trouble looks like to a user who enters `work`: one message, the right account, and prompts that work.
fn enter_with_one_complaint(world: &World, terminal: &mut Terminal, work: &Path, complaint: &str) {
    let shell = terminal.shell().clone();
    let said = terminal.run(&shell.cd(work));
    let complaints: Vec<_> = said.lines().filter(|line| !line.contains(" · ")).collect();
    assert!(complaints.len() == 1 && complaints[0].starts_with("clauth: ") && complaints[0].contains(complaint), "{shell}: {said}");
    assert_eq!(terminal.run("claude"), world.claude("work"), "{shell}");
    assert_eq!(terminal.run(&shell.cd(work.join("below"))), "", "{shell}: the same is not said again");
    assert_eq!(terminal.run(&shell.cd(world.home())).trim_end(), "clauth: left work", "{shell}");
}

/// Returns a world whose profile `work` has been used once, and a directory bound to it.
pub(super) fn used() -> (World, PathBuf) {
    let world = World::new();
    world.mkdir("home/work/below");
    let (work, session, shell) = in_use(&world);
    drop(shell);
    session.wait_for_end();
    (world, work)
}

/// Gives clauth's home to another user, or back.
fn give_to(world: &World, owner: &str) {
    let mut command = world.command("chown");
    command.args(["-R", "-h", owner]).arg(world.path("home/.clauth"));
    Finished::run(command).success();
}

#[test]
fn nothing_is_written_into_the_home_of_another_user() {
    if !may_unshare() {
        return;
    }
    Shell::each(|shell| {
        let (world, work) = used();
        let home = world.path("home/.clauth");
        let look =
            || everything_below(&home).into_iter().map(|path| (fs::symlink_metadata(&path).unwrap().modified().unwrap(), path)).collect::<Vec<_>>();
        give_to(&world, "nobody");
        let before = look();
        let mut terminal = world.start(shell);
        enter_with_one_complaint(&world, &mut terminal, &work, "belongs to another user");
        for arguments in [&["exec", "work", "--", "true"][..], &["env", "work"]] {
            assert!(world.clauth(arguments).success().stderr().contains("belongs to another user"));
        }
        for arguments in [&["stop"][..], &["add", "new"], &["use", "acme"], &["shim", "install"]] {
            assert!(world.clauth(arguments).failure().stderr().contains("belongs to another user"));
        }
        assert_eq!(look(), before);

        give_to(&world, "root");
        terminal.run(&shell.cd(&work));
        Session::of(&world, "work").assert_serves(terminal.pid());
    });
}

#[test]
fn a_profile_of_another_user_that_was_never_used_is_refused() {
    if !may_unshare() {
        return;
    }
    let world = World::new();
    let work = world.bind("home/work", "work");
    fs::remove_dir_all(world.config_dir("work")).unwrap();
    give_to(&world, "nobody");
    let shell = Holder::start(&world);
    let said = shell.evaluate(&world, &work).success();
    assert!(said.stdout().contains(&world.refused_config_dir()), "{said:?}");
    assert!(said.stderr().contains("belongs to another user"), "{said:?}");
}

/// Returns the command that starts a shell behind `mounts`, which nobody outside sees.
fn behind_mounts(world: &World, shell: &Shell, mounts: &str) -> Command {
    let plain = Startup::hooked().command(world, shell);
    let mut command = world.command("unshare");
    command
        .args(["--mount", "/bin/sh", "-e", "-c", &format!("cd \"$HOME\"\n{mounts}\nexec \"$0\" \"$@\"")])
        .arg(plain.get_program())
        .args(plain.get_args());
    command
}

#[test]
fn a_home_that_cannot_be_written_costs_a_message_and_not_the_account() {
    if !may_unshare() {
        return;
    }
    Shell::each(|shell| {
        let (world, work) = used();
        let read_only = "mount --bind .clauth .clauth; mount -o remount,ro,bind .clauth";
        let mut terminal = Terminal::start_command(shell, behind_mounts(&world, shell, read_only));
        enter_with_one_complaint(&world, &mut terminal, &work, "Read-only file system");
        assert!(world.processes_named("helper work").is_empty());
    });
}

#[test]
fn a_full_disk_costs_a_message_and_not_the_account() {
    if !may_unshare() {
        return;
    }
    Shell::each(|shell| {
        let (world, work) = used();
        let full = "cp -a .clauth kept; mount -t tmpfs -o size=256k,mode=0700 none .clauth; cp -a kept/. .clauth
            rm -rf .clauth/run; cat /dev/zero >.clauth/full 2>/dev/null || :";
        let mut terminal = Terminal::start_command(shell, behind_mounts(&world, shell, full));
        enter_with_one_complaint(&world, &mut terminal, &work, "No space left on device");
        terminal.run("rm .clauth/full");
        assert_eq!(terminal.run(&shell.cd(&work)), "clauth: work · me@work.example");
        let status: serde_json::Value = serde_json::from_str(&terminal.run("clauth status --json")).unwrap();
        assert_eq!(status["holders"][0]["pid"], terminal.pid());
        assert_eq!(world.processes_named("helper work"), [i32::try_from(status["helper"]["pid"].as_u64().unwrap()).unwrap()]);
        terminal.kill();
        world.assert_no_helpers_left();
    });
}

#[test]
fn sessions_that_are_deleted_begin_anew() {
    Shell::each(|shell| {
        let (world, work) = used();
        let session = Session::of(&world, "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&work));
        for directory in [work.join("below"), work.clone()] {
            session.assert_serves(terminal.pid());
            // A helper that sees its leases go opens the gate, whose file may be gone by then: then there is one more to remove.
            wait_until("all is deleted", || fs::remove_dir_all(world.path("home/.clauth/run")).is_ok() || !world.path("home/.clauth/run").exists());
            world.assert_no_helpers_left();
            assert_eq!(terminal.run(""), "");
            assert_eq!(terminal.run("claude"), world.claude("work"));
            assert_eq!(terminal.run(&shell.cd(&directory)), "");
        }
        session.assert_serves(terminal.pid());
        terminal.kill();
        session.wait_for_end();
    });
}

#[test]
fn a_helper_whose_session_was_deleted_does_not_serve_the_next_one() {
    let (world, work) = used();
    let session = Session::of(&world, "work");
    let [first, second] = [(); 2].map(|()| Holder::start(&world));
    first.evaluate(&world, &work).success();
    let old = session.assert_serves(first.pid());
    signal(old, Signal::STOP);
    fs::remove_dir_all(world.path("home/.clauth/run")).unwrap();
    second.evaluate(&world, &work).success();
    let new = session.assert_serves(second.pid());
    assert_ne!(new, old);
    signal(old, Signal::CONT);
    wait_until("only the new one is left", || world.processes_named("helper work") == [new.cast_signed()]);
}
