//! An alias or a function `claude` in the startup files: it may lead past the shim.

use std::path::Path;

use super::Finding;
use super::hooks::Judged;
use crate::claude_code::processes::PROGRAM;
use crate::context::Context;
use crate::sys;

pub fn examine(context: &Context, shells: &[Judged]) -> Vec<Finding> {
    let shim = context.layout.shim();
    let is_installed = std::fs::symlink_metadata(&shim).is_ok();
    let home = context.env.home_dir().unwrap_or_default();
    let is_shim = |path: &str| {
        let spelled = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|start| path.strip_prefix(start)).map(|rest| home.join(rest));
        sys::same_file(&spelled.unwrap_or_else(|| path.into()), &shim)
    };
    let judge = |one: &Judged| {
        let (kind, text) = one.fresh.in_place_of_claude.as_ref()?;
        let shell = one.shell;
        leads_past(kind, text, is_shim).then(|| {
            let what = format!("in {shell}, {kind} `{PROGRAM}` of your startup files starts another program than the first `{PROGRAM}` on PATH");
            let remedy = format!("let it run `command {PROGRAM}`, or remove it there");
            let finding = if is_installed { Finding::problem } else { Finding::note };
            finding(what, "where no prompt has chosen the account, as in `cd x && claude`, it uses the one that it uses without clauth", remedy)
        })
    };
    shells.iter().filter_map(judge).collect()
}

/// Whether an alias or a function starts something else than the first `claude` on PATH: it names one by its path, or none at all.
fn leads_past(kind: &str, text: &str, is_shim: impl Fn(&str) -> bool) -> bool {
    // A function's head says its name, which is none of what it runs; so does fish's note of what it stands for.
    let is_head =
        |line: &&str| kind == "function" && (line.trim_start().starts_with("function ") || line.trim_end().ends_with("()") || line.starts_with('#'));
    let words = text
        .lines()
        .filter(|line| !is_head(line))
        .flat_map(|line| line.split(|character: char| character.is_whitespace() || "\"'`;&|()=".contains(character)));
    let mut is_named = false;
    for word in words {
        let is_claude = Path::new(word).file_name().is_some_and(|name| name == PROGRAM);
        if is_claude && word.contains('/') && !is_shim(word) {
            return true;
        }
        is_named |= is_claude || word.strip_prefix('\\') == Some(PROGRAM);
    }
    !is_named
}

#[cfg(test)]
mod tests {
    use super::leads_past;

    #[test]
    fn what_names_another_program_leads_past() {
        let is_shim = |path: &str| path == "~/.clauth/bin/claude";
        for text in ["claude --verbose", "\\claude", "FOO=1 command claude", "~/.clauth/bin/claude -c", "cd ~/x && claude"] {
            assert!(!leads_past("alias", text, is_shim), "{text}");
        }
        for text in ["/x/claude", "~/.claude/local/claude", "npx @anthropic-ai/claude-code", "FOO=/x/y '/x/claude'"] {
            assert!(leads_past("alias", text, is_shim), "{text}");
        }
        for (text, expected) in [
            ("claude () \n{ \n    command claude --x \"$@\"\n}", false),
            ("claude () \n{ \n    npx claude-code \"$@\"\n}", true),
            ("\t/x/claude $@", true),
            ("# Defined interactively\nfunction claude --wraps=/x/claude --description 'alias claude=/x/claude'\n    /x/claude $argv\nend", true),
            ("function claude --wraps='claude -c'\n    command claude -c $argv\nend", false),
        ] {
            assert_eq!(leads_past("function", text, is_shim), expected, "{text}");
        }
    }
}
