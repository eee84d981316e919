//! Every command that is shown with a path in it can be pasted into the shell that it was shown in, whatever the path holds.

use std::path::PathBuf;

use crate::support::finished::Finished;
use crate::support::{Sandbox, Shell};

/// What HOME lies in: characters that mean something to one shell or another.
const ODD: &str = "o'brien x [1] $HOME; \u{2019}*&(\u{e9}";

/// Each shell of this machine, in a sandbox of its own with the profile `work` below such a directory.
fn each(body: impl Fn(&Sandbox, &Shell)) {
    Shell::each(|shell| {
        let sandbox = Sandbox::below(ODD);
        sandbox.clauth(&["add", "work"]).success();
        body(&sandbox, shell);
    });
}

/// Runs a line in this shell, in a directory; `true` behind it keeps the shell from becoming the command itself.
fn run(sandbox: &Sandbox, shell: &Shell, directory: PathBuf, line: &str) -> Finished {
    let mut command = sandbox.command(&shell.program);
    command.current_dir(directory).args(["-c", &format!("{line}\ntrue")]);
    Finished::run(command)
}

/// Pastes the command that `line` shows between these words; fails where the shell or the command complains.
fn paste(sandbox: &Sandbox, shell: &Shell, line: &str, (before, behind): (&str, &str), add: &str) -> Finished {
    let shown = run(sandbox, shell, sandbox.home(), line);
    let said = format!("{}{}", shown.stdout(), shown.stderr());
    let command = said.split_once(&format!("{before}`clauth ")).and_then(|(_, rest)| rest.split_once(&format!("`{behind}")));
    let command = command.unwrap_or_else(|| panic!("{shown:?}")).0;
    let pasted = run(sandbox, shell, sandbox.home(), &format!("clauth {command}{add} || echo FAILED"));
    assert!(!pasted.stdout().contains("FAILED"), "{command}: {pasted:?}");
    pasted
}

#[test]
fn the_way_back_of_a_removed_login_can_be_pasted() {
    each(|sandbox, shell| {
        sandbox.sign_in("work", "me@corp.example");
        paste(sandbox, shell, "clauth remove work --yes", ("kept there too: ", " takes it back"), " --yes");
        assert!(sandbox.runtime("work").join(".credentials.json").exists());
    });
}

#[test]
fn the_end_of_a_denial_can_be_pasted() {
    each(|sandbox, shell| {
        sandbox.bind("home/project", "work");
        sandbox.clauth(&["deny", "project"]).success();
        paste(sandbox, shell, "cd project; clauth status", ("(denied; ", " takes that back"), "");
        assert_eq!(sandbox.applies(sandbox.path("home/project")), "work");
    });
}

#[test]
fn an_import_can_be_pasted_where_setup_or_doctor_or_an_interruption_asks_for_it() {
    each(|sandbox, shell| {
        let own = |name: &str| sandbox.write(format!("home/{name}/.claude.json"), "{}").parent().unwrap().to_path_buf();
        own(".claude-it's mine");
        paste(sandbox, shell, "clauth setup --no-shim --shell bash --yes", ("of its own; ", " makes it a profile"), " --yes");
        let left = own("half way");
        sandbox.write("home/.clauth/profiles/work/importing", left.to_str().unwrap());
        paste(sandbox, shell, "clauth doctor", ("run ", ", which goes on with it"), " --yes");
        own("third's");
        let set = if shell.language.name() == "pwsh" {
            "$env:CLAUDE_CONFIG_DIR = \"$HOME/third's\"; "
        } else {
            "export CLAUDE_CONFIG_DIR=\"$HOME/third's\"; "
        };
        let pasted = paste(sandbox, shell, &format!("{set}clauth doctor"), ("do:  ", " makes it a profile"), " --yes");
        assert!(pasted.stderr().contains("is the profile NAME now"), "{pasted:?}");
    });
}

#[test]
fn a_use_with_its_words_swapped_can_be_pasted_as_it_was_meant() {
    each(|sandbox, shell| {
        sandbox.mkdir("home/it's a;b");
        paste(sandbox, shell, "clauth use \"it's a;b\" work", ("type ", " (`clauth list`"), "");
        assert_eq!(sandbox.applies(sandbox.path("home/it's a;b")), "work");
    });
}
