//! Many at once: shells that start and die together, register while the helper retires, or are killed while they register.

#[cfg(unix)]
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::files::age;
use crate::support::finished::Finished;
use crate::support::length::rounds;
use crate::support::meanwhile::meanwhile;
use crate::support::session::{evaluation, in_use, is_locked};
use crate::support::{Holder, Session, World};
#[cfg(unix)]
use crate::support::{Shell, Startup, Terminal, system, wait_until};

/// Wine is slow, and whoever waits for more than two seconds is told so.
const CROWD: usize = if cfg!(windows) { 6 } else { 20 };

#[cfg(unix)]
#[test]
fn twenty_shells_that_start_and_die_at_once_leave_nobody_behind() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let session = Session::of(&world, "work");
        let startup = Startup::hooked().in_directory(&work);
        // Each writes the rc file, so all are made before one reads it.
        let commands: Vec<_> = (0..CROWD).map(|_| startup.command(&world, shell)).collect();
        let terminals: Vec<Terminal> = thread::scope(|scope| {
            let starting = commands.into_iter().map(|command| {
                scope.spawn(|| {
                    let terminal = Terminal::start_command(shell, command);
                    session.assert_serves(terminal.pid());
                    terminal
                })
            });
            starting.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let helper = session.helper().unwrap();
        assert_eq!(session.leases().len(), CROWD);
        assert_eq!(world.processes_named("helper work"), [helper.cast_signed()]);

        let (last, rest) = terminals.split_last().unwrap();
        for terminal in rest {
            system::kill(terminal.pid());
            assert_eq!(session.assert_serves(last.pid()), helper);
        }
        system::kill(last.pid());
        session.wait_for_end();
        assert_eq!(session.log(), "");
    });
}

#[test]
fn a_shell_that_registers_while_the_helper_retires_has_a_helper() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let mut previous = Holder::start(&world);
    previous.evaluate(&world, &work).success();
    let probe = || assert_eq!(world.status(&work)["profile"], "work");
    let with_the_same_helper = meanwhile(probe, || {
        let mut kept = 0;
        let mut lasted = Duration::from_millis(10);
        for round in 0..rounds(if cfg!(windows) { 6 } else { 300 }, 10_000) {
            let next = Holder::start(&world);
            let helper = session.assert_serves(previous.pid());
            // The helper wakes, looks twice and retires within a millisecond: before the evaluation reaches the gate, meanwhile, or never. How long an
            // evaluation takes depends on the machine and on what else it does.
            let begun = Instant::now();
            let mut evaluation = evaluation(&world, &work, next.pid());
            let mut evaluation = evaluation.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            pass(lasted * u32::try_from(round % 40).unwrap() / 40);
            previous.kill();
            assert!(evaluation.wait().unwrap().success());
            lasted = begun.elapsed();
            kept += usize::from(session.assert_serves(next.pid()) == helper);
            previous = next;
        }
        kept
    });
    // Both happened, or the rounds have met nothing; the few on Windows can meet one alone.
    assert!(cfg!(windows) || (1..rounds(300, 10_000)).contains(&with_the_same_helper), "{with_the_same_helper}");
    drop(previous);
    session.wait_for_end();
    assert_eq!(session.log(), "");
}

/// Lets time pass so that two processes meet in every possible way; nothing is assumed to have happened then.
fn pass(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn clauth_can_be_killed_at_any_moment_of_a_registration() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let whole = {
        let holder = Holder::start(&world);
        let began = Instant::now();
        holder.evaluate(&world, &work).success();
        began.elapsed()
    };
    session.wait_for_end();
    for round in 0..rounds(if cfg!(windows) { 4 } else { 100 }, 2000) {
        let victim = Holder::start(&world);
        let mut killed = evaluation(&world, &work, victim.pid()).stdout(Stdio::null()).spawn().unwrap();
        pass(whole.mul_f64(f64::from(u32::try_from(round % 50).unwrap()) / 40.0));
        killed.kill().unwrap();
        killed.wait().unwrap();

        let survivor = Holder::start(&world);
        let said = survivor.evaluate(&world, &work).success();
        assert_eq!(said.stderr(), "");
        session.assert_serves(survivor.pid());
        drop((victim, survivor));
        session.wait_for_end();
    }
    assert!(!is_locked(&session.directory().join("gate.lock")));
    assert_eq!(temporary_files(&session.directory().join("leases")), Vec::<String>::new());
    assert_eq!(temporary_files(&session.directory()), Vec::<String>::new());
}

fn temporary_files(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

/// The instant between writing a lease and renaming it is too short to be met by chance.
#[test]
fn what_a_killed_registration_left_is_gone_with_the_helper() {
    let world = World::new();
    let (_, session, holder) = in_use(&world);
    let left = session.directory().join("leases/.4711.clauth-00000000-4712.tmp");
    fs::write(&left, "12").unwrap();
    age(&left, 25 * 60 * 60); // the process that it names may be one of another container, for a day
    drop(holder);
    session.wait_for_end();
    assert_eq!(temporary_files(&session.directory().join("leases")), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn sessions_of_earlier_boots_are_gone_after_a_month_and_those_of_containers_stay() {
    let world = World::new();
    let (_, session, holder) = in_use(&world);
    drop(holder);
    session.wait_for_end();
    let run = session.directory().parent().unwrap().to_path_buf();
    let (runs, this) = (run.parent().unwrap(), run.file_name().unwrap().to_str().unwrap().to_owned());
    let container = format!("{}-pid1", this.rsplit_once('-').unwrap().0);
    let month = 31 * 24 * 60 * 60;
    for (run, seconds) in [("earlier-pid1", month), ("young-pid1", 60), ("held-pid1", month), (&container, month)] {
        let session = runs.join(run).join("work");
        fs::create_dir_all(session.join("leases")).unwrap();
        for file in ["leases/12", "session.lock", "helper.log"] {
            fs::write(session.join(file), "").unwrap();
            age(&session.join(file), seconds);
        }
        for directory in [session.join("leases"), session.clone(), runs.join(run)] {
            age(&directory, seconds);
        }
    }
    let held = fs::File::open(runs.join("held-pid1/work/session.lock")).unwrap();
    held.lock().unwrap();
    let (_, session, holder) = in_use(&world);
    wait_until("the oldest is gone", || !runs.join("earlier-pid1").exists());
    drop(holder);
    session.wait_for_end();
    let left: BTreeSet<_> = fs::read_dir(runs).unwrap().map(|run| run.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, [container, "held-pid1".into(), this, "young-pid1".into()].into());
}

#[test]
fn evaluations_of_one_shell_at_once_agree() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let holder = Holder::start(&world);
    let evaluations: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..CROWD).map(|_| scope.spawn(|| Finished::run(evaluation(&world, &work, holder.pid())).success())).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for one in &evaluations {
        assert_eq!((one.stdout(), one.stderr()), (evaluations[0].stdout(), ""));
    }
    let helper = session.assert_serves(holder.pid());
    assert_eq!(world.processes_named("helper work"), [helper.cast_signed()]);
}
