//! W8: how soon a page begins to arrive when the store holds a hundred thousand runs, beside a page that knows nothing. Over real
//! connections on loopback, with the demo tenant as `up` serves it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use axum::{Router, response::Html, routing::get};
use laufzettel_server::{Patience, Site, listen, router};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    commands::{
        bench::{application, begin, ms},
        read_configuration, serve,
    },
    demo,
    house::House,
    out::Out,
};

const DONE: &str = "hundesteuer-messung-fertig";
const WAITS: &str = "hundesteuer-messung-wartet";

/// Under whose rights of the demo tenant they begin.
const SERVICE: &str = "svc-intake";
/// One run in so many waits for a person.
const WAITS_ONE_IN: usize = 50;
/// Runs begun at once: as many as fill a commit.
const AT_ONCE: usize = 128;
/// Looks at each page; the median is told.
const LOOKS: usize = 41;
/// Bytes of a page without its files (the aim of `docs/benchmarks.md`).
const PAGE_BYTES_MAX: usize = 100 * 1024;

fn process(id: &str, step: &str) -> String {
    format!(
        "process: {id}\nversion: 1.0.0\ntitle: Messung {id}\nverantwortlich: FB2-Steueramt\nrechtsgrundlage: [Messung]\nzweck: Messung\nschutzbedarf: normal\n\
         datenkategorien: []\naufbewahrung: {{ vorgang: P1Y, inhalte: P1M }}\nautomatisierung: assistenz\nstart: {{ groups: [GG-Steueramt] }}\nrun_as: service:{SERVICE}\n\
         triggers: [{{ intake: {{ path: {id}, audience: public, run_as: service:{SERVICE} }} }}]\n\
         input: {{ type: object, additionalProperties: false, properties: {{}} }}\nsteps:\n  s: {{ title: Messen, {step} }}\n"
    )
}

/// One page: what it is called, how long until its first byte came, and its bytes.
pub struct Measured {
    pub page: &'static str,
    pub first_byte: Duration,
    pub bytes: usize,
}

/// Every page with `runs` runs in the store, and the bare page first.
pub async fn measure(folder: &Path, runs: usize, out: &Out) -> anyhow::Result<Vec<Measured>> {
    let file = demo::ensure(folder).await?;
    let waits = "human: { assign: { groups: [GG-Steueramt] }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } }, due: P3D }";
    for (id, step) in [(DONE, "set: { x: 1 }"), (WAITS, waits)] {
        std::fs::write(folder.join(format!("workflows/{id}.yaml")), process(id, step))?;
    }
    let mut config = read_configuration(&file, out).await?;
    // the demo's own would be used up by the measurement
    config.tenants.values_mut().for_each(|own| own.quotas = Default::default());
    demo::pin_bundled(&config).await?;
    let tenant = config.tenants.keys().next().context("the demo tenant")?.clone();
    let house = serve::open(&config, &tenant, false, out).await?;
    let (waiting, code) = fill(&house, runs).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    let site = Site::new([(tenant.to_string(), Ok(serve::tenant_site(&config, &house)))].into(), serve::hosts(&config), &format!("http://{at}"));
    let pages = tokio::spawn(listen(listener, router(Arc::new(site)), Patience::for_files(u64::MAX), std::future::pending()));
    let measured = visit(at, &waiting, &code).await;
    pages.abort();
    house.close().await?;
    measured
}

/// The run that waits last, and the code of its status page.
async fn fill(house: &Arc<House>, runs: usize) -> anyhow::Result<(String, String)> {
    let mut under_way = JoinSet::new();
    for n in 1..runs {
        if under_way.len() >= AT_ONCE {
            under_way.join_next().await.context("one of them")???;
        }
        let process = if n % WAITS_ONE_IN == 0 { WAITS } else { DONE };
        let desk = house.desk.clone();
        under_way.spawn(async move { begin(&desk, process, SERVICE).await });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    let last = house.desk.start(application(WAITS, SERVICE, true)).await?;
    Ok((last.run.to_string(), last.status_code.context("a status page")?))
}

async fn visit(at: SocketAddr, run: &str, code: &str) -> anyhow::Result<Vec<Measured>> {
    let bare = TcpListener::bind("127.0.0.1:0").await?;
    let bare_at = bare.local_addr()?;
    let page = "<!doctype html><title>Messung</title>".to_owned() + &"<p>Ein Absatz.</p>".repeat(500);
    let nothing = tokio::spawn(axum::serve(bare, Router::new().route("/", get(move || async move { Html(page) }))).into_future());
    let mut measured = vec![look("bare axum", bare_at, "/", "").await?];
    let (clerk, officer, operator) = (sign_in(at, "a.klein").await?, sign_in(at, "d.braun").await?, sign_in(at, "i.yilmaz").await?);
    for (name, path, cookie) in [
        ("Startseite", "/".to_owned(), clerk.as_str()),
        ("Antrag", "/antrag/vg-bellheim/hundesteuer".to_owned(), ""),
        ("Status", format!("/status/{code}"), ""),
        ("Anmelden", "/anmelden".to_owned(), ""),
        ("Aufgaben", "/aufgaben".to_owned(), &clerk),
        ("Aufgabe", format!("/aufgaben/{run}.1"), &clerk),
        ("Vertretung", "/vertretung".to_owned(), &clerk),
        ("Vorgänge", "/vorgaenge".to_owned(), &clerk),
        ("Vorgänge, die scheiterten", "/vorgaenge?stand=failed".to_owned(), &clerk),
        ("Vorgang", format!("/vorgaenge/{run}"), &clerk),
        ("Prozesse", "/prozesse".to_owned(), &clerk),
        ("Prozess", "/prozesse/hundesteuer-anmeldung".to_owned(), &clerk),
        ("Start", "/prozesse/hundesteuer-anmeldung/start".to_owned(), &clerk),
        ("Protokoll", "/protokoll".to_owned(), &officer),
        ("Protokoll, Verweigertes", "/protokoll?decision=denied".to_owned(), &officer),
        ("Verzeichnis", "/protokoll/verzeichnis".to_owned(), &officer),
        ("Betrieb", "/betrieb".to_owned(), &operator),
    ] {
        measured.push(look(name, at, &path, cookie).await?);
    }
    nothing.abort();
    Ok(measured)
}

/// The session of somebody of the demo's directory.
async fn sign_in(at: SocketAddr, user: &str) -> anyhow::Result<String> {
    let form = format!("person=vg-bellheim%2F{user}");
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let length = form.len();
    let request =
        format!("POST /anmelden HTTP/1.1\r\nHost: {at}\r\nOrigin: http://{at}\r\nConnection: close\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{form}");
    let (_, answer) = exchange(at, &request).await?;
    Ok(answer.split("laufzettel=").nth(1).and_then(|rest| rest.split(';').next()).context("signed in")?.to_owned())
}

async fn look(page: &'static str, at: SocketAddr, path: &str, cookie: &str) -> anyhow::Result<Measured> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nCookie: laufzettel={cookie}\r\nConnection: close\r\n\r\n");
    let (mut times, mut bytes) = (Vec::with_capacity(LOOKS), 0);
    for _ in 0..LOOKS {
        let (time, answer) = exchange(at, &request).await?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{page}: {}", answer.lines().next().unwrap_or_default());
        bytes = answer.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
        ensure!(bytes <= PAGE_BYTES_MAX, "{page}: {bytes} bytes");
        times.push(time);
    }
    times.sort();
    Ok(Measured { page, first_byte: times[LOOKS / 2], bytes })
}

/// One request on a connection of its own: until the first byte, and everything.
#[expect(clippy::disallowed_methods, reason = "the browser of the measurement; it asks this very process")]
async fn exchange(at: SocketAddr, request: &str) -> anyhow::Result<(Duration, String)> {
    let mut connection = TcpStream::connect(at).await?;
    let began = Instant::now();
    connection.write_all(request.as_bytes()).await?;
    let mut first = [0; 1];
    connection.read_exact(&mut first).await?;
    let time = began.elapsed();
    let mut answer = first.to_vec();
    connection.read_to_end(&mut answer).await?;
    Ok((time, String::from_utf8_lossy(&answer).into_owned()))
}

/// A line for each page.
pub fn lines(measured: &[Measured]) -> Vec<(String, String)> {
    let bare = measured.first().map_or(1.0, |bare| ms(bare.first_byte));
    let line = |m: &Measured| {
        (
            format!("W8 {}", m.page),
            format!("{:.2} ms bis zum ersten Byte = {:.1} × leere Seite, {:.1} KB", ms(m.first_byte), ms(m.first_byte) / bare, kb(m.bytes)),
        )
    };
    measured.iter().map(line).collect()
}

fn kb(bytes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "pages are small")]
    let bytes = bytes as f64;
    bytes / 1024.0
}
