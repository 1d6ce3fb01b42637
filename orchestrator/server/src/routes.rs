//! Every route, with what it needs. A route that is not here does not exist; one without a need cannot be written.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use laufzettel_worker::Nobody;
use tower_http::csrf::CsrfLayer;

use crate::{
    api, audit, deputies, files, follow, form_data::FORM_BYTES_MAX, hooks, inbox, intake, key, metrics, openapi, operation, pages, problem,
    problem::because_of, processes, protection, refusals, reply, runs, session, signin, site::Site, status, tasks,
};

/// What somebody must bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: citizens, health checks, the style sheet.
    Nothing,
    /// A secret in the address: status pages.
    Code,
    /// What the trigger asks for: a valid signature over the body, or a key for its process.
    Sender,
    /// The answer of an identity provider to a sign-in this very browser began.
    State,
    /// To come from this very machine, and through no proxy.
    Machine,
    /// A signed-in person, whatever she may: it is about her sign-in itself.
    Session,
    /// A signed-in person; what she may see or do the desk asks again.
    Person,
    /// A key of a program, or a signed-in person.
    Key,
}

pub struct Route {
    pub path: &'static str,
    pub needs: Needs,
    /// The verb of the right the desk asks for behind it (`policy::Action`); what a list shows is asked entry by entry.
    /// Empty where nobody is signed in: what happens there is under the rights of the trigger's service account. Empty too where
    /// it is about a sign-in itself.
    pub asks: &'static str,
    handler: MethodRouter<Arc<Site>>,
}

/// Bytes of any other request.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub fn routes() -> Vec<Route> {
    [outside(), signing_in(), work(), house(), interface()].into_iter().flatten().collect()
}

fn route(path: &'static str, needs: Needs, asks: &'static str, handler: MethodRouter<Arc<Site>>) -> Route {
    Route { path, needs, asks, handler }
}

/// For citizens, programs of others, and machines.
fn outside() -> Vec<Route> {
    use Needs::{Code, Key, Nothing, Sender, State};
    vec![
        route("/antrag/{tenant}/{path}", Nothing, "", get(intake::form).post(intake::send).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        route("/antrag/{tenant}/{path}/anmelden", Nothing, "", get(signin::applicant::begin)),
        route("/anmelden/ausweis/{tenant}/{provider}/zurueck", State, "", get(signin::applicant::back)),
        route("/antrag/{tenant}/{path}/weiter", Nothing, "", get(intake::later::page).post(intake::later::open)),
        route("/status/{code}", Code, "", get(status::page).post(status::answer).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        route("/status/{code}/angaben", Code, "", get(status::own::page)),
        route("/status/{code}/bescheid/{name}", Code, "", get(status::decision::page)),
        route("/status/{code}/bescheid/{name}/datei", Code, "", get(status::decision::fetch)),
        route("/status/{code}/dateien/{file}", Code, "", get(status::own::fetch)),
        route("/status/{code}/nachreichen", Code, "", get(status::added::page).post(status::added::send).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        route("/status/{code}/zurueckziehen", Code, "", get(status::withdraw::page).post(status::withdraw::send)),
        route("/hooks/{tenant}/{path}", Sender, "", post(hooks::receive)),
        route("/events/{tenant}", Key, "process.start", post(api::events::receive)),
        route("/static/style.css", Nothing, "", get(reply::style)),
        route("/static/live.js", Nothing, "", get(reply::script)),
        route("/static/icon.svg", Nothing, "", get(reply::icon)),
        route("/favicon.ico", Nothing, "", get(reply::icon)),
        route("/.well-known/jwks/{tenant}", Nothing, "", get(api::jwks)),
        route("/healthz", Nothing, "", get(|| async { "ok" })),
        route("/readyz", Nothing, "", get(api::ready)),
    ]
}

/// In, out, and where one begins.
fn signing_in() -> Vec<Route> {
    use Needs::{Nothing, Session, State};
    vec![
        route("/anmelden", Nothing, "", get(signin::page).post(signin::sign_in)),
        route("/anmelden/passwort/{tenant}", Nothing, "", post(signin::password::sign_in)),
        route("/anmelden/dienst/{tenant}", Nothing, "", get(signin::oidc::begin)),
        route("/anmelden/dienst/{tenant}/zurueck", State, "", get(signin::oidc::back)),
        route("/anmelden/terminal/{code}", Session, "", get(signin::terminal::page).post(signin::terminal::confirm)),
        route("/abmelden", Nothing, "", post(signin::sign_out)),
        route("/abmelden/ueberall", Nothing, "", post(signin::sign_out_everywhere)),
        route("/abgemeldet/{tenant}", Nothing, "", get(signin::signed_out)),
        route("/abgemeldet/{tenant}/dienst", Nothing, "", get(signin::oidc::end)),
        route("/", Nothing, "", get(signin::home)),
    ]
}

/// Tasks, cases and processes.
fn work() -> Vec<Route> {
    use Needs::Person;
    vec![
        route("/aufgaben", Person, "task.complete", get(inbox::list)),
        route("/aufgaben/ereignisse", Person, "task.complete", get(follow::inbox::events)),
        route("/aufgaben/{task}", Person, "task.complete", get(tasks::page).post(tasks::answer).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        route("/aufgaben/{task}/wiedervorlage", Person, "task.complete", post(tasks::put_aside).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        route("/aufgaben/{task}/weitergeben", Person, "task.complete", post(tasks::hand_over).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        route("/vertretung", Person, "task.complete", get(deputies::page).post(deputies::name)),
        route("/vertretung/{id}/beenden", Person, "task.complete", post(deputies::end)),
        route("/vorgaenge", Person, "run.view", get(runs::list)),
        route("/vorgaenge/{run}", Person, "run.view", get(runs::page)),
        route("/vorgaenge/{run}/akte", Person, "run.view", get(runs::dossier)),
        route("/vorgaenge/{run}/abbrechen", Person, "task.complete", post(runs::cancel)),
        route("/vorgaenge/{run}/dateien/{file}", Person, "run.view", get(files::fetch)),
        route("/prozesse", Person, "process.start", get(processes::list)),
        route("/prozesse/{id}", Person, "process.start", get(processes::detail::page)),
        route("/prozesse/{id}/fluesse", Person, "process.start", get(processes::detail::flows)),
        route("/prozesse/{id}/tabellen", Person, "process.start", get(processes::detail::tables)),
        route("/prozesse/{id}/text", Person, "process.start", get(processes::detail::text)),
        route("/prozesse/{id}/start", Person, "process.start", get(processes::form).post(processes::start).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
    ]
}

/// For those who answer for the house.
fn house() -> Vec<Route> {
    use Needs::{Machine, Person};
    vec![
        route("/metrics", Machine, "", get(metrics::text)),
        route("/betrieb", Person, "admin", get(operation::page)),
        route("/betrieb/ereignisse", Person, "admin", get(follow::operation::events)),
        route("/protokoll", Person, "audit.read", get(audit::list)),
        route("/protokoll/ausfuehren", Person, "audit.read", post(audit::export)),
        route("/protokoll/auskunft", Person, "audit.read", get(protection::subject_form).post(protection::subject_report)),
        route("/protokoll/verzeichnis", Person, "audit.read", get(protection::register_list)),
        route("/protokoll/verzeichnis/{id}", Person, "audit.read", get(protection::register_entry)),
        route("/protokoll/loeschen", Person, "content.erase", get(protection::erase_form).post(protection::erase)),
        route("/protokoll/eintrag/{lane}/{seq}", Person, "audit.read", get(audit::record)),
    ]
}

/// For programs; `openapi` describes it.
fn interface() -> Vec<Route> {
    use Needs::{Key, Nothing};
    vec![
        route("/api/openapi.json", Nothing, "", get(openapi::document)),
        route("/api/v1/processes", Key, "process.start", get(api::catalogue::processes)),
        route("/api/v1/processes/{id}/runs", Key, "process.start", post(api::catalogue::start)),
        route("/api/v1/runs", Key, "run.view", get(api::runs::list)),
        route("/api/v1/runs/{run}", Key, "run.view", get(api::runs::show)),
        route("/api/v1/runs/{run}/events", Key, "run.view", get(follow::events)),
        route("/api/v1/runs/{run}/cancel", Key, "task.complete", post(api::runs::cancel)),
        route("/api/v1/runs/{run}/retry", Key, "task.complete", post(api::runs::retry)),
        route("/api/v1/runs/{run}/resolve", Key, "task.complete", post(api::runs::resolve)),
        route("/api/v1/tasks", Key, "task.complete", get(api::tasks::list)),
        route("/api/v1/tasks/{task}", Key, "task.complete", get(api::tasks::show)),
        route("/api/v1/tasks/{task}/claim", Key, "task.complete", post(api::tasks::claim)),
        route("/api/v1/tasks/{task}/return", Key, "task.complete", post(api::tasks::give_back)),
        route("/api/v1/tasks/{task}/hand-over", Key, "task.complete", post(api::tasks::hand_over)),
        route("/api/v1/tasks/{task}/complete", Key, "task.complete", post(api::tasks::complete)),
    ]
}

pub fn router(site: Arc<Site>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let handler = match route.needs {
            Needs::Person | Needs::Session => route.handler.route_layer(middleware::from_fn_with_state(site.clone(), person)),
            Needs::Key => route.handler.route_layer(middleware::from_fn_with_state(site.clone(), program)),
            Needs::Machine => route.handler.route_layer(middleware::from_fn_with_state(site.clone(), this_machine)),
            Needs::Nothing | Needs::Code | Needs::Sender | Needs::State => route.handler,
        };
        router = router.route(route.path, handler);
    }
    router
        .fallback(refusals::not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        // a form of another site is refused before any handler sees it; programs send no such header
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(site.clone(), open))
        .layer(middleware::from_fn_with_state(site.clone(), known_host))
        .layer(middleware::from_fn_with_state(site.clone(), refusals::told))
        .layer(middleware::from_fn(problem::speak))
        .layer(middleware::from_fn(headers))
        .with_state(site)
}

/// What a proxy says of whom it speaks for: with one of these nobody knows where a request comes from.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Anybody else is told that there is nothing.
async fn this_machine(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let near = from.is_some_and(|ip| ip.to_canonical().is_loopback()) && !FORWARDED.iter().any(|name| request.headers().contains_key(*name));
    if near { next.run(request).await } else { refusals::missing(&site, request.uri(), request.headers()).await }
}

/// Nobody signed in: pages lead to the sign-in. An account the directory no longer lets in ends here, with all its sessions.
async fn person(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let Some(session) = session::of(&site, request.headers()) else {
        let sign_in = sign_in(&request, "");
        return if request.method() == Method::POST { signin::expired::keep(&site, request, &sign_in).await } else { Redirect::to(&sign_in).into_response() };
    };
    match signin::still_there(&site, &session).await {
        Ok(ways) => {
            request.extensions_mut().insert(session::Session { ways, ..session });
            next.run(request).await
        }
        Err(Nobody::Denied(_)) => Redirect::to(&sign_in(&request, &format!("&{}=konto", pages::ENDED))).into_response(),
        Err(Nobody::Unavailable) => reply::Asked::new(request.uri(), request.headers(), site.tenants.get(&session.tenant), Some(&session)).unavailable(),
    }
}

fn sign_in(request: &Request, more: &str) -> String {
    format!("/anmelden?{}={}{more}", pages::BACK, request.uri().path())
}

/// The interface: a key if one is shown, whatever else comes with it; else whoever is signed in.
async fn program(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let session = match key::session(&site, request.extensions(), request.headers()).await {
        Some(Ok(session)) => session,
        Some(Err(refused)) => return refused,
        None => match session::of(&site, request.headers()) {
            // put into words where the interface's language is known
            None => return StatusCode::UNAUTHORIZED.into_response(),
            Some(session) => match signin::still_there(&site, &session).await {
                Ok(_) => session,
                Err(Nobody::Denied(_)) => return StatusCode::UNAUTHORIZED.into_response(),
                Err(Nobody::Unavailable) => return problem::later(),
            },
        },
    };
    let tenant = session.tenant.clone();
    request.extensions_mut().insert(session);
    because_of(next.run(request).await, site.hindrance(&tenant))
}

/// An address that names a tenant: while that one is closed, nothing behind it is there; what is not possible now says why.
async fn open(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let Some(name) = tenant_in(&request).filter(|name| site.tenants.is_named(name)).map(str::to_owned) else { return next.run(request).await };
    if let Some(why) = site.closed().get(&name) {
        if problem::is_interface(request.uri().path()) {
            return because_of(problem::later(), Some(*why));
        }
        return reply::Asked::new(request.uri(), request.headers(), None, None).closed(Some(*why));
    }
    because_of(next.run(request).await, site.hindrance(&name))
}

/// What stands where the route names a tenant: a page may be called like one.
fn tenant_in(request: &Request) -> Option<&str> {
    let template = request.extensions().get::<MatchedPath>()?.as_str();
    template.split('/').zip(request.uri().path().split('/')).find(|(part, _)| *part == "{tenant}").map(|(_, name)| name)
}

/// A request under a foreign name comes from a page that pretends to be us (DNS rebinding): refused (RFC 9110 § 15.5.20).
async fn known_host(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit())).map_or(host, |(name, _)| name);
    if site.hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return next.run(request).await;
    }
    problem::problem(421, "Unter diesem Namen ist dieser Server nicht erreichbar.", "This server is not reached under this name.")
}

/// On every answer: nothing foreign, nothing inline, nothing kept, nothing told to others.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let set = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // as every page says itself; with `no-referrer` a browser sends forms with `Origin: null`, and one that says nothing else of where it
        // is would be refused
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_open_is_open() {
        let open: Vec<&str> = routes().iter().filter(|r| r.needs == Needs::Nothing).map(|r| r.path).collect();
        let expected = [
            "/antrag/{tenant}/{path}",
            "/antrag/{tenant}/{path}/anmelden",
            "/antrag/{tenant}/{path}/weiter",
            "/static/style.css",
            "/static/live.js",
            "/static/icon.svg",
            "/favicon.ico",
            "/.well-known/jwks/{tenant}",
            "/healthz",
            "/readyz",
            "/anmelden",
            "/anmelden/passwort/{tenant}",
            "/anmelden/dienst/{tenant}",
            "/abmelden",
            "/abmelden/ueberall",
            "/abgemeldet/{tenant}",
            "/abgemeldet/{tenant}/dienst",
            "/",
            "/api/openapi.json",
        ];
        assert_eq!(open, expected);
    }

    /// A key is for programs: no page takes one, and the interface takes nothing less.
    #[test]
    fn keys_open_the_interface_and_nothing_else() {
        for route in routes() {
            let interface = route.path.starts_with("/api/v1/") || route.path.starts_with("/events/");
            assert_eq!(interface, route.needs == Needs::Key, "{}", route.path);
        }
    }

    /// Behind a sign-in stands a right, and its verb exists; without a sign-in there is nobody to hold one.
    #[test]
    fn every_route_of_a_person_asks_for_a_right() {
        for route in routes() {
            let asked = laufzettel_policy::Action::verbs().any(|verb| verb == route.asks);
            assert_eq!(asked, matches!(route.needs, Needs::Person | Needs::Key), "{} asks for {:?}", route.path, route.asks);
        }
    }
}
