//! Repositories made by the real `git`, which the tests run and clauth does not.

use std::path::{Path, PathBuf};

use super::finished::Finished;
use super::sandbox::Sandbox;
use super::shell::skip;

impl Sandbox {
    /// Makes a repository with one commit; `None`, after a visible skip, where there is no git.
    pub(crate) fn repository(&self, relative: impl AsRef<Path>) -> Option<PathBuf> {
        if which::which("git").is_err() {
            skip("no git on PATH", "CLAUTH_REQUIRE_SHELLS");
            return None;
        }
        let top = self.mkdir(relative);
        self.git(&top, &["init", "--quiet", "--initial-branch=main"]);
        self.git(&top, &["commit", "--quiet", "--allow-empty", "--message=first"]);
        Some(top)
    }

    /// Runs git, which must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let mut git = self.command("git");
        git.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(directory);
        git.args(["-c", "user.name=Me", "-c", "user.email=me@example.org", "-c", "protocol.file.allow=always"]).args(arguments);
        Finished::run(git).success().stdout().to_owned()
    }

    /// Adds a linked worktree of the present commit.
    #[track_caller]
    pub(crate) fn worktree(&self, repository: &Path, relative: impl AsRef<Path>) -> PathBuf {
        let top = self.path(relative);
        self.git(repository, &["worktree", "add", "--quiet", "--detach", top.to_str().unwrap()]);
        top
    }

    /// Commits a file of this text at the top of a checkout.
    #[track_caller]
    pub(crate) fn commit(&self, checkout: &Path, name: &str, text: &str) {
        self.write(checkout.join(name), text);
        self.git(checkout, &["add", "--force", name]);
        self.git(checkout, &["commit", "--quiet", "--message", name]);
    }
}
