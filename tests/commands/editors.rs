//! `clauth setup --editors`: one setting in each editor, with no other byte touched, and back.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use jsonc_parser::cst::CstRootNode;

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::files::everything_below;
use crate::support::finished::Finished;

pub(super) const KEY: &str = "claudeCode.claudeProcessWrapper";
pub(super) const SET_UP: [&str; 3] = ["setup", "--editors", "--yes"];
const UNINSTALL: [&str; 3] = ["setup", "--uninstall", "--yes"];

/// Settings as people have them; each is written right.
const WRITABLE: [(&str, &str); 27] = [
    ("empty", ""),
    ("blank", " \n\n"),
    ("braces", "{}"),
    ("braces and a line", "{}\n"),
    ("braces apart", "{\n}\n"),
    ("braces with a blank", "{ }"),
    ("usual", "{\n    \"editor.fontSize\": 13,\n    \"files.autoSave\": \"off\"\n}\n"),
    ("no last line break", "{\n    \"a\": 1\n}"),
    ("trailing comma", "{\n    \"a\": 1,\n}\n"),
    ("two blanks", "{\n  \"a\": {\n    \"b\": [1, 2]\n  }\n}\n"),
    ("tabs", "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": 2\n\t}\n}\n"),
    ("windows", "{\r\n    \"a\": 1,\r\n    \"b\": 2\r\n}\r\n"),
    ("windows, with comments", "// c\r\n{ // d\r\n    \"a\": 1 // e\r\n}\r\n"),
    ("mark", "\u{feff}{\n    \"a\": 1\n}\n"),
    ("mark alone", "\u{feff}"),
    ("one line", "{\"a\":1}"),
    ("one line, apart", "{ \"a\": 1, \"b\": 2 }\n"),
    (
        "comments everywhere",
        "// top\n/* two\n lines */ { // at the brace\n    // of a\n    \"a\": /* in */ 1, // behind a\n    /* of b */ \"b\": 2 // behind b\n    // last\n} // end\n/* over */\n",
    ),
    ("comments alone", "// nothing yet\n/* at all */"),
    ("comments in braces", "{\n    // \"a\": 1,\n}\n"),
    ("a block comment in braces", "{ /* none */ }"),
    (
        "the key in a comment",
        "{\n    // \"claudeCode.claudeProcessWrapper\": \"/mine\",\n    \"a\": \"\\\"claudeCode.claudeProcessWrapper\\\": 1 // {\"\n}\n",
    ),
    ("other keys twice", "{\n    \"a\": 1,\n    \"a\": 2\n}\n"),
    ("nothing as a value", "{\n    \"claudeCode.claudeProcessWrapper\": \"\", // off\n    \"a\": 1\n}\n"),
    ("null as a value", "{\n    \"claudeCode.claudeProcessWrapper\": null\n}\n"),
    ("the key deeper", "{\n    \"[x]\": {\"claudeCode.claudeProcessWrapper\": \"/deep\"}\n}\n"),
    ("other letters", "{\n    \"日本\": \"é\\u00e9\",\n    \"b\\/c\": [ ]\n}\n"),
];

/// Settings that are left as they are: the user's own wrapper.
const TAKEN: [(&str, &str); 3] = [
    ("own", "{\n    \"claudeCode.claudeProcessWrapper\": \"/opt/mine\",\n}\n"),
    ("own, twice", "{\"claudeCode.claudeProcessWrapper\": null, \"claudeCode.claudeProcessWrapper\": \"/opt/mine\"}"),
    ("own, in other words", "{\"claudeCode\\u002eclaudeProcessWrapper\": \"/opt/mine\"}"),
];

/// Settings that nobody can be sure of.
const BROKEN: [(&str, &[u8]); 7] = [
    ("cut off", b"{\n    \"a\": 1,\n"),
    ("no comma", b"{\n    \"a\": 1\n    \"b\": 2\n}\n"),
    ("a list", b"[1]\n"),
    ("two values", b"{} {}\n"),
    ("single quotes", b"{'a': 1}\n"),
    ("not UTF-8", b"{\"a\": \"caf\xe9\"}\n"),
    ("text", b"hello\n"),
];

fn wrapper(sandbox: &Sandbox) -> String {
    text(sandbox.path("home/.clauth/bin/claude-wrapper"))
}

/// Returns what the last key of this name says.
fn value(settings: &str, path: &[&str]) -> Option<String> {
    let tree = CstRootNode::parse(settings.trim_start_matches('\u{feff}'), &jsonc_parser::ParseOptions::default()).unwrap();
    let (key, above) = path.split_last().unwrap();
    let object = above.iter().fold(tree.object_value(), |object, key| object?.get(key)?.object_value());
    let property = object?.properties().into_iter().rfind(|property| property.decoded_name().as_deref() == Some(key))?;
    property.value()?.as_string_lit()?.decoded_value().ok()
}

/// Asserts that a text differs from another by one piece alone, which stands there instead of at most a value that said nothing.
fn assert_only_a_piece_differs(name: &str, before: &str, after: &str) {
    let (before, after) = (before.as_bytes(), after.as_bytes());
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let start = before.iter().zip(after).take_while(same).count();
    let end = before[start..].iter().rev().zip(after[start..].iter().rev()).take_while(same).count();
    let gone = String::from_utf8_lossy(&before[start..before.len() - end]);
    assert!(["", "null"].contains(&gone.as_ref()), "{name}: {gone:?} is gone from {}", String::from_utf8_lossy(after));
}

fn profile(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("home/.config/Code/User/profiles").join(name).join("settings.json")
}

fn contents(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = everything_below(&sandbox.path("home/.config")).into_iter();
    files.map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect()
}

#[test]
fn each_layout_is_written_right_and_given_back_byte_for_byte() {
    let sandbox = Sandbox::new();
    let large = format!(
        "{{\n{}    \"last\": 0\n}}\n",
        (0..50_000).map(|number| format!("    \"key.{number}\": \"some value of it\", // said\n")).collect::<String>()
    );
    assert!(large.len() > 2_000_000);
    let writable: Vec<_> = WRITABLE.into_iter().chain([("large", large.as_str())]).collect();
    for (name, text) in writable.iter().chain(&TAKEN) {
        sandbox.write(profile(&sandbox, name), text);
    }
    for (name, bytes) in BROKEN {
        sandbox.write(profile(&sandbox, name), bytes);
    }
    let before = contents(&sandbox);
    let told = sandbox.clauth(&SET_UP).failure();
    for (name, text) in &writable {
        let after = fs::read_to_string(profile(&sandbox, name)).unwrap();
        assert_eq!(value(&after, &[KEY]), Some(wrapper(&sandbox)), "{name}: {after}");
        assert_only_a_piece_differs(name, text, &after);
    }
    for (name, _) in TAKEN {
        let file = profile(&sandbox, name);
        assert_eq!(fs::read(&file).unwrap(), before[&file], "{name}");
        assert!(told.stderr().contains(&format!("/opt/mine, which stays: {}", file.display())), "{told:?}");
    }
    for (name, _) in BROKEN {
        let file = profile(&sandbox, name);
        assert_eq!(fs::read(&file).unwrap(), before[&file], "{name}");
        let by_hand = format!("add \"{KEY}\": \"{}\" to it by hand", wrapper(&sandbox));
        let lines: Vec<_> = told.stderr().lines().filter(|line| line.contains(&format!("{} is not changed (", file.display()))).collect();
        assert!(lines.len() == 1 && lines[0].ends_with(&by_hand), "{name}: {told:?}");
    }
    // A second time there is nothing to do.
    let written = contents(&sandbox);
    sandbox.clauth(&SET_UP).failure();
    assert_eq!(contents(&sandbox), written);
    sandbox.clauth(&UNINSTALL).success();
    assert!(contents(&sandbox) == before, "every byte is back");
    assert!(!sandbox.path("home/.clauth").exists());
}

#[test]
fn the_layout_of_the_file_is_kept() {
    let sandbox = Sandbox::new();
    let cases = [
        ("usual", "{\n    KEY,\n    \"editor.fontSize\": 13,\n    \"files.autoSave\": \"off\"\n}\n"),
        ("tabs", "{\n\tKEY,\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": 2\n\t}\n}\n"),
        ("windows", "{\r\n    KEY,\r\n    \"a\": 1,\r\n    \"b\": 2\r\n}\r\n"),
        ("windows, with comments", "// c\r\n{ // d\r\n    KEY,\r\n    \"a\": 1 // e\r\n}\r\n"),
        ("empty", "{\n    KEY\n}\n"),
        ("braces", "{\n    KEY\n}"),
        ("braces apart", "{\n    KEY\n}\n"),
        ("one line", "{KEY, \"a\":1}"),
        ("one line, apart", "{ KEY, \"a\": 1, \"b\": 2 }\n"),
        ("comments alone", "// nothing yet\n/* at all */\n{\n    KEY\n}\n"),
    ];
    for (name, _) in cases {
        let text = WRITABLE.iter().find(|(known, _)| *known == name).unwrap().1;
        sandbox.write(profile(&sandbox, name), text);
    }
    sandbox.clauth(&SET_UP).success();
    let member = format!("\"{KEY}\": \"{}\"", wrapper(&sandbox));
    for (name, expected) in cases {
        assert_eq!(fs::read_to_string(profile(&sandbox, name)).unwrap(), expected.replace("KEY", &member), "{name}");
    }
}

#[test]
fn each_editor_is_told_in_its_own_place_and_what_was_made_is_gone_again() {
    let mut sandbox = Sandbox::new();
    let editors = [
        (".config/Code", "User/settings.json"),
        (".config/Code - Insiders", "User/settings.json"),
        (".config/VSCodium", "User/settings.json"),
        (".config/Cursor", "User/settings.json"),
        (".config/Windsurf", "User/settings.json"),
        (".config/Antigravity", "User/settings.json"),
        (".local/share/code-server", "User/settings.json"),
        (".vscode-server", "data/Machine/settings.json"),
        (".cursor-server", "data/Machine/settings.json"),
        ("Library/Application Support/Code", "User/settings.json"),
    ];
    for (directory, _) in editors {
        sandbox.mkdir(Path::new("home").join(directory));
    }
    sandbox.mkdir("home/.config/Cursor/User/profiles/-1a2b");
    sandbox.mkdir("home/.config/zed");
    let all = |sandbox: &Sandbox| everything_below(&sandbox.home());
    let before = all(&sandbox);
    let told = sandbox.clauth(&SET_UP).success();
    assert!(
        told.stderr().contains("reload the open windows of VS Code (Developer: Reload Window)") && told.stderr().contains("restart Zed"),
        "{told:?}"
    );
    let extra = [(".config/Cursor", "User/profiles/-1a2b/settings.json")];
    for (directory, file) in editors.iter().chain(&extra) {
        let settings = sandbox.read(Path::new("home").join(directory).join(file));
        assert_eq!(value(&settings, &[KEY]), Some(wrapper(&sandbox)), "{directory}");
    }
    let zed = sandbox.read("home/.config/zed/settings.json");
    let entry = ["agent_servers", "claude-acp"];
    assert_eq!(value(&zed, &[entry[0], entry[1], "env", "CLAUDE_CODE_EXECUTABLE"]), Some(text(sandbox.path("home/.clauth/bin/claude"))));
    assert_eq!(value(&zed, &[entry[0], entry[1], "type"]).as_deref(), Some("registry"));
    sandbox.clauth(&UNINSTALL).success();
    assert_eq!(all(&sandbox), before, "no trace");
    // Where the user has chosen another place.
    let elsewhere = sandbox.mkdir("elsewhere/Code");
    sandbox.set_variable("XDG_CONFIG_HOME", elsewhere.parent().unwrap());
    sandbox.clauth(&SET_UP).success();
    assert!(elsewhere.join("User/settings.json").exists() && !sandbox.path("home/.config/Code/User").exists());
}

#[test]
fn what_zed_has_already_stays_around_it() {
    let sandbox = Sandbox::new();
    let path = ["agent_servers", "claude-acp", "env", "CLAUDE_CODE_EXECUTABLE"];
    let settings = [
        "{\n  \"theme\": \"One Dark\",\n}\n",
        "// Zed\n{\n  \"agent_servers\": {\n    // mine\n    \"codex\": { \"type\": \"registry\" },\n  },\n}\n",
        "{\n  \"agent_servers\": {\n    \"claude-acp\": {\n      \"type\": \"custom\",\n      \"env\": {}, // none\n    },\n  },\n}\n",
        "{\"agent_servers\": {\"claude-acp\": {\"env\": {\"A\": \"b\"}}}}",
    ];
    for before in settings {
        let file = sandbox.write("home/.config/zed/settings.json", before);
        sandbox.clauth(&SET_UP).success();
        let after = fs::read_to_string(&file).unwrap();
        assert_eq!(value(&after, &path), Some(text(sandbox.path("home/.clauth/bin/claude"))), "{after}");
        assert_only_a_piece_differs("zed", before, &after);
        sandbox.clauth(&UNINSTALL).success();
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }
    sandbox.write("home/.config/zed/settings.json", "{\"agent_servers\": []}");
    sandbox.clauth(&SET_UP).complains(1, "its `agent_servers` is not an object");
    // Zed runs the shim, and whoever wants none has none.
    sandbox.write("home/.config/zed/settings.json", "{}");
    let told = sandbox.clauth(&["setup", "--editors", "--no-shim", "--yes"]).success();
    assert!(told.stderr().contains("Zed needs the shim"), "{told:?}");
    assert_eq!(sandbox.read("home/.config/zed/settings.json"), "{}");
}

#[test]
fn what_the_user_changed_since_stays_when_the_setting_goes() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("home/.config/Code/User/settings.json", "{}\n");
    sandbox.clauth(&SET_UP).success();
    let member = format!("\"{KEY}\": \"{}\"", wrapper(&sandbox));
    let own = format!("{{\n    // mine\n    \"a\": 1, // one\n    {member}, // clauth\n    \"b\": 2\n}}\n");
    fs::write(&file, own).unwrap();
    sandbox.clauth(&["setup", "--uninstall", "--editors", "--yes"]).success();
    let left = fs::read_to_string(&file).unwrap();
    assert!(!left.contains(KEY) && left.contains("// mine\n    \"a\": 1, // one\n") && left.contains("    \"b\": 2\n}\n"), "{left}");
    assert!(sandbox.path("home/.clauth/bin/claude-wrapper").exists(), "only the editors");
    // A wrapper of their own that came later is theirs.
    sandbox.clauth(&SET_UP).success();
    let own = format!("{{\"{KEY}\": \"/opt/mine\"}}");
    fs::write(&file, &own).unwrap();
    sandbox.clauth(&UNINSTALL).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), own);
    // Without a record it is known by what it names; and what another editor would make of a key does not matter.
    fs::write(&file, "{\n    \"agent_servers\": 1\n}\n").unwrap();
    sandbox.clauth(&SET_UP).success();
    sandbox.clauth(&UNINSTALL).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\n    \"agent_servers\": 1\n}\n");
    fs::write(&file, "{\n    \"a\": 1\n}\n").unwrap();
    sandbox.clauth(&SET_UP).success();
    fs::remove_file(sandbox.path("home/.clauth/editors.json")).unwrap();
    sandbox.clauth(&UNINSTALL).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\n    \"a\": 1\n}\n");
}

#[test]
fn links_are_written_through_and_modes_and_read_only_files_stay() {
    let sandbox = Sandbox::new();
    let before = "{\n    \"a\": 1\n}\n";
    let real = sandbox.write("dotfiles/settings.json", before);
    let link = sandbox.mkdir("home/.config/Code/User").join("settings.json");
    symlink("../../../../dotfiles/settings.json", &link).unwrap();
    fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    let dangling = sandbox.mkdir("home/.config/Cursor/User").join("settings.json");
    symlink(sandbox.path("dotfiles/cursor.json"), &dangling).unwrap();
    let read_only = sandbox.write("home/.config/VSCodium/User/settings.json", before);
    fs::set_permissions(&read_only, Permissions::from_mode(0o444)).unwrap();
    let nowhere = sandbox.mkdir("home/.config/Windsurf/User").join("settings.json");
    symlink("/no/such/directory/settings.json", &nowhere).unwrap();
    let told = sandbox.clauth(&SET_UP).failure();
    assert!(told.stderr().contains(&format!("{} is not changed (could not write ", nowhere.display())), "{told:?}");
    assert!(!sandbox.read("home/.clauth/editors.json").contains("Windsurf"));
    assert!(told.stderr().contains(&format!("{} is not changed (it is read-only); add ", read_only.display())), "{told:?}");
    assert_eq!(fs::read_to_string(&read_only).unwrap(), before);
    for link in [&link, &dangling] {
        assert!(link.is_symlink());
        assert_eq!(value(&fs::read_to_string(link).unwrap(), &[KEY]), Some(wrapper(&sandbox)));
    }
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    sandbox.clauth(&UNINSTALL).success();
    assert!(link.is_symlink() && dangling.is_symlink() && !sandbox.path("dotfiles/cursor.json").exists());
    assert_eq!(fs::read_to_string(&real).unwrap(), before);
}

#[test]
fn the_whole_setup_offers_it_and_goes_on_without() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.bashrc", "");
    let file = sandbox.write("home/.config/Code/User/settings.json", "{}\n");
    let told = sandbox.clauth(&["setup", "--shell", "bash", "--yes"]).success();
    assert!(told.stderr().contains("VS Code: ") && told.stderr().contains("reload the open windows of VS Code"), "{told:?}");
    assert_eq!(value(&fs::read_to_string(&file).unwrap(), &[KEY]), Some(wrapper(&sandbox)));
    sandbox.clauth(&UNINSTALL).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}\n");
    // Without consent nothing is written; what is in place already needs none.
    sandbox.clauth(&["setup", "--editors"]).exits_with(1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}\n");
    sandbox.clauth(&SET_UP).success();
    assert!(sandbox.clauth(&["setup", "--editors"]).success().complaint().contains("told already"));
}

pub(super) fn no_editor_found(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let told = sandbox.clauth(&SET_UP);
    let known = told.stderr().split_once('(').unwrap().1.split_once("); start").unwrap().0.to_owned();
    assert!(known.starts_with("VS Code, ") && known.contains("Zed"), "{known}");
    (told, Mistake::NoEditorFound { known, line: format!("\"{KEY}\": \"{}\"", wrapper(sandbox)) })
}

pub(super) fn editor_settings(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.config/Code/User/settings.json", "[]");
    let line = format!("\"{KEY}\": \"{}\"", wrapper(sandbox));
    (sandbox.clauth(&SET_UP), Mistake::EditorSettings { file: text(file), reason: "it is not an object".into(), line })
}

pub(super) fn editor_settings_left(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.config/Code/User/settings.json", "{}");
    sandbox.clauth(&SET_UP).success();
    let broken = fs::read_to_string(&file).unwrap() + "}";
    fs::write(&file, &broken).unwrap();
    let told = sandbox.clauth(&UNINSTALL);
    assert!(fs::read_to_string(&file).unwrap() == broken && sandbox.path("home/.clauth/bin/claude-wrapper").exists());
    let reason = told.stderr().split_once("setting (").unwrap().1.split_once("); take").unwrap().0.to_owned();
    assert!(reason.starts_with("line 3: "), "{reason}");
    (told, Mistake::EditorSettingsLeft { file: text(file), reason, line: format!("the line with \"{}\"", wrapper(sandbox)) })
}

pub(super) fn editor_starts_it(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.config/Code/User/settings.json", "{}");
    sandbox.clauth(&SET_UP).success();
    let told = sandbox.clauth(&["shim", "remove"]);
    assert!(sandbox.path("home/.clauth/bin/claude-wrapper").exists());
    (told, Mistake::EditorStartsIt { file: text(file) })
}
