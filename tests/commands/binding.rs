//! `.clauth.toml` and the user's own settings: which profile a directory means, and how `use` writes it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use crate::support::Sandbox;

#[test]
fn the_nearest_file_wins() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let outer = sandbox.bind("a", "work");
    let inner = sandbox.bind("a/b/c", "other");
    let between = sandbox.mkdir("a/b");
    let deepest = sandbox.mkdir("a/b/c/d/e");
    let beside = sandbox.mkdir("beside");
    let found = [&outer, &between, &inner, &deepest, &beside].map(|directory| sandbox.applies(directory));
    assert_eq!(found, ["work", "work", "other", "other", "none"]);
    assert_eq!(sandbox.status(&between)["decided_by"], outer.join(".clauth.toml").to_str().unwrap());
    fs::remove_file(inner.join(".clauth.toml")).unwrap();
    assert_eq!(sandbox.applies(&deepest), "work");
}

#[test]
fn a_nearer_file_that_is_wrong_does_not_fall_back_to_the_parents() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.bind("a", "work");
    for text in ["", "profile = \"nobody\"", "profile = \"work\""] {
        assert_eq!(sandbox.applies(sandbox.project("a/b", text)), "refused", "{text:?}");
    }
}

#[test]
fn default_opts_a_subtree_out() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    sandbox.write("home/.clauth/config.toml", "default_profile = \"other\"\n");
    sandbox.bind("a", "work");
    let out = sandbox.bind("a/out", "default");
    let below = sandbox.bind("a/out/in", "work");
    let found = [sandbox.path("a"), out.clone(), below, sandbox.home()].map(|directory| sandbox.applies(directory));
    assert_eq!(found, ["work", "none", "work", "other"]);
    let status = sandbox.status(&out);
    assert_eq!(status["decided_by"], out.join(".clauth.toml").to_str().unwrap());
    assert_eq!(sandbox.status(sandbox.home())["decided_by"], "default_profile");
}

#[test]
fn a_default_profile_that_is_gone_refuses_rather_than_use_another_account() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", "default_profile = \"wrok\"\n");
    let status = sandbox.status(sandbox.home());
    assert!(status["refused"].as_str().unwrap().contains("(did you mean `work`?)"), "{status}");
    assert_eq!(sandbox.applies(sandbox.bind("project", "work")), "work");
}

#[test]
fn rules_stand_between_files_and_the_default() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let rules = "default_profile = \"other\"\n[[rule]]\ndir = \"~/c\"\nprofile = \"team\"\n[[rule]]\ndir = \"~/c/own\"\nprofile = \"default\"\n\
         [[rule]]\ndir = \"~/gone\"\nprofile = \"other\"\n[aliases]\nteam = \"work\"\n";
    sandbox.write("home/.clauth/config.toml", rules);
    let directories = ["home/c/below", "home/c/own/below", "home/elsewhere"].map(|name| sandbox.mkdir(name));
    assert_eq!(directories.each_ref().map(|directory| sandbox.applies(directory)), ["work", "none", "other"]);
    assert_eq!(sandbox.status(&directories[0])["decided_by"], format!("rule for {}", sandbox.path("home/c").display()));
    let told = sandbox.clauth_in(&directories[0], &["status"]).success();
    assert!(told.stdout().contains(&format!("the rule for {} in config.toml", sandbox.path("home/c").display())), "{}", told.stdout());
    let filed = sandbox.bind("home/c/filed", "default");
    assert_eq!(sandbox.applies(filed), "none");
    sandbox.write("home/.clauth/config.toml", "[[rule]]\ndir = \"~/c\"\nprofile = \"nobody\"\n");
    assert_eq!(sandbox.applies(&directories[0]), "refused");
}

#[test]
fn use_writes_one_line_allows_it_and_says_so() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.mkdir("project");
    let told = sandbox.clauth_in(&directory, &["use", "work"]).success();
    assert_eq!(told.stdout(), "");
    assert_eq!(told.complaint(), format!("{} is bound to work", directory.display()));
    assert_eq!(sandbox.read("project/.clauth.toml"), "profile = \"work\"\n");
    assert_eq!(sandbox.applies(&directory), "work");
}

#[test]
fn use_keeps_what_people_wrote_around_the_name() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let directory = sandbox.project("project", "# ours, see wiki\n\nprofile   =  'work'  # the team's\n\n");
    sandbox.clauth_in(&directory, &["use", "other"]).success();
    assert_eq!(sandbox.read("project/.clauth.toml"), "# ours, see wiki\n\nprofile   =  \"other\"  # the team's\n\n");
    sandbox.clauth_in(&directory, &["use", "default"]).success();
    assert!(sandbox.read("project/.clauth.toml").contains("\"default\"  # the team's"));
    assert_eq!(sandbox.applies(&directory), "none");
}

#[test]
fn use_leaves_a_wrong_file_to_its_author() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.project("project", "profile = \"work\"\n[env]\n");
    sandbox.clauth_in(&directory, &["use", "work"]).complains(1, "unknown field `env`");
    assert_eq!(sandbox.read("project/.clauth.toml"), "profile = \"work\"\n[env]\n");
}

#[test]
fn use_binds_another_directory_and_no_other_place() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.mkdir("project");
    symlink(&directory, sandbox.path("link")).unwrap();
    sandbox.clauth(&["use", "work", "--dir", "../link"]).success();
    assert_eq!(sandbox.applies(&directory), "work");
    assert_eq!(sandbox.applies(sandbox.home()), "none");
    let file = sandbox.write("file", "");
    for wrong in ["../nowhere", file.to_str().unwrap()] {
        sandbox.clauth(&["use", "work", "--dir", wrong]).complains(1, &format!("there is no directory or .clauth.toml at {wrong}"));
    }
}

#[test]
fn use_of_a_profile_that_is_not_there_writes_nothing() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.mkdir("project");
    sandbox.clauth_in(&directory, &["use", "wrok"]).complains(1, "did you mean `work`?");
    assert!(!directory.join(".clauth.toml").exists());
}

#[test]
fn the_file_is_the_projects_and_has_the_users_umask() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for (umask, mode) in [("022", 0o644), ("077", 0o600), ("002", 0o664), ("000", 0o666)] {
        let directory = sandbox.mkdir(umask);
        let script = format!("umask {umask}; cd '{}' && clauth use work", directory.display());
        sandbox.script("/bin/sh", &script).success();
        assert_eq!(fs::metadata(directory.join(".clauth.toml")).unwrap().mode() & 0o777, mode, "{umask}");
    }
    // One that is there keeps the mode that its author gave it.
    let file = sandbox.path("022/.clauth.toml");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    sandbox.clauth_in(sandbox.path("022"), &["use", "default"]).success();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn use_writes_where_a_link_leads_and_keeps_its_mode() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let (real, linked) = (sandbox.write("real/binding.toml", "profile = \"work\"\n"), sandbox.mkdir("linked").join(".clauth.toml"));
    fs::set_permissions(&real, Permissions::from_mode(0o664)).unwrap();
    symlink(&real, &linked).unwrap();
    sandbox.clauth_in(linked.parent().unwrap(), &["use", "other"]).success();
    assert_eq!(fs::read_link(&linked).unwrap(), real);
    assert_eq!(fs::read_to_string(&real).unwrap(), "profile = \"other\"\n");
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o664);
    fs::remove_file(&real).unwrap();
    sandbox.clauth_in(linked.parent().unwrap(), &["use", "work"]).success();
    assert!(fs::symlink_metadata(&linked).unwrap().is_file() && !real.exists(), "a link to nothing is replaced");
    assert_eq!(fs::read_dir(linked.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_committed_file_may_use_a_teams_name() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", "[aliases]\nacme = \"work\"\ngone = \"nobody\"\n");
    let directory = sandbox.project("project", "profile = \"acme\"\n");
    sandbox.clauth_in(&directory, &["allow"]).success();
    assert_eq!(sandbox.applies(&directory), "work");
    let loaded = sandbox.clauth(&["exec", "acme", "--", "sh", "-c", "echo $CLAUTH_PROFILE"]).success();
    assert_eq!(loaded.stdout(), "work\n");
    // The name is what was allowed: the alias may change its meaning, another name may not come in.
    sandbox.clauth_in(&directory, &["use", "acme"]).success();
    assert_eq!(sandbox.read("project/.clauth.toml"), "profile = \"acme\"\n");
    sandbox.project("project", "profile = \"work\"\n");
    assert_eq!(sandbox.applies(&directory), "refused");
    sandbox.clauth_in(&directory, &["use", "gone"]).complains(1, "there is no profile `nobody`");
}

#[test]
fn wrong_settings_are_told_with_their_place_by_whatever_needs_them() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    let cases = [
        ("quiet = true\nquite = true\n", "2:1: unknown field `quite`"),
        ("trusted = \"~/work\"\n", "1:11: "),
        ("[aliases]\nacme = \"../work\"\n", "2:8: "),
        ("default_profile = \"a/b\"\n", "1:19: "),
        ("default_profile = \"default\"\n", "1:19: "),
        ("[[rule]]\ndir = \"relative\"\nprofile = \"work\"\n", "2:7: "),
        ("[[rule]]\ndir = \"/x\"\nprofile = \"a/b\"\n", "3:11: "),
        ("[[rule]]\ndir = \"/x\"\n", "1:1: "),
        ("quiet = yes\n", "1:9: "),
        ("keep_env = [\n", "1:13: "),
        ("claude_home = \"hub\"\n", "1:15: "),
    ];
    for (text, place) in cases {
        let file = sandbox.write("home/.clauth/config.toml", text);
        for arguments in [&["use", "work"][..], &["exec", "work", "--", "true"], &["add", "new"], &["status"], &["allow"]] {
            let code = if arguments[0] == "exec" { 125 } else { 1 };
            sandbox.clauth_in(&directory, arguments).complains(code, &format!("{}:{place}", file.display()));
        }
        // What shows a way out works all the same.
        sandbox.clauth(&["list"]).success();
        sandbox.clauth_in(&directory, &["deny"]).success();
        fs::remove_file(file).unwrap();
        sandbox.clauth_in(&directory, &["allow"]).success();
    }
}

#[test]
fn settings_that_are_no_file_are_told_too() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.mkdir("home/.clauth/config.toml");
    sandbox.clauth(&["use", "work"]).complains(1, "config.toml:1:1: ");
}

#[test]
fn another_claude_home_is_the_hub() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/elsewhere/settings.json", "{\"model\": \"x\"}\n");
    sandbox.write("home/elsewhere/.claude.json", "{\"theme\": \"light\"}\n");
    sandbox.write("home/.clauth/config.toml", "claude_home = \"~/elsewhere\"\n");
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    assert_eq!(fs::read_to_string(sandbox.runtime("work").join("settings.json")).unwrap(), "{\"model\": \"x\"}\n");
    let seeded = fs::read_to_string(sandbox.runtime("work").join(".claude.json")).unwrap();
    assert!(seeded.contains("light"), "{seeded}");
}
