//! What minijinja says of an expression, in German. What it has no words for stays as the library has it.

use minijinja::{Error, ErrorKind};

/// Pieces of the library's sentences, longer ones first.
const PIECES: [(&str, &str); 24] = [
    ("unexpected end of input, expected ", "der Ausdruck hört zu früh auf, erwartet wird "),
    ("unexpected input after expression", "hinter dem Ausdruck steht noch etwas"),
    ("Too many arguments in function call", "zu viele Werte in einem Aufruf"),
    ("names starting with an underline can not be imported", "ein Name mit _ am Anfang geht hier nicht"),
    ("tried to use ", ""),
    (" operator on unsupported types ", " geht nicht mit "),
    ("unable to calculate ", "nicht zu berechnen ist "),
    ("cannot assign to reserved variable name ", "dieser Name ist vergeben: "),
    ("unknown statement ", "unbekannte Anweisung "),
    ("unexpected ", "unerwartet: "),
    (", expected ", ", erwartet wird "),
    ("identifier or integer", "ein Name oder eine ganze Zahl"),
    ("end of variable block", "das Ende des Ausdrucks (}})"),
    ("end of block", "das Ende der Anweisung (%})"),
    ("identifier", "ein Name"),
    ("mit undefined", "mit einem fehlenden Wert"),
    (" and undefined", " und einem fehlenden Wert"),
    ("mit number", "mit einer Zahl"),
    (" and number", " und einer Zahl"),
    ("mit string", "mit einem Text"),
    (" and string", " und einem Text"),
    ("end of input", "das Ende"),
    ("keyword", "ein Schlüsselwort"),
    (" (in <expression>:1)", ""),
];

/// The error in a German sentence without a full stop.
pub(super) fn german(error: &Error) -> String {
    let what = match error.kind() {
        // these say it all in their detail
        ErrorKind::SyntaxError | ErrorKind::InvalidOperation => "",
        ErrorKind::TooManyArguments => "zu viele Werte",
        ErrorKind::MissingArgument => "ein Wert fehlt",
        ErrorKind::UnknownFilter => "unbekannter Filter",
        ErrorKind::UnknownFunction => "unbekannte Funktion",
        ErrorKind::UnknownTest => "unbekannte Prüfung",
        ErrorKind::UnknownMethod => "unbekannte Methode",
        ErrorKind::BadEscape => "ein Zeichen hinter \\, das es nicht gibt",
        ErrorKind::UndefinedError => "ein Wert, den es nicht gibt",
        _ => "geht nicht",
    };
    let detail = PIECES.iter().fold(error.detail().unwrap_or_default().to_owned(), |text, (en, de)| text.replace(en, de));
    match (what, detail.as_str()) {
        ("", "") => "das geht so nicht".to_owned(),
        ("", _) => detail,
        (_, "") => what.to_owned(),
        _ => format!("{what}: {detail}"),
    }
}
