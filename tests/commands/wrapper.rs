//! The wrapper: what editors run instead of the client that they bring.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Stdio;

use rustix::process::geteuid;
use serde_json::{Value, json};

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::finished::Finished;
use crate::support::{Sandbox, wait_until};

/// The PATH that an editor has when a dock or a menu started it.
const SHORT: &str = "/usr/bin:/bin";

/// The arguments by which the Agent SDK starts a client.
const STREAM: [&str; 4] = ["--output-format", "stream-json", "--input-format", "stream-json"];

/// What the Agent SDK says first.
const FIRST: &str = r#"{"type":"control_request","request_id":"r1","request":{"subtype":"initialize"}}"#;

/// A sandbox with the wrapper, and a client that is on nobody's PATH, as an editor's extension brings it.
struct Editor {
    sandbox: Sandbox,
    bundled: String,
}

impl Editor {
    fn new(profiles: &[&str]) -> Self {
        let sandbox = Sandbox::with_shim(profiles);
        sandbox.mkdir("extension");
        fs::rename(sandbox.path("bin/claude"), sandbox.path("extension/claude")).unwrap();
        let bundled = text(sandbox.path("extension/claude"));
        let mut editor = Self { sandbox, bundled };
        editor.sandbox.set_variable("PATH", SHORT);
        editor
    }

    fn clauth(&self, directory: impl AsRef<Path>, arguments: &[&str]) -> Finished {
        let mut command = self.sandbox.command(self.sandbox.path("program/clauth"));
        command.current_dir(directory).args(arguments);
        Finished::run(command)
    }

    fn bind(&self, directory: &str, profile: &str) -> std::path::PathBuf {
        let path = self.sandbox.mkdir(directory);
        self.clauth(&path, &["use", profile]).success();
        path
    }

    fn wrapper(&self) -> std::path::PathBuf {
        self.sandbox.path("home/.clauth/bin/claude-wrapper")
    }

    fn run(&self, directory: impl AsRef<Path>, line: &[&str]) -> Finished {
        let mut command = self.sandbox.command(self.wrapper());
        command.current_dir(directory).args(line);
        Finished::run(command)
    }

    fn says(&self, directory: impl AsRef<Path>) -> String {
        self.run(directory, &[&self.bundled]).success().stdout().to_owned()
    }
}

#[test]
fn the_folder_decides_whatever_the_editor_inherited() {
    let mut editor = Editor::new(&["work", "other"]);
    let bound = editor.bind("bound", "work");
    let out = editor.bind("bound/out", "default");
    let plain = editor.sandbox.mkdir("plain");
    let state = |config_dir: Option<&str>, chosen: &str| json!({"config_dir": config_dir, "chosen": chosen}).to_string();
    // From a dock; from a shell with a hook in another bound directory; from one where a profile was chosen by hand.
    for inherited in [None, Some("hook"), Some("hand")] {
        if let Some(chosen) = inherited {
            editor.sandbox.set_variable("CLAUTH_PROFILE", "other");
            editor.sandbox.set_variable("CLAUTH_STATE", state(None, chosen));
            editor.sandbox.set_variable("CLAUDE_CONFIG_DIR", editor.sandbox.runtime("other"));
        }
        assert_eq!(editor.says(&bound), editor.sandbox.claude_says(Some("work")), "{inherited:?}");
        for directory in [&out, &plain] {
            assert_eq!(editor.says(directory), editor.sandbox.claude_says(None), "{inherited:?}");
        }
    }
    editor.sandbox.set_variable("CLAUTH_STATE", "");
    editor.sandbox.set_variable("CLAUDE_CONFIG_DIR", "/users/own");
    editor.sandbox.set_variable("ANTHROPIC_API_KEY", "over");
    assert_eq!(editor.says(&bound), editor.sandbox.claude_says(Some("work")));
    assert_eq!(editor.says(&plain), "claude config_dir=/users/own key=over args=\n");
}

#[test]
fn arguments_streams_and_exit_code_are_the_programs() {
    let mut editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    let program = text(editor.sandbox.program("bundled", "#!/bin/sh\nfor one; do printf '<%s>' \"$one\"; done; cat; echo said >&2; exit 9\n"));
    let mut command = editor.sandbox.command(editor.wrapper());
    let mut child = command
        .current_dir(&bound)
        .args([&program, "plugin", "list", "--json", "", "a b", "--", "-x"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"type\":\"user\"}\n").unwrap();
    let told = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&told.stdout), "<plugin><list><--json><><a b><--><-x>{\"type\":\"user\"}\n");
    assert_eq!((String::from_utf8_lossy(&told.stderr).as_ref(), told.status.code()), ("said\n", Some(9)));
    editor.sandbox.program("bundled", "#!/bin/sh\nkill -TERM $$\n");
    editor.sandbox.set_variable("PROGRAM", &program);
    let script = format!("cd '{}'; '{}' \"$PROGRAM\"; exit $?", bound.display(), editor.wrapper().display());
    editor.sandbox.script("/bin/sh", &script).exits_with(143);
}

#[test]
fn a_client_of_an_editor_is_a_holder_of_that_kind() {
    let editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    let program = editor.sandbox.program("bundled", "#!/bin/sh\nexec sleep 600\n");
    let mut client = editor.sandbox.command(editor.wrapper()).arg(program).current_dir(&bound).spawn().unwrap();
    let status = || editor.clauth(&bound, &["status", "--json"]).success().json();
    wait_until("the lease is there", || status()["holders"] == json!([{"pid": client.id(), "kind": "editor"}]));
    assert!(editor.clauth(&bound, &["status"]).success().stdout().contains(&format!("editor {}", client.id())));
    client.kill().unwrap();
    client.wait().unwrap();
    editor.sandbox.assert_no_helpers_left();
}

#[test]
fn a_refused_folder_starts_nothing_and_the_reason_comes_by_every_way() {
    let editor = Editor::new(&["work"]);
    let refused = editor.sandbox.project("refused", "profile = \"work\"\n");
    let broken = editor.sandbox.project("broken", "not TOML");
    for (directory, words) in [(&refused, "is not allowed yet; run `clauth allow`"), (&broken, ".clauth.toml:1:5: ")] {
        editor.run(directory, &[&editor.bundled, "auth", "status"]).complains(1, words);
        for (first, lines) in [(FIRST, 2), ("", 1), (r#"{"type":"user"}"#, 1)] {
            let input = editor.sandbox.write("input", format!("{first}\n"));
            let mut command = editor.sandbox.command(editor.wrapper());
            command.current_dir(directory).arg(&editor.bundled).args(STREAM).stdin(fs::File::open(input).unwrap());
            let told = Finished::run(command).failure();
            assert!(told.complaint().contains(words), "{told:?}");
            let said: Vec<Value> = told.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(said.len(), lines, "{told:?}");
            let result = said.last().unwrap();
            assert!(result["is_error"] == json!(true) && result["result"].as_str().unwrap().contains(words), "{told:?}");
            if lines == 2 {
                assert_eq!(said[0]["response"]["request_id"], "r1");
                assert!(said[0]["response"]["error"].as_str().unwrap().contains(words), "{told:?}");
            }
        }
    }
}

#[test]
fn a_script_is_run_as_editors_run_it() {
    let mut editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    let script = text(editor.sandbox.write("extension/cli.js", "a script"));
    // Nothing runs it where there is no node, and nobody runs it as a program.
    let node = editor.sandbox.program("node", "#!/bin/sh\necho \"node $CLAUTH_PROFILE $*\"\n");
    editor.sandbox.set_variable("PATH", "/nowhere");
    let run = |editor: &Editor| {
        let mut command = editor.sandbox.command("/bin/sh");
        command.args([&text(editor.wrapper()), &script, "--print"]).current_dir(&bound);
        Finished::run(command)
    };
    if !Path::new("/usr/bin/node").exists() && !Path::new("/usr/local/bin/node").exists() {
        run(&editor).complains(127, "there is no command `node`");
    }
    editor.sandbox.set_variable("PATH", node.parent().unwrap());
    let expected = format!("node work {script} --print\n");
    assert_eq!(run(&editor).success().stdout(), expected);
    // Nor does a dock know the PATH that a version manager of node made.
    editor.sandbox.set_variable("PATH", "/nowhere");
    let managed = editor.sandbox.mkdir("home/.nvm/versions/node/v20.1.0/bin");
    fs::rename(node, managed.join("node")).unwrap();
    if !Path::new("/usr/bin/node").exists() && !Path::new("/usr/local/bin/node").exists() {
        assert_eq!(run(&editor).success().stdout(), expected);
    }
}

#[test]
fn the_name_alone_and_the_shim_mean_the_client_that_is_installed() {
    let editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    editor.sandbox.mkdir("home/.local/bin");
    fs::rename(&editor.bundled, editor.sandbox.path("home/.local/bin/claude")).unwrap();
    for program in ["claude", &text(editor.sandbox.path("home/.clauth/bin/claude"))] {
        assert_eq!(editor.run(&bound, &[program]).success().stdout(), editor.sandbox.claude_says(Some("work")));
    }
}

#[test]
fn a_script_of_the_users_that_runs_the_shim_is_no_loop() {
    let mut editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    fs::rename(&editor.bundled, editor.sandbox.path("bin/claude")).unwrap();
    let own = text(editor.sandbox.program("own", "#!/bin/sh\nexec claude \"$@\"\n"));
    editor.sandbox.set_path(&["home/.clauth/bin", "bin"]);
    assert_eq!(editor.run(&bound, &[&own]).success().stdout(), editor.sandbox.claude_says(Some("work")));
    // But one that runs the wrapper again is.
    let again = text(editor.sandbox.program("again", "#!/bin/sh\nexec claude-wrapper \"$0\" \"$@\"\n"));
    editor.run(&bound, &[&again]).complains(125, "led back to clauth's wrapper");
}

#[test]
fn a_bare_name_is_never_the_folders() {
    let mut editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    editor.sandbox.write("bound/tool", "#!/bin/sh\necho evil\n");
    editor.sandbox.script("/bin/sh", "chmod +x ../bound/tool").success();
    editor.sandbox.set_variable("PATH", format!(".::{SHORT}"));
    editor.run(&bound, &["tool"]).complains(127, "there is no command `tool`");
    editor.sandbox.program("tool", "#!/bin/sh\necho right\n");
    editor.sandbox.set_path(&["", ".", "bin"]);
    assert_eq!(editor.run(&bound, &["tool"]).success().stdout(), "right\n");
}

#[test]
fn it_needs_a_program() {
    let editor = Editor::new(&["work"]);
    for line in [&[][..], &[""], &["--version"], &["--output-format", "stream-json"]] {
        editor.run(editor.sandbox.home(), line).complains(2, "`claude-wrapper` needs a program; type `claude-wrapper PROGRAM [ARGS…]`");
    }
}

#[test]
fn where_it_was_installed_counts_and_not_what_the_editor_made_of_home() {
    let mut editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    let run = |editor: &Editor, home: &Path| {
        let mut command = editor.sandbox.command(editor.wrapper());
        command.arg(&editor.bundled).current_dir(&bound).env("HOME", home);
        let told = Finished::run(command).success().stdout().to_owned();
        editor.sandbox.assert_no_helpers_left();
        told
    };
    let other = editor.sandbox.mkdir("home/snap/code/7");
    assert_eq!(run(&editor, &other), editor.sandbox.claude_says(Some("work")));
    assert!(!other.join(".clauth").exists() && !other.join(".claude").exists());
    // But not as another user, who has accounts of their own: `sudo`.
    if geteuid().is_root() {
        chown(editor.sandbox.path("home/.clauth"), Some(65534), None).unwrap();
        let mut command = editor.sandbox.command(editor.wrapper());
        command.arg(&editor.bundled).current_dir(&bound).env("HOME", &other);
        Finished::run(command).complains(1, "there is no profile `work`");
        chown(editor.sandbox.path("home/.clauth"), Some(0), None).unwrap();
    }
    // A dock does not know what `.bashrc` says.
    let moved = editor.sandbox.path("elsewhere");
    editor.sandbox.set_variable("CLAUTH_HOME", &moved);
    editor.clauth(editor.sandbox.home(), &["add", "mine"]).success();
    editor.clauth(editor.sandbox.home(), &["shim", "install"]).success();
    let directory = editor.sandbox.mkdir("mine");
    editor.clauth(&directory, &["use", "mine"]).success();
    editor.sandbox.set_variable("CLAUTH_HOME", "");
    let mut command = editor.sandbox.command(moved.join("bin/claude-wrapper"));
    command.arg(&editor.bundled).current_dir(&directory);
    let expected = format!("claude config_dir={} key=none args=\n", moved.join("profiles/mine/runtime").display());
    assert_eq!(Finished::run(command).success().stdout(), expected);
}

#[test]
fn a_folder_that_is_gone_is_refused() {
    let editor = Editor::new(&["work"]);
    let script = format!("mkdir gone; cd gone; rmdir ../gone; exec '{}' '{}'", editor.wrapper().display(), editor.bundled);
    // The system's `sh` says something of its own, too.
    let told = editor.sandbox.script("/bin/sh", &script).failure();
    assert!(told.stdout().is_empty() && told.stderr().ends_with("`cd` to one that exists\n"), "{told:?}");
}

#[test]
fn what_is_not_there_is_used_by_nobody() {
    let editor = Editor::new(&["work"]);
    let bound = editor.bind("bound", "work");
    editor.run(&bound, &["./extension/claude"]).complains(127, "there is no Claude Code at ./extension/claude; reload the editor's window");
    editor.sandbox.write("bound/plain", "text");
    editor.run(&bound, &["./plain"]).complains(126, "could not run `./plain`");
    editor.sandbox.assert_no_helpers_left();
}

pub(super) fn wrapper_loop(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.clauth(&["shim", "install"]).success();
    let wrapper = sandbox.path("home/.clauth/bin/claude-wrapper");
    let mut command = sandbox.command(&wrapper);
    command.arg(&wrapper);
    (Finished::run(command), Mistake::WrapperLoop { path: text(wrapper) })
}

pub(super) fn program_gone(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.clauth(&["shim", "install"]).success();
    let program = text(sandbox.path("extension-2.1.331/claude"));
    let mut command = sandbox.command(sandbox.path("home/.clauth/bin/claude-wrapper"));
    command.arg(&program);
    (Finished::run(command), Mistake::ProgramGone { program })
}
