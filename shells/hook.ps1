# clauth: the prompt hook for PowerShell 7.4 and newer.
#
# A prompt where nothing changed starts no process: the program's last answer says what to look at, and __clauth_same looks at it. That runs at
# prompts and at every change of location, so that `cd x; claude` is right as well. .NET calls stand where cmdlets would do: the first cmdlet
# loads a module, which takes 40 ms. The text is ASCII, since it passes through the console's encoding.

$global:__clauth_program = '@CLAUTH@'

function global:__clauth_hook {
    if ($env:CLAUTH_DISABLE) { return }
    # A location is text: the process itself stays where it began, so every path below is absolute.
    $location = [string]$global:PWD.ProviderPath
    # In another drive (Env:, HKLM:) and in a directory that was removed, the account of the last place stays.
    if (-not [IO.Directory]::Exists($location)) { return }
    $errors = $global:Error.Count
    try { $same = __clauth_same $location } catch { $same = $false } # what cannot be looked at from here is the program's to judge
    if (-not $same) {
        try { $problem = __clauth_evaluate $location } catch { $problem = 'no answer' }
        if ($problem) { __clauth_fail $location $problem }
        $global:__clauth_is_first = $false
    }
    while ($global:Error.Count -gt $errors) { $global:Error.RemoveAt(0) } # caught errors are kept there, and these are not the user's
}

# True while the last answer holds. `-eq` takes no notice of invisible characters, so text is compared by [string]::Equals.
function global:__clauth_same([string] $location) {
    $answer = $global:__clauth_answer
    if ($null -eq $answer) { return $false }
    if (-not [string]::Equals([string]$env:CLAUDE_CONFIG_DIR, $answer.ConfigDir)) { return $false }
    if ([IO.Path]::Exists($answer.Epoch) -ne $answer.EpochExists) { return $false }
    if ([IO.File]::Exists($answer.Settings) -ne $answer.SettingsExist) { return $false }
    if ($answer.SettingsExist -and ([IO.File]::GetLastWriteTimeUtc($answer.Settings) -gt [IO.File]::GetLastWriteTimeUtc($answer.Epoch))) { return $false }
    if ($answer.Helper -is [string]) {
        if ($answer.Helper -and -not [IO.Path]::Exists($answer.Helper)) { return $false }
    } else {
        try { [Diagnostics.Process]::GetProcessById($answer.Helper).Dispose() } catch { return $false }
    }
    if ($answer.AnthropicDir -and (-not [string]::Equals($env:ANTHROPIC_CONFIG_DIR, $answer.AnthropicDir))) { return $false }
    foreach ($name in $answer.Unchanged.Keys) {
        if (-not [string]::Equals([Environment]::GetEnvironmentVariable($name), $answer.Unchanged[$name])) { return $false }
    }
    foreach ($name in $answer.Overriding) {
        if ($null -ne [Environment]::GetEnvironmentVariable($name)) { return $false }
    }
    if (-not [string]::Equals($location, $answer.At)) {
        $absent = [Collections.Generic.List[string]]::new()
        if (-not ($answer.Free -and (__clauth_nothing_above $location $absent))) { return $false }
        $answer.At = $location
        $answer.Links = @{}
        $answer.Absent = $absent
        $answer.IsSure = $true
        return $true
    }
    if (-not $answer.IsSure) { return $false }
    foreach ($file in $answer.Absent) {
        if ([IO.Path]::Exists($file)) { return $false }
    }
    foreach ($link in $answer.Links.Keys) {
        if (-not [string]::Equals([string][IO.DirectoryInfo]::new($link).LinkTarget, $answer.Links[$link])) { return $false }
    }
    if (-not $answer.Binding) { return $true }
    $file = [IO.FileInfo]::new($answer.Binding)
    $target = $file.ResolveLinkTarget($true)
    if ($null -ne $target) { $file = $target } # the length of a link is its own
    # Opening a FIFO would block; it has no length, which the text always has.
    if ((-not $file.Exists) -or ($file.Length -ne $answer.Text.Length)) { return $false }
    return [string]::Equals([IO.File]::ReadAllText($file.FullName), $answer.Text)
}

# True when no .clauth.toml stands here or above; $absent then lists where one could appear. Behind a link the physical parents are not those
# that the location names, so there the answer is no.
function global:__clauth_nothing_above([string] $location, [Collections.Generic.List[string]] $absent) {
    for ($directory = $location; $directory; $directory = [IO.Path]::GetDirectoryName($directory)) {
        $file = [IO.Path]::Combine($directory, '.clauth.toml')
        if ([IO.Path]::Exists($file)) { return $false }
        if ($null -ne [IO.DirectoryInfo]::new($directory).LinkTarget) { return $false }
        $absent.Add($file)
    }
    return $true
}

# Returns the links on the way to a location, with their targets: when one of them is turned, the same text means another directory.
function global:__clauth_links([string] $location) {
    $links = [Collections.Hashtable]::new() # not @{}, which takes no notice of case
    $paths = [Collections.Generic.Queue[string]]::new()
    $paths.Enqueue($location)
    while ($paths.Count -gt 0) {
        for ($path = $paths.Dequeue(); $path -and (-not $links.ContainsKey($path)); $path = [IO.Path]::GetDirectoryName($path)) {
            $target = [IO.DirectoryInfo]::new($path).LinkTarget
            if ($null -ne $target) {
                $links.Add($path, $target)
                $paths.Enqueue([IO.Path]::GetFullPath($target, [IO.Path]::GetDirectoryName($path)))
            }
        }
    }
    return $links
}

# Asks the program. Returns what went wrong, if anything did.
function global:__clauth_evaluate([string] $location) {
    __clauth_give_back
    $links = __clauth_links $location # before the program looks: what is turned meanwhile is seen at the next prompt
    # Not `&`: inside a prompt that takes the program's stderr as well, and shows it nowhere. This leaves $LASTEXITCODE alone, too.
    $start = [Diagnostics.ProcessStartInfo]::new($global:__clauth_program)
    $start.WorkingDirectory = $location
    $start.RedirectStandardOutput = $true
    $start.StandardOutputEncoding = [Text.Encoding]::UTF8
    $pin = $ExecutionContext.SessionState.PSVariable.GetValue('__clauth_pin') # which may not exist, an error in strict mode
    foreach ($argument in @('export', 'pwsh', "--pid=$PID", "--said=$global:__clauth_said", "--pin=$pin")) {
        $start.ArgumentList.Add($argument)
    }
    if ($global:__clauth_is_first) { $start.ArgumentList.Add('--first') }
    $process = [Diagnostics.Process]::Start($start)
    $text = $process.StandardOutput.ReadToEnd()
    $process.WaitForExit()
    if (($process.ExitCode -ne 0) -or (-not $text.EndsWith("# clauth-end`n", [StringComparison]::Ordinal))) {
        return "status $($process.ExitCode)"
    }
    . ([scriptblock]::Create($text))
    $global:__clauth_answer.Links = $links
    $global:__clauth_answer.At = $location
}

# Gives back what a failure took away, but for what the user has set again since.
function global:__clauth_give_back {
    if ($global:__clauth_taken.Count -eq 0) { return }
    if ([string]::Equals($env:ANTHROPIC_CONFIG_DIR, $env:CLAUDE_CONFIG_DIR)) { $env:ANTHROPIC_CONFIG_DIR = $null; $env:CLAUDE_CONFIG_DIR = $null }
    foreach ($name in $global:__clauth_taken.Keys) {
        if ($null -eq [Environment]::GetEnvironmentVariable($name)) { [Environment]::SetEnvironmentVariable($name, $global:__clauth_taken[$name]) }
    }
    $global:__clauth_taken = @{}
}

# Without an answer the account is unknown. Where one is bound or loaded, claude must refuse rather than use another: no key is left to serve by either,
# until the next evaluation.
function global:__clauth_fail([string] $location, [string] $problem) {
    $global:__clauth_answer = $null # the next prompt tries again
    $root = $env:CLAUTH_HOME
    if (-not $root) { $root = [IO.Path]::Combine($HOME, '.clauth') }
    $loaded = [string]$env:CLAUDE_CONFIG_DIR
    $must_refuse = -not (__clauth_nothing_above $location ([Collections.Generic.List[string]]::new()))
    if ($loaded -and (-not $must_refuse)) {
        # The program says C:/x where the system says C:\X.
        $inside = [IO.Path]::GetFullPath($root) + [IO.Path]::DirectorySeparatorChar
        $comparison = if ($IsWindows) { [StringComparison]::OrdinalIgnoreCase } else { [StringComparison]::Ordinal }
        $must_refuse = [IO.Path]::GetFullPath($loaded).StartsWith($inside, $comparison)
    }
    $refused = [IO.Path]::Combine($root, 'refused')
    if ($must_refuse -and [IO.File]::Exists($refused)) {
        foreach ($name in @('CLAUDE_CONFIG_DIR', 'ANTHROPIC_CONFIG_DIR', '@OVERRIDING@')) {
            $value = [Environment]::GetEnvironmentVariable($name)
            # Clauth's own come with the next answer.
            if (($null -ne $value) -and (-not $value.Replace('\', '/').StartsWith($root.Replace('\', '/') + '/', [StringComparison]::Ordinal))) {
                $global:__clauth_taken[$name] = $value
                [Environment]::SetEnvironmentVariable($name, [NullString]::Value) # $null would be passed on as an empty text
            }
        }
        $env:CLAUDE_CONFIG_DIR = [IO.Path]::Combine($refused, 'run-clauth-status')
        $env:ANTHROPIC_CONFIG_DIR = $env:CLAUDE_CONFIG_DIR
        $env:CLAUTH_PROFILE = $null
    }
    $message = "could not find out the account of this directory ($problem); press Enter to try again, or run ``clauth status``"
    if (-not [IO.File]::Exists($global:__clauth_program)) {
        $message = "$global:__clauth_program is gone; install clauth again, or remove its hook from your profile"
    }
    if (-not [string]::Equals($global:__clauth_said, $message)) { [Console]::Error.WriteLine("clauth: $message") }
    $global:__clauth_said = $message
}

# Makes $? false and nothing else: an error that Ignore keeps out of $Error.
function global:__clauth_false {
    [CmdletBinding()] param()
    $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new('clauth'), 'clauth', 'NotSpecified', $null))
}

# Puts the hook before the prompt, unless it is there. Each wrapper has the number of what it wraps, so that one around another tool's wrapper
# around an earlier one of ours never calls itself.
function global:__clauth_wrap_prompt {
    $prompt = $function:prompt
    if (($null -eq $prompt) -or $prompt.ToString().Contains('__clauth_hook')) { return }
    $number = $global:__clauth_prompts.Count
    $global:__clauth_prompts.Add($prompt)
    # The user's prompt shows the user's $?.
    . ([scriptblock]::Create("function global:prompt {
        `$clauth_status = `$?
        __clauth_hook
        if (-not `$clauth_status) { __clauth_false -ErrorAction Ignore }
        & `$global:__clauth_prompts[$number]
    }"))
}

# Runs inside the user's line, which an exception would end. A prompt that starship or oh-my-posh put in place of ours gets it back here.
function global:__clauth_moved {
    try {
        __clauth_hook
        __clauth_wrap_prompt
    }
    catch { $null = $_ }
}

function global:__clauth_install {
    # Loaded a second time, the text replaces its functions and keeps what they know.
    if ($null -eq $ExecutionContext.SessionState.PSVariable.GetValue('__clauth_prompts')) {
        $global:__clauth_prompts = [Collections.Generic.List[scriptblock]]::new()
        $global:__clauth_answer = $null
        $global:__clauth_is_first = $true
        $global:__clauth_said = ''
        $global:__clauth_taken = @{}
        $commands = $ExecutionContext.SessionState.InvokeCommand
        $action = [System.EventHandler[System.Management.Automation.LocationChangedEventArgs]] { __clauth_moved }
        if ($null -ne $commands.LocationChangedAction) { $action = [Delegate]::Combine($commands.LocationChangedAction, $action) }
        $commands.LocationChangedAction = $action
    }
    __clauth_wrap_prompt
    __clauth_hook # at once: a prompt that the profile sets further down would not ask
}
__clauth_install
