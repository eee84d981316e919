//! Everything that clauth prints for PowerShell, by a grammar of PowerShell: where there is no `pwsh`, a slip in it would be seen by users first.

use tree_sitter::{Node, Parser};

use crate::support::Sandbox;

/// Returns where a text is not PowerShell, as lines.
fn faults(text: &str) -> Vec<String> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    let tree = parser.parse(text, None).unwrap();
    let mut waiting = vec![tree.root_node()];
    let mut faults = Vec::new();
    while let Some(node) = waiting.pop() {
        if node.is_error() || node.is_missing() {
            let line = node.start_position().row;
            faults.push(format!("line {}: {}", line + 1, text.lines().nth(line).unwrap_or_default()));
        } else if node.has_error() {
            waiting.extend((0..node.child_count()).filter_map(|index| child(node, index)));
        }
    }
    faults
}

fn child(node: Node<'_>, index: usize) -> Option<Node<'_>> {
    node.child(u32::try_from(index).ok()?)
}

#[track_caller]
fn assert_powershell(what: &str, text: &str) {
    assert!(!text.is_empty(), "{what}");
    assert_eq!(faults(text), Vec::<String>::new(), "{what}");
}

#[test]
fn what_is_not_powershell_is_noticed() {
    for text in ["if ($x { 1 }", "function f { ", "$x = 'it's'", "\"$(", "@{ a = }"] {
        assert!(!faults(text).is_empty(), "{text}");
    }
    assert_powershell("a line", "$env:X = 'it''s'; if ($null -ne $x) { [Console]::Error.WriteLine(\"`u{e9}\") }");
}

#[test]
fn the_hook_and_the_completions_are_powershell() {
    let sandbox = Sandbox::new();
    assert_powershell("the hook as it stands", include_str!("../../shells/hook.ps1"));
    let printed = sandbox.clauth(&["hook", "pwsh"]).success().stdout().to_owned();
    let (before, rest) = printed.split_once("Create(\"").unwrap();
    let (quoted, after) = rest.rsplit_once("\"))").unwrap();
    assert_powershell("the line around the hook", &format!("{before}Create('text')){after}"));
    let text = quoted.replace("`u{a}", "\n").replace("`$", "$").replace("`\"", "\"").replace("``", "`");
    assert_powershell("the hook", &text);
    assert_powershell("the completions", include_str!("../../completions/_clauth.ps1"));
}

#[test]
fn every_answer_is_powershell_in_ascii() {
    let mut sandbox = Sandbox::with_profiles(&["work", "other"]);
    let pid = std::process::id().to_string();
    for (directory, profile) in
        [("a b", "work"), ("it's \u{2019}\u{201b} $(x) `y` \"z\" {0}", "work"), ("é日\u{1f600}", "other"), ("nl\nline", "other")]
    {
        sandbox.bind(directory, profile);
        let export = |sandbox: &Sandbox, more: &[&str]| {
            let arguments = [&["export", "pwsh", "--pid", &pid], more].concat();
            sandbox.clauth_in(sandbox.path(directory), &arguments).success().stdout().to_owned()
        };
        sandbox.set_variable("ANTHROPIC_API_KEY", "sk");
        let entered = export(&sandbox, &["--first"]);
        assert!(entered.contains("$env:CLAUTH_PROFILE = ") && entered.contains("$global:__clauth_aside_ANTHROPIC_API_KEY"), "{entered}");
        let pinned = sandbox.clauth_in(sandbox.path(directory), &["env", profile, "--shell", "pwsh"]).success().stdout().to_owned();
        // As that shell is now, the way back.
        for (name, value) in [("CLAUDE_CONFIG_DIR", sandbox.runtime(profile).display().to_string()), ("CLAUTH_PROFILE", profile.into())] {
            sandbox.set_variable(name, value);
        }
        sandbox.set_variable("CLAUTH_STATE", r#"{"chosen":"hook","aside":["ANTHROPIC_API_KEY"]}"#);
        let left = sandbox.clauth_in(sandbox.home(), &["export", "pwsh", "--pid", &pid]).success().stdout().to_owned();
        let unset = sandbox.clauth(&["env", "--unset", "--shell", "pwsh"]).success().stdout().to_owned();
        assert!(left.contains("$env:CLAUDE_CONFIG_DIR = $null") && unset.contains("$env:CLAUDE_CONFIG_DIR = $null"), "{left} {unset}");
        for name in ["CLAUDE_CONFIG_DIR", "CLAUTH_PROFILE", "CLAUTH_STATE"] {
            sandbox.set_variable(name, "");
        }
        sandbox.write(std::path::Path::new(directory).join(".clauth.toml"), "not what it should be");
        let refused = export(&sandbox, &[]);
        assert!(refused.contains("run-clauth-status"), "{refused}");
        for (what, text) in [("entered", entered), ("pinned", pinned), ("left", left), ("unset", unset), ("refused", refused)] {
            assert_powershell(&format!("{what} {directory}"), &text);
            assert!(text.is_ascii(), "{what}: {text}");
        }
    }
}

#[test]
fn the_lines_of_setup_are_powershell() {
    let sandbox = Sandbox::new();
    sandbox.clauth(&["setup", "--shell", "pwsh", "--shim", "--yes"]); // whose last step is a look at a real shell
    let profile = sandbox.read("home/.config/powershell/profile.ps1");
    assert!(profile.contains("clauth"), "{profile}");
    assert_powershell("the profile", &profile);
}
