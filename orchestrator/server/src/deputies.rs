//! Who stands in for whom: the page where people say so, and end it.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Form as Fields,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use jiff::civil::Date;
use laufzettel_domain::{Lang, Value};
use laufzettel_engine::Rejection;
use laufzettel_process::{Schema, schema::Problem};
use laufzettel_worker::{Absence, Deputyship, WishError};
use serde_json::json;

use crate::{
    pages::{
        Filled, Form, INTENT, INTENT_STAY, Page,
        deputies::{DeputyRow, PATH, VertretungPage},
        words::word,
    },
    reply::Asked,
    site::{Session, Site, TenantSite},
};

/// Choices of people in one list; a directory that lists more is asked by name.
const PEOPLE_MAX: usize = 100;

/// A field for a person: chosen where the directory lists its people, typed elsewhere.
pub fn person_field(title: &str, people: &[(String, String)], lang: Lang) -> Value {
    if people.is_empty() || people.len() > PEOPLE_MAX {
        return json!({ "type": "string", "minLength": 1, "maxLength": 200, "title": title, "description": word("eigen_person_hinweis", lang) });
    }
    let known: Vec<&String> = people.iter().map(|(user, _)| user).collect();
    let named: Vec<Value> = people.iter().map(|(user, name)| json!({ "const": user, "title": name })).collect();
    json!({ "enum": known, "oneOf": named, "title": title })
}

/// Fields in the order they are asked.
const FIELDS: [&str; 4] = ["fuer", "vertretung", "von", "bis"];

struct Asking {
    schema: Value,
    others: bool,
}

impl Asking {
    async fn of(tenant: &TenantSite, session: &Session, lang: Lang) -> Result<Self, WishError> {
        let own = |field: &str| word(&format!("eigen_vertretung_{field}"), lang);
        let others = tenant.desk.may_name_for_others(&session.caller).await?;
        let people = tenant.desk.tenant.directory.people().into_iter().filter(|person| !person.disabled);
        let people: Vec<(String, String, String)> = people.map(|person| (person.sid, person.user, person.name)).collect();
        let but_herself = people.iter().filter(|(sid, ..)| *sid != session.caller.subject).map(|(_, user, name)| (user.clone(), name.clone()));
        let everybody: Vec<(String, String)> = people.iter().map(|(_, user, name)| (user.clone(), name.clone())).collect();
        let mut properties = json!({
            "vertretung": person_field(own("vertretung"), &if others { everybody.clone() } else { but_herself.collect() }, lang),
            "von": { "type": "string", "format": "date", "title": own("von") },
            "bis": { "type": "string", "format": "date", "title": own("bis") } });
        if others {
            properties["fuer"] = person_field(own("fuer"), &everybody, lang);
            properties["fuer"]["description"] = own("fuer_hinweis").into();
        }
        Ok(Self { schema: json!({ "type": "object", "required": ["vertretung", "von", "bis"], "properties": properties }), others })
    }

    fn form(&self) -> Option<Form> {
        Form::of(&self.schema, Some(&FIELDS.map(str::to_owned))).ok()
    }
}

pub async fn page(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    show(tenant, &asked, &session, &[], &[]).await
}

async fn show(tenant: &TenantSite, asked: &Asked, session: &Session, pairs: &[(String, String)], problems: &[Problem]) -> Response {
    let asking = match Asking::of(tenant, session, asked.lang).await {
        Ok(asking) => asking,
        Err(error) => return asked.wish(&error),
    };
    let (Some(form), Ok(all)) = (asking.form(), tenant.desk.deputyships().await) else { return asked.unavailable() };
    let me = &session.caller.subject;
    let hers = |one: &&Deputyship| one.person.subject == *me || one.deputy.subject == *me || asking.others;
    let now = tenant.desk.tenant.clock.now();
    let row = |one: &Deputyship| DeputyRow {
        person: one.person.name.clone(),
        deputy: one.deputy.name.clone(),
        from: tenant.civil(one.from).date(),
        // the moment after is another day
        until: tenant.civil(one.until).date().yesterday().unwrap_or(tenant.civil(one.until).date()),
        holds: one.holds(now),
        end: format!("{PATH}/{}/beenden", one.id),
    };
    let rows = all.iter().filter(hers).map(row).collect();
    let view = form.view(&Filled { pairs, problems, ..Filled::default() }, asked.lang).spoken(|_| true);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    asked.page(status, &Page::Vertretung(VertretungPage { rows, form: view }))
}

pub async fn name(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    uri: Uri,
    headers: HeaderMap,
    Fields(sent): Fields<Vec<(String, String)>>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let asking = match Asking::of(tenant, &session, asked.lang).await {
        Ok(asking) => asking,
        Err(error) => return asked.wish(&error),
    };
    let (Some(form), Ok(schema)) = (asking.form(), Schema::compile(asking.schema.clone())) else { return asked.unavailable() };
    if sent.iter().any(|(name, value)| name == INTENT && value == INTENT_STAY) {
        return show(tenant, &asked, &session, &sent, &[]).await;
    }
    let (values, mut problems) = form.parse(&sent);
    problems.extend(schema.validate(&values));
    if problems.is_empty() {
        match absence(&values) {
            None => return asked.unreadable(),
            Some(wish) => match tenant.desk.name_deputy(&session.caller, &wish).await {
                Ok(()) => return Redirect::to(PATH).into_response(),
                Err(WishError::Rejected(Rejection::Invalid(found))) => problems = found,
                Err(error) => return asked.wish(&error),
            },
        }
    }
    show(tenant, &asked, &session, &sent, &problems).await
}

fn absence(values: &Value) -> Option<Absence> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let day = |name: &str| text(name)?.parse::<Date>().ok();
    Some(Absence { person: text("fuer").map(str::to_owned), deputy: text("vertretung")?.to_owned(), from: day("von")?, until: day("bis")? })
}

pub async fn end(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Fields(_): Fields<HashMap<String, String>>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    match tenant.desk.end_deputy(&session.caller, &id).await {
        Ok(()) => Redirect::to(PATH).into_response(),
        Err(error) => asked.wish(&error),
    }
}
