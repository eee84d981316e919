# clauth: asks a fresh interactive zsh whether the hook runs at its prompts and at a change of directory. `setup` and `doctor` run it by `-c`: it does
# what zsh does before a prompt, twice, since the first prompt is when frameworks put their own functions in. Each line that begins with a mark is read.

__clauth_say() { \builtin print -r -- "clauth-fresh: $1" }
__clauth_lists() {
  emulate -L zsh
  local list
  for list in precmd_functions chpwd_functions; do
    [[ ${(Pt)list} != *readonly* ]] || __clauth_say "readonly $list"
    (( ${${(P)list}[(Ie)__clauth_hook]} )) || __clauth_say "unlisted $list"
  done
}
__clauth_claude() {
  emulate -L zsh
  __clauth_say "path $(whence -p claude)"
  if (( $+aliases[claude] )); then
    __clauth_say alias
    print -r -- $aliases[claude]
  elif (( $+functions[claude] )); then
    __clauth_say function
    print -r -- $functions[claude]
  fi
}
\builtin print
__clauth_say reached
\builtin whence -p clauth >/dev/null || __clauth_say unfound
[[ -z ${CLAUTH_DISABLE-} ]] || __clauth_say disabled
if (( ! ${+functions[__clauth_evaluate]} )); then
  __clauth_say missing
elif [[ ${functions[__clauth_hook]-} != *__clauth_evaluate* ]]; then
  __clauth_say redefined
fi
for __clauth_each in 1 2; do
  __clauth_lists
  __clauth_at=''
  if (( ${+functions[precmd]} )); then precmd; fi
  for __clauth_function in "${precmd_functions[@]}"; do
    if (( ${+functions[$__clauth_function]} )); then "$__clauth_function"; fi
  done
  \builtin print
  [[ $__clauth_at != "$$ "* ]] || __clauth_say "ran $__clauth_each"
done
__clauth_at=''
\builtin cd /dev
\builtin print
[[ $__clauth_at != "$$ "* ]] || __clauth_say moved
(( ! ${+functions[compdef]} )) || __clauth_say completes
__clauth_claude
__clauth_say end
