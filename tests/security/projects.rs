//! A directory that somebody else filled.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::finished::Finished;
use crate::support::meanwhile::meanwhile;
use crate::support::{Sandbox, Shell, Startup, Terminal, World};

/// `clauth use` writes there under a temporary name, which can be foreseen but for the process id.
#[test]
fn a_link_that_waits_under_a_temporary_name_leads_nowhere() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let precious = sandbox.write("precious", "precious");
    let project = sandbox.mkdir("project");
    // This process id and the next, as one who is about to be cloned can only guess; it becomes clauth itself, so that the first is certain to be met.
    let script = "cd \"$0\" && for ((n = 0; n < 400; n++)); do ln -s ../precious \"..clauth.toml.$(($$ + n)).tmp\"; done; exec clauth use work";
    let mut bash = sandbox.command("bash");
    bash.args(["-c", script]).arg(&project);
    Finished::run(bash).success();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    let binding = project.join(".clauth.toml");
    assert!(!binding.is_symlink() && fs::read_to_string(binding).unwrap() == "profile = \"work\"\n");
    assert_eq!(sandbox.applies(&project), "work");
}

#[test]
fn a_clauth_in_a_bound_directory_is_never_run_by_a_hook() {
    Shell::each(|shell| {
        let mut world = World::new();
        let work = world.bind("home/work", "work");
        for name in ["clauth", "claude", "export", "[", "printf", "test"] {
            let planted = world.write(work.join(name), format!("#!/bin/sh\ntouch '{}/hit'\n", world.home().display()));
            fs::set_permissions(planted, fs::Permissions::from_mode(0o755)).unwrap();
        }
        world.mkdir("home/work/below");
        // Found by the name when the shell starts, and by the same path from then on, whatever PATH says later.
        let path = format!("{}:/usr/bin:/bin:.", ["bin", "program"].map(|name| world.path(name).display().to_string()).join(":"));
        world.set_variable("PATH", &path);
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked());
        terminal.run(&shell.cd(&work));
        assert_eq!(terminal.run("claude"), world.claude("work"), "{shell}");
        terminal.run(&shell.export("PATH", &format!(".:{path}")));
        terminal.run(&shell.cd("below"));
        terminal.run(&shell.cd(".."));
        terminal.run("");
        assert!(!world.path("home/hit").exists(), "{shell}");
    });
}

#[test]
fn a_project_that_changes_between_two_looks_gets_no_more_than_was_allowed() {
    let sandbox = Sandbox::with_profiles(&["work", "secret"]);
    let project = sandbox.bind("project", "work");
    sandbox.write("evil/.clauth.toml", "profile = \"secret\"\n");
    let (file, spare) = (project.join(".clauth.toml"), project.join("spare"));
    let mut turn = 0;
    let change = || {
        turn += 1;
        let _ = fs::remove_file(&spare);
        match turn % 3 {
            0 => fs::write(&spare, "profile = \"work\"\n").unwrap(),
            1 => fs::write(&spare, "profile = \"secret\"\n").unwrap(),
            _ => symlink("../evil/.clauth.toml", &spare).unwrap(),
        }
        fs::rename(&spare, &file).unwrap();
    };
    meanwhile(change, || {
        for _ in 0..60 {
            let applies = sandbox.applies(&project);
            assert!(["work", "refused"].contains(&applies.as_str()), "{applies}");
        }
    });
}
