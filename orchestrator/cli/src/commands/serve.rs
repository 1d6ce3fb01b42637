//! `up` and `serve`: the whole thing, until it is told to stop.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_mcp_kit::edge;
use laufzettel_process::model::{HookAuth, TriggerKind};
use laufzettel_server::{Login as SiteLogin, Site, TenantSite, router};
use laufzettel_worker::Worker;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{configuration, read_configuration};
use crate::{
    args::Where,
    books,
    config::{Config, Login},
    house::{self, House, Opening},
    out::{Out, code},
    socket,
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
        bail!("`up` ist zum Ausprobieren und bindet nur an 127.0.0.1, nicht an {}. Für den Betrieb: laufzettel serve --config …", address.ip());
    }
    let listener = TcpListener::bind(address).await.with_context(|| format!("{address} ist nicht frei"))?;
    let bound = listener.local_addr()?;
    if port.is_some() {
        config.public_url = format!("http://{bound}");
    }
    if !is_loopback(&config.public_url) {
        bail!("`up` ist zum Ausprobieren: public_url muss auf 127.0.0.1 zeigen, nicht auf {}. Für den Betrieb: laufzettel serve --config …", config.public_url);
    }
    live(config, listener, Some(bound), false, out).await
}

/// What to open, and as whom.
async fn welcome(config: &Config, at: SocketAddr, out: &Out) {
    out.note(format!("\n  Laufzettel läuft auf http://{at}\n")).await;
    for (tenant, own) in &config.tenants {
        let mut findings = Vec::new();
        let Ok(folder) = house::read_folder(&own.processes) else { continue };
        let catalogue = laufzettel_process::Catalogue::load(&folder);
        for process in catalogue.processes.values() {
            for trigger in &process.triggers {
                match &trigger.kind {
                    TriggerKind::Intake { path, .. } => {
                        out.note(format!("  Antrag stellen      http://{at}/antrag/{tenant}/{path}   ({})", process.title)).await
                    }
                    TriggerKind::Cron { schedule, .. } => out.note(format!("  Von selbst          {}   ({})", schedule.text, process.title)).await,
                    TriggerKind::Folder(paths) => {
                        let place = own.places.folder.as_ref().map(|root| root.join(&paths.path).display().to_string());
                        let place = place.unwrap_or_else(|| "eingang.folder fehlt in der Konfiguration".to_owned());
                        out.note(format!("  Dateien ablegen     {place}   ({})", process.title)).await
                    }
                    TriggerKind::Mail(mailbox) => out.note(format!("  E-Mail              {}   ({})", mailbox.place(), process.title)).await,
                    TriggerKind::Poll(poll) => {
                        out.note(format!("  Neue Einträge       {}, gefragt alle {}   ({})", poll.call.name(), poll.every, process.title)).await
                    }
                    TriggerKind::Webhook { path, auth, .. } => {
                        let with = match auth {
                            HookAuth::Signature { secret } => format!("Geheimnis: {}", config.secrets.join(secret).display()),
                            HookAuth::Key => "mit Schlüssel".to_owned(),
                        };
                        out.note(format!("  Fachverfahren       http://{at}/hooks/{tenant}/{path}   ({with})")).await
                    }
                }
            }
        }
        out.note(format!("  Aufgaben bearbeiten http://{at}/aufgaben")).await;
        if let Some(directory) = house::directory(own, &mut findings)
            && own.login == Login::Demo
        {
            let people: Vec<String> = directory.people().into_iter().filter(|p| !p.disabled).map(|p| format!("{} ({})", p.user, p.groups.join(", "))).collect();
            out.note(format!("  Anmelden als        {}", people.join(", "))).await;
        }
    }
    if config.models.is_empty() {
        out.note("  Modell              eingebaut (kein Sprachmodell)").await;
    }
    out.note("\n  Beenden mit Strg-C.\n").await;
}

pub async fn serve(file: &Path, after_restore: bool, out: &Out) -> anyhow::Result<u8> {
    let config = read_configuration(file, out).await?;
    let address: SocketAddr = config.listen.parse().with_context(|| format!("listen: {}", config.listen))?;
    let demo = config.tenants.values().any(|t| t.login == Login::Demo);
    if demo && !(address.ip().is_loopback() && is_loopback(&config.public_url)) {
        bail!("login: demo gibt es nur auf 127.0.0.1 (listen und public_url): jeder könnte sich als jede Person anmelden");
    }
    let listener = TcpListener::bind(address).await.with_context(|| format!("{address} ist nicht frei"))?;
    live(config, listener, None, after_restore, out).await
}

/// Whether an address can only be opened on this machine. A proxy in front of it would open it to all.
fn is_loopback(url: &str) -> bool {
    let host = host_of(url);
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Opens every tenant and serves until a signal comes. Everything is brought to the journal before it ends.
/// `greet`: says at which address what is to be found, once it is.
async fn live(config: Config, listener: TcpListener, greet: Option<SocketAddr>, after_restore: bool, out: &Out) -> anyhow::Result<u8> {
    let mut houses = Vec::new();
    for tenant in config.tenants.keys() {
        match House::open(&config, tenant, None, after_restore).await? {
            Opening::Open(house) => {
                if let Some(rest) = house.resting {
                    let (de, en) =
                        ("Vorgänge ruhen nach der Wiederherstellung, bis jemand nachgesehen hat", "runs rest after the restore until somebody has looked");
                    out.note(format!("{tenant}: {rest} {}", out.text(de, en))).await;
                }
                houses.push(Arc::new(*house));
            }
            Opening::Held(_) => bail!("Ein anderer Laufzettel hält schon den Speicher von {tenant}"),
        }
    }
    if after_restore && houses.iter().all(|house| house.resting.is_none()) {
        for house in &houses {
            house.close().await?;
        }
        bail!("Keine Datenbank ist älter als ihr Zeuge: Es wurde nichts zurückgespielt. Bitte ohne --after-restore starten.");
    }
    let site = Arc::new(Site::new(sites(&config, &houses), hosts(&config), &config.public_url));
    let stop = CancellationToken::new();
    let mut work = tokio::task::JoinSet::new();
    for house in &houses {
        books::keep(house, true).await?;
        releases(house, out).await?;
        for finding in &house.desk.tenant.catalogue.findings {
            out.note(finding.line(out.lang)).await;
        }
    }
    // who connects is counted when passwords fail
    let app = router(site.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let ended = stop.clone();
    let mut pages = tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(async move { ended.cancelled().await }).into_future());
    // the pages first: a tool server over HTTP asks them for the key of the first call
    for house in &houses {
        house.minter.publish();
        work.spawn(Worker::new(house.desk.clone()).run(stop.clone()));
        work.spawn(checkpoints(house.clone(), stop.clone()));
        let (local, site, file, stop) = (house.clone(), site.clone(), house::socket_file(&config, &house.tenant), stop.clone());
        work.spawn(async move {
            if let Err(error) = socket::serve(local, site, &file, stop.clone()).await {
                tracing::error!(%error, "the local socket is closed");
                stop.cancelled().await;
            }
        });
    }
    let (signalled, followed) = (stop.clone(), site.clone());
    tokio::spawn(async move {
        edge::stop_signal().await;
        signalled.cancel();
        followed.close();
    });
    if let Some(bound) = greet {
        welcome(&config, bound, out).await;
    }
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(Duration::from_secs(STOP_S_MAX)).await;
    };
    // whoever watches over the program starts it anew: one that takes applications and carries out none is worse than none
    let falls_short = async {
        work.join_next().await;
        if stop.is_cancelled() {
            std::future::pending::<()>().await;
        }
    };
    let mut broken = false;
    tokio::select! {
        ended = &mut pages => ended??,
        () = patience => {
            tracing::warn!("connections were still open after {STOP_S_MAX} s and are cut");
            pages.abort();
        }
        () = falls_short => {
            broken = true;
            pages.abort();
        }
    }
    stop.cancel();
    while work.join_next().await.is_some() {}
    for house in &houses {
        house.close().await?;
    }
    if broken {
        bail!("Ein Teil des Programms hat aufgehört, ohne dass es beendet wurde. Alles Angenommene ist gesichert; bitte neu starten.");
    }
    Ok(code::DONE)
}

/// In a trial everything that is there counts as released; in operation what is not released is named.
async fn releases(house: &House, out: &Out) -> anyhow::Result<()> {
    for process in house.desk.tenant.catalogue.processes.values() {
        if !house.desk.tenant.release_required {
            house.desk.release_for_trial(process).await?;
        } else if !house.desk.is_released(process) {
            let words = out.text("ist nicht freigegeben und startet nicht: laufzettel release", "is not released and does not start: laufzettel release");
            out.note(format!("{} {} {words} {}", process.id, process.version, process.id)).await;
        }
    }
    Ok(())
}

async fn checkpoints(house: Arc<House>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(CHECKPOINT_MS)) => {}
        }
        if let Err(error) = house.checkpoint().await {
            tracing::error!(%error, tenant = %house.tenant, "no checkpoint was written");
        }
    }
}

/// Loopback by any name, the address it listens on, and the public one.
fn hosts(config: &Config) -> Vec<String> {
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

fn sites(config: &Config, houses: &[Arc<House>]) -> BTreeMap<String, TenantSite> {
    let mut sites = BTreeMap::new();
    for house in houses {
        let mut secrets = BTreeMap::new();
        for process in house.desk.tenant.catalogue.processes.values() {
            for trigger in &process.triggers {
                if let TriggerKind::Webhook { auth: HookAuth::Signature { secret }, .. } = &trigger.kind {
                    secrets.insert(secret.clone(), webhook_secrets(&config.secrets.join(secret)));
                }
            }
        }
        sites.insert(house.tenant.to_string(), TenantSite { desk: house.desk.clone(), login: way_in(house), secrets, jwks: house.minter.jwks().to_owned() });
    }
    sites
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
