//! Secrets in the memory of a process: what a crash or another process can see of it.

use std::fs;

use crate::support::Sandbox;
use crate::support::commands::TOKENS;
use crate::support::files::files_below;
use crate::support::finished::Finished;
use crate::support::trace::strace;

#[test]
fn no_process_that_reads_a_login_can_be_dumped() {
    let Some(strace) = strace() else { return };
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.sign_in("work", "me@work.example");
    let log = sandbox.path("strace.log");
    let mut has_read = 0;
    for words in
        [&["list"][..], &["status"], &["doctor"], &["usage", "work"], &["refresh", "work"], &["login", "work", "--yes"], &["capture", "new", "--yes"]]
    {
        let mut command = sandbox.command(strace);
        command.args(["-qq", "-o"]).arg(&log).args(["-e", "trace=prctl,?open,openat", "clauth"]).args(words);
        command.env("CLAUTH_SERVICES", "http://127.0.0.1:9");
        Finished::run(command); // whatever comes of it
        let text = fs::read_to_string(&log).unwrap();
        let private = text.lines().position(|line| line.contains("PR_SET_DUMPABLE, SUID_DUMP_DISABLE"));
        let read = text.lines().position(|line| line.contains(".credentials.json"));
        has_read += usize::from(read.is_some());
        assert!(read.is_none() || private < read && private.is_some(), "{words:?}: {text}");
    }
    assert!(has_read > 3, "{has_read}");
}

#[test]
fn a_helper_and_an_evaluation_never_open_a_login() {
    let Some(strace) = strace() else { return };
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.sign_in("work", "me@work.example");
    let project = sandbox.bind("project", "work");
    let log = sandbox.path("strace.log");
    let mut command = sandbox.command(strace);
    // With all that it starts: it ends when the shell that it is for does, which is this very command.
    command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", "trace=?open,openat", "sh", "-c", "clauth export bash --pid $$ --first; :"]);
    command.current_dir(&project);
    let said = Finished::run(command).success();
    assert!(said.stdout().contains("runtime"), "{said:?}");
    sandbox.assert_no_helpers_left();
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("session.lock") && text.contains(".claude.json"), "{text}");
    assert!(!text.contains(".credentials.json"), "{}", text.lines().filter(|line| line.contains("credentials")).collect::<String>());
    for file in files_below(&sandbox.path("home/.clauth/run")) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(TOKENS.iter().all(|token| !text.contains(token)), "{}", file.display());
    }
}
