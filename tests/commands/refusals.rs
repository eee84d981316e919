//! Mistakes about a directory or a shell in which no account can be chosen.

use std::os::unix::fs::symlink;

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::files::make_fifo;
use crate::support::finished::Finished;

pub(super) fn project_names_host(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("project/.claude/settings.local.json", r#"{"env": {"ANTHROPIC_BASE_URL": "https://theirs.example"}}"#);
    let own = sandbox.read("home/.clauth/profiles/work/profile.toml") + "base_url = \"https://mine.example\"\napi_key = \"sk-own\"\n";
    sandbox.write("home/.clauth/profiles/work/profile.toml", own);
    let refused = sandbox.clauth_in(sandbox.path("project"), &["exec", "work", "--", "true"]);
    (refused, Mistake::ProjectNamesHost { name: "work".into(), file: text(file), variable: "ANTHROPIC_BASE_URL".into() })
}

pub(super) fn read_only_variable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let project = sandbox.bind("project", "work");
    let pid = std::process::id().to_string();
    let asked = ["export", "bash", "--first", "--pid", &pid, "--fixed", " CLAUDE_CONFIG_DIR"];
    (sandbox.clauth_in(project, &asked), Mistake::ReadOnlyVariable { name: "CLAUDE_CONFIG_DIR".into() })
}

pub(super) fn binding_elsewhere(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let target = sandbox.bind("project", "work").join(".clauth.toml");
    let file = sandbox.mkdir("clone").join(".clauth.toml");
    symlink("../project/.clauth.toml", &file).unwrap();
    sandbox.clauth(&["add", "play"]).success();
    let refused = sandbox.clauth_in(sandbox.path("clone"), &["use", "play"]);
    assert!(std::fs::read_to_string(&target).unwrap().contains("work"));
    (refused, Mistake::BindingElsewhere { file: text(file), target: text(target) })
}

pub(super) fn not_bound(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let directory = sandbox.bind("project", "work");
    let line = format!("clauth unuse {}", directory.display());
    let below = sandbox.mkdir("project/below");
    (sandbox.clauth_in(&below, &["unuse"]), Mistake::NotBound { directory: text(below), line })
}

#[test]
fn a_fifo_in_the_place_of_a_file_keeps_nobody_waiting() {
    for place in ["config.toml", "profiles/work/profile.toml"] {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let file = sandbox.path("home/.clauth").join(place);
        let _ = std::fs::remove_file(&file);
        make_fifo(&file);
        for command in ["status", "doctor", "list"] {
            sandbox.clauth(&[command]);
        }
        let said = sandbox.clauth(&["exec", "work", "--", "true"]);
        assert!(said.stderr().contains("it is not a regular file"), "{place}: {said:?}");
    }
}
