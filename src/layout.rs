//! Every path that clauth owns, in one place; nothing here writes to the disk.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::claude_code::processes::{PROGRAM, WRAPPER};
use crate::env::{Env, Keychain, USUAL_HOME, variable};
use crate::error::Mistake;
use crate::name::ProfileName;
use crate::sys;

/// The file that binds a directory to a profile.
pub const BINDING: &str = ".clauth.toml";

/// What the refused `CLAUDE_CONFIG_DIR` is called below [`Layout::refused`]: the client prints the path when it fails, so it says what to do.
const REFUSED_ENTRY: &str = "run-clauth-status";

/// Knows where everything lies below `$CLAUTH_HOME` (default `~/.clauth`), and what does not lie in files.
#[derive(Debug, Clone)]
pub struct Layout {
    home: PathBuf,
    keychain: Option<Keychain>,
    /// Asked of the kernel once.
    run: OnceLock<PathBuf>,
}

impl Layout {
    /// Returns the layout that the environment asks for.
    pub fn from_env(env: &Env) -> Result<Self, Mistake> {
        let home = match env.non_empty(variable::CLAUTH_HOME) {
            Some(home) => sys::spelled(home),
            None => env.home_dir()?.join(USUAL_HOME),
        };
        // The paths below are exported to shells and read by Claude Code, which knows only UTF-8; control characters would make one-line messages two.
        match home.to_str() {
            Some(text) if home.is_absolute() && !text.contains(char::is_control) => {
                Ok(Self { home: home.components().collect(), keychain: Keychain::from_env(env), run: OnceLock::new() })
            }
            _ => Err(Mistake::HomeUnusable { path: home.to_string_lossy().into_owned() }),
        }
    }

    /// `$CLAUTH_HOME` itself.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The keychain that logins lie in, where they do not lie in files.
    pub fn keychain(&self) -> Option<&Keychain> {
        self.keychain.as_ref()
    }

    /// The user's settings.
    pub fn config(&self) -> PathBuf {
        self.home.join("config.toml")
    }

    /// The state lock: adding and removing profiles.
    pub fn state_lock(&self) -> PathBuf {
        self.home.join(".lock")
    }

    /// The journal of a login that is being moved.
    pub fn transfer(&self) -> PathBuf {
        self.home.join("transfer.json")
    }

    /// The directory whose one entry is the epoch.
    pub fn epoch(&self) -> PathBuf {
        self.home.join("epoch")
    }

    /// One file for each allowed pair of directory and profile name.
    pub fn allow(&self) -> PathBuf {
        self.home.join("allow")
    }

    /// One file for each denied directory.
    pub fn deny(&self) -> PathBuf {
        self.home.join("deny")
    }

    /// A regular file: a config directory below it makes the client refuse by itself.
    pub fn refused(&self) -> PathBuf {
        self.home.join("refused")
    }

    /// The `CLAUDE_CONFIG_DIR` of a refused directory, as it is exported.
    pub fn refused_config_dir(&self) -> String {
        sys::paths::portable(&self.refused().join(REFUSED_ENTRY).to_string_lossy())
    }

    /// What lost a conflict, and what removed profiles left.
    pub fn rescued(&self) -> PathBuf {
        self.home.join("rescued")
    }

    /// Where the losing side of a profile's conflicts is kept from now on, by the second.
    pub fn rescue(&self, name: &ProfileName) -> PathBuf {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.rescued().join(name).join(now.to_string())
    }

    /// Where removed files are kept for a while, by day.
    pub fn trash(&self) -> PathBuf {
        self.rescued().join("removed")
    }

    /// The removals of one profile that are held.
    pub fn removals(&self, name: &ProfileName) -> PathBuf {
        self.base(name).join("removals.json")
    }

    /// How much space the copies of one profile take.
    pub fn copies(&self, name: &ProfileName) -> PathBuf {
        self.base(name).join("copies")
    }

    /// The values that lost against a profile's in a merge.
    pub fn losses(&self, name: &ProfileName) -> PathBuf {
        self.rescued().join(name).join("losses.jsonl")
    }

    /// The top-level keys that may be deleted in any number, by file.
    pub fn accepted_deletions(&self) -> PathBuf {
        self.home.join("accepted-deletions.json")
    }

    /// The directory of the `claude` shim.
    pub fn bin(&self) -> PathBuf {
        self.home.join("bin")
    }

    /// The `claude` shim.
    pub fn shim(&self) -> PathBuf {
        self.bin().join(format!("{PROGRAM}{}", sys::PROGRAM_SUFFIX))
    }

    /// What editors run instead of the client that they bring, with that client and its arguments.
    pub fn wrapper(&self) -> PathBuf {
        self.bin().join(format!("{WRAPPER}{}", sys::PROGRAM_SUFFIX))
    }

    /// Returns the home that the shim or the wrapper at this path was installed into: it lies in `bin`, or is the link beside. Not that of another user: with
    /// `sudo` this process has an account of its own.
    pub fn home_around(program: &Path) -> Option<PathBuf> {
        let directory = program.parent()?;
        let bin = if directory.ends_with(".link") { directory.parent()? } else { directory };
        let home = bin.parent().filter(|_| bin.ends_with("bin"))?;
        let is_own = home.join("profiles").is_dir() && sys::owned_by_this_user(home).unwrap_or(false);
        is_own.then(|| home.into())
    }

    /// What was done to the settings of editors.
    pub fn editors(&self) -> PathBuf {
        self.home.join("editors.json")
    }

    /// The directory of all profiles.
    pub fn profiles(&self) -> PathBuf {
        self.home.join("profiles")
    }

    /// One profile's directory.
    pub fn profile(&self, name: &ProfileName) -> PathBuf {
        self.profiles().join(name)
    }

    /// One profile's own settings.
    pub fn profile_file(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("profile.toml")
    }

    /// The name that `profile.toml` has while its profile is removed: whoever finds this one, and not that one, finds a removal that began.
    pub fn removing(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("removing.toml")
    }

    /// Where a removal puts a shared file for the moment in which it is compared with the hub's.
    pub fn leaving(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("leaving")
    }

    /// Names the directory that is imported into a profile, for as long as that is not finished.
    pub fn importing(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("importing")
    }

    /// Says that a profile of this name was removed: what appears under its old path since then is not a profile.
    pub fn removed(&self, name: &ProfileName) -> PathBuf {
        self.home.join("removed").join(name)
    }

    /// The `CLAUDE_CONFIG_DIR` of a profile, as spelled when it is added.
    pub fn runtime(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("runtime")
    }

    /// The `ANTHROPIC_CONFIG_DIR` of a profile: the sign-in of a Console account, made by the client and as secret as a login.
    pub fn anthropic(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("anthropic")
    }

    /// What a profile and the hub last agreed on.
    pub fn base(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("base")
    }

    /// The lock under which a profile's login is replaced.
    pub fn rotation_lock(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("rotation.lock")
    }

    /// What became of a profile's refresh tokens, which are never kept themselves.
    pub fn spent(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("spent")
    }

    /// What a refresh brought, until it is in its place.
    pub fn renewed(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("renewed")
    }

    /// Disk space that a new login may need, held while it is asked for.
    pub fn room(&self, name: &ProfileName) -> PathBuf {
        self.profile(name).join("room")
    }

    /// What is known of the limits of accounts.
    pub fn usage(&self) -> PathBuf {
        self.home.join("usage")
    }

    /// The sessions of all kernel boots and pid namespaces that this home was used in.
    pub fn runs(&self) -> PathBuf {
        self.home.join("run")
    }

    /// The sessions of this boot and pid namespace: a lease from another one can never be mistaken for ours.
    pub fn run(&self) -> &Path {
        self.run.get_or_init(|| self.runs().join(sys::boot_and_namespace()))
    }

    /// Returns the profile whose config directory this value names, whether or not that profile still exists.
    pub fn profile_of(&self, config_dir: &OsStr) -> Option<ProfileName> {
        let inside = Path::new(config_dir).strip_prefix(self.profiles()).ok()?;
        inside.iter().next()?.to_str()?.parse().ok()
    }

    /// Whether this `CLAUDE_CONFIG_DIR` was set by clauth: it lies inside `profiles/` or below `refused`.
    pub fn owns(&self, config_dir: &OsStr) -> bool {
        let path = Path::new(config_dir);
        path.starts_with(self.profiles()) || path.starts_with(self.refused())
    }
}

/// Witness that this process may write below `$CLAUTH_HOME`: whatever writes there asks for it.
///
/// With `sudo -E` the paths are the user's and the process is root: its files would lock the user out of their own profiles.
#[derive(Clone, Copy)]
pub struct Writable<'a>(&'a Layout);

impl Layout {
    /// Returns the right to write here, or the reason why not.
    pub fn writable(&self) -> Result<Writable<'_>, Mistake> {
        match sys::owned_by_this_user(&self.home) {
            Ok(false) => Err(Mistake::NotOwner { path: self.home.display().to_string() }),
            // What is not there yet is created by this user; what cannot be looked at fails with its own words when it is written.
            Ok(true) | Err(_) => Ok(Writable(self)),
        }
    }
}

impl std::ops::Deref for Writable<'_> {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        self.0
    }
}
