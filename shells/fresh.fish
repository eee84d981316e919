# clauth: asks a fresh interactive fish whether the hook runs at its prompts and at a change of directory. `setup` and `doctor` run it by `-c`. Each
# line that begins with a mark is read.

builtin printf '\nclauth-fresh: %s\n' reached
command -sq clauth; or builtin printf 'clauth-fresh: %s\n' unfound
test -n "$CLAUTH_DISABLE"; and builtin printf 'clauth-fresh: %s\n' disabled
if not functions -q __clauth_evaluate
    builtin printf 'clauth-fresh: %s\n' missing
else if not functions -q __clauth_begin; and not functions -q __clauth_hook
    builtin printf 'clauth-fresh: %s\n' redefined
end
for __clauth_each in 1 2
    set -g __clauth_at ''
    emit fish_prompt
    string match -q -- "$fish_pid *" "$__clauth_at"; and builtin printf '\nclauth-fresh: ran %s\n' $__clauth_each
end
set -g __clauth_at ''
builtin cd /dev
string match -q -- "$fish_pid *" "$__clauth_at"; and builtin printf '\nclauth-fresh: %s\n' moved completes
builtin printf 'clauth-fresh: path %s\n' (command -s claude; or echo)
if functions -q claude
    builtin printf 'clauth-fresh: %s\n' function
    functions claude
end
builtin printf 'clauth-fresh: %s\n' end
