//! `clauth stop`: helpers finish now, and shells that live on get new ones.

use crate::support::{Holder, Session, World, wait_until};
#[cfg(unix)]
use crate::support::{Shell, Startup, Terminal};

#[cfg(unix)]
#[test]
fn a_stopped_helper_is_followed_by_a_new_one_at_the_next_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let directories = ["work", "acme"].map(|profile| world.bind(format!("home/{profile}"), profile));
        let [work, acme] = ["work", "acme"].map(|profile| Session::of(&world, profile));
        let mut terminals = directories.map(|directory| Terminal::start(&world, shell, &Startup::hooked().in_directory(directory)));
        let helper = work.assert_serves(terminals[0].pid());
        let other = acme.assert_serves(terminals[1].pid());

        let said = world.clauth(&["stop", "work"]).success();
        assert_eq!(said.stderr(), "clauth: the helper of work has finished\n");
        work.wait_for_end_of_helper();
        assert_eq!(acme.assert_serves(terminals[1].pid()), other);
        assert_eq!(terminals[0].run(""), "");
        assert_ne!(work.assert_serves(terminals[0].pid()), helper);

        world.clauth(&["stop"]).success();
        work.wait_for_end_of_helper();
        acme.wait_for_end_of_helper();
        for (terminal, session) in terminals.iter_mut().zip([&work, &acme]) {
            assert_eq!(terminal.run(""), "");
            session.assert_serves(terminal.pid());
        }
    });
}

#[test]
fn stopping_where_no_helper_runs_says_nothing() {
    let world = World::new();
    for arguments in [&["stop"][..], &["stop", "work"]] {
        let said = world.clauth(arguments).success();
        assert_eq!((said.stdout(), said.stderr()), ("", ""));
    }
    world.clauth(&["stop", "nobody"]).failure();
}

#[test]
fn a_helper_is_stopped_whatever_holds_its_leases() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let session = Session::of(&world, "work");
    let program = Holder::exec(&world, "work");
    let shell = Holder::start(&world);
    shell.evaluate(&world, &work).success();
    session.assert_serves(shell.pid());
    wait_until("the program has registered", || session.leases().contains_key(&program.pid()));
    world.clauth(&["stop"]).success();
    session.wait_for_end_of_helper();
    // A program has no prompt at which it could register again, and uses the profile all the same.
    assert!(session.leases().contains_key(&program.pid()));
    let refused = world.clauth(&["remove", "work", "--yes"]).failure();
    assert!(
        refused.stderr().contains(&format!("is in use by exec {}", program.pid())) || refused.stderr().contains("is in use by shell"),
        "{refused:?}"
    );
    shell.evaluate(&world, &work).success();
    session.assert_serves(shell.pid());
}
