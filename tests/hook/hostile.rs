//! Directories with names that would do harm wherever they were not quoted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::tour;
use crate::support::world::{World, entered, left};
use crate::support::{Language, Shell, Started, Startup, Terminal, Traced};

/// One name for each way to be misread, and for those that can stand in one name together.
const NAMES: [&[u8]; 13] = [
    b" it's \"quoted\" '\"'\"' ",
    b"$(touch hit) `touch hit` ;touch hit; $HOME ${HOME}%d%s",
    "é ’‘‚‛ 日本".as_bytes(),
    b"line\nbreak",
    b"ends in a line break\n",
    b"tab\tand\x1bescape\x07",
    b"*[a]?{a,b}",
    b"-n",
    b"--",
    b"~",
    b"#!x",
    b"back\\slash\\n\\",
    b"bytes \xff\xfe\x80 'x'",
];

/// Makes a directory of such a name below one that is called by its number, and returns it.
fn make(world: &World, number: usize) -> PathBuf {
    world.mkdir(format!("home/names/{number}")).join(OsStr::from_bytes(NAMES[number]))
}

/// Whether the shell can stand in such a directory.
fn is_possible(shell: &Shell, name: &[u8]) -> bool {
    // pwsh takes the backslash for a separator, and reads no names that are not UTF-8.
    shell.language != Language::Pwsh || !(name.contains(&b'\\') || std::str::from_utf8(name).is_err())
}

/// Goes to the only entry of a numbered directory: what it is called need not be typed.
fn enter(shell: &Shell, world: &World, number: usize) -> String {
    let path = world.path(format!("home/names/{number}"));
    match shell.language {
        Language::Bash | Language::Zsh | Language::Fish => format!("cd -- {}/*", path.display()),
        Language::Pwsh => format!("Set-Location {}/*", path.display()),
    }
}

#[track_caller]
fn assert_nothing_was_run(world: &World, directory: &Path) {
    for place in [directory, &world.plain(), &world.home(), world.path("").as_path()] {
        assert!(!place.join("hit").exists(), "{}", place.display());
    }
}

#[test]
fn a_bound_directory_may_be_called_anything() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked()) else { return };
        for (number, name) in NAMES.iter().enumerate().filter(|(_, name)| is_possible(shell, name)) {
            let what = String::from_utf8_lossy(name);
            let directory = world.bind(make(&world, number), "work");
            assert_eq!(traced.terminal.run(&enter(shell, &world, number)), entered("work"), "{what}");
            let idle = traced.processes_started(|terminal| assert_eq!(terminal.run(""), "", "{what}"));
            assert_eq!(idle, Started::default(), "{what}");
            assert_eq!(traced.terminal.run("claude"), world.claude("work"), "{what}");
            assert_eq!(traced.terminal.run(&shell.cd(world.plain())), left("work"), "{what}");
            assert_nothing_was_run(&world, &directory);
        }
    });
}

#[test]
fn an_unbound_directory_may_be_called_anything() {
    Shell::each(|shell| {
        let world = World::new();
        let Some(mut traced) = Traced::start(&world, shell, &Startup::hooked()) else { return };
        for (number, name) in NAMES.iter().enumerate().filter(|(_, name)| is_possible(shell, name)) {
            let what = String::from_utf8_lossy(name);
            let directory = world.mkdir(make(&world, number));
            assert_eq!(traced.terminal.run(&enter(shell, &world, number)), "", "{what}");
            let idle = traced.processes_started(|terminal| assert_eq!(terminal.run(""), "", "{what}"));
            assert_eq!(idle, Started::default(), "{what}");
            assert_nothing_was_run(&world, &directory);
        }
    });
}

#[test]
fn a_refused_directory_may_be_called_anything() {
    Shell::each(|shell| {
        let world = World::new();
        let mut terminal = world.start(shell);
        for (number, name) in NAMES.iter().enumerate().filter(|(_, name)| is_possible(shell, name)) {
            let what = String::from_utf8_lossy(name);
            let directory = make(&world, number);
            world.write(directory.join(".clauth.toml"), "profile = \"work\"\n");
            let said = terminal.run(&enter(shell, &world, number));
            assert!(said.starts_with("clauth: ") && said.lines().count() == 1, "{what}: {said}");
            assert_eq!(terminal.run("claude"), world.claude_refusal(), "{what}");
            assert_nothing_was_run(&world, &directory);
        }
    });
}

/// A place for `CLAUTH_HOME` in which every shell has something to misread.
const CLAUTH_HOME: &str = "home/it's \"$(touch hit)\" `touch hit` é’ *[a]? {b,c} \\ ~ #;& -n";

#[test]
fn clauth_home_may_be_called_anything() {
    Shell::each(|shell| {
        let world = World::with_clauth_home(CLAUTH_HOME);
        let mut terminal = world.start(shell);
        tour(&world, &mut terminal);
        terminal.run(&shell.pin("acme"));
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), world.config_dir("acme"));
        assert_eq!(terminal.run(&shell.evaluate("clauth env --unset")), "");
        // Without an answer the shell makes up the refusing value by itself.
        world.replace_program("#!/bin/sh\nexit 1\n");
        terminal.run(&shell.cd(world.path("home/tour/work")));
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), world.refused_config_dir());
        assert_nothing_was_run(&world, &world.path("home/tour/work"));
    });
}

#[test]
fn the_program_may_be_called_anything() {
    Shell::each(|shell| {
        let mut world = World::new();
        let directory = world.mkdir("it's \"$(touch hit)\" `touch hit` é *[a] -n");
        std::fs::rename(world.path("program/clauth"), directory.join("clauth")).unwrap();
        let path = format!("{}:{}:/usr/bin:/bin", directory.display(), world.path("bin").display());
        world.set_variable("PATH", path);
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked());
        tour(&world, &mut terminal);
        assert_nothing_was_run(&world, &directory);
    });
}
