//! What clauth says to a person, safe for the terminal.

use std::fmt::{Display, Write as _};
use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, bail};

use crate::error::{self, Mistake};

/// Prints one line on stderr, `clauth: ` before it.
pub fn say(message: impl Display) {
    let line = format!("clauth: {}\n", terminal_safe(&message.to_string()));
    // One write, so that lines of several processes do not mix; a closed stderr is no reason to fail.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Prints a failure in one line, with what to do about it.
pub fn complain(error: &anyhow::Error) {
    say(error::told(error));
}

/// Prints text on stdout as it is. A reader that went away (`clauth list | head -1`) wanted no more, which is no failure.
pub fn print(text: impl AsRef<[u8]>) -> io::Result<()> {
    let mut stdout = io::stdout();
    let printed = stdout.write_all(text.as_ref()).and_then(|()| stdout.flush());
    printed.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Escapes what a terminal would obey or show in another order: control characters and the Unicode marks of bidirectional text.
///
/// A path or a project's file can hold any of them; <https://trojansource.codes> shows what the second kind is for.
pub fn terminal_safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_control(character) {
            let _ = write!(safe, "{}", character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Says how many there are of something: `1 file`, `2 files`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Whether a terminal would obey this character, or show others in another order for it.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Asks a question on the terminal; without one, only `yes` given beforehand is consent.
pub fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let refused = || Mistake::NotConfirmed { question: format!("\"{question}\"") };
    if !io::stdin().is_terminal() {
        bail!(refused());
    }
    let _ = write!(io::stderr(), "{} [y/N] ", terminal_safe(question));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!(refused()) }
}

#[cfg(test)]
mod tests {
    use super::terminal_safe;

    #[test]
    fn a_terminal_never_gets_a_control_or_bidi_character() {
        assert_eq!(terminal_safe("a\x1b[31m\n\u{202e}b\u{9b}é 日"), "a\\u{1b}[31m\\n\\u{202e}b\\u{9b}é 日");
    }
}
