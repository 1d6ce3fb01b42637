//! On real sockets: what is cut, what is not, and who gets a place.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
    task::JoinHandle,
};

use super::*;

/// Far longer than a test takes.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(80);

fn patient() -> Patience {
    Patience { head: LONG, body: LONG, idle: LONG, take: LONG, connections: 8 }
}

struct House {
    at: SocketAddr,
    /// Somebody is being answered; go on and answer.
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
    stop: tokio_util::sync::CancellationToken,
    served: JoinHandle<()>,
}

async fn house(patience: Patience) -> House {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (begun, go_on, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()), tokio_util::sync::CancellationToken::new());
    let (told, wait) = (begun.clone(), go_on.clone());
    let slow = move || {
        let (told, wait) = (told.clone(), wait.clone());
        async move {
            told.notify_one();
            wait.notified().await;
            "langsam"
        }
    };
    let app = Router::new().route("/", get(|| async { "da" })).route("/slow", get(slow)).route("/", post(|body: Bytes| async move { body.len().to_string() }));
    let app = app.route("/much", get(|| async { "x".repeat(64 << 20) }));
    let ended = stop.clone();
    let served = tokio::spawn(async move { listen(listener, app, patience, async move { ended.cancelled().await }).await });
    House { at, begun, go_on, stop, served }
}

impl House {
    /// A connection on which so much was sent.
    #[expect(clippy::disallowed_methods, reason = "the test is the other side of the socket")]
    async fn sends(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// A connection on which one request was answered, and another may follow.
    async fn answered(&self) -> TcpStream {
        let (mut stream, mut said) = (self.sends(KEEP).await, Vec::new());
        while !said.ends_with(b"da") {
            assert!(stream.read_buf(&mut said).await.unwrap() > 0);
        }
        stream
    }

    /// An answer to a whole request, in a connection of its own.
    async fn asks(&self) -> String {
        read_all(self.sends("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await).await
    }
}

/// Everything until the other side ends it. A connection that is cut in the middle of something ends, too.
async fn read_all(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.ok();
    String::from_utf8_lossy(&all).into_owned()
}

const POST: &str = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
const KEEP: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn who_keeps_the_house_waiting_is_cut() {
    for (name, patience, sent, answered) in [
        ("nothing at all", Patience { head: SHORT, ..patient() }, "", false),
        ("half a head", Patience { head: SHORT, ..patient() }, "GET / HTTP/1.1\r\nhost: x\r\n", false),
        ("half a head behind a request", Patience { head: SHORT, idle: SHORT, ..patient() }, "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HT", true),
        ("half a body", Patience { body: SHORT, ..patient() }, &format!("{POST}abc"), false),
        ("no body", Patience { body: SHORT, ..patient() }, POST, false),
        ("idle", Patience { idle: SHORT, ..patient() }, KEEP, true),
    ] {
        let house = house(patience).await;
        let said = tokio::time::timeout(LONG / 60, read_all(house.sends(sent).await)).await;
        assert_eq!(said.map(|said| said.contains("200 OK")), Ok(answered), "{name}");
        assert!(house.asks().await.ends_with("da"), "{name}: others are served as ever");
    }
}

#[tokio::test]
async fn half_a_head_after_an_answer_is_cut() {
    let house = house(Patience { head: SHORT, ..patient() }).await;
    let mut stream = house.answered().await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert_eq!(read_all(stream).await, "");
}

/// A byte now and then is no progress: what drips is cut while it drips.
#[tokio::test]
async fn a_body_that_drips_is_cut() {
    let house = house(Patience { body: SHORT, ..patient() }).await;
    let stream = house.sends(POST).await;
    let (mut read, mut write) = stream.into_split();
    let drips = tokio::spawn(async move {
        while write.write_all(b"a").await.is_ok() {
            tokio::time::sleep(SHORT / 8).await;
        }
    });
    let mut all = Vec::new();
    read.read_to_end(&mut all).await.ok();
    assert!(!String::from_utf8_lossy(&all).contains("200"), "it is not answered");
    drips.await.unwrap();
}

/// Nobody takes the answer.
#[tokio::test]
async fn an_answer_nobody_takes_is_given_up() {
    let house = house(Patience { take: SHORT, connections: 1, ..patient() }).await;
    let stuck = house.sends("GET /much HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(house.asks().await.ends_with("da"), "its place is free again");
    drop(stuck);
}

/// Every time is over many times, and the answer still comes: pages that follow a case, calls that wait for a result.
#[tokio::test]
async fn an_answer_takes_the_time_it_takes() {
    let house = house(Patience { head: SHORT, body: SHORT, idle: SHORT, take: SHORT, connections: 8 }).await;
    let slow = tokio::spawn(read_all(house.sends("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await));
    house.begun.notified().await;
    for _ in 0..3 {
        // one time after the other is over: each of these ends because it was cut
        read_all(house.sends("GET / HT").await).await;
    }
    house.go_on.notify_one();
    assert!(slow.await.unwrap().ends_with("langsam"));
}

/// Above the bound whoever keeps the house waiting for longest makes room, never whoever is being answered.
#[tokio::test]
async fn there_is_room_for_whoever_asks_properly() {
    let house = house(Patience { connections: 2, ..patient() }).await;
    let slow = tokio::spawn(read_all(house.sends("GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await));
    house.begun.notified().await;
    let mut half = Vec::new();
    for _ in 0..20 {
        half.push(house.sends("GET / HT").await);
        assert!(house.asks().await.ends_with("da"));
    }
    for stream in half {
        assert_eq!(read_all(stream).await, "");
    }
    house.go_on.notify_one();
    assert!(slow.await.unwrap().ends_with("da"));
}

#[tokio::test]
async fn what_has_begun_comes_to_its_end_when_the_house_closes() {
    let house = house(patient()).await;
    let idle = house.answered().await;
    let slow = house.sends("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    house.begun.notified().await;
    house.stop.cancel();
    assert_eq!(read_all(idle).await, "", "nothing more is awaited there");
    house.go_on.notify_one();
    assert!(read_all(slow).await.ends_with("langsam"));
    house.served.await.unwrap();
}

#[test]
fn connections_leave_files_for_the_house() {
    for (files, connections) in [(1024, 512), (8192, 4000), (u64::MAX, 4000), (2, 8)] {
        assert_eq!(Patience::for_files(files).connections, connections, "{files}");
    }
}
