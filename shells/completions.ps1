# clauth: completions for PowerShell.
#
# For each command: the commands below it, its options with what each takes (nothing where there is no value), and what its arguments are.

Register-ArgumentCompleter -Native -CommandName clauth -ScriptBlock {
    param($word, $line, $cursor)

    $commands = @{
@COMMANDS@
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
