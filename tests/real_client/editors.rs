//! Editors and the client: how they find each other, whatever the profile.

use serde_json::json;

use super::world;
use crate::support::rig::{Freshness, read_json};
use crate::support::shell::shells_found;
use crate::support::{Startup, Terminal};

#[test]
fn an_editor_that_announces_itself_in_the_hub_is_found_from_a_profile() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    let office = sandbox.path("office");
    // As the extension for VS Code and its kin and the plugin for JetBrains leave it, wherever the client's config directory is.
    let announcement = json!({
        "pid": std::process::id(), "workspaceFolders": [&office], "ideName": "Cursor", "transport": "ws", "authToken": "made-up",
    });
    sandbox.write("home/.claude/ide/45454.lock", announcement.to_string());
    // The first questions are answered, or the client would ask them.
    let state = sandbox.runtime("work").join(".claude.json");
    let mut known = read_json(&state);
    known["projects"][office.to_str().unwrap()] = json!({"hasTrustDialogAccepted": true, "hasCompletedProjectOnboarding": true});
    sandbox.write(&state, known.to_string());

    let shell = shells_found()[0].clone();
    let mut terminal = Terminal::start(sandbox, &shell, &Startup::hooked().in_directory(&office));
    terminal.type_line("claude /ide");
    terminal.wait_for("Cursor");
    terminal.kill();
    assert!(sandbox.path("home/.claude/ide/45454.lock").exists(), "it is the editor's");
    assert!(!sandbox.runtime("work").join("ide").is_symlink(), "what a profile's clients say of themselves stays there");
}
