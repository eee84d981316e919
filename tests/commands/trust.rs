//! Which files may choose: the pair of canonical directory and name, `deny` over all, `trusted` by whole path components.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Sandbox;

/// What a file that asks for `work` holds.
const WORK: &str = "profile = \"work\"\n";

#[test]
fn a_file_is_followed_only_once_it_is_allowed() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", WORK);
    let below = sandbox.mkdir("project/a/b");
    assert_eq!(sandbox.applies(&below), "refused");
    let reason = format!("{}/.clauth.toml asks for the profile `work` and is not allowed yet; ", directory.display());
    assert!(sandbox.status(&below)["refused"].as_str().unwrap().starts_with(&reason));
    sandbox.clauth_in(&below, &["allow"]).success();
    assert_eq!((sandbox.applies(&below), sandbox.applies(&directory)), ("work".into(), "work".into()));
}

#[test]
fn allow_and_deny_take_a_directory_or_the_file() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", WORK);
    for path in ["../project", "../project/.clauth.toml"] {
        sandbox.clauth(&["allow", path]).success();
        assert_eq!(sandbox.applies(&directory), "work", "{path}");
        sandbox.clauth(&["deny", path]).success();
        assert_eq!(sandbox.applies(&directory), "none", "{path}");
    }
    sandbox.clauth_in(&directory, &["allow", ".clauth.toml"]).success();
    assert_eq!(sandbox.applies(&directory), "work");
    sandbox.clauth(&["deny", "../project/nothing"]).complains(1, "there is no directory or .clauth.toml at ../project/nothing");
    sandbox.clauth(&["allow", ".clauth.toml"]).complains(1, "there is no directory or .clauth.toml at .clauth.toml");
}

#[test]
fn another_name_is_asked_about_again_and_the_old_one_is_remembered() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let directory = sandbox.project("project", WORK);
    sandbox.clauth_in(&directory, &["allow"]).success();
    sandbox.project("project", "profile = \"other\"\n");
    assert_eq!(sandbox.applies(&directory), "refused");
    sandbox.project("project", "profile = \"default\"\n");
    assert_eq!(sandbox.applies(&directory), "refused");
    // The pair was allowed, whatever stood there meanwhile and however it is written.
    sandbox.project("project", "# now with a comment\nprofile = 'work'\n");
    assert_eq!(sandbox.applies(&directory), "work");
}

#[test]
fn an_allowance_does_not_move_with_the_directory() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    let moved = sandbox.path("moved");
    fs::rename(&directory, &moved).unwrap();
    assert_eq!(sandbox.applies(&moved), "refused");
    fs::rename(&moved, &directory).unwrap();
    assert_eq!(sandbox.applies(&directory), "work");
    fs::remove_file(directory.join(".clauth.toml")).unwrap();
    assert_eq!(sandbox.applies(&directory), "none");
}

#[test]
fn a_link_to_the_directory_is_the_directory() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("real/project", WORK);
    symlink(&directory, sandbox.path("link")).unwrap();
    sandbox.clauth(&["allow", "../link"]).success();
    assert_eq!(sandbox.applies(&directory), "work");
    assert_eq!(sandbox.applies(sandbox.path("link")), "work");
    // The parent that counts is the physical one: what stands beside the link binds nothing.
    sandbox.project("", "profile = \"work\" # another\n");
    sandbox.mkdir("real/project/below");
    sandbox.clauth(&["deny", "../link/.clauth.toml"]).success();
    let refused = sandbox.status(sandbox.path("link/below"))["refused"].as_str().unwrap().to_owned();
    assert!(refused.starts_with(&format!("{}/.clauth.toml asks for", sandbox.path("").display().to_string().trim_end_matches('/'))), "{refused}");
}

#[test]
fn a_linked_file_is_trusted_where_it_stands_and_not_where_it_leads() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let allowed = sandbox.bind("allowed", "work");
    let evil = sandbox.mkdir("evil");
    symlink(allowed.join(".clauth.toml"), evil.join(".clauth.toml")).unwrap();
    assert_eq!(sandbox.applies(&evil), "refused");
    sandbox.clauth_in(&evil, &["allow"]).success();
    assert_eq!(sandbox.applies(&evil), "work");
    // The same in the other direction: denying the link leaves the file alone.
    sandbox.clauth_in(&evil, &["deny"]).success();
    assert_eq!((sandbox.applies(&evil), sandbox.applies(&allowed)), ("none".into(), "work".into()));
}

#[test]
fn trusted_directories_are_whole_path_components() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", format!("trusted = [\"{}\"]\n", sandbox.path("pre").display()));
    for (relative, expected) in [("pre", "work"), ("pre/deep/er", "work"), ("pre-evil", "refused"), ("prefix/pre", "refused"), ("pr", "refused")] {
        let directory = sandbox.project(relative, WORK);
        assert_eq!(sandbox.applies(&directory), expected, "{relative}");
    }
    // A link inside leads out, and one outside leads in: the canonical directory decides.
    symlink(sandbox.path("pre-evil"), sandbox.path("pre/out")).unwrap();
    symlink(sandbox.path("pre/deep/er"), sandbox.path("in")).unwrap();
    assert_eq!(sandbox.applies(sandbox.path("pre/out")), "refused");
    assert_eq!(sandbox.applies(sandbox.path("in")), "work");
}

#[test]
fn a_trusted_directory_is_spelled_in_any_way() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("home/work/project", WORK);
    symlink("work", sandbox.path("home/link")).unwrap();
    for spelled in ["~/work", "~/work/", "~/link", "~/work/../work/project", "~", "/"] {
        sandbox.write("home/.clauth/config.toml", format!("trusted = [\"/nowhere\", \"{spelled}\"]\n"));
        assert_eq!(sandbox.applies(&directory), "work", "{spelled}");
    }
    sandbox.write("home/.clauth/config.toml", "trusted = [\"~/work/project/below\", \"~/wor\"]\n");
    assert_eq!(sandbox.applies(&directory), "refused");
}

#[test]
fn a_relative_trusted_directory_is_a_mistake_and_not_whatever_the_shell_stands_in() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", WORK);
    for spelled in [".", "", "project", "..", "~other"] {
        let file = sandbox.write("home/.clauth/config.toml", format!("trusted = [\"{spelled}\"]\n"));
        sandbox.clauth_in(&directory, &["status"]).complains(1, &format!("{}:1:12: neither an absolute path", file.display()));
    }
}

#[test]
fn a_project_cannot_trust_itself() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", "profile = \"work\"\ntrusted = [\"/\"]\n");
    assert_eq!(sandbox.applies(&directory), "refused");
    sandbox.clauth_in(&directory, &["allow"]).complains(1, "unknown field `trusted`");
}

#[test]
fn deny_wins_over_allow_and_trusted_until_the_next_allow() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let directory = sandbox.bind("project", "work");
    sandbox.write("home/.clauth/config.toml", format!("trusted = [\"{}\"]\n", sandbox.path("").display()));
    sandbox.clauth_in(&directory, &["deny"]).success();
    assert_eq!(sandbox.applies(&directory), "none");
    // By directory: no other text gets past it.
    sandbox.project("project", "profile = \"other\"\n");
    assert_eq!(sandbox.applies(&directory), "none");
    sandbox.clauth_in(&directory, &["allow"]).success();
    assert_eq!(sandbox.applies(&directory), "other");
    sandbox.clauth_in(&directory, &["deny"]).success();
    sandbox.clauth_in(&directory, &["use", "work"]).success();
    assert_eq!(sandbox.applies(&directory), "work");
}

#[test]
fn a_denied_file_counts_as_absent() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let parent = sandbox.bind("parent", "other");
    let child = sandbox.bind("parent/child", "work");
    let below = sandbox.mkdir("parent/child/below");
    sandbox.clauth_in(&below, &["deny"]).success();
    assert_eq!((sandbox.applies(&below), sandbox.applies(&child)), ("other".into(), "other".into()));
    // Once more does not reach the next one, which has another author; its own line does.
    let again = sandbox.clauth_in(&below, &["deny"]).success();
    let line = format!("`clauth deny {}` ignores that one too", parent.join(".clauth.toml").display());
    assert!(again.stderr().contains("child/.clauth.toml is ignored already; ") && again.stderr().contains(&line), "{again:?}");
    assert_eq!(sandbox.applies(&below), "other");
    sandbox.clauth(&["deny", parent.join(".clauth.toml").to_str().unwrap()]).success();
    assert_eq!((sandbox.applies(&below), sandbox.applies(&parent)), ("none".into(), "none".into()));
    let again = sandbox.clauth_in(&below, &["deny"]).success();
    assert!(again.stderr().contains("child/.clauth.toml is ignored already\n"), "nothing is left: {again:?}");
    sandbox.clauth(&["deny"]).complains(1, "no .clauth.toml applies in");
    let told = sandbox.clauth_in(&below, &["status", "--json"]).success().json();
    assert_eq!(told["ignored"].as_array().unwrap().len(), 2, "{told}");
    sandbox.clauth_in(&below, &["allow"]).success();
    assert_eq!((sandbox.applies(&below), sandbox.applies(&parent)), ("work".into(), "none".into()));
}

#[test]
fn a_denied_broken_file_lets_the_parents_apply() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.bind("parent", "work");
    let child = sandbox.project("parent/child", "not TOML");
    assert_eq!(sandbox.applies(&child), "refused");
    sandbox.clauth_in(&child, &["deny"]).success();
    assert_eq!(sandbox.applies(&child), "work");
}

#[test]
fn allowing_a_profile_that_is_not_there_is_refused() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", "profile = \"later\"\n");
    sandbox.clauth_in(&directory, &["allow"]).complains(1, "there is no profile `later`");
    sandbox.clauth(&["add", "later"]).success();
    assert_eq!(sandbox.applies(&directory), "refused", "nobody has allowed it");
    sandbox.clauth_in(&directory, &["allow"]).success();
    assert_eq!(sandbox.applies(&directory), "later");
}
