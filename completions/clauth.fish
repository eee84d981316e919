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
complete -c clauth -n "__fish_clauth_needs_command" -f -a "hook" -d 'Print the prompt hook of a shell'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "use" -d 'Bind a directory to a profile: write its .clauth.toml and allow it'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "allow" -d 'Let the .clauth.toml that applies here choose its profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "deny" -d 'Ignore the .clauth.toml that applies here from now on'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "env" -d 'Print exports for `eval "$(clauth env PROFILE)"`, which pin this shell to the profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "start" -d 'Run `claude` under a profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "exec" -d 'Run a command under a profile'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "add" -d 'Make a profile; Claude Code asks to sign in on its first use'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "list" -d 'List the profiles'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "remove" -d 'Remove a profile; its history goes to ~/.claude, its own files to ~/.clauth/rescued'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "status" -d 'Show which profile applies here, and why'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "doctor" -d 'Look for what is wrong, and say what to do about it'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "stop" -d 'Let helpers finish now; the next prompt of each shell starts a new one'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "shim" -d 'Install or remove `claude` in ~/.clauth/bin, which decides by the directory where no hook runs'
complete -c clauth -n "__fish_clauth_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c clauth -n "__fish_clauth_using_subcommand hook" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand use" -l dir -d 'The directory; the current one when absent' -r -F
complete -c clauth -n "__fish_clauth_using_subcommand use" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand allow" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand deny" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand env" -l shell -d 'bash, zsh, fish, pwsh or sh; the calling shell when absent' -r -f -a "bash\t'GNU Bash, 3.2 and newer'
zsh\t'Z shell'
fish\t'fish, 3.6 and newer'
pwsh\t'PowerShell 7'"
complete -c clauth -n "__fish_clauth_using_subcommand env" -l unset -d 'Print the way back: the pin ends, and the directory chooses again'
complete -c clauth -n "__fish_clauth_using_subcommand env" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c clauth -n "__fish_clauth_using_subcommand start" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand exec" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand add" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand list" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand list" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand remove" -s y -l yes -d 'Do not ask'
complete -c clauth -n "__fish_clauth_using_subcommand remove" -l delete-login -d 'Delete the login too, instead of keeping it in ~/.clauth/rescued'
complete -c clauth -n "__fish_clauth_using_subcommand remove" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand status" -l dir -d 'The directory; the current one when absent' -r -F
complete -c clauth -n "__fish_clauth_using_subcommand status" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand status" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand doctor" -l fix -d 'Mend what is safe to mend'
complete -c clauth -n "__fish_clauth_using_subcommand doctor" -l json -d 'Print JSON'
complete -c clauth -n "__fish_clauth_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand stop" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and not __fish_seen_subcommand_from install remove" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and not __fish_seen_subcommand_from install remove" -f -a "install" -d 'Put the shim into ~/.clauth/bin'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and not __fish_seen_subcommand_from install remove" -f -a "remove" -d 'Take it away'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand shim; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c clauth -n "__fish_clauth_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
