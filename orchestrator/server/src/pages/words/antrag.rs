//! Wordings of applications: pages of a form, drafts: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[
    // --- pages of a form
    ("step", "Schritt", "Step"),
    ("step_of", "von", "of"),
    ("steps_heading", "Alle Schritte", "All steps"),
    ("progress_done", "erledigt", "done"),
    ("progress_here", "hier sind Sie", "you are here"),
    ("progress_unfinished", "noch nicht vollständig", "not complete yet"),
    ("progress_open", "noch offen", "still to do"),
    ("next", "Weiter", "Continue"),
    ("back", "Zurück", "Back"),
    ("back_to_summary", "Zurück zur Zusammenfassung", "Back to the summary"),
    // --- conditions
    ("if_applicable", "nur wenn es auf Sie zutrifft", "only if it applies to you"),
    (
        "new_questions",
        "Durch Ihre Angaben sind hier weitere Fragen dazugekommen. Bitte beantworten Sie auch diese.",
        "Your answers have brought up further questions here. Please answer these, too.",
    ),
    (
        "missing_because",
        "Wegen Ihrer anderen Angaben brauchen wir das auch. Bitte ausfüllen.",
        "Because of your other answers we need this, too. Please fill in.",
    ),
    // --- lists
    ("entry_add", "Hinzufügen:", "Add:"),
    ("entry_remove", "Entfernen", "Remove"),
    ("entry_done", "Übernehmen", "Save this entry"),
    ("entry_unfinished", "Hier fehlen noch Angaben, oder sie stimmen noch nicht.", "Some entries are missing here or not right yet."),
    ("entries_none", "Noch nichts eingetragen.", "Nothing entered yet."),
    ("entries_full", "Mehr lässt sich hier nicht eintragen. Höchstens", "No more can be entered here. At most"),
    ("list_one_missing", "Bitte tragen Sie hier mindestens einen Eintrag ein.", "Please add at least one entry here."),
    ("list_missing", "Bitte tragen Sie hier mindestens {min} Einträge ein.", "Please add at least {min} entries here."),
    // --- files
    ("missing_file", "Bitte wählen Sie eine Datei aus.", "Please choose a file."),
    ("missing_files", "Bitte wählen Sie mindestens eine Datei aus.", "Please choose at least one file."),
    ("file_each", "je Datei", "each"),
    ("file_several", "Anzahl der Dateien: höchstens", "Number of files: at most"),
    ("file_full", "Es ist keine weitere Datei möglich.", "No further file is possible."),
    (
        "file_wrong_kind",
        "„{name}“ ist keine Datei, die wir hier annehmen. Möglich sind: {kinds}. Entscheidend ist der Inhalt der Datei, nicht ihr Name.",
        "\"{name}\" is not a file we accept here. Possible: {kinds}. What counts is the content of the file, not its name.",
    ),
    (
        "file_too_large",
        "„{name}“ ist zu groß ({size}). Höchstens {max} je Datei sind möglich.",
        "\"{name}\" is too large ({size}). At most {max} for each file are possible.",
    ),
    (
        "file_too_many",
        "„{name}“ haben wir nicht übernommen: Höchstens {max} Dateien sind hier möglich.",
        "We did not take \"{name}\": at most {max} files are possible here.",
    ),
];
