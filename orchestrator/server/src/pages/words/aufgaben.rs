//! Wordings of tasks and the values of a run: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[
    // --- where values come from
    ("origin_vorgang", "Vorgang", "Case"),
    ("origin_prozess", "Prozess", "Process"),
    ("fixed_text", "fester Text", "fixed text"),
    ("from_case", "aus dem Vorgang", "from the case"),
    ("entered_by", "eingegeben von", "entered by"),
    ("her_answer", "Antwort auf eine Rückfrage", "answer to a question"),
    ("news", "Meldung", "news"),
    ("proposal_kept", "Vorschlag unverändert übernommen", "proposal kept unchanged"),
    ("proposal_changed", "Vorschlag geändert", "proposal changed"),
    ("chosen_by_model", "vom Modell gewählt", "chosen by the model"),
    ("asked_by_model", "vom Modell gefragt", "asked by the model"),
    ("by_configuration", "Freigabe des Werkzeugs im Haus", "how the house has approved the tool"),
    // --- labels
    ("schutzbedarf_kein", "keiner", "none"),
    ("schutzbedarf_niedrig", "niedrig", "low"),
    ("schutzbedarf_normal", "normal", "normal"),
    ("schutzbedarf_hoch", "hoch", "high"),
    ("kategorie_personenbezogen", "personenbezogen", "personal"),
    ("kategorie_vertraulich", "vertraulich", "confidential"),
    ("kategorie_sozialdaten", "Sozialdaten", "social security data"),
    ("kategorie_steuerdaten", "Steuerdaten", "tax data"),
    ("kategorie_meldedaten", "Meldedaten", "registration data"),
    ("kategorie_personaldaten", "Personaldaten", "staff data"),
    ("kategorie_art9", "besondere Daten nach Art. 9 DSGVO", "special data under Art. 9 GDPR"),
    ("kategorie_auskunftssperre", "Auskunftssperre", "disclosure block"),
    ("trust_untrusted", "im Haus noch nicht geprüft", "not checked by the house yet"),
    ("trust_inert", "im Haus noch nicht geprüft, aber in fester Form", "not checked by the house yet, but of a fixed form"),
    // --- quotations and long texts
    ("quoted_from", "belegt durch", "shown by"),
    ("document", "Dokument", "Document"),
    ("place", "Stelle", "Place"),
    (
        "quotation_lost",
        "Diese Stelle liegt diesem Vorgang nicht vor. Bitte im Dokument selbst nachsehen.",
        "This case does not have this passage. Please look into the document itself.",
    ),
    ("whole_passage", "Ganze Fundstelle zeigen", "Show the whole passage"),
    ("whole_text", "Ganz zeigen", "Show all of it"),
    ("rest_elsewhere", "Der Text geht noch weiter.", "The text goes on."),
    ("open_everything", "Seite mit ganzen Texten öffnen", "Open the page with whole texts"),
    // --- proposals
    ("proposal_by", "Vorgeschlagen von", "Proposed by"),
    ("proposal_whole", "Vorschlag ganz zeigen", "Show the whole proposal"),
    // --- tasks nobody's step asks for
    ("what_happened", "Was geschehen ist", "What happened"),
    ("done_already", "Was schon getan ist", "What is done already"),
    ("what_choices_do", "Was jede Wahl bewirkt", "What each choice does"),
];
