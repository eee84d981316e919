//! Every variable that decides an account, set in the shell, with the real client: who serves where a profile is bound, and where a directory is refused.
//!
//! Two passes. In the first, all of them are set at once: one start of the client shows that none of them got through, though not which one would have. In
//! the second, those by which another account serves when nothing else is set have a start each, since two that get through together could cancel each
//! other. For each of these, the client is first asked in a directory that is not bound: there the variable must do what the table says, or the test could
//! not fail.

use std::os::unix::net::UnixListener;

use super::evidence::{Kind, assert_nobody, assert_only, make_anthropic_profile, senders, tokens};
use super::{answers, served_by, world};
use crate::support::client::variables_of_the_client;
use crate::support::finished::Finished;
use crate::support::length::is_long;
use crate::support::rig::{Freshness, Rig, read_json};
use crate::support::{Language, Shell, Startup, Terminal};

/// One message in one process. The descriptors are for the variables that name one.
const ASK: &str = "exec claude -p hi </dev/null 7<../elsewhere/key 8<../elsewhere/token";

/// The directory of bob's profile, and one that is bound to nothing, where carol serves.
const BOUND: &str = "private-life";
const PLAIN: &str = "plain";

/// A directory whose file nobody allowed, and one whose profile does not exist.
const REFUSED: [&str; 2] = ["cloned", "orphaned"];

/// The tokens, logins and sockets of mallory, whose account must never serve.
const KEY: &str = "sk-ant-api-mallory";

/// Each variable that makes somebody else serve, or the login unused, when it is set by itself; behind it, what it needs for that.
///
/// The two headers are two rows: each signs in its own way.
const ALONE: [&[&str]; 21] = [
    &["ANTHROPIC_API_KEY=KEY"],
    &["ANTHROPIC_AUTH_TOKEN=TOKEN"],
    &["ANTHROPIC_BASE_URL=http://other.test"],
    &["ANTHROPIC_CUSTOM_HEADERS=Authorization: Bearer TOKEN"],
    &["ANTHROPIC_CUSTOM_HEADERS=X-Trace: 1, X-Api-Key: 2\nx-api-key: KEY"],
    &["ANTHROPIC_PROFILE=default"],
    &["ANTHROPIC_UNIX_SOCKET=PLACE/socket"],
    &["CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR=7"],
    &["CLAUDE_CODE_CUSTOM_OAUTH_URL=http://other.test"],
    &["CLAUDE_CODE_OAUTH_TOKEN=TOKEN"],
    &["CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR=8"],
    &["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1"],
    &["CLAUDE_SECURESTORAGE_CONFIG_DIR=PLACE/mallory"],
    &[
        "ANTHROPIC_FEDERATION_RULE_ID=rule",
        "ANTHROPIC_ORGANIZATION_ID=22222222-2222-4222-8222-222222222222",
        "ANTHROPIC_IDENTITY_TOKEN=made-up",
        "ANTHROPIC_SERVICE_ACCOUNT_ID=service",
    ],
    &["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1", "CLAUDE_CODE_HOST_AUTH_ENV_VAR=ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN=TOKEN"],
    &[
        "CLAUDE_CODE_USE_ANTHROPIC_AWS=1",
        "ANTHROPIC_AWS_BASE_URL=http://aws.test",
        "ANTHROPIC_AWS_API_KEY=KEY",
        "ANTHROPIC_AWS_WORKSPACE_ID=w",
        "AWS_REGION=us-east-1",
    ],
    &[
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD=1",
        "ANTHROPIC_GOOGLE_CLOUD_BASE_URL=http://google.test",
        "CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH=1",
        "ANTHROPIC_GOOGLE_CLOUD_PROJECT=p",
        "ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID=w",
        "ANTHROPIC_GOOGLE_CLOUD_LOCATION=l",
    ],
    // Its own host, so that the client fails at once for want of a certificate.
    &["CLAUDE_CODE_USE_BEDROCK=1", "AWS_BEARER_TOKEN_BEDROCK=TOKEN", "AWS_REGION=us-east-1"],
    &["CLAUDE_CODE_USE_FOUNDRY=1", "ANTHROPIC_FOUNDRY_BASE_URL=http://foundry.test", "ANTHROPIC_FOUNDRY_API_KEY=KEY"],
    &["CLAUDE_CODE_USE_MANTLE=1", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL=http://mantle.test", "AWS_BEARER_TOKEN_BEDROCK=TOKEN", "AWS_REGION=us-east-1"],
    &[
        "CLAUDE_CODE_USE_VERTEX=1",
        "ANTHROPIC_VERTEX_BASE_URL=http://vertex.test",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH=1",
        "ANTHROPIC_VERTEX_PROJECT_ID=p",
        "CLOUD_ML_REGION=us-east5",
    ],
];

/// Holds the world of [`world`], with mallory's credentials in `elsewhere`, an Anthropic profile of hers in the default place, and refused directories.
struct Temptation {
    rig: Rig,
    token: String,
    /// Who bob is.
    uuid: String,
    /// Where requests would go that are not to go to the services; nobody answers, and whoever calls is waiting here.
    socket: UnixListener,
}

impl Temptation {
    fn new(freshness: Freshness) -> Option<Self> {
        let rig = world(freshness)?;
        let sandbox = &rig.sandbox;
        let [token, _] = tokens(&rig, "mallory");
        for (name, text) in [("key", KEY), ("token", &token), ("file", &token)] {
            sandbox.write(format!("elsewhere/{name}"), text);
        }
        make_anthropic_profile(&rig, &sandbox.home().join(".config/anthropic"), "mallory", Kind::Console);
        for directory in REFUSED {
            sandbox.mkdir(directory);
        }
        let profiles = ["ghost", "personal"];
        let _ = sandbox.clauth(&["add", profiles[0]]).success();
        let _ = sandbox.clauth(&["use", profiles[0], "--dir", sandbox.path(REFUSED[1]).to_str().unwrap()]).success();
        let _ = sandbox.clauth(&["remove", profiles[0], "--yes"]).success();
        sandbox.write(format!("{}/.clauth.toml", REFUSED[0]), format!("profile = \"{}\"\n", profiles[1]));
        let state = read_json(&sandbox.runtime("personal").join(".claude.json"));
        let uuid = state["oauthAccount"]["accountUuid"].as_str().unwrap().to_owned();
        let socket = UnixListener::bind(sandbox.path("elsewhere/socket")).unwrap();
        socket.set_nonblocking(true).unwrap();
        Some(Self { rig, token, uuid, socket })
    }

    /// Returns name and value of what a row of [`ALONE`] says.
    fn variable(&self, setting: &str) -> (String, String) {
        let (name, value) = setting.split_once('=').unwrap();
        let place = self.rig.sandbox.path("elsewhere");
        let value = value.replace("KEY", KEY).replace("TOKEN", &self.token).replace("PLACE", place.to_str().unwrap());
        (name.to_owned(), value)
    }

    /// Returns the variables of one row.
    fn row(&self, row: &[&str]) -> Vec<(String, String)> {
        row.iter().map(|setting| self.variable(setting)).collect()
    }

    /// Returns a value for a variable of which only the table is known, by its name: somebody else's token, file, address or identity, or a mark.
    fn value_for(&self, name: &str) -> String {
        let file = || self.rig.sandbox.path("elsewhere/file").to_str().unwrap().to_owned();
        match name {
            "CLAUDE_CODE_HOST_AUTH_ENV_VAR" => "MY_KEY".into(),
            "CLAUDE_CODE_OAUTH_SCOPES" | "ANTHROPIC_SCOPE" => "user:inference".into(),
            _ if name.ends_with("_FILE_DESCRIPTOR") => "8".into(),
            _ if ["_FILE", "_PATH", "_SOCKET"].iter().any(|end| name.ends_with(end)) => file(),
            _ if ["_URL", "_BASE"].iter().any(|end| name.ends_with(end)) => "http://other.test".into(),
            _ if ["_UUID", "_ID"].iter().any(|end| name.ends_with(end)) => "33333333-3333-4333-8333-333333333333".into(),
            _ if name.ends_with("_TOKEN") => self.token.clone(),
            _ => "1".into(),
        }
    }

    /// Returns all variables of the table that are treated so, with those that they need.
    fn all(&self, treatment: &str) -> Vec<(String, String)> {
        let mut all: Vec<_> = variables_of_the_client(treatment).map(|name| (name.to_owned(), self.value_for(name))).collect();
        if treatment == "set aside" {
            for (name, value) in ALONE.iter().flat_map(|row| self.row(row)) {
                all.retain(|(other, _)| *other != name);
                all.push((name, value));
            }
        }
        all
    }

    fn asks(&self) -> usize {
        self.rig.requests().len()
    }

    /// Asks in a terminal that bob should serve.
    #[track_caller]
    fn assert_bob(&self, terminal: &mut Terminal, what: &str) {
        let before = self.asks();
        let shell = terminal.shell().clone();
        let said = terminal.run(&shell.call(&["/bin/sh", "-c", ASK]));
        self.assert_bob_served(&said, before, what);
    }

    #[track_caller]
    fn assert_bob_served(&self, said: &str, before: usize, what: &str) {
        assert_eq!(answers(said), served_by("bob"), "{what}: {said}");
        assert_only(&self.rig, before, "bob", what);
        for request in self.rig.messages().iter().filter(|request| request["account"] == "bob") {
            assert!(request["user_id"].to_string().contains(&self.uuid), "{what}: the client took itself for somebody else: {request}");
        }
        assert!(self.socket.accept().is_err(), "{what}: the socket was called");
    }

    /// Waits for terminals that were asked where none may be served.
    #[track_caller]
    fn assert_refused(&self, terminals: &mut [(String, Terminal)], before: usize) {
        for (what, terminal) in terminals.iter_mut() {
            let said = terminal.wait_for("status ");
            assert_eq!(answers(&said), "", "{what}: {said}");
            assert!(terminal.wait_for_prompt().starts_with('1'), "{what}: {said}");
        }
        let who: Vec<_> = terminals.iter().map(|(what, _)| what.as_str()).collect();
        assert_nobody(&self.rig, before, &who.join(", "));
        assert!(self.socket.accept().is_err(), "{who:?}: the socket was called");
    }

    /// Starts a shell with the hook, to which these variables were given by what started it.
    fn start(&self, shell: &Shell, directory: &str, variables: &[(String, String)]) -> Terminal {
        let startup = Startup::hooked().in_directory(self.rig.sandbox.path(directory));
        let startup = variables.iter().fold(startup, |startup, (name, value)| startup.variable(name, value));
        Terminal::start(&self.rig.sandbox, shell, &startup)
    }

    /// Exports these variables at a prompt: by a file, as one value has two lines.
    fn export(&self, terminal: &mut Terminal, variables: &[(String, String)]) {
        let shell = terminal.shell().clone();
        let lines: String = variables.iter().map(|(name, value)| shell.export(name, value) + "\n").collect();
        let file = self.rig.sandbox.write("elsewhere/exports", lines);
        terminal.run(&format!("source {}", shell.quote(file.to_str().unwrap())));
    }
}

/// Types the question without waiting for an answer: the client tries for eight seconds before it gives up, so all are asked at once.
fn ask_in_vain(terminal: &mut Terminal) {
    let line = terminal.shell().call(&["/bin/sh", "-c", &format!("({ASK}); echo status $?")]);
    terminal.type_line(&line);
}

fn bash() -> Option<Shell> {
    let mut bash = None;
    Shell::each(|shell| {
        if shell.language == Language::Bash && bash.is_none() {
            bash = Some(shell.clone());
        }
    });
    bash
}

/// Sets each of these rows by itself: where nothing is bound it must change who serves, and where bob's profile is bound it must not.
///
/// The short form asks in the plain directory for a few rows only, and sets each row in one of the two ways; the long form does all of it.
fn each_alone(rows: &[&[&str]]) {
    let (Some(world), Some(shell)) = (Temptation::new(Freshness::Fresh), bash()) else { return };
    let sandbox = &world.rig.sandbox;
    for (number, row) in rows.iter().enumerate() {
        let (variables, what) = (world.row(row), row[0]);
        if is_long() || number % 4 == 0 {
            let before = world.asks();
            let mut command = sandbox.command("/bin/sh");
            // Nobody answers at the socket.
            command.args(["-c", ASK]).envs(variables.iter().map(|(name, value)| (name, value.replace("/socket", "/no-socket"))));
            command.current_dir(sandbox.path(PLAIN)).env("CLAUDE_CODE_MAX_RETRIES", "0");
            let _ = Finished::run(command);
            assert_ne!(senders(&world.rig.requests()[before..]), ["carol".to_owned()].into(), "{what} does nothing: this test could not fail");
        }
        if is_long() || number % 2 == 0 {
            let mut given = world.start(&shell, PLAIN, &variables);
            given.run(&shell.cd(sandbox.path(BOUND)));
            world.assert_bob(&mut given, &format!("{what}, set before the shell started"));
        }
        if is_long() || number % 2 == 1 {
            let mut set = world.start(&shell, BOUND, &[]);
            world.export(&mut set, &variables);
            world.assert_bob(&mut set, &format!("{what}, set at a prompt"));
        }
    }
}

#[test]
fn a_key_or_a_token_that_would_make_another_account_serve_does_not_where_a_profile_is_bound() {
    each_alone(&ALONE[..11]);
}

#[test]
fn a_provider_or_a_host_that_would_make_another_account_serve_does_not_where_a_profile_is_bound() {
    each_alone(&ALONE[11..]);
}

#[test]
fn in_a_refused_directory_none_of_them_makes_anybody_serve() {
    let (Some(world), Some(shell)) = (Temptation::new(Freshness::Fresh), bash()) else { return };
    let before = world.asks();
    let mut terminals = Vec::new();
    for (number, row) in ALONE.iter().enumerate() {
        let directory = REFUSED[number % REFUSED.len()];
        let mut terminal = world.start(&shell, directory, &world.row(row));
        ask_in_vain(&mut terminal);
        terminals.push((format!("{} in {directory}", row[0]), terminal));
    }
    world.assert_refused(&mut terminals, before);
}

#[test]
fn all_of_them_at_once_make_nobody_else_serve_whatever_the_shell() {
    let Some(world) = Temptation::new(Freshness::Fresh) else { return };
    let sandbox = &world.rig.sandbox;
    let all = world.all("set aside");
    let mut terminals = Vec::new();
    Shell::each(|shell| {
        let mut terminal = world.start(shell, PLAIN, &all);
        terminal.run(&shell.cd(sandbox.path(BOUND)));
        world.assert_bob(&mut terminal, &format!("{shell}: all, set before it started"));
        world.export(&mut terminal, &all);
        world.assert_bob(&mut terminal, &format!("{shell}: all, set at a prompt"));
        for directory in REFUSED {
            let mut given = world.start(shell, directory, &all);
            ask_in_vain(&mut given);
            terminals.push((format!("{shell} in {directory}: all, set before it started"), given));
        }
        terminal.run(&shell.cd(sandbox.path(REFUSED[0])));
        world.export(&mut terminal, &all);
        terminals.push((format!("{shell}: all, set at a prompt of a refused directory"), terminal));
    });
    let before = world.asks();
    // The last one of each shell has not been asked yet.
    for (_, terminal) in terminals.iter_mut().skip(2).step_by(3) {
        ask_in_vain(terminal);
    }
    world.assert_refused(&mut terminals, before);
}

#[test]
fn what_is_set_aside_in_passing_makes_nobody_else_serve_until_then_and_is_gone_at_the_next_entry() {
    let (Some(world), Some(shell)) = (Temptation::new(Freshness::Fresh), bash()) else { return };
    let sandbox = &world.rig.sandbox;
    let passing = world.all("set aside in passing");
    let mut terminal = world.start(&shell, BOUND, &[]);
    world.export(&mut terminal, &passing);
    let count = shell.call(&["/bin/sh", "-c", &format!("env | grep -cE '^({})='", names(&passing))]);
    assert_eq!(terminal.run(&count), passing.len().to_string(), "no prompt looks for them");
    world.assert_bob(&mut terminal, "all that is set aside in passing, exported still");
    terminal.run(&shell.cd(sandbox.path(PLAIN)));
    terminal.run(&shell.cd(sandbox.path(BOUND)));
    assert_eq!(terminal.run(&count), "0");
    world.assert_bob(&mut terminal, "all that is set aside in passing, at the next entry");
}

fn names(variables: &[(String, String)]) -> String {
    variables.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("|")
}

#[test]
fn exec_the_shim_and_env_set_them_aside_too() {
    let Some(world) = Temptation::new(Freshness::Fresh) else { return };
    let sandbox = &world.rig.sandbox;
    let _ = sandbox.clauth(&["shim", "install"]).success();
    let path = [".clauth/bin", "../bin", "../program"].map(|directory| sandbox.home().join(directory).to_str().unwrap().to_owned());
    let path = format!("{}:/usr/bin:/bin", path.join(":"));
    let few = if is_long() { 13 } else { 1 };
    let sets: Vec<_> = ALONE[..few].iter().map(|row| world.row(row)).chain([world.row(ALONE[5]), world.all("set aside")]).collect();
    let ways = [
        (BOUND, ASK.to_owned()),
        (PLAIN, ASK.replace("claude", "clauth exec personal -- claude")),
        (PLAIN, format!(r#"eval "$(clauth env personal)" && {ASK}"#)),
    ];
    let run = |directory: &str, line: &str, variables: &[(String, String)]| {
        let mut command = sandbox.command("/bin/sh");
        command.args(["-c", line]).current_dir(sandbox.path(directory)).envs(variables.iter().cloned()).env("PATH", &path);
        Finished::run(command)
    };
    for variables in &sets {
        for (directory, line) in &ways {
            let before = world.asks();
            let finished = run(directory, line, variables).success();
            world.assert_bob_served(finished.stdout(), before, &format!("{line} with {}", names(variables)));
        }
        let before = world.asks();
        for refused in REFUSED {
            let _ = run(refused, ASK, variables).failure();
        }
        let _ = run(PLAIN, &ASK.replace("claude", "clauth exec ghost -- claude"), variables);
        assert_nobody(&world.rig, before, &names(variables));
    }
}

#[test]
fn an_oauth_client_of_another_name_does_not_refresh_the_login_of_a_profile() {
    let (Some(world), Some(shell)) = (Temptation::new(Freshness::Expired), bash()) else { return };
    let other = [("CLAUDE_CODE_OAUTH_CLIENT_ID".to_owned(), "33333333-3333-4333-8333-333333333333".to_owned())];
    let mut terminal = world.start(&shell, PLAIN, &other);
    let before = world.asks();
    terminal.run(&shell.call(&["/bin/sh", "-c", ASK]));
    assert!(senders(&world.rig.requests()[before..]).contains(&format!("client {}", other[0].1)), "the test could not fail");
    terminal.run(&shell.cd(world.rig.sandbox.path(BOUND)));
    world.assert_bob(&mut terminal, "another OAuth client");
    assert_eq!(world.rig.refreshes("bob"), 1);
}
