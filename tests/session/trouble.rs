//! What goes wrong between shells and helper: somebody stopped, somebody killed, a lease that is not one.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use super::place::used;
use crate::support::files::make_fifo;
use crate::support::finished::Finished;
use crate::support::session::{in_use, is_locked, may_unshare, signal};
use crate::support::shell::shells_found;
use crate::support::{Holder, Sandbox, Session, Shell, Startup, Terminal, World, wait_until};

/// Returns a process that has locked a file and is stopped.
fn stopped_holder_of(sandbox: &Sandbox, lock: &Path) -> Holder {
    let mut command = sandbox.command("flock");
    command.arg("--no-fork").arg(lock).arg("cat");
    let holder = Holder::of(command);
    wait_until("the gate is held", || is_locked(lock));
    signal(holder.pid(), Signal::STOP);
    holder
}

#[test]
fn a_stopped_holder_of_the_gate_costs_a_message_and_not_the_account() {
    // All shells wait for the gate at once: each gives up after two seconds.
    let worlds: Vec<_> = shells_found().iter().map(|shell| (shell, used())).collect();
    let mut waiting: Vec<_> = worlds
        .iter()
        .map(|(shell, (world, work))| {
            let stopped = stopped_holder_of(world, &Session::of(world, "work").directory().join("gate.lock"));
            let mut terminal = world.start(shell);
            terminal.type_line(&shell.cd(work));
            (*shell, world, terminal, stopped)
        })
        .collect();
    for (shell, world, terminal, stopped) in &mut waiting {
        let session = Session::of(world, "work");
        let said = terminal.wait_for_prompt();
        assert!(said.starts_with("clauth: the session of `work` could not be joined within 2 s; the account is right"), "{shell}: {said}");
        assert_eq!(said.matches("could not be joined").count(), 1, "{shell}: {said}");
        assert_eq!(terminal.run("claude"), world.claude("work"), "{shell}");
        assert_eq!(session.leases().len(), 0, "{shell}");

        stopped.kill();
        wait_until("the gate is free", || !is_locked(&session.directory().join("gate.lock")));
        assert_eq!(terminal.run(&shell.cd("below")), "", "{shell}");
        session.assert_serves(terminal.pid());
    }
}

#[test]
fn a_killed_helper_is_followed_by_a_new_one_at_the_next_evaluation() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let below = world.mkdir("home/work/below");
        let session = Session::of(&world, "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&work));
        let mut kill_and_go_on = |line: &str| {
            let helper = session.assert_serves(terminal.pid());
            signal(helper, Signal::KILL);
            wait_until("the helper is dead", || session.helper().is_none());
            assert_eq!(terminal.run(line), "");
            assert_ne!(session.assert_serves(terminal.pid()), helper);
        };
        kill_and_go_on(""); // at a prompt where nothing else changed
        kill_and_go_on(&shell.cd(&below));
        kill_and_go_on(&shell.cd(&work));
        // Every command that changes something moves the epoch on.
        world.bind("home/elsewhere", "acme");
        world.clauth(&["deny", world.path("home/elsewhere").to_str().unwrap()]).success();
        kill_and_go_on("");
        terminal.kill();
        session.wait_for_end();
    });
}

#[test]
fn a_shell_that_is_refused_is_no_user_of_the_profile() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    world.write("home/.claude/settings.json", r#"{"env": {"CLAUDE_CONFIG_DIR": "/elsewhere"}}"#);
    let shell = Holder::start(&world);
    for _ in 0..3 {
        assert!(shell.evaluate(&world, &work).success().stdout().contains("refused"));
        assert!(!session.leases().contains_key(&shell.pid()));
    }
    world.clauth_in(&work, &["env", "work"]).failure();
    assert!(session.leases().is_empty());
    world.clauth(&["remove", "work", "--yes"]).success();
}

#[test]
fn a_new_helper_follows_the_shells_of_a_killed_one() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let [first, second] = [(); 2].map(|()| Holder::start(&world));
    let dead = Holder::start(&world);
    for shell in [&first, &second, &dead] {
        shell.evaluate(&world, &work).success();
    }
    signal(session.helper().unwrap(), Signal::KILL);
    wait_until("the helper is dead", || session.helper().is_none());
    let gone = dead.pid();
    drop(dead);
    assert!(session.leases().contains_key(&gone), "nobody is there to remove it");
    first.evaluate(&world, &work).success();
    session.assert_serves(second.pid());
    assert!(!session.leases().contains_key(&gone));
    drop((first, second));
    session.wait_for_end();
}

#[test]
fn a_stopped_helper_keeps_no_shell_waiting() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let [first, second, third] = [(); 3].map(|()| Holder::start(&world));
    first.evaluate(&world, &work).success();
    let helper = session.assert_serves(first.pid());
    signal(helper, Signal::STOP);
    for shell in [&second, &third] {
        let said = shell.evaluate(&world, &work).success();
        assert_eq!(said.stderr(), "");
        assert!(said.stdout().contains(&world.config_dir("work")));
        assert_eq!(session.assert_serves(shell.pid()), helper);
    }
    // What it slept through: one shell that came and went, two that are gone, one that is left.
    drop((first, second));
    signal(helper, Signal::CONT);
    wait_until("only the last one is left", || session.leases().into_keys().eq([third.pid()]));
    assert_eq!(session.helper(), Some(helper));
    drop(third);
    session.wait_for_end();
}

#[test]
fn a_helper_that_is_stopped_before_it_is_ready_costs_a_message_and_not_the_account() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    // Called by its own name, as the helper will be: the one in the sandbox's directory of programs comes first on PATH.
    let script = format!(
        "#!/bin/bash\n[ \"$1\" != helper ] || [ -e \"$HOME/go on\" ] || kill -STOP $$\nexec -a \"$0\" '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_clauth")
    );
    world.program("clauth", &script);
    let [first, second] = [(); 2].map(|()| Holder::start(&world));
    let said = first.evaluate(&world, &work).success();
    assert!(said.stderr().starts_with("clauth: the helper of `work` did not start"), "{said:?}");
    assert!(said.stdout().contains(&world.config_dir("work")));

    let stopped = world.processes_named("helper work");
    assert_eq!(stopped.len(), 1);
    world.write("home/go on", "");
    let said = second.evaluate(&world, &work).success();
    assert_eq!(said.stderr(), "");
    let helper = session.assert_serves(second.pid());
    assert!(session.leases().contains_key(&first.pid()), "it has been registered all the same");
    signal(stopped[0].cast_unsigned(), Signal::CONT);
    wait_until("the one that comes too late is gone", || world.processes_named("helper work") == [helper.cast_signed()]);
    drop((first, second));
    session.wait_for_end();
}

#[test]
fn a_lease_of_a_pid_that_passed_on_is_removed() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let [shell, stranger] = [(); 2].map(|()| Holder::start(&world));
    shell.evaluate(&world, &work).success();
    let helper = session.assert_serves(shell.pid());
    // By rename, as clauth writes it: the helper reads it once.
    let forged = world.write("forged", "1 shell\n");
    fs::rename(&forged, session.lease(stranger.pid())).unwrap();
    wait_until("it is removed", || session.leases().into_keys().eq([shell.pid()]));
    assert_eq!(session.helper(), Some(helper));

    // Found at the start, and not by an event.
    drop(shell);
    session.wait_for_end();
    world.write(session.lease(stranger.pid()), "1 shell\n");
    world.clauth(&["exec", "work", "--", "true"]).success();
    session.wait_for_end();
    drop(stranger);
}

#[test]
fn garbage_among_the_leases_keeps_no_helper() {
    let world = World::new();
    let (work, session, shell) = in_use(&world);
    let helper = session.assert_serves(shell.pid());
    let own = shell.pid().to_string();
    let start = fs::read_to_string(session.lease(shell.pid())).unwrap().split_ascii_whitespace().next().unwrap().to_owned();
    let leases = session.directory().join("leases");
    let files: [(&str, &[u8]); 9] = [
        ("0", b"1 shell\n"),
        ("4294967295", b"1 shell\n"),
        ("99999999999999999999", b"1 shell\n"),
        ("-1", b"1 shell\n"),
        ("1", b""),
        ("2", b"\xff\xfe\x00"),
        ("3", b"1\n"),
        ("4", b"1 nobody\n"),
        ("a name", b"1 shell\n"),
    ];
    for round in 0..2 {
        for (name, bytes) in files {
            world.write(leases.join(name), bytes);
        }
        world.write(leases.join(format!("0{own}")), format!("{start} shell\n"));
        world.mkdir(leases.join(format!("{}", 1_000_000 + round)));
        make_fifo(&leases.join(format!("{}", 2_000_000 + round)));
        let other = Holder::start(&world);
        other.evaluate(&world, &work).success();
        assert_eq!(session.assert_serves(other.pid()), helper);
        world.clauth_in(&work, &["status"]).success();
        drop(other);
    }
    drop(shell);
    world.assert_no_helpers_left();
    assert_eq!(session.log(), "");
}

#[test]
fn leases_of_another_boot_or_pid_namespace_are_left_alone() {
    let world = World::new();
    let (work, session, shell) = in_use(&world);
    let lease = fs::read_to_string(session.lease(shell.pid())).unwrap();
    // The very same lease, live as it looks, in a session of another kernel.
    let elsewhere = world.path("home/.clauth/run/00000000000000000000000000000000-pid1/work/leases").join(shell.pid().to_string());
    let foreign = world.write(&elsewhere, &lease);
    let status = world.clauth_in(&work, &["status", "--json"]).success();
    assert_eq!(status.stdout().matches(&format!("\"pid\": {}", shell.pid())).count(), 1, "{status:?}");
    assert_eq!(world.holders(&work), [shell.pid()]);
    drop(shell);
    world.assert_no_helpers_left();
    world.clauth(&["stop"]).success();
    assert_eq!(fs::read_to_string(foreign).unwrap(), lease);
}

/// A helper that slept meets everything at once, and in an order that says nothing about who lives: in this one the new lease comes first.
#[test]
fn a_new_process_with_the_pid_of_a_dead_one_keeps_its_lease() {
    if !may_unshare() {
        return;
    }
    let world = World::new();
    let work = world.bind("home/work", "work");
    let script = r#"set -e
        ticks() { cut -d' ' -f22 "/proc/$1/stat"; }
        join() { clauth export bash --pid "$1" >/dev/null 2>&1; }
        sleep 1000 & first=$!
        join $first
        cd "$HOME"/.clauth/run/*/work
        read -r helper rest <helper
        kill -STOP $helper
        sleep 1000 & other=$!
        join_elsewhere() { (cd "$OLDPWD"; join "$1"); }
        join_elsewhere $other
        started=$(ticks $first)
        kill -9 $first; wait $first || :
        # A pid and its start time name one process: the next one has to start in another tick of the clock.
        until [ "$(ticks self)" != "$started" ]; do :; done
        echo $((first - 1)) >/proc/sys/kernel/ns_last_pid; sleep 1000 & second=$!
        [ $second = $first ]
        join_elsewhere $second
        kill -CONT $helper
        # The helper has seen all of it once it sees this.
        kill -9 $other
        while [ -e leases/$other ]; do :; done
        cat leases/$second
        kill -0 $helper"#;
    let mut command = world.command("unshare");
    command.current_dir(work).args(["--pid", "--fork", "--mount-proc", "/bin/sh", "-c", script]);
    assert!(Finished::run(command).success().stdout().ends_with(" shell\n"));
}
