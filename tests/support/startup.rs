//! How a shell of a test starts: its rc file, its directory, what its environment holds besides the sandbox's.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::sandbox::Sandbox;
use super::shell::{Language, Shell};

/// The prompt of every shell here: the end of one line's output. No shell expands anything in it.
pub(crate) const PROMPT: &str = "=clauth-prompt=> ";

/// Says what a shell finds when it starts; in the rc file stand, in this order: the harness's prompt, `before`, the hook, `after`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Startup {
    hook: bool,
    before: String,
    after: String,
    directory: Option<PathBuf>,
    variables: Vec<(String, String)>,
}

impl Startup {
    /// A shell without clauth.
    pub(crate) fn bare() -> Self {
        Self::default()
    }

    /// A shell with the hook, as `clauth setup` leaves it.
    pub(crate) fn hooked() -> Self {
        Self { hook: true, ..Self::default() }
    }

    /// Adds lines ahead of the hook: modes, traps, a `PROMPT_COMMAND` of the user's.
    #[must_use]
    pub(crate) fn before(mut self, lines: &str) -> Self {
        self.before.push_str(lines);
        self.before.push('\n');
        self
    }

    /// Adds lines behind the hook: what a prompt framework does that loads later.
    #[must_use]
    pub(crate) fn after(mut self, lines: &str) -> Self {
        self.after.push_str(lines);
        self.after.push('\n');
        self
    }

    /// Starts the shell in `directory` instead of HOME.
    #[must_use]
    pub(crate) fn in_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Gives the shell a variable, as the terminal or an outer shell would.
    #[must_use]
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes the rc file and returns the command that starts the shell, still without a terminal.
    pub(crate) fn command(&self, sandbox: &Sandbox, shell: &Shell) -> Command {
        self.write_rc(sandbox, shell);
        let mut command = sandbox.command(&shell.program);
        command.args(shell.interactive_arguments(sandbox));
        if shell.language == Language::Pwsh {
            command.env("POWERSHELL_TELEMETRY_OPTOUT", "1").env("POWERSHELL_UPDATECHECK", "Off");
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Writes the rc file alone, for one that is started within another.
    pub(crate) fn write_rc(&self, sandbox: &Sandbox, shell: &Shell) {
        let hook = if self.hook { shell.hook_line() } else { String::new() };
        let text = [&shell.prompt_lines(), &self.before, &hook, "\n", &self.after].concat();
        sandbox.write(shell.rc_file(), text);
        if shell.language == Language::Fish {
            // Without this directory the first fish of a HOME reads all manual pages of the machine, in the background; fish 4 looks for the
            // second one.
            sandbox.mkdir("home/.local/share/fish/generated_completions");
            sandbox.mkdir("home/.cache/fish/generated_completions");
        }
    }
}

impl Sandbox {
    /// Makes a sandbox on whose PATH this shell is, wherever it lies on the machine.
    pub(crate) fn with_shell(shell: &Shell) -> Self {
        let sandbox = Self::new();
        sandbox.put_on_path(shell);
        sandbox
    }

    /// Puts a shell on the PATH unless it is there.
    pub(crate) fn put_on_path(&self, shell: &Shell) {
        if !super::system::path().any(|directory| Path::new(&directory).join(shell.language.name()).exists()) {
            std::os::unix::fs::symlink(&shell.program, self.path("bin").join(shell.language.name())).unwrap();
        }
    }
}

impl Shell {
    /// Returns the line that starts this shell within another one, with the rc file that was written last for its language.
    pub(crate) fn nested(&self, sandbox: &Sandbox) -> String {
        let words = self.interactive_words(sandbox);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.call(&words)
    }

    /// Returns such a line that starts it in another directory, where the outer shell has not been.
    pub(crate) fn nested_in(&self, sandbox: &Sandbox, directory: &Path) -> String {
        let words = self.interactive_words(sandbox);
        let mut line = vec!["/bin/sh", "-c", r#"cd "$0" && exec "$@""#, directory.to_str().unwrap()];
        line.extend(words.iter().map(String::as_str));
        self.call(&line)
    }

    /// Returns the program and the arguments that make an interactive shell.
    pub(crate) fn interactive_words(&self, sandbox: &Sandbox) -> Vec<String> {
        let mut words = vec![self.program.to_str().unwrap().to_owned()];
        words.extend(self.interactive_arguments(sandbox));
        words
    }

    /// Returns the rc file, relative to the sandbox; where the shell looks by itself, so that a plain nested one finds it too.
    fn rc_file(&self) -> &'static str {
        match self.language {
            Language::Bash => "home/.bashrc",
            Language::Zsh => "home/.zshrc",
            Language::Fish => "home/.config/fish/config.fish",
            Language::Pwsh => "home/.config/powershell/Microsoft.PowerShell_profile.ps1",
        }
    }

    fn interactive_arguments(&self, sandbox: &Sandbox) -> Vec<String> {
        let rc_file = sandbox.path(self.rc_file()).to_str().unwrap().to_owned();
        let words = match self.language {
            Language::Bash => vec!["--noprofile", "--rcfile", &rc_file, "-i"],
            // -d: not the rc files of the machine.
            Language::Zsh => vec!["-d", "-i"],
            Language::Fish => vec!["-i"],
            Language::Pwsh => vec!["-NoLogo", "-NoProfile", "-NoExit", "-File", &rc_file],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// Makes the prompt known and turns off what would type or draw on its own; no option that a hook could depend on.
    fn prompt_lines(&self) -> String {
        match self.language {
            // The machine's own bash.bashrc is read before, whatever the arguments.
            Language::Bash => format!("unset PROMPT_COMMAND\nset +H\nPS1='{PROMPT}'\n"),
            Language::Zsh => {
                format!("unsetopt prompt_sp prompt_cr bang_hist\nRPS1=\nPS1='{PROMPT}'\n")
            }
            Language::Fish => format!(
                "function fish_prompt; echo -n '{PROMPT}'; end\nfunction fish_title; end\n\
                 set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n"
            ),
            Language::Pwsh => format!("function global:prompt {{ '{PROMPT}' }}\n"),
        }
    }
}
