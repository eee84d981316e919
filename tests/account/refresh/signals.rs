//! Signals wait from the first lock to the last, and then do what they do: none costs a login or leaves a lock.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::{Mutex, mpsc};

use rustix::process::{Pid, Signal, kill_process};

use super::World;
use crate::support::service::Account;
use crate::support::wait_until;

const ENDING: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

/// Starts a world whose service answers when it is told to.
fn world_that_waits() -> (World, mpsc::Sender<()>) {
    let (answer, answered) = mpsc::channel();
    let answered = Mutex::new(answered);
    let world = World::with(move |request, account: &Account| {
        let _ = answered.lock().unwrap().recv();
        account.renew(request)
    });
    (world, answer)
}

#[test]
fn a_signal_between_the_request_and_the_write_takes_effect_after_the_write() {
    for signal in ENDING {
        let (world, answer) = world_that_waits();
        let mut refresh = world.start(&["work"]);
        wait_until("it asks", || world.asked() == 1);
        send(&refresh, signal);
        answer.send(()).unwrap();
        assert_eq!(refresh.wait().unwrap().signal(), Some(signal.as_raw()), "{signal:?}");
        assert_eq!(world.number(), 1);
        world.assert_good();
    }
}

#[test]
fn a_stop_from_the_terminal_waits_too() {
    let (world, answer) = world_that_waits();
    let mut refresh = world.start(&["work"]);
    wait_until("it asks", || world.asked() == 1);
    // A refresh that sleeps with the locks would be taken for dead, and its token sent again.
    send(&refresh, Signal::TSTP);
    answer.send(()).unwrap();
    wait_until("it has written", || world.number() == 1);
    wait_until("it has let go", || super::locks(&world.sandbox).is_empty());
    send(&refresh, Signal::CONT);
    assert!(refresh.wait().unwrap().success());
    world.assert_good();
}

#[test]
fn a_signal_that_comes_before_the_request_is_obeyed_instead_of_sending_it() {
    for signal in ENDING {
        let world = World::new();
        let runtime = world.sandbox.runtime("work");
        fs::create_dir(runtime.with_file_name("runtime.lock")).unwrap();
        let mut refresh = world.start(&["work"]);
        wait_until("it has one lock and wants the other", || runtime.join(".oauth_refresh.lock").exists());
        send(&refresh, signal);
        assert_eq!(refresh.wait().unwrap().signal(), Some(signal.as_raw()), "{signal:?}");
        assert_eq!((super::locks(&world.sandbox), world.asked()), (vec![runtime.with_file_name("runtime.lock")], 0));
        assert_eq!(world.number(), 0);
    }
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let (world, answer) = world_that_waits();
    let mut command = world.sandbox.command("/bin/sh");
    command.args(["-c", r#"trap "" HUP; exec clauth refresh work"#]);
    let runtime = world.sandbox.runtime("work");
    fs::create_dir(runtime.with_file_name("runtime.lock")).unwrap();
    let mut refresh = command.spawn().unwrap();
    wait_until("it has one lock", || runtime.join(".oauth_refresh.lock").exists());
    send(&refresh, Signal::HUP);
    fs::remove_dir(runtime.with_file_name("runtime.lock")).unwrap();
    wait_until("it asks all the same", || world.asked() == 1);
    send(&refresh, Signal::HUP);
    answer.send(()).unwrap();
    assert!(refresh.wait().unwrap().success());
    world.assert_good();
}

#[test]
fn a_broken_pipe_is_no_reason_to_lose_a_login() {
    let (world, answer) = world_that_waits();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = world.command(&["work"]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut refresh = command.spawn().unwrap();
    drop(command); // and its ends of the pipe
    wait_until("it asks", || world.asked() == 1);
    drop(reader);
    answer.send(()).unwrap();
    assert!(refresh.wait().unwrap().success());
    world.assert_good();
}
