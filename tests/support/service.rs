//! A service on loopback that answers as a test says, and one that keeps a login as the real one does: each refresh token is good once.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::wait_until;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The first line and the headers.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Request {
    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

/// A service that a test started; it ends with the test.
pub(crate) struct Service {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Connections>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Connections {
    accepted: AtomicUsize,
    ended: AtomicUsize,
    is_over: AtomicBool,
}

impl Service {
    /// Starts one that answers each request by these bytes, and then ends the connection.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_| bytes.clone())
    }

    /// Starts one that works its answers out. It may take its time; each connection has a thread.
    pub(crate) fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        Self::serve(requests, move |mut stream| {
            let Some(request) = read(&mut stream) else { return };
            seen.lock().unwrap().push(request.clone());
            // Whoever asked may have gone away, or not want all of it.
            let _ = stream.write_all(&answer(&request));
        })
    }

    /// Starts one that does as it likes with each connection.
    pub(crate) fn raw(connected: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::serve(Arc::default(), connected)
    }

    fn serve(requests: Arc<Mutex<Vec<Request>>>, connected: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<Connections>::default();
        let (all, connected) = (Arc::clone(&connections), Arc::new(connected));
        let listener = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if all.is_over.load(Ordering::Relaxed) {
                    break;
                }
                all.accepted.fetch_add(1, Ordering::SeqCst);
                let (all, connected) = (Arc::clone(&all), Arc::clone(&connected));
                thread::spawn(move || {
                    connected(stream);
                    all.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, requests, connections, listener: Some(listener) }
    }

    /// Returns its address as a base of URLs.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until whatever came so far is done with, from processes that were killed meanwhile too.
    pub(crate) fn settle(&self) {
        let before = self.connections.accepted.load(Ordering::SeqCst);
        drop(TcpStream::connect(self.address).unwrap()); // they are accepted in their order
        let counts = || (self.connections.accepted.load(Ordering::SeqCst), self.connections.ended.load(Ordering::SeqCst));
        wait_until("the service is done", || counts().0 > before && counts().0 == counts().1);
    }

    /// Returns how many connections came.
    pub(crate) fn connections(&self) -> usize {
        self.connections.accepted.load(Ordering::SeqCst)
    }

    /// Returns every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.connections.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // wakes it
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// Reads one request; `None` when the connection ends before it does.
pub(crate) fn read(stream: impl Read) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |length| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: String::from_utf8(body).unwrap() })
}

/// Returns an answer with this status and body.
pub(crate) fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The login of one account as its service knows it: the number of the tokens that are good, and how often others came.
#[derive(Debug, Default)]
pub(crate) struct Account {
    good: Mutex<usize>,
    refused: Mutex<Vec<String>>,
}

impl Account {
    /// The access token of a number.
    pub(crate) fn access(number: usize) -> String {
        format!("sk-ant-oat01-ACCESS-{number}-")
    }

    /// The refresh token of a number.
    pub(crate) fn refresh(number: usize) -> String {
        format!("sk-ant-ort01-REFRESH-{number}-")
    }

    /// Answers a refresh: with the next tokens, for a token that was never sent before.
    pub(crate) fn renew(&self, request: &Request) -> Vec<u8> {
        let token = request.json()["refresh_token"].as_str().unwrap_or_default().to_owned();
        let mut good = self.good.lock().unwrap();
        if token != Self::refresh(*good) {
            self.refused.lock().unwrap().push(token);
            return answer(400, r#"{"error": "invalid_grant", "error_description": "Refresh token not found or invalid"}"#);
        }
        *good += 1;
        let tokens = json!({
            "token_type": "Bearer", "access_token": Self::access(*good), "refresh_token": Self::refresh(*good), "expires_in": 28800,
            "scope": "user:inference user:profile",
        });
        answer(200, &tokens.to_string())
    }

    /// Renews it for somebody else.
    pub(crate) fn renew_elsewhere(&self) {
        *self.good.lock().unwrap() += 1;
    }

    /// The number of the tokens that are good, which is how often it was refreshed.
    pub(crate) fn number(&self) -> usize {
        *self.good.lock().unwrap()
    }

    /// The tokens that came and were not good.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }
}
