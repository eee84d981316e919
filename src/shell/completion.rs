//! What clap cannot know of a completion script: the names of profiles, asked for at each Tab. Pure.

use super::Shell;

/// How many names, and which, is known when somebody asks.
const NAMES: &str = "clauth list --names";

/// A subcommand whose first argument is one of these.
pub struct Taker {
    /// The subcommand.
    pub command: String,
    /// What it takes.
    pub takes: Takes,
}

/// What an argument can be.
pub enum Takes {
    /// The name of a profile.
    Profile,
    /// One of these words.
    Words(Vec<String>),
}

impl Shell {
    /// Puts profiles, and where the generator leaves them out, words, into the script that clap generated for this shell.
    ///
    /// A test reads what each shell makes of it; a newer generator that writes another script fails there.
    pub fn with_takers(self, script: String, takers: &[Taker]) -> String {
        match self {
            Self::Bash => takers.iter().filter(|taker| matches!(taker.takes, Takes::Profile)).fold(script, |script, taker| {
                let options = format!("clauth__subcmd__{})\n            opts=\"", taker.command);
                script.replace(&options, &format!("{options}$({NAMES} 2>/dev/null) "))
            }),
            Self::Zsh => zsh(&script),
            Self::Fish => takers.iter().fold(script, |script, taker| script + &fish(taker)),
            Self::Pwsh | Self::Sh => script,
        }
    }
}

/// The generator names the argument, and leaves what it can be to the defaults.
fn zsh(script: &str) -> String {
    let function = format!(
        "(( $+functions[_clauth_profiles] )) ||\n_clauth_profiles() {{\n    \
         local profiles; profiles=(${{(f)\"$({NAMES} 2>/dev/null)\"}})\n    _describe -t profiles profile profiles\n}}\n\n"
    );
    let is_profile = |line: &str| line.starts_with("':profile -- ") || line.starts_with("'::profile -- ");
    let lines = script.lines().map(|line| match line.strip_suffix(":_default' \\").filter(|_| is_profile(line)) {
        Some(start) => start.to_owned() + ":_clauth_profiles' \\\n",
        None if line.starts_with("if [ \"$funcstack[1]\"") => format!("{function}{line}\n"),
        None => line.to_owned() + "\n",
    });
    lines.collect()
}

/// The generator knows no arguments in fish, only options.
fn fish(taker: &Taker) -> String {
    let (what, description) = match &taker.takes {
        Takes::Profile => (format!("({NAMES})"), " -d Profile"),
        Takes::Words(words) => (words.join(" "), ""),
    };
    let is_first = "test (count (commandline -opc)) = 2";
    format!("complete -c clauth -n \"__fish_clauth_using_subcommand {}; and {is_first}\" -f -a \"{what}\"{description}\n", taker.command)
}
