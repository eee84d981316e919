//! `clauth exec` and `clauth start`: what the program they become is given, and what it gives back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::client::variables_of_the_client;
use crate::support::finished::Finished;
use crate::support::{Sandbox, wait_until};

/// A client that tells its arguments one by one, and its environment.
const TELLING_CLAUDE: &str = "#!/bin/sh\nfor argument; do printf '<%s>' \"$argument\"; done\necho\nenv\n";

/// Arguments that a careless parser or shell would change.
const AWKWARD: [&str; 12] = ["-p", "a  b", "--", "--help", "-h", "--version", "", "-", "*", "$(x)", "é\t'\"", "--yes=--no"];

fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn a_program_gets_the_profile_and_all_else_unchanged() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.set_variable("MINE", "kept");
    sandbox.set_variable("EMPTY", "");
    let without = variables(Finished::run(sandbox.command("env")).success().stdout());
    for name in variables_of_the_client("set aside") {
        sandbox.set_variable(name, "authorization: over");
    }
    let mut within = variables(sandbox.clauth(&["exec", "work", "--", "env"]).success().stdout());
    assert_eq!(within.remove("CLAUDE_CONFIG_DIR").as_deref(), sandbox.runtime("work").to_str());
    assert_eq!(within.remove("ANTHROPIC_CONFIG_DIR").as_deref(), sandbox.path("home/.clauth/profiles/work/anthropic").to_str());
    assert_eq!(within.remove("CLAUTH_PROFILE").as_deref(), Some("work"));
    let record = within.remove("CLAUTH_STATE").unwrap();
    assert!(!record.contains("over"), "{record}");
    assert_eq!(within, without);
}

#[test]
fn keep_env_exempts_a_variable() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", "keep_env = [\"ANTHROPIC_BASE_URL\"]\n");
    sandbox.set_variable("ANTHROPIC_BASE_URL", "http://proxy");
    sandbox.set_variable("ANTHROPIC_API_KEY", "over");
    let within = variables(sandbox.clauth(&["exec", "work", "--", "env"]).success().stdout());
    assert_eq!(within["ANTHROPIC_BASE_URL"], "http://proxy");
    assert!(!within.contains_key("ANTHROPIC_API_KEY"));
}

#[test]
fn a_profile_inside_a_profile_is_the_inner_one() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let nested = sandbox.clauth(&["exec", "work", "--", "clauth", "exec", "other", "--", "claude"]).success();
    assert_eq!(nested.stdout(), sandbox.claude_says(Some("other")));
}

#[test]
fn arguments_arrive_as_they_were_given() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let telling = sandbox.program("claude", TELLING_CLAUDE);
    let expected: String = AWKWARD.iter().map(|argument| format!("<{argument}>")).collect();
    let exec = [&["exec", "work", "--", telling.to_str().unwrap()], &AWKWARD[..]].concat();
    let start = [&["start", "work"], &AWKWARD[..]].concat();
    for arguments in [exec, start] {
        let told = sandbox.clauth(&arguments).success();
        assert_eq!(told.stdout().lines().next(), Some(expected.as_str()));
    }
    // Whatever begins with a dash is the client's, and behind `--` even what clauth has itself.
    for (given, expected) in [(&["--resume"][..], "<--resume>"), (&["--", "--help"], "<--help>"), (&["-c", "x"], "<-c><x>"), (&[], "")] {
        let told = sandbox.clauth(&[&["start", "work"], given].concat()).success();
        assert_eq!(told.stdout().lines().next(), Some(expected), "{given:?}");
    }
}

#[test]
fn the_programs_own_status_comes_back() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for code in [0, 1, 2, 7, 125, 126, 127, 255] {
        sandbox.clauth(&["exec", "work", "--", "sh", "-c", &format!("exit {code}")]).exits_with(code);
    }
    sandbox.program("claude", "#!/bin/sh\nexit 3\n");
    sandbox.clauth(&["start", "work"]).exits_with(3);
}

#[test]
fn a_program_that_a_signal_ends_is_seen_as_such() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for (signal, code) in [("TERM", 143), ("KILL", 137), ("PIPE", 141), ("INT", 130)] {
        let script = format!("clauth exec work -- sh -c 'kill -{signal} $$'; exit $?");
        sandbox.script("/bin/sh", &script).exits_with(code);
    }
}

#[test]
fn clauths_own_failures_have_the_codes_of_env_and_nohup() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let plain = sandbox.write("plain", "");
    let directory = sandbox.mkdir("directory");
    sandbox.clauth(&["exec", "wrok", "--", "true"]).complains(125, "did you mean `work`?");
    sandbox.clauth(&["start", "wrok"]).complains(125, "did you mean `work`?");
    sandbox.clauth(&["exec", "work", "--", plain.to_str().unwrap()]).complains(126, "could not run ");
    sandbox.clauth(&["exec", "work", "--", directory.to_str().unwrap()]).complains(126, "could not run ");
    sandbox.clauth(&["exec", "work", "--", "no-such-command"]).complains(127, "there is no command `no-such-command`");
    sandbox.clauth(&["exec", "work", "--", "/no/such/command"]).complains(127, "there is no command `/no/such/command`");
    fs::remove_file(sandbox.path("bin/claude")).unwrap();
    sandbox.clauth(&["start", "work"]).complains(127, "`claude` is not on PATH");
    for misuse in [&["exec"][..], &["exec", "work"], &["exec", "work", "--"], &["exec", "work", "true"], &["start"]] {
        assert_eq!(sandbox.clauth(misuse).exits_with(2).stdout(), "", "{misuse:?}");
    }
}

#[test]
fn start_finds_the_real_claude_wherever_clauth_stands_on_path() {
    let mut sandbox = Sandbox::with_shim(&["work"]);
    sandbox.mkdir("more");
    symlink(env!("CARGO_BIN_EXE_clauth"), sandbox.path("more/claude")).unwrap();
    symlink(sandbox.path("home/.clauth/bin/claude"), sandbox.path("program/claude")).unwrap();
    let expected = sandbox.claude_says(Some("work"));
    for path in [
        &["home/.clauth/bin", "bin", "program"][..],
        &["bin", "home/.clauth/bin", "program"],
        &["program", "more", "home/.clauth/bin", "bin"],
        &["home/.clauth/bin", "more", "home/.clauth/bin", "program", "bin"],
        &["nowhere", "program", "bin"],
    ] {
        sandbox.set_path(path);
        assert_eq!(sandbox.clauth(&["start", "work"]).success().stdout(), expected, "{path:?}");
    }
    sandbox.set_path(&["home/.clauth/bin", "more", "program"]);
    sandbox.clauth(&["start", "work"]).complains(127, "`claude` is not on PATH");
}

#[test]
fn a_project_cannot_plant_a_claude() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    let evil = "#!/bin/sh\necho evil\n";
    let project = sandbox.path("project");
    for relative in ["project/claude", "project/sub/claude"] {
        let file = sandbox.write(relative, evil);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for path in [&["", "bin", "program"][..], &[".", "bin", "program"], &["./sub", "", ".", "bin", "program"]] {
        sandbox.set_path(path);
        let mut command = sandbox.command(sandbox.path("program/clauth"));
        command.args(["start", "work"]).current_dir(&project);
        assert_eq!(Finished::run(command).success().stdout(), sandbox.claude_says(Some("work")), "{path:?}");
    }
    sandbox.set_path(&["", "."]);
    let mut command = sandbox.command(sandbox.path("program/clauth"));
    command.args(["start", "work"]).current_dir(&project);
    let finished = Finished::run(command);
    assert!(!finished.stdout().contains("evil"), "{finished:?}");
}

#[test]
fn stdin_and_inherited_descriptors_reach_the_program_and_not_the_helper() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let script =
        "exec 7<\"$HOME/.claude/CLAUDE.md\"; echo typed | clauth exec work -- sh -c 'cat; cat <&7; exec sleep 600 </dev/null >/dev/null 2>&1 7<&- &'";
    assert_eq!(sandbox.script("/bin/sh", script).success().stdout(), "typed\nBe brief.\n");
    let project = sandbox.bind("project", "work");
    let background = "exec 7<\"$HOME/.claude/CLAUDE.md\"; exec clauth exec work -- sleep 600 </dev/null >/dev/null 2>&1 &";
    sandbox.script("/bin/sh", background).success();
    wait_until("the helper has introduced itself", || sandbox.status(&project)["helper"].is_object());
    let helper = &sandbox.status(&project)["helper"]["pid"];
    let Ok(descriptors) = fs::read_dir(format!("/proc/{helper}/fd")) else { return };
    let targets: Vec<_> = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect();
    assert!(!targets.iter().any(|target| target.ends_with("CLAUDE.md")), "{targets:?}");
}

#[test]
fn no_parent_is_left_behind_and_no_unknown_child() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let project = sandbox.bind("project", "work");
    let mut program = sandbox.command("clauth").args(["exec", "work", "--", "sleep", "600"]).spawn().unwrap();
    let id = i32::try_from(program.id()).unwrap();
    wait_until("the process that was started is the program", || {
        sandbox.processes().iter().any(|process| process.id == id && process.command_line == "sleep 600")
    });
    let helper = sandbox.status(&project)["helper"]["pid"].as_u64().unwrap();
    // The program would never wait for a child that it did not start.
    if let Ok(stat) = fs::read_to_string(format!("/proc/{helper}/stat")) {
        let parent = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(1).unwrap();
        assert_ne!(parent, program.id().to_string(), "{stat}");
    }
    program.kill().unwrap();
    program.wait().unwrap();
    sandbox.assert_no_helpers_left();
}
