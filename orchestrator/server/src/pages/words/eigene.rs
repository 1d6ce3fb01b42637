//! Wordings of the forms of this house's own, by what they ask: kind of task, field, choice. The journal keeps the German form a task was
//! opened with; what people read of it is said here, in their language. Never a word an author wrote.

use laufzettel_domain::{Lang, Value};

use super::words;

/// `eigen_KIND_FIELD`, then `_CHOICE`, or `_hinweis` for what is explained beside the field.
pub(super) const WORDS: &[(&str, &str, &str)] = &[
    ("eigen_restored_titel", "Nach der Wiederherstellung prüfen", "Check after the restore"),
    // --- a step failed
    ("eigen_repair_entscheidung", "Was soll mit dem Schritt geschehen?", "What shall become of the step?"),
    ("eigen_repair_entscheidung_erneut", "Erneut versuchen", "Try again"),
    ("eigen_repair_entscheidung_wert", "Den Wert selbst angeben", "Supply the value"),
    ("eigen_repair_entscheidung_ueberspringen", "Den Schritt überspringen", "Skip the step"),
    ("eigen_repair_entscheidung_abbrechen", "Vorgang abbrechen", "Cancel the case"),
    ("eigen_repair_wert", "Wert, mit dem es weitergeht", "The value it goes on with"),
    (
        "eigen_repair_wert_hinweis",
        "Nur auszufüllen, wenn Sie oben „Den Wert selbst angeben“ gewählt haben.",
        "To be filled in only if you chose “Supply the value” above.",
    ),
    // --- a call was not allowed
    ("eigen_takeover_entscheidung", "Was soll geschehen?", "What shall happen?"),
    ("eigen_takeover_entscheidung_erneut", "Erneut versuchen", "Try again"),
    ("eigen_takeover_entscheidung_abbrechen", "Vorgang abbrechen", "Cancel the case"),
    // --- nobody knows whether a call happened
    ("eigen_doubt_geschehen", "Ist es geschehen?", "Did it happen?"),
    ("eigen_doubt_wert", "Was dabei herauskam", "What came of it"),
    ("eigen_doubt_wert_hinweis", "Nur auszufüllen, wenn Sie oben „Ja“ gewählt haben.", "To be filled in only if you chose “Yes” above."),
    // --- no form can ask for it
    ("eigen_wert_json", "in technischer Schreibweise (JSON)", "in technical notation (JSON)"),
    (
        "eigen_wert_json_hinweis",
        "Für diesen Schritt gibt es kein Formular; die Fach-IT Ihres Hauses hilft.",
        "There is no form for this step; the IT department of your house helps.",
    ),
    ("eigen_wert_json_form", "So sieht der Wert aus:", "The value looks like this:"),
    // --- an agent wants to call something, or asks
    ("eigen_approval_entscheidung", "Soll dieser Aufruf geschehen?", "Shall this call happen?"),
    ("eigen_approval_entscheidung_freigeben", "Genau diesen Aufruf freigeben", "Approve exactly this call"),
    ("eigen_approval_entscheidung_ablehnen", "Nicht ausführen", "Do not carry out"),
    ("eigen_approval_grund", "Grund", "Reason"),
    ("eigen_approval_grund_hinweis", "Erfährt das Modell, wenn Sie ablehnen.", "The model is told if you refuse."),
    (
        "eigen_approval_wieder",
        "Genau dieser Aufruf ist in diesem Schritt schon einmal freigegeben worden.",
        "Exactly this call has been approved once before in this step.",
    ),
    ("eigen_ask_antwort", "Ihre Antwort", "Your answer"),
    ("eigen_ask_antwort_hinweis", "Geht als Material an das Modell.", "Goes to the model as material."),
    // --- a database came from a backup
    ("eigen_restored_entscheidung", "Was soll mit dem Vorgang geschehen?", "What shall become of the case?"),
    ("eigen_restored_entscheidung_fortsetzen", "Geprüft: ab dem Stand der Sicherung fortsetzen", "Checked: go on from the backup"),
    (
        "eigen_restored_entscheidung_abbrechen",
        "Vorgang abbrechen und zurücknehmen, was er bis zur Sicherung getan hat",
        "Cancel the case and undo what it had done up to the backup",
    ),
    // --- what such a task shows
    ("eigen_zeigt_schritt", "Schritt", "Step"),
    ("eigen_zeigt_grund", "Grund", "Reason"),
    ("eigen_zeigt_ziel", "Ziel", "Target"),
    ("eigen_zeigt_schon_geschehen", "Schon geschehen", "Done already"),
    ("eigen_zeigt_werkzeug", "Werkzeug", "Tool"),
    ("eigen_zeigt_wirkung", "Wirkung", "Effect"),
    ("eigen_zeigt_frage", "Frage", "Question"),
    ("eigen_zeigt_vorgang", "Vorgang", "Case"),
    ("eigen_zeigt_stand", "Stand der Sicherung", "State of the backup"),
    ("eigen_zeigt_grund_timeout", "keine Antwort in der vorgesehenen Zeit", "no answer within the time provided"),
    ("eigen_zeigt_grund_unavailable", "nicht erreichbar", "not available"),
    ("eigen_zeigt_grund_invalid_output", "die Antwort hatte nicht die vereinbarte Form", "the answer was not of the agreed form"),
    ("eigen_zeigt_grund_refused", "abgelehnt", "refused"),
    ("eigen_zeigt_grund_invalid", "ein Ausdruck oder eine Regel ergab keinen Wert", "an expression or a rule gave no value"),
    ("eigen_zeigt_wirkung_verlässt das Haus", "verlässt das Haus", "leaves the house"),
    ("eigen_zeigt_wirkung_ändert etwas im Haus", "ändert etwas im Haus", "changes something within the house"),
    ("proposed_by_model", "vom Modell vorgeschlagen", "proposed by the model"),
    ("given_by_process", "vom Prozess vorgegeben, aus", "given by the process, from"),
    ("given_foreign", "Angabe aus fremder Quelle", "told by a foreign source"),
    ("given_inert", "fremde Angabe in fester Form", "told by others, of a fixed form"),
    // --- deputies, handing over, putting aside
    ("eigen_person_hinweis", "Anmeldename im Haus", "User name in the house"),
    ("eigen_vertretung_vertretung", "Wer vertritt", "Who stands in"),
    ("eigen_vertretung_von", "Erster Tag", "First day"),
    ("eigen_vertretung_bis", "Letzter Tag", "Last day"),
    ("eigen_vertretung_fuer", "Wer vertreten wird", "Who is away"),
    (
        "eigen_vertretung_fuer_hinweis",
        "Leer: Sie selbst. Für andere nur mit dem Recht admin; das steht im Protokoll.",
        "Empty: yourself. For others only with the right admin; the journal says so.",
    ),
    ("eigen_weitergabe_an", "Kollegin oder Kollege", "Colleague"),
    ("eigen_weitergabe_notiz", "Notiz", "Note"),
    ("eigen_weitergabe_notiz_hinweis", "Was sie oder er wissen sollte.", "What she or he should know."),
    ("eigen_vorlage_am", "Wieder vorlegen am", "Show it again on"),
    ("eigen_vorlage_notiz", "Notiz zur Wiedervorlage", "Note for that day"),
    ("eigen_vorlage_notiz_hinweis", "Worauf Sie warten.", "What you wait for."),
];

/// The wording of a key, if there is one.
pub fn known(key: &str, lang: Lang) -> Option<&'static str> {
    words().find(|(name, _, _)| *name == key).map(|(_, de, en)| if lang == Lang::De { *de } else { *en })
}

/// What a task of this kind is called; `None`: like the step it is about.
pub fn own_title(kind: &str, lang: Lang) -> Option<&'static str> {
    known(&format!("eigen_{kind}_titel"), lang)
}

/// The engine's form of this kind of task, in the reader's language; what has no wording here stays as it was written down.
pub fn worded(form: &Value, kind: &str, lang: Lang) -> Value {
    let mut form = form.clone();
    let fields = form.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (name, field) in fields {
        let own = format!("eigen_{kind}_{name}");
        put(field, "title", known(&own, lang));
        put(field, "description", known(&format!("{own}_hinweis"), lang));
        for choice in field.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
            let said = choice["const"].as_str().and_then(|word| known(&format!("{own}_{word}"), lang));
            put(choice, "title", said);
        }
    }
    form
}

fn put(schema: &mut Value, key: &str, said: Option<&'static str>) {
    if let (Some(map), Some(said)) = (schema.as_object_mut(), said) {
        map.insert(key.to_owned(), said.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_worded_by_kind_field_and_choice() {
        let written = json!({ "type": "object", "properties": {
            "entscheidung": { "title": "Alt", "enum": ["erneut", "neu"], "oneOf": [{ "const": "erneut", "title": "Alt" }, { "const": "neu", "title": "Neu" }] },
            "betrag": { "title": "Erneut versuchen", "type": "integer" } } });
        let expected = json!({ "type": "object", "properties": {
            "entscheidung": { "title": "What shall happen?", "enum": ["erneut", "neu"], "oneOf": [{ "const": "erneut", "title": "Try again" }, { "const": "neu", "title": "Neu" }] },
            // not its words, whatever they look like
            "betrag": { "title": "Erneut versuchen", "type": "integer" } } });
        assert_eq!(worded(&written, "takeover", Lang::En), expected);
        assert_eq!(worded(&written, "human", Lang::En), written);
    }
}
