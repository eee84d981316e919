//! The whole engine against a model: three sides, random writers, and everything that happens to directories, helpers and profiles.
//!
//! Each write has a token of its own. A token is free once the user has removed or replaced a file that says it; until then:
//! 1. It is in a file of some side, or in `rescued/`.
//! 2. Where no path above it was ever removed, moved or hidden, it is on all sides, or in `rescued/` since another version won.
//!
//! And no log says a token twice or says half a line, no temporary name is left, and nothing was rescued that every side still has.
//!
//! `CLAUTH_SEED=7` runs one seed; a failure says which one it was, and all that was done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::model::{Found, age_logs, append, enter_own_mounts, look, tokens};
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::length::{is_long, rounds};
use crate::support::patience::came_true;
use crate::support::random::Random;
use crate::support::sharing::Sides;

const FILES: [&str; 9] = [
    "projects/p/a.jsonl",
    "projects/p/b.jsonl",
    "projects/p/s/subagents/agent-1.jsonl",
    "projects/p/memory/MEMORY.md",
    "projects/q/c.jsonl",
    "plans/plan.md",
    "tasks/list/1.json",
    "tasks/list/2.json",
    "agent-memory/reviewer/MEMORY.md",
];
/// Those that grow by whole lines, whoever appends.
const LOGS: [&str; 4] = ["projects/p/a.jsonl", "projects/p/b.jsonl", "projects/p/s.jsonl", "projects/q/c.jsonl"];
/// What belongs to a session beside its log.
const SIDECARS: &str = "projects/p/s";
const DIRECTORIES: [&str; 6] = ["projects/p/s", "projects/p", "projects/many", "tasks/list", "plans", "projects"];
const PROFILES: [&str; 2] = ["work", "play"];
const MODES: [&str; 4] = ["symlink", "hardlink", "junction", "copy"];

/// Between two looks at everything.
const STEPS: usize = 10;
/// A world grows; after so many steps another takes its place.
const WORLD: usize = 120;
/// Of so many files at most a removal may be carried without a question.
const HANDFUL: usize = 3;

/// Holds the sides and what must be found in them.
struct Model {
    sides: Sides,
    seed: usize,
    random: Random,
    written: usize,
    /// Where each token that nobody removed was written.
    wanted: BTreeMap<String, PathBuf>,
    /// Those that need not be on all sides any more.
    disturbed: BTreeSet<String>,
    /// What was removed, moved or hidden since the last look: what is written below it may meet that.
    troubled: BTreeSet<PathBuf>,
    /// Where so much was removed that it is held: what is written below it may wait for the user.
    held: BTreeSet<PathBuf>,
    may_mount: bool,
    log: Vec<String>,
}

impl Model {
    fn new(seed: usize, may_mount: bool) -> Self {
        let sides = Sides::with(Sandbox::new(), &PROFILES);
        sides.sandbox.mkdir("trash");
        for profile in PROFILES {
            sides.start(profile);
        }
        let (wanted, disturbed, troubled, held) = Default::default();
        Self { sides, seed, random: Random::new(seed), written: 0, wanted, disturbed, troubled, held, may_mount, log: Vec::new() }
    }

    fn root(&self, side: usize) -> PathBuf {
        if side == 0 { self.sides.hub("") } else { self.sides.own(PROFILES[side - 1], "") }
    }

    fn token(&mut self) -> String {
        self.written += 1;
        format!("token-{}-{}.", self.seed, self.written)
    }

    /// Notes that a token is in a file from now on.
    fn want(&mut self, token: String, relative: &Path) {
        if self.troubled.iter().chain(&self.held).any(|path| relative.starts_with(path)) {
            self.disturbed.insert(token.clone());
        }
        self.wanted.insert(token, relative.into());
    }

    /// Notes that what is below a path may differ from side to side.
    fn disturb(&mut self, relative: &Path) {
        let below = self.wanted.iter().filter(|(_, path)| path.starts_with(relative)).map(|(token, _)| token.clone());
        self.disturbed.extend(below);
        self.troubled.insert(relative.into());
    }

    /// Notes that the user removed what these files said.
    fn free(&mut self, text: &str) {
        for token in tokens(text) {
            self.wanted.remove(&token);
        }
    }

    fn step(&mut self) {
        let (side, number) = (self.random.below(3), self.random.below(100));
        let file = PathBuf::from(*self.random.pick(&FILES));
        let directory = PathBuf::from(*self.random.pick(&DIRECTORIES));
        let profile = *self.random.pick(&PROFILES);
        let what = match number {
            0..=39 => self.write(side, &file),
            40..=49 => self.several(),
            50..=54 => self.fill(side),
            55..=62 => self.remove(side, &file),
            63..=65 => self.remove(side, &directory),
            66..=69 => self.rename(side, &file),
            70..=77 => self.kill(profile),
            78..=81 => self.again(profile),
            82..=84 => self.mode(profile),
            85..=88 => self.remove_profile(profile),
            89..=91 => self.import(),
            92..=94 => self.throw_away(profile),
            95..=97 => self.move_away(),
            _ => self.mount(side),
        };
        self.log.push(format!("{what} (side {side}, {}, {}, {profile})", file.display(), directory.display()));
    }

    /// Appends a line to a log, or replaces another file, as the client does.
    fn write(&mut self, side: usize, relative: &Path) -> String {
        if relative.starts_with(SIDECARS) {
            // An agent works for a session, whose own log grows first; whoever saves watches need not look below a session that is quiet.
            let _ = self.write(side, &Path::new(SIDECARS).with_extension("jsonl"));
        }
        let (path, token) = (self.root(side).join(relative), self.token());
        // The directory may vanish at any moment, by a helper or since the side is away: then nothing was written.
        let done = fs::create_dir_all(path.parent().unwrap()).and_then(|()| self.put(&path, &token));
        if done.is_ok() {
            self.want(token.clone(), relative);
        }
        format!("write {token} {done:?}")
    }

    fn put(&mut self, path: &Path, token: &str) -> std::io::Result<()> {
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            return append(path, token);
        }
        let temporary = path.with_file_name(format!("{}.tmp.{}.{:x}", path.file_name().unwrap().display(), std::process::id(), self.written));
        fs::write(&temporary, token)?;
        if renameat_with(CWD, &temporary, CWD, path, RenameFlags::NOREPLACE).is_ok() {
            return Ok(());
        }
        let exchanged = renameat_with(CWD, &temporary, CWD, path, RenameFlags::EXCHANGE);
        let replaced = fs::read_to_string(&temporary)?;
        fs::remove_file(&temporary)?;
        exchanged?;
        self.free(&replaced);
        Ok(())
    }

    /// Lets a writer of each side append to one log at once.
    fn several(&mut self) -> String {
        let relative = Path::new(*self.random.pick(&LOGS));
        let lines: Vec<Vec<String>> = (0..3).map(|_| (0..5).map(|_| self.token()).collect()).collect();
        let paths: Vec<_> = (0..3).map(|side| self.root(side).join(relative)).collect();
        let written: Vec<String> = thread::scope(|scope| {
            let writers: Vec<_> = paths
                .iter()
                .zip(lines)
                .map(|(path, lines)| {
                    scope.spawn(move || {
                        let _ = fs::create_dir_all(path.parent().unwrap());
                        lines.into_iter().filter(|token| append(path, token).is_ok()).collect::<Vec<_>>()
                    })
                })
                .collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        for token in &written {
            self.want(token.clone(), relative);
        }
        format!("several {written:?} to {}", relative.display())
    }

    fn fill(&mut self, side: usize) -> String {
        (0..12).map(|number| self.write(side, Path::new(&format!("projects/many/{number}.jsonl")))).collect::<Vec<_>>().join(", ")
    }

    /// Takes a file or a directory to a place of its own and reads it there, so that the model knows what was removed.
    fn remove(&mut self, side: usize, relative: &Path) -> String {
        let trash = self.trash();
        let done = fs::rename(self.root(side).join(relative), &trash);
        if done.is_ok() {
            let removed = Found::below(&trash);
            self.disturb(relative);
            self.free(&removed.text());
            if removed.count() > HANDFUL {
                self.held.insert(relative.into());
            }
        }
        format!("remove {}: {done:?}", relative.display())
    }

    fn trash(&mut self) -> PathBuf {
        self.written += 1;
        self.sides.sandbox.path(format!("trash/{}", self.written))
    }

    fn rename(&mut self, side: usize, relative: &Path) -> String {
        let to = relative.with_file_name(format!("renamed-{}.{}", self.random.below(4), relative.extension().unwrap().display()));
        let root = self.root(side);
        let done = renameat_with(CWD, root.join(relative), CWD, root.join(&to), RenameFlags::NOREPLACE);
        if done.is_ok() {
            self.disturb(relative);
            self.disturb(&to);
        }
        format!("rename to {} {done:?}", to.display())
    }

    fn kill(&mut self, profile: &str) -> String {
        self.sides.kill(profile);
        if self.random.below(2) == 0 {
            self.write(1, Path::new(FILES[0]));
        }
        self.sides.prompt(profile);
        "kill".into()
    }

    /// Ends a session, lets something happen without it, and begins another.
    fn again(&mut self, profile: &str) -> String {
        self.sides.stop(profile);
        let said = (0..3).map(|side| self.write(side, Path::new(FILES[side * 2]))).collect::<Vec<_>>().join(", ");
        self.sides.start(profile);
        format!("again, {said}")
    }

    fn mode(&mut self, profile: &str) -> String {
        self.sides.stop(profile);
        let mode = *self.random.pick(&MODES);
        self.sides.sandbox.set_variable("CLAUTH_LINK_MODE", mode);
        // Above the limit, old transcripts become hard links.
        let limit = *self.random.pick(&["0", "1000000"]);
        self.sides.sandbox.set_variable("CLAUTH_COPIES_LIMIT", limit);
        let aged = age_logs(&[0, 1, 2].map(|side| self.root(side)), &LOGS);
        self.sides.start(profile);
        format!("mode {mode}, limit {limit}, {aged} logs are old")
    }

    fn remove_profile(&mut self, profile: &str) -> String {
        self.sides.leave(profile);
        let mut tries = 0;
        // While its own helper ends, the profile is in use.
        let removed = came_true(|| {
            tries += 1;
            self.sides.sandbox.clauth(&["remove", profile, "--yes"]).code() == Some(0)
        });
        assert!(removed, "seed {}: {profile} cannot be removed after {:#?}", self.seed, self.log);
        self.sides.add(profile);
        self.sides.start(profile);
        format!("remove and add, {tries} tries")
    }

    fn import(&mut self) -> String {
        let name = format!("import-{}", self.written);
        let directory = self.sides.sandbox.mkdir(format!("home/{name}"));
        for file in FILES {
            let (path, token) = (directory.join(file), self.token());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            self.put(&path, &token).unwrap();
            // The hub has one of its own, perhaps, and then this one is rescued.
            self.want(token, Path::new(file));
        }
        let said = self.sides.sandbox.clauth(&["import", directory.to_str().unwrap(), &name, "--yes"]);
        assert_eq!(said.code(), Some(0), "seed {}: {said:?}", self.seed);
        let removed = self.sides.sandbox.clauth(&["remove", &name, "--yes"]);
        assert_eq!(removed.code(), Some(0), "seed {}: {removed:?}", self.seed);
        name
    }

    /// Throws a profile's config directory away, with a helper or without: what is elsewhere too was not meant.
    fn throw_away(&mut self, profile: &str) -> String {
        let is_live = self.random.below(2) == 0;
        if !is_live {
            self.sides.stop(profile);
        }
        let trash = self.trash();
        let done = fs::rename(self.sides.own(profile, ""), &trash);
        if done.is_ok() {
            let elsewhere = self.everywhere();
            let only_here: Vec<_> = tokens(&Found::below(&trash).text()).into_iter().filter(|token| !elsewhere.contains(token.as_str())).collect();
            self.free(&only_here.join("\n"));
            self.disturb(Path::new(""));
        }
        if is_live {
            self.sides.prompt(profile);
        } else {
            self.sides.start(profile);
        }
        format!("throw away, live: {is_live}, {done:?}")
    }

    /// Moves the hub away and back; meanwhile the profiles are worked in.
    fn move_away(&mut self) -> String {
        let (hub, aside) = (self.sides.sandbox.path("home/.claude"), self.sides.sandbox.path("home/aside"));
        fs::rename(&hub, &aside).unwrap();
        let said = (1..3).map(|side| self.write(side, Path::new(FILES[side]))).collect::<Vec<_>>().join(", ");
        let back = renameat_with(CWD, &aside, CWD, &hub, RenameFlags::NOREPLACE);
        assert!(back.is_ok(), "seed {}: ~/.claude was made anew, with {:?}", self.seed, Found::below(&hub));
        format!("move ~/.claude away and back, {said}")
    }

    /// Hides a root behind an empty file system for a while.
    fn mount(&mut self, side: usize) -> String {
        let root = self.root(side).join("projects");
        if !self.may_mount || !root.is_dir() {
            return "no mount".into();
        }
        self.run("mount", &["-t", "tmpfs", "none", root.to_str().unwrap()]);
        // What is copied into it goes with it.
        self.disturb(Path::new("projects"));
        let said = (0..3).filter(|other| *other != side).map(|other| self.write(other, Path::new(FILES[other]))).collect::<Vec<_>>().join(", ");
        if self.random.below(2) == 0 {
            self.sides.kill(PROFILES[0]);
            self.sides.prompt(PROFILES[0]);
        }
        assert!(came_true(|| self.command("umount", &[root.to_str().unwrap()]).code() == Some(0)), "{} stays mounted", root.display());
        format!("mount, {said}")
    }

    fn command(&self, program: &str, words: &[&str]) -> Finished {
        let mut command = self.sides.sandbox.command(program);
        command.args(words);
        Finished::run(command)
    }

    fn run(&self, program: &str, words: &[&str]) {
        self.command(program, words).success();
    }

    /// Returns every token that is anywhere but in the trash.
    fn everywhere(&self) -> BTreeSet<String> {
        let roots = (0..3).map(|side| self.root(side)).chain([self.sides.sandbox.path("home/.clauth/rescued")]);
        roots.flat_map(|root| tokens(&Found::below(&root).text())).collect()
    }

    /// Waits until everything is as it must be, and says what is not.
    fn check(&mut self) {
        let mut wrong = Vec::new();
        let roots = [0, 1, 2].map(|side| self.root(side));
        let rescued = self.sides.sandbox.path("home/.clauth/rescued");
        let is_well = came_true(|| {
            wrong = look(&roots, &rescued, &self.wanted, &self.disturbed, &self.held);
            wrong.is_empty()
        });
        assert!(is_well, "CLAUTH_SEED={}: {wrong:#?}\nafter {:#?}", self.seed, self.log);
        self.troubled.clear();
        if self.log.len() > 3 * STEPS {
            self.log.drain(..STEPS);
        }
    }
}

#[test]
fn nothing_that_was_written_and_not_removed_is_missing() {
    // In a thread of its own, which takes its mounts along when it ends.
    let played = thread::spawn(play).join();
    played.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn play() {
    let may_mount = enter_own_mounts();
    let chosen = std::env::var("CLAUTH_SEED").ok().map(|text| text.parse().unwrap());
    let steps = rounds(4 * STEPS, 10_000);
    let mut done = 0;
    for seed in chosen.map_or(0..usize::MAX, |seed| seed..seed + 1) {
        let mut model = Model::new(seed, may_mount);
        for step in 1..=WORLD.min(steps - done) {
            model.step();
            if step % STEPS == 0 {
                model.check();
            }
        }
        for profile in PROFILES {
            model.sides.stop(profile);
        }
        model.disturbed.extend(model.wanted.keys().cloned());
        model.check();
        done += WORLD.min(steps - done);
        if done >= steps || (chosen.is_some() && is_long()) {
            break;
        }
    }
}
