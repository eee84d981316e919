//! Rules by remote: the user's own, for every clone of a repository.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::mistakes::error::Mistake;
use super::mistakes::{evaluate, text};
use crate::support::Sandbox;
use crate::support::files::make_fifo;
use crate::support::finished::Finished;

/// What the user's settings hold in most of these tests.
const RULES: &str = "[[rule]]\nremote = \"github.com/acme/*\"\nprofile = \"work\"\n\n[[rule]]\nremote = \"github.com/me/*\"\nprofile = \"other\"\n";

/// Makes the profiles `work` and `other` and these settings, and a repository at `clone`.
fn with_rules(rules: &str) -> Option<(Sandbox, PathBuf)> {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    sandbox.write("home/.clauth/config.toml", rules);
    let repository = sandbox.repository("clone")?;
    Some((sandbox, repository))
}

fn set_url(sandbox: &Sandbox, repository: &Path, name: &str, url: &str) {
    sandbox.git(repository, &["config", &format!("remote.{name}.url"), url]);
}

/// A repository by hand, for scenarios that need no git.
fn planted(sandbox: &Sandbox, settings: &str) {
    sandbox.write("home/.clauth/config.toml", RULES);
    sandbox.write("project/.git/HEAD", "ref: refs/heads/main\n");
    sandbox.write("project/.git/config", settings);
}

pub(super) fn remotes_disagree(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    planted(sandbox, "[remote \"origin\"]\nurl = git@github.com:me/api\n[remote \"upstream\"]\nurl = https://github.com/acme/api\n");
    let mistake = Mistake::RemotesDisagree {
        directory: text(sandbox.path("project")),
        one: "github.com/me/api".into(),
        wants: "other".into(),
        other: "github.com/acme/api".into(),
        asks: "work".into(),
    };
    (evaluate(sandbox, "project"), mistake)
}

pub(super) fn git_settings_invalid(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    planted(sandbox, "[remote \"origin\"]\nurl \"x\"\n");
    let file = text(sandbox.path("project/.git/config"));
    (evaluate(sandbox, "project"), Mistake::GitSettingsInvalid { file, reason: "line 2 is not a line of git's settings".into() })
}

pub(super) fn no_remote(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    planted(sandbox, "[remote \"origin\"]\nurl = /srv/api.git\n[remote \"all\"]\nurl = https://github.com/*\n");
    let refused = sandbox.clauth_in(sandbox.path("project"), &["use", "work", "--remote"]);
    (refused, Mistake::NoRemote { directory: text(sandbox.path("project")) })
}

pub(super) fn many_remotes(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    planted(sandbox, "[remote \"a\"]\nurl = https://github.com/a/x\n[remote \"b\"]\nurl = https://github.com/b/x\n");
    let refused = sandbox.clauth_in(sandbox.path("project"), &["use", "work", "--remote"]);
    (refused, Mistake::ManyRemotes { directory: text(sandbox.path("project")), known: "github.com/a/x, github.com/b/x".into() })
}

pub(super) fn bad_remote(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let reason = "not HOST/PATH, such as github.com/acme/*, in which `*` and `**` are the only wildcards".into();
    (sandbox.clauth(&["use", "work", "--remote=github.com"]), Mistake::BadRemote { remote: "github.com".into(), reason })
}

pub(super) fn rule_unwritten(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let settings = "rule = [{ dir = \"~/x\", profile = \"work\" }]\n";
    let file = text(sandbox.write("home/.clauth/config.toml", settings));
    let refused = sandbox.clauth(&["use", "work", "--remote=github.com/acme/api"]);
    assert_eq!(sandbox.read("home/.clauth/config.toml"), settings);
    (refused, Mistake::RuleUnwritten { file, remote: "github.com/acme/api".into(), profile: "work".into() })
}

#[test]
fn a_rule_by_remote_counts_in_any_clone_in_any_spelling() {
    let Some((sandbox, repository)) = with_rules(RULES) else { return };
    let below = sandbox.mkdir("clone/a/b");
    assert_eq!(sandbox.applies(&below), "none");
    for url in ["git@github.com:acme/api.git", "ssh://git@github.com:22/Acme/api", "https://me:key@github.com/acme/api.git/"] {
        set_url(&sandbox, &repository, "origin", url);
        assert_eq!((sandbox.applies(&repository), sandbox.applies(&below)), ("work".into(), "work".into()), "{url}");
    }
    assert_eq!(sandbox.status(&below)["decided_by"], "rule for remote github.com/acme/*");
    for url in [
        "https://github.com.evil.example/acme/api",
        "https://evil.example/github.com/acme/api",
        "https://github.com/acme/a/b",
        "/srv/github.com/acme/api",
    ] {
        set_url(&sandbox, &repository, "origin", url);
        assert_eq!(sandbox.applies(&below), "none", "{url}");
    }
}

#[test]
fn a_rule_by_remote_ranks_below_files_and_directories_and_above_the_default() {
    let Some((sandbox, repository)) = with_rules(&format!("default_profile = \"other\"\n{RULES}")) else { return };
    set_url(&sandbox, &repository, "origin", "git@github.com:acme/api");
    assert_eq!((sandbox.applies(&repository), sandbox.applies(sandbox.home())), ("work".into(), "other".into()));
    let rule = format!("[[rule]]\ndir = \"{}\"\nprofile = \"other\"\n", repository.display());
    sandbox.write("home/.clauth/config.toml", format!("{RULES}{rule}"));
    assert_eq!(sandbox.applies(&repository), "other");
    sandbox.write("home/.clauth/config.toml", RULES);
    sandbox.bind("clone", "other");
    assert_eq!(sandbox.applies(&repository), "other");
}

#[test]
fn the_narrowest_rule_decides_and_two_remotes_must_agree() {
    let narrow = format!("{RULES}[[rule]]\nremote = \"github.com/acme/open\"\nprofile = \"default\"\n");
    let Some((sandbox, repository)) = with_rules(&narrow) else { return };
    set_url(&sandbox, &repository, "origin", "git@github.com:acme/open");
    assert_eq!(sandbox.applies(&repository), "none");
    set_url(&sandbox, &repository, "elsewhere", "https://gitlab.example/x/y");
    assert_eq!(sandbox.applies(&repository), "none", "a remote without a rule has no say");
    set_url(&sandbox, &repository, "fork", "git@github.com:me/open");
    assert_eq!(sandbox.applies(&repository), "refused");
    let refused = sandbox.status(&repository)["refused"].as_str().unwrap().to_owned();
    assert!(refused.contains("github.com/me/open for `other`") && refused.contains("github.com/acme/open"), "{refused}");
    sandbox.clauth_in(&repository, &["use", "work"]).success();
    assert_eq!(sandbox.applies(&repository), "work");
}

#[test]
fn the_innermost_repository_counts_and_a_worktree_or_submodule_is_one() {
    let Some((sandbox, repository)) = with_rules(RULES) else { return };
    set_url(&sandbox, &repository, "origin", "git@github.com:acme/api");
    let part = sandbox.repository("part").unwrap();
    sandbox.git(&repository, &["submodule", "--quiet", "add", part.to_str().unwrap(), "part"]);
    let tree = sandbox.worktree(&repository, "tree");
    assert_eq!((sandbox.applies(&tree), sandbox.applies(repository.join("part"))), ("work".into(), "none".into()));
    set_url(&sandbox, &repository.join("part"), "origin", "git@github.com:me/part");
    assert_eq!(sandbox.applies(repository.join("part")), "other");
    // Settings of one worktree alone.
    sandbox.git(&repository, &["config", "extensions.worktreeConfig", "true"]);
    sandbox.git(&tree, &["config", "--worktree", "remote.own.url", "git@github.com:me/api"]);
    assert_eq!((sandbox.applies(&tree), sandbox.applies(&repository)), ("refused".into(), "work".into()));
    // What only looks like a repository is passed by, as git does.
    sandbox.mkdir("clone/below/.git");
    assert_eq!(sandbox.applies(repository.join("below")), "work");
    // A link to a repository is one.
    fs::rename(repository.join(".git"), sandbox.path("kept")).unwrap();
    symlink("../kept", repository.join(".git")).unwrap();
    assert_eq!(sandbox.applies(&repository), "work");
}

#[test]
fn the_users_settings_of_git_spell_urls_anew() {
    let Some((sandbox, repository)) = with_rules(RULES) else { return };
    set_url(&sandbox, &repository, "origin", "gh:acme/api");
    assert_eq!(sandbox.applies(&repository), "none");
    let rewrite = "[url \"https://github.com/\"]\n\tinsteadOf = gh:\n";
    for file in ["home/.gitconfig", "home/.config/git/config"] {
        let written = sandbox.write(file, rewrite);
        assert_eq!(sandbox.applies(&repository), "work", "{file}");
        fs::remove_file(written).unwrap();
    }
    sandbox.write("home/dotfiles/urls", rewrite);
    for path in ["dotfiles/urls", "~/dotfiles/urls"] {
        sandbox.write("home/.gitconfig", format!("[include]\npath = {path}\n[include]\npath = gone\n[include]\npath = .gitconfig\n"));
        assert_eq!(sandbox.applies(&repository), "work", "{path}");
    }
    // A rule may also say it as the repository does.
    sandbox.write("home/.gitconfig", "[url \"git@github-work:\"]\ninsteadOf = git@github.com:\n");
    set_url(&sandbox, &repository, "origin", "git@github.com:acme/api");
    assert_eq!(sandbox.applies(&repository), "work");
}

#[test]
fn a_hostile_repository_only_chooses_among_the_users_rules() {
    let Some((sandbox, repository)) = with_rules(RULES) else { return };
    let config = repository.join(".git/config");
    let secret = sandbox.write("home/secret", "[remote \"x\"]\nurl = git@github.com:acme/api\n");
    for (settings, applies) in [
        // What it includes is not read: a path could lead anywhere.
        (format!("[include]\npath = {}\n", secret.display()), "none"),
        (format!("[core]\nworktree = {}\n", sandbox.home().display()), "none"),
        ("[remote \"*\"]\nurl = https://*/**\n".into(), "none"),
        ("[remote \"origin\"]\nurl = https://github.com/acme/x\\n\\u001b[31m\n".into(), "refused"),
        ("[remote \"origin\"]\nurl = \"https://github.com/acme/$(touch hit)\"\n".into(), "work"),
        ("\0\u{1}".into(), "refused"),
        (format!("[a]\nb = {}\n", "x".repeat(2 << 20)), "refused"),
    ] {
        fs::write(&config, &settings).unwrap();
        assert_eq!(sandbox.applies(&repository), applies, "{settings:.60}");
    }
    fs::remove_file(&config).unwrap();
    make_fifo(&config);
    assert_eq!(sandbox.applies(&repository), "refused");
    fs::remove_file(&config).unwrap();
    assert_eq!(sandbox.applies(&repository), "none");
    // Without a rule about remotes none of this is looked at.
    make_fifo(&config);
    sandbox.write("home/.clauth/config.toml", "");
    assert_eq!(sandbox.applies(&repository), "none");
}

#[test]
fn use_writes_a_rule_for_every_clone() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let Some(repository) = sandbox.repository("clone") else { return };
    set_url(&sandbox, &repository, "upstream", "https://github.com/them/api");
    set_url(&sandbox, &repository, "origin", "git@github.com:Acme/api.git");
    let told = sandbox.clauth_in(&repository, &["use", "work", "--remote"]).success();
    assert_eq!(told.stderr(), "clauth: any repository with the remote github.com/acme/api is bound to work\n");
    let file = sandbox.path("home/.clauth/config.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), "[[rule]]\nremote = \"github.com/acme/api\"\nprofile = \"work\"\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!repository.join(".clauth.toml").exists());
    assert_eq!(sandbox.applies(&repository), "work");
    // Another word for the same remote changes that rule, and nothing that the user wrote around it.
    let own = "# mine\nquiet = true\n\n[[rule]]\nremote = 'git@github.com:acme/api.git' # team\nprofile = 'work' # theirs";
    fs::write(&file, own).unwrap();
    sandbox.clauth(&["use", "other", "../clone", "--remote"]).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), own.replace("'work'", "\"other\""));
    sandbox.clauth(&["use", "default", "--remote=github.com/acme/**"]).success();
    let added = "\n\n[[rule]]\nremote = \"github.com/acme/**\"\nprofile = \"default\"\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), own.replace("'work'", "\"other\"") + added);
    assert_eq!(sandbox.applies(&repository), "other");
}

#[test]
fn use_says_what_decides_instead_and_writes_through_a_link() {
    let Some((sandbox, repository)) = with_rules("") else { return };
    let (file, kept) = (sandbox.path("home/.clauth/config.toml"), sandbox.path("home/dotfiles.toml"));
    fs::rename(&file, &kept).unwrap();
    symlink("../dotfiles.toml", &file).unwrap();
    set_url(&sandbox, &repository, "origin", "git@github.com:acme/api");
    sandbox.bind("clone", "other");
    let told = sandbox.clauth_in(&repository, &["use", "work", "--remote"]).success();
    assert!(told.stderr().ends_with(&format!("\nclauth: here {}/.clauth.toml decides\n", repository.display())), "{told:?}");
    assert!(file.is_symlink() && fs::read_to_string(kept).unwrap().contains("github.com/acme/api"));
}

#[test]
fn a_rule_is_about_a_directory_or_a_remote() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for (rule, words) in [
        ("profile = \"work\"", "either `dir` or `remote`"),
        ("profile = \"work\"\ndir = \"~/x\"\nremote = \"github.com/acme/*\"", "either `dir` or `remote`"),
        ("profile = \"work\"\nremote = \"github.com\"", "not HOST/PATH"),
        ("profile = \"work\"\nremote = \"github.com/[ab]\"", "not HOST/PATH"),
        ("profile = \"work\"\nremotes = \"github.com/x\"", "unknown field `remotes`"),
    ] {
        sandbox.write("home/.clauth/config.toml", format!("[[rule]]\n{rule}\n"));
        sandbox.clauth(&["status"]).complains(1, words);
    }
}
