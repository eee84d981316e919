//! Links, other users and permissions in `~/.clauth`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use crate::support::Sandbox;
use crate::support::files::files_below;

/// Every place where clauth writes a file of its own, given a link to something precious in its stead, is left or replaced, and never written through.
#[test]
fn a_link_in_the_place_of_a_file_is_not_written_through() {
    let names = ["refused", "epoch/0", "profiles/work/profile.toml", "accepted-deletions.json", "bin/claude"];
    for name in names {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let precious = sandbox.write("precious", "precious");
        let place = sandbox.path("home/.clauth").join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&place);
        symlink(&precious, &place).unwrap();
        let project = sandbox.mkdir("project");
        let commands: [&[&str]; 8] = [
            &["add", "other"],
            &["use", "work"],
            &["deny"],
            &["allow"],
            &["doctor", "--fix"],
            &["shim", "install"],
            &["exec", "work", "--", "true"],
            &["remove", "work", "--yes"],
        ];
        for words in commands {
            let said = sandbox.clauth_in(&project, words);
            assert!(matches!(said.code(), Some(0 | 1 | 125)), "{name}: {said:?}");
            assert_eq!(fs::read_to_string(&precious).unwrap(), "precious", "{name}: {words:?}");
        }
        sandbox.assert_no_helpers_left();
    }
}

#[test]
fn whatever_the_umask_what_a_login_lies_in_is_private_from_the_moment_it_exists() {
    let Some(strace) = crate::support::trace::strace() else { return };
    let sandbox = Sandbox::new();
    for (number, words) in
        ["add work", "capture me --yes", "use work", "deny", "exec work -- true", "doctor --fix", "remove work --yes"].iter().enumerate()
    {
        let log = sandbox.path(format!("strace-{number}"));
        let script = format!(
            "umask 000; mkdir -p project; cd project; exec '{}' -qq -o '{}' -e trace=?open,openat,?mkdir,mkdirat,?chmod,fchmod,?fchmodat clauth {words}",
            strace.display(),
            log.display()
        );
        assert!(matches!(sandbox.script("/bin/sh", &script).code(), Some(0 | 1)), "{words}"); // doctor finds that there is no hook
        let text = fs::read_to_string(&log).unwrap();
        let created = text.lines().filter(|line| line.contains("/.clauth/") && !line.contains(" = -1 "));
        for line in created.filter(|line| line.contains("O_CREAT") || line.starts_with("mkdir")) {
            assert!(line.contains(", 0600)") || line.contains(", 0700)"), "{words}: {line}");
        }
    }
    let open =
        |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.nlink() == 1 && meta.permissions().mode() & 0o077 != 0);
    let found: Vec<_> = files_below(&sandbox.path("home/.clauth")).into_iter().filter(|path| open(path)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn names_that_differ_in_case_are_one_profile_and_one_trust_each() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    assert!(sandbox.clauth(&["add", "WORK"]).failure().stderr().contains("work"));
    // A file that asks in another case asks for another name, which is allowed by itself and is no profile here.
    let project = sandbox.project("project", "profile = \"WORK\"\n");
    sandbox.clauth_in(&project, &["allow"]).failure();
    assert_eq!(sandbox.applies(&project), "refused");
    sandbox.bind("other", "work");
    fs::write(sandbox.path("other/.clauth.toml"), "profile = \"Work\"\n").unwrap();
    assert_eq!(sandbox.applies(sandbox.path("other")), "refused");
}
