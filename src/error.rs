//! What a user can get wrong, each with the way out of it.
//!
//! This is the one table of clauth's own errors: a test walks [`Mistake::ALL`] and provokes each of them for real. Failures of the
//! machine (a full disk, a read-only directory) are `anyhow` chains instead: "could not <verb> <thing>: <path>".
//!
//! Values from outside may stand in a field as they are: [`crate::io::say`] escapes what a terminal would obey.

/// Declares [`Mistake`]: each row is a variant, its fields, what is wrong and what to do about it.
macro_rules! mistakes {
    ($( $(#[$doc:meta])* $id:ident { $($field:ident),* } => $what:literal, $remedy:literal; )*) => {
        /// A mistake of the user's, told in one line that names the remedy.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Mistake { $( $(#[$doc])* $id { $($field: String),* }, )* }

        impl Mistake {
            /// The name of every mistake, for the test that walks the table.
            pub const ALL: &[&str] = &[$(stringify!($id)),*];

            /// Returns what is wrong, and what to do about it.
            pub fn parts(&self) -> (String, String) {
                match self { $( Self::$id { $($field),* } => (format!($what), format!($remedy)), )* }
            }
        }

        impl std::fmt::Display for Mistake {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let (what, remedy) = self.parts();
                write!(f, "{what}; {remedy}")
            }
        }
    };
}

mistakes! {
    /// The line lacks something; `hint` is empty or says where it is found.
    MissingArgument { called, missing, usage, hint } => "`{called}` needs {missing}", "type `{usage}`{hint}";
    /// The line lacks the word that says what to do.
    MissingWord { called, words } => "`{called}` needs one more word", "type {words}";
    /// There is no such subcommand.
    UnknownCommand { command, instead } => "there is no command `{command}`", "type {instead}";
    /// The line has more than the command takes.
    Misused { called, argument, usage } => "`{called}` takes no `{argument}`", "type `{usage}`";
    /// A word is none of those that may stand there.
    UnknownValue { value, argument, known } => "`{value}` is no {argument}", "choose {known}";
    /// Two arguments exclude each other.
    Conflict { called, one, other } => "`{one}` and `{other}` do not go together", "run `{called}` with one of them";
    /// A directory stands where a profile belongs.
    DirectoryForProfile { directory, line } => "`{directory}` is not a profile name but a directory", "type `{line}` (`clauth list` shows your profiles)";
    /// `default` is no profile.
    NoProfileByDefault { name } => "`{name}` is no profile but the account you have without clauth", "type `clauth start default` to run `claude` with it, or `clauth use default` to have it in a directory";
    /// The name belongs to no profile; `hint` is empty or names the nearest one.
    UnknownProfile { name, hint } => "there is no profile `{name}`{hint}", "run `clauth list` to see them, or `clauth add {name}`";
    /// The name cannot be a profile's.
    BadName { name } => "`{name}` is not a profile name", "use 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit";
    /// `default` means "as if nothing were bound here".
    ReservedName { name } => "`{name}` is reserved for \"as if nothing were bound here\"", "choose another name";
    /// Names are unique ignoring case.
    ProfileExists { name } => "the profile `{name}` exists already", "run `clauth list` to see them";
    /// The profile's config directory is not in this `$CLAUTH_HOME`: it was moved or copied.
    ProfileElsewhere { name, path } => "the profile `{name}` belongs in {path}, where it was added", "set CLAUTH_HOME to the directory it was added in, or move it back";
    /// The client asked for a key that the profile no longer has.
    NoApiKey { name, file } => "the profile `{name}` has no `api_key`", "put one into {file}, or sign in with `claude` in a directory of the profile";
    /// There is no login to move: nobody is signed in, or the client emptied it.
    NoLogin { place } => "nobody is signed in to a claude.ai account at {place}", "make a profile with `clauth add NAME` and sign in to it with `clauth login NAME`";
    /// The Keychain is locked: at the start of an ssh session, or by its own timer.
    KeychainLocked { item } => "the Keychain is locked, as it is in every session over ssh, so its item {item} is out of reach", "unlock it with `security unlock-keychain`, then try again";
    /// The Keychain refuses, for a reason of its own.
    KeychainDenied { item, status } => "the Keychain denies its item {item} (`security` ended with {status})", "let `security` use it in the app Keychain Access, then try again";
    /// The Keychain shows a dialog, or hangs.
    KeychainSilent { item } => "the Keychain did not answer for its item {item} within 2 s", "if it shows a dialog, choose \"Always Allow\", then try again";
    /// There is no `security`, or it cannot be run.
    NoSecurity { program, reason } => "could not run {program} ({reason}), by which the Keychain is reached", "look at it with `ls -l`";
    /// The Keychain has something else than what was written.
    KeychainUnkept { item } => "the Keychain did not keep what was written to its item {item}, which is as it was", "look at it in the app Keychain Access, then try again";
    /// A login does not fit into a line of `security`, and arguments are for everybody to see.
    KeychainTooLong { item } => "the login in the Keychain item {item} is too long for clauth to write (`security` takes lines of 4096 bytes)", "let Claude Code renew it: run `claude` there";
    /// Such an item and its second one belong together, and only the client can open the second.
    KeychainOverflow { item } => "the Keychain item {item} goes on in a second one, which Claude Code alone can read", "let Claude Code renew it by running `claude` there; where it should be moved, sign in to the profile with `clauth login NAME`";
    /// An organization's sign-in hangs on settings and a lock of its own.
    OrganizationLogin { place } => "the sign-in at {place} is an organization's, which Claude Code alone can renew and move", "let Claude Code renew it by running `claude` there; where it should be moved, sign in to the profile with `clauth login NAME`";
    /// A new profile would come into the login of an earlier one.
    KeychainTaken { name, item, command } => "the Keychain item {item} still has the login of an earlier profile `{name}`", "choose another name, or delete it with `{command}`";
    /// The directory cannot become a profile.
    NotImportable { directory, reason } => "{directory} cannot be imported ({reason})", "name a directory that a CLAUDE_CONFIG_DIR of yours led to";
    /// The client's sign-in came to nothing.
    LoginFailed { name, line } => "nobody signed in to `{name}`", "run `{line}` to try again";
    /// A login would come to a profile that has one.
    ProfileSignedIn { name } => "the profile `{name}` has a login already", "choose another name, or take it away with `clauth remove {name}`";
    /// A login would come to ~/.claude, which has one.
    HomeSignedIn { place } => "somebody is signed in at {place} already", "move that login to a profile first, with `clauth capture NAME`";
    /// A login would come to a profile whose key wins over it.
    KeyBeforeLogin { name, file } => "the profile `{name}` has an API key, which wins over any login", "choose another name, or take `api_key` out of {file}";
    /// A login would move from under a client.
    ClientRuns { place, pids } => "claude runs in {place} (process {pids})", "close it, then try again";
    /// The login to be moved cannot be read as one.
    BrokenLogin { reason } => "{reason}", "sign in there again with `claude`, then try again";
    /// A login was moved, and the last step of that cannot be done.
    LoginUnsettled { place, reason } => "an earlier move of a login to {place} is not finished ({reason})", "mend that, then try again";
    /// Somebody holds the client's locks of a login for too long.
    LoginBusy { place } => "a client holds the locks of the login at {place}", "close it, or wait a minute for a dead one's to run out, then try again";
    /// What came on the standard input is no key or token.
    BadSecret { what, reason, flag } => "no {what} came on the standard input ({reason})", "pipe it alone, `clauth add NAME {flag} < FILE`, or type it when asked";
    /// The URL cannot be an endpoint; it is not repeated, since a password may stand in it.
    BadEndpoint { reason } => "`--base-url` names no endpoint ({reason})", "give it as https://HOST/PATH";
    /// An endpoint that is not Anthropic's, without a key of its own.
    EndpointWithoutKey { url } => "{url} is not Anthropic's, and without a key of its own it would be sent the token of a login", "add `--api-key-stdin`";
    /// A profile's requests go to such an endpoint.
    EndpointGetsLogin { name, file } => "the profile `{name}` sends its requests elsewhere than to Anthropic and has no key for that, so the token of a login would go there", "put the endpoint's `api_key` into {file}, or take the URL out of it";
    /// The shared settings, or the profile's, send the client to another config directory.
    SettingsRedirect { file, variable } => "{file} sets {variable} in its `env` block, which would send every profile to one account", "remove that line";
    /// A project's settings name a key or a host, beside a profile's own.
    ProjectNamesHost { name, file, variable } => "{file} sets {variable}, and `{name}` has a key or a host of its own: one would go to the other", "take that line out, or bind this directory to another profile";
    /// The shared settings may do that, and cannot be read.
    SettingsUnclear { file, reason } => "{file} may set CLAUDE_CONFIG_DIR or ANTHROPIC_CONFIG_DIR, and cannot be read to the end ({reason})", "correct that file";
    /// An older clauth's profile could not be taken over.
    TakeOverFailed { name, reason } => "the profile `{name}` of an older clauth could not be taken over ({reason})", "mend that, then run `clauth list`";
    /// Live shells or clients use the profile.
    ProfileInUse { name, by } => "the profile `{name}` is in use by {by}", "leave its directories or close them, then try again";
    /// A removal was killed, or something kept writing; the profile is out of use already.
    RemovalUnfinished { name, why } => "the removal of the profile `{name}` is not finished{why}", "run `clauth remove {name}` to finish it";
    /// Two directories that clauth would keep in step, or move files between, are one place.
    OnePlace { one, other } => "{one} and {other} are one place, or one lies in the other, so nothing is moved between them", "make one of them a directory of its own (`ls -ld` shows where each leads), then try again";
    /// A question was answered with no, or could not be asked.
    NotConfirmed { question } => "{question} was not confirmed, so nothing changed", "answer `y`, or pass `--yes`";
    /// The hub that profiles share is missing.
    NoClaudeHome { path } => "there is no Claude Code config directory at {path}", "install Claude Code and run `claude` once, or set `claude_home` in ~/.clauth/config.toml";
    /// The profile's config directory could not be made.
    ConfigDirectory { profile, reason } => "the config directory of `{profile}` could not be made, so `claude` refuses here ({reason})", "mend that, then press Enter to try again";
    /// `.clauth.toml` is a directory, FIFO, device, …
    BindingNotRegular { file } => "{file} is not a regular file", "move it away, or run `clauth deny` to ignore it";
    /// `.clauth.toml` is a link to nowhere.
    BindingDangling { file } => "{file} is a link to nothing", "remove it, or run `clauth deny` to ignore it";
    /// `.clauth.toml` is a link to the binding of another directory.
    BindingElsewhere { file, target } => "{file} is a link to {target}, which binds another directory too", "remove the link, then run `clauth use` again";
    /// `.clauth.toml` is over the limit.
    BindingTooLarge { file } => "{file} is over 4 KiB", "it holds one line, `profile = \"NAME\"`: correct it, or remove it and run `clauth use PROFILE`";
    /// `.clauth.toml` cannot be read.
    BindingUnreadable { file, reason } => "could not read {file} ({reason})", "make it readable, or run `clauth deny` to ignore it";
    /// `.clauth.toml` is not TOML, or not what a project may say.
    BindingInvalid { file, line, column, reason } => "{file}:{line}:{column}: {reason}", "it holds one line, `profile = \"NAME\"`: correct it, or remove it and run `clauth use PROFILE`";
    /// The file exists, is right, and waits for the user's word.
    NotAllowed { file, profile } => "{file} asks for the profile `{profile}` and is not allowed yet", "run `clauth allow`, or `clauth deny` to ignore it";
    /// A linked worktree whose link could have been claimed since it was made.
    WorktreeUnsure { directory, repository } => "{directory} says that it is a worktree of {repository}, but its `.git` was not written when that worktree was made", "if it is yours, run `clauth use PROFILE` in it, or make it anew with `git worktree add`";
    /// Two remotes of a repository ask for two profiles.
    RemotesDisagree { directory, one, wants, other, asks } => "two rules disagree on the repository of {directory}: that for its remote {one} asks for `{wants}`, that for {other} for `{asks}`", "run `clauth use PROFILE` here, or correct the rules in config.toml";
    /// A repository's settings, or the user's own of git, cannot be read, and they may name a remote that a rule is about.
    GitSettingsInvalid { file, reason } => "{file} may name a remote that a rule is about, and cannot be read ({reason})", "correct it, or run `clauth use PROFILE` here";
    /// A rule for a repository's remote, where there is none.
    NoRemote { directory } => "{directory} has no remote on a network that a rule could name", "say which: `clauth use PROFILE --remote=HOST/PATH`";
    /// The same, where there are several.
    ManyRemotes { directory, known } => "{directory} has several remotes ({known}), and none is called origin", "say which: `clauth use PROFILE --remote=HOST/PATH`";
    /// A pattern on the command line is none.
    BadRemote { remote, reason } => "`{remote}` is {reason}", "type it as `clauth use PROFILE --remote=HOST/PATH`";
    /// A rule cannot be written into the settings as they stand.
    RuleUnwritten { file, remote, profile } => "could not add a rule to {file} as it is written", "add it by hand: remote = \"{remote}\" and profile = \"{profile}\"";
    /// A command that needs a `.clauth.toml` found none.
    NoBinding { directory } => "no .clauth.toml applies in {directory}", "run `clauth use PROFILE` to write one";
    /// No file binds this very directory.
    NotBound { directory, line } => "{directory} has no .clauth.toml of its own", "run `{line}`";
    /// The user's own settings are wrong.
    ConfigInvalid { file, line, column, reason } => "{file}:{line}:{column}: {reason}", "correct the file, or move it away";
    /// `$HOME` is not set and `$CLAUTH_HOME` neither.
    HomeUnset { variable } => "${variable} is not set, so there is no place for profiles", "set {variable}, or CLAUTH_HOME";
    /// `$CLAUTH_HOME` cannot be used as it is spelled.
    HomeUnusable { path } => "{path} cannot hold profiles", "set CLAUTH_HOME to an absolute path in UTF-8";
    /// Files there would belong to the wrong user (sudo -E).
    NotOwner { path } => "{path} belongs to another user, so nothing is written there", "run this without sudo, or set CLAUTH_HOME";
    /// The working directory was removed.
    DirectoryGone { reason } => "the current directory cannot be named ({reason})", "`cd` to one that exists";
    /// A path on the command line is not there.
    NoSuchPath { path } => "there is no directory or .clauth.toml at {path}", "name one that exists, or make it with `mkdir`";
    /// `claude` is not installed, or only as clauth's own shim.
    NoClaude { variable } => "there is no Claude Code where its installers put it, and `claude` is not on {variable}", "install it with `npm install -g @anthropic-ai/claude-code`";
    /// The real `claude` led back to the shim.
    ShimLoop { path } => "{path} led back to clauth's shim", "put the real `claude` on PATH, or run `clauth shim remove`";
    /// `~/.clauth/bin/claude` is something else than our link.
    ShimTaken { path } => "{path} exists and is not clauth's shim", "move it away, then run `clauth shim install`";
    /// The program that the wrapper was given led back to the wrapper.
    WrapperLoop { path } => "{path} led back to clauth's wrapper", "name Claude Code itself behind the wrapper, or take the wrapper out of the editor's settings";
    /// The client that an editor brings is gone: the extension was updated or removed while its window was open.
    ProgramGone { program } => "there is no Claude Code at {program}", "reload the editor's window, or install its extension again";
    /// A command that `exec` should run does not exist.
    CommandNotFound { command } => "there is no command `{command}`", "give its path, or look at PATH";
    /// A command that `exec` should run exists and cannot be run.
    CommandNotRunnable { command, reason } => "could not run `{command}` ({reason})", "check its permissions with `ls -l`";
    /// Somebody holds the gate of a profile for too long.
    GateBusy { profile } => "the session of `{profile}` could not be joined within 2 s", "the account is right, and the next evaluation tries again: see `clauth status`";
    /// A shell cannot change a variable that clauth would.
    ReadOnlyVariable { name } => "{name} is read-only in this shell, so no account can be chosen here", "take the `readonly` out of its startup file and start a new one";
    /// The helper did not come up.
    HelperFailed { profile, log } => "the helper of `{profile}` did not start", "see {log}, then press Enter to try again";
    /// The helper does not end.
    HelperStuck { profile } => "the helper of `{profile}` still runs", "a new shell may use it: see `clauth status`, then run `clauth stop` again";
    /// `CLAUTH_SERVICES` names another machine: every token would go there.
    ServicesElsewhere { value } => "CLAUTH_SERVICES is {value}, which is not on this machine", "it is for tests against http://127.0.0.1:PORT: unset it";
    /// No connection to a service came about.
    ServiceUnreachable { service, reason } => "could not reach {service} ({reason}), so nothing was sent", "check the network, or the proxy, then try again";
    /// `HTTPS_PROXY` is not a URL of a proxy.
    ProxyUnusable { variable } => "{variable} names no proxy that can be used", "set it to http://HOST:PORT, or unset it";
    /// There is nobody to trust.
    NoCertificates { place } => "no certificates of authorities were found in {place}", "install the package ca-certificates, or set SSL_CERT_FILE";
    /// The service does not take the access token.
    TokenRefused { profile } => "the server does not accept the token of `{profile}`", "run `clauth refresh {profile}`, or `clauth login {profile}`";
    /// The service answered something else than figures, or not in time.
    UsageUnanswered { profile, reason } => "the service told nothing of the limits of `{profile}` ({reason})", "try again in 3 minutes";
    /// The same, a moment ago.
    UsageAsked { profile, until } => "the service was asked for the limits of `{profile}` a moment ago and told nothing", "try again at {until}";
    /// The service answers no more questions for a while.
    UsageThrottled { profile, until } => "the service wants no question about the limits of `{profile}` before {until}", "try again then";
    /// A command that works on a profile, where none applies.
    NoProfileHere { directory } => "no profile applies in {directory}", "name one, or pass `--all`";
    /// A template asks for what there is not.
    UnknownPlaceholder { text, known } => "`{text}` is no placeholder of `--format`", "use {known}, and `{{{{` for a brace";
    /// There is no login to refresh.
    ConsoleNeedsNoRefresh { name } => "the profile `{name}` is signed in with a Console account, which Claude Code renews itself", "run `claude` in a directory of the profile";
    /// There is nothing to refresh.
    NotSignedIn { name } => "the profile `{name}` is not signed in", "sign in with `clauth login {name}`";
    /// The login is a key of its own.
    KeyNeedsNoRefresh { name, file } => "the profile `{name}` uses an API key, which needs no refresh", "it stands in {file}";
    /// The login has no refresh token.
    TokenNeedsNoRefresh { name } => "the profile `{name}` uses a long-lived token, which cannot be refreshed", "when it ends, make another with `claude setup-token`";
    /// Somebody else holds the locks of a refresh.
    RefreshBusy { name } => "another program is refreshing the login of `{name}`", "try again in a minute";
    /// A refresh was sent and there is no answer to go by.
    RefreshUnknown { name, reason } => "a refresh of `{name}` was sent, and what became of it is unknown ({reason})", "it is not sent again, Claude Code will see whether the login still stands: run `claude` there";
    /// The service answered that it cannot do it now.
    RefreshRefused { name, status, time } => "the service answered {status}, and the login of `{name}` stays as it is", "try again {time}";
    /// The service said that the login is over.
    LoginEnded { name } => "the login of `{name}` has ended", "sign in again with `clauth login {name}`";
    /// A new login is not where it belongs.
    LoginMisplaced { name, file, reason } => "the new login of `{name}` could not be written ({reason}) and is kept in {file}", "mend that, then run `clauth refresh {name}`, which puts it in its place";
    /// A new login could not be written at all.
    LoginLost { name, reason } => "the new login of `{name}` could not be written anywhere ({reason})", "mend that, then sign in again with `clauth login {name}`";
    /// None of the editors that clauth knows has been started by this user.
    NoEditorFound { known, line } => "no editor was found ({known})", "start yours once and try again, or write {line} into its settings.json";
    /// An editor's settings cannot be written, or not without a guess.
    EditorSettings { file, reason, line } => "{file} is not changed ({reason})", "add {line} to it by hand";
    /// The same on the way back.
    EditorSettingsLeft { file, reason, line } => "{file} keeps clauth's setting ({reason})", "take {line} out of it by hand, then run this again";
    /// An editor would start a program that is gone.
    EditorStartsIt { file } => "an editor starts Claude Code through clauth ({file})", "run `clauth setup --editors --uninstall` first";
    /// Nothing says which shell the user uses.
    NoShellFound { variable } => "no shell was found that has a startup file, and ${variable} names none", "say which: `clauth setup --shell bash`";
    /// A plain POSIX shell has no prompt hook.
    NoHook { shell } => "{shell} has no prompt hook", "use `eval \"$(clauth env PROFILE)\"`, or `clauth exec PROFILE -- COMMAND`";
}

impl std::error::Error for Mistake {}

/// Tells a failure in one line, with what to do about it.
pub fn told(error: &anyhow::Error) -> String {
    remedy(error).map_or_else(|| format!("{error:#}"), |remedy| format!("{error:#}; {remedy}"))
}

/// Returns what to do about a failure of the machine, where that can be told from the failure.
fn remedy(error: &anyhow::Error) -> Option<&'static str> {
    use std::io::ErrorKind;
    if error.is::<Mistake>() {
        return None; // it says so itself
    }
    Some(match error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>())?.kind() {
        ErrorKind::PermissionDenied => "check who owns it with `ls -l`, and its mode",
        ErrorKind::ReadOnlyFilesystem => "make its file system writable; for what is clauth's own, CLAUTH_HOME can name a directory on another one",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some disk space, then try again",
        _ => "run `clauth status` to see where things stand",
    })
}
