//! Containers that share a home: no process of one is ever taken for one of another, and nobody takes a profile from under somebody else.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::files::make_fifo;
use crate::support::finished::Finished;
use crate::support::session::may_unshare;
use crate::support::{Holder, Session, World, wait_until};

/// Runs a script as the first process of a pid namespace, with or without a procfs of its own.
fn within(world: &World, options: &[&str], script: &str) -> Command {
    let mut command = world.command("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).args(options).args(["/bin/sh", "-c", script]);
    command
}

#[test]
fn a_process_is_itself_though_procfs_is_another_namespaces() {
    if !may_unshare() {
        return;
    }
    let world = World::new();
    let work = world.bind("home/work", "work");
    // Field 22 of stat, where field 2 ends in `)`; a shell that opens `self` opens its own.
    let script = r#"set -e
        [ "$(readlink /proc/self)" != $$ ]
        started() { read -r stat </proc/self/stat; stat=${stat##*) }; set -- $stat; shift 19; start=$1; }
        started; own=$start
        # The kernel counts in clock ticks: the other is to start in a later one.
        while [ "$(started; echo "$start")" = "$own" ]; do :; done
        sh -c 'echo >"$0/ready"; read -r line <"$0/end" || :' "$HOME" & other=$!
        clauth export bash --pid $$ >/dev/null
        clauth export bash --pid $other >/dev/null
        cd "$HOME"/.clauth/run/*/work
        [ "$(cat leases/$$)" = "$own shell" ]
        [ "$(cat leases/$other)" != "$own shell" ]
        # The helper sees an end, and takes no other process for the one that is gone.
        kill -9 $other; wait $other || :
        while [ -e leases/$other ]; do :; done
        [ -e leases/$$ ]
        cat helper.log"#;
    make_fifo(&world.path("home/end"));
    let mut command = within(&world, &[], script);
    command.current_dir(work);
    assert_eq!(Finished::run(command).success().stdout(), "");
}

#[test]
fn a_profile_is_not_removed_from_under_another_container() {
    if !may_unshare() {
        return;
    }
    let world = World::new();
    let work = world.bind("home/work", "work");
    let shell = Holder::start(&world);
    shell.evaluate(&world, &work).success();
    let helper = Session::of(&world, "work").assert_serves(shell.pid());
    let removed = Finished::run(within(&world, &["--mount-proc"], "clauth remove work --yes"));
    removed.complains(1, "a shell in another container");
    assert_eq!(world.holders(&work), [shell.pid()]);
    assert_eq!(Session::of(&world, "work").assert_serves(shell.pid()), helper);
    drop(shell);
    Session::of(&world, "work").wait_for_end();

    // And the other way round.
    let script = r#"clauth export bash --pid $$ >/dev/null && echo >"$HOME/ready"; read -r line"#;
    let mut inside = within(&world, &["--mount-proc"], script).current_dir(&work).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the shell in the container holds its lease", || world.path("home/ready").exists());
    assert_eq!(world.holders(&work), Vec::<u32>::new(), "it is no shell of ours");
    world.clauth(&["remove", "work", "--yes"]).complains(1, "a shell in another container");
    drop(inside.stdin.take());
    inside.wait().unwrap();
    world.assert_no_helpers_left();
    world.clauth(&["remove", "work", "--yes"]).success();
    assert!(fs::symlink_metadata(world.path("home/.clauth/profiles/work")).is_err());
}
