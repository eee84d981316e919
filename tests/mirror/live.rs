//! Two profiles in use: what happens in one is there in the hub and in the other.

use std::fs;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

#[cfg(unix)]
use crate::support::files::age;
#[cfg(windows)]
use crate::support::files::text;
use crate::support::files::{append, is_one_file, replace, wait_for_end_of, wait_for_text, write};
#[cfg(unix)]
use crate::support::meanwhile::meanwhile;
use crate::support::mirror::Shared;
use crate::support::wait_until;

const MIRRORED: [&str; 4] = ["projects", "plans", "tasks", "agent-memory"];

#[test]
fn existing_history_is_in_a_new_profile_as_files_of_its_own() {
    let shared = Shared::new(&["work"]);
    for name in MIRRORED {
        write(&shared.hub(name).join("-srv-example/memory/MEMORY.md"), name);
    }
    shared.start("work");
    for name in MIRRORED {
        let relative = format!("{name}/-srv-example/memory/MEMORY.md");
        wait_for_text(&[shared.own("work", &relative), shared.hub(&relative)], name);
        assert!(fs::symlink_metadata(shared.own("work", name)).unwrap().is_dir(), "{name} is a real directory");
        assert!(!is_one_file(&[shared.own("work", &relative), shared.hub(&relative)]), "the client refuses a file with two names");
    }
}

#[test]
fn a_line_that_is_appended_anywhere_is_soon_everywhere_and_nowhere_twice() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/-srv-example/transcript.jsonl");
    write(&places[0], "0\n");
    wait_for_text(&places, "0\n");
    let mut expected = String::from("0\n");
    for (turn, place) in places.iter().cycle().take(6).enumerate() {
        append(place, &format!("{turn}\n"));
        expected += &format!("{turn}\n");
        wait_for_text(&places, &expected);
    }
    assert!(!is_one_file(&places));
}

#[test]
fn what_any_side_creates_the_others_get() {
    let shared = Shared::live(&["work", "play"]);
    for name in MIRRORED {
        for creator in 0..3 {
            let places = shared.places(format!("{name}/new-{creator}/deep/er/file.md"));
            write(&places[creator], "made");
            wait_for_text(&places, "made");
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `deleted` of tests/cross/README.md")]
fn an_empty_directory_is_carried_across_and_back() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/empty/inner");
    fs::create_dir_all(&places[0]).unwrap();
    wait_until("the directory is everywhere", || places.iter().all(|place| place.is_dir()));
    shared.settle(); // what is removed before both sides are agreed on it comes back
    fs::remove_dir(&places[2]).unwrap();
    wait_for_end_of(&places);
    assert!(places.iter().all(|place| place.parent().unwrap().is_dir()), "only what was removed is gone");
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `birth` of tests/cross/README.md")]
fn a_file_replaced_by_rename_is_replaced_everywhere() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/-srv-example/memory/MEMORY.md");
    write(&places[0], "version 0");
    wait_for_text(&places, "version 0");
    for (version, place) in places.iter().cycle().take(9).enumerate() {
        let version = format!("version {}", version + 1);
        replace(place, &version);
        wait_for_text(&places, &version);
    }
    shared.settle();
    assert_eq!((shared.rescued("work"), shared.rescued("play")), (vec![], vec![]), "what is replaced in peace is no conflict");
}

#[cfg(unix)] // Windows cannot exchange two names in one step
#[test]
fn a_name_is_never_missing_while_it_is_replaced() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("plans/plan.md");
    write(&places[0], "version 0");
    wait_for_text(&places, "version 0");
    let watched = &places[1..];
    let mut missing = 0;
    let look = || missing += watched.iter().filter(|place| fs::read(place).is_err()).count();
    meanwhile(look, || {
        for version in 1..20 {
            replace(&places[0], format!("version {version}"));
            wait_for_text(&places, &format!("version {version}"));
        }
    });
    assert_eq!(missing, 0);
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `deleted` of tests/cross/README.md")]
fn removed_files_and_trees_are_removed_everywhere() {
    let shared = Shared::live(&["work", "play"]);
    let kept = shared.places("projects/kept/transcript.jsonl");
    write(&kept[0], "kept\n"); // a side that is emptied is another matter
    let files = [0, 1, 2].map(|remover| shared.places(format!("plans/plan-{remover}.md")));
    let trees = [0, 1, 2].map(|remover| shared.places(format!("projects/tree-{remover}")));
    for (remover, (file, tree)) in files.iter().zip(&trees).enumerate() {
        write(&file[remover], "plan");
        for leaf in ["a.jsonl", "b/c.md", "b/d/e.md", "f/g.md"] {
            let text = format!("{leaf}\n");
            write(&tree[(remover + 1) % 3].join(leaf), &text);
            wait_for_text(&tree.clone().map(|place| place.join(leaf)), &text);
        }
        wait_for_text(file, "plan");
    }
    // Removals wait for a quiet moment: so all of them, then one wait.
    for remover in 0..3 {
        fs::remove_file(&files[remover][remover]).unwrap();
        fs::remove_dir_all(&trees[remover][remover]).unwrap();
    }
    wait_for_end_of(&files.concat());
    wait_for_end_of(&trees.concat());
    shared.settle();
    assert_eq!((shared.rescued("work"), shared.rescued("play")), (vec![], vec![]));
}

#[test]
fn a_removal_does_not_wait_for_those_who_keep_writing() {
    let shared = Shared::live(&["work", "play"]);
    let plan = shared.places("plans/plan.md");
    write(&plan[0], "plan");
    wait_for_text(&plan, "plan");
    fs::remove_file(&plan[0]).unwrap();
    let mut written = 0;
    wait_until("the plan is gone while others are written", || {
        written += 1;
        write(&shared.hub(format!("plans/other-{written}.md")), "other");
        plan.iter().all(|place| !place.exists())
    });
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `deleted` of tests/cross/README.md")]
fn a_renamed_directory_takes_its_files_along() {
    let shared = Shared::live(&["work", "play"]);
    let (old, new) = (shared.places("projects/old"), shared.places("projects/new"));
    write(&old[0].join("deep/transcript.jsonl"), "1\n");
    wait_for_text(&old.clone().map(|place| place.join("deep/transcript.jsonl")), "1\n");
    fs::rename(&old[0], &new[0]).unwrap();
    wait_for_text(&new.clone().map(|place| place.join("deep/transcript.jsonl")), "1\n");
    wait_for_end_of(&old);
    // The directories are watched under their new names.
    write(&new[2].join("deep/later.md"), "later");
    wait_for_text(&new.clone().map(|place| place.join("deep/later.md")), "later");
}

#[cfg(unix)] // a helper is stopped for a while
#[test]
fn a_tree_that_is_removed_while_something_new_is_written_into_it_keeps_the_new() {
    let shared = Shared::live(&["work", "play"]);
    let tree = shared.places("projects/tree");
    write(&tree[0].join("deep/old.md"), "old");
    wait_for_text(&tree.clone().map(|place| place.join("deep/old.md")), "old");
    shared.asleep(&["work", "play"], || {
        fs::remove_dir_all(&tree[1]).unwrap();
        write(&tree[0].join("deep/new.md"), "new");
    });
    wait_for_text(&tree.clone().map(|place| place.join("deep/new.md")), "new");
    wait_for_end_of(&tree.map(|place| place.join("deep/old.md")));
}

#[cfg(unix)] // a helper is stopped for a while
#[test]
fn what_both_sides_replaced_is_kept_twice() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/-srv-example/memory/MEMORY.md");
    write(&places[0], "first");
    wait_for_text(&places, "first");
    age(&places[0], 60);
    shared.asleep(&["work", "play"], || {
        replace(&places[0], "older");
        age(&places[0], 5);
        replace(&places[2], "newer");
    });
    wait_for_text(&places, "newer");
    shared.settle();
    let mut rescued = shared.rescued("work");
    rescued.extend(shared.rescued("play"));
    assert_eq!(rescued, [("projects/-srv-example/memory/MEMORY.md".into(), "older".into())]);
}

#[cfg(unix)] // a helper is stopped for a while
#[test]
fn what_is_appended_to_a_file_that_is_just_being_replaced_elsewhere_is_kept() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/-srv-example/transcript.jsonl");
    write(&places[0], "1\n");
    wait_for_text(&places, "1\n");
    shared.asleep(&["work", "play"], || {
        replace(&places[0], "rewritten\n");
        age(&places[0], 1);
        append(&places[2], "appended\n");
    });
    wait_for_text(&places, "rewritten\nappended\n");
}

/// Whoever may make symbolic links is told nothing, and anybody else once.
#[cfg(windows)]
#[test]
fn what_cannot_be_linked_is_shared_in_the_next_best_way_and_that_is_said_once() {
    let shared = Shared::new(&["work"]);
    let work = shared.sandbox.bind("bound/work", "work");
    let holder = crate::support::Holder::start(&shared.sandbox);
    let evaluate = || {
        let mut command = crate::support::session::evaluation(&shared.sandbox, &work, holder.pid());
        command.env_remove("CLAUTH_LINK_MODE");
        crate::support::finished::Finished::run(command).success()
    };
    let told = evaluate();
    let mode = text(&shared.profile("work").join("base/links"));
    let means = match mode.as_deref() {
        None => None,
        Some("junction") => Some("junctions and copies"),
        Some("copy") => Some("copies"),
        Some(other) => panic!("{other} is not a mode"),
    };
    let is_said =
        |means| told.stderr().starts_with("clauth: symbolic links cannot be made for ") && told.stderr().ends_with(&format!("by {means}\n"));
    assert!(means.map_or(told.stderr().is_empty(), is_said), "{mode:?}: {told:?}");
    assert_eq!(evaluate().stderr(), "");
    for name in ["CLAUDE.md", "commands/review.md"] {
        wait_until(name, || text(&shared.own("work", name)) == text(&shared.hub(name)));
    }
}

#[test]
#[cfg(unix)] // a client that goes on without what started it is made by a shell
fn what_a_session_in_the_background_writes_is_shared_though_no_shell_uses_the_profile() {
    let shared = Shared::new(&["work"]);
    // As `claude --bg` does it: what was called ends, and a client goes on that says so in `sessions/`.
    let started = shared.sandbox.clauth(&[
        "exec",
        "work",
        "--",
        "/bin/sh",
        "-c",
        "mkdir -p \"$CLAUDE_CONFIG_DIR/sessions\"; tail -f /dev/null >/dev/null 2>&1 & echo {} >\"$CLAUDE_CONFIG_DIR/sessions/$!.json\"; echo $!",
    ]);
    let client: i32 = started.stdout().trim().parse().unwrap();
    wait_until("the client holds the profile", || shared.sandbox.clauth(&["list", "--json"]).json()["profiles"][0]["in_use_by"] == 1);
    write(&shared.own("work", "projects/p/talk.jsonl"), "line\n");
    wait_for_text(&[shared.hub("projects/p/talk.jsonl")], "line\n");
    kill_process(Pid::from_raw(client).unwrap(), Signal::KILL).unwrap();
    wait_until("the helper has retired", || shared.sandbox.processes_named("clauth helper work").is_empty());
}
