//! What is wrong with a journal, in the words of people and of programs. It looks at nothing.

use laufzettel_domain::Text;

use crate::{NoteError, What};

impl What {
    /// The one name it has in every verifier (`docs/journal.md` §8).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Order => "order",
            Self::Hash => "hash",
            Self::Body => "body",
            Self::Content => "content",
            Self::ContentMissing => "content_missing",
            Self::Shrunk => "shrunk",
            Self::Erasure => "erasure",
            Self::Opening => "opening",
            Self::Fork => "fork",
            Self::RunSequence => "run_sequence",
            Self::Note { .. } => "note",
            Self::CheckpointOrder(_) => "checkpoint_order",
            Self::CheckpointFork(_) => "checkpoint_fork",
            Self::CheckpointHead(_) => "checkpoint_head",
            Self::Truncated(_) => "truncated",
            Self::FileMissing => "file_missing",
            Self::FileBytes => "file_bytes",
            Self::ProcessMissing => "process_missing",
            Self::ProcessText => "process_text",
            Self::ListRow => "list_row",
        }
    }

    pub fn text(&self) -> Text {
        let de = match self {
            Self::Gap => "davor fehlt ein Eintrag".to_owned(),
            Self::Order => "ein Eintrag steht doppelt oder an falscher Stelle".to_owned(),
            Self::Hash => "die Prüfsumme passt nicht: Dieser Eintrag oder der davor wurde geändert, oder er gehört nicht hierher".to_owned(),
            Self::Body => "der Eintrag ist kein JSON-Objekt".to_owned(),
            Self::Content => "der Inhalt passt nicht zu seiner Prüfsumme".to_owned(),
            Self::ContentMissing => "der Inhalt fehlt, und keine Löschung sagt es".to_owned(),
            Self::Shrunk => "nur die Prüfsumme dieses Eintrags ist noch da, und keine Löschung sagt es".to_owned(),
            Self::Erasure => "er erzählt von einer Löschung, die so nicht war".to_owned(),
            Self::Opening => "die Spur beginnt nicht mit den Enden, die sie vorfand".to_owned(),
            Self::Fork => "eine Spur wurde geändert, nachdem eine andere sie gesehen hatte".to_owned(),
            Self::RunSequence => "Einträge dieses Vorgangs fehlen oder stehen doppelt".to_owned(),
            Self::Note { number, error } => format!("Prüfpunkt {number}: {}", note(error)),
            Self::CheckpointOrder(number) => format!("Prüfpunkt {number} fehlt oder steht an falscher Stelle"),
            Self::CheckpointFork(number) => format!("Prüfpunkt {number} der Datenbank ist ein anderer als beim Zeugen"),
            Self::CheckpointHead(number) => format!("Prüfpunkt {number} sagt von diesem Eintrag etwas anderes"),
            Self::Truncated(number) => format!("Prüfpunkt {number} nennt einen Eintrag, den es nicht gibt: Das Ende wurde abgeschnitten"),
            Self::FileMissing => "eine Datei, die sein Inhalt beschreibt, fehlt, und der Inhalt wurde nicht gelöscht".to_owned(),
            Self::FileBytes => "die Bytes einer Datei passen nicht zu ihrem Namen".to_owned(),
            Self::ProcessMissing => "der Prozess, nach dem der Vorgang läuft, ist nicht mehr da".to_owned(),
            Self::ListRow => "die Liste der Vorgänge oder der Aufgaben sagt etwas anderes als dieser Eintrag".to_owned(),
            Self::ProcessText => "ein aufbewahrter Prozess ist nicht der, für den sein Name steht".to_owned(),
        };
        Text::new(de, self.to_string())
    }
}

fn note(error: &NoteError) -> &'static str {
    match error {
        NoteError::Malformed => "keine signierte Notiz",
        NoteError::UnknownKey => "mit einem Schlüssel signiert, der hier nicht bekannt ist",
        NoteError::BadSignature => "die Signatur passt nicht zum Text",
    }
}
