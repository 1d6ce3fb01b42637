//! Whether an applicant can be asked at all: a question her status page cannot show is none (LZ610). What she may see, and whether there
//! is anybody to ask, others prove.

use laufzettel_domain::{Findings, Text, Value};
use laufzettel_process::{Process, model::StepKind};
use laufzettel_server::pages::Form;

/// Choices that come from the run are such as any list gives.
pub fn check(process: &Process, findings: &mut Findings) {
    for step in process.steps.values() {
        let StepKind::Human(human) = &step.kind else { continue };
        if !human.asks_applicant() {
            continue;
        }
        let mut form = human.form.root.clone();
        for name in human.auswahl.keys() {
            if let Some(field) = form.pointer_mut(&format!("/properties/{name}")) {
                field["x-auswahl"] = Value::Array(Vec::new());
            }
        }
        if let Err(error) = Form::of(&form, Some(&human.form_order)) {
            let key = format!("steps.{}.human.form", step.id);
            let (de, en) = (
                format!("Das Formular lässt sich auf der Statusseite nicht zeigen, Feld „{}“.", error.field),
                format!("The status page cannot show this form: {error}."),
            );
            findings.error("LZ610", step.at, key, Text::new(de, en)).hint = Some(Text::new(
                "Zeigen lassen sich Text, Zahl, Datum, ja/nein, Auswahl, Datei, einfache Listen und Blöcke daraus.",
                "Text, number, date, yes/no, choice, file, plain lists, and blocks of these can be shown.",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use laufzettel_domain::Lang;
    use laufzettel_process::{Folder, read};

    use super::*;

    const HEAD: &str = "process: probe\nversion: 1.0.0\ntitle: Probe\nverantwortlich: FB1\nrechtsgrundlage: [Satzung]\nzweck: Prüfen\nschutzbedarf: normal\ndatenkategorien: []\naufbewahrung: { vorgang: P1Y, inhalte: P1M }\nautomatisierung: assistenz\ntriggers: [{ intake: { path: probe, run_as: service:svc } }]\ninput: { type: object, properties: { liste: { type: array, items: { type: string } } } }\n";

    #[test]
    fn a_question_the_page_cannot_show_is_refused() {
        for (who, field, expected) in [
            ("applicant", "{ type: string, format: date }", None),
            ("applicant", "{ type: object, format: file }", None),
            ("applicant", "{ type: string, x-auswahl: \"{{ input.liste }}\" }", None),
            ("applicant", "{ type: array, items: { type: object } }", Some("LZ610 steps.frage.human.form")),
            ("{ groups: [GG] }", "{ type: array, items: { type: object } }", None),
        ] {
            let step = format!("steps: {{ frage: {{ human: {{ assign: {who}, form: {{ type: object, properties: {{ x: {field} }} }} }} }} }}\n");
            let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), format!("{HEAD}{step}"))]) };
            let mut findings = Findings::new("p.yaml");
            let process = read::read(&folder, "p.yaml", &mut findings);
            let process = process.unwrap_or_else(|| panic!("{:?}", findings.clone().into_sorted().iter().map(|f| f.line(Lang::De)).collect::<Vec<_>>()));
            check(&process, &mut findings);
            let found: Vec<String> = findings.into_sorted().iter().map(|f| format!("{} {}", f.code, f.key)).collect();
            assert_eq!(found, expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{who} {field}");
        }
    }
}
