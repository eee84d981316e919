//! fish.

use super::posix::escaped;
use super::{Above, Answer, Liveness, Look, Place, epoch_test, not_kept};
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::env::change::Change;
use crate::layout::BINDING;

/// Quotes by single quotes, in which only `\` and `'` need a `\`; a newline stands outside, so that `eval (…)` keeps it.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'").replace('\n', r"'\n'"))
}

/// Quotes bytes in printable ASCII. Outside of quotes, as fish reads `\X` nowhere else.
pub fn quote_bytes(value: &[u8]) -> String {
    escaped(value, "\\X")
}

pub fn change(change: &Change) -> String {
    match change {
        Change::Export(name, value) => format!("set -gx {name} {};", quote(value)),
        Change::Unset(name) => format!("set -e {name};"),
        // A universal variable belongs to every session: it is covered, never erased, and never made a global one. fish (3.6 and 4.7) exports it though an
        // unexported global one hides it, so what covers it is exported and empty, which the client ignores.
        Change::SetAside(name) => {
            let (aside, covered) = (format!("__clauth_aside_{name}"), is_covered(name));
            format!(
                "if not begin; {covered}; and set -q {aside}; end; {} set -qU {name}; and set -gx {name} ''; and set -g __clauth_covered_{name}; end;",
                keep(name, &aside)
            )
        }
        Change::Forget(name) => {
            format!("{}; and set -eg {name}; set -e __clauth_aside_{name} __clauth_covered_{name} 2>/dev/null;", is_covered(name))
        }
        Change::PutBack(name, keeper) => {
            let aside = format!("__clauth_aside_{name}");
            format!(
                "if set -q {aside}; {}; and set -eg {name}; set -qg {name}; or begin; {} end; set -e {aside} __clauth_covered_{name} 2>/dev/null; \
                 else; echo clauth: {} >&2; end;",
                is_covered(name),
                restore(name, &aside),
                quote(&not_kept(name, *keeper))
            )
        }
        Change::Take(name) => keep(name, &format!("__clauth_own_{name}")),
        Change::GiveBack(name, value) => {
            let own = format!("__clauth_own_{name}");
            let otherwise = value.as_ref().map(|value| format!("; or set -gx {name} {}", quote(value))).unwrap_or_default();
            format!("set -eg {name} 2>/dev/null; if set -q {own}; {} set -e {own}; else; set -qU {name}{otherwise}; end;", restore(name, &own))
        }
    }
}

/// Moves a global variable into an unexported one, behind a word that says what it was: `x` exported, `u` not. `n`: there was none.
fn keep(name: &str, kept: &str) -> String {
    format!("if set -qg {name}; set -g {kept} (set -qgx {name}; and echo x; or echo u) ${name}; set -eg {name}; else; set -g {kept} n; end;")
}

/// Makes the global variable again that was moved so.
fn restore(name: &str, kept: &str) -> String {
    format!("switch ${kept}[1]; case x; set -gx {name} ${kept}[2..]; case u; set -gu {name} ${kept}[2..]; end;")
}

/// Tests whether a universal variable is covered, or was while another session has erased it.
fn is_covered(name: &str) -> String {
    format!("set -q __clauth_covered_{name}; and set -qgx {name}; and test -z \"${name}\"")
}

pub fn pin(profile: Option<&str>) -> String {
    match profile {
        Some(name) => format!("set -g __clauth_pin {};\n", quote(name)),
        None => "set -e __clauth_pin;\n".into(),
    }
}

/// Renders the function that the hook asks. What a client reads of the shell's variables is not looked at: fish tells the hook when one of them changes.
pub fn watch(answer: &Answer) -> String {
    let (epoch, exists) = epoch_test(&answer.epoch);
    let (epoch, settings) = (quote(&epoch), quote(&answer.settings));
    let unedited = if answer.settings_exist { format!("-e {settings} -a ! {settings} -nt {epoch}") } else { format!("! -e {settings}") };
    let stamp = format!("{}-e {epoch} -a {unedited}", if exists { "" } else { "! " });
    // Without such a path there is no way to see it: `kill` is a program here.
    let stamp = match &answer.helper {
        Some(Liveness::Path(path)) => format!("{stamp} -a -e {}", quote(path)),
        _ => stamp,
    };
    // What a shell has of its own may be a list, or of every session.
    let (own, config_dir) = if answer.has_own_directories {
        (format!("set -g __clauth_seen_config_dir \"${CLAUDE_CONFIG_DIR}\"\n"), "\"$__clauth_seen_config_dir\"".into())
    } else {
        (String::new(), quote(answer.config_dir.as_deref().unwrap_or_default()))
    };
    let said = quote(&answer.said);
    if let (true, Place::Known { absent, decider: None, watched, .. }) = (answer.free, &answer.place)
        && watched.is_empty()
    {
        let above = Above::spell(absent, None);
        let files: Vec<_> = absent.iter().map(|level| above.binding(*level)).collect();
        let tests = free(&stamp, &config_dir).join("\nand ");
        return format!(
            "{own}set -g __clauth_free 1\nset -g __clauth_absent {}\nfunction __clauth_same\n{tests}\nend\nset -g __clauth_said {said}\n",
            files.join(" ")
        );
    }
    let tests = place(&answer.place, &stamp, exists.then_some(&epoch), &config_dir).join("\nand ");
    format!("{own}set -g __clauth_free 0\nfunction __clauth_same\n{tests}\nend\nset -g __clauth_said {said}\n")
}

/// Renders tests that hold in every directory without a binding: the shell itself lists the files that must be absent, as it goes from one to another.
fn free(stamp: &str, config_dir: &str) -> Vec<String> {
    vec![
        format!("test {stamp} -a . -ef \"$PWD\" -a ! -h {BINDING}"), // a link to nothing is seen by -h alone
        "not path is -- $__clauth_absent".into(),
        format!("test \"${CLAUDE_CONFIG_DIR}\" = {config_dir}"),
    ]
}

/// Renders the tests of a place and of the config directory: in fish the number of tests is their price, so what is text is compared as one.
fn place(place: &Place, stamp: &str, epoch: Option<&String>, config_dir: &str) -> Vec<String> {
    let same_config_dir = format!("test \"${CLAUDE_CONFIG_DIR}\" = {config_dir}");
    let Place::Known { directory, absent, decider, watched } = place else {
        return vec![
            format!("test {stamp}"),
            same_config_dir,
            if *place == Place::Unnamed { "not test . -ef \"$PWD\"".into() } else { "false".into() },
        ];
    };
    let above = Above::spell(absent, decider.as_ref());
    let link = if absent.contains(&0) { format!(" -a ! -h {BINDING}") } else { String::new() };
    let directory = directory.as_deref().map_or_else(|| "\"$PWD\"".to_owned(), quote);
    let mut tests = vec![format!("test {stamp} -a . -ef {directory}{link}")];
    let (mut files, mut unwritten): (Vec<_>, Vec<_>) = (absent.iter().map(|level| above.binding(*level).to_owned()).collect(), Vec::new());
    for look in watched {
        match look {
            Look::Absent(path) => files.push(quote(path)),
            Look::Unwritten(path) => {
                unwritten.push(format!("-e {}", quote(path)));
                unwritten.extend(epoch.map(|epoch| format!("! {} -nt {epoch}", quote(path))));
            }
        }
    }
    if !unwritten.is_empty() {
        tests.push(format!("test {}", unwritten.join(" -a ")));
    }
    if !files.is_empty() {
        tests.push(format!("not path is -- {}", files.join(" ")));
    }
    match decider {
        Some((spot, text)) => {
            let file = above.decider(spot, quote);
            tests.push(format!("path is -fr -- {file}"));
            let expected = config_dir.to_owned() + &quote(&format!("\n{text}"));
            tests.push(format!("begin; read -lz text <{file}; test \"${CLAUDE_CONFIG_DIR}\n$text\" = {expected}; end"));
        }
        None => tests.push(same_config_dir),
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quoting_leaves_nothing_to_the_shell() {
        assert_eq!(quote("it's $HOME (x) \\n\n"), r"'it\'s $HOME (x) \\n'\n''");
    }
}
