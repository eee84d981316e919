//! A sandbox in which clauth is set up: two signed-in profiles, and directories bound to them.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use super::sandbox::Sandbox;
#[cfg(unix)]
use super::{Shell, Startup, Terminal};

/// What the fake `claude` says where nothing of clauth's is loaded.
pub(crate) const PLAIN_CLAUDE: &str = "claude config_dir=none key=none args=";

/// The profiles of a world.
pub(crate) const PROFILES: [&str; 2] = ["work", "acme"];

/// Holds a sandbox with the profiles of [`PROFILES`], each signed in as `me@NAME.example`.
pub(crate) struct World {
    sandbox: Sandbox,
    clauth_home: PathBuf,
}

impl World {
    /// Makes the profiles in `~/.clauth`.
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        let clauth_home = sandbox.path("home/.clauth");
        Self { sandbox, clauth_home }.settle()
    }

    /// Makes the profiles in another `CLAUTH_HOME`, relative to the sandbox.
    pub(crate) fn with_clauth_home(relative: &str) -> Self {
        let mut sandbox = Sandbox::new();
        let clauth_home = sandbox.path(relative);
        sandbox.set_variable("CLAUTH_HOME", &clauth_home);
        Self { sandbox, clauth_home }.settle()
    }

    fn settle(self) -> Self {
        for profile in PROFILES {
            self.clauth(&["add", profile]).success();
            // As a sign-in leaves it; a profile without one is introduced in other words.
            let account = format!("{{\"oauthAccount\": {{\"emailAddress\": \"me@{profile}.example\"}}}}\n");
            let login = "{\"claudeAiOauth\": {\"accessToken\": \"a\", \"refreshToken\": \"r\", \"expiresAt\": 4102444800000}}\n";
            let config_dir = Path::new(&self.config_dir(profile)).to_owned();
            self.sandbox.write(config_dir.join(".claude.json"), account);
            self.sandbox.write(config_dir.join(".credentials.json"), login);
        }
        self.mkdir("home/plain");
        self
    }

    /// Returns a directory where nothing is bound.
    pub(crate) fn plain(&self) -> PathBuf {
        self.path("home/plain")
    }

    /// Writes the user's settings. A running shell sees them at its next evaluation.
    pub(crate) fn configure(&self, text: &str) {
        self.sandbox.write(self.clauth_home.join("config.toml"), text);
    }

    /// Returns the `CLAUDE_CONFIG_DIR` of a profile.
    pub(crate) fn config_dir(&self, profile: &str) -> String {
        let directory = self.clauth_home.join("profiles").join(profile).join("runtime");
        directory.to_str().unwrap().to_owned()
    }

    /// Returns the `CLAUDE_CONFIG_DIR` of a refused directory.
    pub(crate) fn refused_config_dir(&self) -> String {
        self.clauth_home.join("refused/run-clauth-status").to_str().unwrap().to_owned()
    }

    /// Returns what the fake `claude` says under a profile.
    pub(crate) fn claude(&self, profile: &str) -> String {
        format!("claude config_dir={} key=none args=", self.config_dir(profile))
    }

    /// Returns what the fake `claude` says where clauth lets it refuse; the real one says it in these words too.
    pub(crate) fn claude_refusal(&self) -> String {
        format!("ENOTDIR: not a directory, mkdir '{}'", self.refused_config_dir())
    }

    /// Returns the pids that hold a lease of a profile, sorted; `directory` is one that is bound to it.
    pub(crate) fn holders(&self, directory: &Path) -> Vec<u32> {
        let status = self.clauth(&["status", "--json", "--dir", directory.to_str().unwrap()]).success().json();
        let holders = status["holders"].as_array().unwrap().iter();
        let mut pids: Vec<_> = holders.map(|holder| u32::try_from(holder["pid"].as_u64().unwrap()).unwrap()).collect();
        pids.sort_unstable();
        pids
    }

    /// Starts a shell with the hook in HOME, which is not bound.
    #[cfg(unix)]
    pub(crate) fn start(&self, shell: &Shell) -> Terminal {
        Terminal::start(self, shell, &Startup::hooked())
    }

    /// Puts a script where the hook of a running shell finds its program.
    #[cfg(unix)]
    pub(crate) fn replace_program(&self, script: &str) {
        let written = self.program("replacement", script);
        fs::rename(written, self.path("program/clauth")).unwrap();
    }

    /// Removes the program that the hook of a running shell calls.
    #[cfg(unix)]
    pub(crate) fn remove_program(&self) {
        fs::remove_file(self.path("program/clauth")).unwrap();
    }

    /// Puts the program under test back, as an upgrade does: by rename.
    #[cfg(unix)]
    pub(crate) fn restore_program(&self) {
        let link = self.path("bin/restored");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_clauth"), &link).unwrap();
        fs::rename(link, self.path("program/clauth")).unwrap();
    }
}

impl Deref for World {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}

/// Returns what a shell says when it enters a profile or changes to it.
pub(crate) fn entered(profile: &str) -> String {
    format!("clauth: {profile} · me@{profile}.example")
}

/// Returns what a shell says when it leaves a profile.
pub(crate) fn left(profile: &str) -> String {
    format!("clauth: left {profile}")
}
