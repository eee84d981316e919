# clauth: completions for PowerShell.
#
# For each command: the commands below it, its options with what each takes (nothing where there is no value), and what its arguments are.

Register-ArgumentCompleter -Native -CommandName clauth -ScriptBlock {
    param($word, $line, $cursor)

    $commands = @{
        'clauth' = @{ Words = [ordered]@{ 'setup' = 'Put the prompt hook and completions into your shell''s startup file, and the wrapper into your editors'; 'hook' = 'Print the prompt hook of a shell'; 'use' = 'Bind a directory to a profile: write its .clauth.toml and allow it'; 'unuse' = 'Unbind a directory: remove its .clauth.toml'; 'allow' = 'Let the .clauth.toml that applies here choose its profile'; 'deny' = 'Ignore the .clauth.toml that applies here from now on'; 'env' = 'Print exports for `eval "$(clauth env PROFILE)"`, which pin this shell to the profile'; 'start' = 'Run `claude` under a profile'; 'shell' = 'Start a shell that stays with one profile in every directory; `exit` leaves it'; 'exec' = 'Run a command under a profile'; 'add' = 'Make a profile'; 'login' = 'Sign in to a profile: runs `claude auth login`'; 'capture' = 'Move the login of ~/.claude into a profile; plain `claude` is signed out then'; 'import' = 'Turn a config directory of your own into a profile: its login moves there, its history and settings to ~/.claude'; 'list' = 'List the profiles'; 'remove' = 'Remove a profile; its history goes to ~/.claude, its own files to ~/.clauth/rescued'; 'removals' = 'Show or decide about removals that are held, and empty the trash of removed files'; 'status' = 'Show which profile applies here, and why'; 'refresh' = 'Refresh a login that ends soon, while Claude Code runs or not'; 'doctor' = 'Look for what is wrong, and say what to do about it'; 'usage' = 'Show how much of the 5-hour and 7-day limits is used'; 'statusline' = 'Print a status line for Claude Code: the profile and its limits'; 'stop' = 'Let helpers finish now; the next prompt of each shell starts a new one'; 'shim' = 'Install or remove `claude` and `claude-wrapper` in ~/.clauth/bin, which decide by the directory where no hook runs'; 'completions' = 'Print the completion script of a shell' }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', ''); '--version' = @('Print version', ''); '-V' = @('Print version', '') }; Arguments = @(); Behind = '' }
        'clauth setup' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--shell' = @('bash, zsh, fish or pwsh; all that you use when absent', '=bash zsh fish pwsh'); '--editors' = @('Only tell editors to start Claude Code with the account of the folder: VS Code and its kin, and Zed', ''); '--no-shim' = @('Leave PATH alone: editors, scripts and `cd x && claude` use the account that they use without clauth', ''); '--uninstall' = @('Take everything out again; profiles stay', ''); '--yes' = @('Do not ask', ''); '-y' = @('Do not ask', ''); '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @(); Behind = '' }
        'clauth hook' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('=bash zsh fish pwsh direnv'); Behind = '' }
        'clauth use' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dir' = @('The same', 'directories'); '--remote' = @('Write a rule for the remote of this repository, or for HOST/PATH, into config.toml instead: it counts in every clone, wherever it is', 'none'); '--global' = @('Use the profile in every directory that nothing else decides for', ''); '--unset' = @('End that: with --global alone', ''); '--yes' = @('Do not ask, where HOME or the root would be bound', ''); '-y' = @('Do not ask, where HOME or the root would be bound', ''); '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('profiles', 'paths'); Behind = '' }
        'clauth unuse' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dir' = @('The same', 'directories'); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('paths'); Behind = '' }
        'clauth allow' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dir' = @('The same', 'directories'); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('paths'); Behind = '' }
        'clauth deny' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dir' = @('The same', 'directories'); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('paths'); Behind = '' }
        'clauth env' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--shell' = @('bash, zsh, fish, pwsh or sh; the calling shell when absent', '=bash zsh fish pwsh'); '--unset' = @('Print the way back: the pin ends, and the directory chooses again', ''); '--json' = @('Print JSON', ''); '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth start' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles', 'none'); Behind = '' }
        'clauth shell' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth exec' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = 'commands' }
        'clauth add' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--base-url' = @('Where requests go instead of Anthropic; needs a key of that endpoint', 'none'); '--api-key-stdin' = @('Read an API key from the standard input; on a terminal, ask for it', ''); '--token-stdin' = @('Read a long-lived token of `claude setup-token` from the standard input; on a terminal, ask for it', ''); '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('none'); Behind = '' }
        'clauth login' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dir' = @('Bind this directory to the profile afterwards; a profile that does not exist is made', 'directories'); '--yes' = @('Do not ask before another login of the profile is replaced; that one is kept in any case', ''); '-y' = @('Do not ask before another login of the profile is replaced; that one is kept in any case', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles', 'none'); Behind = '' }
        'clauth capture' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--back' = @('The other way round: move the profile''s login to ~/.claude, where nobody may be signed in', ''); '--yes' = @('Do not ask', ''); '-y' = @('Do not ask', ''); '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('none'); Behind = '' }
        'clauth import' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dry-run' = @('List what would move and change nothing', ''); '--yes' = @('Do not ask', ''); '-y' = @('Do not ask', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('directories', 'none'); Behind = '' }
        'clauth list' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--json' = @('Print JSON', ''); '--names' = @('Print the names alone, one a line', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth remove' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--yes' = @('Do not ask', ''); '-y' = @('Do not ask', ''); '--delete-login' = @('Delete the login too, instead of keeping it in ~/.clauth/rescued', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth removals' = @{ Words = [ordered]@{ 'accept' = 'Remove the other copies too; they go to ~/.clauth/rescued/removed'; 'restore' = 'Put back what vanished'; 'empty' = 'Delete the removed files that are kept in ~/.clauth/rescued/removed' }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth removals accept' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth removals restore' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth removals empty' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--yes' = @('Do not ask', ''); '-y' = @('Do not ask', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth status' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--dir' = @('The same', 'directories'); '--format' = @('Print one line for a prompt, such as ''{profile} {5h}''; empty where nothing is bound', 'none'); '--json' = @('Print JSON', ''); '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('paths'); Behind = '' }
        'clauth refresh' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--all' = @('Every profile that has a login', ''); '--force' = @('Refresh though it does not end soon', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth doctor' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--fix' = @('Mend what is safe to mend', ''); '--json' = @('Print JSON', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth usage' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--json' = @('Print JSON', ''); '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth statusline' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @(); Behind = '' }
        'clauth stop' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @('profiles'); Behind = '' }
        'clauth shim' = @{ Words = [ordered]@{ 'install' = 'Put the shim and the wrapper for editors into ~/.clauth/bin'; 'remove' = 'Take them away' }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth shim install' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth shim remove' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help', ''); '-h' = @('Print help', '') }; Arguments = @(); Behind = '' }
        'clauth completions' = @{ Words = [ordered]@{  }; Options = [ordered]@{ '--help' = @('Print help (see more with ''--help'')', ''); '-h' = @('Print help (see more with ''--help'')', '') }; Arguments = @('=bash zsh fish pwsh'); Behind = '' }
    }

    $path = 'clauth'
    $wanted = $null # what the option before takes
    $given = 0
    $behind = -1 # how many words stand behind `--`
    foreach ($element in @($line.CommandElements)[1..$line.CommandElements.Count]) {
        if (($null -eq $element) -or ($element.Extent.EndOffset -ge $cursor)) { continue }
        $text = $element.Extent.Text
        $command = $commands[$path]
        if ($behind -ge 0) { $behind++ }
        elseif ($text -ceq '--') { $behind = 0 }
        elseif ($wanted) { $wanted = $null }
        elseif ($text.StartsWith('-')) { if ($command.Options.Contains($text)) { $wanted = $command.Options[$text][1] } }
        elseif ($command.Words.Contains($text)) { $path = "$path $text" }
        else { $given++ }
    }
    $command = $commands[$path]
    $kind = $wanted
    if ($behind -ge 0) { $kind = if ($behind -eq 0) { $command.Behind } else { 'paths' } }
    elseif (-not $wanted) { $kind = @($command.Arguments)[$given] }

    $offer = { param($text, $type, $help) [System.Management.Automation.CompletionResult]::new($text, $text, $type, $help) }
    $found = @(
        if ((-not $wanted) -and ($behind -lt 0)) {
            foreach ($name in $command.Words.Keys) { & $offer $name 'ParameterValue' $command.Words[$name] }
            $options = if ($word.StartsWith('-')) { $command.Options.Keys }
            foreach ($name in $options) { & $offer $name 'ParameterName' $command.Options[$name][0] }
        }
        if ($kind -eq 'profiles') {
            $status = $global:LASTEXITCODE # the user's
            foreach ($name in @(clauth list --names 2>$null)) { & $offer $name 'ParameterValue' $name }
            $global:LASTEXITCODE = $status
        }
        elseif ($kind -and $kind.StartsWith('=')) {
            foreach ($name in $kind.Substring(1).Split(' ')) { & $offer $name 'ParameterValue' $name }
        }
    )
    $found.Where({ $_.CompletionText.StartsWith($word, [StringComparison]::OrdinalIgnoreCase) }) | Sort-Object -Property ListItemText
    if ($word.StartsWith('-')) { return }
    if ($kind -eq 'commands') { [System.Management.Automation.CompletionCompleters]::CompleteCommand($word) }
    if (($kind -eq 'paths') -or ($kind -eq 'directories')) {
        $files = [System.Management.Automation.CompletionCompleters]::CompleteFilename($word)
        $files | Where-Object { ($kind -eq 'paths') -or ($_.ResultType -eq 'ProviderContainer') }
    }
}
