//! The templates, compiled in, and the few words they have beside their page's context.
//!
//! In scope: `p` (the page), `w` (wordings), `frame`, `lang`, and `de`, the attribute that marks a German text on an English
//! page. `teil("x.html", value)` renders a part with that value as `p`.

use std::sync::LazyLock;

use laufzettel_domain::Lang;
use minijinja::{Environment, Error, State, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

use super::{
    ADDED, BACK, CODE, Frame, HONEYPOT, INTENT, INTENT_ADD, INTENT_BACK, INTENT_CHANGE, INTENT_CLAIM, INTENT_DISCARD, INTENT_NEXT, INTENT_OPEN, INTENT_REMOVE,
    INTENT_RETURN, INTENT_REVIEW, INTENT_SAVE, INTENT_SEND, INTENT_STAY, INTENT_TAKE_UP, KEY, PASSWORD, PERSON, REASON, SAVE_APART, SAVE_OVER, SHOWN, Switch,
    TAKE_REASON, USER, ZONE, words,
};

/// What a page is that could not be rendered: only a template at odds with its context can bring it about.
const BROKEN: &str = "<!doctype html><html lang=\"de\"><title>Fehler</title><h1>Diese Seite lässt sich nicht anzeigen.</h1>\
    <p>Der Fehler liegt bei uns. Ihre Daten sind nicht verloren.</p></html>";

const TEMPLATES: [(&str, &str); 50] = [
    ("layout.html", include_str!("../../pages/layout.html")),
    ("formular.html", include_str!("../../pages/formular.html")),
    ("formularliste.html", include_str!("../../pages/formularliste.html")),
    ("probleme.html", include_str!("../../pages/probleme.html")),
    ("werte.html", include_str!("../../pages/werte.html")),
    ("aufrufe.html", include_str!("../../pages/aufrufe.html")),
    ("wert.html", include_str!("../../pages/wert.html")),
    ("antrag.html", include_str!("../../pages/antrag.html")),
    ("vorher.html", include_str!("../../pages/vorher.html")),
    ("zusammenfassung.html", include_str!("../../pages/zusammenfassung.html")),
    ("quittung.html", include_str!("../../pages/quittung.html")),
    ("entwurf.html", include_str!("../../pages/entwurf.html")),
    ("entwurf-anders.html", include_str!("../../pages/entwurf-anders.html")),
    ("weiter.html", include_str!("../../pages/weiter.html")),
    ("status.html", include_str!("../../pages/status.html")),
    ("zurueckziehen.html", include_str!("../../pages/zurueckziehen.html")),
    ("nachreichen.html", include_str!("../../pages/nachreichen.html")),
    ("nachgereicht.html", include_str!("../../pages/nachgereicht.html")),
    ("ausweisen.html", include_str!("../../pages/ausweisen.html")),
    ("angemeldet.html", include_str!("../../pages/angemeldet.html")),
    ("gruppen.html", include_str!("../../pages/gruppen.html")),
    ("geschehen.html", include_str!("../../pages/geschehen.html")),
    ("angaben.html", include_str!("../../pages/angaben.html")),
    ("bescheid.html", include_str!("../../pages/bescheid.html")),
    ("anmelden.html", include_str!("../../pages/anmelden.html")),
    ("terminal.html", include_str!("../../pages/terminal.html")),
    ("abgelaufen.html", include_str!("../../pages/abgelaufen.html")),
    ("abgemeldet.html", include_str!("../../pages/abgemeldet.html")),
    ("fehler.html", include_str!("../../pages/fehler.html")),
    ("startseite.html", include_str!("../../pages/startseite.html")),
    ("siebe.html", include_str!("../../pages/siebe.html")),
    ("neben.html", include_str!("../../pages/neben.html")),
    ("aufgabenliste.html", include_str!("../../pages/aufgabenliste.html")),
    ("aufgaben.html", include_str!("../../pages/aufgaben.html")),
    ("aufgabe.html", include_str!("../../pages/aufgabe.html")),
    ("live.html", include_str!("../../pages/live.html")),
    ("bild.html", include_str!("../../pages/bild.html")),
    ("vertretung.html", include_str!("../../pages/vertretung.html")),
    ("vorgaenge.html", include_str!("../../pages/vorgaenge.html")),
    ("akte.html", include_str!("../../pages/akte.html")),
    ("schritt.html", include_str!("../../pages/schritt.html")),
    ("vorgang-angaben.html", include_str!("../../pages/vorgang-angaben.html")),
    ("vorgang-haus.html", include_str!("../../pages/vorgang-haus.html")),
    ("vorgang.html", include_str!("../../pages/vorgang.html")),
    ("prozess-kopf.html", include_str!("../../pages/prozess-kopf.html")),
    ("prozess.html", include_str!("../../pages/prozess.html")),
    ("prozess-text.html", include_str!("../../pages/prozess-text.html")),
    ("prozess-fluesse.html", include_str!("../../pages/prozess-fluesse.html")),
    ("prozess-tabellen.html", include_str!("../../pages/prozess-tabellen.html")),
    ("prozesse.html", include_str!("../../pages/prozesse.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the usual delimiters"));
    environment.add_function("teil", part);
    environment.add_filter("datum", |state: &State<'_, '_>, text: &str| super::shown::day(text, lang(state)));
    environment.add_filter("zeit", moment);
    for (name, source) in TEMPLATES.into_iter().chain(super::reports::TEMPLATES) {
        environment.add_template(name, source).expect("the templates are compiled in, and a test renders each of them");
    }
    environment
});

/// The inner page rendered, then put into the layout; `problems` counts what is wrong in its form.
pub(super) fn document(name: &str, page: &impl Serialize, title: &str, frame: &Frame, problems: usize) -> String {
    around(name, page, title, frame, problems, None, false)
}

/// The same of a page that holds what was typed and is kept nowhere: its address would give it in the other language without that.
pub(super) fn held(name: &str, page: &impl Serialize, title: &str, frame: &Frame) -> String {
    around(name, page, title, frame, 0, None, true)
}

/// The same of a form somebody fills in over several pages.
pub(super) fn form(name: &str, page: &impl Serialize, title: &str, frame: &Frame, problems: usize, switch: Switch<'_>) -> String {
    around(name, page, title, frame, problems, Some(switch), false)
}

fn around(name: &str, page: &impl Serialize, title: &str, frame: &Frame, problems: usize, switch: Option<Switch<'_>>, held: bool) -> String {
    let result = inner(name, Value::from(Serde(page)), frame).and_then(|body| {
        let around = context! { body => Value::from_safe_string(body), title, problems, held, switch => Value::from(Serde(switch)), ..scope(frame) };
        ENVIRONMENT.get_template("layout.html")?.render(around)
    });
    debug_assert!(result.is_ok(), "{name}: {result:?}");
    result.unwrap_or_else(|_| BROKEN.to_owned())
}

fn inner(name: &str, page: Value, frame: &Frame) -> Result<String, Error> {
    ENVIRONMENT.get_template(name)?.render(context! { p => page, ..scope(frame) })
}

fn scope(frame: &Frame) -> Value {
    let de = if frame.lang == Lang::De { "" } else { " lang=\"de\"" };
    // a path beginning with two slashes would be another host
    let path = format!("/{}", frame.path.trim_start_matches(['/', '\\']));
    context! {
        frame => Value::from(Serde(Frame { path, ..frame.clone() })),
        lang => Value::from(Serde(frame.lang)),
        de => Value::from_safe_string(de.to_owned()),
        w => Value::from(Serde(words::all(frame.lang))),
        names => context! {
            honeypot => HONEYPOT, zone => ZONE, key => KEY, intent => INTENT, review => INTENT_REVIEW, change => INTENT_CHANGE, send => INTENT_SEND,
            previous => INTENT_BACK, stay => INTENT_STAY, add => INTENT_ADD, open => INTENT_OPEN, remove => INTENT_REMOVE, next => INTENT_NEXT, save => INTENT_SAVE, apart => SAVE_APART, over => SAVE_OVER, discard => INTENT_DISCARD, code => CODE,
            shown => SHOWN, added => ADDED, person => PERSON, back => BACK, reason => REASON, claim => INTENT_CLAIM, give_back => INTENT_RETURN, take_up => INTENT_TAKE_UP, take_reason => TAKE_REASON, user => USER, password => PASSWORD,
        },
    }
}

fn part(state: &State<'_, '_>, name: &str, value: Value) -> Result<Value, Error> {
    let known = |key: &str| state.lookup(key).unwrap_or_default();
    let scope = context! { p => value, w => known("w"), de => known("de"), lang => known("lang"), names => known("names") };
    state.env().get_template(name)?.render(scope).map(Value::from_safe_string)
}

fn moment(state: &State<'_, '_>, text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |at| words::format_moment(at, lang(state)))
}

fn lang(state: &State<'_, '_>) -> Lang {
    if state.lookup("lang").is_some_and(|l| l.as_str() == Some("en")) { Lang::En } else { Lang::De }
}
