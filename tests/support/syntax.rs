//! How each shell says the few things that a test needs, so that one test body runs in all of them.
//!
//! Every method returns one command line for `Terminal::run`, quoted by the shell's own rules.

use std::path::Path;

use super::shell::{Language, Shell};

/// What `show` and `show_exported` print for a variable that does not exist; an empty one prints an empty line.
pub(crate) const UNSET: &str = "<unset>";

impl Shell {
    /// Quotes `text`, which must be without line breaks, so that the shell takes it as one word, whatever it contains.
    pub(crate) fn quote(&self, text: &str) -> String {
        let inside = match self.language {
            Language::Bash | Language::Zsh => text.replace('\'', r"'\''"),
            Language::Fish => text.replace('\\', r"\\").replace('\'', r"\'"),
            // pwsh also ends a string at the typographic quotes; each is doubled by itself.
            Language::Pwsh => ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}']
                .into_iter()
                .fold(text.to_owned(), |text, mark| text.replace(mark, &format!("{mark}{mark}"))),
        };
        format!("'{inside}'")
    }

    /// Runs a program with arguments.
    pub(crate) fn call(&self, words: &[&str]) -> String {
        let quoted: Vec<_> = words.iter().map(|word| self.quote(word)).collect();
        let line = quoted.join(" ");
        match self.language {
            // A quoted word alone is a string there; the call operator makes it a program.
            Language::Pwsh => format!("& {line}"),
            Language::Bash | Language::Zsh | Language::Fish => line,
        }
    }

    /// Changes the directory; one that begins with `-` is not taken for an option.
    pub(crate) fn cd(&self, directory: impl AsRef<Path>) -> String {
        let directory = self.quote(directory.as_ref().to_str().unwrap());
        match self.language {
            Language::Bash | Language::Zsh | Language::Fish => format!("cd -- {directory}"),
            Language::Pwsh => format!("Set-Location -LiteralPath {directory}"),
        }
    }

    /// Sets a variable of this shell only.
    pub(crate) fn set(&self, name: &str, value: &str) -> String {
        let value = self.quote(value);
        match self.language {
            Language::Bash | Language::Zsh => format!("{name}={value}"),
            Language::Fish => format!("set -g {name} {value}"),
            Language::Pwsh => format!("${name} = {value}"),
        }
    }

    /// Sets a variable that programs see.
    pub(crate) fn export(&self, name: &str, value: &str) -> String {
        let value = self.quote(value);
        match self.language {
            Language::Bash | Language::Zsh => format!("export {name}={value}"),
            Language::Fish => format!("set -gx {name} {value}"),
            Language::Pwsh => format!("$env:{name} = {value}"),
        }
    }

    /// Removes a variable, whether it exists or not.
    pub(crate) fn unset(&self, name: &str) -> String {
        match self.language {
            Language::Bash | Language::Zsh => format!("unset {name}"),
            // -e answers 4 for one that does not exist.
            Language::Fish => format!("set -e {name}; or true"),
            Language::Pwsh => format!("$env:{name} = $null; $ExecutionContext.SessionState.PSVariable.Remove('{name}')"),
        }
    }

    /// Prints a variable as this shell sees it, exported or not, or `<unset>`.
    pub(crate) fn show(&self, name: &str) -> String {
        match self.language {
            Language::Bash | Language::Zsh => format!(r#"printf '%s\n' "${{{name}-{UNSET}}}""#),
            Language::Fish => {
                format!(r#"if set -q {name}; printf '%s\n' "${name}"; else; echo '{UNSET}'; end"#)
            }
            Language::Pwsh => format!(
                "[Environment]::GetEnvironmentVariable('{name}') ?? \
                 $ExecutionContext.SessionState.PSVariable.GetValue('{name}', '{UNSET}')"
            ),
        }
    }

    /// Prints a variable as a program started here sees it, or `<unset>`.
    pub(crate) fn show_exported(&self, name: &str) -> String {
        self.call(&["/bin/sh", "-c", &format!(r#"printf '%s\n' "${{{name}-{UNSET}}}""#)])
    }

    /// Prints the status of the line before: a number in each shell.
    pub(crate) fn show_status(&self) -> String {
        let line = match self.language {
            Language::Bash | Language::Zsh => r#"echo "$?""#,
            Language::Fish => "echo $status",
            Language::Pwsh => "if ($?) { 0 } else { $LASTEXITCODE }",
        };
        line.to_owned()
    }

    /// Runs a program that ends with `code`; where `strict` is in force, one that is not 0 ends bash and zsh, as `set -e` says.
    pub(crate) fn exit_with(&self, code: u8) -> String {
        self.call(&["/bin/sh", "-c", &format!("exit {code}")])
    }

    /// Returns the lines that put the shell into its strictest mode, for `Startup::before`: whatever runs at the prompt must
    /// survive there what users and frameworks do set.
    pub(crate) fn strict(&self) -> &'static str {
        match self.language {
            Language::Bash => "set -e -u -o pipefail -o noclobber\nshopt -s nullglob failglob\nIFS='/:= e'\n",
            Language::Zsh => {
                "setopt err_exit no_unset no_clobber ksh_arrays sh_word_split glob_subst nomatch warn_create_global pipe_fail\nIFS='/:= e'\n"
            }
            // An empty IFS keeps fish from splitting the output of a command into lines.
            Language::Fish => "set -g IFS ''\n",
            Language::Pwsh => "Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n$PSNativeCommandUseErrorActionPreference = $true\n",
        }
    }

    /// Returns the hook line that `clauth setup` would put into the rc file.
    pub(crate) fn hook_line(&self) -> String {
        self.evaluate(&format!("clauth hook {}", self.language.name()))
    }

    /// Returns the line that pins this shell to a profile.
    pub(crate) fn pin(&self, profile: &str) -> String {
        self.evaluate(&format!("clauth env {profile}"))
    }

    /// Returns the line that evaluates, in this shell, what a command of clauth's prints.
    pub(crate) fn evaluate(&self, command: &str) -> String {
        match self.language {
            Language::Bash | Language::Zsh => format!("eval \"$({command})\""),
            Language::Fish => format!("{command} | source"),
            Language::Pwsh => format!(". ([scriptblock]::Create((& {command}) -join \"`n\"))"),
        }
    }
}
