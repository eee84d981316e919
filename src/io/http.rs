//! Requests to the few services that clauth asks itself.
//!
//! The one question that matters of a request that fails: was it sent? A refresh token is good for one request, so [`Outcome`] keeps what failed
//! before the first byte apart from what failed after it. A [`Gate`] stands at the end of ureq's connectors, behind proxy and TLS: what fails before
//! it opens was not sent. No error quotes a header or a body, and nothing is read from the environment but what [`Env`] holds.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow, bail};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};
use ureq::config::Config;
use ureq::http::{Response, Uri, header, uri::Scheme};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as Time;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Agent, Body, Proxy, ProxyProtocol, Timeout};

use super::say;
use super::url::is_loopback;
use crate::env::{Env, variable};
use crate::error::Mistake;

/// How long to wait for an answer, from the first look at the name to the last byte.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How long to wait for a name, and again for a connection.
const CONNECT: Duration = Duration::from_secs(4);

/// The most that is read of an answer, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// What became of a request. It has no `Debug`: an answer can hold tokens.
pub enum Outcome {
    /// It failed before anything of it was sent: [`Mistake::ServiceUnreachable`] for the name, the connection, TLS and the proxy, and might be reached
    /// when asked again; anything else for what would be no different then.
    NotSent(Error),
    /// It was sent, or a part of it, and there is no answer to go by.
    Unknown(Error),
    /// The service answered.
    Answer(Answer),
}

/// What a service answered.
pub struct Answer {
    /// The HTTP status; never that of a redirect.
    pub status: u16,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends requests by the proxy, and trusting the authorities, that the environment names: `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`,
/// `SSL_CERT_DIR`, `NODE_EXTRA_CA_CERTS`. Loopback is asked directly.
pub struct Client<'a> {
    env: &'a Env,
    patience: Duration,
}

impl<'a> Client<'a> {
    /// Prepares nothing yet: what is wrong in the environment is an error of the request that needs it.
    pub fn new(env: &'a Env, patience: Duration) -> Self {
        Self { env, patience }
    }

    /// Asks for something.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Outcome {
        let ask = |agent: &Agent| headers.iter().fold(agent.get(url), |request, (name, value)| request.header(*name, *value)).call();
        self.run(url, || Ok(()), ask)
    }

    /// Posts JSON. `before` has its turn once the connection stands and before anything of the request is sent; where it fails, nothing is.
    pub fn post(&self, url: &str, json: &[u8], before: impl FnOnce() -> Result<()> + Send + 'static) -> Outcome {
        self.run(url, before, |agent| agent.post(url).header(header::CONTENT_TYPE, "application/json").send(json))
    }

    fn run<F>(&self, url: &str, before: impl FnOnce() -> Result<()> + Send + 'static, ask: F) -> Outcome
    where
        F: FnOnce(&Agent) -> Result<Response<Body>, ureq::Error>,
    {
        let (target, config) = match self.prepare(url) {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::NotSent(error),
        };
        let host = target.host().unwrap_or_default().to_owned();
        let way = if config.proxy().is_some() { " through the proxy" } else { "" };
        let is_open = Arc::new(AtomicBool::new(false));
        let gate = Gate { target, is_open: Arc::clone(&is_open), before: Mutex::new(Some(Box::new(before))) };
        let agent = Agent::with_parts(config, DefaultConnector::default().chain(gate), Lookup::default());
        let answer = match ask(&agent) {
            Err(ureq::Error::Other(error)) => return Outcome::NotSent(Error::from_boxed(error)), // of `before`
            Err(error) => Err(explain(error, self.patience)),
            Ok(response) => self.read(response),
        };
        match answer {
            Ok(answer) => Outcome::Answer(answer),
            Err(error) if is_open.load(Ordering::Relaxed) => Outcome::Unknown(error.context(format!("no usable answer from {host}"))),
            Err(error) => Outcome::NotSent(Mistake::ServiceUnreachable { service: format!("{host}{way}"), reason: format!("{error:#}") }.into()),
        }
    }

    fn prepare(&self, url: &str) -> Result<(Uri, Config)> {
        let target: Uri = url.parse().context("could not read a URL")?;
        let mut config = Agent::config_builder()
            .proxy(None) // not ureq's own look into the environment
            .user_agent(concat!("clauth/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(self.patience))
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT));
        if target.scheme() == Some(&Scheme::HTTPS) {
            let roots = roots(self.env)?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            config = config.tls_config(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build());
        }
        let host = target.host().unwrap_or_default();
        if !is_loopback(host) && !is_exempt(host, &no_proxy(self.env)) {
            config = config.proxy(proxy(self.env)?);
        }
        Ok((target, config.build()))
    }

    fn read(&self, response: Response<Body>) -> Result<Answer> {
        let (parts, body) = response.into_parts();
        if parts.status.is_redirection() {
            let location = parts.headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
            let host = location.and_then(|location| location.parse::<Uri>().ok()?.host().map(str::to_owned));
            bail!("it redirects to {}, which is not followed", host.as_deref().unwrap_or("itself"));
        }
        let seconds = parts.headers.get(header::RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let body = body.into_with_config().limit(LIMIT).read_to_vec().map_err(|error| explain(error, self.patience))?;
        Ok(Answer { status: parts.status.as_u16(), retry_after: seconds.map(Duration::from_secs), body })
    }
}

/// Looks names up on a thread, since the system's own lookup knows no time limit; without a thread to be had, where ureq would panic, with none.
#[derive(Debug, Default)]
struct Lookup(DefaultResolver);

impl Resolver for Lookup {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let endless = NextTimeout { after: Time::NotHappening, ..timeout };
        let (sender, found) = mpsc::channel();
        let (name, settings) = (uri.clone(), config.clone());
        let look = move || sender.send(DefaultResolver::default().resolve(&name, &settings, endless)).is_ok();
        match thread::Builder::new().spawn(look) {
            Ok(_) => found.recv_timeout(*timeout.after).unwrap_or(Err(ureq::Error::Timeout(timeout.reason))),
            Err(_) => self.0.resolve(uri, config, endless),
        }
    }
}

/// The last of the connectors: whoever comes here has a connection to the service itself, and nothing of the request is sent yet.
struct Gate {
    target: Uri,
    is_open: Arc<AtomicBool>,
    before: Mutex<Option<Before>>,
}

type Before = Box<dyn FnOnce() -> Result<()> + Send>;

impl<In: Transport> Connector<In> for Gate {
    type Out = In;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<In>, ureq::Error> {
        // All connectors are asked for the connection to a proxy, too.
        if chained.is_some() && *details.uri == self.target {
            let before = self.before.lock().ok().and_then(|mut before| before.take());
            before.map_or(Ok(()), |before| before()).map_err(|error| ureq::Error::Other(error.into()))?;
            self.is_open.store(true, Ordering::Relaxed);
        }
        Ok(chained)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// Says in clauth's own words what went wrong: those of the libraries may quote what was sent or answered.
fn explain(error: ureq::Error, patience: Duration) -> Error {
    match error {
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => anyhow!("the answer ends too early"),
        ureq::Error::Io(error) => error.into(),
        ureq::Error::Rustls(error) => error.into(),
        ureq::Error::HostNotFound => anyhow!("there is no such host"),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => anyhow!("no connection within {} s", CONNECT.min(patience).as_secs_f32()),
        ureq::Error::Timeout(_) => anyhow!("no answer within {} s", patience.as_secs_f32()),
        ureq::Error::BodyExceedsLimit(_) => anyhow!("the answer is over 1 MB"),
        ureq::Error::ConnectProxyFailed(reason) => anyhow!("{}", reason.split('/').next().unwrap_or_default()), // "… responded 407/407"
        _ => anyhow!("the answer is not HTTP"),
    }
}

/// Returns the authorities to trust: the system's, or those of the variables that name others, and those that Claude Code is told to add.
fn roots(env: &Env) -> Result<RootCerts, Mistake> {
    let path = |name| env.non_empty(name).map(PathBuf::from);
    let (file, directory) = (path(variable::SSL_CERT_FILE), path(variable::SSL_CERT_DIR));
    let mut certificates = match (&file, &directory) {
        (None, None) => load_native_certs().certs,
        _ => load_certs_from_paths(file.as_deref(), directory.as_deref()).certs,
    };
    if let Some(extra) = path(variable::NODE_EXTRA_CA_CERTS) {
        let added = load_certs_from_paths(Some(&extra), None).certs;
        if added.is_empty() {
            // As Claude Code itself does: what was trusted before still is.
            say(format_args!("{} is ignored: there are no certificates in {}", variable::NODE_EXTRA_CA_CERTS, extra.display()));
        }
        certificates.extend(added);
    }
    if certificates.is_empty() {
        let place = file.or(directory).as_deref().map_or("the system's store".into(), Path::to_string_lossy).into_owned();
        return Err(Mistake::NoCertificates { place });
    }
    Ok(RootCerts::new_with_certs(&certificates.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect::<Vec<_>>()))
}

/// Returns the proxy, if there is one.
fn proxy(env: &Env) -> Result<Option<Proxy>, Mistake> {
    let Some((name, value)) = variable::HTTPS_PROXY.iter().find_map(|name| Some((name, env.non_empty(name)?))) else { return Ok(None) };
    let proxy = value.to_str().and_then(|url| Proxy::new(url).ok());
    match proxy.filter(|proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)) {
        Some(proxy) => Ok(Some(proxy)),
        None => Err(Mistake::ProxyUnusable { variable: (*name).into() }), // its value can hold a password
    }
}

fn no_proxy(env: &Env) -> String {
    variable::NO_PROXY.iter().find_map(|name| env.non_empty(name)).unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Whether a list of `NO_PROXY` names this host or a domain that it lies in.
fn is_exempt(host: &str, list: &str) -> bool {
    list.split([',', ' ']).map(|entry| entry.strip_suffix(":443").unwrap_or(entry)).any(|entry| {
        let domain = entry.trim_start_matches('*').trim_start_matches('.');
        let is_inside = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        entry == "*" || (!domain.is_empty() && is_inside)
    })
}

#[cfg(test)]
mod tests {
    use super::is_exempt;

    #[test]
    fn a_list_of_exempt_hosts_is_read_as_other_programs_read_it() {
        let host = "api.anthropic.com";
        for list in ["*", "api.anthropic.com", "anthropic.com", ".anthropic.com", "*.anthropic.com", "x, anthropic.com", "x anthropic.com:443"] {
            assert!(is_exempt(host, list), "{list:?}");
        }
        for list in ["", ",", " ", "thropic.com", "anthropic", "api.anthropic.com.example", "x.api.anthropic.com", ".", "anthropic.com:80"] {
            assert!(!is_exempt(host, list), "{list:?}");
        }
    }
}
