//! Where the services are that know an account.

use std::time::Duration;

use crate::claude_code::services;
use crate::env::{Env, variable};
use crate::error::Mistake;
use crate::io::http::{self, Client};
use crate::io::url::{Url, is_loopback};

/// Names the services' addresses: the real ones, or a stand-in's on this machine.
pub struct Services {
    stand_in: Option<String>,
    patience: Duration,
}

impl Services {
    /// Returns the services that the environment asks for. A stand-in gets every token that is sent, so none but this machine can be one.
    pub fn from_env(env: &Env) -> Result<Self, Mistake> {
        let Some(base) = env.non_empty(variable::CLAUTH_SERVICES) else { return Ok(Self { stand_in: None, patience: http::PATIENCE }) };
        let base = base.to_string_lossy().trim_end_matches('/').to_owned();
        if !is_base_of_this_machine(&base) {
            return Err(Mistake::ServicesElsewhere { value: base });
        }
        Ok(Self { stand_in: Some(base), patience: env.patience_with_stand_ins().unwrap_or(http::PATIENCE) })
    }

    /// Where a refresh token becomes new tokens.
    pub fn token(&self) -> String {
        self.at(services::TOKEN)
    }

    /// What an account has used of its limits.
    pub fn usage(&self) -> String {
        self.at(services::USAGE)
    }

    /// How long they may take for an answer.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Returns what asks them.
    pub fn client<'a>(&self, env: &'a Env) -> Client<'a> {
        Client::new(env, self.patience)
    }

    fn at(&self, (real, path): (&str, &str)) -> String {
        format!("{}{path}", self.stand_in.as_deref().unwrap_or(real))
    }
}

/// Whether this is `http://HOST` or `https://HOST`, with a port or not, and the host a literal that no resolver can take for another machine.
fn is_base_of_this_machine(base: &str) -> bool {
    Url::parse(base).is_some_and(|url| is_loopback(url.host) && url.port != Some(0) && url.path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_base_of_this_machine;

    #[test]
    fn a_stand_in_is_on_this_machine_or_none() {
        for base in ["http://127.0.0.1:8484", "https://localhost:1", "http://[::1]:65535", "http://127.8.8.8", "http://[::1]"] {
            assert!(is_base_of_this_machine(base), "{base}");
        }
        for base in [
            "127.0.0.1:8484",
            "ftp://127.0.0.1",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1:1@example.com",
            "http://example.com/127.0.0.1",
            "http://127.0.0.1:8484/path",
            "http://127.0.0.1:8484?x",
            "http://127.0.0.1:8484#x",
            "http://127.0.0.1:0",
            "http://127.0.0.1:65536",
            "http://127.0.0.1:",
            "http://localhost.example.com:80",
            "http://[::1",
            "http://::1",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://",
        ] {
            assert!(!is_base_of_this_machine(base), "{base}");
        }
    }
}
