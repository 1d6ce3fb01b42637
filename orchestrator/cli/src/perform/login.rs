//! `login`, `logout`: who sits at this seat, said on the pages of the running server.

use std::time::Duration;

use laufzettel_server::{Answered, Seat, Site, Waiting};

use super::{Done, Failed};
use crate::{
    config::Login,
    house::House,
    out::{Out, code},
};

/// Seconds between two looks whether whoever called is still there.
const LOOK_S: u64 = 1;

enum Answer {
    Told(Answered),
    Aged,
    Replaced,
}

fn nowhere() -> Failed {
    Failed::new(code::USAGE, "Diese Sitzung lässt sich nicht wiedererkennen. Bitte aus einer Shell aufrufen, die offen bleibt.")
}

/// Shows a code and waits until somebody says on the pages that it is hers.
pub async fn login(site: &Site, house: &House, seat: Option<&Seat>, out: &Out) -> Done {
    let seat = seat.ok_or_else(nowhere)?;
    if house.config.tenants[&house.tenant].login == Login::None {
        return Err(Failed::new(code::USAGE, "Für diesen Mandanten ist keine Anmeldung eingerichtet (login); niemand könnte bestätigen."));
    }
    let waiting = site.wait_at(house.tenant.as_str(), seat.clone());
    let Some(Waiting { code, url, lasts, mut told }) = waiting else {
        return Err(Failed::new(code::ENDED_BADLY, "Es warten schon zu viele Anmeldungen. Bitte in zehn Minuten noch einmal."));
    };
    out.note(format!("{}\n\n  {url}\n", out.text("Bitte im Browser öffnen und bestätigen:", "Please open in a browser and confirm:"))).await;
    out.note(format!("{} {code}. {}", out.text("Dort muss dieser Code stehen:", "This code must stand there:"), out.text("Warte …", "Waiting …"))).await;
    let aged = tokio::time::sleep(lasts);
    tokio::pin!(aged);
    let answered = loop {
        tokio::select! {
            answered = &mut told => break answered.map_or(Answer::Replaced, Answer::Told),
            () = &mut aged => break Answer::Aged,
            // nobody may sign in at a seat that nobody waits at any more
            () = tokio::time::sleep(Duration::from_secs(LOOK_S)) => if out.is_gone() { return Ok(code::ENDED_BADLY) },
        }
    };
    let (caller, until) = match answered {
        Answer::Told(Answered::SignedIn(caller, until)) => (caller, until),
        Answer::Told(Answered::Unwritten) => {
            return Err(Failed::new(code::ENDED_BADLY, "Die Anmeldung ließ sich nicht ins Protokoll schreiben; deshalb gilt sie nicht."));
        }
        Answer::Aged => return Err(Failed::new(code::ENDED_BADLY, "Der Code ist verfallen. Bitte noch einmal: laufzettel login")),
        Answer::Replaced => {
            return Err(Failed::new(code::ENDED_BADLY, "Der Code gilt nicht mehr: Ein neuer aus dieser Sitzung hat ihn ersetzt, oder der Server endet."));
        }
    };
    let clock = until.to_zoned(house.desk.tenant.zone()).strftime("%H:%M");
    let words = out.text("in dieser Sitzung, längstens bis", "in this session, until at the latest");
    out.note(format!("{} {} ({words} {clock}).", out.text("Angemeldet als", "Signed in as"), caller.name)).await;
    if out.json {
        out.value(&serde_json::json!({ "subject": caller.subject, "name": caller.name, "until": until })).await;
    }
    Ok(code::DONE)
}

pub async fn logout(site: &Site, house: &House, seat: Option<&Seat>, out: &Out) -> Done {
    let seat = seat.ok_or_else(nowhere)?;
    match site.leave_seat(house.tenant.as_str(), seat).await {
        Some(caller) => out.note(format!("{} {}.", caller.name, out.text("ist hier abgemeldet", "is signed out here"))).await,
        None => out.note(out.text("Hier war niemand angemeldet.", "Nobody was signed in here.")).await,
    }
    Ok(code::DONE)
}
