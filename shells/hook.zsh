# clauth: the prompt hook for zsh.
#
# A prompt where nothing changed starts no process: the program's last answer left two functions behind, __clauth_state and __clauth_here,
# which are true for as long as it holds. It runs at prompts and at every change of directory, so that `cd x && claude` is right as well.

typeset -g __clauth_program='@CLAUTH@'
typeset -g +x __clauth_program # in one step with the value it would lose to `set -a`

__clauth_hook() {
  # Where nothing changed, before the options are: to change and restore them all takes longer than to look.
  [[ "${CLAUTH_DISABLE-}/${__clauth_at-}" == "/$$ $PWD" && ! -o xtrace ]] && __clauth_state && __clauth_here && return 0
  emulate -L zsh
  unsetopt xtrace # a trace would show the keys that are set aside
  if [[ -n ${CLAUTH_DISABLE-} ]]; then
    :
  elif [[ ${__clauth_at-} == "$$ $PWD" ]]; then
    { __clauth_state && __clauth_here; } || __clauth_evaluate
  elif [[ ${__clauth_at-} == "$$ "* && ${__clauth_free-} == 1 ]] && __clauth_state && __clauth_nothing_above; then
    typeset -g +x __clauth_at="$$ $PWD"
  else
    __clauth_evaluate
  fi
  return 0 # any other status would end a shell with err_exit
}

# True when no .clauth.toml stands here or above, and no `.git` of a linked worktree, which counts as its main checkout; then __clauth_here asks for the
# files from now on. It walks by `..`: the physical parents, whatever links $PWD went through.
__clauth_nothing_above() {
  local up='' test depth line
  [[ . -ef $PWD ]] || return 1
  test='. -ef $PWD && ! -h .clauth.toml'
  for (( depth = 0; depth < 200; depth++ )); do
    [[ ! -e ${up}.clauth.toml && ! -h ${up}.clauth.toml ]] || return 1 # a link to nothing too
    if [[ -f ${up}.git && -r ${up}.git ]]; then
      line=''
      builtin read -ru 0 -k 4096 line <${up}.git
      [[ $line != */worktrees/* ]] || return 1
    fi
    test+=" && ! -e ${up}.clauth.toml"
    if [[ ${up:-.} -ef / ]]; then
      builtin eval "__clauth_here() { [[ $test ]]; }"
      return 0
    fi
    up=../$up
  done
  return 1
}

__clauth_evaluate() {
  setopt localtraps
  local answer code=0 first= pid=$$ name fixed=
  __clauth_give_back
  if [[ ! -x $__clauth_program ]]; then
    __clauth_fail "$__clauth_program is gone; install clauth again, or remove its hook from your rc file"
    return 0
  fi
  [[ ${__clauth_at-} == "$$ "* ]] || first=--first
  for name in CLAUDE_CONFIG_DIR ANTHROPIC_CONFIG_DIR CLAUTH_PROFILE CLAUTH_STATE @OVERRIDING@; do
    [[ ${(Pt)name} != *readonly* ]] || fixed+=" $name"
  done
  # `(cd x && claude)`: the subshell is a user of its own, and the shell around it stays one of what it has.
  (( ! ZSH_SUBSHELL )) || { zmodload zsh/system && pid=$sysparams[pid] first=--first }
  builtin trap '' INT # Ctrl-C ends the program, and the rest of the prompt goes on
  # That a program cannot be run is said by the shell itself, each time. Once is enough: then it is first tried with nothing to be heard.
  [[ ${__clauth_code-} != 12[67] ]] || "$__clauth_program" --version >/dev/null 2>&1 || code=$?
  if [[ $code != 12[67] ]]; then
    code=0
    answer=$("$__clauth_program" export zsh --pid $pid --said "${__clauth_said-}" --pin "${__clauth_pin-}" --fixed "$fixed" "$first") || code=$?
  fi
  typeset -g +x __clauth_code=$code
  if [[ $code == 0 && $answer == *$'\n: clauth-end' ]]; then
    builtin eval "$answer"
    typeset -g +x __clauth_at="$$ $PWD"
  else
    __clauth_fail "could not find out the account of this directory (status $code); press Enter to try again, or run \`clauth status\`"
  fi
}

# Without an answer the account is unknown. Where one is bound or loaded, claude must refuse rather than use another: no key is left to serve by either,
# until the next evaluation.
__clauth_fail() {
  local name home=${CLAUTH_HOME:-${HOME:+$HOME/.clauth}}
  [[ -n $home ]] || home='@HOME@' # without a $HOME, where it was
  case ${CLAUDE_CONFIG_DIR-} in
    ("$home"/*) ;;
    (*) ! __clauth_nothing_above || home='' ;;
  esac
  if [[ -n $home && -f $home/refused ]]; then
    for name in CLAUDE_CONFIG_DIR ANTHROPIC_CONFIG_DIR @OVERRIDING@; do
      if [[ -v $name && ${(P)name} != "$home"/* ]]; then # clauth's own come with the next answer
        # What the shell says of a variable makes it again, whatever it is.
        typeset -g +x __clauth_taken_$name="$(typeset -p $name)" __clauth_taken="${__clauth_taken-} $name"
        builtin unset $name
      fi
    done
    builtin export CLAUDE_CONFIG_DIR="$home/refused/run-clauth-status" ANTHROPIC_CONFIG_DIR="$home/refused/run-clauth-status"
    builtin unset CLAUTH_PROFILE
  fi
  [[ ${__clauth_said-} == "$1" ]] || builtin print -ru2 -- "clauth: $1"
  typeset -g +x __clauth_said=$1
  typeset -g +x __clauth_at="$$ " # not a first evaluation, and no directory: the next prompt tries again
}

# Gives back what a failure took away, but for what the user has set again since.
__clauth_give_back() {
  [[ -n ${__clauth_taken-} ]] || return 0
  local name taken kind
  [[ ${ANTHROPIC_CONFIG_DIR-} != "${CLAUDE_CONFIG_DIR-}" ]] || builtin unset ANTHROPIC_CONFIG_DIR CLAUDE_CONFIG_DIR
  for name in ${(s: :)__clauth_taken}; do
    taken=__clauth_taken_$name
    if [[ ! -v $name ]]; then
      kind=${(P)taken}
      kind=${kind/#export/typeset -x}
      builtin eval "${${kind/#typeset/builtin typeset -g}%%$name*} $name"
      builtin eval "$name=${kind#* $name=}"
    fi
    builtin unset $taken
  done
  builtin unset __clauth_taken
}

# First among the functions, so that the others see what it sets, but behind direnv and mise: a key that they set for a directory is to be set
# aside at the same prompt.
() {
  emulate -L zsh
  local list
  local -i at
  for list in precmd_functions chpwd_functions; do
    [[ -v $list ]] || typeset -ga $list
    (( ${${(P)list}[(I)__clauth_hook]} )) && continue
    if [[ ${(Pt)list} == *readonly* ]]; then # to try would end the startup file here
      print -ru2 -- "clauth: $list is read-only, so no directory chooses an account in this shell; run \`clauth doctor\`"
      continue
    fi
    at=${${(P)list}[(I)_(direnv|mise)_hook*]}
    set -A $list "${(@)${(P)list}[1,at]}" __clauth_hook "${(@)${(P)list}[at+1,-1]}"
  done
}
