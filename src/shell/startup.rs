//! What each shell does at its start: the files it reads, the lines that `clauth setup` puts there, and where it looks for completions.

use std::path::{Path, PathBuf};

use super::{Shell, Start};
use crate::env::Env;
use crate::sys;

/// The shells with a prompt hook.
pub const HOOKED: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Pwsh];

impl Shell {
    /// Returns the files that an interactive shell of this kind reads at its start and that are the user's to write, the usual one first.
    pub fn startup_files(self, env: &Env) -> Vec<PathBuf> {
        let home = env.home_dir().unwrap_or_default();
        match self {
            Self::Bash => of_bash(&home, sys::TERMINALS_RUN_LOGIN_SHELLS),
            Self::Zsh => vec![env.non_empty("ZDOTDIR").map_or(home, PathBuf::from).join(".zshrc")],
            Self::Fish => vec![config_home(env).join("fish/config.fish")],
            Self::Pwsh => {
                let directory = sys::powershell_dir(&home, &config_home(env));
                ["profile.ps1", "Microsoft.PowerShell_profile.ps1"].map(|name| directory.join(name)).into()
            }
            Self::Sh => Vec::new(),
        }
    }

    /// Returns the one file of the user's that decides what such a shell is, where that differs by how it is started; it need not exist.
    pub fn read_at_start(self, env: &Env, start: Start) -> Option<PathBuf> {
        let home = env.home_dir().ok()?;
        match (self, start) {
            (Self::Bash, Start::Plain) => Some(home.join(".bashrc")),
            (Self::Bash, Start::Login) => of_bash(&home, true).into_iter().next(),
            _ => None,
        }
    }

    /// Returns where this shell looks for a completion script of the user's; `None` where it has no such place.
    pub fn completion_file(self, env: &Env) -> Option<PathBuf> {
        let data = || base_directory(env, "XDG_DATA_HOME", ".local/share");
        match self {
            Self::Bash => Some(data().join("bash-completion/completions/clauth")),
            Self::Zsh => Some(data().join("zsh/site-functions/_clauth")),
            Self::Fish => Some(config_home(env).join("fish/completions/clauth.fish")),
            Self::Pwsh | Self::Sh => None,
        }
    }

    /// Returns the lines for a startup file. Without the program they do nothing, so that removing it breaks no shell.
    pub fn startup_lines(self, program: &str, completion_file: Option<&Path>, bin: Option<&Path>) -> String {
        let called = self.word(program);
        let quoted = |path: &Path| self.quote(&path.to_string_lossy());
        let mut lines = Vec::new();
        match self {
            Self::Bash | Self::Zsh | Self::Sh => {
                // Not again in a shell within a shell.
                lines.extend(bin.map(|bin| format!("case $PATH in {0}:*) ;; *) export PATH={0}:\"$PATH\" ;; esac", quoted(bin))));
                lines.push(format!("if command -v {called} >/dev/null; then eval \"$({called} hook {self})\"; fi"));
            }
            Self::Fish => {
                lines.extend(bin.map(|bin| format!("fish_add_path --global --move --path {}", quoted(bin))));
                lines.push(format!("if command -q {called}; {called} hook fish | source; end"));
            }
            Self::Pwsh => {
                // PowerShell puts its own directory first each time that it starts.
                let separator = Env::path_separator();
                let put = |bin| format!("$env:PATH = (@({0}) + ($env:PATH -split '{separator}' -cne {0})) -join '{separator}'", quoted(bin));
                lines.extend(bin.map(put));
                let invoke = |what: &str| format!(". ([scriptblock]::Create((& {called} {what} pwsh) -join \"`n\"))");
                // In the other modes only `Invoke-Expression` evaluates a text; it loads a module first, which takes 40 ms.
                lines.push(format!("if (Get-Command {called} -ErrorAction Ignore) {{"));
                lines.push(format!(
                    "    if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {{ Invoke-Expression (& {called} hook pwsh) }}"
                ));
                lines.push(format!("    else {{ {}; {} }}", invoke("hook"), invoke("completions")));
                lines.push("}".into());
            }
        }
        if let (Self::Zsh, Some(directory)) = (self, completion_file.and_then(Path::parent)) {
            // Before compinit the directory is enough; behind it the function has to be named.
            lines.push(format!(
                "fpath+=({}); if (( $+functions[compdef] )); then autoload -Uz _clauth; compdef _clauth clauth; fi",
                quoted(directory)
            ));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// Says what this shell lacks where it completes nothing of clauth's.
    pub fn completion_need(self) -> &'static str {
        match self {
            Self::Zsh => "completions need `autoload -Uz compinit && compinit` in your .zshrc",
            _ => "completions need the package bash-completion, and a startup file that loads it",
        }
    }
}

/// A login shell reads the first of three that is there, and `.bashrc` only if that one says so.
fn of_bash(home: &Path, terminals_run_login_shells: bool) -> Vec<PathBuf> {
    let mut files = [".bash_profile", ".bash_login", ".profile"].map(|name| home.join(name)).to_vec();
    files.sort_by_key(|file| !file.exists());
    files.insert(if terminals_run_login_shells { files.len() } else { 0 }, home.join(".bashrc"));
    files
}

fn config_home(env: &Env) -> PathBuf {
    base_directory(env, "XDG_CONFIG_HOME", ".config")
}

/// Returns one of the user's directories as the XDG Base Directory Specification has it.
fn base_directory(env: &Env, variable: &str, default: &str) -> PathBuf {
    env.non_empty(variable).map_or_else(|| env.home_dir().unwrap_or_default().join(default), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_reads_another_file_where_terminals_run_login_shells() {
        let home = Path::new("/nowhere");
        assert_eq!(of_bash(home, false)[0], home.join(".bashrc"));
        assert_eq!(of_bash(home, true)[0], home.join(".bash_profile"), "the one that is made, where there is none");
        assert_eq!(of_bash(home, true).last(), Some(&home.join(".bashrc")));
    }
}
