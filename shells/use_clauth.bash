# shellcheck shell=bash
# clauth: `use clauth PROFILE` for an .envrc, in ~/.config/direnv/lib/clauth.sh.

use_clauth() {
  local answer
  watch_file "${CLAUTH_HOME:-$HOME/.clauth}/profiles/${1-}/profile.toml"
  # Without the whole answer `claude` must refuse rather than use another account: below a file there is no directory, and no key is left to serve by.
  if ! { answer=$('@CLAUTH@' env "$@" --shell bash) && [[ -n $answer ]] && eval "$answer"; }; then
    export CLAUDE_CONFIG_DIR=/dev/null/run-clauth-status ANTHROPIC_CONFIG_DIR=/dev/null/run-clauth-status
    unset @OVERRIDING@
  fi
  unset CLAUTH_STATE # what stood here before is direnv's to put back
}
