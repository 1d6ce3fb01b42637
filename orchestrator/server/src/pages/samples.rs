//! One sample of every page, with hostile text where people and models write.

mod antrag;
mod aufgaben;
mod bild;
mod citizen;
mod reports;
mod stand;

use jiff::civil::{DateTime, date};
use laufzettel_domain::{Lang, Value};
use serde_json::json;

use super::{form::Place, *};

pub(super) use antrag::household;

pub(super) const EVIL: &str = r#"<script>alert("x")</script> & 'Zitat'"#;
const SCHEMA: &str = include_str!("../../../../schemas/hundesteuer-anmeldung.schema.json");

pub(super) fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

pub(super) fn order() -> Vec<String> {
    ["halter", "hund", "aufnahme_am", "anzahl_haushalt", "ermaessigungsgrund", "nachweis", "sepa", "hinweis_gelesen"].map(str::to_owned).to_vec()
}

pub(super) fn form() -> Form {
    Form::of(&schema(), Some(&order())).unwrap()
}

/// The form of the human step, with a choice of many, a list and a number beside.
pub(super) fn decision() -> Form {
    Form::of(
        &json!({
            "type": "object", "required": ["entscheidung", "gefaehrlich", "ermaessigung", "ort"],
            "properties": {
                "entscheidung": { "enum": ["festsetzen", "zurueckweisen"], "title": "Entscheidung",
                    "oneOf": [{ "const": "festsetzen", "title": "Steuer festsetzen" }, { "const": "zurueckweisen", "title": "Anmeldung zurückweisen" }] },
                "gefaehrlich": { "type": "boolean", "title": "Der Hund gilt als gefährlich (§ 1 LHundG)", "description": "Nur nach eigener Prüfung." },
                "ermaessigung": { "enum": ["keiner", "assistenzhund", "tierheim", "wachhund"], "title": "Anerkannte Ermäßigung" },
                "ort": { "enum": ["a", "b", "c", "d", "e", "f", "g"], "title": "Ort aus einer langen Liste" },
                "auflagen": { "type": "array", "title": "Auflagen", "x-auswahl": [{ "wert": 1, "text": "Leine" }, { "wert": 2, "text": EVIL }] },
                "aktenzeichen": { "type": "array", "items": { "type": "string" }, "title": "Aktenzeichen", "description": "Eines je Zeile." },
                "rabatt": { "type": "number", "title": "Nachlass in Prozent" },
                "bemerkung": { "type": "string", "maxLength": 500, "title": "Begründung oder Bemerkung", "description": "Steht im Bescheid." }
            }
        }),
        None,
    )
    .unwrap()
}

pub(super) fn pairs() -> Vec<(String, String)> {
    let given = [
        ("halter.familienname", EVIL),
        ("halter.vornamen", "Änne"),
        ("halter.geburtsdatum.tag", "31"),
        ("halter.geburtsdatum.monat", "2"),
        ("halter.geburtsdatum.jahr", "1980"),
        ("hund.chipnummer", "276 0981"),
        ("anzahl_haushalt", "zwei"),
    ];
    given.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn at(hour: i8) -> DateTime {
    date(2026, 5, 3).at(hour, 5, 0, 0)
}

impl AnmeldenPage {
    pub(super) fn sample(missing: bool) -> Self {
        let person = |id: &str, name: &str, role: &str| PersonChoice {
            id: id.into(),
            name: name.into(),
            role: role.into(),
            tenant: (role == "Datenschutz").then(|| EVIL.into()),
        };
        let people =
            vec![person("s.weber", "Sabine Weber", "Steueramt"), person("k.braun", EVIL, "Datenschutz"), person("m.yilmaz", "Murat Yılmaz", "Fachverfahren")];
        Self { action: "/anmelden".into(), people, back: Some("/aufgaben".into()), missing, ..Self::default() }
    }

    /// A provider and two houses with passwords, one of them just mistyped.
    pub(super) fn sample_of_all(problem: bool) -> Self {
        let form = |name: &str, tenant: &str, user: &str, problem: bool| PasswordForm {
            action: format!("/anmelden/passwort/{name}"),
            tenant: tenant.into(),
            user: user.into(),
            problem: problem.then(|| "Name oder Passwort stimmt nicht.".into()),
        };
        Self {
            providers: vec![Link { href: "/anmelden/dienst/vg-a".into(), text: EVIL.into() }],
            passwords: vec![form("vg-b", "Verbandsgemeinde B", EVIL, problem), form("vg-c", "Verbandsgemeinde C", "", false)],
            several: true,
            closed: vec![format!("vg-d: {EVIL}")],
            ended: true,
            ..Self::sample(false)
        }
    }

    pub(super) fn sample_of_password(problem: bool) -> Self {
        let form = PasswordForm {
            problem: problem.then(|| "Name oder Passwort stimmt nicht.".into()),
            user: if problem { "a.klein" } else { "" }.into(),
            action: "/anmelden/passwort/vg".into(),
            tenant: "Verbandsgemeinde Bellheim".into(),
        };
        Self { passwords: vec![form], ..Self::default() }
    }

    pub(super) fn sample_of_provider() -> Self {
        Self { providers: vec![Link { href: "/anmelden/dienst/vg".into(), text: "Verbandsgemeinde Bellheim".into() }], ..Self::default() }
    }
}

impl FehlerPage {
    pub(super) fn sample() -> Self {
        Self {
            status: 404,
            title: "Diesen Vorgang gibt es nicht".into(),
            message: EVIL.into(),
            typed: form().review(&serde_json::json!({}), Lang::De),
            advice: None,
            link: Some(Link { href: "/".into(), text: "Zur Startseite".into() }),
        }
    }
}

impl StartseitePage {
    pub(super) fn sample() -> Self {
        Self {
            open_tasks: 4,
            overdue: 1,
            forms: [Some(EVIL.into()), None]
                .map(|tenant| FormGroup { tenant, forms: vec![Link { href: "/antrag/vg-schweich/hundesteuer".into(), text: EVIL.into() }] })
                .into(),
            audit: true,
            erasure: true,
            operation: true,
        }
    }
}

impl AufgabenPage {
    pub(super) fn sample() -> Self {
        let row = |number: &str, title: &str, due: Option<DateTime>| TaskRow {
            mark: due.is_none().then_some("mark_doubt"),
            link: format!("/aufgaben/{number}"),
            title: title.into(),
            process: "Hund zur Hundesteuer anmelden".into(),
            number: number.into(),
            due,
            overdue: false,
            mine: number.ends_with('5'),
            stands_for: number.ends_with('3').then(|| EVIL.into()),
            holder: due.is_none().then(|| EVIL.into()),
            again: number.ends_with('5').then(|| at(18).date() + jiff::Span::new().days(1)),
        };
        let tasks = vec![
            row("2026-000124", EVIL, None),
            row("2026-000125", "Angaben ergänzen", Some(at(18))),
            row("2026-000123", "Hundesteuer festsetzen oder Anmeldung zurückweisen", Some(at(8))),
        ];
        let halted = vec![TaskRow { mark: Some("mark_doubt"), ..row("2026-000122", EVIL, None) }];
        let next = Some(tasks::Next { task: tasks.last().cloned() });
        let more = Some("/aufgaben?nach=x".into());
        let gone_wrong = ["failed", "stuck"].map(|state| Link { href: format!("/vorgaenge?stand={state}"), text: EVIL.into() }).into();
        Self { more, halted, gone_wrong, live: Some(Live::sample(true)), sieve: aufgaben::sieve(false), counted: Some(1000), next, ..Self::new(tasks, at(12)) }
    }
}

impl AufgabePage {
    pub(super) fn sample(wrong: bool, lang: Lang) -> Self {
        let form = decision();
        let problems = if wrong { form.parse(&[]).1 } else { Vec::new() };
        let proposal = json!({ "entscheidung": "festsetzen", "bemerkung": EVIL, "gefaehrlich": false, "ort": "c" });
        let shown = json!({
            "antragsteller": format!("Änne Möller {EVIL}"), "jahressteuer_cent": 9600, "chip_aus_deutschland": true, "aufnahme_am": "2026-05-01",
            "melderegister": { "familienname": "Möller", "anschrift": { "strasse": "Hauptstraße 1", "plz": "76756" } }, "hinweise": ["eins", "zwei"], "nachweis": null,
        });
        let mut shown = Shown::list(&shown, &["antragsteller".to_owned(), "nachweis".to_owned()], lang);
        shown[0] = shown[0].clone().labelled(&laufzettel_domain::Label::strictest(), lang).from([Source::new(Origin::Antrag, "")]);
        shown[1].lines[0].link = Some("/aufgaben/1/datei/0".into());
        shown[2] = shown[2].clone().from([Source::new(Origin::Antrag, ""), Source::new(Origin::Regel, EVIL)]);
        shown[5] = shown[5].clone().from([Source::new(Origin::Register, "registry/person_suchen")]);
        shown.extend([aufgaben::cited(lang), aufgaben::cited_beyond(lang), aufgaben::letter(lang)]);
        shown::bound(&mut shown, false);
        Self {
            action: "/aufgaben/1/abschliessen".into(),
            title: "Hundesteuer festsetzen oder Anmeldung zurückweisen".into(),
            process: "Hund zur Hundesteuer anmelden".into(),
            number: "2026-000123".into(),
            case_link: Some("/vorgaenge/1".into()),
            escalated: Some(at(9)),
            due: Some(at(8)),
            overdue: true,
            message: wrong.then(|| EVIL.into()),
            note: wrong.then(|| EVIL.into()),
            notice: wrong.then_some("task_returned"),
            told: wrong.then(aufgaben::told),
            everything: Some("/aufgaben/1?ganz=1".into()),
            vouched: Some(super::stand::Vouching::sample(wrong)),
            shown,
            label: Some(EVIL.into()),
            added: if wrong { AddedFile::samples() } else { Vec::new() },
            digest: "sha256:00".into(),
            form: form.view(&Filled { problems: &problems, proposal: Some(&proposal), proposed_by: Some(&aufgaben::proposed_by()), ..Filled::default() }, lang),
            hand: aufgaben::hand(wrong, lang),
        }
    }
}

fn held(page: AufgabePage) -> AufgabePage {
    AufgabePage { hand: Hand { holder: Some(EVIL.into()), missing: true, ..page.hand.clone() }, ..page }
}

/// Somebody took it while she was typing.
fn taken(page: AufgabePage) -> AufgabePage {
    AufgabePage { hand: Hand { holder: Some(EVIL.into()), kept: true, reason: EVIL.into(), ..page.hand.clone() }, ..page }
}

impl VorgaengePage {
    pub(super) fn sample() -> Self {
        let states = [RunState::Running, RunState::Waiting, RunState::Completed, RunState::Failed, RunState::Cancelled, RunState::Stuck];
        let row = |(n, state): (usize, RunState)| RunRow {
            link: format!("/vorgaenge/{n}"),
            number: format!("2026-00012{n}"),
            title: "Hund zur Hundesteuer anmelden".into(),
            state,
            started: at(9),
            note: (n == 1).then(|| EVIL.into()),
        };
        Self { runs: states.into_iter().enumerate().map(row).collect(), more: Some("/vorgaenge?ab=6".into()), sieve: aufgaben::sieve(false) }
    }
}

fn gone(belege: bool) -> Gone {
    Gone { at: jiff::civil::date(2027, 6, 1).at(3, 0, 0, 0), belege_until: belege.then(|| jiff::civil::date(2036, 12, 1).at(9, 30, 0, 0)) }
}

impl VorgangPage {
    pub(super) fn sample(lang: Lang) -> Self {
        let step = |id: &str, title: &str, kind, state| StepView {
            id: id.into(),
            title: title.into(),
            kind,
            state,
            input: Shown::list(&json!({ "familienname": EVIL, "geburtsdatum": "1980-02-29" }), &[], lang),
            output: Shown::list(&json!({ "anzahl": 1, "treffer": [{ "familienname": "Möller", "plz": "76756" }] }), &[], lang),
            reason: Some(EVIL.into()),
            acted_as: Some("Dienst svc-intake".into()),
            called: vec![Called { link: "/vorgaenge/1".into(), number: "2026-000123/1".into() }],
            calls: aufgaben::calls(at(9), lang),
            items: (kind == StepKind::Model).then(|| aufgaben::items(at(9), lang)),
            todo: matches!(state, StepState::Doubt | StepState::Waiting).then(|| aufgaben::todo(state == StepState::Doubt)),
            open: state == StepState::Completed,
            elsewhere: (state == StepState::Failed).then(|| "/vorgaenge/1?schritt=x#schritt-x".into()),
        };
        let bare = StepView {
            input: Vec::new(),
            output: Vec::new(),
            reason: None,
            acted_as: None,
            called: Vec::new(),
            calls: Vec::new(),
            ..step("mitteilung", "Mitteilung an die Halterin oder den Halter", StepKind::Tool, StepState::Open)
        };
        Self {
            number: "2026-000123".into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            process: "hundesteuer-anmeldung".into(),
            version: "1.0.0".into(),
            state: RunState::Waiting,
            vouched: Some(super::stand::Vouching::sample(false)),
            started: at(9),
            ended: Some(at(12)),
            by: "öffentliches Formular".into(),
            called_by: Some(Called { link: "/vorgaenge/0".into(), number: "2026-000122".into() }),
            unit: "FB2-Steueramt".into(),
            message: Some(EVIL.into()),
            withdrawn: Some(Withdrawn { at: at(13), reason: EVIL.into() }),
            added: AddedFile::samples(),
            live: None,
            picture: None,
            steps: vec![
                step("halter", "Halter im Melderegister suchen", StepKind::Tool, StepState::Completed),
                step("nachweis", "Nachweis einordnen", StepKind::Model, StepState::Skipped),
                step("satz", "Steuersatz der Ortsgemeinde", StepKind::Rules, StepState::Failed),
                step("vorschau", "Beträge zur Ansicht", StepKind::Set, StepState::Active),
                step("frist", "Zwei Wochen warten", StepKind::Wait, StepState::Timed),
                step("nachforderung", "Unterlagen nachfordern", StepKind::Process, StepState::Active),
                step("zahlung", "Auf die Zahlung warten", StepKind::Wait, StepState::Awaiting),
                step("festsetzung", "Hundesteuer festsetzen oder Anmeldung zurückweisen", StepKind::Human, StepState::Waiting),
                step("bescheid", "Bescheid in der E-Akte ablegen", StepKind::Tool, StepState::Doubt),
                step("buchung", "Buchungsanzeige für die Kasse ablegen", StepKind::Tool, StepState::Parked),
                step("abgebrochen", "Frist berechnen", StepKind::Tool, StepState::Stopped),
                step("storno", "Bescheid stornieren", StepKind::Tool, StepState::Undone),
                bare,
            ],
            gone: None,
            timeline: aufgaben::timeline(at(9)),
            leaving: aufgaben::leaving(),
            shares: aufgaben::shares(),
            cancel: Some(Cancel { action: "/vorgaenge/1/abbrechen".into(), missing: true }),
            dossier: "/vorgaenge/1/akte".into(),
        }
    }
}

impl AktePage {
    pub(super) fn sample(parts: usize, lang: Lang) -> Self {
        let parts = (1..=parts).map(|n| Link { href: format!("/vorgaenge/1/akte?teil={n}"), text: format!("{EVIL} {n}") });
        let input = Shown::list(&json!({ "familienname": EVIL, "geburtsdatum": "1980-02-29" }), &[], lang);
        Self {
            case: VorgangPage { live: None, cancel: None, ..VorgangPage::sample(lang) },
            input,
            part: 1,
            parts: parts.collect(),
            back: "/vorgaenge/1".into(),
        }
    }
}

impl ProzessePage {
    pub(super) fn sample() -> Self {
        let row = |id: &str, start: Option<&str>| ProcessRow {
            id: id.into(),
            version: "1.0.0".into(),
            title: "Hund zur Hundesteuer anmelden".into(),
            description: format!("Nimmt die Anmeldung entgegen, prüft sie und bereitet den Bescheid vor. {EVIL}"),
            purpose: EVIL.into(),
            responsible: "FB2-Steueramt".into(),
            page: start.map(|_| format!("/prozesse/{id}")),
            released: if start.is_some() { "process_is_released" } else { "process_not_released" },
            start: start.map(str::to_owned),
            public: Some("/antrag/vg-schweich/hundesteuer".into()),
            ways: vec!["Dateien im Ordner kasse/ein".to_owned()],
            next: vec![at(6), at(7)],
        };
        Self { processes: vec![row("hundesteuer-anmeldung", Some("/prozesse/hundesteuer-anmeldung/start")), row("wohngeld", None)] }
    }
}

/// Every page, with the states that change what its template shows.
pub(super) fn pages(lang: Lang) -> Vec<(&'static str, Page)> {
    let mut all = citizens(lang);
    all.extend(signed_in_or_out());
    all.extend(staff(lang));
    all.extend(stand::pages(lang));
    all.extend(reports::pages());
    all
}

fn citizens(lang: Lang) -> Vec<(&'static str, Page)> {
    vec![
        ("antrag", Page::Antrag(Box::new(AntragPage::sample(false, lang)))),
        ("antrag-fehler", Page::Antrag(Box::new(AntragPage::sample(true, lang)))),
        ("antrag-liste", Page::Antrag(Box::new(AntragPage::listed(&Place::parse("3"), false, lang)))),
        ("antrag-liste-fehler", Page::Antrag(Box::new(AntragPage::listed(&Place::parse("3"), true, lang)))),
        ("antrag-eintrag", Page::Antrag(Box::new(AntragPage::listed(&Place::parse("haushaltsmitglieder.0"), true, lang)))),
        ("antrag-dateien", Page::Antrag(Box::new(AntragPage::listed(&Place::parse("7"), false, lang)))),
        ("zusammenfassung", Page::Zusammenfassung(ZusammenfassungPage::sample(lang))),
        ("zusammenfassung-spaeter", Page::Zusammenfassung(ZusammenfassungPage { message: Some(EVIL.into()), ..ZusammenfassungPage::sample(lang) })),
        ("zusammenfassung-seiten", Page::Zusammenfassung(ZusammenfassungPage::listed(lang))),
        ("entwurf", Page::Entwurf(EntwurfPage::sample())),
        ("entwurf-anders", Page::EntwurfAnders(EntwurfAndersPage::sample())),
        ("weiter", Page::Weiter(WeiterPage::sample(false))),
        ("weiter-fehler", Page::Weiter(WeiterPage::sample(true))),
        ("quittung", Page::Quittung(QuittungPage::sample())),
        ("status", Page::Status(Box::new(StatusPage::sample(Station::InBearbeitung)))),
        ("status-rueckfrage", Page::Status(Box::new(StatusPage::asking(false, lang)))),
        ("status-rueckfrage-fehler", Page::Status(Box::new(StatusPage::asking(true, lang)))),
    ]
}

fn signed_in_or_out() -> Vec<(&'static str, Page)> {
    vec![
        ("anmelden", Page::Anmelden(AnmeldenPage::sample(false))),
        ("anmelden-fehler", Page::Anmelden(AnmeldenPage::sample(true))),
        ("anmelden-alle", Page::Anmelden(AnmeldenPage::sample_of_all(false))),
        ("anmelden-alle-fehler", Page::Anmelden(AnmeldenPage::sample_of_all(true))),
        ("anmelden-passwort", Page::Anmelden(AnmeldenPage::sample_of_password(false))),
        ("anmelden-passwort-fehler", Page::Anmelden(AnmeldenPage::sample_of_password(true))),
        ("anmelden-dienst", Page::Anmelden(AnmeldenPage::sample_of_provider())),
        ("anmelden-keine", Page::Anmelden(AnmeldenPage::default())),
        (
            "terminal",
            Page::Terminal(TerminalPage { action: "/anmelden/terminal/BCDF-GHJK".into(), code: "BCDF-GHJK".into(), os_user: EVIL.into(), done: false }),
        ),
        ("terminal-fertig", Page::Terminal(TerminalPage { action: String::new(), code: "BCDF-GHJK".into(), os_user: EVIL.into(), done: true })),
        (
            "abgelaufen",
            Page::Abgelaufen(AbgelaufenPage {
                action: "/aufgaben/1.1".into(),
                pairs: vec![("bemerkung".into(), EVIL.into()), (EVIL.into(), "x".into())],
                files: true,
                sign_in: "/anmelden?zurueck=/aufgaben/1.1".into(),
                spent: false,
                arrived: false,
                first: None,
            }),
        ),
        (
            "antrag-neu-geladen",
            Page::Abgelaufen(AbgelaufenPage {
                action: "/antrag/vg-schweich/hundesteuer".into(),
                pairs: vec![("halter.familienname".into(), EVIL.into())],
                files: false,
                sign_in: "/antrag/vg-schweich/hundesteuer/anmelden".into(),
                spent: false,
                arrived: true,
                first: None,
            }),
        ),
        (
            "anmeldung-verbraucht",
            Page::Abgelaufen(AbgelaufenPage {
                action: "/antrag/vg-schweich/hundesteuer".into(),
                pairs: vec![("halter.familienname".into(), EVIL.into())],
                files: false,
                sign_in: "/antrag/vg-schweich/hundesteuer/anmelden".into(),
                spent: true,
                arrived: false,
                first: Some("/status/k7f3-9x2m-q8zp".into()),
            }),
        ),
        ("abgemeldet", Page::Abgemeldet(AbgemeldetPage { provider: Link { href: "/abgemeldet/vg/dienst".into(), text: EVIL.into() } })),
        ("fehler", Page::Fehler(FehlerPage::sample())),
        ("startseite", Page::Startseite(StartseitePage::sample())),
    ]
}

fn staff(lang: Lang) -> Vec<(&'static str, Page)> {
    vec![
        ("aufgaben", Page::Aufgaben(AufgabenPage::sample())),
        ("aufgaben-leer", Page::Aufgaben(AufgabenPage { next: Some(tasks::Next { task: None }), ..AufgabenPage::new(Vec::new(), at(9)) })),
        ("aufgaben-suche", Page::Aufgaben(AufgabenPage { sieve: aufgaben::sieve(true), ..AufgabenPage::new(Vec::new(), at(9)) })),
        ("vertretung", Page::Vertretung(aufgaben::deputies(false, lang))),
        ("vertretung-fehler", Page::Vertretung(aufgaben::deputies(true, lang))),
        ("aufgabe", Page::Aufgabe(AufgabePage::sample(false, lang))),
        ("aufgabe-fehler", Page::Aufgabe(AufgabePage::sample(true, lang))),
        ("aufgabe-vergeben", Page::Aufgabe(held(AufgabePage::sample(false, lang)))),
        ("aufgabe-weggenommen", Page::Aufgabe(taken(AufgabePage::sample(true, lang)))),
        ("vorgaenge", Page::Vorgaenge(VorgaengePage::sample())),
        ("vorgaenge-leer", Page::Vorgaenge(VorgaengePage { runs: Vec::new(), more: None, sieve: aufgaben::sieve(true) })),
        ("vorgang", Page::Vorgang(VorgangPage::sample(lang))),
        ("vorgang-bild", Page::Vorgang(VorgangPage::drawn(lang))),
        ("vorgang-bild-zu-gross", Page::Vorgang(VorgangPage::undrawn(lang))),
        (
            "vorgang-neu",
            Page::Vorgang(VorgangPage {
                message: None,
                ended: None,
                timeline: calls::Timeline::default(),
                shares: Vec::new(),
                cancel: None,
                ..VorgangPage::sample(lang)
            }),
        ),
        ("vorgang-geloescht", Page::Vorgang(VorgangPage { gone: Some(gone(true)), cancel: None, ..VorgangPage::sample(lang) })),
        ("vorgang-ohne-belege", Page::Vorgang(VorgangPage { gone: Some(gone(false)), cancel: None, message: None, ..VorgangPage::sample(lang) })),
        ("akte", Page::Akte(Box::new(AktePage::sample(0, lang)))),
        ("akte-teil", Page::Akte(Box::new(AktePage { part: 2, ..AktePage::sample(3, lang) }))),
        ("prozesse", Page::Prozesse(ProzessePage::sample())),
        ("prozesse-leer", Page::Prozesse(ProzessePage { processes: Vec::new() })),
        ("prozess", Page::Prozess(Box::new(ProzessPage::sample(lang)))),
        ("prozess-leer", Page::Prozess(Box::new(ProzessPage::bare(lang)))),
        ("prozess-geaendert", Page::Prozess(Box::new(ProzessPage::changed(lang)))),
        ("prozess-text", Page::ProzessText(ProzessTextPage::sample())),
        ("prozess-fluesse", Page::ProzessFluesse(ProzessFluessePage::sample())),
        ("prozess-fluesse-leer", Page::ProzessFluesse(ProzessFluessePage { flows: Vec::new(), more: None, ..ProzessFluessePage::sample() })),
        ("prozess-tabellen", Page::ProzessTabellen(ProzessTabellenPage::sample())),
        ("prozess-tabellen-leer", Page::ProzessTabellen(ProzessTabellenPage { tables: Vec::new(), rows_more: 0, ..ProzessTabellenPage::sample() })),
        ("start", Page::Antrag(Box::new(AntragPage::started(false, lang)))),
        ("start-liste", Page::Antrag(Box::new(AntragPage::started(true, lang)))),
        ("start-pruefen", Page::Zusammenfassung(ZusammenfassungPage::started(lang))),
    ]
}
