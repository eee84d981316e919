//! bash, zsh and plain POSIX shells.

use std::iter;

use super::{Above, Answer, Liveness, Look, Place, Shell, epoch_test, not_kept};
use crate::claude_code::variables::{ANTHROPIC_CONFIG_DIR, CLAUDE_CONFIG_DIR};
use crate::env::change::Change;

/// Quotes by single quotes, in which nothing has a meaning but the single quote itself.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Quotes for bash and zsh without anything that the shell would split at, or take for a pattern, if the quoted text itself stood unquoted.
pub fn quote_as_one_word(value: &str) -> String {
    let escape = |character: char| match character {
        '\'' | '\\' => format!("\\{character}"),
        '\n' => "\\n".into(),
        ' ' | '\t' | '*' | '?' | '[' | ']' | '(' | ')' | '|' | '#' | '~' | '^' | '<' | '>' => format!("\\{:03o}", u32::from(character)),
        _ => character.into(),
    };
    format!("$'{}'", value.chars().map(escape).collect::<String>())
}

/// Quotes bytes for bash and zsh in printable ASCII.
pub fn quote_bytes(value: &[u8]) -> String {
    format!("$'{}'", escaped(value, "\\x"))
}

/// Spells bytes in printable ASCII: letters, digits and `/._-` stand for themselves, any other byte is `prefix` and two hexadecimal digits.
pub fn escaped(value: &[u8], prefix: &str) -> String {
    let spell = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) => char::from(*byte).to_string(),
        byte => format!("{prefix}{byte:02x}"),
    };
    value.iter().map(spell).collect()
}

pub fn change(shell: Shell, change: &Change) -> String {
    let builtin = builtin(shell);
    match change {
        Change::Export(name, value) => format!("{builtin}export {name}={};", quote(value)),
        Change::Unset(name) => format!("{builtin}unset {name};"),
        // What the shell says of a variable is what makes it again, whatever it is.
        Change::Take(name) => match shell {
            Shell::Bash => format!(
                "\\builtin export -n __clauth_own_{name}=\"$(\\builtin declare -p {name} 2>/dev/null || \\builtin :)\"; \\builtin unset {name};"
            ),
            Shell::Zsh => {
                format!(
                    "\\builtin typeset -g +x __clauth_own_{name}=\"$(\\builtin typeset -p {name} 2>/dev/null || \\builtin :)\"; \\builtin unset {name};"
                )
            }
            _ => String::new(),
        },
        Change::GiveBack(name, value) => give_back(shell, name, value.as_deref()),
        Change::SetAside(name) => {
            let aside = keep_unexported(shell, &format!("__clauth_aside_{name}"), &format!("\"${{{name}}}\""));
            let moved = format!("{aside} {builtin}unset {name};");
            if shell == Shell::Zsh {
                // What a function of the user's has for itself stays in it: the hook runs in the midst of it, and never sees its end.
                let stays = keep_unexported(shell, &local(name), "1");
                format!("if [[ ${{(t){name}}} == *local* ]]; then {stays} \\builtin typeset -g +x {name}; else {moved} fi;")
            } else {
                moved
            }
        }
        Change::Forget(name) => format!("{builtin}unset __clauth_aside_{name};"),
        Change::PutBack(name, keeper) => {
            let has = |name: &str| format!("{builtin}[ -n \"${{{name}+x}}\" ]");
            let aside = format!("__clauth_aside_{name}");
            let is_aside = has(&aside);
            let put_back = format!("{} || {builtin}export {name}=\"${{{aside}}}\"; {builtin}unset {aside};", has(name));
            let elsewhere = format!("{builtin}printf 'clauth: %s\\n' {} >&2", quote(&not_kept(name, *keeper)));
            if shell == Shell::Zsh {
                let local = local(name);
                format!(
                    "if {}; then \\builtin unset {local}; if [[ ${{(t){name}}} == *local* ]]; then \\builtin typeset -gx {name}; elif {is_aside}; then {put_back} fi; \
                     elif {is_aside}; then {put_back} else {elsewhere}; fi;",
                    has(&local)
                )
            } else {
                format!("if {is_aside}; then {put_back} else {elsewhere}; fi;")
            }
        }
    }
}

/// The mark of a variable that was local to a function when it was set aside.
fn local(name: &str) -> String {
    format!("__clauth_local_{name}")
}

/// Renders how a shell has its own directory again: first what the variable is, then its value, since behind `builtin` no word is a list. Without `-g` it
/// would be one of the function that the hook is; bash 3.2 has no such word, and loses more than value and export.
fn give_back(shell: Shell, name: &'static str, value: Option<&str>) -> String {
    let own = format!("__clauth_own_{name}");
    let otherwise = change(shell, &value.map_or(Change::Unset(name), |value| Change::Export(name, value.into())));
    let kind = match shell {
        Shell::Bash => format!(
            "if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then {own}=${{{own}/#declare/declare -g}}; \\builtin eval \"\\\\builtin ${{{own}%% {name}*}} {name}\"; \
             else case ${own} in 'declare -'*x*' {name}'*) \\builtin export {name} ;; esac; fi"
        ),
        // `export -x …` is what it says of one that is local to a function, and would not take.
        Shell::Zsh => format!(
            "{own}=${{{own}/#export/typeset -x}}; {own}=${{{own}/#typeset/typeset -g}}; \\builtin eval \"\\\\builtin ${{{own}%%{name}*}} {name}\""
        ),
        _ => return otherwise,
    };
    let value = format!("case ${own} in *' {name}='*) \\builtin eval \"{name}=${{{own}#* {name}=}}\" ;; esac");
    let is = |test: &str| format!("\\builtin [ -n \"${{{own}{test}}}\" ]");
    let (is_kept, was_set) = (is("+x"), is(""));
    format!("if {is_kept}; then \\builtin unset {name}; if {was_set}; then {kind}; {value}; fi; \\builtin unset {own}; else {otherwise} fi;")
}

/// A variable of the shell alone, even where `set -a` exports every assignment.
fn keep_unexported(shell: Shell, name: &str, value: &str) -> String {
    match shell {
        Shell::Bash => format!("\\builtin export -n {name}={value};"),
        Shell::Zsh => format!("\\builtin typeset -g {name}={value}; \\builtin typeset -g +x {name};"),
        _ => format!("{name}={value};"),
    }
}

/// Users shadow builtins by functions and aliases; a plain POSIX shell has no way around that.
fn builtin(shell: Shell) -> &'static str {
    if shell == Shell::Sh { "" } else { "\\builtin " }
}

pub fn pin(shell: Shell, profile: Option<&str>) -> String {
    match profile {
        Some(name) => keep_unexported(shell, "__clauth_pin", &quote(name)) + "\n",
        None => format!("{}unset __clauth_pin;\n", builtin(shell)),
    }
}

/// Renders the two functions that the hook asks: about the shell's variables, and about its place.
pub fn watch(shell: Shell, answer: &Answer) -> String {
    let (epoch, exists) = epoch_test(&answer.epoch);
    let negation = if exists { "" } else { "! " };
    let (epoch, settings) = (quote(&epoch), quote(&answer.settings));
    let unedited = if answer.settings_exist { format!("-e {settings} && ! {settings} -nt {epoch}") } else { format!("! -e {settings}") };
    let state = format!("{negation}-e {epoch} && {unedited}");
    // One comparison for all directories costs less than one for each. What a shell has of its own is not written here: it may be a secret, or nothing that a
    // process sees.
    let directories = [(CLAUDE_CONFIG_DIR, &answer.config_dir), (ANTHROPIC_CONFIG_DIR, &answer.anthropic_dir)];
    let directories = directories.map(|(name, value)| (name, value.clone().unwrap_or_default())).into_iter();
    let directories = directories.chain(answer.home.clone().map(|home| ("HOME", home)));
    let (names, values): (Vec<_>, Vec<_>) = directories.unzip();
    let now = || names.iter().map(|name| format!("${{{name}-}}")).collect::<Vec<_>>().join(":");
    let (own, expected) = if answer.has_own_directories {
        (keep_unexported(shell, "__clauth_seen_directories", &format!("\"{}\"", now())) + "\n", "\"${__clauth_seen_directories-}\"".into())
    } else {
        (String::new(), quote(&values.join(":")))
    };
    let directories = (names, expected);
    let seen = answer.harmless.iter().map(|name| (vec![*name], format!("\"${{__clauth_seen_{name}-}}\"")));
    let same: Vec<_> = iter::once(directories).chain(seen).collect();
    let kept = answer.harmless.iter().map(|name| keep_unexported(shell, &format!("__clauth_seen_{name}"), &format!("\"${{{name}-}}\"")) + "\n");
    let state = own + &kept.collect::<String>() + &state_function(shell, &state, &same, &answer.overriding);
    let free = keep_unexported(shell, "__clauth_free", if answer.free { "1" } else { "0" });
    let said = keep_unexported(shell, "__clauth_said", &quote(&answer.said));
    format!("{state}__clauth_here() {{ {}; }}\n{free}\n{said}\n", place(shell, &answer.place, answer.helper.as_ref(), exists.then_some(&epoch)))
}

/// The function that looks at the shell's variables: those that must have these values, and those of which none may be exported. What a shell can say of
/// that differs, and so does the price, which each prompt pays.
fn state_function(shell: Shell, state: &str, same: &[(Vec<&str>, String)], names: &[&str]) -> String {
    let each = |before: &str, after: &str| names.iter().flat_map(|name| [before, name, after]).collect::<String>();
    let equal = |before: &str, after: &str| {
        let joined = |names: &[&str]| names.iter().map(|name| format!("{before}{name}{after}")).collect::<Vec<_>>().join(":");
        same.iter().map(|(names, value)| format!(" && {} == {value}", joined(names))).collect::<String>()
    };
    let (values, same) = (each("${", "-}"), equal("${", "-}"));
    if names.is_empty() {
        return format!("__clauth_state() {{ [[ {state}{same} ]]; }}\n");
    }
    if shell == Shell::Zsh {
        let (set, types) = (names.iter().map(|name| format!("-v {name}")).collect::<Vec<_>>().join(" || "), each("${(t)", "}"));
        return format!("__clauth_state() {{ [[ {state}{same} && ( ! ( {set} ) || -z {values} || {types} != *export* ) ]]; }}\n");
    }
    // bash copies a function at each call, and takes three times as long for `${NAME-}`, which `set -u` needs: so that is done only where it has to be.
    let (plain, plainly_same) = (each("$", ""), equal("$", ""));
    let attributes: String = names.iter().flat_map(|name| ["${", name, "+${", name, "@a}}"]).collect();
    // `@a` came with 4.4; before it, an unexported variable of such a name costs an evaluation a prompt.
    format!(
        "__clauth_state() {{ [[ $- != *u* && {state}{plainly_same} && -z {plain} ]] || __clauth_state_in_full; }}\n\
         if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then\n\
         __clauth_state_in_full() {{ [[ {state}{same} && ( -z {values} || {attributes} != *x* ) ]]; }}\nelse\n\
         __clauth_state_in_full() {{ [[ {state}{same} && -z {values} ]]; }}\nfi\n"
    )
}

fn place(shell: Shell, place: &Place, helper: Option<&Liveness>, epoch: Option<&String>) -> String {
    let Place::Known { directory, absent, decider, watched } = place else {
        return if *place == Place::Unnamed { "[[ ! . -ef $PWD ]]".into() } else { "return 1".into() };
    };
    let directory = directory.as_deref().map_or_else(|| "$PWD".to_owned(), quote);
    let above = Above::spell(absent, decider.as_ref());
    let mut test = format!("[[ . -ef {directory}");
    test.extend(absent.iter().flat_map(|level| [" && ! -e ", above.binding(*level)]));
    // A link to nothing is not seen by -e. Looked for only where the user stands: at every level it would double the price.
    if absent.contains(&0) {
        test.extend([" && ! -h ", above.binding(0)]);
    }
    test.extend(watched.iter().map(|look| match look {
        Look::Absent(path) => format!(" && ! -e {}", quote(path)),
        Look::Unwritten(path) => {
            let unwritten = epoch.map_or_else(String::new, |epoch| format!(" && ! {} -nt {epoch}", quote(path)));
            format!(" && -e {}{unwritten}", quote(path))
        }
    }));
    let ending = match helper {
        None => " ]]".into(),
        Some(Liveness::Path(path)) => format!(" && -e {} ]]", quote(path)),
        Some(Liveness::Signal(pid)) => format!(" ]] && \\builtin kill -0 {pid} 2>/dev/null"),
    };
    let Some((spot, text)) = decider else { return test + &ending };
    let file = above.decider(spot, quote);
    test += &format!(" && -f {file} && -r {file}{ending}");
    if shell == Shell::Zsh {
        // `$(<file)` is read without a process, and drops newlines at the end, which mean nothing in TOML.
        return format!("{test} && [[ \"$(<{file})\" == {} ]]", quote(text.trim_end_matches('\n')));
    }
    // Without a NUL in it the file ends before the delimiter comes, and read fails.
    format!("{test} && {{ \\builtin local IFS= text; \\builtin read -rd '' text; [[ $? == 1 && $text == {} ]]; }} <{file}", quote(text))
}

#[cfg(test)]
mod tests {
    use super::{quote, quote_as_one_word};

    #[test]
    fn one_word_stays_one_without_quotes() {
        assert_eq!(quote_as_one_word("a *\n\t'\\?[x]"), r"$'a\040\052\n\011\'\\\077\133x\135'");
    }

    #[test]
    fn quoting_leaves_nothing_to_the_shell() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $(x) `y` \\ \"z\"\n"), "'it'\\''s $(x) `y` \\ \"z\"\n'");
        assert_eq!(quote(""), "''");
    }
}
