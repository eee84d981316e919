//! Linked worktrees, made by the real git: each counts as the main checkout of its repository, and nothing else does.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::geteuid;

use super::mistakes::error::Mistake;
use super::mistakes::evaluate;
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::shell::skip;

/// What a file that asks for `work` holds.
const WORK: &str = "profile = \"work\"\n";

/// Makes the profiles `work` and `other`, and a repository at `src/project`.
fn with_repository() -> Option<(Sandbox, PathBuf)> {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let repository = sandbox.repository("src/project")?;
    Some((sandbox, repository))
}

/// Writes a file again as it is, as it would come out of an archive: now, or at a time that the archive says.
fn rewrite(file: &Path, text: &str, written: SystemTime) {
    fs::write(file, text).unwrap();
    fs::File::options().write(true).open(file).unwrap().set_modified(written).unwrap();
}

pub(super) fn worktree_unsure(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let repository = sandbox.repository("src/project").expect("git is needed for this");
    sandbox.bind("src/project", "work");
    let top = sandbox.worktree(&repository, "src/two");
    let text = sandbox.read("src/two/.git");
    rewrite(&top.join(".git"), &text, SystemTime::now() + Duration::from_secs(60));
    let common = repository.join(".git").display().to_string();
    (evaluate(sandbox, "src/two"), Mistake::WorktreeUnsure { directory: top.display().to_string(), repository: common })
}

#[test]
fn a_worktree_has_the_account_of_its_main_checkout() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("src/project", "work");
    sandbox.bind("src/project/part", "other");
    for relative in ["src/two", "src/project/.claude/worktrees/three", "elsewhere/deep/four"] {
        let top = sandbox.worktree(&repository, relative);
        assert_eq!(sandbox.applies(&top), "work", "{relative}");
        assert_eq!(sandbox.applies(sandbox.mkdir(top.join("a/b"))), "work", "{relative}");
        assert_eq!(sandbox.applies(sandbox.mkdir(top.join("part/of"))), "other", "each directory has that of its counterpart: {relative}");
        assert_eq!(sandbox.status(&top)["decided_by"], repository.join(".clauth.toml").to_str().unwrap());
    }
}

#[test]
fn a_worktrees_own_file_and_rule_win_over_the_main_checkout() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("src/project", "work");
    let (bound, ruled) = (sandbox.worktree(&repository, "src/two"), sandbox.worktree(&repository, "src/three"));
    sandbox.clauth_in(&bound, &["use", "other"]).success();
    sandbox.write("home/.clauth/config.toml", format!("[[rule]]\ndir = \"{}\"\nprofile = \"other\"\n", ruled.display()));
    assert_eq!((sandbox.applies(&bound), sandbox.applies(&ruled), sandbox.applies(&repository)), ("other".into(), "other".into(), "work".into()));
}

#[test]
fn the_main_checkout_wins_over_what_stands_above_a_worktree() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("trees", "other");
    let top = sandbox.worktree(&repository, "trees/two");
    assert_eq!(sandbox.applies(&top), "other", "the main checkout asks for nothing");
    sandbox.write("home/.clauth/config.toml", format!("[[rule]]\ndir = \"{}\"\nprofile = \"work\"\n", repository.display()));
    assert_eq!(sandbox.applies(&top), "work", "a rule for it counts");
    fs::remove_file(sandbox.path("home/.clauth/config.toml")).unwrap();
    sandbox.bind("src", "work");
    assert_eq!(sandbox.applies(&top), "work", "so does a file above it");
}

#[test]
fn a_text_that_was_allowed_in_one_checkout_may_choose_in_every_other() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.commit(&repository, ".clauth.toml", WORK);
    let one = sandbox.worktree(&repository, "src/one");
    assert_eq!(sandbox.applies(&one), "refused", "nobody has allowed it");
    sandbox.clauth_in(&one, &["allow"]).success();
    let two = sandbox.worktree(&repository, "src/project/.claude/worktrees/two");
    assert_eq!((sandbox.applies(&one), sandbox.applies(&two), sandbox.applies(&repository)), ("work".into(), "work".into(), "work".into()));
    // At the same place, and nowhere else.
    sandbox.write(two.join("below/.clauth.toml"), WORK);
    assert_eq!(sandbox.applies(two.join("below")), "refused");
    // In this repository, and in no other.
    sandbox.git(&sandbox.path("src"), &["clone", "--quiet", "project", "clone"]);
    assert_eq!(sandbox.applies(sandbox.path("src/clone")), "refused");
}

#[test]
fn what_may_choose_in_the_main_checkout_may_choose_in_its_worktrees() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.commit(&repository, ".clauth.toml", WORK);
    let two = sandbox.worktree(&repository, "trees/two");
    sandbox.write("home/.clauth/config.toml", format!("trusted = [\"{}\"]\n", sandbox.path("src").display()));
    assert_eq!((sandbox.applies(&repository), sandbox.applies(&two)), ("work".into(), "work".into()));
    fs::remove_file(sandbox.path("home/.clauth/config.toml")).unwrap();
    assert_eq!((sandbox.applies(&repository), sandbox.applies(&two)), ("refused".into(), "refused".into()));
}

#[test]
fn another_text_is_refused_and_status_shows_the_difference() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.commit(&repository, ".clauth.toml", "# ours\nprofile = \"work\"\n");
    sandbox.clauth_in(&repository, &["allow"]).success();
    let two = sandbox.worktree(&repository, "src/two");
    for (text, lines) in [
        ("# ours\nprofile = \"other\"\n", "allowed     profile = \"work\"\nhere        profile = \"other\"\n"),
        ("# theirs\nprofile = \"work\"\n", "allowed     # ours\nhere        # theirs\n"),
    ] {
        sandbox.write(two.join(".clauth.toml"), text);
        assert_eq!(sandbox.applies(&two), "refused");
        let told = sandbox.clauth_in(&two, &["status"]).success();
        assert!(told.stdout().contains(lines), "{told:?}");
        assert_eq!(sandbox.status(&two)["difference"]["here"], text);
    }
    // The text is remembered, whatever the main checkout has by now.
    fs::remove_file(repository.join(".clauth.toml")).unwrap();
    assert_eq!(sandbox.status(&two)["difference"]["allowed"], "# ours\nprofile = \"work\"\n");
    sandbox.clauth_in(&two, &["allow"]).success();
    assert_eq!(sandbox.applies(&two), "work");
}

#[test]
fn a_denial_in_the_main_checkout_counts_in_its_worktrees() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.commit(&repository, ".clauth.toml", WORK);
    sandbox.clauth_in(&repository, &["allow"]).success();
    let two = sandbox.worktree(&repository, "src/two");
    sandbox.clauth_in(&repository, &["deny"]).success();
    assert_eq!((sandbox.applies(&repository), sandbox.applies(&two)), ("none".into(), "none".into()));
    assert_eq!(sandbox.status(&two)["ignored"][0], two.join(".clauth.toml").to_str().unwrap());
    sandbox.clauth_in(&two, &["allow"]).success();
    assert_eq!((sandbox.applies(&repository), sandbox.applies(&two)), ("none".into(), "work".into()));
    // In the other direction it is for the worktree's own file, which counts as absent from then on, and what was allowed there is no longer known elsewhere.
    sandbox.clauth_in(&two, &["deny"]).success();
    let three = sandbox.worktree(&repository, "src/three");
    sandbox.git(&repository, &["rm", "--quiet", ".clauth.toml"]);
    assert_eq!((sandbox.applies(&two), sandbox.applies(&three)), ("none".into(), "none".into()));
    sandbox.git(&repository, &["reset", "--quiet", "--hard"]);
    sandbox.clauth_in(&repository, &["allow"]).success();
    assert_eq!((sandbox.applies(&two), sandbox.applies(&three)), ("work".into(), "work".into()));
}

#[test]
fn allow_and_deny_in_a_worktree_find_the_file_of_the_main_checkout() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.write(repository.join(".clauth.toml"), WORK);
    let two = sandbox.worktree(&repository, "src/two");
    assert_eq!(sandbox.applies(&two), "refused");
    sandbox.clauth_in(&two, &["allow"]).success();
    assert_eq!((sandbox.applies(&two), sandbox.applies(&repository)), ("work".into(), "work".into()));
    sandbox.clauth_in(&two, &["deny"]).success();
    assert_eq!((sandbox.applies(&two), sandbox.applies(&repository)), ("none".into(), "none".into()));
}

#[test]
fn an_archive_that_claims_to_be_a_worktree_gets_nothing() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("src/project", "work");
    sandbox.commit(&repository, "file", "text\n");
    sandbox.worktree(&repository, "src/two");
    let administration = repository.join(".git/worktrees/two");
    let claims = [
        ("absolute", format!("gitdir: {}\n", administration.display())),
        ("relative", "gitdir: ../project/.git/worktrees/two\n".into()),
        ("repository", format!("gitdir: {}\n", repository.join(".git").display())),
        ("roundabout", format!("gitdir: {}/../two/.\n", administration.display())),
        ("empty", "gitdir: \n".into()),
        ("binary", "\0\u{1}gitdir".into()),
        ("long", format!("gitdir: /{}", "a/".repeat(20_000))),
    ];
    for (name, claim) in claims {
        let evil = sandbox.mkdir(Path::new("src").join(name));
        sandbox.write(evil.join(".git"), claim);
        assert_eq!(sandbox.applies(&evil), "none", "{name}");
        sandbox.write(evil.join(".clauth.toml"), WORK);
        assert_eq!(sandbox.applies(&evil), "refused", "{name}");
    }
    // A link to the real file, and to the real directory: they lead to a worktree, and are none.
    for target in ["../two/.git", "../project/.git/worktrees/two", "../project/.git"] {
        let evil = sandbox.mkdir("src/linked");
        symlink(target, evil.join(".git")).unwrap();
        assert_eq!(sandbox.applies(&evil), "none", "{target}");
        fs::remove_file(evil.join(".git")).unwrap();
    }
    let evil = sandbox.mkdir("src/hard");
    fs::hard_link(sandbox.path("src/two/.git"), evil.join(".git")).unwrap();
    assert_eq!(sandbox.applies(&evil), "none");
}

#[test]
fn a_repository_in_an_archive_does_not_take_in_a_directory_of_the_users() {
    let Some((sandbox, _)) = with_repository() else { return };
    sandbox.bind("mine", "work");
    let evil = sandbox.repository("evil").unwrap();
    // It says that its main checkout, and a worktree of it, are the user's directory.
    sandbox.git(&evil, &["config", "core.worktree", sandbox.path("mine").to_str().unwrap()]);
    let administration = evil.join(".git/worktrees/x");
    sandbox.write(administration.join("gitdir"), format!("{}\n", sandbox.path("mine/.git").display()));
    sandbox.write(administration.join("commondir"), "../..\n");
    assert_eq!((sandbox.applies(&evil), sandbox.applies(sandbox.path("mine"))), ("none".into(), "work".into()));
    // A bare one with a worktree, both from the archive, says that too.
    let bare = sandbox.path("bare");
    sandbox.git(&sandbox.path(""), &["clone", "--quiet", "--bare", "src/project", "bare"]);
    sandbox.git(&bare, &["config", "core.worktree", sandbox.path("mine").to_str().unwrap()]);
    sandbox.git(&bare, &["config", "core.bare", "false"]);
    sandbox.git(&bare, &["config", "extensions.worktreeConfig", "true"]);
    let tree = sandbox.mkdir("tree");
    let administration = bare.join("worktrees/tree");
    sandbox.write(administration.join("gitdir"), format!("{}\n", tree.join(".git").display()));
    sandbox.write(administration.join("commondir"), "../..\n");
    sandbox.write(administration.join("config.worktree"), format!("[core]\nworktree = {}\n", sandbox.path("mine").display()));
    sandbox.write(tree.join(".git"), format!("gitdir: {}\n", administration.display()));
    assert_eq!(sandbox.applies(&tree), "none");
    sandbox.write(tree.join(".clauth.toml"), WORK);
    assert_eq!(sandbox.applies(&tree), "refused");
}

#[test]
fn a_claim_that_git_itself_was_made_to_record_is_refused() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("src/project", "work");
    let two = sandbox.worktree(&repository, "src/two");
    let evil = sandbox.mkdir("src/evil");
    rewrite(&evil.join(".git"), "gitdir: ../project/.git/worktrees/two\n", SystemTime::now() - Duration::from_secs(3600));
    // As an older git does by itself once the record is a day old, and `git worktree repair` in any.
    sandbox.git(&repository, &["worktree", "repair", evil.to_str().unwrap()]);
    let refused = sandbox.status(&evil)["refused"].as_str().unwrap_or_default().to_owned();
    assert!(refused.contains("evil says that it is a worktree of") && refused.contains("clauth use PROFILE"), "{refused}");
    assert_eq!(sandbox.applies(&two), "none", "git knows it no longer");
    sandbox.write(evil.join(".clauth.toml"), WORK);
    assert_eq!(sandbox.applies(&evil), "refused", "no text is trusted there");
    sandbox.clauth_in(&evil, &["use", "other"]).success();
    assert_eq!(sandbox.applies(&evil), "other");
    // A link has the time of what it leads to.
    let linked = sandbox.mkdir("src/linked");
    symlink("../two/.git", linked.join(".git")).unwrap();
    fs::write(repository.join(".git/worktrees/two/gitdir"), format!("{}/.git\n", linked.display())).unwrap();
    assert_eq!(sandbox.applies(&linked), "none");
}

#[test]
fn a_worktree_that_was_moved_counts_once_git_knows() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("src/project", "work");
    let two = sandbox.worktree(&repository, "src/two");
    let moved = sandbox.path("src/moved");
    fs::rename(&two, &moved).unwrap();
    assert_eq!(sandbox.applies(&moved), "none");
    sandbox.git(&moved, &["worktree", "repair"]);
    assert_eq!(sandbox.applies(&moved), "work");
    sandbox.git(&repository, &["worktree", "move", "../moved", "../again"]);
    assert_eq!(sandbox.applies(sandbox.path("src/again")), "work");
    // Its record goes, and with it all that made it a worktree.
    fs::rename(sandbox.path("src/again"), &moved).unwrap();
    sandbox.git(&repository, &["worktree", "prune"]);
    assert_eq!(sandbox.applies(&moved), "none");
}

#[test]
fn bare_repositories_submodules_and_repositories_kept_elsewhere() {
    let Some((sandbox, repository)) = with_repository() else { return };
    // A bare one is the place that counts, with what stands above it.
    sandbox.git(&sandbox.path("src"), &["clone", "--quiet", "--bare", "project", "vault/bare.git"]);
    let tree = sandbox.worktree(&sandbox.path("src/vault/bare.git"), "trees/of-bare");
    assert_eq!(sandbox.applies(&tree), "none");
    sandbox.bind("src/vault", "work");
    assert_eq!(sandbox.applies(sandbox.mkdir(tree.join("hooks"))), "work");
    // A submodule lies in its checkout; a worktree of the submodule counts as the submodule.
    let part = sandbox.repository("src/part").unwrap();
    sandbox.git(&repository, &["submodule", "--quiet", "add", part.to_str().unwrap(), "part"]);
    sandbox.git(&repository, &["commit", "--quiet", "--message=part"]);
    sandbox.bind("src/project", "other");
    let of_part = sandbox.worktree(&repository.join("part"), "trees/of-part");
    assert_eq!((sandbox.applies(repository.join("part")), sandbox.applies(&of_part)), ("other".into(), "other".into()));
    // A submodule in a worktree lies in that.
    let two = sandbox.worktree(&repository, "trees/two");
    sandbox.git(&two, &["submodule", "--quiet", "update", "--init"]);
    assert_eq!(sandbox.applies(two.join("part")), "other");
    // A repository in a worktree, too.
    sandbox.repository("trees/two/vendor/other");
    assert_eq!(sandbox.applies(two.join("vendor/other")), "other");
    // Of a repository that is kept elsewhere git does not say where its checkout is.
    sandbox.mkdir("src/kept");
    sandbox.git(&sandbox.path("src"), &["init", "--quiet", "--separate-git-dir=kept/store", "apart"]);
    sandbox.git(&sandbox.path("src/apart"), &["commit", "--quiet", "--allow-empty", "--message=first"]);
    sandbox.bind("src/apart", "work");
    let of_apart = sandbox.worktree(&sandbox.path("src/apart"), "trees/of-apart");
    assert_eq!(sandbox.applies(&of_apart), "none");
    sandbox.git(&sandbox.path("src/apart"), &["config", "core.worktree", sandbox.path("src/apart").to_str().unwrap()]);
    assert_eq!(sandbox.applies(&of_apart), "work");
    // So it is with a `.git` that is a link.
    let linked = sandbox.repository("src/linked").unwrap();
    fs::rename(linked.join(".git"), sandbox.path("src/kept/linked")).unwrap();
    symlink("../kept/linked", linked.join(".git")).unwrap();
    sandbox.bind("src/linked", "work");
    let of_linked = sandbox.worktree(&linked, "trees/of-linked");
    assert_eq!((sandbox.applies(&linked), sandbox.applies(&of_linked)), ("work".into(), "none".into()));
    sandbox.git(&linked, &["config", "core.worktree", linked.to_str().unwrap()]);
    assert_eq!(sandbox.applies(&of_linked), "work");
}

#[test]
fn links_may_be_relative_as_newer_versions_of_git_write_them() {
    let Some((sandbox, repository)) = with_repository() else { return };
    sandbox.bind("src/project", "work");
    let two = sandbox.worktree(&repository, "src/two");
    let back = repository.join(".git/worktrees/two/gitdir");
    let written = fs::metadata(two.join(".git")).unwrap().modified().unwrap();
    rewrite(&two.join(".git"), "gitdir: ../project/.git/worktrees/two\n", written);
    fs::write(&back, "../../../../two/.git\n").unwrap();
    assert_eq!(sandbox.applies(&two), "work");
    fs::write(&back, "../../../../other/.git\n").unwrap();
    assert_eq!(sandbox.applies(&two), "none");
}

#[test]
fn what_belongs_to_another_user_is_no_worktree() {
    let Some((sandbox, repository)) = with_repository() else { return };
    if !geteuid().is_root() {
        return skip("only root can give a file away", "CLAUTH_REQUIRE_ROOT");
    }
    sandbox.bind("src/project", "work");
    let two = sandbox.worktree(&repository, "src/two");
    for given in [two.clone(), two.join(".git"), repository.join(".git/worktrees/two"), repository.join(".git")] {
        assert_eq!(sandbox.applies(&two), "work");
        chown(&given, Some(65534), None).unwrap();
        assert_eq!(sandbox.applies(&two), "none", "{}", given.display());
        chown(&given, Some(geteuid().as_raw()), None).unwrap();
    }
}

#[test]
fn worktrees_that_lead_in_a_circle_end() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    // Each main checkout lies in a worktree of the other one.
    for (repository, top) in [("one/main", "other"), ("other/main", "one")] {
        let Some(repository) = sandbox.repository(repository) else { return };
        let made = sandbox.worktree(&repository, "made");
        fs::rename(made.join(".git"), sandbox.mkdir(top).join(".git")).unwrap();
        sandbox.git(&sandbox.path(top), &["worktree", "repair"]);
        fs::remove_dir_all(made).unwrap();
    }
    let (one, other) = (sandbox.path("one"), sandbox.path("other"));
    assert_eq!((sandbox.applies(&one), sandbox.applies(sandbox.mkdir("other/deep"))), ("none".into(), "none".into()));
    sandbox.bind("one", "work");
    assert_eq!((sandbox.applies(&one), sandbox.applies(&other)), ("work".into(), "work".into()));
}
