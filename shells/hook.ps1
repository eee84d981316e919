# clauth: the prompt hook for PowerShell 7.4 and newer.
#
# PowerShell looks up the command `prompt` before each prompt, and tells PreCommandLookupAction; so the hook runs whichever function that is, whoever
# sets, wraps or replaces it, and that function stays untouched. LocationChangedAction runs the hook as well, so that `cd x; claude` is right. Each of
# the two puts the other one back when another tool has overwritten it.
#
# A prompt where nothing changed starts no process: the program's last answer says what to look at, and __clauth_same looks at it. .NET calls stand
# where cmdlets would do: the first cmdlet loads a module, which takes 40 ms. The text is ASCII, since it passes through the console's encoding.
#
# All of this lies in a module without a name, out of reach of `Remove-Variable *` and of other functions. Loaded a second time, the text replaces
# the functions and keeps what they know.

if ($ExecutionContext.SessionState.PSVariable.GetValue('global:__clauth') -isnot [psmoduleinfo]) { $global:__clauth = [psmoduleinfo]::new($true) }

. $global:__clauth {

Set-StrictMode -Off # here alone: a variable that the user removed must not be an error

$script:__clauth_program = '@CLAUTH@'

function __clauth_hook {
    if ($env:CLAUTH_DISABLE) { return }
    $ErrorActionPreference = 'Stop' # in these functions alone; a loop whose step fails would never end
    $newest = $global:Error[0]
    try {
        # A location is text: the process itself stays where it began, so every path below is absolute. From another drive (Env:, HKLM:) programs start
        # in the present directory of the file system, which takes longer to find out.
        $place = $global:PWD
        if ($place.Provider.Name -ne 'FileSystem') { $place = $ExecutionContext.SessionState.Path.CurrentFileSystemLocation }
        $location = [string]$place.ProviderPath
        # From a location that was removed or renamed they start where the process began.
        if (-not [IO.Directory]::Exists($location)) { $location = [Environment]::CurrentDirectory }
        if ([IO.Directory]::Exists($location)) {
            try { $same = __clauth_same $location } catch { $same = $false } # what cannot be looked at from here is the program's to judge
            if (-not $same) {
                try { $problem = __clauth_evaluate $location } catch { $problem = 'no answer' }
                if ($problem) { __clauth_fail $location $problem }
                $script:__clauth_is_first = $false
            }
        }
    } catch { $global:__clauth_answer = $null }
    # Caught errors are kept there, and these are not the user's.
    for ($count = 0; ($count -lt 20) -and $global:Error.Count -and -not [object]::ReferenceEquals($global:Error[0], $newest); $count++) {
        $global:Error.RemoveAt(0)
    }
}

# True while the last answer holds. `-eq` takes no notice of invisible characters, so text is compared by [string]::Equals.
function __clauth_same([string] $location) {
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
        $answer.Unwritten = @()
        $answer.IsSure = $true
        return $true
    }
    if (-not $answer.IsSure) { return $false }
    foreach ($file in $answer.Absent) {
        if ([IO.Path]::Exists($file)) { return $false }
    }
    foreach ($file in $answer.Unwritten) {
        if (-not [IO.File]::Exists($file)) { return $false }
        if ($answer.EpochExists -and ([IO.File]::GetLastWriteTimeUtc($file) -gt [IO.File]::GetLastWriteTimeUtc($answer.Epoch))) { return $false }
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

# True when no .clauth.toml stands here or above, and no `.git` of a linked worktree, which counts as its main checkout; $absent then lists where a file
# could appear. Behind a link the physical parents are not those that the location names, so there the answer is no.
function __clauth_nothing_above([string] $location, [Collections.Generic.List[string]] $absent) {
    for ($directory = $location; $directory; $directory = [IO.Path]::GetDirectoryName($directory)) {
        $file = [IO.Path]::Combine($directory, '.clauth.toml')
        if ([IO.Path]::Exists($file)) { return $false }
        if ($null -ne [IO.DirectoryInfo]::new($directory).LinkTarget) { return $false }
        $git = [IO.FileInfo]::new([IO.Path]::Combine($directory, '.git')) # a FIFO has no length
        if ($git.Exists -and ($git.Length -gt 0) -and ($git.Length -lt 16384) -and [IO.File]::ReadAllText($git.FullName).Contains('/worktrees/')) {
            return $false
        }
        $absent.Add($file)
    }
    return $true
}

# Returns the links on the way to a location, with their targets: when one of them is turned, the same text means another directory.
function __clauth_links([string] $location) {
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
function __clauth_evaluate([string] $location) {
    __clauth_give_back
    $links = __clauth_links $location # before the program looks: what is turned meanwhile is seen at the next prompt
    # Not `&`: inside a prompt that takes the program's stderr as well, and shows it nowhere. This leaves $LASTEXITCODE alone, too.
    $start = [Diagnostics.ProcessStartInfo]::new($script:__clauth_program)
    $start.WorkingDirectory = $location
    $start.RedirectStandardOutput = $true
    $start.StandardOutputEncoding = [Text.Encoding]::UTF8
    $pin = $ExecutionContext.SessionState.PSVariable.GetValue('__clauth_pin') # which may not exist, an error in strict mode
    foreach ($argument in @('export', 'pwsh', "--pid=$PID", "--said=$global:__clauth_said", "--pin=$pin")) {
        $start.ArgumentList.Add($argument)
    }
    if ($script:__clauth_is_first) { $start.ArgumentList.Add('--first') }
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
function __clauth_give_back {
    if ($script:__clauth_taken.Count -eq 0) { return }
    if ([string]::Equals($env:ANTHROPIC_CONFIG_DIR, $env:CLAUDE_CONFIG_DIR)) { $env:ANTHROPIC_CONFIG_DIR = $null; $env:CLAUDE_CONFIG_DIR = $null }
    foreach ($name in $script:__clauth_taken.Keys) {
        if ($null -eq [Environment]::GetEnvironmentVariable($name)) { [Environment]::SetEnvironmentVariable($name, $script:__clauth_taken[$name]) }
    }
    $script:__clauth_taken = @{}
}

# Without an answer the account is unknown. Where one is bound or loaded, claude must refuse rather than use another: no key is left to serve by either,
# until the next evaluation.
function __clauth_fail([string] $location, [string] $problem) {
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
                $script:__clauth_taken[$name] = $value
                [Environment]::SetEnvironmentVariable($name, [NullString]::Value) # $null would be passed on as an empty text
            }
        }
        $env:CLAUDE_CONFIG_DIR = [IO.Path]::Combine($refused, 'run-clauth-status')
        $env:ANTHROPIC_CONFIG_DIR = $env:CLAUDE_CONFIG_DIR
        $env:CLAUTH_PROFILE = $null
    }
    $message = "could not find out the account of this directory ($problem); press Enter to try again, or run ``clauth status``"
    if (-not [IO.File]::Exists($script:__clauth_program)) {
        $message = "$script:__clauth_program is gone; install clauth again, or remove its hook from your profile"
    }
    if (-not [string]::Equals($global:__clauth_said, $message)) { [Console]::Error.WriteLine("clauth: $message") }
    $global:__clauth_said = $message
}

# Makes $? false and nothing else: an error that Ignore keeps out of $Error.
function __clauth_false {
    [CmdletBinding()] param()
    $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new('clauth'), 'clauth', 'NotSpecified', $null))
}

# Returns an action with ours in it.
function __clauth_with([Delegate] $action, [Delegate] $ours) {
    if (($null -ne $action) -and ($action.GetInvocationList() -contains $ours)) { return $action }
    return [Delegate]::Combine($action, $ours)
}

# Where nobody else has an action this calls no function: a call is among the dearest things here.
function __clauth_attach {
    $commands = $ExecutionContext.InvokeCommand
    $action = $commands.PreCommandLookupAction
    if (-not [object]::ReferenceEquals($action, $script:__clauth_on_lookup)) {
        $commands.PreCommandLookupAction = __clauth_with $action $script:__clauth_on_lookup
    }
    $action = $commands.LocationChangedAction
    if (-not [object]::ReferenceEquals($action, $script:__clauth_on_location)) {
        $commands.LocationChangedAction = __clauth_with $action $script:__clauth_on_location
    }
}

# Returns an action that calls this one for the command `prompt`. Compiled, since every command of the user's passes here, and a script would cost
# each of them 2 us and its $?.
function __clauth_for_prompts([Delegate] $action) {
    $arguments = [System.Management.Automation.CommandLookupEventArgs]
    $method = [Reflection.Emit.DynamicMethod]::new('clauth', [void], [type[]]@($action.GetType(), [object], $arguments))
    $code = $method.GetILGenerator()
    $codes = [Reflection.Emit.OpCodes]
    $end = $code.DefineLabel()
    $code.Emit($codes::Ldarg_2)
    $code.Emit($codes::Callvirt, $arguments.GetMethod('get_CommandName'))
    $code.Emit($codes::Ldstr, 'prompt')
    $code.Emit($codes::Ldc_I4_5) # [StringComparison]::OrdinalIgnoreCase
    $code.Emit($codes::Call, [string].GetMethod('Equals', [type[]]@([string], [string], [StringComparison])))
    $code.Emit($codes::Brfalse, $end)
    $code.Emit($codes::Ldarg_0)
    $code.Emit($codes::Ldarg_1)
    $code.Emit($codes::Ldarg_2)
    $code.Emit($codes::Callvirt, $action.GetType().GetMethod('Invoke'))
    $code.MarkLabel($end)
    $code.Emit($codes::Ret)
    return $method.CreateDelegate($action.GetType(), $action)
}

if ($null -eq $script:__clauth_on_lookup) {
    $script:__clauth_is_first = $true
    $script:__clauth_taken = @{}
    $script:__clauth_on_lookup = __clauth_for_prompts ([EventHandler[System.Management.Automation.CommandLookupEventArgs]] {
        $status = $? # the user's, which their prompt shows
        # Not where PSReadLine looks at the prompt and no line was run: what the hook says would stand behind the prompt.
        if (($args[1].CommandOrigin -eq 'Runspace') -or ($NestedPromptLevel -gt 0)) {
            __clauth_hook
            try { __clauth_attach } catch { $null = $_ }
            $script:__clauth_saw_prompt = $true # for `clauth setup`, which asks a fresh shell
        }
        if (-not $status) { __clauth_false -ErrorAction Ignore }
    })
    # Runs inside the user's line, which an exception would end.
    $script:__clauth_on_location = [EventHandler[System.Management.Automation.LocationChangedEventArgs]] {
        try { __clauth_hook; __clauth_attach } catch { $null = $_ }
    }
}
__clauth_attach
__clauth_hook # at once: what the profile starts further down has the account, too
}
