//! Wordings of what went wrong: for each status what happened, and what whoever reads it can do now.

use laufzettel_domain::{Lang, Text};

use super::said;

pub(super) const WORDS: &[(&str, &str, &str)] = &[
    ("nav_erasure", "Löschen", "Erasure"),
    (
        "home_erasure",
        "Inhalte eines Vorgangs vor ihrer Zeit löschen, wenn jemand es verlangen kann.",
        "Erase the contents of a case before their time, where somebody may demand it.",
    ),
    ("error_number", "Fehlernummer", "Error number"),
    ("error_home", "Zur Startseite", "To the start page"),
    ("what_to_do", "Was können Sie tun?", "What can you do?"),
    (
        "advice_default",
        "Bitte gehen Sie zurück und versuchen Sie es noch einmal. Wenn es wieder nicht geht, wenden Sie sich an die zuständige Stelle und nennen Sie die Fehlernummer.",
        "Please go back and try again. If it still does not work, please contact the responsible office and name the error number.",
    ),
    ("error_read", "Das ließ sich nicht lesen", "This could not be read"),
    (
        "error_read_text",
        "Die Adresse oder das Formular kam unvollständig oder beschädigt an. Es ist nichts geschehen.",
        "The address or the form arrived incomplete or damaged. Nothing has happened.",
    ),
    (
        "advice_read",
        "Haben Sie die Adresse kopiert oder abgetippt, prüfen Sie, ob sie vollständig ist. Kam ein Formular nicht an, gehen Sie zurück, laden Sie die Seite neu und senden Sie es noch einmal.",
        "If you copied or typed the address, check that it is complete. If a form did not arrive, go back, reload the page and send it again.",
    ),
    ("error_denied", "Nicht erlaubt", "Not allowed"),
    (
        "error_foreign",
        "Diese Anfrage kam von einer fremden Seite, oder Ihr Browser sagt nicht, woher. Es ist nichts geschehen.",
        "This request came from another site, or your browser does not say from where. Nothing has happened.",
    ),
    (
        "advice_foreign",
        "Öffnen Sie die Seite in diesem Browser neu und tun Sie dort noch einmal, was Sie vorhatten. Hat Sie ein Link in einer E-Mail oder auf einer fremden Seite hierher geführt, benutzen Sie ihn nicht weiter.",
        "Open the page anew in this browser and do there what you wanted to do. If a link in an e-mail or on another site led you here, do not use it any further.",
    ),
    (
        "advice_denied",
        "Brauchen Sie das für Ihre Arbeit, wenden Sie sich an die Stelle, die in Ihrem Haus Rechte vergibt, und nennen Sie ihr den Satz oben. Haben Sie das Recht erst eben bekommen, warten Sie einige Minuten und laden Sie die Seite neu; hilft das nicht, melden Sie sich ab und wieder an.",
        "If you need this for your work, contact whoever grants rights in your organisation, and tell them the sentence above. If you were given the right just now, wait some minutes and reload the page; if that does not help, sign out and in again.",
    ),
    ("error_missing", "Nicht gefunden", "Not found"),
    ("error_missing_text", "Diese Seite gibt es nicht, oder sie ist nicht für Sie bestimmt.", "This page does not exist, or is not meant for you."),
    (
        "advice_missing",
        "Prüfen Sie, ob die Adresse vollständig ist. Ein Vorgang oder eine Aufgabe kann inzwischen gelöscht oder an eine andere Stelle gegangen sein; suchen Sie danach über die Nummer. Sind Sie mit einem anderen Konto angemeldet als sonst, wechseln Sie es.",
        "Check that the address is complete. A case or a task may have been erased or gone to another unit meanwhile; look for it by its number. If you are signed in with another account than usual, change it.",
    ),
    (
        "advice_missing_outside",
        "Prüfen Sie, ob die Adresse vollständig ist; am sichersten kopieren Sie sie aus Ihrer Bestätigung. Arbeiten Sie hier im Haus, melden Sie sich an und suchen Sie nach der Nummer des Vorgangs.",
        "Check that the address is complete; it is safest to copy it from your confirmation. If you work here, sign in and look for the number of the case.",
    ),
    ("error_method", "So geht es hier nicht", "This does not work that way"),
    (
        "error_method_text",
        "Diese Adresse lässt sich so nicht aufrufen: Sie nimmt nur entgegen, was eine Seite hier sendet, oder zeigt nur etwas an. Es ist nichts geschehen.",
        "This address cannot be called that way: it only takes what a page here sends, or only shows something. Nothing has happened.",
    ),
    (
        "advice_method",
        "Gehen Sie über die Startseite dorthin, wohin Sie wollten. Ein Lesezeichen auf einen Zwischenschritt führt nicht weiter.",
        "Go where you wanted by way of the start page. A bookmark to a step in between leads no further.",
    ),
    ("error_large", "Das ist zu groß", "This is too large"),
    (
        "error_large_text",
        "Was Sie senden wollten, ist größer, als diese Seite annimmt. Nichts davon ist angekommen.",
        "What you wanted to send is larger than this page takes. Nothing of it has arrived.",
    ),
    (
        "advice_large",
        "Gehen Sie zurück und senden Sie kleinere Dateien: Scannen Sie mit geringerer Auflösung, oder senden Sie weniger Dateien auf einmal.",
        "Go back and send smaller files: scan with a lower resolution, or send fewer files at once.",
    ),
    ("error_settled", "Das hat sich schon erledigt", "This is settled already"),
    (
        "advice_settled",
        "Jemand anderes war schneller, oder der Vorgang ist inzwischen weitergegangen. Laden Sie die Seite davor neu; sie zeigt, wie es jetzt steht.",
        "Somebody else was faster, or the case has gone on meanwhile. Reload the page before; it shows how things stand now.",
    ),
    ("error_host", "Unter dieser Adresse nicht erreichbar", "Not reached under this address"),
    (
        "error_host_text",
        "Unter dem Namen in der Adresszeile ist dieser Server nicht erreichbar.",
        "This server is not reached under the name in the address bar.",
    ),
    (
        "advice_host",
        "Rufen Sie die Adresse auf, die Ihr Haus Ihnen genannt hat, und achten Sie auf Tippfehler im Namen.",
        "Open the address your organisation told you, and look for misspellings in its name.",
    ),
    ("error_often", "Gerade zu viel", "Too much right now"),
    ("error_often_text", "Im Augenblick wird von hier nichts mehr angenommen.", "Nothing more is taken from here at the moment."),
    (
        "advice_often",
        "Warten Sie ein wenig und versuchen Sie es dann noch einmal. Was Sie eingetragen haben, steht meist noch in Ihrem Browser, wenn Sie zurückgehen.",
        "Wait a little and try again then. What you filled in is usually still in your browser if you go back.",
    ),
    ("error_later", "Gerade nicht möglich", "Not possible now"),
    (
        "error_later_text",
        "Bitte versuchen Sie es in einigen Minuten noch einmal. Es ist nichts verloren gegangen, was schon bestätigt war.",
        "Please try again in a few minutes. Nothing that was confirmed is lost.",
    ),
    (
        "advice_later",
        "Laden Sie die Seite in einigen Minuten neu. Geht es dann noch nicht, wenden Sie sich an die Betreuung Ihres Hauses; als antragstellende Person an die Stelle, bei der Sie den Antrag stellen.",
        "Reload the page in a few minutes. If it still does not work then, contact the operators of your organisation; as an applicant the office you apply to.",
    ),
    ("error_ours", "Hier ist etwas schiefgegangen", "Something went wrong here"),
    ("error_ours_text", "Der Fehler liegt bei uns, nicht bei Ihnen.", "The error is ours, not yours."),
];

/// Title and message of a refusal nobody has put into words: by its status alone.
pub fn refused(status: u16) -> (Text, Text) {
    let (title, text) = match status {
        403 => ("error_denied", "error_foreign"),
        404 => ("error_missing", "error_missing_text"),
        405 => ("error_method", "error_method_text"),
        413 => ("error_large", "error_large_text"),
        421 => ("error_host", "error_host_text"),
        429 => ("error_often", "error_often_text"),
        503 => ("error_later", "error_later_text"),
        400..500 => ("error_read", "error_read_text"),
        _ => ("error_ours", "error_ours_text"),
    };
    (said(title), said(text))
}

/// What somebody can do about a status, whatever was said of it. `inside`: she is signed in.
pub fn advice(status: u16, inside: bool, lang: Lang) -> &'static str {
    let key = match status {
        400 | 415 | 422 => "advice_read",
        403 => "advice_denied",
        404 if inside => "advice_missing",
        404 => "advice_missing_outside",
        405 => "advice_method",
        409 => "advice_settled",
        413 => "advice_large",
        421 => "advice_host",
        429 => "advice_often",
        502..505 => "advice_later",
        _ => "advice_default",
    };
    super::word(key, lang)
}
