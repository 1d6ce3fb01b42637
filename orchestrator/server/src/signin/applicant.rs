//! Signing in as applicant: at the provider an intake names, for one application of this one form and for a while. Owns the cookie that says
//! who applies and how sure that is: what else the provider tells is not read, and nobody becomes staff here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use laufzettel_process::{
    applicant::{IntakeLogin, Loa},
    model::TriggerKind,
};
use serde::{Deserialize, Serialize};

use super::{
    flow::{self, Flow},
    outside, with_cookies,
};
use crate::{
    intake::new_key,
    oidc::{Oidc, OidcError, Vouch},
    pages::{AusweisenPage, Page, words},
    reply::Asked,
    seal::{derive, is_same},
    session,
    site::{Site, TenantSite},
    vouched::Vouched,
};

/// Says how sure it is who applies.
const COOKIE: &str = "laufzettel-antrag";
/// While she is away at the provider: another name than the staff's, so that neither answer fits the other.
const AWAY: &str = "laufzettel-ausweis";
/// Seconds a sign-in holds for its form: two hours, with papers to look for.
const LIFE_S: i64 = 7_200;
/// Characters of a form's query: beside the name of a provider it fits the way back a browser carries ([`Flow`]). A longer one is none of ours.
const QUERY_CHARS_MAX: usize = 256;

/// A provider of the tenant's configuration.
#[derive(Clone)]
pub struct ApplicantLogin {
    pub oidc: Arc<Oidc>,
    /// What its `acr` means; what is not listed is refused.
    pub levels: BTreeMap<String, Loa>,
}

impl ApplicantLogin {
    /// Values of `acr` that would do, the least demanding first.
    fn enough(&self, wanted: Loa) -> Vec<String> {
        let mut enough: Vec<(Loa, &String)> = self.levels.iter().filter(|(_, level)| **level >= wanted).map(|(acr, level)| (*level, acr)).collect();
        enough.sort_unstable();
        enough.into_iter().map(|(_, acr)| acr.clone()).collect()
    }
}

/// Who applies, as far as somebody vouched for her.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Of this one sign-in: it is good for one application.
    id: String,
    pub vouched: Vouched,
}

impl SignedIn {
    /// What stands for it in the store once it is spent. It goes with the run it began.
    pub fn receipt(&self) -> String {
        format!("ausweis:{}", self.id)
    }
}

/// What the cookie says, under a seal: it is hers and stands in her own browser.
#[derive(Serialize, Deserialize)]
struct Carried {
    of: String,
    id: String,
    vouched: Vouched,
}

/// What the intake of this path asks for, and what the form is called.
fn wanted<'t>(tenant: &'t TenantSite, path: &str) -> Option<(String, &'t IntakeLogin)> {
    let processes = tenant.desk.tenant.catalogue.processes.values();
    let mut logins = processes.flat_map(|process| process.triggers.iter().map(move |trigger| (process, trigger))).filter_map(|(process, trigger)| {
        let TriggerKind::Intake { path: own, login: Some(login), .. } = &trigger.kind else { return None };
        let title = process.input.root.get("title").and_then(serde_json::Value::as_str).unwrap_or(&process.title);
        (own == path).then(|| (title.to_owned(), login))
    });
    logins.next()
}

/// A form, as the cookie names it. No tenant's name has a slash in it.
fn scope(name: &str, path: &str) -> String {
    format!("{name}/{path}")
}

/// Before a form is shown: who applies (`None`: nobody asks), or what she is told instead.
pub fn guard(site: &Site, (name, tenant): (&str, &TenantSite), path: &str, asked: &Asked, request: &Request) -> Result<Option<SignedIn>, Box<Response>> {
    let Some((form, login)) = wanted(tenant, path) else { return Ok(None) };
    let cookie = site.cookies.get(request.headers(), COOKIE);
    let begin = queried(format!("/antrag/{name}/{path}/anmelden"), request.uri().query());
    let refused = |status, key| Err(Box::new(told(asked, status, key, Some(&form), Some(login.loa), begin.clone())));
    match cookie.and_then(|cookie| open(cookie, &site.flow_key, site.now(), &scope(name, path))) {
        Some(signed_in) if Loa::parse(&signed_in.vouched.loa).is_some_and(|loa| loa >= login.loa) => Ok(Some(signed_in)),
        Some(_) => refused(StatusCode::FORBIDDEN, "applicant_low"),
        None if request.method() == Method::POST => refused(StatusCode::FORBIDDEN, "applicant_over"),
        None => refused(StatusCode::OK, "applicant_sign_in"),
    }
}

/// Before a form is taken: the request goes on with who applies, or what she typed is given back to her with what she is told.
pub async fn admit(site: &Site, of: (&str, &TenantSite), path: &str, asked: &Asked, request: Request) -> Result<(Request, Option<SignedIn>), Response> {
    match guard(site, of, path, asked, &request) {
        Ok(signed_in) => Ok((request, signed_in)),
        Err(told) => {
            let begin = queried(format!("/antrag/{}/{path}/anmelden", of.0), request.uri().query());
            Err(super::expired::held(site, asked, request, &begin, Some((of.1, path))).await.unwrap_or(*told))
        }
    }
}

/// An application was sent with this sign-in already.
pub fn spent(asked: &Asked, (name, tenant): (&str, &TenantSite), path: &str) -> Response {
    let wanted = wanted(tenant, path);
    let (form, loa) = (wanted.as_ref().map(|(form, _)| form.as_str()), wanted.as_ref().map(|(_, login)| login.loa));
    told(asked, StatusCode::OK, "applicant_spent", form, loa, format!("/antrag/{name}/{path}/anmelden"))
}

/// An application that was sent needs its sign-in no longer.
pub fn ended(site: &Site, answer: Response) -> Response {
    with_cookies(answer, &[site.cookies.clear(COOKIE)])
}

/// What she asked for with the address (its language, say) goes with her to the provider and back.
fn queried(path: String, query: Option<&str>) -> String {
    match query.filter(|query| !query.is_empty() && query.len() <= QUERY_CHARS_MAX) {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// The cookie's value.
fn seal(key: &[u8; 32], scope: &str, signed_in: SignedIn) -> String {
    let carried = Carried { of: scope.to_owned(), id: signed_in.id, vouched: signed_in.vouched };
    let payload = serde_json::to_string(&carried).unwrap_or_default();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), derive(key, "applicant", &payload))
}

/// `None`: not sealed by us, for another form, or too old.
fn open(cookie: &str, key: &[u8; 32], now: Timestamp, scope: &str) -> Option<SignedIn> {
    let (payload, sealed) = cookie.split_once('.')?;
    let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    if !is_same(&derive(key, "applicant", &payload), sealed) {
        return None;
    }
    let Carried { of, id, vouched } = serde_json::from_str(&payload).ok()?;
    ((0..LIFE_S).contains(&(now.as_second() - vouched.at.as_second())) && of == scope).then_some(SignedIn { id, vouched })
}

/// The address a provider sends applicants back to, as it must be registered there: one of each tenant and provider.
fn redirect(site: &Site, name: &str, provider: &str) -> String {
    format!("{}/anmelden/ausweis/{name}/{provider}/zurueck", site.public_url)
}

/// To the provider, with the levels that would do.
pub async fn begin(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(&uri, &headers, tenant, None);
    let Some((tenant, (_, login))) = tenant.and_then(|tenant| Some((tenant, wanted(tenant, &path)?))) else { return asked.missing() };
    let back = format!("/antrag/{name}/{path}");
    let Some(provider) = tenant.applicants.get(&login.oidc) else { return down(&asked, &back) };
    let flow = Flow::new(&scope(&name, &path), Some(queried(login.oidc.clone(), uri.query())), site.now(), session::name(&site));
    let binding = flow.binding(&site.flow_key, redirect(&site, &name, &login.oidc));
    // asked anew each time: whoever is signed in there still may be who sat here before, or as sure as was not enough
    match provider.oidc.authorize_url(&binding, &provider.enough(login.loa), true, site.now()).await {
        Ok(url) => with_cookies(Redirect::to(&url).into_response(), &[site.cookies.set(AWAY, &flow.seal(&site.flow_key), flow::LIFE_S)]),
        Err(error) => refused(&asked, &name, &error, back),
    }
}

/// Whatever comes of it, the cookie has done its service: a second answer fits nothing any more.
pub async fn back(
    State(site): State<Arc<Site>>,
    Path((name, provider)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(&uri, &headers, tenant, None);
    let Some((tenant, own)) = tenant.and_then(|tenant| Some((tenant, tenant.applicants.get(&provider)?))) else { return asked.missing() };
    let mut cookies = vec![site.cookies.clear(AWAY)];
    let sealed = site.cookies.get(&headers, AWAY).and_then(|cookie| Flow::open(cookie, &site.flow_key, site.now()));
    let flow = sealed.filter(|flow| asked_of(&flow.back).0 == provider);
    let path = flow.as_ref().and_then(|flow| flow.tenant.strip_prefix(&name)?.strip_prefix('/')).map(str::to_owned);
    let (Some(flow), Some(path)) = (flow, path) else { return with_cookies(stale(&outside(&site, Some(&name), &uri, &headers), "/"), &cookies) };
    let Some((title, login)) = wanted(tenant, &path) else { return with_cookies(asked.missing(), &cookies) };
    let form = |ending: &str| queried(format!("/antrag/{name}/{path}{ending}"), asked_of(&flow.back).1);
    let binding = flow.binding(&site.flow_key, redirect(&site, &name, &provider));
    let given = |key: &str| query.get(key).map(String::as_str);
    let fits = given("state").is_some_and(|state| is_same(state, &binding.state)) && given("iss").is_none_or(|iss| iss == own.oidc.issuer());
    let response = match given("code").filter(|_| fits) {
        None => stale(&asked, &form("/anmelden")),
        Some(code) => match own.oidc.vouch(code, &binding, site.now()).await {
            Err(error) => refused(&asked, &name, &error, form("/anmelden")),
            Ok(Vouch { acr, name: who, birthdate }) => match acr.as_ref().and_then(|acr| own.levels.get(acr)) {
                None => {
                    tracing::warn!(tenant = name, provider, acr = acr.unwrap_or_default(), "a level the configuration does not know is refused");
                    told(&asked, StatusCode::FORBIDDEN, "applicant_unknown", Some(&title), Some(login.loa), form("/anmelden"))
                }
                Some(loa) if *loa < login.loa => told(&asked, StatusCode::FORBIDDEN, "applicant_low", Some(&title), Some(login.loa), form("/anmelden")),
                Some(loa) => {
                    let (loa, issuer, at) = (loa.as_str().to_owned(), own.oidc.issuer().to_owned(), site.now());
                    let signed_in = SignedIn { id: new_key(tenant), vouched: Vouched { name: who, birthdate, loa, issuer, at } };
                    cookies.push(site.cookies.set(COOKIE, &seal(&site.flow_key, &scope(&name, &path), signed_in), LIFE_S));
                    Redirect::to(&form("")).into_response()
                }
            },
        },
    };
    with_cookies(response, &cookies)
}

/// The provider somebody was sent to, and the query of the form.
fn asked_of(back: &str) -> (&str, Option<&str>) {
    back.split_once('?').map_or((back, None), |(provider, query)| (provider, Some(query)))
}

fn stale(asked: &Asked, again: &str) -> Response {
    worded(asked, StatusCode::BAD_REQUEST, ("sign_in_stale", "applicant_stale_text"), None, None, again.to_owned())
}

fn down(asked: &Asked, again: &str) -> Response {
    worded(asked, StatusCode::SERVICE_UNAVAILABLE, ("sign_in_down", "applicant_down_text"), None, None, again.to_owned())
}

fn refused(asked: &Asked, name: &str, error: &OidcError, again: String) -> Response {
    match error {
        OidcError::Unavailable(_) => {
            tracing::warn!(tenant = name, %error, "applicants cannot sign in now");
            down(asked, &again)
        }
        OidcError::Refused(_) => {
            tracing::info!(tenant = name, %error, "an applicant's sign-in came to nothing");
            stale(asked, &again)
        }
        OidcError::Invalid(_) => {
            tracing::error!(tenant = name, %error, "what the applicants' provider sent is not believed");
            worded(asked, StatusCode::FORBIDDEN, ("sign_in_refused", "sign_in_invalid"), None, None, again)
        }
    }
}

/// `key`: of the heading, and with `_text` of what is said below it.
fn told(asked: &Asked, status: StatusCode, key: &str, form: Option<&str>, level: Option<Loa>, link: String) -> Response {
    worded(asked, status, (key, &format!("{key}_text")), form, level, link)
}

fn worded(asked: &Asked, status: StatusCode, (title, text): (&str, &str), form: Option<&str>, level: Option<Loa>, link: String) -> Response {
    let word = |key: &str| words::word(key, asked.lang).to_owned();
    let level = level.map(|level| word(&format!("loa_{}", level.as_str())));
    asked.page(status, &Page::Ausweisen(AusweisenPage { form: form.map(str::to_owned), title: word(title), text: word(text), level, link }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn erika() -> SignedIn {
        let (name, birthdate) = (Some("Erika Müstermann".to_owned()), Some(jiff::civil::date(1964, 8, 12)));
        let vouched = Vouched { name, birthdate, loa: "substanziell".into(), issuer: "https://id.example".into(), at: at(0) };
        SignedIn { id: "00".into(), vouched }
    }

    /// For its form, as long as it holds, and as it was vouched for.
    #[test]
    fn a_sign_in_holds_for_its_form_and_its_time() {
        let sealed = seal(&KEY, "vg/hund", erika());
        let higher = URL_SAFE_NO_PAD.decode(sealed.split_once('.').unwrap().0).unwrap();
        let higher = String::from_utf8(higher).unwrap().replace("substanziell", "hoch");
        for (cookie, key, now, scope, expected) in [
            (sealed.clone(), KEY, at(0), "vg/hund", Some(erika())),
            (sealed.clone(), KEY, at(LIFE_S - 1), "vg/hund", Some(erika())),
            (sealed.clone(), KEY, at(LIFE_S), "vg/hund", None),
            (sealed.clone(), KEY, at(-1), "vg/hund", None),
            (sealed.clone(), KEY, at(0), "vg/katze", None),
            (sealed.clone(), [8; 32], at(0), "vg/hund", None),
            (format!("{sealed}A"), KEY, at(0), "vg/hund", None),
            (format!("{}.{}", URL_SAFE_NO_PAD.encode(higher), sealed.split_once('.').unwrap().1), KEY, at(0), "vg/hund", None),
            // what a browser carries while it is away is no sign-in
            (Flow { tenant: "vg/hund".into(), back: "b".into(), at: at(0).as_second(), random: "hoch".into() }.seal(&KEY), KEY, at(0), "vg/hund", None),
            (String::new(), KEY, at(0), "vg/hund", None),
        ] {
            assert_eq!(open(&cookie, &key, now, scope), expected, "{cookie}");
        }
    }

    #[test]
    fn a_query_goes_along_and_comes_back() {
        for (query, expected) in [
            (Some("lang=en"), "bund?lang=en"),
            (Some("a=1?2&b=%0A"), "bund?a=1?2&b=%0A"),
            (Some(""), "bund"),
            (None, "bund"),
            (Some("x".repeat(QUERY_CHARS_MAX + 1).as_str()), "bund"),
        ] {
            let back = queried("bund".to_owned(), query);
            assert_eq!(back, expected);
            let flow = Flow::new("vg/hund", Some(back), at(0), "abc".to_owned());
            let back = Flow::open(&flow.seal(&KEY), &KEY, at(0)).unwrap().back;
            assert_eq!(asked_of(&back), ("bund", query.filter(|_| expected != "bund")));
        }
    }

    #[test]
    fn levels_by_strength() {
        assert!(Loa::Basis < Loa::Substanziell && Loa::Substanziell < Loa::Hoch);
        for (word, level) in Loa::ALL {
            assert_eq!((level.as_str(), Loa::parse(word)), (word, Some(level)));
        }
        assert_eq!(Loa::parse("mittel"), None);
        let facts = json!({ "applicant": { "loa": "substanziell" }, "vouched": {
            "name": "Erika Müstermann", "birthdate": "1964-08-12", "loa": "substanziell", "issuer": "https://id.example", "at": at(0).to_string() } });
        assert_eq!(erika().vouched.facts(), facts);
    }
}
