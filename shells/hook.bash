# shellcheck shell=bash
# clauth: the prompt hook for bash 3.2 and newer.
#
# A prompt where nothing changed starts no process: the program's last answer left two functions behind, __clauth_state and __clauth_here,
# which are true for as long as it holds. Everything here keeps the user's $?, traps, options and PROMPT_COMMAND.

# What is kept in variables is this shell's alone, even where `set -a` exports every assignment.
# In two steps, since under `set -k` it would be no word of a command.
__clauth_program='@CLAUTH@'
\builtin export -n __clauth_program

__clauth_hook() {
  \builtin set -- "$?"
  # Where nothing changed; bash copies a function at each call, so what follows otherwise stands in one of its own.
  if [[ $- == *[xT]* || ${CLAUTH_DISABLE-}/${__clauth_at-} != "/$$ ${PWD-}" ]] || ! __clauth_state || ! __clauth_here; then
    __clauth_look
  fi
  # A status that is not 0 is for what comes behind in the same string; elsewhere bash itself keeps it, and an ERR trap would see it a second time.
  [[ $1 == 0 || $- == *e* || ${PROMPT_COMMAND-} == __clauth_hook ]] && return 0
  ((${#PROMPT_COMMAND[@]} > 1 && BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) && return 0
  return "$1"
}

__clauth_look() {
  case $- in
    *k*) # what is assigned here would be taken for the environment of a command
      \builtin set +k
      __clauth_look
      \builtin set -k
      return 0
      ;;
    *T*) # the user's traps would see each command here
      \builtin set +T
      __clauth_look
      \builtin set -T
      return 0
      ;;
  esac
  \builtin local traced=''
  [[ $- != *x* ]] || { traced=1 && \builtin set +x; } 2>/dev/null # a trace would show the keys that are set aside
  if [[ -n ${CLAUTH_DISABLE-} ]]; then
    :
  elif [[ ${__clauth_at-} == "$$ ${PWD-}" ]]; then
    { __clauth_state && __clauth_here; } || __clauth_evaluate
  elif [[ ${__clauth_at-} == "$$ "* && ${__clauth_free-} == 1 ]] && __clauth_state && __clauth_nothing_above; then
    \builtin export -n __clauth_at="$$ ${PWD-}"
  else
    __clauth_evaluate
  fi
  [[ -z $traced ]] || \builtin set -x
}

# True when no .clauth.toml stands here or above, and no `.git` of a linked worktree, which counts as its main checkout; then __clauth_here asks for the
# files from now on. It walks by `..`: the physical parents, whatever links $PWD went through.
__clauth_nothing_above() {
  \builtin local up='' test depth=0 IFS='' line
  [[ . -ef ${PWD-} ]] || return 1
  # shellcheck disable=SC2016 # expanded where the function runs
  test='. -ef $PWD && ! -h .clauth.toml'
  while ((depth++ < 200)); do
    [[ ! -e ${up}.clauth.toml && ! -h ${up}.clauth.toml ]] || return 1 # a link to nothing too
    if [[ -f ${up}.git && -r ${up}.git ]]; then
      \builtin read -rn 4096 line <"${up}.git" || :
      [[ $line != */worktrees/* ]] || return 1
    fi
    test="$test && ! -e ${up}.clauth.toml"
    if [[ ${up:-.} -ef / ]]; then
      \builtin eval "__clauth_here() { [[ $test ]]; }"
      return 0
    fi
    up=../$up
  done
  return 1
}

__clauth_evaluate() {
  \builtin local trap answer='' code=0 pid="$$" first='' fixed name names=''
  __clauth_give_back
  if [[ ! -x $__clauth_program ]]; then
    __clauth_fail "$__clauth_program is gone; install clauth again, or remove its hook from your rc file"
    return 0
  fi
  [[ ${__clauth_at-} == "$$ "* ]] || first=--first
  fixed=$'\n'$(\builtin readonly -p)
  for name in CLAUDE_CONFIG_DIR ANTHROPIC_CONFIG_DIR CLAUTH_PROFILE CLAUTH_STATE @OVERRIDING@; do
    case $fixed in *$'\ndeclare -'[a-zA-Z]*" $name="* | *$'\nreadonly '*"$name="*) names="$names $name" ;; esac
  done
  [[ ! -r /proc/$$/winpid ]] || \builtin read -r pid </proc/$$/winpid # to Windows the shells of Git Bash have other numbers
  # Ctrl-C ends the program; without a trap it would end the whole prompt command.
  trap=$(\builtin trap -p INT)
  \builtin trap : INT
  # That a program cannot be run is said by the shell itself, each time. Once is enough: then it is first tried with nothing to be heard.
  [[ ${__clauth_code-} != 12[67] ]] || "$__clauth_program" --version >/dev/null 2>&1 || code=$?
  if [[ $code != 12[67] ]]; then
    code=0
    answer=$("$__clauth_program" export bash --pid "$pid" --said "${__clauth_said-}" --pin "${__clauth_pin-}" --fixed "$names" "$first") || code=$?
  fi
  \builtin export -n __clauth_code="$code"
  \builtin eval "\\builtin ${trap:-trap - INT}"
  if [[ $code == 0 && $answer == *$'\n: clauth-end' ]]; then
    \builtin eval "$answer" || :
    \builtin export -n __clauth_at="$$ ${PWD-}"
  else
    __clauth_fail "could not find out the account of this directory (status $code); press Enter to try again, or run \`clauth status\`"
  fi
}

# Without an answer the account is unknown. Where one is bound or loaded, claude must refuse rather than use another: no key is left to serve by either,
# until the next evaluation.
__clauth_fail() {
  \builtin local name home="${CLAUTH_HOME:-${HOME:+$HOME/.clauth}}"
  [[ -n $home ]] || home='@HOME@' # without a $HOME, where it was
  case ${CLAUDE_CONFIG_DIR-} in
    "$home"/*) ;;
    # Git Bash spells the same directory in another way; what is the user's own stands back where a directory is bound.
    *) [[ ${CLAUDE_CONFIG_DIR%/profiles/*} -ef $home || ${CLAUDE_CONFIG_DIR%/refused/*} -ef $home ]] || ! __clauth_nothing_above || home='' ;;
  esac
  if [[ -n $home && -f $home/refused ]]; then
    for name in CLAUDE_CONFIG_DIR ANTHROPIC_CONFIG_DIR @OVERRIDING@; do
      if \builtin declare -p "$name" >/dev/null 2>&1 && [[ ${!name-} != "$home"/* ]]; then # clauth's own come with the next answer
        # What the shell says of a variable makes it again, whatever it is.
        \builtin export -n "__clauth_taken_$name=$(\builtin declare -p "$name")" __clauth_taken="${__clauth_taken-} $name"
        \builtin unset "$name"
      fi
    done
    \builtin export CLAUDE_CONFIG_DIR="$home/refused/run-clauth-status" ANTHROPIC_CONFIG_DIR="$home/refused/run-clauth-status"
    \builtin unset CLAUTH_PROFILE
  fi
  [[ ${__clauth_said-} == "$1" ]] || \builtin printf 'clauth: %s\n' "$1" >&2
  \builtin export -n __clauth_said="$1"
  \builtin export -n __clauth_at="$$ " # not a first evaluation, and no directory: the next prompt tries again
}

# Gives back what a failure took away, but for what the user has set again since.
__clauth_give_back() {
  [[ -n ${__clauth_taken-} ]] || return 0
  \builtin local name taken kind IFS=' '
  [[ ${ANTHROPIC_CONFIG_DIR-} != "${CLAUDE_CONFIG_DIR-}" ]] || \builtin unset ANTHROPIC_CONFIG_DIR CLAUDE_CONFIG_DIR
  for name in $__clauth_taken; do
    taken=__clauth_taken_$name
    if [[ -z ${!name+x} ]]; then
      kind=${!taken/#declare/declare -g}
      if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
        \builtin eval "\\builtin ${kind%% "$name"*} $name"
      elif [[ ${kind%% "$name"*} == *x* ]]; then
        \builtin export "${name?}"
      fi
      [[ $kind != *" $name="* ]] || \builtin eval "$name=${kind#* "$name"=}"
    fi
    \builtin unset "$taken"
  done
  \builtin unset __clauth_taken
}

# First in the prompt's commands, so that the others see what it sets, but behind direnv and mise: a key that they set for a directory is to be
# set aside at the same prompt.
__clauth_install() {
  \builtin local command at=0 index=0 kind
  for command in ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"}; do
    index=$((index + 1))
    case $command in
      *__clauth_hook*) return 0 ;;
      *_direnv_hook* | *_mise_hook*) at=$index ;;
    esac
  done
  kind=$(\builtin declare -p PROMPT_COMMAND 2>/dev/null || \builtin :)
  kind=${kind%%[= ]PROMPT_COMMAND*}
  kind=${kind#declare -}
  if [[ $kind == *r* ]]; then # to try would end the startup file here
    \builtin printf 'clauth: %s\n' "PROMPT_COMMAND is read-only, so no directory chooses an account in this shell; run \`clauth doctor\`" >&2
    return 0
  fi
  # What is a string stays one: others look at it as such, and some make it what they need. `&&` keeps what the hook returns from an ERR trap.
  command='__clauth_hook && :'
  case $kind in
    *a*)
      if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
        PROMPT_COMMAND=("${PROMPT_COMMAND[@]:0:at}" __clauth_hook "${PROMPT_COMMAND[@]:at}")
        return 0
      fi
      ;;
    # An exported one reaches shells that have no such function.
    *x*) command='if declare -F __clauth_hook >/dev/null; then __clauth_hook && :; fi' ;;
  esac
  # Below 5.1 only the first element of an array is run, so it stays what it is.
  # shellcheck disable=SC2178,SC2128
  if ((at == 1)); then
    while [[ $PROMPT_COMMAND == *[$' \t\n;'] ]]; do PROMPT_COMMAND=${PROMPT_COMMAND%?}; done # `;;` would be a syntax error
    PROMPT_COMMAND="$PROMPT_COMMAND;$command"
  elif [[ -n ${PROMPT_COMMAND-} || $command == if* ]]; then
    PROMPT_COMMAND="$command${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
  else
    PROMPT_COMMAND=__clauth_hook
  fi
}
if [[ $- == *k* ]]; then
  \builtin set +k
  __clauth_install
  \builtin set -k
else
  __clauth_install
fi
