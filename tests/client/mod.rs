//! `tests/client/review`, with a made-up client of a few lines, and tables and names of no concern
//! that explain it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::files::write;
use crate::support::shell::skip;

const PYTHON: &str = "/usr/bin/python3";

/// The made-up client: what each part of the review looks for, once, in the client's own shape.
const CLIENT: &str = r#"
// Version: 1.2.3
import{homedir as h}from"os";import{join as j}from"path";
var dir=memo(()=>(env()??j(h(),".claude")));var all={};eo(all,{CLAUDE_CONFIG_DIR:()=>a,CLAUDE_CODE_FLAG:()=>b});
function sec(){let e=process.env.CLAUDE_SECURESTORAGE_CONFIG_DIR;if(e!==void 0)return e}
var schema={apiKeyHelper:()=>s,theme:()=>s};
var login=j(dir(),"login.json");var log=j(dir(),"logs",`${n}.log`);
function get(){let e=q(),x=c.readCache();return x}
function put(e){return 1}var names={"saveGlobalConfig":put};
function project(){return get().projects[k]}
function putProject(e){let x=q();if(y()&&e.unhandledWritesInMemory)return 1}var more={"saveCurrentProjectConfig":putProject};
var first={return{numStartups:0,theme:"dark"}};var record={allowedTools:[],history:[]};
var who=get().oauthAccount;
export{dir,sec};
"#;

const TABLES: &[(&str, &str)] = &[
    ("names", "login.json\tprivate\n"),
    ("state-keys", "numStartups\tshared\noauthAccount\tprivate\ntheme\tshared\n"),
    ("variables", "CLAUDE_CONFIG_DIR\texport\nCLAUDE_SECURESTORAGE_CONFIG_DIR\tset aside\n"),
    ("settings-keys", "apiKeyHelper\tdoctor\n"),
    ("locks", ""),
];

const NO_CONCERN: &[(&str, &str)] = &[
    ("names", "== logs\nlogs/*.log\n"),
    ("state-keys", "== records of projects\nprojects projects[*].allowedTools projects[*].history\n"),
    ("variables", "== a switch\nCLAUDE_CODE_FLAG\n"),
    ("settings-keys", "== looks\ntheme\n"),
];

/// A directory with a made-up client and what explains it.
struct Room {
    base: PathBuf,
}

impl Room {
    /// Returns `None`, and says so, where there is no Python.
    fn new(name: &str) -> Option<Self> {
        if !Path::new(PYTHON).exists() {
            skip("no /usr/bin/python3 to run tests/client/review", "CLAUTH_REQUIRE_SHELLS");
            return None;
        }
        let base = std::env::temp_dir().join(format!("clauth-review-{name}-{}", std::process::id()));
        let room = Self { base };
        for (table, rows) in TABLES {
            let head = format!("# Checked against Claude Code 1.2.3\nname\ttreatment\n{rows}");
            write(&room.base.join("tables").join(table).with_extension("tsv"), head);
        }
        for (kind, text) in NO_CONCERN {
            write(&room.base.join("no-concern").join(kind).with_extension("txt"), text);
        }
        room.set_client(CLIENT);
        Some(room)
    }

    /// Writes a client as a native program holds its code: between other bytes.
    fn set_client(&self, code: &str) {
        let program = format!("\x7fELF\0\0// @bun @bytecode\n// (c) somebody\n{code}\0rest");
        write(&self.client(), program);
    }

    fn client(&self) -> PathBuf {
        self.base.join("claude")
    }

    fn review(&self, client: &Path, more: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/review");
        let mut command = Command::new(PYTHON);
        command.arg(script).arg(client).args(more);
        command.arg("--tables").arg(self.base.join("tables"));
        command.arg("--no-concern").arg(self.base.join("no-concern"));
        command.output().unwrap()
    }

    /// Reviews the client, and returns the exit status and the lines of what is new or gone.
    fn found(&self) -> (Option<i32>, Vec<String>) {
        let output = self.review(&self.client(), &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        let columns = |line: &str| line.split('\t').take(3).collect::<Vec<_>>().join(" ");
        let lines = text.lines().filter(|line| line.contains('\t')).map(columns).collect();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), lines)
    }

    /// Reviews a client that cannot be reviewed, and returns the message.
    fn error(&self, client: &Path) -> String {
        let output = self.review(client, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

#[test]
fn a_client_that_the_tables_explain_has_nothing_new_or_gone() {
    let Some(room) = Room::new("explained") else { return };
    assert_eq!(room.found(), (Some(0), vec![]));
}

#[test]
fn what_is_new_in_a_client_is_found_by_kind() {
    let Some(room) = Room::new("new") else { return };
    let code = CLIENT
        .replace("CLAUDE_CODE_FLAG:()=>b", "CLAUDE_CODE_FLAG:()=>b,CLAUDE_CODE_NEW_TOKEN:()=>c")
        .replace("theme:()=>s", "theme:()=>s,newKey:()=>s")
        .replace("var who=", "var now=get().newAccount;var who=")
        .replace("var log=", "var other=j(dir(),\"new.json\");var log=");
    room.set_client(&code);
    let new = ["new name new.json", "new state key newAccount", "new variable CLAUDE_CODE_NEW_TOKEN", "new settings key newKey"];
    assert_eq!(room.found(), (Some(1), new.map(str::to_owned).to_vec()));
}

#[test]
fn what_a_client_no_longer_has_is_found_by_kind() {
    let Some(room) = Room::new("gone") else { return };
    let code = CLIENT
        .replace(",CLAUDE_CODE_FLAG:()=>b", "")
        .replace(",theme:()=>s", "")
        .replace("var who=get().oauthAccount;", "")
        .replace("\"login.json\"", "n");
    room.set_client(&code);
    let gone = ["gone name login.json", "gone state key oauthAccount", "gone variable CLAUDE_CODE_FLAG", "gone settings key theme"];
    assert_eq!(room.found(), (Some(1), gone.map(str::to_owned).to_vec()));
}

#[test]
fn another_version_is_said_and_fails_only_where_it_is_asked_for() {
    let Some(room) = Room::new("version") else { return };
    assert_eq!(room.review(&room.client(), &["--check-version"]).status.code(), Some(0));
    room.set_client(&CLIENT.replace("1.2.3", "1.2.4"));
    let output = room.review(&room.client(), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("variables.tsv was checked against 1.2.3, this client is 1.2.4"), "{text}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(room.review(&room.client(), &["--check-version"]).status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_reviewed_is_one_line_on_stderr() {
    let Some(room) = Room::new("errors") else { return };
    assert!(room.error(&room.base.join("absent")).contains("No such file or directory"));
    assert!(room.error(&room.base).contains("Is a directory"));
    let file = room.base.join("file");
    write(&file, "");
    assert!(room.error(&file).contains("the file is empty"));
    write(&file, "#!/usr/bin/env node\nconsole.log(1)\n");
    assert!(room.error(&file).contains("holds no embedded JavaScript"));
    room.set_client("// Version: 1.2.3\nvar other=1;");
    assert!(room.error(&room.client()).contains("is written otherwise"));
    write(&room.base.join("tables/locks.tsv"), "lock\tguards\n");
    assert!(room.error(&file).contains("does not name the client"));
}

#[test]
fn a_name_that_is_explained_twice_is_an_error() {
    let Some(room) = Room::new("twice") else { return };
    write(&room.base.join("no-concern/variables.txt"), "== why\nCLAUDE_CONFIG_DIR\n");
    assert!(room.error(&room.client()).contains("CLAUDE_CONFIG_DIR is a row of the table, too"));
}
