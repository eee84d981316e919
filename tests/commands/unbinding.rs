//! What a binding replaces, how it ends, and the places where it would reach too far.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::shell::shells_found;
use crate::support::{Sandbox, Startup, Terminal};

#[test]
fn use_says_what_the_directory_was_bound_to() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let directory = sandbox.bind("project", "work");
    let shown = directory.display();
    assert_eq!(sandbox.clauth_in(&directory, &["use", "other"]).success().complaint(), format!("{shown} is bound to other (was work)"));
    assert_eq!(sandbox.clauth_in(&directory, &["use", "other"]).success().complaint(), format!("{shown} is bound to other"));
}

#[test]
fn unuse_removes_the_file_and_says_what_applies_then() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let outer = sandbox.bind("outer", "other");
    let directory = sandbox.bind("outer/project", "work");
    let told = sandbox.clauth(&["unuse", "../outer/project"]).success();
    assert!(told.stderr().contains(&format!("{} is not bound any more (was work); {}", directory.display(), outer.display())), "{told:?}");
    assert!(!directory.join(".clauth.toml").exists());
    assert_eq!(sandbox.applies(&directory), "other");
    sandbox.clauth_in(&directory, &["unuse"]).complains(1, &format!("run `clauth unuse {}`", outer.display()));
    sandbox.clauth(&["unuse", outer.join(".clauth.toml").to_str().unwrap()]).success();
    sandbox.clauth_in(&directory, &["unuse"]).complains(1, "has no .clauth.toml of its own; run `clauth status`");
    assert_eq!(sandbox.applies(&directory), "none");
}

#[test]
fn unuse_loses_nothing_that_somebody_wrote() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let text = "# ours, see wiki\nprofile = \"work\"\n";
    let directory = sandbox.project("project", text);
    for kept in ["clauth.toml", "clauth.toml+"] {
        sandbox.project("project", text);
        let told = sandbox.clauth_in(&directory, &["unuse"]).success();
        assert!(told.stderr().contains("is kept as "), "{told:?}");
        assert_eq!(sandbox.read(format!("home/.clauth/rescued/{kept}")), text);
    }
    // A link is nothing of its own; what it leads to is.
    sandbox.write("dotfiles/work.toml", text);
    symlink("../dotfiles/work.toml", directory.join(".clauth.toml")).unwrap();
    sandbox.clauth_in(&directory, &["unuse"]).success();
    assert!(!directory.join(".clauth.toml").is_symlink());
    assert_eq!(sandbox.read("dotfiles/work.toml"), text);
}

#[test]
fn home_is_bound_only_on_consent() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let refused = sandbox.clauth(&["use", "work"]).failure();
    assert!(refused.stderr().contains("`clauth use --global work` needs no file") && refused.stderr().contains("pass `--yes`"), "{refused:?}");
    sandbox.clauth(&["use", "work", "/"]).complains(1, "bind / and every directory in it to work?");
    assert!(!sandbox.path("home/.clauth.toml").exists());
    sandbox.clauth(&["use", "work", "--yes"]).success();
    assert_eq!(sandbox.applies(sandbox.home()), "work");
}

#[test]
fn the_default_profile_is_set_and_ended_without_an_editor() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    sandbox.clauth(&["use", "--global", "work"]).success();
    assert_eq!(sandbox.read("home/.clauth/config.toml"), "default_profile = \"work\"\n");
    assert_eq!(sandbox.applies(sandbox.home()), "work");
    let settings = "# mine\nquiet = true\ndefault_profile = 'work' # for now\n[[rule]]\ndir = \"~/c\"\nprofile = \"work\"\n";
    let file = sandbox.write("home/.clauth/config.toml", settings);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let told = sandbox.clauth(&["use", "--global", "other"]).success();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640, "it is the user's, with the user's mode");
    assert!(told.stderr().contains("other is used wherever nothing else decides (was work)"), "{told:?}");
    assert_eq!(sandbox.read("home/.clauth/config.toml"), settings.replace("'work'", "\"other\""));
    let told = sandbox.clauth(&["use", "--global", "--unset"]).success();
    assert!(told.stderr().contains("~/.claude is used wherever nothing else decides (was other)"), "{told:?}");
    assert_eq!(sandbox.read("home/.clauth/config.toml"), settings.replace("default_profile = 'work' # for now\n", ""));
    assert_eq!(sandbox.applies(sandbox.home()), "none");
    // With a table in the file the line goes above it.
    sandbox.clauth(&["use", "--global", "work"]).success();
    assert_eq!(sandbox.applies(sandbox.home()), "work");
    sandbox.clauth(&["use", "--global", "wrok"]).complains(1, "did you mean `work`?");
    sandbox.write("home/.clauth/config.toml", "default_profile = ");
    sandbox.clauth(&["use", "--global", "--unset"]).complains(1, "correct the file");
    assert_eq!(sandbox.read("home/.clauth/config.toml"), "default_profile = ");
}

#[test]
fn settings_that_are_a_link_are_changed_where_they_lie() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let file = sandbox.write("dotfiles/clauth.toml", "quiet = true\n");
    symlink(&file, sandbox.path("home/.clauth/config.toml")).unwrap();
    sandbox.clauth(&["use", "--global", "work"]).success();
    assert!(sandbox.path("home/.clauth/config.toml").is_symlink());
    assert_eq!(sandbox.read("dotfiles/clauth.toml"), "default_profile = \"work\"\nquiet = true\n");
}

#[test]
fn a_tilde_in_quotes_is_home() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.mkdir("home/project");
    let elsewhere = sandbox.mkdir("elsewhere");
    for arguments in [&["use", "work", "~/project"][..], &["deny", "~/project"], &["allow", "~/project"], &["unuse", "--dir=~/project"]] {
        sandbox.clauth_in(&elsewhere, arguments).success();
    }
    // A directory that is really called `~` is meant where it is there.
    let odd = sandbox.mkdir("elsewhere/~/project");
    sandbox.clauth_in(&elsewhere, &["use", "work", "~/project"]).success();
    assert!(odd.join(".clauth.toml").exists());
}

#[test]
fn the_removal_of_a_profile_that_config_names_says_so_and_changes_no_account_by_itself() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let settings = "default_profile = \"work\"\n[[rule]]\ndir = \"~/c\"\nprofile = \"work\"\n";
    sandbox.write("home/.clauth/config.toml", settings);
    let told = sandbox.clauth(&["remove", "work", "--yes"]).success();
    assert!(told.stderr().contains("config.toml still names work as default_profile and in the rule for ~/c, so `claude` refuses there"), "{told:?}");
    assert!(told.stderr().contains("`clauth use --global --unset`"), "{told:?}");
    assert_eq!(sandbox.read("home/.clauth/config.toml"), settings);
    assert_eq!(sandbox.applies(sandbox.home()), "refused");
}

#[test]
fn the_removal_takes_a_profile_out_of_config_with_consent() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", "quiet = true\ndefault_profile = \"work\"\n[[rule]]\ndir = \"~/c\"\nprofile = \"work\" # theirs\n");
    let mut terminal = Terminal::start(&sandbox, &shells_found()[0], &Startup::bare());
    terminal.type_line("clauth remove work");
    terminal.wait_for("remove the profile work? [y/N]");
    terminal.send("y\n");
    terminal.wait_for("use the account of ~/.claude there from now on? [y/N]");
    terminal.send("y\n");
    terminal.wait_for("the profile work is removed");
    terminal.wait_for_prompt();
    assert_eq!(sandbox.read("home/.clauth/config.toml"), "quiet = true\n[[rule]]\ndir = \"~/c\"\nprofile = \"default\" # theirs\n");
    assert_eq!(sandbox.applies(sandbox.home()), "none");
}
