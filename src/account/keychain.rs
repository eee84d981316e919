//! A login as an item of the macOS Keychain, reached by `/usr/bin/security` as Claude Code reaches it.
//!
//! No secret ever stands in `security`'s arguments, which every process can read: it is written by a command on the standard input of `security -i`, in
//! hexadecimal. That cuts lines at 4096 bytes and goes on with the rest as if nothing had happened, and its exit status tells nothing of single
//! commands. So what is too long is never sent, and what was sent is read back; where something else lies there, what lay there before is put back.
//! Before anything is written over, as many bytes that are no secret are written to an item of clauth's own, to see that they arrive.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::claude_code::keychain::SERVICE;
use crate::env::Keychain;
use crate::error::Mistake;
use crate::io::{self, Beside};
use crate::sys;

/// The longest line that is sent, in bytes; Claude Code stays as far below the limit of 4096.
const LINE: usize = 4032;

/// The exit statuses of `security`: the low byte of the error's number.
const NOT_FOUND: i32 = 44;
const LOCKED: i32 = 36;
const NO_KEYCHAIN: [i32; 2] = [37, 50];

/// One item: a place for one login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    keychain: Keychain,
    service: String,
}

/// What is found there.
#[derive(Clone, PartialEq, Eq)]
pub enum Held {
    /// This text.
    Text(Vec<u8>),
    /// There is no such item.
    Nothing,
    /// The user has no keychain at all, so that Claude Code uses a file.
    NoKeychain,
}

impl Item {
    /// Names the item of a config directory by its very spelling; `None` for the default one, without a `CLAUDE_CONFIG_DIR`.
    pub fn of(keychain: &Keychain, config_dir: Option<&Path>) -> Self {
        let suffix = config_dir.map(|directory| {
            let spelling: String = directory.to_string_lossy().nfc().collect();
            format!("-{}", io::hex(&Sha256::digest(spelling.as_bytes())[..4]))
        });
        Self { keychain: keychain.clone(), service: format!("{SERVICE}{}", suffix.unwrap_or_default()) }
    }

    /// Returns the command by which the user deletes the item.
    pub fn deletion(&self) -> String {
        format!("security delete-generic-password -a '{}' -s '{}'", self.keychain.account, self.service)
    }

    /// Reads what lies there.
    pub fn read(&self) -> Result<Held, Mistake> {
        let (status, printed) = self.ask(&["find-generic-password", "-a", &self.keychain.account, "-w", "-s", &self.service], Vec::new())?;
        match status {
            Some(0) => Ok(Held::Text(unfold(&printed))),
            Some(NOT_FOUND) => Ok(Held::Nothing),
            Some(status) if NO_KEYCHAIN.contains(&status) => Ok(Held::NoKeychain),
            Some(LOCKED) => Err(Mistake::KeychainLocked { item: self.to_string() }),
            status => {
                Err(Mistake::KeychainDenied { item: self.to_string(), status: status.map_or("a signal".into(), |status| format!("status {status}")) })
            }
        }
    }

    /// Whether a text of this many bytes can be sent.
    pub fn takes(&self, length: usize) -> bool {
        self.addition("").len() + 2 * length <= LINE
    }

    /// Writes a text of printable ASCII and reads it back. What lay there before is there again when that fails.
    pub fn write(&self, text: &str) -> Result<(), Mistake> {
        if !self.takes(text.len()) {
            return Err(Mistake::KeychainTooLong { item: self.to_string() });
        }
        let before = self.read()?;
        if matches!(before, Held::Text(_)) {
            self.rehearse(text.len())?;
        }
        self.add(text)?;
        let found = self.read()?;
        if found == Held::Text(text.into()) {
            return Ok(());
        }
        match (before, found) {
            (Held::Text(before), found) if found != Held::Text(before.clone()) => {
                if let Some(before) = str::from_utf8(&before).ok().filter(|before| self.takes(before.len())) {
                    self.add(before)?;
                }
            }
            (Held::Nothing, Held::Text(_)) => self.delete()?,
            _ => {}
        }
        Err(Mistake::KeychainUnkept { item: self.to_string() })
    }

    /// Writes as much into an item of clauth's own first, and no secret: what is written over is lost where the Keychain keeps a part alone.
    fn rehearse(&self, length: usize) -> Result<(), Mistake> {
        let own = Self { service: format!("clauth {}", self.service), ..self.clone() };
        let text = "x".repeat(length);
        own.add(&text)?;
        let found = own.read()?;
        let _ = own.delete(); // it is none that matters
        if found == Held::Text(text.into()) { Ok(()) } else { Err(Mistake::KeychainUnkept { item: self.to_string() }) }
    }

    /// Deletes the item. The caller knows that it is clauth's own, or that its bytes lie elsewhere and the user agreed.
    pub fn delete(&self) -> Result<(), Mistake> {
        self.ask(&["delete-generic-password", "-a", &self.keychain.account, "-s", &self.service], Vec::new())?;
        match self.read()? {
            Held::Text(_) => Err(Mistake::KeychainUnkept { item: self.to_string() }),
            Held::Nothing | Held::NoKeychain => Ok(()),
        }
    }

    fn add(&self, text: &str) -> Result<(), Mistake> {
        self.ask(&["-i"], self.addition(text).into_bytes()).map(drop)
    }

    /// Returns the line that writes a text.
    fn addition(&self, text: &str) -> String {
        let hex = io::hex(text.as_bytes());
        format!("add-generic-password -U -a \"{}\" -s \"{}\" -X \"{hex}\"\n", self.keychain.account, self.service)
    }

    /// Runs `security`; returns its exit status, `None` after a signal, and what it printed.
    fn ask(&self, arguments: &[&str], input: Vec<u8>) -> Result<(Option<i32>, Vec<u8>), Mistake> {
        let mut command = Command::new(&self.keychain.program);
        // What it says on stderr could hold a part of its input.
        sys::apart_from_terminal(command.args(arguments).stderr(Stdio::null()));
        let program = || self.keychain.program.display().to_string();
        let running = Beside::run(&mut command, input).map_err(|error| Mistake::NoSecurity { program: program(), reason: error.to_string() })?;
        let (status, printed) = running.end(self.keychain.patience).ok_or_else(|| Mistake::KeychainSilent { item: self.to_string() })?;
        Ok((status.code(), printed))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)
    }
}

/// Returns what lies in an item from what `security` prints of it: as it is with a line end, or in hexadecimal where one byte of it is not printable.
fn unfold(printed: &[u8]) -> Vec<u8> {
    let line = printed.strip_suffix(b"\n").unwrap_or(printed);
    let digits: Option<Vec<u8>> = line.iter().map(|byte| char::from(*byte).to_digit(16)?.try_into().ok()).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect(),
        _ => line.into(),
    }
}

/// Spells JSON in printable ASCII alone: of anything else `security` prints hexadecimal, which Claude Code does not read.
pub fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            ascii.push(character);
        } else {
            // Outside of strings JSON has no such character, so each can be escaped.
            ascii.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(config_dir: Option<&str>) -> Item {
        let keychain = Keychain { program: "/usr/bin/security".into(), account: "me".into(), patience: std::time::Duration::ZERO };
        Item::of(&keychain, config_dir.map(Path::new))
    }

    #[test]
    fn an_item_hangs_on_the_spelling_of_its_directory() {
        assert_eq!(item(None).to_string(), "Claude Code-credentials");
        // printf %s /Users/me/.clauth/profiles/work/runtime | sha256sum
        assert_eq!(item(Some("/Users/me/.clauth/profiles/work/runtime")).to_string(), "Claude Code-credentials-3c5a625e");
        assert_ne!(item(Some("/Users/me/w")), item(Some("/Users/me/w/")));
        // Composed or not, é is one letter to Claude Code.
        assert_eq!(item(Some("/Users/zo\u{e9}")), item(Some("/Users/zoe\u{301}")));
    }

    #[test]
    fn the_secret_goes_in_as_hexadecimal_within_a_line() {
        assert_eq!(item(None).addition("{\"a\"}"), "add-generic-password -U -a \"me\" -s \"Claude Code-credentials\" -X \"7b2261227d\"\n");
        let most = (LINE - item(None).addition("").len()) / 2;
        assert!(item(None).takes(most) && !item(None).takes(most + 1));
        assert!(item(None).addition(&"x".repeat(most)).len() <= LINE);
    }

    #[test]
    fn what_is_not_printable_comes_back_as_hexadecimal() {
        for (printed, expected) in [
            ("{\"a\": \"b\"}\n", "{\"a\": \"b\"}"),
            ("7b22c3a9227d\n", "{\"é\"}"),
            ("7b22C3A9227D\n", "{\"é\"}"),
            ("7b2\n", "7b2"),
            ("\n", ""),
            ("{}", "{}"),
        ] {
            assert_eq!(unfold(printed.as_bytes()), expected.as_bytes(), "{printed:?}");
        }
    }

    #[test]
    fn json_in_ascii_is_the_same_json() {
        let json = serde_json::json!({"é": "日本 \u{1f600} \u{7f} \"\\ \n"});
        let ascii = in_ascii(&json.to_string());
        assert!(ascii.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{ascii}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ascii).unwrap(), json);
    }
}
