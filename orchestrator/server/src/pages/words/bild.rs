//! Wordings of the picture of a process and what is live: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[
    ("bild_heading", "Ablauf", "Flow"),
    ("bild_region", "Bild des Ablaufs; es lässt sich in beide Richtungen verschieben", "Picture of the flow; it scrolls both ways"),
    (
        "bild_explained",
        "Von oben nach unten gelesen. Ein gestrichelter Pfeil heißt: Es geht auch weiter, wenn der Schritt davor übersprungen wurde. Jeder Kasten führt zu seinem Schritt.",
        "Read from top to bottom. A dashed arrow means: it goes on even if the step before was skipped. Every box leads to its step.",
    ),
    ("bild_as_text", "Ablauf als Text", "The flow as text"),
    ("bild_then", "danach", "then"),
    ("bild_end", "Ende", "end"),
    (
        "bild_too_large",
        "Der Ablauf ist zu groß für ein Bild auf dieser Seite; hier steht er als Text. Als Bild zeichnet ihn der Befehl laufzettel graph.",
        "The flow is too large for a picture on this page; here it is as text. The command laufzettel graph draws it.",
    ),
    (
        "bild_none",
        "Für ein Bild ist dieser Ablauf zu groß. Alle Schritte stehen in der Liste.",
        "This flow is too large for a picture. All steps are in the list.",
    ),
    // shorter than beside the steps: they stand in a box
    ("bild_waiting", "wartet auf einen Menschen", "waits for a person"),
    ("bild_timed", "wartet auf die Zeit", "waits for a time"),
    ("bild_awaiting", "wartet auf eine Meldung", "waits for news"),
    // --- live
    ("live_reload", "Neu laden", "Reload"),
    ("live_changed", "Gerade geändert. Stand:", "Changed just now. State:"),
    ("live_new", "neue Aufgaben – bitte neu laden", "new tasks – please reload"),
    ("live_new_one", "Eine neue Aufgabe – bitte neu laden", "One new task – please reload"),
];
