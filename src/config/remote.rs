//! Remotes of repositories: one name for all spellings of a URL, and the patterns of rules, after git's `hasconfig:remote.*.url`.
//!
//! `https://me:key@GitHub.com:443/acme/api.git/`, `ssh://git@github.com/acme/api` and `git@github.com:acme/api.git` are all `github.com/acme/api`. User, port,
//! case and `.git` tell nothing about whose repository it is. A path on this machine is not a remote.

use std::fmt;

use serde::Deserialize;

/// What git fetches by over a network.
const SCHEMES: [&str; 8] = ["https", "http", "ssh", "git", "git+ssh", "ssh+git", "ftp", "ftps"];

/// A remote, as HOST/PATH.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote(String);

impl Remote {
    /// Reads a URL in any spelling that git takes; `None` for a path, for what another program fetches, and for what cannot be told apart for certain.
    pub fn parse(url: &str) -> Option<Self> {
        let (host, path) = match url.split_once("://") {
            Some((scheme, rest)) if SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
                let (authority, path) = rest.split_once('/')?;
                if authority.contains(['#', '?', '\\']) {
                    return None; // some parsers end the host there
                }
                (host(authority)?, unescaped(path)?)
            }
            Some(_) => return None,
            None => {
                let (host, path) = of_ssh(url)?;
                (host, path.to_owned())
            }
        };
        Some(Self(joined(&host, &path)?))
    }

    /// Returns HOST.
    pub fn host(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Joins a host and a path in the one spelling.
fn joined(host: &str, path: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_lowercase();
    let mut names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
    let last = names.last_mut()?;
    *last = last.strip_suffix(".git").filter(|name| !name.is_empty()).unwrap_or(last);
    let is_odd = |name: &str| name == "." || name == ".." || name.contains(|character: char| character.is_control());
    if host.is_empty() || host.contains(['/', ' ']) || is_odd(&host) || names.iter().any(|name| is_odd(name)) {
        return None; // a server may resolve `..`, and a rule cannot
    }
    Some(format!("{host}/{}", names.join("/").to_lowercase()))
}

/// Takes user and port from a host.
fn host(authority: &str) -> Option<String> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, port)| (host, port.strip_prefix(':').unwrap_or(port)))?,
        None => host.split_once(':').unwrap_or((host, "")),
    };
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| host.into())
}

/// Takes `[USER@]HOST:PATH` apart, which git gives to ssh; the host may stand in brackets, with a port.
fn of_ssh(url: &str) -> Option<(String, &str)> {
    let (user, bracketed) = url.split_once('[').unwrap_or((url, ""));
    if !bracketed.is_empty() && (user.is_empty() || user.ends_with('@')) && !user.contains([':', '/']) {
        let (inside, path) = bracketed.split_once("]:")?;
        // More than one colon is an address of IPv6, which has no port here.
        return Some((if inside.matches(':').count() > 1 { inside.into() } else { host(inside)? }, path));
    }
    let (start, path) = url.split_once(':')?;
    let host = start.rsplit_once('@').map_or(start, |(_, host)| host);
    // `C:/x` is a path, and `hg::https://…` is for another program.
    let is_path = start.contains('/') || (host.len() == 1 && path.starts_with(['/', '\\'])) || path.starts_with(':');
    (!is_path).then(|| (host.into(), path))
}

/// Replaces `%61` by what it stands for.
fn unescaped(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut text = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        text.push(if byte == b'%' { digit(bytes.next()?)? * 16 + digit(bytes.next()?)? } else { byte });
    }
    String::from_utf8(text).ok()
}

/// The remotes that a rule is about: HOST/PATH, where `*` stands for anything but a `/` and a whole `**` for any number of names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(String);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = !text.contains("://") && !text.contains(':') && !text.starts_with('/');
        let ending = if text.ends_with('/') { "/**" } else { "" };
        let read = if is_plain {
            text.split_once('/').and_then(|(host, path)| joined(host, &format!("{path}{ending}")))
        } else {
            Remote::parse(&format!("{text}{ending}")).map(|remote| remote.0)
        };
        match read {
            Some(pattern) if !pattern.contains(['?', '[', '\\']) => Ok(Self(pattern)),
            _ => Err("not HOST/PATH, such as github.com/acme/*, in which `*` and `**` are the only wildcards".into()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    /// Whether a rule with this pattern is about the remote.
    pub fn matches(&self, remote: &Remote) -> bool {
        let (pattern, names): (Vec<_>, Vec<_>) = (self.0.split('/').collect(), remote.0.split('/').collect());
        matches_all(&pattern, &names)
    }

    /// How narrow it is: of two that match one remote the greater one decides.
    pub fn narrowness(&self) -> (usize, usize) {
        (self.0.split('/').filter(|name| *name != "**").count(), self.0.replace('*', "").len())
    }
}

fn matches_all(pattern: &[&str], names: &[&str]) -> bool {
    match (pattern, names) {
        ([], []) => true,
        (["**"], names) => !names.is_empty(),
        (["**", rest @ ..], names) => (0..=names.len()).any(|skipped| matches_all(rest, &names[skipped..])),
        ([first, rest @ ..], [name, others @ ..]) => matches_name(first, name) && matches_all(rest, others),
        _ => false,
    }
}

fn matches_name(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in between.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_url_are_one_remote() {
        for url in [
            "https://github.com/acme/api",
            "https://github.com/acme/api.git",
            "https://GitHub.com./Acme/API.git/",
            "HTTPS://me:key@github.com:443//acme/api",
            "http://github.com:/acme/%61pi",
            "ssh://git@github.com/acme/api.git",
            "ssh://git@github.com:22/acme/api",
            "git+ssh://github.com/acme/api",
            "git://github.com/acme/api",
            "git@github.com:acme/api.git",
            "github.com:/acme/api",
            "me@corp@github.com:acme/api",
            "git@[github.com:2222]:acme/api",
            "[git@github.com]:acme/api",
        ] {
            assert_eq!(Remote::parse(url).map(|remote| remote.0).as_deref(), Some("github.com/acme/api"), "{url}");
        }
        assert_eq!(Remote::parse("ssh://git@[::1]:22/~me/x.git").unwrap().0, "::1/~me/x");
        assert_eq!(Remote::parse("git@[::1]:x/.git").unwrap().0, "::1/x/.git");
    }

    #[test]
    fn what_is_not_a_remote_matches_no_rule() {
        for url in [
            "",
            "https://evil.example#@github.com/acme/api",
            "https://evil.example?@github.com/acme/api",
            "https://evil.example\\@github.com/acme/api",
            "/srv/git/api.git",
            "../api",
            "./x:y",
            "file:///srv/api",
            "C:/src/api",
            r"C:\src\api",
            "hg::https://github.com/acme/api",
            "ext::sh -c x",
            "codecommit://api",
            "https://github.com",
            "https:///acme/api",
            "https://github.com/acme/../other/api",
            "https://github.com/%2e%2e/api",
            "https://github.com/a%0ab",
            "https://github.com/%ff",
            "https://github.com/%6",
            "https://github.com:x/acme",
            "git@github.com:",
            "ssh://[::1/x",
        ] {
            assert_eq!(Remote::parse(url), None, "{url}");
        }
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        let api = Remote::parse("git@github.com:acme/api.git").unwrap();
        for pattern in [
            "github.com/acme/api",
            "github.com/acme/*",
            "GitHub.com/Acme/API.git",
            "github.com/acme/",
            "github.com/**",
            "*.com/a*e/*p*",
            "git@github.com:acme/*",
        ] {
            assert!(Pattern::try_from(pattern.to_owned()).unwrap().matches(&api), "{pattern}");
        }
        for pattern in ["https://github.com/acme/*", "github.com/**/api", "**/api", "github.com/acme/**/api"] {
            assert!(Pattern::try_from(pattern.to_owned()).unwrap().matches(&api), "{pattern}");
        }
        for pattern in [
            "github.com/*",
            "github.com/acm/*",
            "github.com/acme/ap",
            "github.com/acme/api/**",
            "evil/github.com/acme/api",
            "hub.com/acme/*",
            "*/acme/api*x",
        ] {
            assert!(!Pattern::try_from(pattern.to_owned()).unwrap().matches(&api), "{pattern}");
        }
        for pattern in ["", "github.com", "/srv/x", "github.com/acme/[ab]", "github.com/?", "file:///x", "github.com/../x", "C:/x"] {
            assert!(Pattern::try_from(pattern.to_owned()).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_narrowest_pattern_is_the_one_that_says_most() {
        let patterns = ["**", "github.com/**", "github.com/*/api", "github.com/acme/*", "github.com/acme/api"];
        let narrowness: Vec<_> = patterns.iter().map(|pattern| Pattern((*pattern).into()).narrowness()).collect();
        assert!(narrowness.is_sorted(), "{narrowness:?}");
    }
}
