//! bash, zsh and plain POSIX shells.

use super::{Above, Answer, Place, Shell, epoch_test};
use crate::env::change::Change;

/// Quotes by single quotes, in which nothing has a meaning but the single quote itself.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

pub fn change(shell: Shell, change: &Change) -> String {
    let builtin = builtin(shell);
    match change {
        Change::Export(name, value) => format!("{builtin}export {name}={};", quote(value)),
        Change::Unset(name) => format!("{builtin}unset {name};"),
        Change::SetAside(name) => {
            format!("{} {builtin}unset {name};", keep_unexported(shell, &format!("__clauth_aside_{name}"), &format!("\"${{{name}}}\"")))
        }
        Change::Forget(name) => format!("{builtin}unset __clauth_aside_{name};"),
        Change::PutBack(name) => format!(
            "if {builtin}[ -n \"${{__clauth_aside_{name}+x}}\" ]; then {builtin}[ -n \"${{{name}+x}}\" ] || {builtin}export {name}=\"${{__clauth_aside_{name}}}\"; \
             {builtin}unset __clauth_aside_{name}; \
             else {builtin}printf 'clauth: %s was set aside by the shell that started this one; it is put back there\\n' {name} >&2; fi;"
        ),
    }
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
    let config_dir = quote(answer.config_dir.as_deref().unwrap_or_default());
    let (epoch, settings) = (quote(&epoch), quote(&answer.settings));
    let unedited = if answer.settings_exist { format!("-e {settings} && ! {settings} -nt {epoch}") } else { format!("! -e {settings}") };
    let mut variables = format!("{negation}-e {epoch} && {unedited} && ${{CLAUDE_CONFIG_DIR-}} == {config_dir}");
    if let Some(anthropic_dir) = &answer.anthropic_dir {
        variables += &format!(" && ${{ANTHROPIC_CONFIG_DIR-}} == {}", quote(anthropic_dir));
    }
    let mut state = String::new();
    for name in &answer.harmless {
        let seen = format!("__clauth_seen_{name}");
        variables += &format!(" && ${{{name}-}} == \"${{{seen}-}}\"");
        state += &(keep_unexported(shell, &seen, &format!("\"${{{name}-}}\"")) + "\n");
    }
    state += &if answer.overriding.is_empty() {
        format!("__clauth_state() {{ [[ {variables} ]]; }}\n")
    } else {
        exported_test(shell, &variables, &answer.overriding)
    };
    let free = keep_unexported(shell, "__clauth_free", if answer.free { "1" } else { "0" });
    let said = keep_unexported(shell, "__clauth_said", &quote(&answer.said));
    format!("{state}__clauth_here() {{ {}; }}\n{free}\n{said}\n", place(shell, &answer.place))
}

/// The state function where overriding variables matter: only exported ones reach a client. What a shell can say of that differs.
fn exported_test(shell: Shell, variables: &str, names: &[&str]) -> String {
    // Mostly none of them is set, and each prompt pays for seeing that: by what costs least in the shell.
    let values: String = names.iter().flat_map(|name| ["${", name, "-}"]).collect();
    if shell == Shell::Zsh {
        let unset: Vec<_> = names.iter().map(|name| format!("! -v {name}")).collect();
        let types: String = names.iter().flat_map(|name| ["${(t)", name, "}"]).collect();
        return format!("__clauth_state() {{ [[ {variables} && ( ( {} ) || -z {values} || {types} != *export* ) ]]; }}\n", unset.join(" && "));
    }
    // A third of the price of `${NAME-}`, which `set -u` needs.
    let plain: String = names.iter().flat_map(|name| ["$", name]).collect();
    let none = format!("$- != *u* && -z {plain} || $- == *u* && -z {values}");
    let attributes: String = names.iter().flat_map(|name| ["${", name, "+${", name, "@a}}"]).collect();
    // `@a` came with 4.4; before it, an unexported variable of such a name costs an evaluation a prompt.
    format!(
        "if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then\n\
         __clauth_state() {{ [[ {variables} && ( {none} || {attributes} != *x* ) ]]; }}\nelse\n\
         __clauth_state() {{ [[ {variables} && ( {none} ) ]]; }}\nfi\n"
    )
}

fn place(shell: Shell, place: &Place) -> String {
    let Place::Known { directory, absent, decider } = place else {
        return if *place == Place::Unnamed { "[[ ! . -ef $PWD ]]".into() } else { "return 1".into() };
    };
    let directory = directory.as_deref().map_or_else(|| "$PWD".to_owned(), quote);
    let above = Above::spell(absent.iter().chain(decider.iter().map(|(level, _)| level)));
    let mut test = format!("[[ . -ef {directory}");
    test.extend(absent.iter().flat_map(|level| [" && ! -e ", above.binding(*level)]));
    // A link to nothing is not seen by -e. Looked for only where the user stands: at every level it would double the price.
    if absent.contains(&0) {
        test.extend([" && ! -h ", above.binding(0)]);
    }
    let Some((level, text)) = decider else { return test + " ]]" };
    let file = above.binding(*level);
    test += &format!(" && -f {file} && -r {file} ]]");
    if shell == Shell::Zsh {
        // `$(<file)` is read without a process, and drops newlines at the end, which mean nothing in TOML.
        return format!("{test} && [[ \"$(<{file})\" == {} ]]", quote(text.trim_end_matches('\n')));
    }
    // Without a NUL in it the file ends before the delimiter comes, and read fails.
    format!("{test} && {{ \\builtin local IFS= text; \\builtin read -rd '' text; [[ $? == 1 && $text == {} ]]; }} <{file}", quote(text))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quoting_leaves_nothing_to_the_shell() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $(x) `y` \\ \"z\"\n"), "'it'\\''s $(x) `y` \\ \"z\"\n'");
        assert_eq!(quote(""), "''");
    }
}
