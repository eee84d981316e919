//! The shells that a test runs in: those on PATH, and those named in `CLAUTH_TEST_SHELLS`.
//!
//! A missing shell is a line on stderr, once; with `CLAUTH_REQUIRE_SHELLS=1` it is a failure, so that CI cannot go green by
//! lacking a shell. pwsh has its own `CLAUTH_REQUIRE_PWSH=1`: no package of the usual runners brings it.

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;

/// Names what a shell speaks; two versions of bash are two shells of one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Bash,
    Zsh,
    Fish,
    Pwsh,
}

impl Language {
    const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Pwsh];

    /// Returns the name that clauth's command line knows it by, which is also the program's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Pwsh => "pwsh",
        }
    }

    fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|one| one.name() == name);
        found.unwrap_or_else(|| panic!("CLAUTH_TEST_SHELLS names {name:?}, which is no shell here"))
    }

    fn requirement(self) -> &'static str {
        match self {
            Self::Pwsh => "CLAUTH_REQUIRE_PWSH",
            Self::Bash | Self::Zsh | Self::Fish => "CLAUTH_REQUIRE_SHELLS",
        }
    }
}

/// Holds one shell of this machine; how things are said in it is in `syntax`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shell {
    /// What it speaks.
    pub(crate) language: Language,
    /// Where it is; absolute, since the sandbox has a PATH of its own.
    pub(crate) program: PathBuf,
}

impl Shell {
    /// Runs `body` in each shell of this machine, one after the other, and says which one a failure belongs to.
    pub(crate) fn each(mut body: impl FnMut(&Self)) {
        for shell in shells_found() {
            let _named = NamedInFailure(shell);
            body(shell);
        }
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.program.display())
    }
}

/// Returns the shells on PATH, then those of `CLAUTH_TEST_SHELLS` (`bash=/opt/shells/bash-3.2:zsh=/opt/…`).
pub(crate) fn shells_found() -> &'static [Shell] {
    // Looked for once, so that a missing shell is reported once; what is installed does not change meanwhile.
    static FOUND: OnceLock<Vec<Shell>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found: Vec<Shell> = Language::ALL.into_iter().filter_map(on_path).collect();
        if let Ok(list) = std::env::var("CLAUTH_TEST_SHELLS") {
            found.extend(listed(&list));
        }
        found
    })
}

/// Says that something is missing and its tests are skipped, or panics where `requirement` is set to 1.
///
/// Written past the capture of the test runner, which hides what a passing test prints.
pub(crate) fn skip(missing: &str, requirement: &str) {
    let required = std::env::var_os(requirement).is_some_and(|value| value == "1");
    assert!(!required, "{missing}, and {requirement}=1");
    let _ = writeln!(io::stderr(), "skipped: {missing}");
}

fn on_path(language: Language) -> Option<Shell> {
    let Ok(program) = which::which(language.name()) else {
        skip(&format!("no {} on PATH", language.name()), language.requirement());
        return None;
    };
    Some(Shell { language, program })
}

fn listed(list: &str) -> Vec<Shell> {
    let entries = list.split(':').filter(|entry| !entry.is_empty());
    let shells = entries.map(|entry| {
        let (name, program) = entry.split_once('=').unwrap_or_else(|| panic!("CLAUTH_TEST_SHELLS holds name=/path, not {entry:?}"));
        let program = PathBuf::from(program);
        assert!(program.is_absolute() && program.is_file(), "{entry}");
        Shell { language: Language::named(name), program }
    });
    shells.collect()
}

/// Says on its way down, when a test fails inside `each`, which shell it was.
struct NamedInFailure<'a>(&'a Shell);

impl Drop for NamedInFailure<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let test = thread::current().name().unwrap_or("a test").to_owned();
            let _ = writeln!(io::stderr(), "{test} failed in {}", self.0);
        }
    }
}
