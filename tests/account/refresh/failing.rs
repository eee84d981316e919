//! A disk that fails: before the request nothing is sent, and after it the new login goes where there is room.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::World;
use crate::support::finished::Finished;
use crate::support::processes;
use crate::support::session::may_unshare;
use crate::support::trace::strace;

/// Runs a refresh in which these calls fail as on a full disk; `None` without strace.
fn refresh_failing(world: &World, calls: &str, when: &str) -> Option<Finished> {
    let mut command = world.sandbox.command(strace()?);
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error=ENOSPC:when={when}"));
    command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "clauth", "refresh", "work"]);
    Some(Finished::run(command))
}

/// The calls of a refresh that wait for the disk: of the room for a new login, of the note that its token is being sent (its text, then its name), of
/// what came, and of the login itself.
const ROOM: &str = "1";
const NOTE: [&str; 2] = ["2", "3"];
const LOGIN: [&str; 4] = ["4", "5", "6", "7"];

#[test]
fn without_room_for_a_new_login_none_is_asked_for() {
    let world = World::new();
    let before = world.text();
    for when in [ROOM, NOTE[0], NOTE[1]] {
        let Some(told) = refresh_failing(&world, "fsync", when) else { return };
        let told = told.failure();
        assert!(told.complaint().starts_with("could not write ") && told.complaint().ends_with("; free some disk space, then try again"), "{told:?}");
        assert_eq!((world.text(), world.asked()), (before.clone(), 0));
        world.assert_tidy();
        let _ = fs::remove_file(world.sandbox.path("home/.clauth/profiles/work/spent"));
    }
    world.refresh(&["work"]).success();
    world.assert_good();
}

#[test]
fn a_write_that_fails_once_or_twice_is_tried_again() {
    for when in LOGIN {
        let world = World::new();
        let Some(told) = refresh_failing(&world, "fsync", when) else { return };
        assert_eq!(told.success().complaint(), "work: refreshed, good for 8 h");
        world.assert_good();
    }
    let world = World::new();
    let renames = "/^(rename|renameat2?)$";
    let Some(told) = refresh_failing(&world, renames, "3..4") else { return };
    told.success();
    world.assert_good();
}

#[test]
fn a_login_that_cannot_be_written_to_its_place_is_kept_and_said() {
    let world = World::new();
    let before = world.text();
    // In its place at no try, and beside it at once.
    let Some(told) = refresh_failing(&world, "/^(rename|renameat2?)$", "4+") else { return };
    let told = told.failure();
    assert_eq!(world.text(), before);
    let kept = world.sandbox.path("home/.clauth/profiles/work/renewed");
    assert!(told.complaint().contains(&format!("is kept in {}", kept.display())) && !told.stderr().contains("REFRESH"), "{told:?}");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    // What the message says is all there is to do, and it costs no token.
    assert_eq!(world.refresh(&["work"]).success().complaint(), "work: what an interrupted refresh brought is in its place now");
    world.assert_good();
    assert!(!kept.exists());
}

#[test]
fn what_a_refresh_could_not_put_in_its_place_is_put_there_before_the_next_session() {
    let world = World::new();
    let Some(told) = refresh_failing(&world, "/^(rename|renameat2?)$", "4+") else { return };
    told.failure();
    world.sandbox.clauth(&["exec", "work", "--", "true"]).success();
    world.assert_good();
    assert!(!world.sandbox.path("home/.clauth/profiles/work/renewed").exists());
    world.sandbox.assert_no_helpers_left();
}

#[test]
fn a_record_that_cannot_be_read_may_hold_any_token() {
    let world = World::new();
    world.sandbox.mkdir("home/.clauth/profiles/work/spent");
    world.refresh(&["work"]).complains(1, "spent is not a regular file of at most 1024 KB; look at it with");
    assert_eq!((world.asked(), world.number()), (0, 0));
    world.assert_tidy();
}

/// Refreshes on a small disk of the profile's own, which only the processes of this script see, and copies the login from there.
const ON_A_SMALL_DISK: &str = r#"
cp -a "$1" "$1.before" && mount -t tmpfs -o size=256k none "$1" && cp -a "$1.before/." "$1" || exit 99
clauth refresh work
code=$?
cp -a "$1/runtime/.credentials.json" "$1/runtime/after"
rm -f "$1/filler" && cp -a "$1/runtime/after" "$2"
exit $code
"#;

#[test]
fn a_disk_that_is_filled_meanwhile_has_room_for_the_new_login() {
    if !may_unshare() {
        return;
    }
    let world = World::filling();
    let after = world.sandbox.path("after");
    let mut command = world.sandbox.command("unshare");
    command.args(["-m", "/bin/sh", "-c", ON_A_SMALL_DISK, "sh"]).arg(world.sandbox.path("home/.clauth/profiles/work")).arg(&after);
    let told = Finished::run(command).success();
    assert_eq!(told.complaint(), "work: refreshed, good for 8 h");
    fs::rename(after, world.file()).unwrap();
    assert_eq!((world.number(), world.account.number()), (1, 1));
}

impl World {
    /// A world whose service fills the profile's disk before it answers.
    fn filling() -> Self {
        let home = Arc::<Mutex<PathBuf>>::default();
        let known = Arc::clone(&home);
        let world = Self::with(move |request, account| {
            let home = known.lock().unwrap();
            let refresh = processes::with_home(&home).into_iter().find(|process| process.command_line == "clauth refresh work").unwrap();
            // As the process sees it.
            let filler = format!("/proc/{}/root{}/.clauth/profiles/work/filler", refresh.id, home.display());
            let mut file = File::create(filler).unwrap();
            while file.write_all(&[b'x'; 512]).is_ok() {}
            account.renew(request)
        });
        *home.lock().unwrap() = world.sandbox.home();
        world
    }
}
