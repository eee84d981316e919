//! The table of mistakes, walked: each is provoked for real, and none is dead.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::thread;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::support::finished::Finished;
use crate::support::{Holder, Sandbox, wait_until};

/// The code of clauth itself: here stand the messages, so that the test repeats none of them.
#[path = "../../src/error.rs"]
pub(super) mod error;

use super::{arrivals, asking, editors, keychain, mistyped, refreshing, refusals, remotes, unreadable, worktrees, wrapper};
use error::Mistake;

/// Makes the mistake in a sandbox with the profile `work`, and says which one it is.
type Scenario = fn(&mut Sandbox) -> (Finished, Mistake);

/// The exit status where the prompt goes on: a hook's evaluation tells a mistake and answers all the same.
const ANSWERED: i32 = 0;

const SCENARIOS: &[(&str, i32, Scenario)] = &[
    ("MissingArgument", 2, mistyped::missing_argument),
    ("MissingWord", 2, mistyped::missing_word),
    ("UnknownCommand", 2, mistyped::unknown_command),
    ("Misused", 2, mistyped::misused),
    ("UnknownValue", 2, mistyped::unknown_value),
    ("Conflict", 2, mistyped::conflict),
    ("DirectoryForProfile", 1, mistyped::directory_for_profile),
    ("NoProfileByDefault", 1, mistyped::no_profile_by_default),
    ("UnknownProfile", 1, unknown_profile),
    ("BadName", 1, bad_name),
    ("ReservedName", 1, reserved_name),
    ("ProfileExists", 1, profile_exists),
    ("ProfileElsewhere", 1, profile_elsewhere),
    ("TakeOverFailed", 1, take_over_failed),
    ("NoApiKey", 1, no_api_key),
    ("BadSecret", 1, arrivals::bad_secret),
    ("BadEndpoint", 1, arrivals::bad_endpoint),
    ("EndpointWithoutKey", 1, arrivals::endpoint_without_key),
    ("EndpointGetsLogin", 125, arrivals::endpoint_gets_login),
    ("NoLogin", 1, arrivals::no_login),
    ("NotImportable", 1, arrivals::not_importable),
    ("LoginFailed", 1, arrivals::login_failed),
    ("ProfileSignedIn", 1, arrivals::profile_signed_in),
    ("KeyBeforeLogin", 1, arrivals::key_before_login),
    ("ClientRuns", 1, arrivals::client_runs),
    ("BrokenLogin", 1, arrivals::broken_login),
    ("LoginUnsettled", 1, arrivals::login_unsettled),
    ("LoginBusy", 1, arrivals::login_busy),
    ("KeychainLocked", 1, keychain::locked),
    ("KeychainDenied", 1, keychain::denied),
    ("KeychainSilent", 1, keychain::silent),
    ("NoSecurity", 1, keychain::no_security),
    ("KeychainUnkept", 1, keychain::unkept),
    ("KeychainTooLong", 1, keychain::too_long),
    ("KeychainOverflow", 1, keychain::overflow),
    ("OrganizationLogin", 1, arrivals::organization_login),
    ("KeychainTaken", 1, keychain::taken),
    ("ProjectNamesHost", 125, refusals::project_names_host),
    ("SettingsRedirect", 125, settings_redirect),
    ("SettingsUnclear", 125, settings_unclear),
    ("ProfileInUse", 1, profile_in_use),
    ("RemovalUnfinished", 1, arrivals::removal_unfinished),
    ("OnePlace", 1, arrivals::one_place),
    ("NotConfirmed", 1, not_confirmed),
    ("NoClaudeHome", 1, no_claude_home),
    ("ConfigDirectory", ANSWERED, config_directory),
    ("BindingNotRegular", 1, unreadable::not_regular),
    ("BindingDangling", 1, unreadable::dangling),
    ("HomeSignedIn", 1, arrivals::home_signed_in),
    ("NotBound", 1, refusals::not_bound),
    ("BindingElsewhere", 1, refusals::binding_elsewhere),
    ("BindingTooLarge", 1, unreadable::too_large),
    ("BindingUnreadable", 1, unreadable::unreadable),
    ("BindingInvalid", 1, unreadable::invalid),
    ("NotAllowed", ANSWERED, not_allowed),
    ("WorktreeUnsure", ANSWERED, worktrees::worktree_unsure),
    ("RemotesDisagree", ANSWERED, remotes::remotes_disagree),
    ("GitSettingsInvalid", ANSWERED, remotes::git_settings_invalid),
    ("NoRemote", 1, remotes::no_remote),
    ("ManyRemotes", 1, remotes::many_remotes),
    ("BadRemote", 1, remotes::bad_remote),
    ("RuleUnwritten", 1, remotes::rule_unwritten),
    ("NoBinding", 1, no_binding),
    ("ConfigInvalid", 1, config_invalid),
    ("HomeUnset", 1, home_unset),
    ("HomeUnusable", 1, home_unusable),
    ("NotOwner", 1, not_owner),
    ("DirectoryGone", 1, directory_gone),
    ("NoSuchPath", 1, no_such_path),
    ("NoClaude", 127, no_claude),
    ("ShimLoop", 125, shim_loop),
    ("ShimTaken", 1, shim_taken),
    ("WrapperLoop", 125, wrapper::wrapper_loop),
    ("ProgramGone", 127, wrapper::program_gone),
    ("NoEditorFound", 1, editors::no_editor_found),
    ("EditorSettings", 1, editors::editor_settings),
    ("EditorSettingsLeft", 1, editors::editor_settings_left),
    ("EditorStartsIt", 1, editors::editor_starts_it),
    ("CommandNotFound", 127, command_not_found),
    ("CommandNotRunnable", 126, command_not_runnable),
    ("GateBusy", ANSWERED, gate_busy),
    ("ReadOnlyVariable", ANSWERED, refusals::read_only_variable),
    ("HelperFailed", ANSWERED, helper_failed),
    ("HelperStuck", 1, helper_stuck),
    ("ServicesElsewhere", 1, refreshing::services_elsewhere),
    ("ServiceUnreachable", 1, refreshing::service_unreachable),
    ("ProxyUnusable", 1, refreshing::proxy_unusable),
    ("NoCertificates", 1, refreshing::no_certificates),
    ("NoProfileHere", 1, refreshing::no_profile_here),
    ("NotSignedIn", 1, refreshing::not_signed_in),
    ("ConsoleNeedsNoRefresh", 1, refreshing::console_needs_no_refresh),
    ("KeyNeedsNoRefresh", 1, refreshing::key_needs_no_refresh),
    ("TokenNeedsNoRefresh", 1, refreshing::token_needs_no_refresh),
    ("RefreshBusy", 1, refreshing::refresh_busy),
    ("RefreshUnknown", 1, refreshing::refresh_unknown),
    ("RefreshRefused", 1, refreshing::refresh_refused),
    ("LoginEnded", 1, refreshing::login_ended),
    ("LoginMisplaced", 1, refreshing::login_misplaced),
    ("LoginLost", 1, refreshing::login_lost),
    ("UnknownPlaceholder", 1, unknown_placeholder),
    ("TokenRefused", 1, asking::token_refused),
    ("UsageUnanswered", 1, asking::usage_unanswered),
    ("UsageAsked", 1, asking::usage_asked),
    ("UsageThrottled", 1, asking::usage_throttled),
    ("NoShellFound", 1, no_shell_found),
    ("NoHook", 1, no_hook),
];

#[test]
fn every_mistake_in_the_table_has_a_scenario() {
    let table: BTreeSet<_> = Mistake::ALL.iter().copied().collect();
    let scenarios: BTreeSet<_> = SCENARIOS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(table, scenarios);
    assert_eq!(SCENARIOS.len(), scenarios.len(), "one scenario each");
}

#[test]
fn every_mistake_is_told_in_one_line_with_a_remedy() {
    // At once, since a few of them only wait for a deadline of clauth's own.
    thread::scope(|scope| {
        let told = SCENARIOS.iter().map(|(name, status, scenario)| (name, scope.spawn(|| is_told(name, *status, *scenario))));
        let failed: Vec<_> = told.collect::<Vec<_>>().into_iter().filter_map(|(name, thread)| thread.join().err().map(|_| name)).collect();
        assert!(failed.is_empty(), "{failed:?}; each says why above");
    });
}

#[test]
fn a_failure_of_the_machine_is_told_with_a_remedy_too() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    // Even root makes no file in there.
    let told = sandbox.clauth_in("/proc/self", &["use", "work"]).failure();
    let example = error::told(&std::io::Error::from(ErrorKind::NotFound).into());
    let (_, remedy) = example.split_once("; ").unwrap();
    assert!(told.complaint().starts_with("could not write /proc/") && told.complaint().ends_with(&format!("; {remedy}")), "{told:?}");
    assert!(!sandbox.path("home/.clauth/allow").exists(), "what was not written is not allowed");
}

fn is_told(name: &str, status: i32, scenario: Scenario) {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    let (finished, mistake) = scenario(&mut sandbox);
    let is_named = format!("{mistake:?}").split(' ').next() == Some(name);
    assert!(is_named, "the scenario of {name} makes another mistake: {mistake:?}");
    let finished = finished.exits_with(status);

    let mut lines: Vec<_> = finished.stderr().lines().collect();
    assert_eq!(lines.pop(), Some(format!("clauth: {mistake}").as_str()), "{finished:?}");
    // What would happen is shown before the question, and the question is what was not confirmed.
    assert_eq!(lines.len(), usize::from(name == "NotConfirmed"), "{finished:?}");
    let remedy = finished.stderr().split_once("; ").map(|(_, remedy)| remedy.trim());
    assert!(remedy.is_some_and(|remedy| !remedy.is_empty()), "no remedy: {finished:?}");
    if status == ANSWERED {
        assert!(finished.stdout().ends_with("\n: clauth-end\n"), "{finished:?}");
    } else {
        assert_eq!(finished.stdout(), "", "{finished:?}");
    }
}

/// Returns what the hook of a bash hears in a directory, at the shell's first prompt: no news beside the mistake.
pub(super) fn evaluate(sandbox: &Sandbox, directory: &str) -> Finished {
    sandbox.clauth_in(sandbox.path(directory), &["export", "bash", "--first", "--pid", &std::process::id().to_string()])
}

pub(super) fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap()
}

fn unknown_profile(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["use", "wrok"]), Mistake::UnknownProfile { name: "wrok".into(), hint: " (did you mean `work`?)".into() })
}

fn bad_name(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["add", "../work"]), Mistake::BadName { name: "../work".into() })
}

fn reserved_name(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["add", "default"]), Mistake::ReservedName { name: "default".into() })
}

fn profile_exists(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["add", "WORK"]), Mistake::ProfileExists { name: "work".into() })
}

fn profile_elsewhere(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let path = text(sandbox.runtime("work"));
    fs::rename(sandbox.path("home/.clauth"), sandbox.path("moved")).unwrap();
    sandbox.set_variable("CLAUTH_HOME", sandbox.path("moved"));
    (sandbox.clauth(&["use", "work"]), Mistake::ProfileElsewhere { name: "work".into(), path })
}

fn take_over_failed(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    // An older clauth's profile is known by its `runtime`, which is a directory in every one of them.
    let runtime = sandbox.write("home/.clauth/profiles/old/runtime", "");
    let reason = format!("could not create {}: File exists (os error 17)", runtime.display());
    (sandbox.clauth(&["use", "old"]), Mistake::TakeOverFailed { name: "old".into(), reason })
}

fn no_api_key(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = text(sandbox.path("home/.clauth/profiles/work/profile.toml"));
    (sandbox.clauth(&["api-key", "work"]), Mistake::NoApiKey { name: "work".into(), file })
}

fn settings_redirect(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.claude/settings.json", r#"{"env": {"CLAUDE_CONFIG_DIR": "/elsewhere"}}"#);
    (sandbox.clauth(&["exec", "work", "--", "true"]), Mistake::SettingsRedirect { file: text(file), variable: "CLAUDE_CONFIG_DIR".into() })
}

fn settings_unclear(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.claude/settings.json", "{\n// for another tool\n\"env\": {\"CLAUDE_CONFIG_DIR\": \"/elsewhere\"}}");
    let reason = "line 2 is not JSON".into();
    (sandbox.clauth(&["exec", "work", "--", "true"]), Mistake::SettingsUnclear { file: text(file), reason })
}

fn profile_in_use(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let client = std::process::id();
    sandbox.write(sandbox.runtime("work").join(format!("sessions/{client}.json")), "{}");
    (sandbox.clauth(&["remove", "work", "--yes"]), Mistake::ProfileInUse { name: "work".into(), by: format!("claude {client}") })
}

fn not_confirmed(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["remove", "work"]), Mistake::NotConfirmed { question: "\"remove the profile work?\"".into() })
}

fn no_claude_home(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    fs::remove_dir_all(sandbox.path("home/.claude")).unwrap();
    (sandbox.clauth(&["add", "other"]), Mistake::NoClaudeHome { path: text(sandbox.path("home/.claude")) })
}

fn config_directory(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.bind("project", "work");
    let runtime = sandbox.write(sandbox.runtime("work"), "a file where the directory belongs");
    let reason = format!("could not create {}: File exists (os error 17)", runtime.display());
    (evaluate(sandbox, "project"), Mistake::ConfigDirectory { profile: "work".into(), reason })
}
fn not_allowed(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("project/.clauth.toml", "profile = \"work\"");
    (evaluate(sandbox, "project"), Mistake::NotAllowed { file: text(file), profile: "work".into() })
}

fn no_binding(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["allow"]), Mistake::NoBinding { directory: text(sandbox.home()) })
}

fn config_invalid(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.clauth/config.toml", "quiet = true\ncolour = 7\n");
    let finished = sandbox.clauth(&["use", "work"]);
    let reason = finished.stderr().split(": ").nth(2).and_then(|rest| rest.split_once("; ")).map(|(reason, _)| reason.to_owned());
    let reason = reason.filter(|reason| reason.starts_with("unknown field `colour`, expected one of ")).unwrap_or_default();
    (finished, Mistake::ConfigInvalid { file: text(file), line: "2".into(), column: "1".into(), reason })
}

fn home_unset(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let mut command = sandbox.command("clauth");
    command.arg("list").env_remove("HOME");
    (Finished::run(command), Mistake::HomeUnset { variable: "HOME".into() })
}

fn home_unusable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.set_variable("CLAUTH_HOME", "relative");
    (sandbox.clauth(&["list"]), Mistake::HomeUnusable { path: "relative".into() })
}

fn not_owner(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let foreign = if geteuid().is_root() {
        let foreign = sandbox.mkdir("foreign");
        chown(&foreign, Some(65534), Some(65534)).unwrap();
        foreign
    } else {
        "/usr".into()
    };
    sandbox.set_variable("CLAUTH_HOME", &foreign);
    (sandbox.clauth(&["add", "other"]), Mistake::NotOwner { path: text(foreign) })
}

fn directory_gone(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let finished = sandbox.script("/bin/sh", "mkdir gone; cd gone; rmdir ../gone; exec clauth status");
    (finished, Mistake::DirectoryGone { reason: "No such file or directory (os error 2)".into() })
}

fn no_such_path(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["allow", "nowhere"]), Mistake::NoSuchPath { path: "nowhere".into() })
}

fn no_claude(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.set_variable("PATH", sandbox.path("program"));
    (sandbox.clauth(&["start", "work"]), Mistake::NoClaude { variable: "PATH".into() })
}

fn shim_loop(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let wrapper = sandbox.program("claude", "#!/bin/sh\nexec claude \"$@\"\n");
    sandbox.clauth(&["shim", "install"]).success();
    sandbox.set_path(&["home/.clauth/bin", "bin"]);
    (Finished::run(sandbox.command("claude")), Mistake::ShimLoop { path: text(wrapper) })
}

fn shim_taken(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let file = sandbox.write("home/.clauth/bin/claude", "mine");
    (sandbox.clauth(&["shim", "install"]), Mistake::ShimTaken { path: text(file) })
}

fn command_not_found(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["exec", "work", "--", "no-such-command"]), Mistake::CommandNotFound { command: "no-such-command".into() })
}

fn command_not_runnable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let command = text(sandbox.write("plain-file", ""));
    let finished = sandbox.clauth(&["exec", "work", "--", &command]);
    (finished, Mistake::CommandNotRunnable { command, reason: "Permission denied (os error 13)".into() })
}

fn gate_busy(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.bind("project", "work");
    let gate = File::options().append(true).open(sandbox.session().join("gate.lock")).unwrap();
    fs4::FileExt::lock(&gate).unwrap();
    (evaluate(sandbox, "project"), Mistake::GateBusy { profile: "work".into() })
}

fn helper_failed(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.bind("project", "work");
    let session = sandbox.session();
    // A helper that cannot introduce itself ends.
    fs::remove_file(session.join("helper")).unwrap();
    fs::create_dir(session.join("helper")).unwrap();
    (evaluate(sandbox, "project"), Mistake::HelperFailed { profile: "work".into(), log: text(session.join("helper.log")) })
}

fn helper_stuck(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let project = sandbox.bind("project", "work");
    let _user = Holder::exec(sandbox, "work");
    wait_until("the helper is up", || sandbox.status(&project)["helper"].is_object());
    let helper = sandbox.status(&project)["helper"]["pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(i32::try_from(helper).unwrap()).unwrap(), Signal::STOP).unwrap();
    let finished = sandbox.clauth(&["stop", "work"]);
    (finished, Mistake::HelperStuck { profile: "work".into() })
}

fn unknown_placeholder(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let known = "{profile}, {account}, {organization}, {plan}, {5h}, {7d}".into();
    (sandbox.clauth(&["status", "--format", "{weekly}"]), Mistake::UnknownPlaceholder { text: "{weekly}".into(), known })
}

fn no_shell_found(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["setup", "--yes"]), Mistake::NoShellFound { variable: "SHELL".into() })
}

fn no_hook(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["hook", "sh"]), Mistake::NoHook { shell: "sh".into() })
}
