//! `audit erase`: contents of a run that go on request (Art. 17 GDPR). Always somebody by name: nobody erases for the house as such.

use laufzettel_domain::Lang;
use laufzettel_worker::{EraseError, Erased};
use serde_json::json;

use super::{Done, Failed, caller, denied, find_run, no_run};
use crate::{
    house::House,
    out::{Out, code},
};

/// Characters of a reason: two sentences in the journal.
const REASON_CHARS_MAX: usize = 500;

pub async fn erase(house: &House, written: &str, reason: &str, with_decisions: bool, out: &Out) -> Done {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Failed::new(code::USAGE, out.text("Ein Grund hat 1 bis 500 Zeichen.", "A reason has 1 to 500 characters.")));
    }
    let by = caller(house, out).await?;
    let run = find_run(house, written, out.lang).await?;
    let erased = house.desk.erase_on_request(run, &by, with_decisions, reason).await.map_err(|error| failed(error, out.lang))?;
    for one in &erased {
        if out.json {
            let until = (one.kept > 0).then_some(one.until);
            out.value(&json!({ "run": one.run.to_string(), "nummer": one.nummer, "erased": one.gone, "kept": one.kept, "kept_until": until })).await;
        } else {
            out.data(line(one, out.lang)).await;
        }
    }
    if !with_decisions && erased.iter().any(|one| one.kept > 0) {
        let (de, en) = (
            "Belege sind Entscheidungen von Menschen und Berechnungen nach Regeln (Art. 17 Abs. 3 DSGVO). Auch sie: --with-decisions.",
            "What is kept are decisions of people and calculations by rules (Art. 17(3) GDPR). Them, too: --with-decisions.",
        );
        out.note(out.text(de, en)).await;
    }
    Ok(code::DONE)
}

fn line(one: &Erased, lang: Lang) -> String {
    let (nummer, gone, kept, until) = (&one.nummer, one.gone, one.kept, one.until);
    match (lang, kept) {
        (Lang::De, 0) => format!("{nummer}: Inhalte von {gone} Einträgen gelöscht, kein Inhalt ist mehr da. Verlauf und Prüfsummen bleiben bis {until}."),
        (Lang::De, _) => format!("{nummer}: Inhalte von {gone} Einträgen gelöscht. Es bleiben {kept} Belege, der Verlauf und die Prüfsummen bis {until}."),
        (Lang::En, 0) => format!("{nummer}: contents of {gone} records erased, no content is left. Timeline and hashes stay until {until}."),
        (Lang::En, _) => format!("{nummer}: contents of {gone} records erased. {kept} decisions or calculations, timeline and hashes stay until {until}."),
    }
}

fn failed(error: EraseError, lang: Lang) -> Failed {
    let german = lang == Lang::De;
    match error {
        EraseError::Unknown => no_run(lang),
        EraseError::Denied(decision) => denied(&decision, lang),
        EraseError::Open(nummer) if german => Failed::new(
            code::ENDED_BADLY,
            format!("Der Vorgang {nummer} ist noch nicht beendet. Gelöscht wird nur, was beendet ist; abbrechen: laufzettel runs cancel {nummer}"),
        ),
        EraseError::Open(nummer) => {
            Failed::new(code::ENDED_BADLY, format!("The run {nummer} has not ended. Only what has ended is erased; to end it: laufzettel runs cancel {nummer}"))
        }
        EraseError::Witness(error) => Failed::new(code::ENDED_BADLY, format!("Der Zeuge lässt sich nicht beschreiben, deshalb wird nichts gelöscht: {error}")),
        EraseError::Unavailable(why) => Failed::new(code::ENDED_BADLY, why),
    }
}
