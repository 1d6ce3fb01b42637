//! `audit subject` and `audit processing`: the reports for the data protection officer, at the command line.

use laufzettel_domain::Lang;
use laufzettel_policy::Action;
use laufzettel_server::{
    register,
    subject::{self, SubjectError, SubjectReport, SubjectRun},
};
use laufzettel_worker::trail::REASON_CHARS_MAX;

use super::{Done, Failed, entitled, wish_failed};
use crate::{
    house::House,
    out::{Out, code},
    wish::SubjectWish,
};

pub async fn subject(house: &House, wish: &SubjectWish, out: &Out) -> Done {
    let by = entitled(house, &[Action::AuditRead], out).await?;
    let reason = wish.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Failed::new(code::USAGE, out.text("Ein Grund hat 1 bis 500 Zeichen.", "A reason has 1 to 500 characters.")));
    }
    let report = match subject::report(&house.desk, &by, &wish.fields, reason, out.lang).await {
        Ok(report) => report,
        Err(SubjectError::TooVague) => {
            let (de, en) = (
                "Bitte mindestens zwei Angaben zur Person, damit niemand verwechselt wird: --familienname, --geburtsdatum, --feld NAME=WERT …",
                "Please at least two details of the person, so that nobody is taken for somebody else: --familienname, --geburtsdatum, --feld NAME=VALUE …",
            );
            return Err(Failed::new(code::USAGE, out.text(de, en)));
        }
        Err(SubjectError::Wish(error)) => return Err(wish_failed(error, out.lang)),
    };
    if out.json {
        out.value(&serde_json::to_value(&report).unwrap_or_default()).await;
    } else {
        tell(&report, out).await;
    }
    Ok(code::DONE)
}

async fn tell(report: &SubjectReport, out: &Out) {
    out.data(format!("Auskunft nach Art. 15 DSGVO, {}, {}", report.mandant, report.erstellt)).await;
    out.data(format!("Gesucht nach: {}. Vorgänge: {}", report.gesucht_nach.join(", "), report.vorgaenge.len())).await;
    for run in &report.vorgaenge {
        for line in lines(run) {
            out.data(line).await;
        }
    }
    if report.mehr {
        out.note("Es gibt weitere Vorgänge; bitte genauer suchen.").await;
    }
    if !report.nicht_gefunden_in.is_empty() {
        out.note(format!("Hier wurde nicht gesucht (Prozesse ohne „betroffen“ nennen niemanden): {}", report.nicht_gefunden_in.join("; "))).await;
    }
}

fn lines(run: &SubjectRun) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("{} – {} ({})", run.nummer, run.bezeichnung, run.prozess),
        format!("  Zweck: {}. Rechtsgrundlage: {}", run.zweck, run.rechtsgrundlage.join("; ")),
        format!("  Kategorien: {}. Verantwortlich: {}", run.kategorien.join("; "), run.verantwortlich),
        format!("  Automatisierung: {}", run.automatisierung),
    ];
    for (name, list) in [
        ("Herkunft", &run.herkunft),
        ("Empfänger", &run.empfaenger),
        ("Aufbewahrung", &run.aufbewahrung),
        ("Automatische Schritte", &run.automatische_schritte),
    ] {
        lines.extend(list.iter().map(|text| format!("  {name}: {text}")));
    }
    lines.push(format!("  Inhalte: {}", serde_json::to_string(&run.inhalte).unwrap_or_default()));
    lines.extend(run.dateien.iter().map(|file| format!("  Datei: {} ({}, {} Byte)", file.name, file.media_type, file.size)));
    lines
}

pub async fn processing(house: &House, process: Option<&str>, format: &str, out: &Out) -> Done {
    entitled(house, &[Action::AuditRead], out).await?;
    let entries = register::register(&house.desk.tenant, process, Lang::De);
    if let (Some(process), true) = (process, entries.is_empty()) {
        return Err(Failed::new(code::USAGE, format!("{} {process}", out.text("Diesen Prozess gibt es nicht:", "There is no such process:"))));
    }
    let text = match (format, out.json) {
        ("json", _) | ("md", true) => serde_json::to_string(&entries).unwrap_or_default(),
        ("md", false) => register::markdown(&entries),
        ("csv", _) => register::table(&entries),
        _ => return Err(Failed::new(code::USAGE, out.text("Möglich sind: md, csv, json.", "Possible are: md, csv, json."))),
    };
    out.data(text.trim_end()).await;
    Ok(code::DONE)
}
