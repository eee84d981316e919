//! What `doctor` and `status` say of editors.

use std::fs;
use std::path::Path;

use super::editors::{KEY, SET_UP};
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::finished::Finished;

#[test]
fn doctor_and_status_say_which_account_each_panel_has_and_what_broke_it() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.sign_in("work", "me@corp.example");
    let bound = sandbox.bind("bound", "work");
    let refused = sandbox.project("refused", "profile = \"work\"\n");
    let file = sandbox.write("home/.config/Code/User/settings.json", "{}\n");
    let own = text(sandbox.program("own", ""));
    sandbox.write("home/.config/Cursor/User/settings.json", format!("{{\"{KEY}\": \"{own}\"}}"));
    sandbox.write("home/.config/zed/settings.json", "[]");
    let panels = |directory: &Path| sandbox.status(directory)["editors"].as_array().unwrap().clone();
    let findings = |directory: &Path| {
        let found = sandbox.clauth_in(directory, &["doctor", "--json"]).json();
        assert_eq!(found["editors"].as_array().unwrap(), &panels(directory));
        let what = |finding: &serde_json::Value| ["severity", "what", "remedy"].map(|key| finding[key].as_str().unwrap().to_owned()).join(": ");
        let found: Vec<_> = found["findings"].as_array().unwrap().iter().map(what).collect();
        found.into_iter().filter(|found| found.contains("VS Code: ") || found.contains("Cursor: ") || found.contains("Zed: ")).collect::<Vec<_>>()
    };
    // Before it is told, an editor's panel has the plain account everywhere.
    for directory in [&bound, &refused, &sandbox.home()] {
        let seen = panels(directory);
        let starts: Vec<_> = seen.iter().map(|panel| (panel["editor"].as_str().unwrap(), panel["starts"].as_str().unwrap())).collect();
        assert_eq!(starts, [("VS Code", "bundled"), ("Cursor", "own"), ("Zed", "unknown")]);
        assert_eq!(seen[0]["account"], "me@home.example");
        let found = findings(directory);
        assert!(found.len() == 2 && found.iter().all(|found| found.starts_with("note: ") && found.contains("clauth setup --editors")), "{found:?}");
    }
    sandbox.write("home/.config/zed/settings.json", "{}");
    sandbox.clauth(&SET_UP).success();
    assert_eq!(findings(&bound), Vec::<String>::new());
    for (directory, profile, account, why) in [
        (&bound, Some("work"), Some("me@corp.example"), "this folder is bound to it"),
        (&sandbox.home(), None, Some("me@home.example"), "nothing is bound in this folder"),
        (&refused, None, None, "is not allowed yet; run `clauth allow`"),
    ] {
        for editor in [0, 2] {
            let panel = &panels(directory)[editor];
            assert_eq!(
                (panel["starts"].as_str(), panel["profile"].as_str(), panel["account"].as_str()),
                (Some("clauth"), profile, account),
                "{panel}"
            );
            assert!(panel["why"].as_str().unwrap().contains(why), "{panel}");
        }
    }
    let told = sandbox.clauth_in(&bound, &["doctor"]);
    let expected = format!("editor   VS Code: work · me@corp.example; this folder is bound to it ({})\n", file.display());
    assert!(
        told.stdout().contains(&expected)
            && told.stdout().contains(&format!("editor   Cursor: no account that clauth knows; it starts a program of your own, {own} (")),
        "{told:?}"
    );
    // An update of clauth that took its program away, and one of the editor that took the setting away.
    fs::rename(sandbox.path("program/clauth"), sandbox.path("program/gone")).unwrap();
    let mut doctor = sandbox.command(sandbox.path("program/gone"));
    doctor.args(["doctor"]).current_dir(&bound);
    let told = Finished::run(doctor).failure();
    assert!(told.stdout().contains("claude-wrapper leads to a program that is gone"), "{told:?}");
    fs::rename(sandbox.path("program/gone"), sandbox.path("program/clauth")).unwrap();
    fs::remove_file(&own).unwrap();
    let found = findings(&bound);
    assert!(found.len() == 1 && found[0].starts_with("problem: Cursor: ") && found[0].contains("which is not there"), "{found:?}");
    sandbox.program("own", "");
    fs::write(&file, "{}\n").unwrap();
    let found = findings(&bound);
    assert!(found.len() == 1 && found[0].starts_with("problem: VS Code: clauth's setting is gone"), "{found:?}");
}
