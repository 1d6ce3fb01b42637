//! `keys …`: keys of programs: everybody her own, whoever looks after the house all of them. A key is told once, and never again.

use laufzettel_domain::{Caller, Span, Via};
use laufzettel_policy::{Action, permit};
use laufzettel_worker::{Key, KeyError, KeyWish};
use serde_json::json;

use super::{Done, Failed, caller, entitled, operator, os_user, person, wish_failed};
use crate::{
    house::House,
    out::{Out, code},
    wish::KeysCreate,
};

/// Milliseconds a key lives at most: two years, then somebody must want it again.
const LIFE_MS_MAX: i64 = 731 * 24 * 3600 * 1000;
/// Characters of a name people give it.
const NAME_CHARS_MAX: usize = 80;
/// Patterns of one key: who needs more needs another key.
const PROCESSES_MAX: usize = 50;

fn key_failed(error: KeyError, out: &Out) -> Failed {
    match error {
        KeyError::Unknown => {
            let en = "There is no such valid key (laufzettel keys list).";
            Failed::new(code::USAGE, out.text("Einen solchen gültigen Schlüssel gibt es nicht (laufzettel keys list).", en))
        }
        KeyError::TooMany => {
            let en = "There are too many keys already; first revoke what nobody needs any more.";
            Failed::new(code::USAGE, out.text("Es gibt schon zu viele Schlüssel; sperren Sie zuerst, was niemand mehr braucht.", en))
        }
        other => Failed::new(code::ENDED_BADLY, other.to_string()),
    }
}

pub async fn create(house: &House, wish: KeysCreate, out: &Out) -> Done {
    let (by, holder) = holder(house, &wish, out).await?;
    let clean = !wish.name.trim().is_empty() && wish.name.chars().count() <= NAME_CHARS_MAX && !wish.name.chars().any(char::is_control);
    if !clean || wish.processes.len() > PROCESSES_MAX {
        return Err(Failed::new(
            code::USAGE,
            out.told(
                format!("Ein Name hat 1 bis {NAME_CHARS_MAX} Zeichen, ein Schlüssel höchstens {PROCESSES_MAX} Muster."),
                format!("A name has 1 to {NAME_CHARS_MAX} characters, a key {PROCESSES_MAX} patterns at most."),
            ),
        ));
    }
    let life = Span::parse(&wish.expires).filter(|span| (1..=LIFE_MS_MAX).contains(&span.approx_millis()));
    let life = life.ok_or_else(|| {
        Failed::new(code::USAGE, out.text("--expires ist eine Dauer wie P90D, höchstens zwei Jahre.", "--expires is a duration like P90D, two years at most."))
    })?;
    let tenant = &house.desk.tenant;
    let expires = life.after(tenant.clock.now(), &tenant.zone());
    let asked = KeyWish { name: wish.name, holder, processes: wish.processes, per_minute: wish.per_minute, expires };
    let (id, token) = house.desk.create_key(asked, &by, &os_user(out)).await.map_err(|e| key_failed(e, out))?;
    if out.json {
        out.value(&json!({ "key": id, "token": token, "expires": expires })).await;
    } else {
        out.data(token).await;
        out.note(out.text("Dieser Schlüssel wird nur jetzt gezeigt.", "This key is shown only now.")).await;
    }
    Ok(code::DONE)
}

/// Who makes the key, and whom it acts for: a service account, which takes the right to look after the house, or its maker.
async fn holder(house: &House, wish: &KeysCreate, out: &Out) -> Result<(Caller, Caller), Failed> {
    if let Some(service) = &wish.service {
        let by = entitled(house, &[Action::Admin], out).await?;
        if house.desk.tenant.rules.services.contains_key(service) {
            return Ok((by, Caller::service(service, Via::Api)));
        }
        return Err(Failed::new(
            code::USAGE,
            out.told(format!("Das Dienstkonto „{service}“ gibt es nicht."), format!("There is no service account \"{service}\".")),
        ));
    }
    // a key acts as its holder: nobody makes one in the name of somebody else
    let by = caller(house, out).await?;
    house.desk.who(&by).await.map_err(|nobody| wish_failed(nobody.into(), out.lang))?;
    let holder = Caller { via: Via::Api, os_user: None, ..by.clone() };
    Ok((by, holder))
}

pub async fn list(house: &House, out: &Out) -> Done {
    let own = match person(house, out).await? {
        None => None,
        Some(by) => {
            let who = house.desk.who(&by).await.map_err(|nobody| wish_failed(nobody.into(), out.lang))?;
            let all = permit(&who, &Action::Admin, None, &house.desk.tenant.rules).allow;
            (!all).then_some(by.subject)
        }
    };
    let now = house.desk.tenant.clock.now();
    for key in house.desk.keys().await?.values().filter(|key| own.as_ref().is_none_or(|own| key.holder.subject == *own)) {
        let state = state(key, now, out);
        if out.json {
            out.value(&json!({ "key": key.id, "name": key.name, "holder": key.holder.subject, "processes": key.processes, "per_minute": key.per_minute,
                "created": jiff::Timestamp::from_microsecond(key.created).ok(), "expires": key.expires, "revoked": key.revoked, "lives": key.lives(now) }))
                .await;
        } else {
            out.data(format!("{}  {:<10}  {}  {}  {}  {}", key.id, state, key.expires, key.name, key.holder.subject, key.processes.join(", "))).await;
        }
    }
    Ok(code::DONE)
}

fn state<'o>(key: &Key, now: jiff::Timestamp, out: &'o Out) -> &'o str {
    match (key.revoked, key.lives(now)) {
        (true, _) => out.text("gesperrt", "revoked"),
        (false, true) => out.text("gilt", "valid"),
        (false, false) => out.text("abgelaufen", "expired"),
    }
}

/// Everybody takes back her own; all others' takes the right to look after the house. Taking back only takes away: where nobody can
/// be asked who she is (the directory is silent, no server runs), the operating system's user does it in an emergency.
async fn revoker(house: &House, id: &str, out: &Out) -> Result<Caller, Failed> {
    if out.asker.by.is_none() && out.signed_in().await.is_none() {
        return Ok(operator(out));
    }
    let by = caller(house, out).await?;
    if house.desk.keys().await?.get(id).is_some_and(|key| key.holder.subject == by.subject) {
        return Ok(by);
    }
    entitled(house, &[Action::Admin], out).await
}

pub async fn revoke(house: &House, id: &str, out: &Out) -> Done {
    let by = revoker(house, id, out).await?;
    let key = house.desk.revoke_key(id, &by, &os_user(out)).await.map_err(|e| key_failed(e, out))?;
    out.note(format!("{} ({}): {}", key.id, key.name, out.text("gesperrt", "revoked"))).await;
    Ok(code::DONE)
}
