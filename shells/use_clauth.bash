# shellcheck shell=bash
# clauth: `use clauth PROFILE` for an .envrc, in ~/.config/direnv/lib/clauth.sh.

use_clauth() {
  watch_file "${CLAUTH_HOME:-$HOME/.clauth}/profiles/${1-}/profile.toml"
  # Without the profile `claude` must refuse rather than use another account: below a file there is no directory, and no key is left to serve by.
  eval "$('@CLAUTH@' env "$@" --shell bash)" || {
    export CLAUDE_CONFIG_DIR=/dev/null/run-clauth-status
    unset @OVERRIDING@
  }
  unset CLAUTH_STATE # what stood here before is direnv's to put back
}
