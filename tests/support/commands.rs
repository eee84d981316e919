//! What the tests of single commands need beside a sandbox: profiles, bindings, and a look at what a command said.

#[cfg(unix)]
use std::ffi::OsStr;
use std::fs;
#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::finished::Finished;
use super::sandbox::Sandbox;

/// The tokens of the login that [`Sandbox::sign_in`] plants; no command may ever say them.
pub(crate) const TOKENS: [&str; 3] = ["sk-ant-oat01-ACCESS", "sk-ant-ort01-REFRESH", "mcp-SECRET"];

impl Sandbox {
    /// Makes a sandbox with these profiles, none of them signed in.
    pub(crate) fn with_profiles(names: &[&str]) -> Self {
        let sandbox = Self::new();
        for name in names {
            sandbox.clauth(&["add", name]).success();
        }
        sandbox
    }

    /// Makes a sandbox with these profiles and the shim installed and first on PATH.
    pub(crate) fn with_shim(names: &[&str]) -> Self {
        let mut sandbox = Self::with_profiles(names);
        sandbox.clauth(&["shim", "install"]).success();
        sandbox.set_path(&["home/.clauth/bin", "bin", "program"]);
        sandbox
    }

    /// Sets PATH to these entries and the system's: relative to the sandbox, but for those that begin with `.` and the empty one.
    pub(crate) fn set_path(&mut self, entries: &[&str]) {
        let spelled = |entry: &&str| {
            if entry.is_empty() || entry.starts_with('.') { PathBuf::from(entry) } else { self.path(entry) }
        };
        let entries = entries.iter().map(spelled).chain(super::system::path().map(PathBuf::from));
        self.set_variable("PATH", std::env::join_paths(entries).unwrap());
    }

    /// Makes the directory `relative` with a `.clauth.toml` of this text that nobody has allowed yet.
    pub(crate) fn project(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.write(Path::new(relative).join(".clauth.toml"), text);
        self.path(relative)
    }

    /// Binds the directory `relative`, which is made where it is missing, and allows it.
    pub(crate) fn bind(&self, relative: impl AsRef<Path>, profile: &str) -> PathBuf {
        let directory = self.mkdir(relative);
        self.clauth_in(&directory, &["use", profile, "--yes"]).success();
        directory
    }

    /// Returns the `CLAUDE_CONFIG_DIR` of a profile.
    pub(crate) fn runtime(&self, profile: &str) -> PathBuf {
        self.path("home/.clauth/profiles").join(profile).join("runtime")
    }

    /// Returns what the fake client says under a profile; `None` for the one without clauth.
    pub(crate) fn claude_says(&self, profile: Option<&str>) -> String {
        let config_dir = profile.map_or_else(|| "none".into(), |name| self.runtime(name).display().to_string());
        format!("claude config_dir={config_dir} key=none args=\n")
    }

    /// Leaves a login and an identity in a profile, as the client does.
    pub(crate) fn sign_in(&self, profile: &str, address: &str) {
        let [access, refresh, mcp] = TOKENS;
        let login = serde_json::json!({
            "claudeAiOauth": {"accessToken": access, "refreshToken": refresh, "expiresAt": 4_102_444_800_000_u64},
            "mcpOAuth": {"example": {"accessToken": mcp}},
        });
        let identity =
            serde_json::json!({"oauthAccount": {"accountUuid": format!("account-{profile}"), "emailAddress": address, "organizationName": "Corp"}});
        let runtime = self.runtime(profile);
        self.write(runtime.join(".credentials.json"), login.to_string());
        self.write(runtime.join(".claude.json"), identity.to_string());
    }

    /// Returns what `clauth status --json` says in a directory.
    pub(crate) fn status(&self, directory: impl AsRef<Path>) -> Value {
        self.clauth_in(directory, &["status", "--json"]).success().json()
    }

    /// Returns the profile that applies in a directory, or `none`, or `refused`.
    pub(crate) fn applies(&self, directory: impl AsRef<Path>) -> String {
        let status = self.status(directory);
        let refused = status["refused"].is_string().then_some("refused");
        refused.or(status["profile"].as_str()).unwrap_or("none").to_owned()
    }

    /// Runs a script in a shell that leads a process group of its own, as one in a terminal does: a lease taken by hand follows it.
    #[cfg(unix)]
    pub(crate) fn script(&self, shell: impl AsRef<OsStr>, text: &str) -> Finished {
        let mut command = self.command(shell);
        command.args(["-c", text]).process_group(0);
        Finished::run(command)
    }

    /// Returns the directory where the session of `work` keeps its locks and leases, after a first use.
    pub(crate) fn session(&self) -> PathBuf {
        self.clauth(&["exec", "work", "--", "true"]).success();
        self.assert_no_helpers_left();
        self.session_of("work")
    }

    /// Returns the directory where the session of a profile that was used keeps its locks and leases.
    pub(crate) fn session_of(&self, profile: &str) -> PathBuf {
        let boots: Vec<_> = fs::read_dir(self.path("home/.clauth/run")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(boots.len(), 1, "{boots:?}");
        boots[0].join(profile)
    }
}

impl Finished {
    /// Returns the one line on stderr, without `clauth: ` before it; any other number of lines is a failure.
    #[track_caller]
    pub(crate) fn complaint(&self) -> &str {
        let line = self.stderr().strip_suffix('\n').and_then(|line| line.strip_prefix("clauth: "));
        let line = line.unwrap_or_else(|| panic!("not a line of clauth's: {self:?}"));
        assert!(!line.contains('\n'), "more than one line: {self:?}");
        line
    }

    /// Asserts that clauth failed with this code, in one line that contains `words` and a remedy, and nothing on stdout.
    #[track_caller]
    pub(crate) fn complains(self, code: i32, words: &str) {
        let finished = self.exits_with(code);
        assert_eq!(finished.stdout(), "");
        let (problem, remedy) = finished.complaint().split_once("; ").unwrap_or_else(|| panic!("no remedy: {finished:?}"));
        assert!(!problem.is_empty() && !remedy.is_empty(), "{finished:?}");
        assert!(finished.complaint().contains(words), "{words:?} is not in {finished:?}");
    }

    /// Returns stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.stdout()).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}
