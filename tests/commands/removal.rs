//! `remove` as a transaction: no byte is lost, whoever works at that moment, and what was removed does not come back.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::support::commands::TOKENS;
use crate::support::files::{files_below, text};
use crate::support::finished::Finished;
use crate::support::length::rounds;
use crate::support::meanwhile::meanwhile;
use crate::support::random::Random;
use crate::support::session::may_unshare;
use crate::support::shell::shells_found;
use crate::support::{Sandbox, Startup, Terminal, wait_until};

/// Returns every text below HOME.
fn texts(sandbox: &Sandbox) -> Vec<String> {
    files_below(&sandbox.home()).iter().filter(|file| !file.is_symlink()).filter_map(|file| text(file)).collect()
}

/// Returns what was kept of a profile, each as its path below the time.
fn rescued(sandbox: &Sandbox, profile: &str) -> Vec<(PathBuf, String)> {
    let root = sandbox.path("home/.clauth/rescued").join(profile);
    let files = files_below(&root).into_iter();
    files.map(|file| (file.strip_prefix(&root).unwrap().iter().skip(1).collect(), text(&file).unwrap_or_default())).collect()
}

/// Gives `~/.claude` transcripts, and returns where they lie.
fn transcripts(sandbox: &Sandbox, count: usize) -> PathBuf {
    for number in 0..count {
        sandbox.write(format!("home/.claude/projects/p/{number}.jsonl"), format!("talk {number}\n"));
    }
    sandbox.path("home/.claude/projects/p")
}

#[test]
fn a_profile_that_is_used_and_removed_and_asked_for_again_costs_no_transcript() {
    let mut random = Random::new(14);
    for round in 0..rounds(4, 100) {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let directory = transcripts(&sandbox, 200);
        sandbox.clauth(&["exec", "work", "--", "true"]).success();
        // The helper is at work, retires at this moment, or is gone.
        thread::sleep(random.shorter_than(Duration::from_millis(120)));
        sandbox.clauth(&["remove", "work", "--yes"]).success();
        assert_eq!(files_below(&directory).len(), 200, "{round}: after the removal");
        sandbox.clauth(&["exec", "work", "--", "true"]).complains(125, "there is no profile `work`");
        sandbox.assert_no_helpers_left();
        assert!(!sandbox.path("home/.clauth/profiles/work").exists(), "{round}: it came back");
        // The name is free, and the new profile agrees with ~/.claude on nothing yet.
        sandbox.clauth(&["add", "work"]).success();
        sandbox.clauth(&["exec", "work", "--", "true"]).success();
        sandbox.assert_no_helpers_left();
        assert_eq!(files_below(&directory).len(), 200, "{round}: after the next use");
    }
}

#[test]
fn a_removal_that_is_killed_at_any_moment_costs_no_transcript_and_is_finished_by_the_next() {
    let mut random = Random::new(15);
    for round in 0..rounds(6, 100) {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let directory = transcripts(&sandbox, 200);
        sandbox.clauth(&["exec", "work", "--", "true"]).success();
        sandbox.assert_no_helpers_left();
        let mut remove = sandbox.command("clauth").args(["remove", "work", "--yes"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        thread::sleep(random.shorter_than(Duration::from_millis(40)));
        let _ = remove.kill(); // the only error possible is that it ended by itself
        remove.wait().unwrap();
        let all = |when: &str| {
            let texts = texts(&sandbox);
            let missing: Vec<_> = (0..200).filter(|number| !texts.contains(&format!("talk {number}\n"))).collect();
            assert!(missing.is_empty(), "{round}: {missing:?} {when}");
        };
        all("at once");
        let used = sandbox.clauth(&["exec", "work", "--", "true"]);
        sandbox.assert_no_helpers_left();
        all("after a use, if the profile is still there");
        let again = sandbox.clauth(&["remove", "work", "--yes"]);
        assert!(again.code() == Some(0) || again.stderr().contains("there is no profile"), "{round}: {used:?} {again:?}");
        assert_eq!(files_below(&directory).len(), 200, "{round}: in the end");
        assert!(!sandbox.path("home/.clauth/profiles/work").exists());
    }
}

#[test]
fn records_that_are_written_while_a_profile_is_removed_are_kept() {
    for round in 0..rounds(3, 100) {
        let mut sandbox = Sandbox::with_profiles(&["work"]);
        if round % 2 == 1 {
            sandbox.set_variable("CLAUTH_LINK_MODE", "copy");
        }
        transcripts(&sandbox, 50);
        sandbox.clauth(&["exec", "work", "--", "true"]).success();
        sandbox.assert_no_helpers_left();
        let live = sandbox.runtime("work").join("projects/p/live.jsonl");
        let mut written = Vec::new();
        let record = || {
            let line = format!("record {} of {round}", written.len());
            // As a client does that finds its directory gone.
            let opened = fs::create_dir_all(live.parent().unwrap()).and_then(|()| File::options().append(true).create(true).open(&live));
            if opened.and_then(|mut log| log.write_all(format!("{line}\n").as_bytes())).is_ok() {
                written.push(line);
            }
            thread::sleep(Duration::from_micros(300)); // else the log is all that anybody reads
        };
        let removed = meanwhile(record, || sandbox.clauth(&["remove", "work", "--yes"]));
        let known: std::collections::HashSet<_> = texts(&sandbox).iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        let lost: Vec<_> = written.iter().filter(|line| !known.contains(*line)).collect();
        assert!(lost.is_empty(), "{round}: {} of {} lost: {lost:?}; {removed:?}", lost.len(), written.len());
        let is_refused = removed.code() == Some(1) && removed.stderr().contains("something that writes there");
        assert!(removed.code() == Some(0) || is_refused, "{round}: {removed:?}");
    }
}

#[test]
fn a_file_that_a_process_has_open_is_kept_with_what_it_writes_later() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.set_variable("CLAUTH_LINK_MODE", "copy");
    let hub = sandbox.write("home/.claude/projects/p/open.jsonl", "first\n");
    let own = sandbox.write(sandbox.runtime("work").join("projects/p/open.jsonl"), "first\n");
    let mut open = File::options().append(true).open(own).unwrap();
    sandbox.clauth(&["remove", "work", "--yes"]).success();
    open.write_all(b"later\n").unwrap();
    assert_eq!(sandbox.read(&hub), "first\n");
    assert!(rescued(&sandbox, "work").contains(&("projects/p/open.jsonl".into(), "first\nlater\n".into())), "{:?}", rescued(&sandbox, "work"));
}

#[test]
fn what_a_client_writes_to_a_removed_profile_makes_no_profile_and_is_kept() {
    for way in ["remove", "add"] {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let directory = sandbox.bind("bound", "work");
        sandbox.clauth(&["remove", "work", "--yes"]).success();
        sandbox.write(sandbox.runtime("work").join("projects/p/late.jsonl"), "late\n");
        sandbox.write(sandbox.runtime("work").join(".credentials.json"), TOKENS[1]);
        assert_eq!(sandbox.clauth(&["list", "--json"]).success().json()["profiles"], serde_json::json!([]));
        sandbox.clauth(&["exec", "work", "--", "true"]).complains(125, "there is no profile `work`");
        assert_eq!(sandbox.applies(&directory), "refused");
        assert!(sandbox.clauth(&["doctor"]).stdout().contains("after the profile work was removed"), "{:?}", sandbox.clauth(&["doctor"]));
        let words: &[&str] = if way == "remove" { &["remove", "work", "--yes"] } else { &["add", "work"] };
        sandbox.clauth(words).success();
        assert_eq!(sandbox.read("home/.claude/projects/p/late.jsonl"), "late\n");
        assert!(rescued(&sandbox, "work").contains(&(".credentials.json".into(), TOKENS[1].into())));
        let listed = sandbox.clauth(&["list"]).success();
        assert_eq!(
            listed.profiles(),
            if way == "remove" { "" } else { "work  not signed in\n" },
            "nobody comes into the login of another: {listed:?}"
        );
    }
}

#[test]
fn an_interrupted_removal_stops_only_what_needs_the_profile() {
    for finisher in [&["remove", "work", "--yes"][..], &["add", "work"], &["capture", "work", "--yes"]] {
        let sandbox = Sandbox::with_profiles(&["work", "other"]);
        sandbox.write(sandbox.runtime("work").join("plans/mine.md"), "mine");
        sandbox.sign_in("work", "me@corp.example");
        let profile = sandbox.path("home/.clauth/profiles/work");
        // As a killed one leaves it: a shared file is compared at this moment.
        fs::rename(profile.join("profile.toml"), profile.join("removing.toml")).unwrap();
        fs::create_dir_all(profile.join("leaving/plans")).unwrap();
        fs::rename(profile.join("runtime/plans/mine.md"), profile.join("leaving/plans/mine.md")).unwrap();
        assert_eq!(sandbox.clauth(&["list"]).success().profiles(), "other  not signed in\n");
        sandbox.clauth(&["exec", "other", "--", "true"]).success();
        sandbox.clauth(&["exec", "work", "--", "true"]).complains(125, "`clauth remove work`");
        assert!(sandbox.clauth(&["doctor"]).stdout().contains("the removal of the profile `work` is not finished"));
        sandbox.clauth(finisher).success();
        assert_eq!(sandbox.read("home/.claude/plans/mine.md"), "mine");
        let login = rescued(&sandbox, "work").into_iter().find(|(file, _)| file.ends_with(".credentials.json"));
        assert!(login.is_some_and(|(_, text)| text.contains(TOKENS[1])), "{finisher:?}");
        assert_eq!(profile.exists(), finisher[0] != "remove");
    }
}

#[test]
fn nobody_waits_while_remove_waits_for_an_answer() {
    let Some(shell) = shells_found().first() else { return };
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("bound", "work");
    let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
    terminal.type_line("clauth remove work");
    terminal.wait_for("remove the profile work? [y/N] ");
    sandbox.clauth(&["add", "other"]).success();
    sandbox.clauth(&["capture", "third", "--yes"]).success();
    sandbox.clauth_in(&directory, &["exec", "work", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    terminal.send("y\r");
    wait_until("the profile is removed", || !sandbox.path("home/.clauth/profiles/work").exists());
}

#[test]
fn overrides_stay_the_profiles_own() {
    let sandbox = Sandbox::with_profiles(&[]);
    sandbox.clauth_with_input(&["add", "gw", "--base-url", "https://gateway.example", "--api-key-stdin"], "sk-gateway-key").success();
    let file = sandbox.path("home/.clauth/profiles/gw/profile.toml");
    let with_token = fs::read_to_string(&file).unwrap() + "[env]\nANTHROPIC_AUTH_TOKEN = \"gateway-token\"\n";
    fs::write(&file, with_token).unwrap();
    sandbox.clauth(&["exec", "gw", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    fs::remove_file(sandbox.path("home/.claude/settings.json")).unwrap();
    sandbox.clauth(&["remove", "gw", "--yes"]).success();
    for text in files_below(&sandbox.path("home/.claude")).iter().filter_map(|file| text(file)) {
        assert!(!text.contains("gateway") && !text.contains("api-key"), "{text}");
    }
    for (name, expected) in [("settings.json", "gateway-token"), ("profile.toml", "sk-gateway-key")] {
        let kept = files_below(&sandbox.path("home/.clauth/rescued/gw")).into_iter().find(|file| file.ends_with(name)).unwrap();
        assert!(text(&kept).unwrap().contains(expected), "{name}");
        assert_eq!(fs::metadata(kept).unwrap().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_place_that_has_two_names_is_not_moved_onto_itself() {
    type Join = fn(&Sandbox);
    let joined: [(&str, Join); 4] = [
        ("a directory", |sandbox| {
            let own = sandbox.mkdir(sandbox.runtime("work").join("output-styles"));
            symlink(own, sandbox.path("home/.claude/output-styles")).unwrap();
        }),
        ("a file", |sandbox| {
            let own = sandbox.write(sandbox.runtime("work").join("notes.md"), "notes");
            symlink(own, sandbox.path("home/.claude/notes.md")).unwrap();
        }),
        ("the mirror", |sandbox| {
            fs::remove_dir_all(sandbox.path("home/.claude/projects")).unwrap();
            symlink(sandbox.runtime("work").join("projects"), sandbox.path("home/.claude/projects")).unwrap();
        }),
        ("all of it", |sandbox| {
            fs::remove_dir_all(sandbox.path("home/.claude")).unwrap();
            symlink(sandbox.runtime("work"), sandbox.path("home/.claude")).unwrap();
        }),
    ];
    for (what, join) in joined {
        let sandbox = Sandbox::with_profiles(&["work"]);
        sandbox.write(sandbox.runtime("work").join("projects/p/only.jsonl"), "only");
        sandbox.write(sandbox.runtime("work").join("output-styles/only.md"), "style");
        join(&sandbox);
        let before = texts(&sandbox);
        sandbox.clauth(&["remove", "work", "--yes"]).complains(1, "are one place, or one lies in the other");
        assert_eq!(texts(&sandbox), before, "{what}");
        assert_eq!(sandbox.clauth(&["list"]).success().profiles(), "work  not signed in\n", "{what}");
    }
}

#[test]
fn a_bind_mount_is_no_second_place_either() {
    if !may_unshare() {
        return;
    }
    for (from, to) in [("runtime", ".claude"), ("runtime/agents", ".claude/agents"), ("runtime/projects/p", ".claude/projects")] {
        let sandbox = Sandbox::with_profiles(&["work"]);
        sandbox.write(sandbox.runtime("work").join("projects/p/only.jsonl"), "only");
        sandbox.write(sandbox.runtime("work").join("agents/only.md"), "agent");
        let script = format!("mkdir -p ~/{to} && mount --bind ~/.clauth/profiles/work/{from} ~/{to} && clauth remove work --yes");
        let mut command = sandbox.command("unshare");
        command.args(["--mount", "/bin/sh", "-c", &script]);
        Finished::run(command).complains(1, "are one place, or one lies in the other");
        let kept = texts(&sandbox);
        assert!(kept.contains(&"only".into()) && kept.contains(&"agent".into()), "{from}");
    }
}
