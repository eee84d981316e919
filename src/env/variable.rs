//! Every environment variable that clauth reads or writes, but for those of Claude Code, which [`crate::claude_code::variables`] knows.

/// The name of the loaded profile, for prompts and scripts.
pub const CLAUTH_PROFILE: &str = "CLAUTH_PROFILE";

/// The record of what a shell had before clauth changed it (see [`crate::env::record`]).
pub const CLAUTH_STATE: &str = "CLAUTH_STATE";

/// Where clauth keeps profiles; default `~/.clauth`.
pub const CLAUTH_HOME: &str = "CLAUTH_HOME";

/// Set and not empty: the hook and the shim step aside.
pub const CLAUTH_DISABLE: &str = "CLAUTH_DISABLE";

/// The process that the shim or the wrapper last became, and which of them it was, to notice a program that leads back there.
pub const CLAUTH_SHIM: &str = "CLAUTH_SHIM";

/// How profiles share files: `symlink` (the default), `hardlink` or `copy`, where there are no symbolic links.
pub const CLAUTH_LINK_MODE: &str = "CLAUTH_LINK_MODE";

/// How many bytes of copies a profile may have before its old transcripts become hard links to those of `~/.claude`. For tests.
pub const CLAUTH_COPIES_LIMIT: &str = "CLAUTH_COPIES_LIMIT";

/// The address of a stand-in for the services that clauth asks, on this machine alone: `http://127.0.0.1:8484`. For tests.
pub const CLAUTH_SERVICES: &str = "CLAUTH_SERVICES";

/// How many seconds such a stand-in, or that of [`CLAUTH_KEYCHAIN`], may take for an answer.
pub const CLAUTH_TIMEOUT: &str = "CLAUTH_TIMEOUT";

/// The program that stands in for macOS's `security`, by an absolute path: logins lie in a keychain then, which it reaches. For tests.
pub const CLAUTH_KEYCHAIN: &str = "CLAUTH_KEYCHAIN";

/// Who the user is, the first that is set; Claude Code files its items of the Keychain under that name.
pub const USER: &[&str] = &["USER", "LOGNAME"];

/// The proxy for https, the first that is set, as Claude Code looks for it.
pub const HTTPS_PROXY: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The hosts that are asked without a proxy.
pub const NO_PROXY: &[&str] = &["no_proxy", "NO_PROXY"];

/// The authorities to trust instead of the system's, in one file.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// The same, in a directory.
pub const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// The authorities to trust besides: how Claude Code is told of a company's proxy.
pub const NODE_EXTRA_CA_CERTS: &str = "NODE_EXTRA_CA_CERTS";

/// Where programs are found.
pub const PATH: &str = "PATH";

/// Set and not empty: nothing is coloured (<https://no-color.org>).
pub const NO_COLOR: &str = "NO_COLOR";

/// Set, not empty and not `0`: coloured though it is no terminal.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";

/// What kind of terminal it is; `dumb` takes text alone.
pub const TERM: &str = "TERM";

/// How many columns to use, whatever the terminal has.
pub const COLUMNS: &str = "COLUMNS";

/// Where the user is, as tzset(3) has it.
pub const TZ: &str = "TZ";

/// Where programs keep the user's settings; default `~/.config`.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";

/// The user's settings of git, instead of `~/.gitconfig`.
pub const GIT_CONFIG_GLOBAL: &str = "GIT_CONFIG_GLOBAL";
