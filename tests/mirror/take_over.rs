//! Profiles in the shape that clauth 0.3 to 0.5 wrote, taken over where they lie.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::killed::at_each_call;
use crate::support::files::{files_below, text, write};
use crate::support::{Sandbox, wait_until};

/// Where an older clauth's logins lie, below the profile.
pub(super) const PLACES: [&str; 3] = ["runtime/.credentials.json", "credentials.json", "credentials.json.pending"];

pub(super) fn login(token: &str, expires: u64) -> String {
    format!(
        r#"{{"claudeAiOauth":{{"accessToken":"access-{token}","refreshToken":"refresh-{token}","expiresAt":{expires}}},"mcpOAuth":{{"x":"{token}"}}}}"#
    )
}

/// Holds a sandbox with one old profile.
pub(super) struct Old {
    pub(super) sandbox: Sandbox,
    pub(super) directory: PathBuf,
}

impl Old {
    pub(super) fn new() -> Self {
        let sandbox = Sandbox::new();
        let directory = sandbox.mkdir("home/.clauth/profiles/old");
        fs::create_dir(directory.join("runtime")).unwrap();
        Self { sandbox, directory }
    }

    /// Empties the profile and forgets what was rescued, for the next case.
    fn start_over(&self) {
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_dir_all(self.sandbox.path("home/.clauth/rescued"));
        fs::create_dir_all(self.directory.join("runtime")).unwrap();
    }

    /// Writes a login, as old as it says.
    pub(super) fn put(&self, place: &str, text: &str, age: u64) {
        let path = self.directory.join(place);
        write(&path, text);
        File::options().append(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - age)).unwrap();
    }

    pub(super) fn take_over(&self) {
        self.sandbox.clauth(&["list"]).success();
    }

    pub(super) fn login(&self) -> PathBuf {
        self.directory.join(PLACES[0])
    }

    /// Returns the text of every regular file of the profile's and of what was rescued, but for `profile.toml`.
    pub(super) fn texts(&self) -> Vec<String> {
        let files = [files_below(&self.directory), files_below(&self.sandbox.path("home/.clauth/rescued"))].concat();
        let mut texts: Vec<_> =
            files.iter().filter(|file| !file.is_symlink() && !file.ends_with("profile.toml")).filter_map(|file| text(file)).collect();
        texts.sort();
        texts
    }

    /// Asserts that this login has won and that each of `all` is in one place.
    fn assert_won(&self, winner: Option<&str>, all: &[&str], case: &str) {
        let meta = fs::symlink_metadata(self.login());
        match winner {
            Some(winner) => {
                assert!(meta.is_ok_and(|meta| meta.is_file()), "{case}: a regular file");
                assert_eq!(text(&self.login()).as_deref(), Some(winner), "{case}");
            }
            None => assert!(meta.is_err(), "{case}: there is no login"),
        }
        let mut expected: Vec<String> = all.iter().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(self.texts(), expected, "{case}: each is in one place");
        let left: Vec<_> = fs::read_dir(&self.directory).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| name == "profile.toml" || name == "runtime" || name == "base"), "{case}: {left:?}");
    }
}

#[test]
fn the_login_written_last_wins_wherever_it_lies() {
    let old = Old::new();
    let logins = ["a", "b", "c"].map(|token| login(token, 1));
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    // Each of the three is there or not.
    for present in 1..8_usize {
        let is_present = |place: usize| present & (1 << place) != 0;
        for ages in &orders {
            old.start_over();
            for place in (0..3).filter(|place| is_present(*place)) {
                old.put(PLACES[place], &logins[place], 100 * ages[place]);
            }
            if !is_present(0) {
                symlink("../credentials.json", old.login()).unwrap();
            }
            old.take_over();
            let winner = (0..3).filter(|place| is_present(*place)).min_by_key(|place| ages[*place]).unwrap();
            let all: Vec<_> = (0..3).filter(|place| is_present(*place)).map(|place| logins[place].as_str()).collect();
            old.assert_won(Some(&logins[winner]), &all, &format!("present {present:03b}, ages {ages:?}"));
        }
    }
}

#[test]
fn of_two_written_at_once_the_one_that_expires_later_wins() {
    let old = Old::new();
    let (sooner, later) = (login("sooner", 1000), login("later", 2000));
    for (one, other) in [(&sooner, &later), (&later, &sooner)] {
        old.start_over();
        old.put(PLACES[1], one, 5);
        old.put(PLACES[2], other, 5);
        old.take_over();
        old.assert_won(Some(&later), &[&sooner, &later], "same time");
    }
}

#[test]
fn a_login_that_is_not_whole_never_wins_and_is_kept() {
    let old = Old::new();
    let whole = login("whole", 1);
    let emptied = r#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}}"#;
    let broken = ["{", &whole[..40], "[]", "null", "not json", "{\"mcpOAuth\":{}}", emptied, r#"{"claudeAiOauth":null}"#, "\u{0}\u{0}"];
    for broken in broken {
        for whole_at in 0..3 {
            old.start_over();
            old.put(PLACES[whole_at], &whole, 1000);
            old.put(PLACES[(whole_at + 1) % 3], broken, 1);
            old.take_over();
            old.assert_won(Some(&whole), &[&whole, broken], &format!("{broken:?} beside {}", PLACES[whole_at]));
        }
        old.start_over();
        old.put(PLACES[1], broken, 1);
        symlink(old.directory.join(PLACES[1]), old.login()).unwrap();
        old.take_over();
        old.assert_won(None, &[broken], &format!("{broken:?} alone"));
    }
}

#[test]
fn a_login_with_an_odd_expiry_is_a_login() {
    let old = Old::new();
    for expiry in ["1e12", "\"2030\"", "null", "-1", "1.5"] {
        let login = login("odd", 7).replace("\"expiresAt\":7", &format!("\"expiresAt\":{expiry}"));
        old.start_over();
        old.put(PLACES[1], &login, 5);
        old.take_over();
        old.assert_won(Some(&login), &[&login], expiry);
    }
}

#[test]
fn the_older_settings_are_taken_along_and_a_second_look_changes_nothing() {
    let old = Old::new();
    old.put(PLACES[1], &login("a", 1), 5);
    old.put("config.toml", "base_url = \"https://proxy.example\"\nstrange = 1\n[env]\nX = \"1\"\n", 5);
    old.take_over();
    let profile = text(&old.directory.join("profile.toml")).unwrap();
    assert!(profile.contains("https://proxy.example") && profile.contains("X = \"1\""), "{profile}");
    let before = (old.texts(), profile);
    assert!(before.0.iter().any(|text| text.contains("strange")), "what has no place is kept: {before:?}");
    old.take_over();
    assert_eq!((old.texts(), text(&old.directory.join("profile.toml")).unwrap()), before);
}

#[test]
fn old_links_become_what_they_should_be() {
    let old = Old::new();
    old.put(PLACES[1], &login("a", 1), 5);
    for name in ["projects", "commands", "settings.json", "history.jsonl"] {
        symlink(old.sandbox.path("home/.claude").join(name), old.directory.join("runtime").join(name)).unwrap();
    }
    old.sandbox.write("home/.claude/projects/p/t.jsonl", "history\n");
    old.take_over();
    old.sandbox.clauth(&["exec", "old", "--", "true"]).success();
    let runtime = |name: &str| old.directory.join("runtime").join(name);
    assert!(fs::symlink_metadata(runtime("projects")).unwrap().is_dir());
    crate::support::files::wait_for_text(&[runtime("projects/p/t.jsonl"), old.sandbox.path("home/.claude/projects/p/t.jsonl")], "history\n");
    assert!(!runtime("settings.json").is_symlink() && runtime("settings.json").is_file());
    for name in ["commands", "history.jsonl"] {
        assert_eq!(fs::read_link(runtime(name)).unwrap(), old.sandbox.path("home/.claude").join(name));
    }
    let is_unfinished = |file: &PathBuf| file.to_string_lossy().ends_with(".tmp");
    wait_until("the helper has nothing unfinished", || !files_below(&old.directory).iter().any(is_unfinished));
}

#[test]
fn old_links_by_another_spelling_of_the_home_directory_are_known_too() {
    let old = Old::new();
    old.put(PLACES[1], &login("a", 1), 5);
    symlink(old.sandbox.path("home"), old.sandbox.path("spelled")).unwrap();
    for name in ["projects", "sessions"] {
        old.sandbox.mkdir(format!("home/.claude/{name}"));
        symlink(old.sandbox.path("spelled/.claude").join(name), old.directory.join("runtime").join(name)).unwrap();
    }
    old.sandbox.clauth(&["exec", "old", "--", "true"]).success();
    assert!(fs::symlink_metadata(old.directory.join("runtime/projects")).unwrap().is_dir());
    assert!(fs::symlink_metadata(old.directory.join("runtime/sessions")).is_err(), "it is each profile's own");
    assert!(old.sandbox.path("home/.claude/sessions").is_dir());
}

#[test]
fn killed_anywhere_it_is_finished_by_the_next_command() {
    let old = Old::new();
    let logins = ["a", "b", "c"].map(|token| login(token, 1));
    let config = "base_url = \"https://proxy.example\"\n";
    let all = [&logins[0], &logins[1], &logins[2], config];
    let set_up = || {
        old.start_over();
        for (place, age) in [(0, 30), (1, 10), (2, 20)] {
            old.put(PLACES[place], &logins[place], age);
        }
        old.put("config.toml", config, 5);
    };
    at_each_call(set_up, |strace, call| {
        let mut command = old.sandbox.command(strace[0]);
        command.args(&strace[1..]).args(["clauth", "list"]).stdout(std::process::Stdio::null());
        let status = command.stderr(std::process::Stdio::null()).status().unwrap();
        let now = old.texts();
        for text in all {
            assert_eq!(now.iter().filter(|found| found.as_str() == text).count(), 1, "{call}: {now:?}");
        }
        assert!(is_login(&old.login()), "{call}: a client finds a login");
        old.take_over();
        let texts = old.texts();
        assert!(all.iter().all(|text| texts.iter().filter(|found| found == text).count() == 1), "{call}: {texts:?}");
        assert_eq!(text(&old.login()).as_deref(), Some(logins[1].as_str()), "{call}");
        !status.success()
    });
}

fn is_login(path: &Path) -> bool {
    text(path).is_some_and(|text| text.contains("refresh-"))
}
