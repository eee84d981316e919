//! Who is trusted, and by which way the service is reached: as Claude Code has it, from the environment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::World;
use crate::support::Sandbox;
use crate::support::service::{Account, Service, read};
use crate::support::shell::skip;

/// A key and a certificate for one name, which whoever trusts it takes for its authority, too.
struct Identity {
    certificate: PathBuf,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// Makes one; `None` without openssl.
    fn of(sandbox: &Sandbox, name: &str) -> Option<Self> {
        let [certificate, key] = ["pem", "key"].map(|ending| sandbox.path(name.replace(':', "-")).with_extension(ending));
        let mut openssl = sandbox.command("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
        openssl.args([
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            &format!("subjectAltName={name}"),
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate).stderr(Stdio::null());
        if !openssl.status().is_ok_and(|status| status.success()) {
            skip("no openssl that makes certificates", "CLAUTH_REQUIRE_SHELLS");
            return None;
        }
        let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap();
        Some(Self { certificate, config: Arc::new(config) })
    }

    /// Answers one refresh on a connection.
    fn serve(config: &Arc<ServerConfig>, stream: TcpStream, account: &Account) {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream);
        let Some(request) = read(&mut stream) else { return };
        let _ = stream.write_all(&account.renew(&request));
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

/// Returns a world whose service speaks TLS as 127.0.0.1 or as another, and a certificate of nobody's.
fn world(name: &str) -> Option<(World, Identity, Identity)> {
    let mut world = World::new();
    let (identity, other) = (Identity::of(&world.sandbox, name)?, Identity::of(&world.sandbox, "DNS:nobody.example")?);
    let (config, account) = (Arc::clone(&identity.config), Arc::clone(&world.account));
    world.service = Service::raw(move |stream| Identity::serve(&config, stream, &account));
    world.sandbox.set_variable("CLAUTH_SERVICES", world.service.url().replace("http:", "https:"));
    Some((world, identity, other))
}

#[test]
fn the_authorities_that_the_environment_names_are_trusted() {
    let Some((mut world, identity, other)) = world("IP:127.0.0.1") else { return };
    world.sandbox.set_variable("SSL_CERT_FILE", &identity.certificate);
    world.refresh(&["work", "--force"]).success();
    // Those that Claude Code adds, beside others.
    world.sandbox.set_variable("SSL_CERT_FILE", &other.certificate);
    world.sandbox.set_variable("NODE_EXTRA_CA_CERTS", &identity.certificate);
    world.refresh(&["work", "--force"]).success();
    assert_eq!(world.number(), 2);
    // In a directory, by the name that openssl gives them.
    let directory = world.sandbox.mkdir("certificates");
    fs::copy(&identity.certificate, directory.join("0a1b2c3d.0")).unwrap();
    world.sandbox.set_variable("SSL_CERT_FILE", "");
    world.sandbox.set_variable("NODE_EXTRA_CA_CERTS", "");
    world.sandbox.set_variable("SSL_CERT_DIR", directory);
    world.refresh(&["work", "--force"]).success();
    world.assert_good();
}

#[test]
fn additions_that_cannot_be_read_are_said_and_change_nothing() {
    let Some((mut world, identity, _)) = world("IP:127.0.0.1") else { return };
    world.sandbox.set_variable("SSL_CERT_FILE", &identity.certificate);
    world.sandbox.set_variable("NODE_EXTRA_CA_CERTS", "/nowhere.pem");
    let told = world.refresh(&["work"]).success();
    assert_eq!(
        told.stderr(),
        "clauth: NODE_EXTRA_CA_CERTS is ignored: there are no certificates in /nowhere.pem\nclauth: work: refreshed, good for 8 h\n"
    );
}

#[test]
fn nothing_is_sent_to_a_service_that_is_not_trusted_or_has_another_name() {
    let Some((mut world, _, other)) = world("IP:127.0.0.1") else { return };
    world.sandbox.set_variable("SSL_CERT_FILE", &other.certificate);
    world.refresh(&["work"]).complains(1, "could not reach 127.0.0.1 (invalid peer certificate: UnknownIssuer), so nothing was sent");
    assert_eq!(world.number(), 0);
    world.assert_good();

    let Some((mut world, identity, _)) = self::world("DNS:elsewhere.example") else { return };
    world.sandbox.set_variable("SSL_CERT_FILE", &identity.certificate);
    let told = world.refresh(&["work"]).failure();
    assert!(told.complaint().contains("not valid for name") && told.complaint().contains("nothing was sent"), "{told:?}");
    world.assert_good();
}

#[test]
fn the_service_is_reached_through_the_proxy_and_the_proxy_sees_no_token() {
    let mut world = World::new();
    let Some(identity) = Identity::of(&world.sandbox, "DNS:platform.claude.com") else { return };
    let (config, account) = (Arc::clone(&identity.config), Arc::clone(&world.account));
    let seen = Arc::<Mutex<String>>::default();
    let head = Arc::clone(&seen);
    world.service = Service::raw(move |mut stream| {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            asked.push(byte[0]);
        }
        *head.lock().unwrap() = String::from_utf8(asked).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        Identity::serve(&config, stream, &account);
    });
    let proxy = world.service.url().replace("http://", "http://me:pass%20word@");
    world.sandbox.set_variable("CLAUTH_SERVICES", "");
    world.sandbox.set_variable("SSL_CERT_FILE", &identity.certificate);
    for name in ["HTTPS_PROXY", "https_proxy"] {
        world.sandbox.set_variable(name, &proxy);
        world.refresh(&["work", "--force"]).success();
        world.sandbox.set_variable(name, "");
        let asked = seen.lock().unwrap();
        assert!(asked.starts_with("CONNECT platform.claude.com:443 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n") && !asked.contains("REFRESH"), "{asked}");
    }
    assert_eq!(world.number(), 2);
    world.assert_good();
}

#[test]
fn what_a_proxy_refuses_was_not_sent() {
    let mut world = World::new();
    world.service = Service::answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    world.sandbox.set_variable("CLAUTH_SERVICES", "");
    world.sandbox.set_variable("HTTPS_PROXY", world.service.url().replace("http://", "http://me:pass-word@"));
    let told = world.refresh(&["work"]).failure();
    assert!(
        told.complaint().starts_with("could not reach platform.claude.com through the proxy (proxy server responded 407), so nothing was sent"),
        "{told:?}"
    );
    assert!(!told.stderr().contains("pass-word"), "{told:?}");
    assert_eq!(world.number(), 0);
    world.assert_good();
}

#[test]
fn a_stand_in_on_this_machine_is_asked_without_the_proxy() {
    let mut world = World::new();
    let proxy = Service::answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        world.sandbox.set_variable(name, proxy.url());
    }
    world.refresh(&["work"]).success();
    assert_eq!(proxy.connections(), 0);
    world.assert_good();
}
