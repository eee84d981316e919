//! The shim and the wrapper in the environments that timers, services and editors give to what they start: never that of a shell.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Sandbox;
use crate::support::finished::Finished;

/// Who starts programs, and the variables that they have then beside HOME; `BIN` stands for clauth's directory of links.
const STARTERS: [(&str, &[(&str, &str)]); 10] = [
    ("cron", &[("PATH", "/usr/bin:/bin"), ("SHELL", "/bin/sh"), ("LOGNAME", "me")]),
    (
        "a systemd unit",
        &[("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("INVOCATION_ID", "1"), ("JOURNAL_STREAM", "8:1")],
    ),
    ("launchd", &[("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"), ("XPC_SERVICE_NAME", "timer"), ("TMPDIR", "/tmp")]),
    ("a CI runner", &[("PATH", "BIN:/usr/bin:/bin"), ("CI", "true"), ("GITHUB_ACTIONS", "true"), ("RUNNER_OS", "Linux")]),
    ("a dock", &[("PATH", "/usr/bin:/bin"), ("XDG_CURRENT_DESKTOP", "GNOME"), ("DISPLAY", ":0")]),
    (
        "an extension host",
        &[("PATH", "/usr/bin:/bin"), ("ELECTRON_RUN_AS_NODE", "1"), ("VSCODE_PID", "1"), ("CLAUDE_CODE_ENTRYPOINT", "claude-vscode")],
    ),
    ("JetBrains' terminal", &[("PATH", "BIN:/usr/bin:/bin"), ("TERMINAL_EMULATOR", "JetBrains-JediTerm"), ("TERM", "xterm-256color")]),
    ("Neovim", &[("PATH", "BIN:/usr/bin:/bin"), ("NVIM", "/tmp/nvim.0"), ("CLAUDE_CODE_SSE_PORT", "1"), ("ENABLE_IDE_INTEGRATION", "true")]),
    ("Emacs with vterm", &[("PATH", "BIN:/usr/bin:/bin"), ("INSIDE_EMACS", "29.4,vterm"), ("EMACS_VTERM_PATH", "/x")]),
    ("Emacs with eat", &[("PATH", "BIN:/usr/bin:/bin"), ("INSIDE_EMACS", "29.4,eat"), ("TERM", "eat-truecolor")]),
];

#[test]
fn whoever_starts_them_the_working_directory_decides() {
    let sandbox = Sandbox::with_shim(&["work"]);
    let bound = sandbox.bind("bound", "work");
    let refused = sandbox.project("refused", "profile = \"work\"\n");
    let bin = sandbox.path("home/.clauth/bin");
    let client = sandbox.path("home/.local/share/claude/versions/2.1.332");
    fs::create_dir_all(client.parent().unwrap()).unwrap();
    fs::rename(sandbox.path("bin/claude"), &client).unwrap();
    symlink(&client, sandbox.mkdir("home/.local/bin").join("claude")).unwrap();
    let run = |variables: &[(&str, &str)], directory: &std::path::Path, line: &str| {
        let mut command = sandbox.command("/bin/sh");
        command.env_clear().env("HOME", sandbox.home()).env("CLIENT", &client).args(["-c", line]).current_dir(directory);
        command.envs(variables.iter().map(|(name, value)| (*name, value.replace("BIN", bin.to_str().unwrap()))));
        Finished::run(command)
    };
    for (starter, variables) in STARTERS {
        // By PATH where one can be set, else by the whole path.
        let shim = if variables.contains(&("PATH", "BIN:/usr/bin:/bin")) { "claude" } else { "\"$HOME/.clauth/bin/claude\"" };
        for line in [shim, "\"$HOME/.clauth/bin/claude-wrapper\" \"$CLIENT\""] {
            for (directory, profile) in [(&bound, Some("work")), (&sandbox.home(), None)] {
                assert_eq!(run(variables, directory, line).success().stdout(), sandbox.claude_says(profile), "{starter}: {line}");
            }
            run(variables, &refused, line).complains(1, "is not allowed yet");
        }
    }
}
