//! A server that hands each request to a script and sends back exactly the bytes that it gives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Path and query without percent-encoding.
    pub(crate) fn decoded(&self) -> String {
        let mut bytes = Vec::new();
        let mut rest = self.target.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}

/// In place of an answer: the connection stays open and nothing is said.
pub(crate) const SILENCE: &[u8] = b"silence";

/// Before the bytes of an answer: they come one at a time, with a pause after each.
pub(crate) const DRIP: &[u8] = b"drip:";

/// The server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server; `script` gives the bytes of each answer, nothing = the connection closes unanswered.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let noted = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, noted) = (script.clone(), noted.clone());
                tokio::spawn(async move { serve(stream, &*script, &noted).await });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Requests whose target holds this text.
    pub(crate) fn seen_at(&self, part: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.target.contains(part)).collect()
    }
}

async fn serve(mut stream: TcpStream, script: &(dyn Fn(&Seen) -> Vec<u8> + Send + Sync), noted: &Mutex<Vec<Seen>>) {
    let mut bytes = Vec::new();
    let seen = loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap_or(0);
        if count == 0 {
            return;
        }
        bytes.extend_from_slice(&chunk[..count]);
        if let Some(seen) = parse(&bytes) {
            break seen;
        }
    };
    noted.lock().unwrap().push(seen.clone());
    let answer = script(&seen);
    if answer == SILENCE {
        // Until the other side has had enough.
        while stream.read(&mut [0; 64]).await.unwrap_or(0) > 0 {}
        return;
    }
    if let Some(slow) = answer.strip_prefix(DRIP) {
        for byte in slow {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        return;
    }
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

fn parse(bytes: &[u8]) -> Option<Seen> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let mut request = lines.next()?.split(' ');
    let (method, target) = (request.next()?.to_owned(), request.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length: usize = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    (body.len() >= length).then(|| Seen { method, target, headers, body: body.to_owned() })
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Vec<u8> {
    with_headers(status, &["Content-Type: application/json"], body)
}

/// An answer with these header lines.
pub(crate) fn with_headers(status: u16, headers: &[&str], body: &str) -> Vec<u8> {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\nDate: Mon, 23 Nov 2026 21:09:29 GMT\r\n{lines}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
