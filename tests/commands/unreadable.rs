//! Binding files that are nothing a binding can be: their rows in the table of mistakes.

use std::fs;
use std::os::unix::fs::symlink;

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::finished::Finished;

pub(super) fn not_regular(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.mkdir("project/.clauth.toml");
    (sandbox.clauth_in(sandbox.path("project"), &["allow"]), Mistake::BindingNotRegular { file: text(file) })
}

pub(super) fn dangling(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.mkdir("project").join(".clauth.toml");
    symlink("nowhere", &file).unwrap();
    (sandbox.clauth_in(sandbox.path("project"), &["allow"]), Mistake::BindingDangling { file: text(file) })
}

pub(super) fn too_large(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("project/.clauth.toml", "profile = \"work\" #".to_owned() + &"x".repeat(4096));
    (sandbox.clauth_in(sandbox.path("project"), &["allow"]), Mistake::BindingTooLarge { file: text(file) })
}

pub(super) fn unreadable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    // A link to itself: root cannot read that either.
    let file = sandbox.mkdir("project").join(".clauth.toml");
    symlink(".clauth.toml", &file).unwrap();
    let reason = fs::metadata(&file).unwrap_err().to_string();
    (sandbox.clauth_in(sandbox.path("project"), &["allow"]), Mistake::BindingUnreadable { file: text(file), reason })
}

pub(super) fn invalid(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("project/.clauth.toml", "# ours\nprofile = \"work\"\nenv = 1\n");
    let mistake =
        Mistake::BindingInvalid { file: text(file), line: "3".into(), column: "1".into(), reason: "unknown field `env`, expected `profile`".into() };
    (sandbox.clauth_in(sandbox.path("project"), &["allow"]), mistake)
}
