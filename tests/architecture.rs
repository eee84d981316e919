//! The code held to its design: small files, platform and environment in their one room, arrows that point down.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, each with those that it may enter, from the top down: none may enter one that stands above it.
const ROOMS: &[(&str, &str)] = &[
    ("main", "cli command context layout name env error io"),
    ("cli", "command context name error"),
    ("command", "doctor editor session sharing context selection hub account profile config shell claude_code io layout env name error sys"),
    ("doctor", "editor session sharing context selection account profile shell claude_code io env name error sys"),
    ("session", "sharing context account profile config claude_code io layout env name error sys"),
    ("sharing", "context account profile hub shell claude_code io env error sys"),
    ("context", "claude_code selection hub account profile config io layout env name error sys"),
    ("selection", "profile config claude_code io layout env name error sys"),
    ("hub", "account config claude_code env error sys"),
    ("profile", "account claude_code io layout name error sys"),
    ("account", "claude_code io layout env name error sys"),
    ("editor", "claude_code io layout env"),
    ("config", "io layout env name error sys"),
    ("shell", "claude_code io layout env sys"),
    ("io", "claude_code layout env error sys"),
    ("layout", "env claude_code name error sys"),
    ("env", "claude_code error sys"),
    ("claude_code", ""),
    ("name", "error"),
    ("error", ""),
    ("sys", ""),
];

/// Holds a source file: its path below the crate, and its text without comments.
struct Source {
    path: PathBuf,
    lines: usize,
    code: String,
}

impl Source {
    /// The room: a directory of `src/`, or a file in it.
    fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src").unwrap();
        inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs")
    }

    fn is_in(&self, room: &str) -> bool {
        self.path.starts_with("src") && self.room() == room
    }

    /// Returns the lines of code that say one of these, as failures to show.
    fn saying(&self, words: &[&str]) -> Vec<String> {
        let found = self.code.lines().filter(|line| words.iter().any(|word| line.contains(word)));
        found.map(|line| format!("{}: {}", self.path.display(), line.trim())).collect()
    }
}

/// Returns every file below a directory of the crate.
fn sources(directory: &str) -> Vec<Source> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![base.join(directory)];
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        found.push(Source { path: path.strip_prefix(base).unwrap().into(), lines: text.lines().count(), code });
    }
    found
}

/// Returns the rooms that code names by `crate::room` or `crate::{room::…, room}`.
fn rooms_entered(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|one| one.is_alphanumeric() || *one == '_').collect::<String>();
    let mut rooms = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            rooms.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for character in group.chars() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => drop(rooms.insert(word(&std::mem::take(&mut item)))),
                _ => {}
            }
            if depth == 0 && character != ',' {
                item.push(character);
            }
        }
        rooms.insert(word(&item));
    }
    rooms.remove("");
    rooms
}

#[test]
fn entered_rooms_are_found_in_every_spelling() {
    let code = "use crate::io;\nuse crate::{env::{self, change}, sys, name::{DEFAULT}};\nfn f(x: &crate::layout::Layout) {}";
    assert_eq!(rooms_entered(code), ["env", "io", "layout", "name", "sys"].map(str::to_owned).into());
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let long: Vec<_> = ["src", "shells", "tests"].into_iter().flat_map(sources).filter(|source| source.lines > 400).collect();
    let long: Vec<_> = long.iter().map(|source| format!("{}: {}", source.path.display(), source.lines)).collect();
    assert!(long.is_empty(), "each does a second thing, which wants a room of its own: {long:#?}");
}

#[test]
fn arrows_point_down() {
    for (place, (room, entered)) in ROOMS.iter().enumerate() {
        for other in entered.split_whitespace() {
            let below = ROOMS[place + 1..].iter().any(|(name, _)| *name == other);
            assert!(below, "the table itself lets {room} enter {other}, which does not stand below it");
        }
    }
    let mut wrong = Vec::new();
    // `main` goes to its modules without saying that they are the crate's.
    let mut unused: BTreeSet<_> = ROOMS[1..].iter().flat_map(|(room, entered)| entered.split_whitespace().map(move |other| (*room, other))).collect();
    for source in sources("src") {
        let room = source.room();
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{} is in no room of the table", source.path.display()));
            continue;
        };
        let entered = rooms_entered(&source.code);
        unused.retain(|(from, to)| *from != room || !entered.contains(*to));
        wrong.extend(
            entered
                .iter()
                .filter(|other| *other != room && !allowed.split_whitespace().any(|room| room == *other))
                .map(|other| format!("{}: {room} -> {other}", source.path.display())),
        );
        // Two steps up from a room is the crate, by a way that the lines above do not see.
        wrong.extend(source.saying(&["super::super"]));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(unused.is_empty(), "nobody goes that way: {unused:?}");
}

#[test]
fn what_differs_between_systems_is_in_sys() {
    let conditions = |line: &String| ["unix", "windows", "target_"].iter().any(|word| line.contains(word));
    let elsewhere = sources("src").into_iter().filter(|source| !source.is_in("sys"));
    let said = elsewhere.flat_map(|source| source.saying(&["cfg(", "cfg!(", "cfg_attr("])).filter(conditions);
    // The mark of a test is no difference of the program.
    let wrong: Vec<_> = said.filter(|line| !line.contains("ignore = \"beyond Wine: row")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn unsafe_code_is_in_sys() {
    let elsewhere = sources("src").into_iter().filter(|source| !source.is_in("sys"));
    let wrong: Vec<_> = elsewhere.flat_map(|source| source.saying(&["unsafe ", "unsafe{", "unsafe_code"])).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_environment_is_read_in_env() {
    let elsewhere = sources("src").into_iter().filter(|source| !source.is_in("env"));
    let said = elsewhere.flat_map(|source| source.saying(&["std::env", "std::{env", "env::var(", "env::vars", "env::set_var"]));
    // Tests beside the code make files of their own; a program's decisions are elsewhere.
    let wrong: Vec<_> = said.filter(|line| !["temp_dir()", "current_exe()"].iter().any(|call| line.contains(call))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_is_kept_in_statics() {
    let words = ["static ", "LazyLock", "thread_local!"];
    let is_one = |line: &String| words.iter().any(|word| line.replace("'static ", "").contains(word)); // not a lifetime
    let wrong: Vec<_> = sources("src").into_iter().flat_map(|source| source.saying(&words)).filter(is_one).collect();
    assert!(wrong.is_empty(), "a context is passed down: {wrong:#?}");
}

/// Returns the first columns of the tables of the client.
fn names_of_the_client() -> BTreeSet<&'static str> {
    let tables = [
        include_str!("../src/claude_code/names.tsv"),
        include_str!("../src/claude_code/state-keys.tsv"),
        include_str!("../src/claude_code/variables.tsv"),
        include_str!("../src/claude_code/settings-keys.tsv"),
        include_str!("../src/claude_code/locks.tsv"),
    ];
    let names = tables.iter().flat_map(|table| table.lines().skip(2)).map(|row| row.split('\t').next().unwrap());
    // A plain word, and what every system has, can be anybody's.
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_systems =
        |name: &str| ["HOME", "USER", "APPDATA", "USERPROFILE", "TMPDIR"].contains(&name) || name.starts_with("XDG_") || name.contains("PROXY");
    names.filter(|name| !is_plain(name) && !is_systems(name) && *name != "NODE_EXTRA_CA_CERTS").collect()
}

#[test]
fn what_the_client_calls_things_is_in_its_room() {
    let (names, parts) = (names_of_the_client(), ["anthropic.com", "claude.com", "claude.ai", "Claude Code-", "-oauth", "Oauth"]);
    let mut wrong = Vec::new();
    for source in sources("src")
        .into_iter()
        .filter(|source| !source.is_in("claude_code") && !source.is_in("sys") && !source.path.iter().any(|part| part == "tests"))
    {
        // Tests beside the code have examples, and messages are for people.
        let code = source.code.split("#[cfg(test)]").next().unwrap_or_default();
        let literals = code.split('"').skip(1).step_by(2);
        let is_wrong = |literal: &&str| names.contains(*literal) || (!literal.contains(' ') && parts.iter().any(|part| literal.contains(part)));
        wrong.extend(literals.filter(is_wrong).map(|literal| format!("{}: {literal}", source.path.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
