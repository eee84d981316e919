//! A secret asked for: from a pipe, or typed without being shown.

use std::io::{self, IsTerminal, Read, Write};

use crate::sys;

/// Reads a secret from the standard input: all of a pipe, or one line of a terminal, which does not show it. More than `limit` bytes are not read.
pub fn ask_secret(question: &str, limit: usize) -> io::Result<Vec<u8>> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut bytes = Vec::new();
        stdin.lock().take(limit as u64 + 3).read_to_end(&mut bytes)?; // the end of its line, and one to see that it is too long
        return Ok(bytes);
    }
    let hidden = sys::TypingHidden::begin()?;
    let _ = write!(io::stderr(), "{question}: ");
    let typed = read_line(std::iter::from_fn(|| hidden.next_key().transpose()), limit);
    let _ = io::stderr().write_all(b"\n");
    typed
}

/// Reads what is typed up to Enter, key by key; Ctrl-C or Ctrl-D give up, and what came until then is nothing.
fn read_line(keys: impl Iterator<Item = io::Result<u8>>, limit: usize) -> io::Result<Vec<u8>> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    let mut line = Vec::new();
    for key in keys {
        match key? {
            b'\n' | b'\r' => return Ok(line),
            CTRL_C | CTRL_D => return Ok(Vec::new()),
            CTRL_U => line.clear(),
            8 | 127 => drop(line.pop()),
            key if line.len() <= limit => line.push(key),
            _ => {} // already too long, and said so when it ends
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::read_line;

    fn typed(keys: &str) -> String {
        String::from_utf8(read_line(keys.bytes().map(Ok), 10).unwrap()).unwrap()
    }

    #[test]
    fn typing_can_be_corrected_and_given_up() {
        assert_eq!(typed("tok\nrest"), "tok");
        assert_eq!(typed("tox\u{7f}k\r"), "tok");
        assert_eq!(typed("wrong\u{15}tok\n"), "tok");
        for given_up in ["tok\u{3}\n", "tok\u{4}", "tok", "\n"] {
            assert_eq!(typed(given_up), "");
        }
        assert_eq!(typed(&("x".repeat(100) + "\n")).len(), 11);
    }
}
