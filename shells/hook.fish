# clauth: the prompt hook for fish 3.6 and newer.
#
# A prompt where nothing changed starts no process: the program's last answer left a function behind, __clauth_same, which is true for as
# long as it holds. It runs at prompts and at every change of directory, so that `cd x; and claude` is right as well.

set -g __clauth_program '@CLAUTH@'

# Where a binding could stand, here and 127 levels up: lists are cheap, and loops are not.
begin
    set -l ups ''
    set -l step ../
    for doubled in 1 2 3 4 5 6 7
        set ups $ups $step$ups
        set step $step$step
    end
    set -g __clauth_above $ups.clauth.toml
end

# The handler is made at the first prompt, which puts it behind direnv's and mise's, wherever their lines stand: a key that those set for a
# directory is to be set aside at the same prompt.
function __clauth_begin --on-event fish_prompt
    functions --erase __clauth_begin
    function __clauth_hook --on-event fish_prompt --on-variable PWD
        test -n "$CLAUTH_DISABLE"; and return
        test "$__clauth_at" = "$fish_pid $PWD"; and __clauth_same; and return
        __clauth_move; and return
        __clauth_evaluate
    end
    __clauth_hook
end

# True when the shell went from one directory without any binding above to another such one; __clauth_same then asks about the new one. The names
# mean the physical parents, whatever links $PWD went through.
function __clauth_move
    test "$__clauth_free" = 1 -a "$__clauth_at" != "$fish_pid $PWD"; and string match -q -- "$fish_pid /*" "$__clauth_at"; or return
    set -l slashes (pwd -P | string collect | string replace -ar '[^/]' '' | string collect)
    set -l levels (string length -- $slashes/)
    test $levels -le (count $__clauth_above); or return
    set -g __clauth_absent $__clauth_above[1..$levels]
    # A file of that name may be a linked worktree's, which counts as its main checkout.
    path is -f -- (string replace -r '\.clauth\.toml$' .git -- $__clauth_absent); and return 1
    # A link to nothing is seen by -h alone.
    if not test -h (string split ' ' -- (string join ' -o -h ' -- $__clauth_absent)); and __clauth_same
        set -g __clauth_at "$fish_pid $PWD"
        return 0
    end
    return 1
end

# Called by fish when a variable changes that can change the account: the next prompt asks again, and no other has to look.
function __clauth_noticed --on-variable HOME --on-variable CLAUTH_HOME --on-variable ANTHROPIC_CONFIG_DIR @ON_OVERRIDING@
    set -q __clauth_at; and set -g __clauth_at "$fish_pid "
end

function __clauth_evaluate
    # What a function of the user's has exported for itself is there for as long as it runs, out of reach; a copy of it is here, and nothing to go by.
    for name in CLAUDE_CONFIG_DIR ANTHROPIC_CONFIG_DIR CLAUTH_PROFILE CLAUTH_STATE @OVERRIDING@
        set -qf $name; and set -ef $name
    end
    __clauth_give_back
    if not test -x $__clauth_program
        __clauth_fail "$__clauth_program is gone; install clauth again, or remove its hook from config.fish"
        return
    end
    set -l first --first
    string match -q -- "$fish_pid *" "$__clauth_at"; and not status is-command-substitution; and set first ''
    set -l answer ($__clauth_program export fish --pid $fish_pid --said "$__clauth_said" --pin "$__clauth_pin" "$first" | string collect)
    set -l code $pipestatus[1]
    if test $code -eq 0; and string match -q -- '*: clauth-end' "$answer"
        eval $answer
        set -g __clauth_at "$fish_pid $PWD"
    else
        __clauth_fail "could not find out the account of this directory (status $code); press Enter to try again, or run `clauth status`"
    end
end

# Without an answer the account is unknown. Where one is bound or loaded, claude must refuse rather than use another: no key is left to serve by either,
# until the next evaluation.
function __clauth_fail --argument-names message
    set -l home '@HOME@' # without a $HOME, where it was
    test -n "$HOME"; and set home "$HOME/.clauth"
    test -n "$CLAUTH_HOME"; and set home $CLAUTH_HOME
    set -l refuse no
    if test -n "$CLAUDE_CONFIG_DIR"; and test (string sub --length (string length -- "$home/") -- $CLAUDE_CONFIG_DIR) = "$home/"
        set refuse yes
    else
        __clauth_nothing_above; or set refuse yes
    end
    if test $refuse = yes; and test -f "$home/refused"
        for name in CLAUDE_CONFIG_DIR ANTHROPIC_CONFIG_DIR @OVERRIDING@
            # What is covered is so already; clauth's own come with the next answer.
            if set -q $name; and begin; test -n "$$name"; or not set -q __clauth_covered_$name; end; and not string match -q -- "$home/*" "$$name"
                set -ga __clauth_taken $name
                set -g __clauth_taken_$name
                set -qg $name; and set -g __clauth_taken_$name (set -qgx $name; and echo -- -gx; or echo -- -gu) $$name; and set -eg $name
                set -qU $name; and set -gx $name ''; and set -g __clauth_covered_$name # a universal variable belongs to every session
            end
        end
        set -gx CLAUDE_CONFIG_DIR "$home/refused/run-clauth-status"
        set -gx ANTHROPIC_CONFIG_DIR $CLAUDE_CONFIG_DIR
        set -e CLAUTH_PROFILE
    end
    test "$__clauth_said" = "$message"; or echo "clauth: $message" >&2
    set -g __clauth_said $message
    set -g __clauth_at "$fish_pid " # not a first evaluation, and no directory: the next prompt tries again
end

# Gives back what a failure took away, but for what the user has set again since.
function __clauth_give_back
    test -n "$__clauth_taken"; or return
    test "$ANTHROPIC_CONFIG_DIR" = "$CLAUDE_CONFIG_DIR"; and set -eg ANTHROPIC_CONFIG_DIR CLAUDE_CONFIG_DIR
    for name in $__clauth_taken
        set -l taken __clauth_taken_$name
        set -q __clauth_covered_$name; and set -qgx $name; and test -z "$$name"; and set -eg $name
        set -e __clauth_covered_$name 2>/dev/null
        set -l own $$taken
        set -q own[1]; and not set -qg $name; and set $own[1] $name $own[2..]
        set -eg $taken
    end
    set -eg __clauth_taken
end

# True when no .clauth.toml stands here or above, and no `.git` of a linked worktree. It walks by `..`: the physical parents, whatever links $PWD went through.
function __clauth_nothing_above
    set -l up ''
    for depth in (string repeat -n 200 'x ' | string split -n ' ')
        test -e $up.clauth.toml -o -h $up.clauth.toml; and return 1 # a link to nothing too
        set -l line ''
        test -f $up.git -a -r $up.git; and read -ln 4096 line <$up.git
        string match -q -- '*/worktrees/*' "$line"; and return 1
        test -n "$up"; and test $up -ef /; and return 0
        set up ../$up
    end
    return 1
end
