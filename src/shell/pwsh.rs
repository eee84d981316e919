//! PowerShell 7.4 and newer.

use std::fmt::Write as _;
use std::path::Path;

pub mod completion;

use super::{Answer, Liveness, Look, Place, Spot, epoch_test};
use crate::env::change::Change;
use crate::layout::BINDING;

/// Quotes by single quotes, in which five characters end the string and are doubled to stand for themselves.
///
/// What is not printable ASCII would pass through the console's encoding, an old code page on Windows: such a value is written as a
/// double-quoted string of escapes.
pub fn quote(value: &str) -> String {
    if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return format!("'{}'", value.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '$' | '`' => {
                quoted.push('`');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            _ => {
                let _ = write!(quoted, "`u{{{:x}}}", u32::from(character));
            }
        }
    }
    quoted + "\""
}

/// Renders a text as one line that evaluates it; elsewhere than in PowerShell 7.4 and its full language mode, which can be foreseen, the line says so.
pub fn evaluate_where_possible(text: &str) -> String {
    format!(
        "if (($PSVersionTable.PSVersion -ge '7.4') -and ($ExecutionContext.SessionState.LanguageMode -eq 'FullLanguage')) \
         {{ . ([scriptblock]::Create({})) }} \
         else {{ Write-Warning 'clauth: the prompt hook needs PowerShell 7.4 or newer in full language mode; \
         here no directory chooses an account, and `clauth exec PROFILE` starts claude' }}\n",
        quote(text)
    )
}

/// Renders what fails where it is evaluated: nothing but an exception makes that false.
pub const FAILURE: &str = "throw 'clauth: nothing was changed'\n";

pub fn change(change: &Change) -> String {
    match change {
        Change::Export(name, value) | Change::GiveBack(name, Some(value)) => format!("$env:{name} = {}", quote(value)),
        Change::Unset(name) | Change::GiveBack(name, None) => format!("$env:{name} = $null"),
        Change::Take(_) => String::new(), // its variables of the environment are of one kind
        Change::SetAside(name) => format!("$global:__clauth_aside_{name} = $env:{name}; $env:{name} = $null"),
        // In strict mode a variable that may not exist can only be asked for like this.
        Change::Forget(name) => remove(&format!("__clauth_aside_{name}")),
        Change::PutBack(name, _) => format!(
            "if ($null -ne $ExecutionContext.SessionState.PSVariable.GetValue('global:__clauth_aside_{name}')) \
             {{ if ($null -eq $env:{name}) {{ $env:{name} = $global:__clauth_aside_{name} }}; {} }} \
             else {{ [Console]::Error.WriteLine('clauth: {name} was set aside by the shell that started this one; it is put back there') }}",
            remove(&format!("__clauth_aside_{name}"))
        ),
    }
}

pub fn pin(profile: Option<&str>) -> String {
    match profile {
        Some(name) => format!("$global:__clauth_pin = {}\n", quote(name)),
        None => remove("__clauth_pin") + "\n",
    }
}

/// Without `Remove-Variable`, which would load a module.
fn remove(name: &str) -> String {
    format!("$ExecutionContext.SessionState.PSVariable.Remove('global:{name}')")
}

/// Renders what `__clauth_same` looks at: data, where other shells get functions. A loop over a list of paths is the quickest thing that PowerShell
/// can do here, and a call among the dearest.
pub fn watch(answer: &Answer) -> String {
    let (epoch, exists) = epoch_test(&answer.epoch);
    let files = Files::of(&answer.place);
    let is_sure = boolean(files.is_some());
    let files = files.unwrap_or_default();
    let helper = match &answer.helper {
        Some(Liveness::Path(path)) => quote(path),
        Some(Liveness::Signal(pid)) => pid.to_string(),
        None => "''".into(),
    };
    let entries = [
        ("Epoch", quote(&epoch)),
        ("EpochExists", boolean(exists)),
        ("Settings", quote(&answer.settings)),
        ("SettingsExist", boolean(answer.settings_exist)),
        ("ConfigDir", quote(answer.config_dir.as_deref().unwrap_or_default())),
        ("AnthropicDir", quote(answer.anthropic_dir.as_deref().unwrap_or_default())),
        ("Overriding", list(&answer.overriding)),
        ("Unchanged", format!("@{{ {} }}", answer.harmless.iter().map(|name| format!("{name} = $env:{name}")).collect::<Vec<_>>().join("; "))),
        ("Free", boolean(answer.free)),
        ("Helper", helper),
        ("IsSure", is_sure),
        ("Absent", list(&files.absent)),
        ("Unwritten", list(&files.unwritten)),
        ("Binding", quote(&files.binding)),
        ("Text", quote(files.text)),
    ];
    let entries: Vec<_> = entries.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("$global:__clauth_answer = @{{ {} }}\n$global:__clauth_said = {}\n", entries.join("; "), quote(&answer.said))
}

/// The files that decide, by absolute paths: PowerShell changes its location, never the working directory of its process.
#[derive(Default)]
struct Files<'a> {
    absent: Vec<String>,
    unwritten: Vec<String>,
    binding: String,
    text: &'a str,
}

impl<'a> Files<'a> {
    /// Returns `None` where the shell must ask each time. That serves a directory without a name too: the hook asks nothing while it has none.
    fn of(place: &'a Place) -> Option<Self> {
        let Place::Known { directory, absent, decider, watched } = place else { return None };
        let directory = Path::new(directory.as_deref()?);
        let file = |level: usize| super::as_text(&directory.ancestors().nth(level)?.join(BINDING));
        let mut files = Self { absent: absent.iter().map(|level| file(*level)).collect::<Option<_>>()?, ..Self::default() };
        for look in watched {
            match look {
                Look::Absent(path) => files.absent.push(path.clone()),
                Look::Unwritten(path) => files.unwritten.push(path.clone()),
            }
        }
        if let Some((spot, text)) = decider {
            files.text = text;
            files.binding = match spot {
                Spot::Above(level) => file(*level)?,
                Spot::At(path) => path.clone(),
            };
        }
        Some(files)
    }
}

fn list(values: &[impl AsRef<str>]) -> String {
    let values: Vec<_> = values.iter().map(|value| quote(value.as_ref())).collect();
    format!("@({})", values.join(", "))
}

fn boolean(value: bool) -> String {
    format!("${value}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::epoch::Epoch;
    use crate::shell::Shell;

    fn answer(place: Place) -> Answer {
        Answer {
            settings: "/c/config.toml".into(),
            settings_exist: true,
            changes: Vec::new(),
            epoch: Epoch::At("/c/epoch/3".into()),
            has_own_directories: false,
            config_dir: None,
            anthropic_dir: None,
            home: None,
            harmless: Vec::new(),
            overriding: Vec::new(),
            place,
            helper: Some(Liveness::Signal(7)),
            free: false,
            said: String::new(),
        }
    }

    #[test]
    fn quoting_leaves_nothing_to_the_shell() {
        assert_eq!(quote("it's $HOME `n \"x\""), "'it''s $HOME `n \"x\"'");
        assert_eq!(quote("'\u{2018}\u{2019}\u{201a}\u{201b}"), "\"'`u{2018}`u{2019}`u{201a}`u{201b}\"");
        assert_eq!(quote("é $x `y` \"z\"\n"), "\"`u{e9} `$x ``y`` `\"z`\"`u{a}\"");
        assert_eq!(quote("\u{1f600}"), "\"`u{1f600}\"");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn an_answer_is_data_in_plain_ascii() {
        let place = Place::Known {
            directory: Some("C:/é/b".into()),
            absent: vec![0, 2],
            decider: Some((Spot::Above(1), "profile = 'x'\n".into())),
            watched: vec![Look::Unwritten("C:/.git".into())],
        };
        let changes = vec![Change::SetAside("ANTHROPIC_API_KEY"), Change::Export("CLAUTH_PROFILE", "x".into()), Change::Unset("CLAUTH_STATE")];
        let config_dir = Some("/c/profiles/x/runtime".into());
        let rendered = Shell::Pwsh.answer(&Answer { changes, config_dir, overriding: vec!["A", "B"], said: "0f".into(), ..answer(place) });
        let lines: Vec<_> = rendered.lines().collect();
        assert_eq!(
            lines,
            [
                "$global:__clauth_aside_ANTHROPIC_API_KEY = $env:ANTHROPIC_API_KEY; $env:ANTHROPIC_API_KEY = $null",
                "$env:CLAUTH_PROFILE = 'x'",
                "$env:CLAUTH_STATE = $null",
                "$global:__clauth_answer = @{ Epoch = '/c/epoch/3'; EpochExists = $true; Settings = '/c/config.toml'; SettingsExist = $true; ConfigDir = '/c/profiles/x/runtime'; AnthropicDir = ''; \
                 Overriding = @('A', 'B'); Unchanged = @{  }; Free = $false; Helper = 7; IsSure = $true; Absent = @(\"C:/`u{e9}/b/.clauth.toml\", 'C:/.clauth.toml'); Unwritten = @('C:/.git'); Binding = \"C:/`u{e9}/.clauth.toml\"; \
                 Text = \"profile = 'x'`u{a}\" }",
                "$global:__clauth_said = '0f'",
                "# clauth-end",
            ]
        );
        assert!(rendered.is_ascii());
    }

    #[test]
    fn where_no_file_can_be_named_the_shell_asks_each_time() {
        let unnamed = Place::Known { directory: None, absent: vec![0], decider: None, watched: Vec::new() };
        for place in [Place::Unnamed, Place::Unsure, unnamed] {
            let rendered = watch(&answer(place));
            assert!(rendered.contains("IsSure = $false; Absent = @(); Unwritten = @(); Binding = ''; Text = ''"), "{rendered}");
        }
    }
}
