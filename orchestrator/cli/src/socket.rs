//! The local socket: while a server holds a store, every other command is its client. Only the same user may connect.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use anyhow::Context as _;
use laufzettel_server::Site;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    house::House,
    out::{Out, Piece, Place},
    perform, seat,
    wish::{Envelope, Wish},
};

/// Bytes of one request: an input with its files.
const REQUEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Answers requests until stopped.
pub async fn serve(house: Arc<House>, site: Arc<Site>, file: &Path, stop: CancellationToken) -> anyhow::Result<()> {
    // a socket left by a process that died; the store's lock says that nobody holds it now
    if file.exists() {
        std::fs::remove_file(file).with_context(|| file.display().to_string())?;
    }
    let listener = UnixListener::bind(file).with_context(|| file.display().to_string())?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let (house, site) = (house.clone(), site.clone());
                tokio::spawn(async move {
                    if let Err(error) = answer(house, site, stream).await {
                        tracing::debug!(%error, "a request over the local socket broke off");
                    }
                });
            }
        }
    }
    std::fs::remove_file(file).ok();
    Ok(())
}

async fn answer(house: Arc<House>, site: Arc<Site>, stream: UnixStream) -> anyhow::Result<()> {
    // told by the kernel, not by the client
    let peer = stream.peer_cred()?;
    let seat = peer.pid().and_then(|pid| seat::of(peer.uid(), pid));
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(REQUEST_BYTES_MAX));
    let mut line = String::new();
    read.read_line(&mut line).await?;
    let envelope: Envelope = serde_json::from_str(&line)?;
    let (sender, mut pieces) = mpsc::channel(64);
    let mut out = Out::remote(envelope.lang, envelope.json, peer.uid(), envelope.asker, sender.clone());
    out.place = seat.clone().map(|seat| Place { site: site.clone(), tenant: house.tenant.to_string(), seat });
    let work = tokio::spawn(async move {
        let code = match envelope.wish {
            Wish::Login => perform::said(perform::login::login(&site, &house, seat.as_ref(), &out).await, &out).await,
            Wish::Logout => perform::said(perform::login::logout(&site, &house, seat.as_ref(), &out).await, &out).await,
            wish => perform::perform(&house, wish, &out).await,
        };
        drop(sender.send(Piece::Code(code)).await);
    });
    let mut more = [0; 1];
    loop {
        tokio::select! {
            piece = pieces.recv() => {
                let Some(piece) = piece else { break };
                write.write_all(format!("{}\n", serde_json::to_string(&piece)?).as_bytes()).await?;
                if matches!(piece, Piece::Code(_)) {
                    break;
                }
            }
            // the client has gone: the work goes on, and sees that nobody listens
            _ = read.read(&mut more) => break,
        }
    }
    drop(pieces);
    work.await?;
    Ok(())
}

/// Milliseconds between tries, and how many: a server that has just taken the store is listening within five seconds.
const TRY_MS: u64 = 100;
const TRIES_MAX: usize = 50;

async fn connect(file: &Path) -> std::io::Result<UnixStream> {
    for _ in 1..TRIES_MAX {
        if let Ok(stream) = UnixStream::connect(file).await {
            return Ok(stream);
        }
        tokio::time::sleep(std::time::Duration::from_millis(TRY_MS)).await;
    }
    UnixStream::connect(file).await
}

/// Hands a wish to the server and passes its words on. Returns its exit code.
pub async fn ask(file: &Path, wish: Wish, out: &Out) -> anyhow::Result<u8> {
    let stream = connect(file).await.with_context(|| format!("Ein anderer Prozess hält den Speicher, antwortet aber nicht unter {}", file.display()))?;
    let (read, mut write) = stream.into_split();
    let envelope = Envelope { wish, lang: out.lang, json: out.json, asker: out.asker.clone() };
    write.write_all(format!("{}\n", serde_json::to_string(&envelope)?).as_bytes()).await?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Piece::Out(text) => out.data(text).await,
            Piece::Err(text) => out.note(text).await,
            Piece::Code(code) => return Ok(code),
        }
    }
    anyhow::bail!("Der Server hat die Verbindung beendet")
}
