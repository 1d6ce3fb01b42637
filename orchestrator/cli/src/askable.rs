//! Whether people can be asked at all: a question an applicant's status page cannot show is none (LZ610; of a task of staff, who have the
//! interface, it is a warning), nor is an application without a form (LZ613). What she may see, and whether there is anybody to ask, others prove.

use laufzettel_domain::{Findings, Text, Value};
use laufzettel_process::{
    Process,
    model::{StepKind, TriggerKind},
};
use laufzettel_server::pages::{Form, form::Error};

/// Choices that come from the run are such as any list gives.
pub fn check(process: &Process, findings: &mut Findings) {
    application(process, findings);
    for step in process.steps.values() {
        let StepKind::Human(human) = &step.kind else { continue };
        let mut form = human.form.root.clone();
        for name in human.auswahl.keys() {
            if let Some(field) = form.pointer_mut(&format!("/properties/{name}")) {
                field["x-auswahl"] = Value::Array(Vec::new());
            }
        }
        let Err(error) = Form::of(&form, Some(&human.form_order)) else { continue };
        let key = format!("steps.{}.human.form", step.id);
        let finding = if human.asks_applicant() {
            let de = format!("Das Formular lässt sich auf der Statusseite nicht zeigen. {}", why(&error));
            findings.error("LZ610", step.at, key, Text::new(de, format!("The status page cannot show this form: {error}.")))
        } else {
            let de = format!("Auf den Seiten lässt sich diese Aufgabe nicht beantworten, nur über API und Kommandozeile. {}", why(&error));
            findings.warning("LZ610", step.at, key, Text::new(de, format!("This task cannot be answered on the pages, only by API and command line: {error}.")))
        };
        finding.hint = Some(Text::new(
            "Zeigen lassen sich Text, Zahl, Tag, Zeitpunkt, Dauer, ja/nein, Auswahl, Datei, einfache Listen und Blöcke daraus.",
            "Text, number, day, moment, duration, yes/no, choice, file, plain lists, and blocks of these can be shown.",
        ));
    }
}

/// Which field, and what it is that cannot be asked.
fn why(error: &Error) -> String {
    let of = if error.field.is_empty() { "Das Ganze".to_owned() } else { format!("Feld „{}“", error.field) };
    format!("{of}: {}.", error.reason.de)
}

/// What nobody is asked for on a page need not have one.
fn application(process: &Process, findings: &mut Findings) {
    let Some(trigger) = process.triggers.iter().find(|trigger| matches!(trigger.kind, TriggerKind::Intake { .. })) else { return };
    let Err(error) = Form::paged(&process.input.root) else { return };
    let (de, en) = (
        format!("Aus dieser Eingabe lässt sich kein Antragsformular machen. {}", why(&error)),
        format!("No application form can be made of this input: {error}."),
    );
    findings.error("LZ613", trigger.at, "input".to_owned(), Text::new(de, en)).hint = Some(Text::new(
        "Ein Formular versteht Text, Zahl, Tag, Zeitpunkt, Dauer, ja/nein, Auswahl, Datei, Listen davon, Blöcke, Listen von Blöcken (bis vier ineinander) und Bedingungen mit if/then/else, dependentRequired und dependentSchemas.",
        "A form understands text, number, day, moment, duration, yes/no, choice, file, lists of these, blocks, lists of blocks (up to four within each other), and conditions by if/then/else, dependentRequired and dependentSchemas.",
    ));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use laufzettel_domain::Lang;
    use laufzettel_process::{Folder, read};

    use super::*;

    const HEAD: &str = "process: probe\nversion: 1.0.0\ntitle: Probe\nverantwortlich: FB1\nrechtsgrundlage: [Satzung]\nzweck: Prüfen\nschutzbedarf: normal\ndatenkategorien: []\naufbewahrung: { vorgang: P1Y, inhalte: P1M }\nautomatisierung: assistenz\ntriggers: [{ intake: { path: probe, run_as: service:svc } }]\ninput: { type: object, properties: { liste: { type: array, items: { type: string } } } }\n";

    #[test]
    fn an_application_without_a_form_is_refused() {
        for (input, expected) in [
            ("{ type: object, properties: { x: { type: array, items: { type: object, properties: { y: { type: string } } } } } }", None),
            ("{ type: object, properties: { x: { type: string } }, if: { required: [x] }, then: { properties: { y: { type: string } } } }", None),
            ("{ type: object, properties: { x: { type: string } }, anyOf: [{ required: [x] }] }", Some("LZ613 input")),
            ("{ type: object, properties: { x: { type: array, items: { type: boolean } } } }", Some("LZ613 input")),
        ] {
            let (head, _) = HEAD.split_once("input:").expect("the head has an input");
            let text = format!("{head}input: {input}\nsteps: {{ a: {{ set: {{ b: 1 }} }} }}\n");
            let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), text)]) };
            let mut findings = Findings::new("p.yaml");
            let process = read::read(&folder, "p.yaml", &mut findings);
            let process = process.unwrap_or_else(|| panic!("{:?}", findings.clone().into_sorted().iter().map(|f| f.line(Lang::De)).collect::<Vec<_>>()));
            check(&process, &mut findings);
            let found = findings.into_sorted();
            let told: Vec<String> = found.iter().map(|f| format!("{} {}", f.code, f.key)).collect();
            assert_eq!(told, expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{input}");
            assert!(
                found.iter().all(|f| f.line(Lang::De).contains("Feld „x“: eine Liste von anderem als")
                    || f.line(Lang::De).contains("Das Ganze: „anyOf“ über einen ganzen Block")),
                "{input}"
            );
        }
    }

    #[test]
    fn a_question_the_page_cannot_show_is_refused() {
        for (who, field, expected) in [
            ("applicant", "{ type: string, format: date }", None),
            ("applicant", "{ type: object, format: file }", None),
            ("applicant", "{ type: string, x-auswahl: \"{{ input.liste }}\" }", None),
            ("applicant", "{ type: array, items: { type: object } }", Some("Fehler LZ610 steps.frage.human.form")),
            ("{ groups: [GG] }", "{ type: array, items: { type: object } }", Some("Warnung LZ610 steps.frage.human.form")),
            ("{ groups: [GG] }", "{ type: string, format: date-time }", None),
        ] {
            let step = format!("steps: {{ frage: {{ human: {{ assign: {who}, form: {{ type: object, properties: {{ x: {field} }} }} }} }} }}\n");
            let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), format!("{HEAD}{step}"))]) };
            let mut findings = Findings::new("p.yaml");
            let process = read::read(&folder, "p.yaml", &mut findings);
            let process = process.unwrap_or_else(|| panic!("{:?}", findings.clone().into_sorted().iter().map(|f| f.line(Lang::De)).collect::<Vec<_>>()));
            check(&process, &mut findings);
            let level = |f: &laufzettel_domain::Finding| if f.line(Lang::De).contains("Warnung") { "Warnung" } else { "Fehler" };
            let found: Vec<String> = findings.into_sorted().iter().map(|f| format!("{} {} {}", level(f), f.code, f.key)).collect();
            assert_eq!(found, expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{who} {field}");
        }
    }
}
