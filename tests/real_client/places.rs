//! Where the feature script runs: in one plain config directory, or in two profiles and the hub beside them; and what it keeps of each check.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::permissions::prepare;
use super::steps::{Outcome, Run, Step, project_name};
use super::{in_use, world};
use crate::support::files::{files_below, text};
use crate::support::patience::came_true;
use crate::support::rig::{Freshness, Rig};
use crate::support::{Holder, Sandbox};

/// Waits until so many runs of workflows are written down as completed since a mark was set; what the client's Bash tool may run without a question.
const SETTLED: &str = "#!/bin/sh\n\
    i=0\n\
    until [ \"$(find \"$1\"/workflows -name 'wf_*.json' -newer \"$2\" -exec grep -l '\"status\": *\"completed\"' {} + 2>/dev/null | wc -l)\" -ge \"$3\" ]; do\n\
    i=$((i + 1)); [ $i -lt 100 ] || exit 0; sleep .1\n\
    done\n";

/// The tools that ask by themselves, whatever the files are.
const ALLOWED: &str = "Workflow,TaskCreate,TaskUpdate,TaskList,TaskGet,ExitPlanMode,SendMessage,Bash(settled:*)";

/// What `memory: user` of an agent needs to be known by.
const AGENT: &str = "---\nname: keeper\ndescription: keeps\nmemory: user\n---\nYou keep.\n";

/// One config directory that the script works in.
pub(super) struct Place {
    pub(super) name: &'static str,
    profile: Option<&'static str>,
    config_dir: PathBuf,
    is_plain: bool,
}

/// Holds the world, its places, and what came of each check.
pub(super) struct Stage {
    _holders: Vec<Holder>,
    pub(super) rig: Rig,
    pub(super) places: Vec<Place>,
    pub(super) directory: PathBuf,
    pub(super) session: String,
    results: Vec<(String, String)>,
}

impl Stage {
    /// One directory without clauth, in which all that is done in three elsewhere.
    pub(super) fn plain() -> Option<Self> {
        let rig = world(Freshness::Fresh)?;
        let config_dir = prepare(&rig, "plain-config");
        rig.sandbox.write(config_dir.join("agents/keeper.md"), AGENT);
        let place = |name| Place { name, profile: None, config_dir: config_dir.clone(), is_plain: true };
        let places = ["first", "second", "plain"].map(place).into();
        Some(Self::with(rig, places, vec![]))
    }

    /// Two profiles whose helpers run, and the hub.
    pub(super) fn shared() -> Option<Self> {
        let rig = world(Freshness::Fresh)?;
        rig.sandbox.write("home/.claude/agents/keeper.md", AGENT);
        // The client offers workflows to some subscriptions only; what differs here must be the files.
        rig.subscribe("bob", "max");
        let personal = rig.sandbox.runtime("personal");
        rig.sign_in("bob", &personal, &personal.join(".claude.json"), Freshness::Fresh);
        let place = |name, profile: &'static str| Place { name, profile: Some(profile), config_dir: rig.sandbox.runtime(profile), is_plain: false };
        let hub = Place { name: "plain", profile: None, config_dir: rig.sandbox.home().join(".claude"), is_plain: false };
        let places = vec![place("first", "work"), place("second", "personal"), hub];
        let holders = ["work", "personal"].map(|profile| in_use(&rig.sandbox, profile)).into();
        Some(Self::with(rig, places, holders))
    }

    fn with(rig: Rig, places: Vec<Place>, holders: Vec<Holder>) -> Self {
        rig.sandbox.program("settled", SETTLED);
        let directory = rig.sandbox.path("office");
        Self { _holders: holders, rig, places, directory, session: "0c1a4f00-0000-4000-8000-0000000000aa".into(), results: Vec::new() }
    }

    fn sandbox(&self) -> &Sandbox {
        &self.rig.sandbox
    }

    /// Sets the mark that runs of workflows must be newer than, and returns it.
    pub(super) fn mark(&self) -> PathBuf {
        self.sandbox().write("mark", "")
    }

    fn run<'a>(&'a self, place: &'a Place, mode: &'a str) -> Run<'a> {
        let config_dir = place.is_plain.then_some(place.config_dir.as_path());
        Run { sandbox: self.sandbox(), profile: place.profile, config_dir, directory: &self.directory, mode }
    }

    /// Has the client do these steps in a place and keeps each verdict; one that is missing is kept as missing.
    pub(super) fn drive(&mut self, number: usize, what: &str, mode: &str, how: &str, steps: &[Step]) -> Outcome {
        let place = &self.places[number];
        let outcome = self.run(place, mode).tell(how, &self.session, &["--allowedTools", ALLOWED], steps);
        let verdicts = outcome.verdicts();
        let name = place.name;
        for (index, (label, ..)) in steps.iter().enumerate() {
            let told = verdicts.get(index).map_or_else(|| "not reached".into(), |(_, verdict)| format!("{verdict:?}"));
            self.keep(name, &format!("{what}: {label}"), &told);
        }
        outcome
    }

    /// Runs the client with other words, in a place.
    pub(super) fn client(&self, number: usize, words: &[&str]) -> String {
        self.client_in(number, "office", words)
    }

    /// Runs it in another directory.
    pub(super) fn client_in(&self, number: usize, directory: &str, words: &[&str]) -> String {
        let directory = self.sandbox().path(directory);
        let finished = Run { directory: &directory, ..self.run(&self.places[number], "default") }.client(words);
        format!("{}{}", finished.stdout(), finished.stderr())
    }

    /// Keeps what came of a check.
    pub(super) fn keep(&mut self, place: &str, what: &str, told: &impl ToString) {
        self.results.push((format!("{place}, {what}"), told.to_string()));
    }

    /// Keeps it under the name of a place.
    pub(super) fn note(&mut self, number: usize, what: &str, told: &impl ToString) {
        let name = self.places[number].name;
        self.keep(name, what, told);
    }

    /// Returns what was kept.
    pub(super) fn results(&self) -> &[(String, String)] {
        &self.results
    }

    /// Returns a path in the config directory of a place.
    pub(super) fn at(&self, number: usize, relative: impl AsRef<Path>) -> PathBuf {
        self.places[number].config_dir.join(relative)
    }

    /// Returns a path in what a place keeps of the project.
    pub(super) fn project(&self, number: usize, relative: impl AsRef<Path>) -> PathBuf {
        self.at(number, Path::new("projects").join(project_name(&self.directory)).join(relative))
    }

    /// Returns the files of the session below a directory of it, in a place.
    pub(super) fn of_session(&self, number: usize, relative: &str, ending: &str) -> Vec<PathBuf> {
        let found = files_below(&self.project(number, &self.session).join(relative));
        found.into_iter().filter(|file| file.to_string_lossy().ends_with(ending)).collect()
    }

    /// Returns the requests that a client made since there were so many.
    pub(super) fn since(&self, before: usize) -> Vec<Value> {
        self.rig.bodies()[before..].iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }

    /// Waits until every place has the same files with the same text.
    pub(super) fn settle(&self) {
        let tree = |place: &Place| {
            let roots = ["projects", "plans", "tasks", "agent-memory"].map(|root| place.config_dir.join(root));
            let files = roots.iter().flat_map(|root| files_below(root)).filter(|file| !is_of_one_side(file));
            files.map(|file| (file.strip_prefix(&place.config_dir).unwrap().to_owned(), text(&file))).collect::<Vec<_>>()
        };
        // Whether it came is for the checks to say, which go on where it did not.
        let _ = came_true(|| self.places.windows(2).all(|pair| tree(&pair[0]) == tree(&pair[1])));
    }

    /// Keeps what must not be left anywhere: locks, temporary names, and in the hub files with two names.
    pub(super) fn look_for_leftovers(&mut self) {
        self.settle();
        let all: Vec<_> = self.places.iter().flat_map(|place| ["projects", "plans", "tasks"].map(|root| place.config_dir.join(root))).collect();
        let named = |part: &str| {
            let mut find = self.sandbox().command("find");
            find.args(&all).args(["-name", part]);
            String::from_utf8_lossy(&find.output().unwrap().stdout).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        // `.lock` is a file that the client leaves; what is made with mkdir is to be gone with its holder.
        let locks: Vec<_> = named("*.lock").into_iter().filter(|path| Path::new(path).is_dir()).collect();
        let temporary = named("*.tmp*");
        let hub = &self.places[2].config_dir;
        let twice: Vec<_> =
            files_below(&hub.join("projects")).into_iter().filter(|file| fs::metadata(file).is_ok_and(|meta| meta.nlink() > 1)).collect();
        self.keep("all", "lock directories left", &format!("{locks:?}"));
        self.keep("all", "temporary names left", &format!("{temporary:?}"));
        self.keep("plain", "files with two names", &twice.len());
        let texts = |number: usize| {
            files_below(&self.project(number, "")).iter().filter(|file| !is_of_one_side(file)).map(|file| text(file)).collect::<Vec<_>>()
        };
        let same = texts(0) == texts(1) && texts(1) == texts(2);
        self.keep("all", "the history is the same", &same);
    }
}

/// What the client keeps for one place.
fn is_of_one_side(file: &Path) -> bool {
    let name = file.to_string_lossy();
    [".lock", "bridge-pointer.json"].iter().any(|ending| name.ends_with(ending)) || name.contains(".tmp.") || name.contains("~~")
}
