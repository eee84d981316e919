//! What commands say and start on every system: paths as their users spell them, programs under any of their names, and the codes they end with.

use std::fs;

use crate::support::finished::Finished;
use crate::support::{Holder, World, system};

/// A client of npm's on Windows is a batch file; elsewhere it is a script.
const ENDS_WITH_7: (&str, &str) = if cfg!(windows) { ("claude.cmd", "@exit /b 7\r\n") } else { ("claude", "#!/bin/sh\nexit 7\n") };

/// As a shell of Windows and Unix alike exports it.
fn exported(world: &World, profile: &str) -> String {
    world.config_dir(profile).replace('\\', "/")
}

#[test]
fn what_is_shown_and_exported_is_spelled_as_its_users_spell_it() {
    let world = World::new();
    let work = world.bind("home/my työ/work", "work");
    let holder = Holder::start(&world);
    let answer = holder.evaluate(&world, &work).success();
    assert!(answer.stdout().contains(&format!("export CLAUDE_CONFIG_DIR='{}'", exported(&world, "work"))), "{answer:?}");
    assert_eq!(world.status(&work)["profile"], "work");
    for arguments in [&["status"][..], &["list"], &["doctor"], &["env", "work", "--json"], &["hook", "bash"], &["status", "--json"]] {
        let told = world.clauth_in(&work, arguments);
        let all = format!("{}{}{}", told.stdout(), told.stderr(), answer.stdout());
        assert!(!all.contains(r"\\?\") && !all.contains("//?/") && !all.contains(r"\\\\?\\"), "{arguments:?}: {all}");
    }
}

#[test]
fn the_client_is_found_under_the_name_it_has_here_and_given_the_profile() {
    let world = World::new();
    let told = world.clauth(&["start", "work", "--version", "two words"]).success();
    let said = told.stdout().trim_end();
    assert!(said.contains(&format!("config_dir={} ", exported(&world, "work"))), "{said}");
    assert!(said.ends_with("args=--version two words") || said.ends_with("args=--version \"two words\""), "{said}");
}

#[test]
fn the_code_of_the_program_is_the_one_that_is_returned() {
    let world = World::new();
    world.put_client(ENDS_WITH_7);
    world.clauth(&["start", "work"]).exits_with(7);
    world.clauth(&["exec", "work", "--", "claude"]).exits_with(7);
    world.clauth(&["exec", "work", "--", "clauth", "start", "nobody"]).exits_with(125);
    assert!(world.clauth(&["exec", "work", "--", "no-such-program"]).exits_with(127).stderr().contains("no-such-program"));
}

#[test]
fn the_shim_decides_by_the_directory_and_starts_the_real_client() {
    let mut world = World::new();
    let work = world.bind("home/work", "work");
    world.clauth(&["shim", "install"]).success();
    world.set_path(&["home/.clauth/bin", "bin", "program"]);
    let mut shim = world.command("claude");
    shim.current_dir(&work).arg("hello");
    let told = Finished::run(shim).success();
    assert!(told.stdout().contains(&format!("config_dir={} ", exported(&world, "work"))), "{told:?}");
    let client = world.path("bin").join(system::CLAUDE);
    let mut wrapper = world.command(world.path("home/.clauth/bin").join(format!("claude-wrapper{}", std::env::consts::EXE_SUFFIX)));
    wrapper.current_dir(&work).arg(client).arg("hello");
    assert_eq!(Finished::run(wrapper).success().stdout(), told.stdout());
    world.clauth(&["shim", "remove"]).success();
    assert_eq!(fs::read_dir(world.path("home/.clauth/bin")).unwrap().count(), 0);
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `long` of tests/cross/README.md")]
fn a_path_longer_than_260_characters_is_bound_like_any_other() {
    let world = World::new();
    let deep: String = (0..12).map(|level| format!("a directory of a long name {level:04}/")).collect();
    let directory = world.mkdir(format!("home/{deep}"));
    assert!(directory.as_os_str().len() > 400);
    let spelled = directory.to_str().unwrap();
    world.clauth(&["use", "work", "--dir", spelled]).success();
    let status = world.clauth(&["status", "--json", "--dir", spelled]).success().json();
    assert_eq!(status["profile"], "work", "{status}");
}

#[test]
fn the_lines_of_setup_stand_where_powershell_looks() {
    let world = World::new();
    let profile = if cfg!(windows) { "home/Documents/PowerShell/profile.ps1" } else { "home/.config/powershell/profile.ps1" };
    // Its last step is a look at a real shell, which need not be here.
    world.clauth(&["setup", "--shell", "pwsh", "--yes"]);
    let lines = fs::read_to_string(world.path(profile)).unwrap();
    assert!(lines.contains("hook pwsh"), "{lines}");
    world.clauth(&["setup", "--uninstall", "--shell", "pwsh", "--yes"]).success();
    assert!(!fs::read_to_string(world.path(profile)).unwrap_or_default().contains("clauth"));
}

#[cfg(windows)]
#[test]
fn a_path_that_begins_where_a_drive_is_means_what_windows_means() {
    let world = World::new();
    let work = world.mkdir("home/a place");
    world.clauth(&["use", "work", "--dir", "C:a place"]).success();
    assert!(work.join(".clauth.toml").is_file());
    for spelled in ["C:a place", "c:A PLACE", "a place", &work.to_str().unwrap().replace('\\', "/")] {
        let status = world.clauth(&["status", "--json", "--dir", spelled]).success().json();
        assert_eq!(status["profile"], "work", "{spelled}: {status}");
    }
    // Wherever the working directory is, it would be another place.
    for home in ["C:clauth", r"\clauth", "clauth"] {
        let mut list = world.command("clauth");
        list.arg("list").env("CLAUTH_HOME", home);
        let refused = Finished::run(list).failure();
        assert!(refused.stderr().contains("set CLAUTH_HOME to an absolute path"), "{refused:?}");
    }
    let mut list = world.command("clauth");
    list.arg("list").env_remove("USERPROFILE");
    let refused = Finished::run(list).failure();
    assert!(refused.stderr().contains("$USERPROFILE is not set"), "{refused:?}");
}

#[cfg(windows)]
#[test]
fn a_client_that_is_a_program_comes_before_a_batch_file() {
    let world = World::new(); // with a claude.cmd
    fs::copy(std::env::current_exe().unwrap(), world.path("bin/claude.exe")).unwrap();
    let told = world.clauth(&["start", "work", "--list", "nothing of this name"]).success();
    assert!(told.stdout().contains("0 tests"), "{told:?}");
}
