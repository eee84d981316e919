#!/bin/sh
# Stands in for the client: refuses, as the real one does, a config dir at or below a file, and else tells in one line
# what it was given.
above=${CLAUDE_CONFIG_DIR-}
while [ -n "$above" ]; do
    if [ -e "$above" ] && [ ! -d "$above" ]; then
        echo "ENOTDIR: not a directory, mkdir '$CLAUDE_CONFIG_DIR'" >&2
        exit 1
    fi
    case $above in
    */*) above=${above%/*} ;;
    *) break ;;
    esac
done
echo "claude config_dir=${CLAUDE_CONFIG_DIR-none} key=${ANTHROPIC_API_KEY-none} args=$*"
