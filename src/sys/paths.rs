//! How Windows and the programs on it spell paths: pure, so that each rule is tested on every system.
//!
//! `\\?\C:\x` is what the system answers when it is asked for a path without links; few programs take it. `C:/x` is what all of them take, the shells of
//! Git for Windows and MSYS2 included. `/c/x` is what those shells show.

use std::path::{Path, PathBuf};

/// What a path begins with that is meant word for word.
const VERBATIM: &str = r"\\?\";

/// Names that are devices in whatever directory, with any ending.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// Returns the usual spelling of a path that the system answered with, where that means the same.
pub fn plain(path: &Path) -> PathBuf {
    path.to_str().and_then(plain_text).map_or_else(|| path.into(), PathBuf::from)
}

fn plain_text(path: &str) -> Option<String> {
    let rest = path.strip_prefix(VERBATIM)?;
    let (prefix, names) = match rest.strip_prefix(r"UNC\") {
        Some(share) => (r"\\", share),
        None if is_drive(rest) => ("", rest),
        None => return None,
    };
    names.split('\\').skip(usize::from(prefix.is_empty())).all(means_itself).then(|| format!("{prefix}{names}"))
}

/// Whether a name means itself wherever it stands: of any other the system drops the end, or takes it for a device.
fn means_itself(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let is_numbered = |device: &str| stem.strip_prefix(device).is_some_and(|number| number.chars().count() == 1 && number != "0");
    let is_device = DEVICES.contains(&stem.as_str()) || is_numbered("COM") || is_numbered("LPT");
    !is_device && !name.ends_with([' ', '.']) && !name.contains('/')
}

/// Returns the spelling of a path that every program on Windows takes; any other path, and so each of another system, as it is.
pub fn portable(path: &str) -> String {
    let plain = plain_text(path);
    let path = plain.as_deref().unwrap_or(path);
    let is_share = path.starts_with(r"\\") && !path.starts_with(VERBATIM) && !path.starts_with(r"\\.\");
    if is_drive(path) || is_share { path.replace('\\', "/") } else { path.into() }
}

/// Returns a program of Windows as both `cmd` and `sh` read it in a line; `None` for any other program, and for a path in which one of them would replace
/// something.
pub fn in_any_shell(program: &str) -> Option<String> {
    let path = portable(program);
    let is_read_alike = (is_drive(&path) || path.starts_with("//")) && !path.contains(['\\', '"', '$', '`', '%', '!']);
    is_read_alike.then(|| format!("\"{path}\""))
}

/// Returns what `/c/x` of Git Bash, or `/cygdrive/c/x`, means to a program of Windows; `None` for any other path.
#[cfg(any(windows, test))]
pub fn from_shell(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/cygdrive").unwrap_or(path).strip_prefix('/')?;
    let (drive, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let is_letter = drive.len() == 1 && drive.starts_with(|letter: char| letter.is_ascii_alphabetic());
    is_letter.then(|| format!("{}:/{rest}", drive.to_uppercase()))
}

/// Whether a path begins at the root of a drive; `C:x` begins wherever that drive's working directory is.
fn is_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_for_the_system_alone_is_never_shown() {
        for (answered, shown) in [
            (r"\\?\C:\Users\me", r"C:\Users\me"),
            (r"\\?\C:\", r"C:\"),
            (r"\\?\C:\Users\Zoë Müller\日本", r"C:\Users\Zoë Müller\日本"),
            (r"\\?\UNC\server\share\x", r"\\server\share\x"),
            (r"C:\Users\me", r"C:\Users\me"),
            ("/home/me", "/home/me"),
            (r"/home/\\?\C:\x", r"/home/\\?\C:\x"),
        ] {
            assert_eq!(plain(Path::new(answered)), Path::new(shown));
        }
    }

    #[test]
    fn a_name_that_means_something_else_without_it_keeps_it() {
        for kept in [
            r"\\?\C:\x\NUL",
            r"\\?\C:\aux.txt\x",
            r"\\?\C:\x\com1",
            r"\\?\C:\x\LPT9.log",
            r"\\?\C:\ends in a dot.",
            r"\\?\C:\ends in a blank \x",
            r"\\?\C:\a/b",
            r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\x",
            r"\\?\GLOBALROOT\x",
        ] {
            assert_eq!(plain(Path::new(kept)), Path::new(kept));
        }
        for plain_one in [r"\\?\C:\com", r"\\?\C:\com10", r"\\?\C:\COM0", r"\\?\C:\nullable", r"\\?\C:\.clauth", r"\\?\C:\a.b.c"] {
            assert_eq!(plain(Path::new(plain_one)), Path::new(&plain_one[4..]));
        }
    }

    #[test]
    fn what_is_exported_is_understood_by_every_program() {
        for (path, exported) in [
            (r"C:\Users\me\.clauth", "C:/Users/me/.clauth"),
            (r"\\?\C:\Users\me", "C:/Users/me"),
            (r"c:/Users\me x", "c:/Users/me x"),
            (r"\\server\share\x", "//server/share/x"),
            (r"\\?\C:\x\NUL", r"\\?\C:\x\NUL"),
            (r"\\.\pipe\x", r"\\.\pipe\x"),
            (r"C:relative\x", r"C:relative\x"),
            (r"/home/me/a\b", r"/home/me/a\b"),
            (r"a\b", r"a\b"),
            ("", ""),
        ] {
            assert_eq!(portable(path), exported);
        }
    }

    #[test]
    fn a_program_is_called_alike_in_every_shell() {
        for (program, called) in [
            (r"C:\Users\Zoë Müller\clauth.exe", Some(r#""C:/Users/Zoë Müller/clauth.exe""#)),
            (r"\\?\C:\bin\clauth.exe", Some(r#""C:/bin/clauth.exe""#)),
            (r"\\server\share\clauth.exe", Some(r#""//server/share/clauth.exe""#)),
            (r"C:\$HOME\clauth.exe", None),
            (r"C:\%PATH%\clauth.exe", None),
            (r"\\?\C:\x\NUL", None),
            ("/usr/bin/clauth", None),
            ("clauth", None),
        ] {
            assert_eq!(in_any_shell(program).as_deref(), called, "{program}");
        }
    }

    #[test]
    fn paths_of_git_bash_are_understood() {
        for (path, meant) in [
            ("/c/Users/me", Some("C:/Users/me")),
            ("/D/", Some("D:/")),
            ("/d", Some("D:/")),
            ("/cygdrive/e/x y", Some("E:/x y")),
            ("/home/me", None),
            ("/cc/x", None),
            ("/é/x", None),
            ("//server/share", None),
            ("C:/x", None),
            ("c/x", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(from_shell(path).as_deref(), meant, "{path}");
        }
    }
}
