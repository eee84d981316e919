//! The shells of a storm, and what is done to them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::Sandbox;
use crate::support::random::Random;

/// A shell that runs what it reads as a prompt would, and says after each line which config directory it has.
const SHELL: &str = r#"
eval "$(clauth hook bash)"
while IFS= read -r line; do eval "$line"; __clauth_hook; printf '%s\n' "${CLAUDE_CONFIG_DIR-}"; done
"#;

/// Holds the profiles and the directories that all workers share.
pub(super) struct Storm {
    pub(super) sandbox: Sandbox,
    pub(super) profiles: Vec<String>,
    pub(super) directories: Vec<PathBuf>,
    /// Every refresh token that was ever put into a profile.
    pub(super) logins: Mutex<Vec<String>>,
    /// Every line of history that a shell wrote.
    pub(super) lines: Mutex<Vec<String>>,
    next: AtomicUsize,
}

impl Storm {
    /// Makes so many profiles, with a directory each, and as many where nothing is bound or the file is not allowed.
    pub(super) fn new(count: usize) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("shell.bash", SHELL);
        sandbox.mkdir("home/.claude/projects/-storm");
        let profiles: Vec<_> = (0..count).map(|number| format!("p{number}")).collect();
        let directories = (0..count * 2).map(|number| sandbox.mkdir(format!("home/d{number}"))).collect();
        let storm = Self { sandbox, profiles, directories, logins: Mutex::default(), lines: Mutex::default(), next: AtomicUsize::new(0) };
        storm.restore();
        for (profile, directory) in storm.profiles.iter().zip(&storm.directories) {
            storm.sandbox.clauth_in(directory, &["use", profile]).success();
        }
        storm
    }

    /// Adds the profiles that are missing, and signs in where nobody is.
    pub(super) fn restore(&self) {
        for profile in &self.profiles {
            self.add(profile);
        }
    }

    /// Adds a profile, if there is none, with a login that there is nowhere else.
    fn add(&self, profile: &str) {
        let mut logins = self.logins.lock().unwrap();
        self.sandbox.clauth(&["add", profile]);
        let runtime = self.sandbox.runtime(profile);
        let file = runtime.join(".credentials.json");
        if file.exists() || !self.sandbox.path("home/.clauth/profiles").join(profile).join("profile.toml").exists() {
            return;
        }
        let token = format!("refresh-{profile}-{}.", self.next.fetch_add(1, Ordering::Relaxed));
        let login = json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": token, "expiresAt": 4_102_444_800_000_u64}});
        let temp = self.sandbox.path(format!("{token}tmp"));
        fs::write(&temp, login.to_string()).unwrap();
        // The client makes the directory where it is missing, and the file by rename.
        fs::create_dir_all(&runtime).unwrap();
        fs::rename(&temp, &file).unwrap();
        logins.push(token);
    }

    /// Takes a profile away, unless somebody uses it, and makes it anew.
    fn remove_and_add(&self, profile: &str) {
        let guard = self.logins.lock().unwrap(); // between the two nobody else signs in
        self.sandbox.clauth(&["remove", profile, "--yes"]);
        drop(guard);
        self.add(profile);
    }

    /// Starts a command that changes something and kills it at some instant.
    fn kill_a_command(&self, random: &mut Random) {
        let (profile, directory) = (self.profile(random).to_owned(), self.directory(random));
        let here = directory.to_str().unwrap();
        let words: [&[&str]; 5] =
            [&["use", &profile, "--dir", here], &["allow", here], &["deny", here], &["remove", &profile, "--yes"], &["add", &profile]];
        let _guard = self.logins.lock().unwrap();
        let mut command = self.sandbox.command("clauth");
        command.args(*random.pick(&words)).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        thread::sleep(random.shorter_than(Duration::from_millis(6)));
        let _ = child.kill(); // it may be over
        child.wait().unwrap();
    }

    /// Whether there was a moment in which nobody used some profile, and somebody took it away.
    pub(super) fn has_removed(&self) -> bool {
        self.logins.lock().unwrap().len() > self.profiles.len()
    }

    fn profile(&self, random: &mut Random) -> &str {
        random.pick::<String>(&self.profiles)
    }

    fn directory(&self, random: &mut Random) -> &Path {
        random.pick::<PathBuf>(&self.directories)
    }

    /// Kills the helper of a profile, if it has one.
    fn kill_helper(&self, profile: &str) {
        let run = fs::read_dir(self.sandbox.path("home/.clauth/run")).into_iter().flatten().flatten();
        for directory in run {
            let told = fs::read_to_string(directory.path().join(profile).join("helper")).unwrap_or_default();
            let Some(pid) = told.split_ascii_whitespace().next().and_then(|pid| pid.parse().ok()) else { continue };
            // A pid in a file may have passed on: only one that is a helper of this sandbox.
            if self.sandbox.processes_named(&format!("helper {profile}")).contains(&pid) {
                let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL);
            }
        }
    }
}

/// One bash that has the hook.
pub(super) struct Bash {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Where it stands.
    pub(super) directory: PathBuf,
    /// The config directory that it has.
    pub(super) config_dir: String,
}

impl Bash {
    fn start(storm: &Storm) -> Self {
        let errors = fs::File::options().create(true).append(true).open(storm.sandbox.path("errors")).unwrap();
        let mut command = storm.sandbox.command("bash");
        command.args(["--noprofile", "--norc"]).arg(storm.sandbox.path("shell.bash"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout, directory: storm.sandbox.home(), config_dir: String::new() }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a line, and the prompt behind it.
    fn run(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "a shell ended by itself");
        self.config_dir = answer.trim_end().to_owned();
    }

    fn change_to(&mut self, directory: &Path) {
        directory.clone_into(&mut self.directory);
        self.run(&format!("cd '{}'", directory.display()));
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Bash {
    fn drop(&mut self) {
        let _ = self.child.kill(); // killed already is as good
        let _ = self.child.wait();
    }
}

/// Holds one worker's shells.
pub(super) struct Crowd<'a> {
    storm: &'a Storm,
    pub(super) shells: Vec<Bash>,
    random: Random,
}

impl<'a> Crowd<'a> {
    pub(super) fn new(storm: &'a Storm, number: usize, count: usize) -> Self {
        Self { storm, shells: (0..count).map(|_| Bash::start(storm)).collect(), random: Random::new(number) }
    }

    /// Does random things: so many in the short form, and in the long one until it is over; more where nothing could be removed so far.
    pub(super) fn rage(&mut self, is_over: &AtomicBool) {
        for done in 0.. {
            if done >= 90 && is_over.load(Ordering::Relaxed) && (self.storm.has_removed() || done >= 900) {
                return;
            }
            self.step();
        }
    }

    fn step(&mut self) {
        let (storm, random) = (self.storm, &mut self.random);
        let which = random.below(self.shells.len());
        let (profile, directory) = (storm.profile(random).to_owned(), storm.directory(random).to_owned());
        let path = directory.to_str().unwrap();
        match random.below(24) {
            0..=8 => self.shells[which].change_to(&directory),
            9..=11 => self.write_history(which),
            12 => self.shells[which].run(":"),
            13 => {
                let temp = directory.join(format!("edit-{which}"));
                fs::write(&temp, format!("# edited\nprofile = \"{profile}\"\n")).unwrap();
                fs::rename(&temp, directory.join(".clauth.toml")).unwrap();
            }
            14 => drop(fs::remove_file(directory.join(".clauth.toml"))), // there may be none
            15..=16 => drop(storm.sandbox.clauth(&["allow", path])),
            17 => drop(storm.sandbox.clauth(&["deny", path])),
            18 => drop(storm.sandbox.clauth(&["use", &profile, "--dir", path])),
            19 => storm.remove_and_add(&profile),
            20..=21 => {
                let fresh = Bash::start(storm);
                std::mem::replace(&mut self.shells[which], fresh).kill();
            }
            22 => storm.kill_helper(&profile),
            _ => storm.kill_a_command(random),
        }
    }

    /// Appends to a transcript in the account that the shell has, as its client does.
    fn write_history(&mut self, which: usize) {
        let shell = &self.shells[which];
        let directory = Path::new(&shell.config_dir).join("projects/-storm");
        if shell.config_dir.is_empty() || !directory.is_dir() {
            return;
        }
        let line = format!("line-{}", self.storm.next.fetch_add(1, Ordering::Relaxed));
        if fs::write(directory.join(format!("{line}.jsonl")), format!("{line}\n")).is_ok() {
            self.storm.lines.lock().unwrap().push(line);
        }
    }

    /// Evaluates the prompt of each shell once more.
    pub(super) fn evaluate(&mut self) {
        self.shells.iter_mut().for_each(|shell| shell.run(":"));
    }
}
