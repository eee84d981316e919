# shellcheck shell=bash
# clauth: asks a fresh interactive bash whether the hook runs at its prompts. `setup` and `doctor` run it by `-c`: it does what bash does before a
# prompt, twice, since the first prompt is when frameworks put their own commands in. Each line that begins with a mark is read.

\builtin printf '\nclauth-fresh: %s\n' reached
\builtin type -P clauth >/dev/null || \builtin printf 'clauth-fresh: %s\n' unfound
[[ -z ${CLAUTH_DISABLE-} ]] || \builtin printf 'clauth-fresh: %s\n' disabled
if ! \builtin declare -F __clauth_look >/dev/null; then
  \builtin printf 'clauth-fresh: %s\n' missing
elif [[ $(\builtin declare -f __clauth_hook) != *__clauth_look* ]]; then
  \builtin printf 'clauth-fresh: %s\n' redefined
fi
for __clauth_each in 1 2; do
  [[ $'\n'$(\builtin readonly -p) != *$'\ndeclare -'[a-zA-Z]*' PROMPT_COMMAND'* ]] || \builtin printf 'clauth-fresh: %s\n' 'readonly PROMPT_COMMAND'
  case "${PROMPT_COMMAND[*]-}" in *__clauth_hook*) ;; *) \builtin printf 'clauth-fresh: %s\n' 'unlisted PROMPT_COMMAND' ;; esac
  __clauth_at=''
  if [[ $(\builtin declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    for __clauth_command in "${PROMPT_COMMAND[@]}"; do \builtin eval "$__clauth_command"; done
  else
    \builtin eval "${PROMPT_COMMAND-}"
  fi
  case ${__clauth_at-} in "$$ "*) \builtin printf '\nclauth-fresh: ran %s\n' "$__clauth_each" ;; esac
done
\builtin printf 'clauth-fresh: %s\n' moved # it asks at prompts alone
if \builtin typeset -F _comp_load || \builtin typeset -F __load_completion || \builtin complete -p clauth; then
  \builtin printf 'clauth-fresh: %s\n' completes
fi 2>/dev/null
\builtin printf 'clauth-fresh: path %s\n' "$(\builtin type -P claude)"
case $(\builtin type -t claude) in
  alias) \builtin printf 'clauth-fresh: alias\n%s\n' "${BASH_ALIASES[claude]-}" ;;
  function) \builtin printf 'clauth-fresh: function\n%s\n' "$(\builtin declare -f claude)" ;;
esac
\builtin printf 'clauth-fresh: %s\n' end
