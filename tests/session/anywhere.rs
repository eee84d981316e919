//! The helper, leases and locks on every system: driven by the program itself, without a shell.

use std::fs;

use crate::support::session::{in_use, is_locked};
use crate::support::{Holder, Session, World, system, wait_until};

#[test]
fn a_helper_lives_from_the_first_lease_to_the_last() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let [first, second] = [Holder::start(&world), Holder::start(&world)];
    first.evaluate(&world, &work).success();
    let helper = session.assert_serves(first.pid());
    second.evaluate(&world, &work).success();
    assert_eq!(session.assert_serves(second.pid()), helper);
    let mut both = [first.pid(), second.pid()];
    both.sort_unstable();
    assert_eq!(world.holders(&work), both);
    first.finish();
    wait_until("the first lease is gone", || session.leases().into_keys().eq([second.pid()]));
    assert_eq!(session.helper(), Some(helper));
    drop(second);
    session.wait_for_end();
    assert!(!is_locked(&session.directory().join("gate.lock")));
    assert_eq!(session.log(), "");
}

#[test]
fn each_profile_has_a_helper_of_its_own_and_a_switch_takes_the_lease_along() {
    let world = World::new();
    let [work, acme] = ["work", "acme"].map(|name| world.bind(format!("home/{name}"), name));
    let sessions = ["work", "acme"].map(|name| Session::of(&world, name));
    let holder = Holder::start(&world);
    holder.evaluate(&world, &work).success();
    let helper = sessions[0].assert_serves(holder.pid());
    let mut switch = world.command("clauth");
    switch.current_dir(&acme).env("CLAUDE_CONFIG_DIR", world.config_dir("work"));
    switch.args(["export", "bash", "--pid", &holder.pid().to_string()]);
    assert!(switch.output().unwrap().status.success());
    assert_ne!(sessions[1].assert_serves(holder.pid()), helper);
    sessions[0].wait_for_end();
    drop(holder);
    sessions[1].wait_for_end();
}

#[test]
fn a_helper_that_was_killed_is_followed_by_another_at_the_next_prompt() {
    let world = World::new();
    let (work, session, holder) = in_use(&world);
    let helper = session.assert_serves(holder.pid());
    system::kill(helper);
    session.wait_for_end_of_helper();
    assert_eq!(holder.evaluate(&world, &work).success().stderr(), "");
    assert_ne!(session.assert_serves(holder.pid()), helper);
}

/// A process id is used again; a start time with it is not.
#[test]
fn a_lease_of_another_process_with_the_same_id_is_nobodys() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let [holder, other] = [Holder::start(&world), Holder::start(&world)];
    holder.evaluate(&world, &work).success();
    session.assert_serves(holder.pid());
    let lease = fs::read_to_string(session.lease(holder.pid())).unwrap();
    let start = lease.split(' ').next().unwrap();
    fs::write(session.lease(other.pid()), lease.replace(start, "1")).unwrap();
    assert_eq!(world.holders(&work), [holder.pid()]);
    drop(holder);
    session.wait_for_end();
    drop(other);
}

#[test]
fn a_program_holds_its_profile_for_as_long_as_it_runs() {
    let world = World::new();
    let session = Session::of(&world, "work");
    let program = Holder::exec(&world, "work");
    wait_until("the program is registered", || session.leases().get(&program.pid()).is_some_and(|kind| kind == "exec"));
    session.wait_for_helper();
    program.finish();
    session.wait_for_end();
}

#[test]
fn a_home_with_blanks_and_letters_of_any_kind_is_like_any_other() {
    let world = World::with_clauth_home("home/Zoë Müller 日本/OneDrive - Büro/.clauth");
    let work = world.bind("home/Zoë Müller 日本/OneDrive - Büro/arbeit", "work");
    let session = Session::of(&world, "work");
    let holder = Holder::start(&world);
    let answer = holder.evaluate(&world, &work).success();
    assert!(answer.stdout().contains(&world.config_dir("work").replace('\\', "/")), "{answer:?}");
    session.assert_serves(holder.pid());
    let told = world.clauth(&["exec", "work", "--", "clauth", "status", "--json"]).success();
    assert!(told.stdout().contains("\"work\""), "{told:?}");
    drop(holder);
    session.wait_for_end();
    assert_eq!(session.log(), "");
}

/// The directory that a process works in cannot be removed on Windows.
#[test]
fn a_helper_keeps_no_directory_that_somebody_worked_in() {
    let world = World::new();
    let (work, session, holder) = in_use(&world);
    session.assert_serves(holder.pid());
    fs::remove_dir_all(&work).unwrap();
    assert!(!work.exists());
    drop(holder);
    session.wait_for_end();
}
