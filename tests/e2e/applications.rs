//! The forms of the example processes, from the first page to the receipt, without a script and with mistakes on the way.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    desk::{Server, Tenant, client, root, runtime, text},
    sheet::Sheet,
};

fn folder() -> PathBuf {
    root().join("workflows")
}

pub fn case(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join("cases").join(name)).expect("a case")).expect("JSON")
}

/// Goes through every page and every entry up to the summary. Forwards, with what `target` says.
pub async fn walk(server: &Server, sheet: Sheet, target: &Value) -> Sheet {
    trail(server, sheet, target).await.pop().expect("the summary")
}

/// Every page on that way, as it came, the summary last.
pub async fn trail(server: &Server, sheet: Sheet, target: &Value) -> Vec<Sheet> {
    let mut trail = vec![sheet];
    for _ in 0..80 {
        let mut sheet = trail.last().expect("at least one").clone();
        if sheet.has("absenden") {
            return trail;
        }
        sheet.fill(target, &folder());
        let button = match sheet.short_list(target) {
            Some(path) => format!("dazu:{path}"),
            None => sheet.on().expect("a way on"),
        };
        let next = sheet.press(server, &button).await;
        assert_eq!(next.status, 200, "{button}: {}", next.text);
        trail.push(next);
    }
    panic!("no end: {}", trail.last().expect("at least one").text);
}

/// Applies with this and gives the path of the status page.
pub async fn send(server: &Server, path: &str, target: &Value) -> String {
    let summary = walk(server, Sheet::open(server, path).await, target).await;
    status(&summary.press(server, "absenden").await)
}

/// The path of the status page on the receipt.
fn status(receipt: &Sheet) -> String {
    let text = receipt.text.replace("&#x2f;", "/");
    let at = text.find("/status/").unwrap_or_else(|| panic!("no receipt: {text}"));
    text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect()
}

/// The number on the receipt.
fn number(receipt: &Sheet) -> String {
    let at = receipt.text.find("class=\"nummer\">").unwrap_or_else(|| panic!("no receipt: {}", receipt.text));
    receipt.text[at + 15..].chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect()
}

#[test]
fn every_example_can_be_applied_for_page_by_page() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        for (path, name, seen) in [
            ("hundesteuer", "zeiskam-tierheim.json", &["Tierheim", "nachweis-tierheim.txt"][..]),
            ("gewerbeanmeldung", "gewerbe-nachweis.json", &["Gemeindeschlüssel"]),
            (
                "wohngeld",
                "wohngeld-vollstaendig.json",
                &["Haushaltsmitglied 2", "Lan Nguyễn", "Lohn, Gehalt, Minijob", "58,5", "620,00 €", "wohngeld-kontoauszug.txt"],
            ),
        ] {
            let target = case(name);
            let address = format!("/antrag/vg-bellheim/{path}");
            let first = Sheet::open(&server, &address).await;
            assert!(first.text.contains("Schritt 1 von "), "{path}: {}", first.text);
            // an empty page says what is missing, beside the field and at the top
            let refused = first.press(&server, "weiter").await;
            assert_eq!(refused.status, 422, "{path}");
            assert!(refused.text.contains("role=\"alert\"") && refused.text.contains("feld--fehler"), "{path}: {}", refused.text);
            let summary = walk(&server, refused, &target).await;
            for words in seen {
                assert!(summary.text.contains(words), "{path}: „{words}“ in {}", summary.text);
            }
            let receipt = summary.press(&server, "absenden").await;
            let run = number(&receipt);
            // what she sent she reads again, list by list
            let own = Sheet::open(&server, &format!("{}/angaben", status(&receipt))).await;
            for words in seen.iter().filter(|words| !words.ends_with(".txt")) {
                assert!(own.text.contains(words), "{path}: „{words}“ in {}", own.text);
            }
            // in the other language it is the same receipt
            let english = receipt.switched(&server).await;
            assert!(english.status == 200 && english.html.contains("<html lang=\"en\">"), "{path}: {} {}", english.status, english.text);
            assert_eq!((number(&english), status(&english)), (run.clone(), status(&receipt)), "{path}");
            // sent twice it is one application
            assert_eq!(number(&summary.press(&server, "absenden").await), run, "{path}");
            let shown = text(&tenant.laufzettel(&["runs", "show", &run]));
            assert!(shown.starts_with("exit Some(0)"), "{path}: {shown}");
        }
    });
    server.stop();
}

#[test]
fn nothing_typed_is_lost_and_every_mistake_leads_to_its_place() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let target = case("wohngeld-vollstaendig.json");
        let mut sheet = Sheet::open(&server, "/antrag/vg-bellheim/wohngeld").await;
        sheet.enter("antragsteller.familienname", "Nguyễn");
        // nothing is asked of other pages, and what is not right yet goes along backwards
        let mut sheet = sheet.press(&server, "weiter").await;
        assert_eq!((sheet.status, sheet.value("antragsteller.familienname")), (422, Some("Nguyễn")));
        sheet.fill(&target, &folder());
        let mut sheet = sheet.press(&server, "weiter").await;
        assert!(sheet.text.contains("Schritt 2 von 7"), "{}", sheet.text);
        sheet.enter("antragsdatum.tag", "31");
        sheet.enter("antragsdatum.monat", "2");
        sheet.enter("antragsdatum.jahr", "2026");
        let wrong = sheet.press(&server, "weiter").await;
        assert!(wrong.status == 422 && wrong.text.contains("Dieses Datum gibt es nicht"), "{}", wrong.text);
        let before = wrong.press(&server, "zurueck").await;
        assert_eq!((before.status, before.value("antragsteller.vornamen"), before.value("antragsdatum.tag")), (200, Some("Thị Mai"), Some("31")));
        let mut again = before.press(&server, "weiter").await;
        assert_eq!(again.value("antragsdatum.monat"), Some("2"));
        again.fill(&target, &folder());
        let household = again.press(&server, "weiter").await;

        // an entry that is not right stays where it is, one that is begun and left empty is not kept
        let entry = household.press(&server, "dazu:haushaltsmitglieder").await;
        let left = entry.press(&server, "zurueck").await;
        assert!(!left.has("oeffnen:haushaltsmitglieder.0"), "{:?}", left.buttons);
        let mut entry = left.press(&server, "dazu:haushaltsmitglieder").await;
        entry.enter("haushaltsmitglieder.0.name", "Thị Mai Nguyễn");
        let refused = entry.press(&server, "weiter").await;
        assert_eq!((refused.status, refused.value("haushaltsmitglieder.0.name")), (422, Some("Thị Mai Nguyễn")));
        let overview = refused.press(&server, "zurueck").await;
        let refused = overview.press(&server, "weiter").await;
        assert!(refused.status == 422 && refused.text.contains("Hier fehlen noch Angaben"), "{}", refused.text);
        let mut entry = refused.press(&server, "oeffnen:haushaltsmitglieder.0").await;
        entry.fill(&target, &folder());
        let income = entry.press(&server, "dazu:haushaltsmitglieder.0.einkommen").await;
        assert!(income.asks("haushaltsmitglieder.0.einkommen.0.art") && !income.asks("haushaltsmitglieder.0.name"), "{}", income.text);

        // straight to the summary from here, then back to one page and its entry
        let summary = walk(&server, income, &target).await;
        let changed = summary.press(&server, "aendern:3").await;
        let removed = changed.press(&server, "entfernen:haushaltsmitglieder.0").await;
        assert!(removed.text.contains("Lan Nguyễn") && !removed.text.contains("Thị Mai Nguyễn"), "{}", removed.text);
        let summary = removed.press(&server, "pruefen").await;
        assert!(summary.has("absenden") && !summary.text.contains("Haushaltsmitglied 2"), "{}", summary.text);
        number(&summary.press(&server, "absenden").await);
    });
    server.stop();
}

#[test]
fn a_file_is_what_it_holds_and_stays_while_something_else_is_wrong() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let target = case("wohngeld-vollstaendig.json");
        let mut wanted = target.clone();
        wanted["nachweise"] = Value::Null;
        let summary = walk(&server, Sheet::open(&server, "/antrag/vg-bellheim/wohngeld").await, &wanted).await;
        let mut page = summary.press(&server, "aendern:7").await;
        page.attach("nachweise", "miete.pdf", b"%PDF-1.4 vertrag");
        page.attach("nachweise", "gehalt.pdf", b"MZ\x00\x90 a program");
        page.attach("nachweise", "leer.pdf", b"");
        let mixed = page.press(&server, "pruefen").await;
        assert_eq!(mixed.status, 422);
        assert!(mixed.text.contains("„gehalt.pdf“ ist keine Datei, die wir hier annehmen. Möglich sind: Text (TXT), PDF, JPEG, PNG."), "{}", mixed.text);
        assert!(mixed.text.contains("„leer.pdf“ ist leer (0 Bytes)."), "each that was not taken is named: {}", mixed.text);
        // the good one is there already, and can be taken away again
        let reference = mixed.value("nachweise.datei").expect("the good file stays").to_owned();
        assert!(reference.contains("miete.pdf") && reference.contains("application/pdf"), "{reference}");
        let mut page = mixed.clone();
        for _ in 0..11 {
            page.smuggle("nachweise.datei", &reference);
        }
        page.attach("nachweise", "miete.pdf", b"%PDF-1.4 vertrag");
        page.attach("nachweise", "bild.txt", b"\x89PNG\r\n\x1a\n bild");
        let summary = page.press(&server, "pruefen").await;
        assert!(summary.has("absenden"), "{}", summary.text);
        assert_eq!(
            (summary.text.matches("miete.pdf (").count(), summary.text.matches("bild.txt (").count()),
            (1, 1),
            "the same file twice is one, and a reference sent often, too"
        );
        let mut page = summary.press(&server, "aendern:7").await;
        page.enter("nachweise.entfernen", "1");
        let summary = page.press(&server, "pruefen").await;
        assert!(!summary.text.contains("miete.pdf") && summary.text.contains("bild.txt"), "{}", summary.text);
        number(&summary.press(&server, "absenden").await);
    });
    server.stop();
}

/// Types a code where drafts are opened, and presses a button.
async fn with_code(server: &Server, code: &str, button: &str) -> Sheet {
    let mut page = Sheet::open(server, "/antrag/vg-bellheim/wohngeld/weiter").await;
    page.enter("code", code);
    page.press(server, button).await
}

const ELSEWHERE: &str = "Ihr Entwurf wurde anderswo geändert";

#[test]
fn two_devices_with_one_draft_lose_nothing() {
    const NAME: &str = "antragsteller.familienname";
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let saved = Sheet::open(&server, "/antrag/vg-bellheim/wohngeld").await.press(&server, "speichern").await;
        let code = saved.code().expect("a code");
        let stands = async |code: &str| with_code(&server, code, "weiter").await.value(NAME).map(str::to_owned);
        let (mut one, mut other) = (with_code(&server, &code, "weiter").await, with_code(&server, &code, "weiter").await);
        one.enter(NAME, "Hier");
        // twice the same is one: of the first she may never have heard
        for _ in 0..2 {
            let saved = one.press(&server, "speichern").await;
            assert_eq!((saved.status, saved.code()), (200, Some(code.clone())), "{}", saved.text);
        }
        other.enter(NAME, "Dort");
        let told = other.press(&server, "speichern").await;
        assert!(told.status == 409 && told.text.contains(ELSEWHERE) && told.code().is_none(), "{} {}", told.status, told.text);
        assert_eq!((stands(&code).await.as_deref(), told.value(NAME)), (Some("Hier"), Some("Dort")), "neither is lost");
        let english = told.switched(&server).await;
        assert!(english.status == 409 && english.text.contains("was changed elsewhere") && english.value(NAME) == Some("Dort"), "{}", english.text);
        let on = told.press(&server, "hierbleiben").await;
        assert_eq!((on.status, on.value(NAME)), (200, Some("Dort")));
        // a draft of its own beside the other, or knowingly in its place
        let apart = told.press(&server, "speichern:eigens").await;
        let own = apart.code().expect("a code of its own");
        assert_ne!(own, code);
        assert_eq!((stands(&own).await.as_deref(), stands(&code).await.as_deref()), (Some("Dort"), Some("Hier")));
        let replaced = on.press(&server, "speichern").await.press(&server, "speichern:ersetzen").await;
        assert_eq!((replaced.status, replaced.code(), stands(&code).await.as_deref()), (200, Some(code.clone()), Some("Dort")));
        // from there it goes on as ever
        let mut on = replaced.press(&server, "hierbleiben").await;
        on.enter(NAME, "Weiter");
        assert_eq!(on.press(&server, "speichern").await.status, 200);
    });
    server.stop();
}

const NO_DRAFT: &str = "Zu diesem Code gibt es hier keinen Entwurf.";

#[test]
fn a_draft_comes_back_with_its_code_and_only_with_it() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let target = case("wohngeld-vollstaendig.json");
        let summary = walk(&server, Sheet::open(&server, "/antrag/vg-bellheim/wohngeld").await, &target).await;
        let mut page = summary.press(&server, "aendern:2").await;
        page.enter("antragsdatum.monat", "13");
        page.enter("mitteilung", "Zweimalklingeln");
        let saved = page.press(&server, "speichern").await;
        let code = saved.code().unwrap_or_else(|| panic!("{}", saved.text));
        assert!(code.len() == 29 && saved.text.contains("/antrag/vg-bellheim/wohngeld/weiter"), "{}", saved.text);
        // without the code nothing of it is legible, and nothing of it is recorded
        let kept: Vec<u8> =
            ["", "-wal"].iter().flat_map(|end| std::fs::read(tenant.path(&format!("data/vg-bellheim.sqlite{end}"))).unwrap_or_default()).collect();
        for secret in ["Zweimalklingeln", &code, &code.replace('-', "")] {
            assert!(!kept.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} is in the database");
        }
        // from another device, as it was left: the mistake, the files, the way to the summary
        let opened = with_code(&server, &code.to_lowercase().replace('-', " "), "weiter").await;
        assert_eq!((opened.status, opened.value("antragsdatum.monat"), opened.value("mitteilung")), (200, Some("13"), Some("Zweimalklingeln")));
        assert!(opened.text.contains("Ihr Entwurf ist geöffnet."), "{}", opened.text);
        // saved once more it is the same draft
        let again = opened.press(&server, "speichern").await;
        assert_eq!(again.code(), Some(code.clone()));
        let mut page = again.press(&server, "hierbleiben").await;
        page.enter("antragsdatum.monat", "11");
        let summary = page.press(&server, "pruefen").await;
        assert!(summary.has("absenden") && summary.text.contains("wohngeld-kontoauszug.txt"), "{}", summary.text);
        number(&summary.press(&server, "absenden").await);
        // what was sent is no draft any more, nor is what was deleted; a wrong code is answered the same
        let gone = with_code(&server, &code, "weiter").await;
        assert!(gone.status == 422 && gone.text.contains(NO_DRAFT), "{}", gone.text);
        let saved = Sheet::open(&server, "/antrag/vg-bellheim/wohngeld").await.press(&server, "speichern").await;
        let code = saved.code().expect("a code");
        assert!(with_code(&server, &code, "verwerfen").await.text.contains("Der Entwurf ist gelöscht."));
        for wrong in [code.as_str(), "ACDE-FGHJ-KLMN-PRTU-VWXY-Z234", "x"] {
            let told = with_code(&server, wrong, "weiter").await;
            assert_eq!((told.status, told.text), (gone.status, gone.text.clone()), "{wrong}");
        }
        let mut last = 0;
        for _ in 0..10 {
            last = with_code(&server, "ACDE-FGHJ-KLMN-PRTU-VWXY-Z234", "weiter").await.status;
        }
        assert_eq!(last, 429, "nobody tries codes for long");
    });
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// Somebody at one connection leaves room for all others, and is told so with what she typed.
#[test]
fn one_connection_begins_only_so_many_drafts() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let mut told = Vec::new();
        for (form, name) in [("hundesteuer", "halter.familienname"), ("gewerbeanmeldung", "familienname"), ("wohngeld", "antragsteller.familienname")] {
            let mut first = Sheet::open(&server, &format!("/antrag/vg-bellheim/{form}")).await;
            if first.asks(name) {
                first.enter(name, "Nguyễn");
            }
            for _ in 0..14 {
                told.push(first.press(&server, "speichern").await);
            }
        }
        let saved: Vec<bool> = told.iter().map(|page| page.code().is_some()).collect();
        assert_eq!(saved, [vec![true; 40], vec![false; 2]].concat());
        let last = told.last().expect("the last");
        assert!(last.text.contains("Aus Ihrem Netz sind heute schon") && last.value("antragsteller.familienname") == Some("Nguyễn"), "{}", last.text);
        // what is there already is saved again
        let mut mine = told[30].press(&server, "hierbleiben").await;
        mine.enter("antragsteller.familienname", "Neu");
        assert_eq!(mine.press(&server, "speichern").await.code(), told[30].code());
    });
    server.stop();
}

/// Whoever has one address of a network has all of them.
#[test]
fn a_network_is_counted_as_one_address() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let tries = async |from: &str| {
            let request = client().post(server.url("/antrag/vg-bellheim/wohngeld/weiter")).header("origin", server.url("")).header("x-forwarded-for", from);
            let request = request.header("content-type", "application/x-www-form-urlencoded").body("code=ACDE-FGHJ-KLMN-PRTU-VWXY-Z234");
            request.send().await.expect("an answer").status().as_u16()
        };
        let mut codes = Vec::new();
        for host in 1..=11 {
            codes.push(tries(&format!("2001:db8:1:2::{host}")).await);
        }
        assert_eq!(codes, [vec![422; 10], vec![429]].concat());
        assert_eq!(tries("2001:db8:1:3::1").await, 422, "of another network");
    });
    server.stop();
}

/// What may be gone back to holds no secret.
#[test]
fn a_page_with_the_code_of_a_draft_is_kept_nowhere() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let first = Sheet::open(&server, "/antrag/vg-bellheim/wohngeld").await;
        let saved = first.press(&server, "speichern").await;
        let (code, seen) = (saved.code().expect("a code"), saved.value("_gesehen").unwrap_or_default().to_owned());
        let kept = async |more: &str| {
            let request = client().post(server.url("/antrag/vg-bellheim/wohngeld")).header("origin", server.url(""));
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(format!("_schritt=hierbleiben{more}"));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200);
            answer.headers()["cache-control"].to_str().expect("text").to_owned()
        };
        assert_eq!(kept("").await, "private, no-cache");
        assert_eq!(kept(&format!("&{}={code}&_gesehen={seen}", laufzettel_server::pages::DRAFT)).await, "no-store");
    });
    server.stop();
}

/// No place left in this hour: her application is not with the house, and stands before her still.
#[test]
fn what_cannot_be_taken_now_is_given_back() {
    let tenant = Tenant::new();
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    std::fs::write(tenant.path("laufzettel.yaml"), config.replace("runs_per_hour: 2000,", "runs_per_hour: 1,")).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (path, target) = ("/antrag/vg-bellheim/hundesteuer", case("knittelsheim-erster-hund.json"));
        let (first, second) = (walk(&server, Sheet::open(&server, path).await, &target).await, walk(&server, Sheet::open(&server, path).await, &target).await);
        number(&first.press(&server, "absenden").await);
        let refused = second.press(&server, "absenden").await;
        assert_eq!(refused.status, 429, "{}", refused.text);
        assert!(refused.text.contains("noch nicht bei uns") && refused.has("absenden") && refused.has("speichern"), "{}", refused.text);
        assert_eq!(refused.value("_schluessel"), second.value("_schluessel"), "sent again it is this application");
        // the first, changed and sent once more, is said to be another one
        let mut changed = first.press(&server, "aendern:1").await;
        changed.enter("halter.vornamen", "Anders");
        let summary = changed.press(&server, "pruefen").await.press(&server, "absenden").await;
        assert!(summary.has("absenden") && summary.text.contains("ist es ein weiterer Antrag"), "{}", summary.text);
    });
    server.stop();
}
