//! What a helper keeps of the shell that started it: nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, getpgid, getsid};

use crate::support::finished::Finished;
use crate::support::{Holder, Language, Session, Shell, Startup, Terminal, World, wait_until};

#[test]
fn the_helper_keeps_nothing_of_its_shell() {
    Shell::each(|shell| {
        let mut world = World::new();
        for (name, value) in [("USER", "somebody"), ("LC_TIME", "C"), ("EDITOR", "vi"), ("ANTHROPIC_API_KEY", "sk"), ("LD_BIND_NOW", "1")] {
            world.set_variable(name, value);
        }
        let work = world.bind("home/work", "work");
        let startup = Startup::hooked().in_directory(&work);
        let terminal = Terminal::start_command(shell, with_open_file(&world, &startup.command(&world, shell)));
        assert!(fs::read_link(format!("/proc/{}/fd/7", terminal.pid())).is_ok_and(|file| file.ends_with("open in the shell")));
        let session = Session::of(&world, "work");
        let helper = session.assert_serves(terminal.pid());

        let own = Pid::from_raw(helper.cast_signed()).unwrap();
        assert_eq!((getsid(Some(own)).unwrap(), getpgid(Some(own)).unwrap()), (own, own));
        assert_eq!(stat_field(helper, 7), "0", "it has a terminal");
        assert_ne!(stat_field(helper, 4), terminal.pid().to_string(), "it is the shell's child");
        assert_eq!(fs::read_link(format!("/proc/{helper}/cwd")).unwrap(), Path::new("/"));
        assert_eq!(variables(helper), ["CLAUTH_HOME", "HOME", "LANG", "LC_TIME", "USER"]);
        // While it works it has files open, for moments.
        wait_until("the helper to have nothing open but its own", || descriptors(helper).iter().all(|(_, target)| is_its_own(target, &session)));
    });
}

/// Returns `command` with a descriptor that it has not opened itself; fish cannot open one for its own use.
fn with_open_file(world: &World, command: &Command) -> Command {
    let mut wrapped = world.command("/bin/sh");
    wrapped.args(["-c", r#"exec 7>"$HOME/open in the shell"; exec "$0" "$@""#]).arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(command.get_current_dir().unwrap());
    wrapped
}

fn is_its_own(target: &Path, session: &Session) -> bool {
    let text = target.to_str().unwrap();
    let files = ["session.lock", "helper.log"].map(|name| session.directory().join(name));
    text == "/dev/null" || files.iter().any(|file| file == target) || text.starts_with("anon_inode:") || text.starts_with("pidfd:")
}

fn descriptors(pid: u32) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(Result::unwrap);
    // One that is closed between the listing and the look is not open.
    entries.filter_map(|entry| Some((entry.file_name().into_string().unwrap(), fs::read_link(entry.path()).ok()?))).collect()
}

fn variables(pid: u32) -> Vec<String> {
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let mut names: Vec<_> = environment.split_terminator('\0').map(|one| one.split_once('=').unwrap().0.to_owned()).collect();
    names.sort_unstable();
    names
}

fn stat_field(pid: u32, number: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(number - 3).unwrap().to_owned()
}

#[test]
fn a_substitution_that_starts_the_helper_ends() {
    Shell::each(|shell| {
        let world = World::new();
        let work = world.bind("home/work", "work");
        let session = Session::of(&world, "work");
        let commands = ["clauth env work", "clauth env work 2>&1", &format!("clauth export {} --pid {{pid}} 2>&1", shell.language.name())];
        for command in commands {
            let mut terminal = Terminal::start(&world, shell, &Startup::bare().in_directory(&work));
            let command = command.replace("{pid}", &terminal.pid().to_string());
            let line = match shell.language {
                Language::Bash | Language::Zsh => format!(r#"kept="$({command})"; echo "ended""#),
                Language::Fish => format!("set kept ({command}); echo ended"),
                Language::Pwsh => format!("$kept = {command}; 'ended'"),
            };
            // It would not come back for as long as the helper had the other end.
            assert!(terminal.run(&line).ends_with("ended"));
            session.assert_serves(terminal.pid());
            terminal.kill();
            session.wait_for_end();
        }
    });
}

#[test]
fn every_helper_asks_for_as_many_descriptors_as_it_may_have() {
    let world = World::new();
    let session = Session::of(&world, "work");
    let work = world.bind("home/work", "work");
    let shell = Holder::start(&world);
    let mut command = world.command("/bin/sh");
    command.current_dir(work).args(["-c", r#"ulimit -S -n 64; exec clauth export bash --pid "$0""#]).arg(shell.pid().to_string());
    Finished::run(command).success();
    let limits = fs::read_to_string(format!("/proc/{}/limits", session.assert_serves(shell.pid()))).unwrap();
    let open_files: Vec<_> = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_ascii_whitespace().collect();
    assert_eq!(open_files[3], open_files[4]);
}
