//! Saving an application and going on later, from any device that has the code.
//!
//! A draft is no application: nobody is told of it, nothing of it is recorded, and only its code opens it. A wrong code, one whose time is
//! over and one of another form are answered alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Digest, file::File};
use laufzettel_store::{Over, Unsent, UnsentChange, UnsentRow};
use laufzettel_worker::micros;

use super::{
    Entrance, PAGES_PER_MINUTE_MAX,
    draft::{Carried, Code, Draft, spelled},
    entrance, new_key,
    sight::{Sight, read_value},
    vouching,
    walk::{Position, Saving, Say},
};
use crate::{
    form_data::{self, Sent},
    pages::{self, EntwurfAndersPage, EntwurfPage, Page, WeiterPage},
    reply::Asked,
    signin::applicant::{admit, guard},
    site::{Site, TenantSite},
    upload, whence,
};

/// Days a draft is kept after it was last saved: long enough to get a paper from another office, short enough that nothing forgotten
/// lies about for long.
const KEPT_DAYS: i64 = 30;
/// Bytes of the files of one draft: a dozen papers of four MiB each. All of it is held in memory while it is sealed.
const FILES_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// Codes tried from one address in a minute: somebody who mistypes. At this rate nobody finds one of 2^115.
const CODES_PER_MINUTE_MAX: u32 = 10;
/// Drafts saved by one form from one address in a minute: a counter hall that closes.
const SAVED_PER_MINUTE_MAX: u32 = 20;
/// Drafts begun from one address in a day, of all forms: a library with people at every machine. With these no address fills the 2 000 a form
/// has room for before the first are gone again.
const NEW_PER_DAY_MAX: u32 = 40;
/// Bytes by which drafts grow from one address in a day, of all forms (96 MiB): two with all the files one may have. A form's 512 MiB are then
/// filled by nobody alone in less than four days.
const BYTES_PER_DAY_MAX: u64 = 96 * 1024 * 1024;

/// The code a form carries, where a draft of it is there. Another counts as a code that was tried.
pub(super) async fn carried(site: &Site, tenant: &TenantSite, asked: &Asked, place: &str, sent: &Sent, from: &str) -> Result<Option<Carried>, Response> {
    let Some(said) = sent.get(pages::DRAFT) else { return Ok(None) };
    if let Some(code) = Code::parse(said)
        && size_of(tenant, place, &code).await.map_err(|_| asked.unavailable())?.is_some()
    {
        // a form that does not say what it saw has seen nothing
        let seen = sent.get(pages::DRAFT_SEEN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
        return Ok(Some(Carried { code, seen }));
    }
    tried(site, from).map_err(|seconds| asked.too_often(seconds))?;
    Ok(None)
}

fn tried(site: &Site, from: &str) -> Result<(), i64> {
    site.rates().count(&format!("code von {from}"), CODES_PER_MINUTE_MAX, site.now())
}

async fn find(tenant: &TenantSite, place: &str, code: &Code) -> Result<Option<UnsentRow>, laufzettel_store::Error> {
    let Some(id) = code.id(place) else { return Ok(None) };
    tenant.desk.tenant.store.unsent(&id, micros(tenant.desk.tenant.clock.now())).await
}

/// Bytes of the envelope that is there, which is not read.
async fn size_of(tenant: &TenantSite, place: &str, code: &Code) -> Result<Option<u64>, laufzettel_store::Error> {
    let Some(id) = code.id(place) else { return Ok(None) };
    tenant.desk.tenant.store.unsent_bytes(&id, micros(tenant.desk.tenant.clock.now())).await
}

/// A draft that is no longer needed goes with all that is in it.
pub(super) async fn discard(tenant: &TenantSite, place: &str, code: &Code, over: Over) -> Result<(), laufzettel_store::Error> {
    let Some(id) = code.id(place) else { return Ok(()) };
    tenant.desk.tenant.store.change_unsent(Unsent::Drop { id, over }).await.map(drop)
}

/// Puts away what was filled in, right or not. It comes back as it was. What was changed elsewhere meanwhile is not written over unasked.
pub(super) async fn save(site: &Site, tenant: &TenantSite, sight: Sight<'_>, (position, sent): (&Position, &Sent), how: Saving, from: &str) -> Response {
    if let Err(seconds) = site.rates().count(&format!("entwurf {} von {from}", sight.place), SAVED_PER_MINUTE_MAX, site.now()) {
        let mut response = not_now(&sight, position, sent, StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return response;
    }
    let random = &tenant.desk.tenant.random;
    let draft = sight.draft.clone().filter(|_| how != Saving::Apart);
    let over = draft.as_ref().filter(|_| how == Saving::Careful).map_or(Over::Anything, |draft| Over::Seen(draft.seen));
    let replaced = draft.map(|draft| draft.code);
    let code = replaced.clone().unwrap_or_else(|| Code::new(|bytes| random.fill(bytes)));
    let until = tenant.desk.tenant.clock.now() + SignedDuration::from_hours(24 * KEPT_DAYS);
    let files = bytes_of(sent);
    if files > FILES_BYTES_MAX {
        return sight.shown(position.clone(), Say::TooLarge, sent);
    }
    let Ok(there) = in_place_of(tenant, &sight.place, replaced.as_ref()).await else {
        return not_now(&sight, position, sent, StatusCode::SERVICE_UNAVAILABLE);
    };
    let texts: usize = sent.pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if !fits(site, from, files.saturating_add(texts as u64), there) {
        return sight.shown(position.clone(), Say::Enough, sent);
    }
    let Ok(_place) = site.sealing.acquire().await else { return not_now(&sight, position, sent, StatusCode::SERVICE_UNAVAILABLE) };
    let put = match draft_of(tenant, &sight, position, sent).await {
        Ok(draft) => put(tenant, &sight.place, &code, draft, over, until).await,
        Err(()) => Err(()),
    };
    match put {
        Ok((UnsentChange::Done, seen, until)) => {
            let sight = Sight { draft: Some(Carried { code: code.clone(), seen }), ..sight };
            sight.asked.ok(&saved(site, tenant, &sight, &code, position, sent, until))
        }
        Ok((UnsentChange::Moved, ..)) => sight.asked.page(StatusCode::CONFLICT, &elsewhere(&sight, position, sent)),
        Ok((UnsentChange::Full, ..)) => sight.shown(position.clone(), Say::Full, sent),
        Err(()) => not_now(&sight, position, sent, StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// It is not put away, and stands there as it was filled in.
fn not_now(sight: &Sight<'_>, position: &Position, sent: &Sent, status: StatusCode) -> Response {
    let mut response = sight.shown(position.clone(), Say::Full, sent);
    *response.status_mut() = status;
    response
}

/// Bytes of all its files; one that is named at several places is kept once.
fn bytes_of(sent: &Sent) -> u64 {
    let files: BTreeMap<&str, u64> = sent.files.iter().map(|file| (file.reference.as_str(), file.bytes)).collect();
    files.into_values().fold(0, u64::saturating_add)
}

/// Bytes of what a draft is put in place of; `None`: it is a new one.
async fn in_place_of(tenant: &TenantSite, place: &str, code: Option<&Code>) -> Result<Option<u64>, laufzettel_store::Error> {
    match code {
        Some(code) => size_of(tenant, place, code).await,
        None => Ok(None),
    }
}

/// Counts a draft against its address: a new one, and by how much it grows.
fn fits(site: &Site, from: &str, bytes: u64, there: Option<u64>) -> bool {
    let mut rates = site.rates();
    let grows = bytes.saturating_sub(there.unwrap_or(0));
    let room = rates.weigh_daily(&format!("entwürfe von {from}"), grows, BYTES_PER_DAY_MAX, site.now()).is_ok();
    room && (there.is_some() || rates.count_daily(&format!("neuer entwurf von {from}"), NEW_PER_DAY_MAX, site.now()).is_ok())
}

/// What becomes of it, and the digest of the envelope that stands there now, or would.
async fn put(tenant: &TenantSite, place: &str, code: &Code, draft: Draft, over: Over, until: Timestamp) -> Result<(UnsentChange, Digest, Timestamp), ()> {
    let (store, random) = (&tenant.desk.tenant.store, &tenant.desk.tenant.random);
    let sealed = code.seal(place, &draft, |bytes| random.fill(bytes)).ok_or(())?;
    let seen = Digest::of(&sealed);
    let row = UnsentRow { id: code.id(place).ok_or(())?, form: place.to_owned(), until: micros(until), sealed };
    let change = store.change_unsent(Unsent::Put { row, over }).await.map_err(|_| ())?;
    if change == UnsentChange::Moved
        && let Some(there) = find(tenant, place, code).await.map_err(|_| ())?
        && code.open(place, &there.sealed) == Some(draft)
    {
        // her own, of which she never heard that it was taken
        return Ok((UnsentChange::Done, Digest::of(&there.sealed), Timestamp::from_microsecond(there.until).unwrap_or(until)));
    }
    Ok((change, seen, until))
}

/// What there is to be put away.
async fn draft_of(tenant: &TenantSite, sight: &Sight<'_>, position: &Position, sent: &Sent) -> Result<Draft, ()> {
    let store = &tenant.desk.tenant.store;
    let (mut files, mut once) = (Vec::new(), BTreeSet::new());
    for file in sent.files.iter().filter(|file| once.insert(file.reference.as_str())) {
        let known: Option<File> = serde_json::from_str(&file.reference).ok();
        let Some(known) = known else { continue };
        if let Some(bytes) = store.bytes(&known.file).await.map_err(|_| ())? {
            files.push((file.reference.clone(), bytes));
        }
    }
    let mut pairs = sight.whole.own_pairs(&sent.pairs);
    pairs.extend(position.pairs());
    pairs.push((pages::KEY.to_owned(), sight.key.clone()));
    Ok(Draft::new(&sight.process.version.to_string(), pairs, files))
}

/// Everything a page about the draft carries on.
fn hidden(sight: &Sight<'_>, position: &Position, sent: &Sent) -> Vec<(String, String)> {
    sight.whole.own_pairs(&sent.pairs).into_iter().chain(position.pairs()).chain(sight.draft_pairs()).collect()
}

fn elsewhere(sight: &Sight<'_>, position: &Position, sent: &Sent) -> Page {
    Page::EntwurfAnders(EntwurfAndersPage { action: sight.action.clone(), title: sight.title(), hidden: hidden(sight, position, sent), key: sight.key.clone() })
}

fn saved(site: &Site, tenant: &TenantSite, sight: &Sight<'_>, code: &Code, position: &Position, sent: &Sent, until: Timestamp) -> Page {
    let written = code.written();
    Page::Entwurf(EntwurfPage {
        action: sight.action.clone(),
        title: sight.title(),
        spelled: spelled(&written),
        code: written,
        until: tenant.civil(until).date().to_string(),
        address: format!("{}{}/weiter", site.public_url, sight.action),
        refused: sent.problems.iter().map(|problem| problem.message.get(sight.asked.lang).to_owned()).collect(),
        hidden: hidden(sight, position, sent),
        key: sight.key.clone(),
    })
}

pub async fn page(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    if let Err(answer) = guard(&site, (&name, tenant), &path, &asked, &request) {
        return *answer;
    }
    asked.ok(&asking(&entrance, &asked, Told::Nothing))
}

/// What became of a code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Wrong,
    Deleted,
}

fn asking(entrance: &Entrance, asked: &Asked, told: Told) -> Page {
    Page::Weiter(WeiterPage {
        action: asked.path.clone(),
        form: asked.path.trim_end_matches("/weiter").to_owned(),
        title: entrance.form.title.clone().unwrap_or_else(|| entrance.prepared.process.title.clone()),
        wrong: told == Told::Wrong,
        deleted: told == Told::Deleted,
    })
}

/// Opens a draft, or deletes it.
pub async fn open(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    let from = whence::counted(&request);
    let page = || site.rates().count(&format!("antrag {name}/{path} von {from}"), PAGES_PER_MINUTE_MAX, site.now());
    if let Err(seconds) = tried(&site, &from).and_then(|()| page()) {
        return asked.too_often(seconds);
    }
    // a draft of a form that wants a sign-in opens to nobody without one
    let (request, signed_in) = match admit(&site, (&name, tenant), &path, &asked, request).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    if let Err(answer) = form_data::weighed(&site, &asked, &request) {
        return *answer;
    }
    // a code, and no file: none is kept for whoever has not shown one
    let Some(sent) = form_data::texts(request).await else { return asked.unreadable() };
    if sent.first(pages::HONEYPOT).is_some_and(|text| !text.is_empty()) {
        return asked.missing();
    }
    let place = format!("{name}/{path}");
    let wrong = || asked.page(StatusCode::UNPROCESSABLE_ENTITY, &asking(&entrance, &asked, Told::Wrong));
    let Some(code) = sent.first(pages::CODE).and_then(Code::parse) else { return wrong() };
    let Ok(_place) = site.sealing.acquire().await else { return asked.unavailable() };
    let found = match find(tenant, &place, &code).await {
        Ok(row) => row.and_then(|row| Some((code.open(&place, &row.sealed)?, Digest::of(&row.sealed)))),
        Err(_) => return asked.unavailable(),
    };
    let Some((draft, seen)) = found else { return wrong() };
    if sent.first(pages::INTENT) == Some(pages::INTENT_DISCARD) {
        return match discard(tenant, &place, &code, Over::Anything).await {
            Ok(()) => asked.ok(&asking(&entrance, &asked, Told::Deleted)),
            Err(_) => asked.unavailable(),
        };
    }
    let vouched = vouching(tenant, signed_in.as_ref(), asked.lang);
    let sight = Sight { place, draft: Some(Carried { code, seen }), vouched, ..Sight::new(&entrance.prepared.process, &entrance.form, &asked, String::new()) };
    resumed(tenant, &entrance, sight, draft).await
}

/// The place where it was left. What the form of today does not know any more is left out, and that is said.
async fn resumed(tenant: &TenantSite, entrance: &Entrance, sight: Sight<'_>, mut draft: Draft) -> Response {
    let asked = sight.asked;
    let at = micros(tenant.desk.tenant.clock.now());
    // what the code opened is hers: its files get a seal of today
    let mut fresh = BTreeMap::new();
    for (reference, bytes) in draft.files() {
        let Ok(file) = serde_json::from_str::<File>(reference) else { continue };
        if File::describe(&file.name, &file.media_type, bytes) != file {
            continue;
        }
        if tenant.desk.tenant.store.put_bytes(&file.file, bytes, at).await.is_err() {
            return asked.unavailable();
        }
        fresh.extend(upload::sealed(&tenant.upload_key, &file).map(|sealed| (reference.to_owned(), sealed)));
    }
    for (_, value) in &mut draft.pairs {
        if let Some(sealed) = fresh.get(value) {
            sealed.clone_into(value);
        }
    }
    let sent = Sent::again(draft.pairs, tenant, &entrance.form);
    let Ok((_, problems)) = read_value(tenant, &entrance.prepared.process, &entrance.form, &sent).await else { return asked.unavailable() };
    let key = sent.get(pages::KEY).map_or_else(|| new_key(tenant), str::to_owned);
    let (form, action) = (entrance.form.laid(&sent.pairs), asked.path.trim_end_matches("/weiter").to_owned());
    let say = if draft.version == entrance.prepared.process.version.to_string() { Say::Opened } else { Say::Changed };
    let position = Position::of(&sent);
    Sight { form, problems: &problems, action, key, ..sight }.shown(position, say, &sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::UploadedFile;

    #[test]
    fn one_address_fills_no_form() {
        const MIB: u64 = 1024 * 1024;
        let site = Site::new(BTreeMap::new(), Vec::new(), "");
        for (from, bytes, there, expected) in [
            ("a", 48 * MIB, None, true),
            // in place of itself it does not grow
            ("a", 48 * MIB, Some(48 * MIB), true),
            ("a", 48 * MIB, Some(MIB), true),
            ("a", 2 * MIB, None, false),
            ("a", 3 * MIB, Some(2 * MIB), true),
            ("a", MIB, None, false),
            ("b", 48 * MIB, None, true),
        ] {
            assert_eq!(fits(&site, from, bytes, there), expected, "{from} {bytes} {there:?}");
        }
        let begun = (0..NEW_PER_DAY_MAX + 5).filter(|_| fits(&site, "c", 1, None)).count();
        assert_eq!(begun, usize::try_from(NEW_PER_DAY_MAX).unwrap());
        assert!(fits(&site, "c", 1, Some(1)), "one that is there is saved again");
    }

    #[test]
    fn a_file_named_often_is_counted_once() {
        let file = |path: &str, reference: &str| UploadedFile { path: path.into(), reference: reference.into(), name: "x.pdf".into(), bytes: 4 };
        let files = vec![file("a", "1"), file("a", "1"), file("b", "1"), file("b", "2")];
        assert_eq!(bytes_of(&Sent { pairs: Vec::new(), files, problems: Vec::new() }), 8);
    }
}
