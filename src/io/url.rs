//! Where a URL leads. What parsers of URLs disagree about (RFC 3986 and WHATWG) would decide who gets a secret, so nothing is made good here: what a
//! host cannot hold stays in it, for the caller to refuse.

use std::net::IpAddr;

/// The parts of a URL, as they are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// Whether it is `https`; else it is `http`.
    pub is_encrypted: bool,
    /// The host: a name, an address, or one in brackets; and whatever else stands there.
    pub host: &'a str,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// All that stands behind these.
    pub path: &'a str,
}

impl<'a> Url<'a> {
    /// Takes a URL apart; `None` without one of the two schemes, or with a port that is no number.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port_number(port)?)),
            _ => (authority, None),
        };
        let is_encrypted = scheme.eq_ignore_ascii_case("https");
        (is_encrypted || scheme.eq_ignore_ascii_case("http")).then_some(Self { is_encrypted, host, port, path })
    }
}

/// A port of digits alone: Rust's own parser takes a sign too.
fn port_number(port: &str) -> Option<u16> {
    port.parse().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a host names the machine itself, in a spelling that no resolver can take for another.
pub fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_or_is_none() {
        let url = |is_encrypted, host, port, path| Some(Url { is_encrypted, host, port, path });
        for (text, expected) in [
            ("https://x.example", url(true, "x.example", None, "")),
            ("HTTP://x:80/a:b/", url(false, "x", Some(80), "/a:b/")),
            ("https://[::1]:8080", url(true, "[::1]", Some(8080), "")),
            ("https://[::1]/", url(true, "[::1]", None, "/")),
            ("https://u:p@x", None),
            ("https://u@x", url(true, "u@x", None, "")),
            ("https://x:", None),
            ("https://x:+80", None),
            ("https://x:65536", None),
            ("ftp://x", None),
            ("x", None),
        ] {
            assert_eq!(Url::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn only_a_literal_of_the_machine_itself_is_loopback() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.8.7", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "127.1", "0177.0.0.1", "2130706433", "127.0.0.1.example", "localhost.example", "LOCALHOST.", "[::2]", "10.0.0.1", "0.0.0.0"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
