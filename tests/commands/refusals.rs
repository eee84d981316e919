//! Mistakes about a directory or a shell in which no account can be chosen.

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
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
