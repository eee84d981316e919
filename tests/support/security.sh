#!/bin/bash
# Stands in for macOS's `security`, with its limits: items are files in ~/.keychain, and the word in ~/.keychain/behaviour says what is wrong with it
# (locked, denied, missing, hangs, cuts, forgets, deaf), or at which call its caller is killed: `before N`, and `orphan N`, which goes on and does its
# work a moment later. Every argument that it was ever given is kept in ~/.keychain/arguments.

export LC_ALL=C
keychain=$HOME/.keychain
mkdir -p "$keychain/items"
printf '%s\n' "$@" >>"$keychain/arguments"
behaviour=
number=
[[ ! -f $keychain/behaviour ]] || read -r behaviour number <"$keychain/behaviour"
calls=$(cat "$keychain/calls" 2>/dev/null)
calls=$((calls + 1))
echo "$calls" >"$keychain/calls"
[[ $number == "$calls" ]] || number=

fail() {
    echo "security: $2" >&2
    exit "$1"
}

case $behaviour in
locked) fail 36 "SecKeychainSearchCopyNext: User interaction is not allowed." ;;
denied) fail 51 "SecKeychainItemCopyContent: The user name or passphrase you entered is not correct." ;;
missing) fail 50 "SecKeychainSearchCopyNext: The specified keychain could not be found." ;;
hangs) exec sleep 600 ;;
esac

case $behaviour${number:+ now} in
"before now") kill -9 "$PPID" && exit ;;
"orphan now") kill -9 "$PPID" && sleep 0.3 ;;
esac

account='' service='' hex=''

# Takes the options of one command apart.
options() {
    account='' service='' hex=''
    while [[ $# -gt 0 ]]; do
        case $1 in
        -a) account=$2 && shift ;;
        -s) service=$2 && shift ;;
        -X) hex=$2 && shift ;;
        esac
        shift
    done
    item="$keychain/items/$account@$service"
}

add() {
    options "$@"
    [[ $behaviour != forgets ]] || return 0
    # shellcheck disable=SC2001 # bash before 5.2 has no other way
    printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" >"$item.new" && mv "$item.new" "$item"
}

find() {
    options "$@"
    [[ -f $item ]] || fail 44 "SecKeychainSearchCopyNext: The specified item could not be found in the keychain."
    if grep -q '[^ -~]' "$item" || [[ $(wc -l <"$item") -gt 0 ]]; then
        od -An -v -tx1 "$item" | tr -d ' \n'
    else
        cat "$item"
    fi
    echo
}

delete() {
    options "$@"
    [[ -f $item ]] || fail 44 "SecKeychainSearchCopyNext: The specified item could not be found in the keychain."
    [[ $behaviour == deaf ]] || rm "$item"
}

# Splits a line into words as the real one does: double quotes group, and one that is missing is taken for granted at the end.
interpret() {
    local words=() word rest=$1
    while rest=${rest#"${rest%%[! ]*}"} && [[ -n $rest ]]; do
        if [[ $rest == \"* ]]; then
            word=${rest#\"} word=${word%%\"*} rest=${rest#\""$word"} rest=${rest#\"}
        else
            word=${rest%% *} rest=${rest#"$word"}
        fi
        words+=("$word")
    done
    case ${words[0]} in
    add-generic-password) add "${words[@]:1}" ;;
    '') ;;
    *) echo "security: unknown command" >&2 ;;
    esac
}

case $1 in
-i)
    limit=4095
    [[ $behaviour != cuts ]] || limit=300
    # The rest of a long line is the next one.
    while IFS= read -r -n "$limit" line || [[ -n $line ]]; do interpret "$line"; done
    ;;
find-generic-password) find "$@" ;;
delete-generic-password) delete "$@" ;;
*) fail 2 "unknown command" ;;
esac
exit
