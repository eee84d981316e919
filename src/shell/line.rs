//! Command lines to be pasted: whatever a path holds, the shell that the user sits at reads it back.

use std::ffi::OsStr;

use super::{Shell, fish, posix, pwsh};
use crate::io::is_control;

/// Returns these words as one command line for the shell that called this program.
///
/// Every command that is shown to a user goes through here as soon as a word of it is not fixed text or a profile's name.
pub fn command_line<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    // Called by another program, the line is likeliest to be pasted into a POSIX shell.
    let shell = Shell::at_hand().unwrap_or(Shell::Sh);
    words.into_iter().map(|word| shell.typed(word.as_ref())).collect::<Vec<_>>().join(" ")
}

impl Shell {
    /// Quotes a word for a line that is shown on a terminal and pasted from there: no character of it is one that a terminal interprets.
    fn typed(self, word: &OsStr) -> String {
        let text = word.to_string_lossy();
        let is_shown_as_it_is = word.to_str().is_some_and(|text| !text.contains(is_control));
        match self {
            _ if is_shown_as_it_is => self.word(&text),
            Self::Bash | Self::Zsh => posix::quote_bytes(word.as_encoded_bytes()),
            Self::Fish => fish::quote_bytes(word.as_encoded_bytes()),
            Self::Pwsh => pwsh::quote(&text),
            Self::Sh => posix::quote(&text), // has no notation for such a character
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_it_must_be() {
        let typed = |word: &str| [Shell::Sh, Shell::Bash, Shell::Fish, Shell::Pwsh].map(|shell| shell.typed(word.as_ref()));
        assert_eq!(typed("/home/me/.claude-work"), ["/home/me/.claude-work"; 4]);
        assert_eq!(typed("o'b x"), [r"'o'\''b x'", r"'o'\''b x'", r"'o\'b x'", "'o''b x'"]);
        assert_eq!(typed(""), ["''"; 4]);
        assert_eq!(typed("a\n'"), ["'a\n'\\'''", r"$'a\x0a\x27'", r"a\X0a\X27", "\"a`u{a}'\""]);
    }
}
