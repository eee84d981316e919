//! The real Claude Code client in a sandbox, against a mock of the services it talks to.
//!
//! The client is the program that `CLAUTH_CLIENT` names; the mock lies beside this repository, in `../shared/rig`. Where one of them is
//! missing, its tests are a visible skip, and an error with `CLAUTH_REQUIRE_CLIENT=1`.
//!
//! Every https host of the client ends at the mock, which is its proxy and dials nothing. Where it may, the test's thread moves into a
//! network namespace of its own besides, and with it all that it starts: then nothing but the loopback device is there to be reached.

use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::finished::Finished;
use super::sandbox::Sandbox;
use super::shell::skip;

/// The mock is a script, and the interpreter that every system with Python has; one on PATH may be a wrapper that needs a HOME.
const PYTHON: &str = "/usr/bin/python3";

/// Brings up the loopback device (`SIOCSIFFLAGS`, `IFF_UP`): not every machine has a program for that.
const LOOPBACK_UP: &str = "import fcntl, socket, struct\n\
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 1))";

/// What keeps a client from talking to anything but the services that a message needs.
const QUIET: [&str; 4] = ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_ERROR_REPORTING", "DISABLE_TELEMETRY"];

/// Holds a sandbox whose `claude` is the real one, and the mock that it talks to.
pub(crate) struct Rig {
    mock: Child,
    _stdout: BufReader<ChildStdout>,
    /// Where it listens, as HOST:PORT.
    pub(crate) address: String,
    /// Where the client runs.
    pub(crate) sandbox: Sandbox,
}

/// Says until when an access token is good by the client's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// For hours.
    Fresh,
    /// It is over: the next request refreshes first.
    Expired,
}

impl Rig {
    /// Starts the mock, or returns `None` where there is no client or no mock.
    pub(crate) fn start() -> Option<Self> {
        let (client, rig) = (client()?, directory()?);
        let mut sandbox = Sandbox::new();
        if enter_own_network() {
            let _ = Finished::run(python(&sandbox, &["-c", LOOPBACK_UP])).success();
        }
        let mock = rig.join("mock_anthropic.py").to_str().unwrap().to_owned();
        let paths = ["ca", "requests.jsonl", "bodies"].map(|name| sandbox.path(name).to_str().unwrap().to_owned());
        let [ca, log, bodies] = paths.each_ref().map(String::as_str);
        // First of all: a client reads it when it starts.
        let _ = Finished::run(python(&sandbox, &[&mock, "--make-ca", "--ca-dir", ca])).success();
        let mut command = python(&sandbox, &[&mock, "--port", "0", "--ca-dir", ca, "--log", log, "--bodies", bodies]);
        let mut mock = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(mock.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.split_ascii_whitespace().nth(2).unwrap_or_else(|| panic!("the mock says {line:?}")).to_owned();

        let private = sandbox.mkdir("private");
        fs::set_permissions(&private, Permissions::from_mode(0o700)).unwrap();
        for name in ["CLAUDE_CODE_TMPDIR", "XDG_RUNTIME_DIR"] {
            sandbox.set_variable(name, &private);
        }
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "MOCK_PROXY"] {
            sandbox.set_variable(name, format!("http://{address}"));
        }
        for name in ["NODE_EXTRA_CA_CERTS", "MOCK_CA"] {
            sandbox.set_variable(name, sandbox.path("ca/ca.pem"));
        }
        for name in QUIET {
            sandbox.set_variable(name, "1");
        }
        sandbox.set_variable("BROWSER", rig.join("browser.sh"));
        fs::remove_file(sandbox.path("bin/claude")).unwrap();
        symlink(client, sandbox.path("bin/claude")).unwrap();
        Some(Self { mock, _stdout: stdout, address, sandbox })
    }

    /// Makes an account that can sign in by itself; alice and bob can from the start.
    pub(crate) fn make_known(&self, account: &str) {
        let _ = self.control(&format!("account?account={account}"));
    }

    /// Gives an account another subscription; whoever is signed in already knows of the former.
    pub(crate) fn subscribe(&self, account: &str, subscription: &str) {
        let _ = self.control(&format!("config?account={account}&subscription={subscription}"));
    }

    /// From now on new access tokens are good for so many seconds.
    pub(crate) fn limit_tokens(&self, seconds: u64) {
        let _ = self.control(&format!("lifetime?seconds={seconds}"));
    }

    /// Signs an account in to a config directory, as the client's own login leaves it there.
    pub(crate) fn sign_in(&self, account: &str, config_dir: &Path, claude_json: &Path, freshness: Freshness) {
        let mut login = self.control(&format!("login?meta=1&account={account}"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let until = match freshness {
            Freshness::Fresh => now + Duration::from_secs(20_000),
            Freshness::Expired => now.saturating_sub(Duration::from_secs(100)),
        };
        let tokens = &mut login["credentials"]["claudeAiOauth"];
        tokens["expiresAt"] = json!(u64::try_from(until.as_millis()).unwrap());
        tokens["subscriptionTypeSource"] = json!("sign_in");
        let credentials = config_dir.join(".credentials.json");
        fs::write(&credentials, login["credentials"].to_string()).unwrap();
        fs::set_permissions(&credentials, Permissions::from_mode(0o600)).unwrap();
        let mut settings = read_json(claude_json);
        settings["oauthAccount"] = login["oauthAccount"].take();
        fs::write(claude_json, settings.to_string()).unwrap();
    }

    /// Returns every message that a client sent: which account's token came with it, and what the answer was.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let mut requests = self.requests();
        requests.retain(|request| request["path"] == "/v1/messages");
        requests
    }

    /// Returns the text of every message that a client sent, in order: the conversation as the model is given it.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let mut files: Vec<_> = fs::read_dir(self.sandbox.path("bodies")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.sort(); // their names begin with the time
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// Returns every request so far, as the mock wrote it down.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.sandbox.path("requests.jsonl")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts how many messages each account served, all of them as the account that the client believed to be, and says the counts.
    #[track_caller]
    pub(crate) fn assert_served(&self, expected: &[(&str, usize)]) {
        let state = self.control("state");
        let messages = self.messages();
        for message in &messages {
            assert_eq!(message["status"], 200, "{message}");
            let uuid = state["accounts"][message["account"].as_str().unwrap()]["uuid"].as_str().unwrap();
            let claimed = message["user_id"].to_string();
            assert!(claimed.contains(uuid), "the client was not {uuid}: {message}");
        }
        let mut said = String::new();
        for (account, count) in expected {
            let served = messages.iter().filter(|message| message["account"] == *account).count();
            assert_eq!(served, *count, "messages of {account}: {messages:#?}");
            said += &format!(" {account} {served} of {count};");
        }
        assert_eq!(messages.len(), expected.iter().map(|(_, count)| count).sum::<usize>(), "{messages:#?}");
        // Past the capture of the test runner: the counts are what this test is for.
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(io::stderr(), "{test}: served by{said} all {} right", messages.len());
    }

    /// Asserts that no refresh token was used twice, and that every login ever made is still good.
    #[track_caller]
    pub(crate) fn assert_nobody_was_logged_out(&self) {
        for request in self.requests() {
            let why = request["why"].as_str().unwrap_or_default();
            assert!(!why.contains("reuse") && !why.contains("revoked"), "{request}");
        }
        let state = self.control("state");
        for (name, login) in state["logins"].as_object().unwrap() {
            assert!(login["revoked"].is_null(), "{name}: {login}");
        }
        for (name, account) in state["accounts"].as_object().unwrap() {
            assert_eq!(account["counts"]["replay"], 0, "{name}: {account}");
        }
    }

    /// Returns how often an account's login was refreshed.
    pub(crate) fn refreshes(&self, account: &str) -> u64 {
        self.control("state")["accounts"][account]["counts"]["refresh"].as_u64().unwrap()
    }

    /// Asks the mock's own side door.
    fn control(&self, request: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // HTTP/1.0: the answer ends where the connection does.
        write!(stream, "GET /__mock/{request} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.mock.kill();
        let _ = self.mock.wait();
    }
}

fn client() -> Option<PathBuf> {
    let client = std::env::var_os("CLAUTH_CLIENT").map(PathBuf::from);
    if client.is_none() {
        skip("no real client (CLAUTH_CLIENT names none)", "CLAUTH_REQUIRE_CLIENT");
    }
    client.inspect(|client| assert!(client.is_absolute() && client.is_file(), "CLAUTH_CLIENT={}", client.display()))
}

fn directory() -> Option<PathBuf> {
    let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rig").canonicalize().ok();
    let usable = rig.filter(|_| Path::new(PYTHON).exists());
    if usable.is_none() {
        skip("no ../shared/rig, or no /usr/bin/python3 to run it", "CLAUTH_REQUIRE_CLIENT");
    }
    usable
}

fn python(sandbox: &Sandbox, arguments: &[&str]) -> std::process::Command {
    let mut command = sandbox.command(PYTHON);
    command.args(arguments);
    command
}

/// Moves this thread, and what it starts from now on, into a network of its own; returns whether that is allowed here (root, on Linux).
fn enter_own_network() -> bool {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "other namespaces of this call could take memory or descriptors from under other threads")]
    // SAFETY: the network namespace is the thread's own, and no socket of this thread is open.
    let entered = unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }.is_ok();
    #[cfg(not(target_os = "linux"))]
    let entered = false;
    entered
}

/// Reads a JSON file; one that is missing is an empty object.
pub(crate) fn read_json(path: &Path) -> Value {
    fs::read(path).map_or_else(|_| json!({}), |bytes| serde_json::from_slice(&bytes).unwrap())
}
