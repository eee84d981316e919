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
    /// Whether a command that it runs follows behind `--`.
    pub runs: bool,
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
                let case = format!("clauth__subcmd__{})\n", taker.command);
                let options = "            opts=\"";
                let command = if taker.runs { BASH_COMMAND } else { "" };
                script.replace(&format!("{case}{options}"), &format!("{case}{command}{options}$({NAMES} 2>/dev/null) "))
            }),
            Self::Zsh => zsh(&script),
            Self::Fish => takers.iter().fold(script, |script, taker| script + &fish(taker)),
            Self::Pwsh | Self::Sh => script,
        }
    }
}

/// Behind `--` stands a command, and then its arguments, which bash completes as files where nothing is offered.
const BASH_COMMAND: &str = r#"            if [[ " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *" -- "* ]] ; then
                COMPREPLY=()
                [[ ${prev} != -- ]] || COMPREPLY=( $(compgen -c -- "${cur}") )
                return 0
            fi
"#;

/// The generator names the argument, and leaves what it can be to the defaults.
fn zsh(script: &str) -> String {
    let function = format!(
        "(( $+functions[_clauth_profiles] )) ||\n_clauth_profiles() {{\n    \
         local profiles; profiles=(${{(f)\"$({NAMES} 2>/dev/null)\"}})\n    _describe -t profiles profile profiles\n}}\n\n\
         (( $+functions[_clauth_command] )) ||\n_clauth_command() {{\n    \
         local -i at=${{words[(I)--]}}\n    shift $at words\n    (( CURRENT -= at ))\n    _normal\n}}\n\n"
    );
    let is_profile = |line: &str| line.starts_with("':profile -- ") || line.starts_with("'::profile -- ");
    let lines = script.lines().map(|line| match line.strip_suffix(":_default' \\").filter(|_| is_profile(line)) {
        Some(start) => start.to_owned() + ":_clauth_profiles' \\\n",
        _ if line.starts_with("'*::command -- ") => line.replace(":_default'", ":_clauth_command'") + "\n",
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
    let using = format!("complete -c clauth -n \"__fish_clauth_using_subcommand {}", taker.command);
    let command = format!("{using}; and contains -- -- (commandline -opc)\" -f -a \"(__fish_complete_subcommand --fcs-skip=4)\"\n");
    format!("{using}; and {is_first}\" -f -a \"{what}\"{description}\n{}", if taker.runs { &command } else { "" })
}
