//! A Mac's Keychain for a sandbox: `security.sh` in the place of `security`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::sandbox::Sandbox;

/// The stand-in for `security`; a file of its own, so that it can be linted.
const SECURITY: &str = include_str!("security.sh");

/// The account of every item in a sandbox.
const USER: &str = "me";

/// The item of plain `claude`.
pub(crate) const HUB_ITEM: &str = "Claude Code-credentials";

/// Returns the item of a `CLAUDE_CONFIG_DIR` of this spelling.
pub(crate) fn item_of(config_dir: impl AsRef<Path>) -> String {
    let hash = Sha256::digest(config_dir.as_ref().to_str().unwrap());
    hash.iter().take(4).fold(format!("{HUB_ITEM}-"), |item, byte| format!("{item}{byte:02x}"))
}

impl Sandbox {
    /// Makes a sandbox whose logins lie in a keychain, that of `~/.claude` among them.
    pub(crate) fn with_keychain() -> Self {
        let mut sandbox = Self::new();
        sandbox.use_keychain();
        let file = sandbox.path("home/.claude/.credentials.json");
        // As the client writes it there: without line ends.
        let login: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        sandbox.put_item(HUB_ITEM, &login.to_string());
        fs::remove_file(file).unwrap();
        sandbox
    }

    /// Lets logins lie in a keychain from now on.
    pub(crate) fn use_keychain(&mut self) {
        let program = self.program("security", SECURITY);
        self.set_variable("CLAUTH_KEYCHAIN", program);
        self.set_variable("USER", USER);
        self.set_variable("CLAUTH_TIMEOUT", "30"); // nothing fails because the machine is busy
        self.mkdir("home/.keychain/items");
    }

    /// Puts a text into an item.
    pub(crate) fn put_item(&self, item: &str, text: &str) {
        self.write(self.item_file(item), text);
    }

    /// Returns the text of an item, if there is one.
    pub(crate) fn item(&self, item: &str) -> Option<String> {
        fs::read_to_string(self.item_file(item)).ok()
    }

    /// Returns the names of all items.
    pub(crate) fn items(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("home/.keychain/items")).unwrap();
        let mut items: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        items.sort_unstable();
        items.iter().map(|item| item.strip_prefix("me@").unwrap().to_owned()).collect()
    }

    /// Lets the keychain behave like this, a word of `security.sh`; well for the empty one.
    pub(crate) fn keychain_behaves(&self, behaviour: &str) {
        let _ = fs::remove_file(self.path("home/.keychain/calls")); // so that they are counted from here
        self.write("home/.keychain/behaviour", format!("{behaviour}\n"));
    }

    /// How often `security` was called since the keychain was told how to behave.
    pub(crate) fn keychain_calls(&self) -> usize {
        fs::read_to_string(self.path("home/.keychain/calls")).map_or(0, |calls| calls.trim().parse().unwrap())
    }

    /// Asserts that no argument of `security` ever held one of these texts, as it is or in hexadecimal.
    #[track_caller]
    pub(crate) fn assert_never_argued(&self, secrets: &[&str]) {
        let arguments = self.read("home/.keychain/arguments").to_lowercase();
        for secret in secrets {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!arguments.contains(&secret.to_lowercase()) && !arguments.contains(&hex), "{secret} is in {arguments}");
        }
    }

    fn item_file(&self, item: &str) -> PathBuf {
        self.path("home/.keychain/items").join(format!("{USER}@{item}"))
    }
}
