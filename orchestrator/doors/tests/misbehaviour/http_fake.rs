//! An HTTP server of a few lines, so that it can do what no library would let it do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does once it has read a request. Then it closes.
#[derive(Debug, Clone)]
pub enum Act {
    Says(Vec<u8>),
    /// Says it and then nothing any more, for as long as somebody listens.
    Hangs(Vec<u8>),
    /// Says it and cuts the connection (RST).
    Resets(Vec<u8>),
    /// Says the first, then the second again and again: that many bytes, with a pause of so many milliseconds between.
    Pours(Vec<u8>, Vec<u8>, u64, u64),
    /// Says it after so many milliseconds.
    Late(u64, Vec<u8>),
}

/// A whole answer.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub const JSON: &str = "Content-Type: application/json\r\n";

/// Everything is in order but the length.
pub fn begun(headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}Connection: close\r\n\r\n").into_bytes()
}

/// A request line with headers, and the body.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            return Some(Request { head, body: bytes[end + 4..].to_vec() });
        }
    }
}

/// Bytes that left the server.
pub type Sent = Arc<AtomicU64>;

async fn act(mut stream: TcpStream, act: Act, sent: &Sent) -> std::io::Result<()> {
    match act {
        Act::Says(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Act::Hangs(bytes) => {
            stream.write_all(&bytes).await?;
            let mut rest = [0; 64];
            while stream.read(&mut rest).await? > 0 {}
            Ok(())
        }
        Act::Resets(bytes) => {
            stream.write_all(&bytes).await?;
            // so that what was said is not lost with the connection
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger()
        }
        Act::Pours(head, piece, total, pause_ms) => {
            stream.write_all(&head).await?;
            while sent.load(Ordering::Relaxed) < total {
                stream.write_all(&piece).await?;
                sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                if pause_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            }
            stream.shutdown().await
        }
        Act::Late(ms, bytes) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
    }
}

/// Listens on a free port of this machine: `answers` says what to do with a request. The address, and what it sends.
pub async fn serve(answers: impl Fn(&Request) -> Act + Send + Sync + 'static) -> (String, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (address, serve_on(listener, answers))
}

pub fn serve_on(listener: TcpListener, answers: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Sent {
    let (sent, answers) = (Sent::default(), Arc::new(answers));
    let counted = sent.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answers, sent) = (answers.clone(), counted.clone());
            tokio::spawn(async move {
                let Some(request) = read(&mut stream).await else { return };
                let next = answers(&request);
                // whoever it was has gone: that is what most cases are about
                act(stream, next, &sent).await.ok();
            });
        }
    });
    sent
}
