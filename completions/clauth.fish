# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_clauth_global_optspecs
    string join \n h/help V/version
end

function __fish_clauth_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_clauth_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_clauth_using_subcommand
    set -l cmd (__fish_clauth_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c clauth -n "__fish_clauth_needs_command" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_needs_command" -s V -l version -d 'Print version'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "setup" -d 'Put the prompt hook and completions into your shell\'s startup file, and the wrapper into your editors'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "hook" -d 'Print the prompt hook of a shell'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "use" -d 'Bind a directory to a profile: write its .clauth.toml and allow it'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "unuse" -d 'Unbind a directory: remove its .clauth.toml'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "allow" -d 'Let the .clauth.toml that applies here choose its profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "deny" -d 'Ignore the .clauth.toml that applies here from now on'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "env" -d 'Print exports for `eval "$(clauth env PROFILE)"`, which pin this shell to the profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "start" -d 'Run `claude` under a profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "shell" -d 'Start a shell that stays with one profile in every directory; `exit` leaves it'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "switch" -d 'Start a shell that stays with one profile in every directory; `exit` leaves it'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "exec" -d 'Run a command under a profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "add" -d 'Make a profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "new" -d 'Make a profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "login" -d 'Sign in to a profile: runs `claude auth login`'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "capture" -d 'Move the login of ~/.claude into a profile; plain `claude` is signed out then'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "import" -d 'Turn a config directory of your own into a profile: its login moves there, its history and settings to ~/.claude'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "list" -d 'List the profiles'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "ls" -d 'List the profiles'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "remove" -d 'Remove a profile; its history goes to ~/.claude, its own files to ~/.clauth/rescued'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "rm" -d 'Remove a profile; its history goes to ~/.claude, its own files to ~/.clauth/rescued'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "removals" -d 'Show or decide about removals that are held, and empty the trash of removed files'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "status" -d 'Show which profile applies here, and why'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "whoami" -d 'Show which profile applies here, and why'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "which" -d 'Show which profile applies here, and why'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "refresh" -d 'Refresh a login that ends soon, while Claude Code runs or not'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "doctor" -d 'Look for what is wrong, and say what to do about it'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "usage" -d 'Show how much of the 5-hour and 7-day limits is used'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "statusline" -d 'Print a status line for Claude Code: the profile and its limits'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "stop" -d 'Let helpers finish now; the next prompt of each shell starts a new one'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "shim" -d 'Install or remove `claude` and `claude-wrapper` in ~/.clauth/bin, which decide by the directory where no hook runs'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c clauth -n "__fish_clauth_using_subcommand setup" -l shell -d 'bash, zsh, fish or pwsh; all that you use when absent' -r -f -a "bash\t'GNU Bash, 3.2 and newer'
zsh\t'Z shell'
fish\t'fish, 3.6 and newer'
pwsh\t'PowerShell 7.4 and newer'"
complete -c clauth -n "__fish_clauth_using_subcommand setup" -l editors -d 'Only tell editors to start Claude Code with the account of the folder: VS Code and its kin, and Zed'
complete -c clauth -n "__fish_clauth_using_subcommand setup" -l no-shim -d 'Leave PATH alone: editors, scripts and `cd x && claude` use the account that they use without clauth'
complete -c clauth -n "__fish_clauth_using_subcommand setup" -l shim -d 'As by default: earlier versions asked for the shim by this'
complete -c clauth -n "__fish_clauth_using_subcommand setup" -l uninstall -d 'Take everything out again; profiles stay'
complete -c clauth -n "__fish_clauth_using_subcommand setup" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand hook" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand use" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand use" -l remote -d 'Write a rule for the remote of this repository, or for HOST/PATH, into config.toml instead: it counts in every clone, wherever it is' -r -f
complete -c clauth -n "__fish_clauth_using_subcommand use" -l global -d 'Use the profile in every directory that nothing else decides for'
complete -c clauth -n "__fish_clauth_using_subcommand use" -l unset -d 'End that: with --global alone'
complete -c clauth -n "__fish_clauth_using_subcommand use" -s y -l yes -d 'Do not ask, where HOME or the root would be bound'
complete -c clauth -n "__fish_clauth_using_subcommand use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand unuse" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand unuse" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand allow" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand allow" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand deny" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand deny" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand env" -l shell -d 'bash, zsh, fish, pwsh or sh; the calling shell when absent' -r -f -a "bash\t'GNU Bash, 3.2 and newer'
zsh\t'Z shell'
fish\t'fish, 3.6 and newer'
pwsh\t'PowerShell 7.4 and newer'"
complete -c clauth -n "__fish_clauth_using_subcommand env" -l unset -d 'Print the way back: the pin ends, and the directory chooses again'
complete -c clauth -n "__fish_clauth_using_subcommand env" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand start" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shell" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand switch" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand exec" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand add" -l base-url -d 'Where requests go instead of Anthropic; needs a key of that endpoint' -r
complete -c clauth -n "__fish_clauth_using_subcommand add" -l api-key-stdin -d 'Read an API key from the standard input; on a terminal, ask for it'
complete -c clauth -n "__fish_clauth_using_subcommand add" -l token-stdin -d 'Read a long-lived token of `claude setup-token` from the standard input; on a terminal, ask for it'
complete -c clauth -n "__fish_clauth_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand new" -l base-url -d 'Where requests go instead of Anthropic; needs a key of that endpoint' -r
complete -c clauth -n "__fish_clauth_using_subcommand new" -l api-key-stdin -d 'Read an API key from the standard input; on a terminal, ask for it'
complete -c clauth -n "__fish_clauth_using_subcommand new" -l token-stdin -d 'Read a long-lived token of `claude setup-token` from the standard input; on a terminal, ask for it'
complete -c clauth -n "__fish_clauth_using_subcommand new" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand login" -l dir -d 'Bind this directory to the profile afterwards; a profile that does not exist is made' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand login" -s y -l yes -d 'Do not ask before another login of the profile is replaced; that one is kept in any case'
complete -c clauth -n "__fish_clauth_using_subcommand login" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand capture" -l back -d 'The other way round: move the profile\'s login to ~/.claude, where nobody may be signed in'
complete -c clauth -n "__fish_clauth_using_subcommand capture" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand import" -l dry-run -d 'List what would move and change nothing'
complete -c clauth -n "__fish_clauth_using_subcommand import" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand import" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand list" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand list" -l names -d 'Print the names alone, one a line'
complete -c clauth -n "__fish_clauth_using_subcommand list" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand ls" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand ls" -l names -d 'Print the names alone, one a line'
complete -c clauth -n "__fish_clauth_using_subcommand ls" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand remove" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand remove" -l delete-login -d 'Delete the login too, instead of keeping it in ~/.clauth/rescued'
complete -c clauth -n "__fish_clauth_using_subcommand remove" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand rm" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand rm" -l delete-login -d 'Delete the login too, instead of keeping it in ~/.clauth/rescued'
complete -c clauth -n "__fish_clauth_using_subcommand rm" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and not __fish_seen_subcommand_from accept restore empty" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and not __fish_seen_subcommand_from accept restore empty" -f -a "accept" -d 'Remove the other copies too; they go to ~/.clauth/rescued/removed'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and not __fish_seen_subcommand_from accept restore empty" -f -a "restore" -d 'Put back what vanished'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and not __fish_seen_subcommand_from accept restore empty" -f -a "empty" -d 'Delete the removed files that are kept in ~/.clauth/rescued/removed'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and __fish_seen_subcommand_from accept" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and __fish_seen_subcommand_from empty" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand removals; and __fish_seen_subcommand_from empty" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand status" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand status" -l format -d 'Print one line for a prompt, such as \'{profile} {5h}\'; empty where nothing is bound' -r
complete -c clauth -n "__fish_clauth_using_subcommand status" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand whoami" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand whoami" -l format -d 'Print one line for a prompt, such as \'{profile} {5h}\'; empty where nothing is bound' -r
complete -c clauth -n "__fish_clauth_using_subcommand whoami" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand whoami" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand which" -l dir -d 'The same' -r -f -a "(__fish_complete_directories)"
complete -c clauth -n "__fish_clauth_using_subcommand which" -l format -d 'Print one line for a prompt, such as \'{profile} {5h}\'; empty where nothing is bound' -r
complete -c clauth -n "__fish_clauth_using_subcommand which" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand which" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand refresh" -l all -d 'Every profile that has a login'
complete -c clauth -n "__fish_clauth_using_subcommand refresh" -l force -d 'Refresh though it does not end soon'
complete -c clauth -n "__fish_clauth_using_subcommand refresh" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand doctor" -l fix -d 'Mend what is safe to mend'
complete -c clauth -n "__fish_clauth_using_subcommand doctor" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand usage" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand usage" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand statusline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand stop" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and not __fish_seen_subcommand_from install remove" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and not __fish_seen_subcommand_from install remove" -f -a "install" -d 'Put the shim and the wrapper for editors into ~/.clauth/bin'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and not __fish_seen_subcommand_from install remove" -f -a "remove" -d 'Take them away'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand hook; and test (count (commandline -opc)) = 2" -f -a "bash zsh fish pwsh direnv"
complete -c clauth -n "__fish_clauth_using_subcommand use; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand env; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand start; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand shell; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand exec; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand exec; and contains -- -- (commandline -opc)" -f -a "(__fish_complete_subcommand --fcs-skip=4)"
complete -c clauth -n "__fish_clauth_using_subcommand login; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand remove; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand refresh; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand usage; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand stop; and test (count (commandline -opc)) = 2" -f -a "(clauth list --names)" -d Profile
complete -c clauth -n "__fish_clauth_using_subcommand completions; and test (count (commandline -opc)) = 2" -f -a "bash zsh fish pwsh"
