//! The mistakes that can be made when accounts arrive or leave, each made in a sandbox with the profile `work`.

use std::fs;
use std::os::unix::fs::symlink;

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::finished::Finished;

pub(super) fn bad_secret(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let mistake = Mistake::BadSecret { what: "API key".into(), reason: "it is empty".into(), flag: "--api-key-stdin".into() };
    (sandbox.clauth(&["add", "gw", "--api-key-stdin"]), mistake)
}

pub(super) fn bad_endpoint(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let reason = "it begins with neither https:// nor http://, or its port is no number".into();
    (sandbox.clauth(&["add", "gw", "--base-url", "gateway.example"]), Mistake::BadEndpoint { reason })
}

pub(super) fn endpoint_without_key(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let url = "https://gateway.example";
    (sandbox.clauth(&["add", "gw", "--base-url", url]), Mistake::EndpointWithoutKey { url: url.into() })
}

pub(super) fn endpoint_gets_login(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.path("home/.clauth/profiles/work/profile.toml");
    let plain = fs::read_to_string(&file).unwrap();
    fs::write(&file, plain + "base_url = \"https://gateway.example\"\n").unwrap();
    (sandbox.clauth(&["exec", "work", "--", "true"]), Mistake::EndpointGetsLogin { name: "work".into(), file: text(file) })
}

pub(super) fn no_login(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    fs::remove_file(sandbox.path("home/.claude/.credentials.json")).unwrap();
    (sandbox.clauth(&["capture", "work", "--yes"]), Mistake::NoLogin { place: text(sandbox.path("home/.claude")) })
}

pub(super) fn organization_login(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.write("home/.claude/.credentials.json", r#"{"hybridOauth":{"accessToken":"a","refreshToken":"r","organizationUuid":"o"}}"#);
    (sandbox.clauth(&["capture", "work", "--yes"]), Mistake::OrganizationLogin { place: text(sandbox.path("home/.claude")) })
}

pub(super) fn not_importable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let directory = text(sandbox.mkdir("plain"));
    let finished = sandbox.clauth(&["import", &directory, "other"]);
    (finished, Mistake::NotImportable { directory, reason: "Claude Code has never used it".into() })
}

pub(super) fn login_failed(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.program("claude", "#!/bin/sh\nexit 3\n");
    (sandbox.clauth(&["login", "work"]), Mistake::LoginFailed { name: "work".into(), line: "clauth login work".into() })
}

pub(super) fn home_signed_in(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.sign_in("work", "me@corp.example");
    (sandbox.clauth(&["capture", "--back", "work"]), Mistake::HomeSignedIn { place: text(sandbox.path("home/.claude")) })
}

pub(super) fn profile_signed_in(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.sign_in("work", "me@corp.example");
    (sandbox.clauth(&["capture", "work", "--yes"]), Mistake::ProfileSignedIn { name: "work".into() })
}

pub(super) fn key_before_login(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.clauth_with_input(&["add", "keyed", "--api-key-stdin"], "sk-ant-api").success();
    let file = text(sandbox.path("home/.clauth/profiles/keyed/profile.toml"));
    (sandbox.clauth(&["capture", "keyed", "--yes"]), Mistake::KeyBeforeLogin { name: "keyed".into(), file })
}

pub(super) fn client_runs(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let pids = std::process::id().to_string();
    sandbox.write(format!("home/.claude/sessions/{pids}.json"), "{}");
    (sandbox.clauth(&["capture", "work", "--yes"]), Mistake::ClientRuns { place: text(sandbox.path("home/.claude")), pids })
}

pub(super) fn broken_login(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.claude/.credentials.json", "{\"claudeAiOauth\": {");
    let reason = format!("could not read {}: it is not a JSON object (line 1)", file.display());
    (sandbox.clauth(&["capture", "work", "--yes"]), Mistake::BrokenLogin { reason })
}

pub(super) fn login_busy(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.mkdir("home/.claude/.oauth_refresh.lock");
    (sandbox.clauth(&["capture", "work", "--yes"]), Mistake::LoginBusy { place: text(sandbox.path("home/.claude")) })
}

pub(super) fn removal_unfinished(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let profile = sandbox.path("home/.clauth/profiles/work");
    fs::rename(profile.join("profile.toml"), profile.join("removing.toml")).unwrap();
    (sandbox.clauth(&["use", "work"]), Mistake::RemovalUnfinished { name: "work".into(), why: String::new() })
}

pub(super) fn one_place(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let runtime = sandbox.mkdir("home/.clauth/profiles/work/runtime");
    let link = sandbox.path("home/.claude/output-styles");
    fs::create_dir(runtime.join("output-styles")).unwrap();
    symlink(runtime.join("output-styles"), &link).unwrap();
    (sandbox.clauth(&["remove", "work", "--yes"]), Mistake::OnePlace { one: text(link), other: text(runtime) })
}

pub(super) fn login_unsettled(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let (hub, runtime) = (text(sandbox.path("home/.claude")), text(sandbox.runtime("work")));
    let from = serde_json::json!({"directory": hub, "claude_json": format!("{hub}.json")});
    let to = serde_json::json!({"directory": runtime, "claude_json": format!("{runtime}/.claude.json")});
    let journal = serde_json::json!({"from": from, "to": to, "login": "of another", "aside": null, "is_moved": true});
    sandbox.write("home/.clauth/transfer.json", journal.to_string());
    sandbox.write(format!("home/.claude/sessions/{}.json", std::process::id()), "{}");
    let mistake = Mistake::LoginUnsettled { place: runtime, reason: format!("claude runs in {hub}") };
    (sandbox.clauth(&["capture", "work", "--yes"]), mistake)
}
