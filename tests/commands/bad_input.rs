//! What wrong files, wrong names and wrong surroundings get: one line with the remedy, and never a wait.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::support::Sandbox;
use crate::support::files::make_fifo;
use crate::support::finished::Finished;
use crate::support::shell::skip;

/// A profile's user whom a file mode can stop: root reads everything.
const NOBODY: u32 = 65534;

/// Characters that a terminal obeys or reorders, as a project's file or path can hold them.
const HOSTILE: [&str; 5] = ["\u{1b}[31m", "\u{7}", "\u{9b}2J", "\u{202e}", "\u{2066}"];

#[test]
fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
    let sandbox = Sandbox::with_profiles(&["work", "Private-2"]);
    for (wrong, suggested) in [("wrok", "work"), ("WORK", "work"), ("work2", "work"), ("private2", "Private-2")] {
        sandbox.clauth(&["use", wrong]).complains(1, &format!("there is no profile `{wrong}` (did you mean `{suggested}`?); "));
    }
    sandbox.clauth(&["use", "zzz"]).complains(1, "there is no profile `zzz`; ");
    // Not the user's spelling, but the project's: the same help there.
    let directory = sandbox.project("project", "profile = \"wrok\"");
    sandbox.clauth_in(&directory, &["allow"]).complains(1, "(did you mean `work`?)");
}

#[test]
fn a_file_that_is_not_toml_is_told_with_its_place() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let cases = [
        ("profile = \"work", 1, 16, ""),
        ("# é\n\n  profile : \"work\"\n", 3, 11, ""),
        ("profile = work\n", 1, 11, ""),
        ("", 1, 1, "missing field `profile`"),
        ("profile = 7\n", 1, 11, "expected a string"),
        ("profile = [\"work\"]\n", 1, 11, "expected a string"),
        ("profile = \"work\"\nprofile = \"work\"\n", 2, 1, "duplicate key"),
        ("profile = \"work\"\n\n[env]\nX = 1\n", 3, 2, "unknown field `env`"),
        ("# é\nprofile = \"work\"\nprofil = \"x\"\n", 3, 1, "unknown field `profil`"),
    ];
    for (text, line, column, reason) in cases {
        let directory = sandbox.project("project", text);
        let place = format!("{}/.clauth.toml:{line}:{column}: ", directory.display());
        let finished = sandbox.clauth_in(&directory, &["allow"]).failure();
        assert!(finished.complaint().starts_with(&place), "{text:?}: {finished:?}");
        finished.complains(1, reason);
        assert_eq!(sandbox.applies(&directory), "refused", "{text:?}");
    }
}

#[test]
fn a_name_that_leads_out_of_profiles_is_no_name() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/profile.toml", "config_dir = \"/elsewhere\"\n");
    for name in ["../work", "..", ".", "work/../work", "/etc", "", "-x", "é", "work ", "a\\b"] {
        let text = format!("# first\nprofile = {}\n", toml::Value::String(name.into()));
        let directory = sandbox.project("project", text);
        let place = format!("{}/.clauth.toml:2:11: `", directory.display());
        sandbox.clauth_in(&directory, &["allow"]).complains(1, &place);
        assert_eq!(sandbox.applies(&directory), "refused", "{name:?}");
        sandbox.clauth(&["use", "--", name]).complains(1, "is not a profile name");
        sandbox.clauth(&["add", "--", name]).complains(1, "is not a profile name");
    }
}

#[test]
fn four_kibibytes_are_read_and_one_byte_more_is_not() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let text = |length: usize| format!("{:x<length$}", "profile = \"work\" #");
    let directory = sandbox.project("project", text(4096));
    sandbox.clauth_in(&directory, &["allow"]).success();
    sandbox.project("project", text(4097));
    sandbox.clauth_in(&directory, &["allow"]).complains(1, "is over 4 KiB");
}

#[test]
fn bytes_that_are_not_text_are_refused() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for bytes in [&b"profile = \"\xff\""[..], b"\xff\xfep\0r\0", b"profile = \"work\"\0"] {
        let directory = sandbox.project("project", bytes);
        sandbox.clauth_in(&directory, &["allow"]).complains(1, ".clauth.toml:1:");
    }
}

#[test]
fn what_is_no_regular_file_is_never_opened_or_waited_for() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let place = |name: &str| sandbox.mkdir(name).join(".clauth.toml");
    fs::create_dir(place("directory")).unwrap();
    make_fifo(&place("fifo"));
    symlink("/dev/zero", place("zero")).unwrap();
    symlink("../fifo/.clauth.toml", place("link")).unwrap();
    symlink("/dev/tty", place("terminal")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place("socket")).unwrap();
    for name in ["directory", "fifo", "zero", "link", "terminal", "socket"] {
        let directory = sandbox.path(name);
        sandbox.clauth_in(&directory, &["allow"]).complains(1, "is not a regular file");
        sandbox.clauth_in(&directory, &["use", "work"]).complains(1, "is not a regular file");
        assert_eq!(sandbox.applies(&directory), "refused", "{name}");
        sandbox.clauth_in(&directory, &["deny"]).success();
        assert_eq!(sandbox.applies(&directory), "none", "{name}");
    }
}

#[test]
fn a_link_to_nothing_is_replaced_by_use_and_its_target_is_not_made() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.mkdir("project");
    symlink("../elsewhere", directory.join(".clauth.toml")).unwrap();
    sandbox.clauth_in(&directory, &["allow"]).complains(1, "is a link to nothing");
    assert_eq!(sandbox.applies(&directory), "refused");
    sandbox.clauth_in(&directory, &["use", "work"]).success();
    assert_eq!(sandbox.read("project/.clauth.toml"), "profile = \"work\"\n");
    assert!(!sandbox.path("elsewhere").exists());
    assert_eq!(sandbox.applies(&directory), "work");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_until_it_is_denied() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.mkdir("home/project");
    let file = sandbox.write("home/project/.clauth.toml", "profile = \"work\"");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    let Some(as_user) = Unprivileged::new(&sandbox) else { return };
    as_user.clauth(&directory, &["allow"]).complains(1, "could not read ");
    let status = as_user.clauth(&directory, &["status", "--json"]).success().json();
    assert!(status["refused"].as_str().unwrap().contains("make it readable"), "{status}");
    as_user.clauth(&directory, &["deny"]).success();
    let status = as_user.clauth(&directory, &["status", "--json"]).success().json();
    assert!(status["refused"].is_null(), "{status}");
}

#[test]
fn an_ancestor_that_cannot_be_looked_into_counts_as_unbound() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let below = sandbox.mkdir("home/closed/below");
    sandbox.project("home/closed", "profile = \"work\"");
    let Some(as_user) = Unprivileged::new(&sandbox) else { return };
    // Entered before it was closed, as a shell whose directory is closed behind its back.
    let script = "cd \"$0\" && chmod 000 .. && exec clauth status --json";
    let finished = as_user.run("/bin/sh", &[OsStr::new("-c"), OsStr::new(script), below.as_os_str()]);
    fs::set_permissions(sandbox.path("home/closed"), Permissions::from_mode(0o755)).unwrap();
    let told = finished.code() == Some(1) && finished.complaint().starts_with("the current directory cannot be named");
    assert!(told || finished.json()["profile"].is_null(), "{finished:?}");
}

#[test]
fn a_path_that_is_not_utf8_can_be_bound() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let (one, two) = (not_utf8(&sandbox, b"caf\xe9"), not_utf8(&sandbox, b"caf\xe8"));
    sandbox.clauth_in(&one, &["use", "work"]).success();
    assert_eq!(sandbox.applies(&one), "work");
    // Shown alike on a terminal, and yet another directory.
    fs::copy(one.join(".clauth.toml"), two.join(".clauth.toml")).unwrap();
    assert_eq!(sandbox.applies(&two), "refused");
    sandbox.clauth_in(&two, &["deny"]).success();
    assert_eq!((sandbox.applies(&two), sandbox.applies(&one)), ("none".into(), "work".into()));
    let mut command = sandbox.command("clauth");
    command.args(["use", "other", "--dir"]).arg(&two);
    Finished::run(command).success();
    assert_eq!(sandbox.applies(&two), "other");
}

#[test]
fn a_removed_directory_is_named_in_one_line_and_stops_only_what_needs_it() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let project = sandbox.bind("project", "work");
    let gone = |rest: &str| sandbox.script("/bin/sh", &format!("mkdir gone; cd gone; rmdir ../gone; {rest}"));
    for command in ["status", "allow", "deny", "use work"] {
        gone(&format!("exec clauth {command}")).complains(1, "the current directory cannot be named");
    }
    gone("exec clauth list").success();
    gone(&format!("exec clauth status --dir {}", project.display())).success();
    assert_eq!(gone("clauth exec work -- echo done").success().stdout(), "done\n");
}

#[test]
fn without_a_home_nothing_is_guessed() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for home in [None, Some("")] {
        let mut command = sandbox.command("clauth");
        command.arg("status");
        match home {
            Some(home) => command.env("HOME", home),
            None => command.env_remove("HOME"),
        };
        Finished::run(command).complains(1, "$HOME is not set");
    }
    let mut command = sandbox.command("clauth");
    command.args(["list", "--json"]).env_remove("HOME").env("CLAUTH_HOME", sandbox.path("home/.clauth"));
    assert_eq!(Finished::run(command).success().json()["profiles"][0]["name"], "work");
}

#[test]
fn clauth_home_is_an_absolute_path_in_utf8() {
    let sandbox = Sandbox::new();
    for home in [OsStr::new("relative"), OsStr::new("./x"), OsStr::new("~/x"), OsStr::from_bytes(b"/tmp/caf\xe9"), OsStr::new("/tmp/a\nb")] {
        let mut command = sandbox.command("clauth");
        command.args(["add", "work"]).env("CLAUTH_HOME", home);
        Finished::run(command).complains(1, "set CLAUTH_HOME to an absolute path in UTF-8");
    }
    // An empty one is none, as an empty variable is for the client.
    let mut command = sandbox.command("clauth");
    command.args(["add", "work"]).env("CLAUTH_HOME", "");
    Finished::run(command).success();
    assert!(sandbox.path("home/.clauth/profiles/work").is_dir());
}

#[test]
fn a_project_never_reaches_the_terminal_raw() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let name: String = HOSTILE.concat();
    let quoted: String = HOSTILE.iter().flat_map(|part| part.chars()).map(|one| format!("\\u{:04x}", u32::from(one))).collect();
    let texts = [
        format!("profile = \"{quoted}\"\n"),
        format!("profile = \"work\"\n\"{quoted}\" = 1\n"),
        format!("profile = \"work\" {name}\n"),
        format!("profile = '{}'\n", &name[name.find('\u{202e}').unwrap()..]),
        format!("# {name}\nprofile = \"work\"\n"),
    ];
    for text in texts {
        let directory = sandbox.project(&format!("dir {name}"), &text);
        for arguments in [&["status"][..], &["status", "--json"], &["allow"], &["use", "work"], &["status"], &["deny"]] {
            let finished = sandbox.clauth_in(&directory, arguments);
            assert_harmless(finished.stdout(), &finished);
            assert_harmless(finished.stderr(), &finished);
        }
        let export = sandbox.clauth_in(&directory, &["export", "bash", "--pid", &std::process::id().to_string()]).success();
        assert_harmless(export.stderr(), &export);
        fs::remove_dir_all(directory).unwrap();
    }
}

#[track_caller]
fn assert_harmless(text: &str, finished: &Finished) {
    let is_harmful = |one: char| (one.is_control() && one != '\n') || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(is_harmful), "{finished:?}");
}

fn not_utf8(sandbox: &Sandbox, name: &[u8]) -> PathBuf {
    let directory = sandbox.path(Path::new(OsStr::from_bytes(name)));
    fs::create_dir(&directory).unwrap();
    directory
}

/// Runs programs as a user whom file modes can stop.
struct Unprivileged<'a> {
    sandbox: &'a Sandbox,
    prefix: Vec<OsString>,
}

impl<'a> Unprivileged<'a> {
    /// Hands the sandbox's HOME over where this is root; `None`, said, where that cannot be done.
    fn new(sandbox: &'a Sandbox) -> Option<Self> {
        let mut prefix = Vec::new();
        if geteuid().is_root() {
            let Ok(setpriv) = which::which("setpriv") else {
                skip("no setpriv, and root reads every file", "CLAUTH_REQUIRE_SHELLS");
                return None;
            };
            prefix.push(setpriv.into_os_string());
            prefix.extend(["--reuid=65534", "--regid=65534", "--clear-groups"].map(OsString::from));
            hand_over(&sandbox.home());
            fs::set_permissions(sandbox.path(""), Permissions::from_mode(0o755)).unwrap();
        }
        Some(Self { sandbox, prefix })
    }

    fn clauth(&self, directory: &Path, arguments: &[&str]) -> Finished {
        let script: Vec<_> = [OsStr::new("-c"), OsStr::new("cd \"$0\" && exec clauth \"$@\""), directory.as_os_str()].into();
        let arguments = arguments.iter().map(OsStr::new);
        self.run("/bin/sh", &script.into_iter().chain(arguments).collect::<Vec<_>>())
    }

    fn run(&self, program: &str, arguments: &[&OsStr]) -> Finished {
        let words: Vec<_> = self.prefix.iter().map(OsString::as_os_str).chain([OsStr::new(program)]).chain(arguments.iter().copied()).collect();
        let mut command = self.sandbox.command(words[0]);
        command.args(&words[1..]);
        Finished::run(command)
    }
}

fn hand_over(path: &Path) {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            hand_over(&entry.unwrap().path());
        }
    }
}
