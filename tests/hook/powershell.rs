//! PowerShell's prompt is one function, which everybody sets, wraps and replaces; the hook runs before it all the same.

use crate::support::startup::PROMPT;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

/// Runs a body in each PowerShell of this machine.
fn in_powershell(mut body: impl FnMut(&Shell)) {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            body(shell);
        }
    });
}

/// Ways of setting a prompt, each on one line: `P` is where the prompt's own text stands.
const WAYS: [(&str, &str); 8] = [
    ("a function", "function prompt { 'P' }"),
    ("starship: a module that defines the function globally", "$null = New-Module starship { function global:prompt { [string]::Concat('P') } }"),
    ("oh-my-posh: a module that assigns the function", "$null = New-Module omp { $made = { [string]::Concat('P') }; $Function:prompt = $made }"),
    (
        "VS Code: a wrapper that invokes the prompt that was there",
        "$Global:__VSCodeState = @{ Original = $function:Prompt }; function Global:Prompt() { [string]$Global:__VSCodeState.Original.Invoke() }",
    ),
    (
        "zoxide: a wrapper that calls the prompt that was there",
        "$global:__zoxide_prompt_old = $function:prompt; function global:prompt { & $__zoxide_prompt_old; $null = 1 }",
    ),
    (
        "venv: the prompt that was there gets another name",
        "Copy-Item function:prompt function:_OLD_VIRTUAL_PROMPT; function global:prompt { _OLD_VIRTUAL_PROMPT }",
    ),
    ("posh-git: a text made a block, if the prompt is a default one", "Set-Item Function:\\prompt -Value ([scriptblock]::Create(\"'P'\"))"),
    ("one that fails", "function prompt { [Console]::Write('P'); throw 'broken' }"),
];

impl Terminal {
    /// Asserts that a command of clauth's is noticed at the next prompt, in a directory where nothing is bound, and that nothing is left of it.
    #[track_caller]
    fn assert_notices(&mut self, world: &World, what: &str) {
        assert!(self.run("clauth use work").ends_with(&entered("work")), "{what}: {}", self.transcript());
        assert_eq!(self.run("claude"), world.claude("work"), "{what}");
        assert!(self.run("clauth deny").ends_with(&left("work")), "{what}: {}", self.transcript());
        assert_eq!(self.run("claude"), PLAIN_CLAUDE, "{what}");
        std::fs::remove_file(world.plain().join(".clauth.toml")).unwrap();
        assert_eq!(self.run(""), "", "{what}");
    }
}

#[test]
fn whatever_function_is_the_prompt_the_hook_runs_before_it() {
    in_powershell(|shell| {
        let world = World::new();
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(world.plain()));
        terminal.assert_notices(&world, "set before");
        for (what, way) in WAYS {
            terminal.run(&way.replace("'P'", &format!("'{PROMPT}'")));
            terminal.assert_notices(&world, what);
        }
    });
}

#[test]
fn a_prompt_that_the_profile_sets_behind_the_hook_is_hooked_from_the_first() {
    in_powershell(|shell| {
        for (what, way) in [WAYS[0], WAYS[1], WAYS[2], WAYS[6]] {
            let world = World::new();
            let way = way.replace("'P'", &format!("'{PROMPT}'"));
            let startup = Startup::hooked().after(&way).after(&way).after(&shell.hook_line()).after(&way).in_directory(world.plain());
            let mut terminal = Terminal::start(&world, shell, &startup);
            terminal.assert_notices(&world, what);
        }
    });
}

#[test]
fn after_setup_the_prompt_that_the_user_has_is_hooked_whichever_file_sets_it() {
    in_powershell(|shell| {
        let [own, every] = ["Microsoft.PowerShell_profile.ps1", "profile.ps1"].map(|name| format!("home/.config/powershell/{name}"));
        let prompt = format!("function prompt {{ '{PROMPT}' }}\n");
        let starship = format!("$null = New-Module starship {{ function global:prompt {{ '{PROMPT}' }} }}\n");
        for (file, text, other) in [
            (&own, prompt.clone(), String::new()),
            (&own, starship.clone(), prompt.clone()),
            (&every, prompt.clone(), String::new()),
            (&own, format!("{prompt}throw 'this profile is broken'\n"), String::new()),
            (&own, format!("Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n{starship}"), String::new()),
            (&every, format!("Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n{prompt}"), starship),
        ] {
            let world = World::new();
            world.put_on_path(shell);
            world.write(file, &text);
            if !other.is_empty() {
                world.write(if file == &own { &every } else { &own }, &other);
            }
            world.clauth(&["setup", "--yes", "--no-shim", "--shell", "pwsh"]).success();
            let mut command = world.command(&shell.program);
            command.args(["-NoLogo"]).current_dir(world.plain()).env("POWERSHELL_UPDATECHECK", "Off");
            let mut terminal = Terminal::start_command(shell, command);
            terminal.assert_notices(&world, &text);
        }
    });
}

#[test]
fn setup_says_where_the_prompt_does_not_run_the_hook() {
    in_powershell(|shell| {
        let world = World::new();
        world.put_on_path(shell);
        world.write("home/.config/powershell/Microsoft.PowerShell_profile.ps1", "$ExecutionContext.InvokeCommand.PreCommandLookupAction = $null\n");
        let told = world.clauth(&["setup", "--yes", "--no-shim", "--shell", "pwsh"]).exits_with(1);
        assert!(told.stderr().contains("PreCommandLookupAction is set again"), "{told:?}");
        assert!(world.clauth(&["doctor"]).stdout().contains("PreCommandLookupAction is set again"));
    });
}

#[test]
fn the_prompt_stays_the_users_own_to_look_at() {
    in_powershell(|shell| {
        let world = World::new();
        // posh-git replaces a prompt whose definition is the default one.
        let default = "$function:prompt = [Management.Automation.Runspaces.InitialSessionState]::CreateDefault2().Commands['prompt'][0].Definition";
        let startup = Startup::bare().before(default).before(&shell.hook_line());
        let ask =
            "((Get-Command prompt).Definition -eq [initialsessionstate]::CreateDefault2().Commands['prompt'][0].Definition) | Set-Content ~/told";
        let startup = startup.before(ask).after(&format!("function prompt {{ '{PROMPT}' }}"));
        let _terminal = Terminal::start(&world, shell, &startup);
        assert_eq!(world.read("home/told").trim(), "True");
    });
}

#[test]
fn a_prompt_of_a_function_that_changes_directory_stays_its_own() {
    in_powershell(|shell| {
        let world = World::new();
        let mut terminal = world.start(shell);
        terminal.run("& { function prompt { 'LOCAL> ' }; Set-Location / }");
        assert_eq!(terminal.run("(prompt).Length"), PROMPT.len().to_string());
    });
}

#[test]
fn the_users_prompt_sees_their_status_and_none_of_ours() {
    in_powershell(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let seen = format!("function prompt {{ \"<$? $LASTEXITCODE $($Error.Count)>{PROMPT}\" }}");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().after(&seen));
        // In a refused directory each prompt evaluates, and each look at what cannot be looked at is an error.
        let refused = world.write("home/r/.clauth.toml", "profile = \"work\"\n");
        for directory in [&bound, refused.parent().unwrap(), &world.plain()] {
            terminal.run("$Error.Clear()");
            terminal.run(&shell.cd(directory));
            assert!(terminal.run(&shell.exit_with(3)).ends_with("<False 3 0>"), "{}", terminal.transcript());
            assert!(terminal.run("$null = 1").ends_with("<True 3 0>"), "{}", terminal.transcript());
            assert!(terminal.run("Get-Item nowhere -ErrorAction SilentlyContinue").ends_with("<False 3 1>"), "{}", terminal.transcript());
        }
        assert!(terminal.run("@((Get-History).CommandLine -match '__clauth').Count").starts_with("0\n"), "{}", terminal.transcript());
    });
}

#[test]
fn each_way_in_is_put_back_by_the_other_and_both_by_a_reload() {
    in_powershell(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let cd_and_claude = format!("{}; claude", shell.cd(&bound));
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(world.plain()));
        let [location, lookup] = ["LocationChangedAction", "PreCommandLookupAction"].map(|name| format!("$ExecutionContext.InvokeCommand.{name}"));
        terminal.run(&format!("{location} = {{ $global:SEEN = 'theirs' }}"));
        assert_eq!(terminal.run(&cd_and_claude), format!("{}\n{}", entered("work"), world.claude("work")));
        assert_eq!(terminal.run("$SEEN"), "theirs", "what another tool set stays");
        terminal.run(&shell.cd(world.plain()));
        terminal.run(&format!("{lookup} = $null"));
        terminal.run(&shell.cd(world.home()));
        terminal.run(&shell.cd(world.plain()));
        terminal.assert_notices(&world, "the lookup was put back");
        let reload = format!("{location} = $null; {lookup} = $null; {}", shell.hook_line());
        terminal.run(&reload);
        assert_eq!(terminal.run(&cd_and_claude), format!("{}\n{}", entered("work"), world.claude("work")));
        terminal.run(&shell.cd(world.plain()));
        for _ in 0..3 {
            terminal.run(&shell.hook_line());
        }
        assert_eq!(terminal.run(&format!("{location}.GetInvocationList().Count, {lookup}.GetInvocationList().Count")), "1\n1");
    });
}

#[test]
fn what_is_removed_from_the_session_takes_neither_the_hook_nor_the_prompt_with_it() {
    in_powershell(|shell| {
        let world = World::new();
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(world.plain()));
        terminal.run("Get-Variable | Remove-Variable -Force -ErrorAction SilentlyContinue");
        terminal.run("Get-ChildItem function: | Where-Object Name -like '*clauth*' | Remove-Item -Force");
        terminal.run("Get-Module | Remove-Module -Force -ErrorAction SilentlyContinue");
        terminal.assert_notices(&world, "removed");
        terminal.run(&shell.hook_line());
        terminal.assert_notices(&world, "and reloaded");
        for junk in ["$__clauth_answer = 5", "$__clauth_answer = @{}", "$__clauth_said = @(1, 2)", "$PWD = 7", "Set-StrictMode -Version Latest"] {
            terminal.run(junk);
            assert_eq!(terminal.run("(prompt).Length"), PROMPT.len().to_string(), "{junk}");
        }
        terminal.assert_notices(&world, "junk");
    });
}

#[test]
fn in_a_drive_that_is_no_directory_the_one_of_the_file_system_decides() {
    in_powershell(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&bound));
        terminal.run(&shell.pin("acme"));
        terminal.run("Set-Location Env:");
        assert_eq!(terminal.run("claude"), world.claude("acme"));
        assert_eq!(terminal.run(&shell.evaluate("clauth env --unset")), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        terminal.run("Set-Location Variable:");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
    });
}

#[test]
fn a_nested_prompt_is_a_prompt() {
    in_powershell(|shell| {
        let world = World::new();
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(world.plain()));
        terminal.run("$Host.EnterNestedPrompt()");
        terminal.assert_notices(&world, "nested");
        terminal.run("exit");
        terminal.assert_notices(&world, "and back");
    });
}

#[test]
fn in_constrained_language_the_hook_says_once_what_it_needs_and_breaks_no_prompt() {
    in_powershell(|shell| {
        let world = World::new();
        let constrained = "$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'";
        let before = Startup::bare().before(constrained).after("Invoke-Expression (& clauth hook pwsh)");
        let mut terminal = Terminal::start(&world, shell, &before);
        assert_eq!(terminal.transcript().matches("needs PowerShell 7.4 or newer in full language mode").count(), 1, "{}", terminal.transcript());
        assert_eq!(terminal.run("$Error.Count"), "0");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        // A session that becomes so later keeps the hook that it has.
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().after(constrained).in_directory(world.plain()));
        terminal.assert_notices(&world, "constrained later");
    });
}
