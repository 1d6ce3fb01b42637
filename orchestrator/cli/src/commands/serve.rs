//! `up` and `serve`: the whole thing, until it is told to stop.

mod trial;

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_domain::TenantId;
use laufzettel_mcp_kit::edge;
use laufzettel_process::model::{HookAuth, TriggerKind};
use laufzettel_server::{Login as SiteLogin, Patience, Site, TenantSite, listen, router};
use laufzettel_worker::Worker;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{configuration, read_configuration};
use crate::{
    args::Where,
    books,
    config::{Config, Login},
    house::{self, House, Opening},
    named,
    out::{Out, code},
    shut, socket,
};

/// Seconds connections have to come to their end when the server stops: longer than any answer takes, shorter than whoever
/// stops it waits before he kills it (systemd: 90).
const STOP_S_MAX: u64 = 20;

/// Milliseconds between checkpoints.
const CHECKPOINT_MS: u64 = 1_000;

pub async fn up(at: Where, port: Option<u16>, out: &Out) -> anyhow::Result<u8> {
    let mut config = configuration(&at, out).await?;
    if let Some(port) = port {
        config.listen = format!("127.0.0.1:{port}");
    }
    let address: SocketAddr = config.listen.parse().with_context(|| format!("listen: {}", config.listen))?;
    if !address.ip().is_loopback() {
        let at = address.ip();
        bail!(
            "{}",
            out.told(
                format!("`up` ist zum Ausprobieren und bindet nur an 127.0.0.1, nicht an {at}. Für den Betrieb: laufzettel serve --config …"),
                format!("`up` is for trying out and binds to 127.0.0.1 only, not to {at}. For operation: laufzettel serve --config …"),
            )
        );
    }
    let listener = bind(address, out).await?;
    let bound = listener.local_addr()?;
    if port.is_some() {
        config.public_url = format!("http://{bound}");
    }
    if !is_loopback(&config.public_url) {
        let url = &config.public_url;
        bail!(
            "{}",
            out.told(
                format!("`up` ist zum Ausprobieren: public_url muss auf 127.0.0.1 zeigen, nicht auf {url}. Für den Betrieb: laufzettel serve --config …"),
                format!("`up` is for trying out: public_url must point to 127.0.0.1, not to {url}. For operation: laufzettel serve --config …"),
            )
        );
    }
    if let Some(file) = &at.config {
        say_unknown(&config, file, out).await;
    }
    live(config, listener, true, false, out).await
}

async fn bind(address: SocketAddr, out: &Out) -> anyhow::Result<TcpListener> {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let text = match error.kind() {
        AddrInUse => out.told(
            format!("{address} ist nicht frei: Dort läuft schon etwas. Bitte beenden, oder unter „listen“ eine andere Adresse eintragen."),
            format!("{address} is in use: something runs there already. Please end it, or name another address under `listen`."),
        ),
        AddrNotAvailable => out.told(
            format!("{address} gibt es auf dieser Maschine nicht. Bitte „listen“ prüfen."),
            format!("{address} is no address of this machine. Please check `listen`."),
        ),
        PermissionDenied => out.told(
            format!("{address} darf dieses Konto nicht öffnen: Ports unter 1024 gehören root. Bitte „listen“ ändern, oder die Dienstdatei."),
            format!("This account may not open {address}: ports below 1024 are root's. Please change `listen`, or the unit file."),
        ),
        _ => return Err(error).with_context(|| out.told(format!("{address} lässt sich nicht öffnen"), format!("{address} cannot be opened"))),
    };
    bail!("{text}")
}

/// What to open, and as whom.
async fn welcome(config: &Config, at: SocketAddr, out: &Out) {
    out.note(out.told(format!("\n  Laufzettel läuft auf http://{at}\n"), format!("\n  Laufzettel runs on http://{at}\n"))).await;
    let called = |de: &str, en: &str| format!("  {:<19}", out.text(de, en));
    for (tenant, own) in &config.tenants {
        let mut findings = Vec::new();
        let Ok(folder) = house::read_folder(&own.processes) else { continue };
        let catalogue = laufzettel_process::Catalogue::load(&folder);
        for process in catalogue.processes.values() {
            for trigger in &process.triggers {
                match &trigger.kind {
                    TriggerKind::Intake { path, .. } => {
                        out.note(format!("{} http://{at}/antrag/{tenant}/{path}   ({})", called("Antrag stellen", "Apply"), process.title)).await
                    }
                    TriggerKind::Cron { schedule, .. } => {
                        out.note(format!("{} {}   ({})", called("Von selbst", "By itself"), schedule.text, process.title)).await
                    }
                    TriggerKind::Folder(paths) => {
                        let place = own.places.folder.as_ref().map(|root| root.join(&paths.path).display().to_string());
                        let place = place.unwrap_or_else(|| {
                            out.text("eingang.folder fehlt in der Konfiguration", "eingang.folder is missing in the configuration").to_owned()
                        });
                        out.note(format!("{} {place}   ({})", called("Dateien ablegen", "Put files"), process.title)).await
                    }
                    TriggerKind::Mail(mailbox) => out.note(format!("{} {}   ({})", called("E-Mail", "E-mail"), mailbox.place(), process.title)).await,
                    TriggerKind::Poll(poll) => {
                        out.note(format!(
                            "{} {}, {} {}   ({})",
                            called("Neue Einträge", "New entries"),
                            poll.call.name(),
                            out.text("gefragt alle", "asked every"),
                            poll.every,
                            process.title
                        ))
                        .await
                    }
                    TriggerKind::Webhook { path, auth, .. } => {
                        let with = match auth {
                            HookAuth::Signature { secret } => format!("{}: {}", out.text("Geheimnis", "secret"), config.secrets.join(secret).display()),
                            HookAuth::Key => out.text("mit Schlüssel", "with a key").to_owned(),
                        };
                        out.note(format!("{} http://{at}/hooks/{tenant}/{path}   ({with})", called("Fachverfahren", "Other systems"))).await
                    }
                }
            }
        }
        out.note(format!("{} http://{at}/aufgaben", called("Aufgaben bearbeiten", "Work on tasks"))).await;
        if let Some(directory) = house::directory(own, &mut findings)
            && own.login == Login::Demo
        {
            let people: Vec<String> = directory.people().into_iter().filter(|p| !p.disabled).map(|p| format!("{} ({})", p.user, p.groups.join(", "))).collect();
            out.note(format!("{} {}", called("Anmelden als", "Sign in as"), people.join(", "))).await;
        }
    }
    if config.models.is_empty() {
        out.note(format!("{} {}", called("Modell", "Model"), out.text("eingebaut (kein Sprachmodell)", "built in (no language model)"))).await;
    }
    out.note(out.text("\n  Beenden mit Strg-C.\n", "\n  Ctrl-C ends it.\n")).await;
}

pub async fn serve(file: &Path, after_restore: bool, out: &Out) -> anyhow::Result<u8> {
    let config = read_configuration(file, out).await?;
    let address: SocketAddr = config.listen.parse().with_context(|| format!("listen: {}", config.listen))?;
    let demo = config.tenants.values().any(|t| t.login == Login::Demo);
    if demo && !(address.ip().is_loopback() && is_loopback(&config.public_url)) {
        bail!(
            "{}",
            out.text(
                "login: demo gibt es nur auf 127.0.0.1 (listen und public_url): jeder könnte sich als jede Person anmelden",
                "login: demo exists on 127.0.0.1 only (listen and public_url): anybody could sign in as anybody",
            )
        );
    }
    let listener = bind(address, out).await?;
    say_unknown(&config, file, out).await;
    live(config, listener, false, after_restore, out).await
}

/// What the configuration names and is not there, as `check` says it: a right for a group that is mistyped is nobody's. It stops nothing,
/// and whoever starts hears of it.
async fn say_unknown(config: &Config, file: &Path, out: &Out) {
    let Ok(text) = std::fs::read_to_string(file) else { return };
    for (tenant, own) in &config.tenants {
        // what is wrong with the directory itself is said where the tenant is opened
        let directory = house::directory_or_silent(own, &mut Vec::new());
        for finding in named::in_configuration(&text, file, &config.folder, (tenant, own), &directory).await {
            out.note(finding.line(out.lang)).await;
        }
    }
}

/// Whether an address can only be opened on this machine. A proxy in front of it would open it to all.
fn is_loopback(url: &str) -> bool {
    let host = host_of(url);
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Opens every tenant and serves until a signal comes. Everything is brought to the journal before it ends. A tenant that does not
/// open stops no other: it is refused, in words, and tried again where waiting can help.
/// `greet`: says at which address what is to be found, once it is.
async fn live(config: Config, listener: TcpListener, greet: bool, after_restore: bool, out: &Out) -> anyhow::Result<u8> {
    ignore_hangup()?;
    let bound = listener.local_addr()?;
    let opened = open_all(&config, after_restore, out).await?;
    if after_restore && opened.values().flatten().all(|house| house.resting.is_none()) {
        for house in opened.values().flatten() {
            house.close().await?;
        }
        bail!(
            "{}",
            out.text(
                "Keine Datenbank ist älter als ihr Zeuge: Es wurde nichts zurückgespielt. Bitte ohne --after-restore starten.",
                "No database is older than its witness: nothing was restored. Please start without --after-restore.",
            )
        );
    }
    let places = opened.iter().map(|(tenant, house)| match house {
        Ok(house) => (tenant.to_string(), Ok(tenant_site(&config, house))),
        Err(error) => (tenant.to_string(), Err(shut::closed(error))),
    });
    let site = Arc::new(Site::new(places.collect(), hosts(&config), &config.public_url));
    let stop = CancellationToken::new();
    let ended = stop.clone();
    let patience = Patience::for_files(files_max());
    let mut pages = tokio::spawn(listen(listener, router(site.clone()), patience, async move { ended.cancelled().await }));
    // the pages first: a tool server over HTTP asks them for the key of the first call
    let shop = Arc::new(Shop { config, site: site.clone(), stop: stop.clone(), over: CancellationToken::new(), out: out.clone() });
    let mut work = tokio::task::JoinSet::new();
    for (tenant, house) in opened {
        work.spawn(keep_open(shop.clone(), tenant, house));
    }
    let (signalled, followed) = (stop.clone(), site);
    tokio::spawn(async move {
        tokio::select! {
            () = edge::stop_signal() => signalled.cancel(),
            () = signalled.cancelled() => {}
        }
        followed.close();
    });
    if greet {
        welcome(&shop.config, bound, out).await;
    } else {
        let url = &shop.config.public_url;
        out.note(out.told(format!("Laufzettel läuft auf {bound}, für Browser unter {url}."), format!("Laufzettel runs on {bound}, for browsers at {url}.")))
            .await;
    }
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(Duration::from_secs(STOP_S_MAX)).await;
    };
    tokio::select! {
        ended = &mut pages => ended?,
        () = patience => {
            tracing::warn!("connections were still open after {STOP_S_MAX} s and are cut");
            pages.abort();
        }
    }
    stop.cancel();
    shop.over.cancel();
    let mut done = Ok(code::DONE);
    while let Some(ended) = work.join_next().await {
        if let Err(error) = ended? {
            tracing::error!("{error:#}");
            done = done.and(Err(error));
        }
    }
    done
}

/// Files this process may open.
fn files_max() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// A lost terminal, or whoever expects a changed configuration to be taken up by SIGHUP, does not end the server. Nothing is taken up:
/// that is said, and what is open goes on as it was.
fn ignore_hangup() -> anyhow::Result<()> {
    let mut hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).context("SIGHUP")?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            tracing::warn!("SIGHUP is ignored: changes of the configuration, the directory and the processes count after a restart");
        }
    });
    Ok(())
}

/// What serves every tenant.
struct Shop {
    config: Config,
    site: Arc<Site>,
    stop: CancellationToken,
    /// The pages have ended: nothing is asked of a store any more.
    over: CancellationToken,
    out: Out,
}

type Opened = BTreeMap<TenantId, anyhow::Result<Arc<House>>>;

/// Every tenant, open or with the reason why not. None at all, or anything wrong with a restore, ends here.
async fn open_all(config: &Config, after_restore: bool, out: &Out) -> anyhow::Result<Opened> {
    let mut opened = Opened::new();
    for tenant in config.tenants.keys() {
        let house = open(config, tenant, after_restore, out).await;
        if after_restore && house.is_err() {
            house?;
            continue;
        }
        opened.insert(tenant.clone(), house);
    }
    if opened.values().all(Result::is_err)
        && let Some((_, house)) = opened.pop_first()
    {
        house?;
    }
    for (tenant, error) in opened.iter().filter_map(|(tenant, house)| Some((tenant, house.as_ref().err()?))) {
        tracing::error!(%tenant, "{error:#}");
        out.note(format!("{tenant}: {} {error:#}", out.text("wird nicht bedient, die anderen schon.", "is not served, the others are."))).await;
    }
    Ok(opened)
}

/// Times a store that is held by somebody else is tried, and milliseconds between two tries: a command is done within ten seconds,
/// or is another server.
const HELD_TRIES_MAX: usize = 50;
const HELD_MS: u64 = 200;

/// Opens a tenant and writes what is written before anybody is served.
pub(super) async fn open(config: &Config, tenant: &TenantId, after_restore: bool, out: &Out) -> anyhow::Result<Arc<House>> {
    for tried in 1.. {
        match House::open(config, tenant, None, after_restore).await? {
            Opening::Open(house) => return ready(Arc::new(*house), out).await,
            Opening::Held(_) if tried < HELD_TRIES_MAX => tokio::time::sleep(Duration::from_millis(HELD_MS)).await,
            Opening::Held(_) => break,
        }
    }
    Err(anyhow::Error::new(laufzettel_store::Error::Held).context(format!("Ein anderer Laufzettel hält schon den Speicher von {tenant}")))
}

async fn ready(house: Arc<House>, out: &Out) -> anyhow::Result<Arc<House>> {
    let written = async {
        books::keep(&house, true).await?;
        trial::releases(&house, out).await
    };
    if let Err(error) = written.await {
        let error = shut::beset(error, &house.desk.tenant.store);
        house.close().await.ok();
        return Err(error);
    }
    if let Some(rest) = house.resting {
        let (de, en) = ("Vorgänge ruhen nach der Wiederherstellung, bis jemand nachgesehen hat", "runs rest after the restore until somebody has looked");
        out.note(format!("{}: {rest} {}", house.tenant, out.text(de, en))).await;
    }
    for finding in &house.desk.tenant.catalogue.findings {
        out.note(finding.line(out.lang)).await;
    }
    Ok(house)
}

/// Serves a tenant until the end; one that did not open, from when it does.
async fn keep_open(shop: Arc<Shop>, tenant: TenantId, house: anyhow::Result<Arc<House>>) -> anyhow::Result<()> {
    let house = match house {
        Ok(house) => house,
        Err(error) => match later(&shop, &tenant, error).await {
            Some(house) => house,
            None => return Ok(()),
        },
    };
    house.minter.publish();
    let looking = tokio::spawn(look_through(house.clone(), shop.stop.clone()));
    let playing = tokio::spawn(trial::play(house.clone(), shop.stop.clone()));
    let mut work = tokio::task::JoinSet::new();
    work.spawn(Worker::new(house.desk.clone()).run(shop.stop.clone()));
    work.spawn(checkpoints(house.clone(), shop.stop.clone()));
    let (local, site, file, stop) = (house.clone(), shop.site.clone(), house::socket_file(&shop.config, &tenant), shop.stop.clone());
    work.spawn(async move {
        if let Err(error) = socket::serve(local, site, &file, stop.clone()).await {
            tracing::error!(%error, "the local socket is closed");
            stop.cancelled().await;
        }
    });
    // each of them ends only with the server. Whoever watches over it starts it anew: one that takes applications and carries out none
    // is worse than none
    work.join_next().await;
    let broken = !shop.stop.is_cancelled();
    shop.stop.cancel();
    while work.join_next().await.is_some() {}
    looking.await.ok();
    playing.await.ok();
    shop.over.cancelled().await;
    house.close().await.with_context(|| format!("{tenant} ließ sich nicht ordentlich schließen; beim nächsten Start geht es weiter wie nach einem Absturz"))?;
    if broken {
        bail!("{tenant}: Ein Teil des Programms hat aufgehört, ohne dass es beendet wurde. Alles Angenommene ist gesichert; bitte neu starten.");
    }
    Ok(())
}

/// Seconds between two tries to open what did not open: whoever makes room waits no longer than that.
const AGAIN_S: u64 = 5;

/// Tries until it opens, the server ends, or waiting cannot help any more.
async fn later(shop: &Shop, tenant: &TenantId, mut error: anyhow::Error) -> Option<Arc<House>> {
    while shut::may_pass(&error) {
        tokio::select! {
            () = shop.stop.cancelled() => return None,
            () = tokio::time::sleep(Duration::from_secs(AGAIN_S)) => {}
        }
        match open(&shop.config, tenant, false, &shop.out).await {
            Ok(house) => {
                shop.site.admit(tenant.as_str(), tenant_site(&shop.config, &house));
                tracing::info!(%tenant, "the tenant is served from now on");
                return Some(house);
            }
            Err(other) => {
                if shut::closed(&other) != shut::closed(&error) {
                    tracing::error!(%tenant, "{other:#}");
                }
                shop.site.close_tenant(tenant.as_str(), shut::closed(&other));
                error = other;
            }
        }
    }
    None
}

/// Once after the start, beside everything: a damaged page is found before somebody needs it.
async fn look_through(house: Arc<House>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        // what is wrong is remembered and said by the store itself
        _ = house.desk.tenant.store.look_through() => {}
    }
}

async fn checkpoints(house: Arc<House>, stop: CancellationToken) {
    let store = &house.desk.tenant.store;
    let mut said = None;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(CHECKPOINT_MS)) => {}
        }
        // while the store takes nothing there is nothing to sign
        if store.trouble().is_some() && store.try_out().await.is_err() {
            continue;
        }
        let told = house.checkpoint().await.err().map(|error| format!("{error:#}"));
        match &told {
            Some(error) if told != said => tracing::error!(error, tenant = %house.tenant, "no checkpoint was written"),
            None if said.is_some() => tracing::info!(tenant = %house.tenant, "checkpoints are written again"),
            _ => {}
        }
        said = told;
    }
}

/// Loopback by any name, the address it listens on, and the public one.
pub(super) fn hosts(config: &Config) -> Vec<String> {
    ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned).into_iter().chain([host_of(&config.listen), host_of(&config.public_url)]).collect()
}

/// The name in `https://name:port/…` or `name:port`.
fn host_of(address: &str) -> String {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest).split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name.to_owned(),
        _ => authority.to_owned(),
    }
}

pub(super) fn tenant_site(config: &Config, house: &House) -> TenantSite {
    let mut secrets = BTreeMap::new();
    for process in house.desk.tenant.catalogue.processes.values() {
        for trigger in &process.triggers {
            if let TriggerKind::Webhook { auth: HookAuth::Signature { secret }, .. } = &trigger.kind {
                secrets.insert(secret.clone(), webhook_secrets(&config.secrets.join(secret)));
            }
        }
    }
    let applicants = house.applicants.clone();
    let mut upload_key = [0; 32];
    house.desk.tenant.random.fill(&mut upload_key);
    let notes = config.tenants.get(&house.tenant).map(|own| own.notes.clone()).unwrap_or_default().into();
    TenantSite { desk: house.desk.clone(), login: way_in(house), applicants, secrets, jwks: house.minter.jwks().to_owned(), upload_key, notes }
}

fn way_in(house: &House) -> SiteLogin {
    match (&house.config.tenants[&house.tenant].login, &house.oidc) {
        (Login::Demo, _) => SiteLogin::Demo,
        (Login::Ldap, _) => SiteLogin::Password,
        (Login::Oidc(_), Some(oidc)) => SiteLogin::Oidc(oidc.clone()),
        (Login::Oidc(_), None) | (Login::None, _) => SiteLogin::None,
    }
}

/// One secret a line, two during rotation: `whsec_<base64>` as Standard Webhooks writes them, or the bytes as they are.
/// No file, no secret: then nobody's signature fits.
fn webhook_secrets(file: &Path) -> Vec<Vec<u8>> {
    let Ok(text) = std::fs::read_to_string(file) else {
        tracing::warn!(file = %file.display(), "no secret for this webhook: every call is refused");
        return Vec::new();
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.strip_prefix("whsec_").and_then(|b| STANDARD.decode(b).ok()).unwrap_or_else(|| line.as_bytes().to_vec())).collect()
}
