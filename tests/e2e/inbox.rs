//! The inbox and one task, as clerks of two units meet them: order, filters, the next task, handing over, deputies; and what a task
//! page shows: every value with where it comes from, quotations marked where they stand.

use serde_json::Value;

use crate::{
    desk::{Server, Tenant, client, demo, process, root, runtime, text},
    views::{self, sign_in},
};

const DUE: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [bis], properties: { bis: { type: string, format: date, title: Zu erledigen bis } } }
steps:
  frage:
    title: Antrag prüfen
    human:
      assign: { groups: [GG-Steueramt] }
      show: { bis: "{{ input.bis }}", was: Geht das? }
      due: "{{ input.bis }}"
      form: { type: object, required: [ja], properties: { ja: { type: boolean, title: Ja } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

fn house(extra: &[(&str, &str)]) -> Tenant {
    let tenant = Tenant::new();
    for (name, rest) in [("frist", DUE)].iter().chain(extra) {
        std::fs::write(tenant.path(&format!("workflows/{name}.yaml")), process(name, "Mit Frist", rest)).expect("written");
        tenant.grant(&format!("{{ groups: [GG-Steueramt], allow: [\"process.start:{name}\"] }}"));
    }
    tenant
}

/// Begins a run and gives its newest task, as somebody sees it.
fn begin(tenant: &Tenant, process: &str, input: &str, by: &str) -> String {
    let path = tenant.path("eingabe.json");
    std::fs::write(&path, input).expect("written");
    let started = tenant.laufzettel(&["run", process, "--input", &path.display().to_string(), "--as", by, "--until-waiting"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let listed = tenant.laufzettel(&["tasks", "list", "--process", process, "--json"]);
    let tasks = String::from_utf8_lossy(&listed.stdout).lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect::<Vec<_>>();
    let newest = tasks.iter().max_by_key(|task| task["opened_at"].as_i64()).unwrap_or_else(|| panic!("no task: {}", text(&listed)));
    newest["task"].as_str().expect("a task").to_owned()
}

/// Posts a form: the status, where it leads, and what it says.
async fn post(server: &Server, cookie: &str, path: &str, form: &str) -> (u16, String, String) {
    let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", cookie);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).send().await.expect("an answer");
    let location = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    (answer.status().as_u16(), location, answer.text().await.unwrap_or_default())
}

fn shown(page: &str) -> &str {
    let from = page.find("name=\"shown\" value=\"").map(|at| &page[at + 20..]).unwrap_or_default();
    from.split('"').next().unwrap_or_default()
}

/// A page as somebody sees it, slashes as they are.
async fn get(server: &Server, cookie: &str, path: &str) -> (u16, String) {
    let (status, page) = views::get(server, cookie, path).await;
    (status, page.replace("&#x2f;", "/"))
}

/// What the button sends that takes a task.
const CLAIM: &str = "_schritt=uebernehmen";

/// Whether these texts stand on a page, one after the other.
fn in_order(page: &str, texts: &[&str]) -> bool {
    let mut rest = Some(page);
    texts.iter().for_each(|text| rest = rest.and_then(|page| Some(page.split_once(text)?.1)));
    rest.is_some()
}

#[test]
fn most_urgent_first_own_units_only_and_then_the_next() {
    let tenant = house(&[]);
    let due = ["2099-03-01", "2020-01-01", "2098-01-01"].map(|day| begin(&tenant, "frist", &format!("{{\"bis\": \"{day}\"}}"), "a.klein"));
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (klein, wolf) = (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "j.wolf").await.unwrap());
        let (status, inbox) = get(&server, &klein, "/aufgaben").await;
        assert_eq!(status, 200);
        let links = [1, 2, 0].map(|n: usize| format!("/aufgaben/{}", due[n]));
        assert!(in_order(&inbox, &links.each_ref().map(String::as_str)), "{inbox}");
        assert_eq!(inbox.matches("überfällig").count(), 1, "{inbox}");
        // another unit sees nothing of it, whatever it asks for
        for path in ["/aufgaben", "/aufgaben?nummer=2026-000001", "/aufgaben?prozess=frist"] {
            let (status, page) = get(&server, &wolf, path).await;
            assert!(status == 200 && !page.contains("Antrag prüfen"), "{path}: {page}");
        }
        // in whose hands, and by number
        assert_eq!(post(&server, &klein, &format!("/aufgaben/{}", due[0]), CLAIM).await.0, 200);
        for (path, expected) in [
            ("/aufgaben?bei=ich", vec![0]),
            ("/aufgaben?bei=frei", vec![1, 2]),
            ("/aufgaben?bei=andere", vec![]),
            ("/aufgaben?bei=frei&prozess=frist&einheit=FB2-Steueramt", vec![1, 2]),
        ] {
            let page = get(&server, &klein, path).await.1;
            let found: Vec<usize> = (0..3).filter(|n| page.contains(&format!("<a href=\"/aufgaben/{}\"", due[*n]))).collect();
            assert_eq!(found, expected, "{path}");
        }
        let number = |page: &str| page.split("class=\"nummer\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned();
        let mine = number(&get(&server, &klein, "/aufgaben?bei=ich").await.1);
        let found = get(&server, &klein, &format!("/aufgaben?nummer={mine}")).await.1;
        assert!(found.contains(&due[0]) && !found.contains(&format!("<a href=\"/aufgaben/{}\"", due[1])), "{found}");
        assert!(get(&server, &klein, "/aufgaben?nummer=2026-999999").await.1.contains("wartet keine Aufgabe auf Sie"));
        // completed, and on to what is most urgent then
        let page = get(&server, &klein, &format!("/aufgaben/{}", due[1])).await.1;
        let (status, location, _) = post(&server, &klein, &format!("/aufgaben/{}", due[1]), &format!("shown={}&ja=ja", shown(&page))).await;
        assert_eq!((status, location.as_str()), (303, "/aufgaben?erledigt=1"));
        // the same once more is the same answer; another one, out of another window, is not taken, and not thrown away
        for (answer, expected) in [("ja=ja", 303), ("ja=nein", 409)] {
            let (status, _, again) = post(&server, &klein, &format!("/aufgaben/{}", due[1]), &format!("shown={}&{answer}", shown(&page))).await;
            assert_eq!(status, expected, "{answer}: {again}");
            let kept =
                ["Diese Aufgabe haben Sie inzwischen schon erledigt, mit anderen Angaben.", "Was Sie eingetragen haben", "<span>Nein</span>", "Zum Vorgang"];
            assert!(status == 303 || kept.iter().all(|part| again.contains(part)), "{again}");
        }
        let done = get(&server, &klein, &location).await.1;
        assert!(in_order(&done, &["Die Aufgabe ist erledigt", "Nächste Aufgabe", &due[2]]), "{done}");
    });
    server.stop();
}

const FAILS: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object, required: [n], properties: { n: { type: integer } } }
steps: { s: { title: Teilen, set: { x: "{{ 10 // input.n }}" } } }
"#;

/// A case that failed asks nobody: whoever may see it hears of it.
#[test]
fn a_case_that_went_wrong_is_spoken_of() {
    let tenant = house(&[("fehl", FAILS)]);
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"run.view:own-unit\"] }");
    let server = Server::start(&tenant, None).expect("up starts");
    let way = "href=\"/vorgaenge?stand=failed\"";
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.unwrap();
        let before = get(&server, &klein, "/aufgaben").await.1;
        assert!(!before.contains(way) && !before.contains("nicht zu ihrem Ende"), "{before}");
    });
    let path = tenant.path("eingabe.json");
    std::fs::write(&path, "{\"n\": 0}").expect("written");
    let failed = tenant.laufzettel(&["run", "fehl", "--input", &path.display().to_string(), "--as", "a.klein"]);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed));
    runtime().block_on(async {
        let (klein, wolf) = (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "j.wolf").await.unwrap());
        let told = get(&server, &klein, "/aufgaben").await.1;
        assert!(told.contains(way) && told.contains("nicht zu ihrem Ende"), "{told}");
        let others = get(&server, &wolf, "/aufgaben").await.1;
        assert!(!others.contains(way), "{others}");
    });
    server.stop();
}

#[test]
fn a_task_is_handed_to_a_colleague_who_may_have_it() {
    let tenant = house(&[]);
    let task = begin(&tenant, "frist", r#"{"bis": "2099-03-01"}"#, "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (klein, weber) = (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "s.weber").await.unwrap());
        let path = format!("/aufgaben/{task}");
        let hand = format!("{path}/weitergeben");
        assert_eq!(post(&server, &klein, &hand, "weitergabe_an=s.weber").await.0, 409, "only what one has");
        assert_eq!(post(&server, &klein, &path, CLAIM).await.0, 200);
        let page = get(&server, &klein, &path).await.1;
        assert!(page.contains("Sabine Weber") && !page.contains("Julia Wolf"), "whom it may go to: {page}");
        for (form, said) in [
            ("weitergabe_an=j.wolf", "Julia Wolf darf diese Aufgabe nicht erledigen"),
            ("weitergabe_an=niemand", "kennt das Verzeichnis nicht"),
            ("weitergabe_an=a.klein", "Sie haben diese Aufgabe schon"),
        ] {
            let (status, _, page) = post(&server, &klein, &hand, form).await;
            assert!(status == 422 && page.contains(said), "{form}: {status} {page}");
        }
        let (status, location, _) = post(&server, &klein, &hand, "weitergabe_an=s.weber&weitergabe_notiz=Bitte+heute+noch").await;
        assert_eq!((status, location.as_str()), (303, "/aufgaben?weitergegeben=1"));
        assert!(in_order(&get(&server, &klein, &location).await.1, &["role=\"status\"", "Die Aufgabe ist weitergegeben."]));
        let hers = get(&server, &weber, &path).await.1;
        assert!(in_order(&hers, &["Weitergegeben von", "Andreas Klein", "Bitte heute noch"]), "{hers}");
        assert!(get(&server, &klein, &path).await.1.contains("Die Aufgabe ist vergeben"));
        let (status, ..) = post(&server, &weber, &path, &format!("shown={}&ja=ja", shown(&hers))).await;
        assert_eq!(status, 303);
    });
    server.stop();
    let told = text(&tenant.laufzettel(&["audit", "show", "--run", task.split('.').next().unwrap_or_default()]));
    assert_eq!(told.matches("Andreas Klein hat Aufgabe 1 an Sabine Weber weitergegeben. Erlaubt durch assign.groups.").count(), 1, "{told}");
    assert!(!told.contains("Bitte heute"), "a note is content: {told}");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// What somebody waits for lies below until its day; it stays hers, and colleagues see who has it.
#[test]
fn a_task_is_put_aside_until_a_day() {
    let tenant = house(&[]);
    let task = begin(&tenant, "frist", r#"{"bis": "2099-03-01"}"#, "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (klein, weber) = (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "s.weber").await.unwrap());
        let path = format!("/aufgaben/{task}");
        let aside = format!("{path}/wiedervorlage");
        let day = today() + jiff::Span::new().days(7);
        let on = |date: jiff::civil::Date| format!("vorlage_am.tag={}&vorlage_am.monat={}&vorlage_am.jahr={}", date.day(), date.month(), date.year());
        let form = format!("{}&vorlage_notiz=Wartet+auf+Nachweise", on(day));
        assert_eq!(post(&server, &klein, &aside, &form).await.0, 409, "only what one has");
        assert_eq!(post(&server, &klein, &path, CLAIM).await.0, 200);
        assert!(get(&server, &klein, &path).await.1.contains("Auf Wiedervorlage legen"));
        for (form, said) in [
            ("vorlage_am.tag=", "Bitte geben Sie Tag, Monat und Jahr an."),
            (&on(jiff::civil::date(2020, 1, 1)), "Bitte geben Sie einen Tag nach heute an, höchstens 366 Tage voraus."),
            ("vorlage_am.tag=31&vorlage_am.monat=2&vorlage_am.jahr=2027", "Dieses Datum gibt es nicht."),
        ] {
            let (status, _, page) = post(&server, &klein, &aside, &format!("ja=ja&vorlage_notiz=Wartet&{form}")).await;
            assert!(
                status == 422 && page.contains(said) && page.contains("Wartet</textarea>") && page.contains("value=\"ja\" checked"),
                "{form}: {status} {page}"
            );
        }
        let (status, location, page) = post(&server, &klein, &aside, &form).await;
        assert_eq!((status, location.as_str()), (303, "/aufgaben?vorgelegt=1"), "{page}");
        let shown_day = format!("{:02}.{:02}.{}", day.day(), day.month(), day.year());
        let list = get(&server, &klein, &location).await.1;
        assert!(in_order(&list, &["role=\"status\"", "Die Aufgabe liegt auf Wiedervorlage.", "<h2>Auf Wiedervorlage</h2>", &path, &shown_day]), "{list}");
        let others = get(&server, &weber, "/aufgaben").await.1;
        assert!(in_order(&others, &[&path, "bei", "Andreas Klein"]) && !others.contains("Auf Wiedervorlage"), "{others}");
        let hers = get(&server, &klein, &path).await.1;
        assert!(in_order(&hers, &["Auf Wiedervorlage bis", &shown_day, "Wartet auf Nachweise", "Jetzt wieder vornehmen", "Abschließen"]), "{hers}");
        let (status, location, _) = post(&server, &klein, &aside, "_schritt=vornehmen").await;
        assert_eq!((status, location.as_str()), (303, "/aufgaben?vorgenommen=1"));
        assert!(!get(&server, &klein, "/aufgaben").await.1.contains("Auf Wiedervorlage"));
        assert_eq!(post(&server, &klein, &aside, &form).await.0, 303);
        // whoever takes it over finds it open
        assert_eq!(post(&server, &weber, &path, &format!("{CLAIM}&_grund=Urlaub")).await.0, 200);
        assert!(!get(&server, &weber, "/aufgaben").await.1.contains("Auf Wiedervorlage"));
    });
    server.stop();
    let told = text(&tenant.laufzettel(&["audit", "show", "--run", task.split('.').next().unwrap_or_default()]));
    assert_eq!(told.matches("auf Wiedervorlage am").count(), 2, "{told}");
    assert!(told.contains("von der Wiedervorlage zurückgeholt") && !told.contains("Wartet auf"), "a note is content: {told}");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

const TYPED: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, additionalProperties: false, properties: {} }
steps:
  frage:
    human:
      assign: { groups: [GG-Steueramt] }
      show: { was: Geht das? }
      form:
        type: object
        required: [wahl, grund]
        properties: { wahl: { enum: [gut, schlecht] }, grund: { type: string, maxLength: 500 }, am: { type: string, format: date } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

/// Whatever button is pressed and whoever was faster: what somebody typed stands there again, and what came of it is said.
#[test]
fn what_is_typed_stays_whatever_becomes_of_the_task() {
    let tenant = house(&[("getippt", TYPED)]);
    let task = begin(&tenant, "getippt", "{}", "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (klein, weber) = (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "s.weber").await.unwrap());
        let path = format!("/aufgaben/{task}");
        let digest = shown(&get(&server, &klein, &path).await.1).to_owned();
        let typed = format!("shown={digest}&wahl=gut&grund=Angefangen&am.tag=31&am.monat=2&am.jahr=");
        let press = async |who: &str, button: &str| {
            let (status, _, page) = post(&server, who, &path, &format!("{typed}{button}")).await;
            let stays = ["value=\"gut\" checked", "Angefangen</textarea>", "value=\"31\""].iter().all(|text| page.contains(text));
            assert!(stays, "{button}: {status} {page}");
            (status, page)
        };
        let said = |page: &str, text: &str| in_order(page, &["role=\"status\"", text]);
        // nobody fills in what is wrong by taking it
        let (status, page) = press(&klein, "&_schritt=uebernehmen").await;
        assert!(
            status == 200 && said(&page, "Sie haben die Aufgabe übernommen.") && page.contains("Aufgabe zurückgeben") && !page.contains("fehlertext"),
            "{page}"
        );
        // in the other language nothing is done, and nothing is wrong yet
        let (status, _, page) = post(&server, &klein, &format!("{path}?lang=en"), &format!("{typed}&weitergabe_notiz=Bitte+heute&_schritt=hierbleiben")).await;
        let stays = ["value=\"gut\" checked", "Angefangen</textarea>", "value=\"31\"", "Bitte heute</textarea>", "lang=\"en\""];
        assert!(status == 200 && stays.iter().all(|text| page.contains(text)) && !page.contains("fehlertext"), "{status} {page}");
        // what is handed over to nobody comes back whole
        let hand = format!("{path}/weitergeben");
        let (status, _, page) = post(&server, &klein, &hand, &format!("{typed}&weitergabe_an=j.wolf&weitergabe_notiz=Bitte+heute")).await;
        let stays = ["value=\"gut\" checked", "Angefangen</textarea>", "value=\"31\"", "Bitte heute</textarea>", "darf diese Aufgabe nicht erledigen"];
        assert!(status == 422 && stays.iter().all(|text| page.contains(text)), "{status} {page}");
        // Enter beside a colleague's name completes nothing
        let (status, _, page) = post(&server, &klein, &path, &format!("shown={digest}&wahl=gut&grund=Fertig&weitergabe_an=s.weber&_schritt=absenden")).await;
        assert!(status == 422 && page.contains("Person zum Weitergeben") && page.contains("Fertig</textarea>"), "{status} {page}");
        // somebody else was faster: who, what to do, and her words still there
        for button in ["", "&_schritt=uebernehmen"] {
            let (status, page) = press(&weber, button).await;
            assert!(status == if button.is_empty() { 422 } else { 409 }, "{button}: {status}");
            assert!(in_order(&page, &["Die Aufgabe ist vergeben", "Andreas Klein", "steht noch hier", "Aufgabe an sich nehmen"]), "{page}");
            assert!(!page.contains("Abschließen"), "{page}");
        }
        let (status, page) = press(&weber, "&_schritt=uebernehmen&_grund=").await;
        assert!(status == 422 && page.contains("grund.fehler"), "{page}");
        let (status, page) = press(&weber, "&_schritt=uebernehmen&_grund=Er+ist+krank").await;
        assert!(status == 200 && said(&page, "an sich genommen") && page.contains("Abschließen"), "{page}");
        let (status, page) = press(&weber, "&_schritt=zurueckgeben").await;
        assert!(status == 200 && said(&page, "zurückgegeben. Sie ist wieder frei") && page.contains("Aufgabe übernehmen"), "{page}");
        // what is not hers to return she still reads
        let (status, page) = press(&weber, "&_schritt=zurueckgeben").await;
        assert!(status == 409 && page.contains("haben Sie nicht übernommen"), "{page}");
        let (status, _, page) = post(&server, &klein, &path, &format!("shown={digest}&wahl=gut&grund=Fertig")).await;
        assert_eq!(status, 303, "{page}");
        let (status, _, page) = post(&server, &weber, &path, &typed).await;
        assert!(status == 409 && page.contains("inzwischen Andreas Klein erledigt") && page.contains("nicht übernommen"), "{page}");
        // what she typed stands there to be copied, with the way to the case
        assert!(page.contains("Was Sie eingetragen haben") && page.contains(">Angefangen<") && page.contains("Zum Vorgang"), "{page}");
    });
    server.stop();
}

const PERSONAL: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, additionalProperties: false, properties: {} }
steps:
  frage: { human: { assign: { user: a.klein }, show: { was: Geht das? }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

#[expect(clippy::disallowed_methods, reason = "the page is asked by somebody who has a calendar of her own")]
fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

/// The form that names somebody from today to tomorrow.
fn naming(deputy: &str) -> String {
    let today = today();
    let day = |name: &str, day: jiff::civil::Date| format!("{name}.tag={}&{name}.monat={}&{name}.jahr={}", day.day(), day.month(), day.year());
    let until = today.tomorrow().expect("a day").tomorrow().expect("a day");
    format!("vertretung={deputy}&{}&{}", day("von", today.yesterday().expect("a day")), day("bis", until))
}

#[test]
fn a_deputy_sees_what_is_hers_to_look_after_and_gains_no_right() {
    let tenant = house(&[("persoenlich", PERSONAL)]);
    let taken = begin(&tenant, "frist", r#"{"bis": "2099-03-01"}"#, "a.klein");
    let personal = begin(&tenant, "persoenlich", "{}", "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (klein, weber, wolf) =
            (sign_in(&server, "a.klein").await.unwrap(), sign_in(&server, "s.weber").await.unwrap(), sign_in(&server, "j.wolf").await.unwrap());
        let path = format!("/aufgaben/{taken}");
        assert_eq!(post(&server, &klein, &path, CLAIM).await.0, 200);
        assert!(get(&server, &weber, &path).await.1.contains("Grund, warum Sie die Aufgabe an sich nehmen"));
        // only for oneself, nobody for herself, nothing that lies behind
        for (form, said) in [
            ("vertretung=a.klein&von.tag=1&von.monat=1&von.jahr=2020&bis.tag=1&bis.monat=1&bis.jahr=2020", "Niemand vertritt sich selbst"),
            ("vertretung=s.weber&von.tag=1&von.monat=1&von.jahr=2020&bis.tag=2&bis.monat=1&bis.jahr=2020", "schon vorbei"),
        ] {
            let (status, _, page) = post(&server, &klein, "/vertretung", form).await;
            assert!(status == 422 && (page.contains(said) || form.contains("a.klein")), "{form}: {status} {page}");
        }
        // whoever looks after the house may for others; anybody else is not even asked for whom
        let yilmaz = sign_in(&server, "i.yilmaz").await.unwrap();
        let (status, _, english) = post(&server, &klein, "/vertretung?lang=en", "vertretung=s.weber&von.tag=31&_schritt=hierbleiben").await;
        assert!(status == 200 && english.contains("value=\"31\"") && !english.contains("role=\"alert\""), "{english}");
        assert!(!get(&server, &klein, "/vertretung").await.1.contains("name=\"fuer\""));
        assert_eq!(post(&server, &yilmaz, "/vertretung", &format!("{}&fuer=k.neumann", naming("c.engel"))).await.0, 303);
        assert!(!get(&server, &klein, "/vertretung").await.1.contains("Neumann</strong>"), "it is no business of his");
        // pressed twice it is one
        for deputy in ["s.weber", "s.weber", "j.wolf"] {
            let (status, location, page) = post(&server, &klein, "/vertretung", &naming(deputy)).await;
            assert_eq!((status, location.as_str()), (303, "/vertretung"), "{deputy}: {page}");
        }
        // with the right: marked, and completed as it lies
        let inbox = get(&server, &weber, "/aufgaben?bei=vertretung").await.1;
        assert!(inbox.contains(&path) && inbox.contains("in Vertretung für Andreas Klein") && !inbox.contains(&personal), "{inbox}");
        let page = get(&server, &weber, &path).await.1;
        assert!(page.contains("in Vertretung für") && page.contains("Abschließen"), "{page}");
        // without it: not there, whoever has named her
        for task in [&taken, &personal] {
            assert_eq!(get(&server, &wolf, &format!("/aufgaben/{task}")).await.0, 404);
            assert_eq!(post(&server, &wolf, &format!("/aufgaben/{task}"), "ja=ja").await.0, 404);
        }
        assert!(!get(&server, &wolf, "/aufgaben?bei=vertretung").await.1.contains(&taken));
        // a task of one person's stays that, though the deputy is of her unit
        assert_eq!(get(&server, &weber, &format!("/aufgaben/{personal}")).await.0, 404);
        assert_eq!(post(&server, &weber, &path, &format!("shown={}&ja=ja", shown(&page))).await.0, 303);
        // ended, it holds no more
        let page = get(&server, &klein, "/vertretung").await.1;
        let end = page
            .split("action=\"")
            .filter_map(|rest| rest.split('"').next())
            .find(|action| action.ends_with("/beenden"))
            .expect("a button")
            .replace("&#x2f;", "/");
        assert_eq!(post(&server, &wolf, &end.replace("beenden", "weg"), "").await.0, 404);
        assert_eq!(post(&server, &klein, &end, "").await.0, 303);
    });
    server.stop();
    let told = text(&tenant.laufzettel(&["audit", "show", "--run", taken.split('.').next().unwrap_or_default()]));
    assert_eq!(told.matches("Sabine Weber hat Aufgabe 1 in Vertretung für Andreas Klein erledigt. Erlaubt durch assign.groups.").count(), 1, "{told}");
    let named = text(&tenant.laufzettel(&["audit", "show", "--kind", "deputy.named"]));
    assert_eq!(named.matches("Andreas Klein hat Sabine Weber als Vertretung von Andreas Klein benannt").count(), 1, "{named}");
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

pub const CITED: &str = r#"
ki_verordnung: { klasse: minimal, begruendung: "stellt zusammen, ein Mensch entscheidet" }
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [text], properties: { text: { type: string } } }
steps:
  fund: { set: { passagen: [ { document: D-44, version: "1", place: Absatz 2, text: "{{ input.text }}" } ] } }
  lage:
    model:
      size: s
      prompt: Was ist geschehen?
      data: { frage: Pfosten }
      sources: "{{ steps.fund.passagen }}"
      cite: required
      output: { type: object, required: [ort], properties: { ort: { enum: [spielplatz, friedhof, unklar], title: Worum es geht } } }
  frage: { human: { assign: { groups: [GG-Steueramt] }, show: { aus_der_akte: "{{ steps.lage }}" }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

#[test]
fn a_quotation_is_marked_where_it_stands() {
    let tenant = house(&[("beleg", CITED)]);
    let task = begin(&tenant, "beleg", r#"{"text": "Die Hauptprüfung am 04.05.2026 hat morsche Pfosten ergeben. Der Spielplatz ist gesperrt."}"#, "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.unwrap();
        let page = get(&server, &klein, &format!("/aufgaben/{task}")).await.1;
        let marked = page.split("<mark>").nth(1).and_then(|rest| rest.split("</mark>").next()).unwrap_or_else(|| panic!("nothing is marked: {page}"));
        assert!("Die Hauptprüfung am 04.05.2026 hat morsche Pfosten ergeben. Der Spielplatz ist gesperrt.".contains(marked) && !marked.is_empty(), "{marked}");
        assert!(in_order(&page, &["belegt durch", "D-44", "Absatz 2"]) && page.contains("Worum es geht"), "{page}");
        assert!(page.contains("KI-Modell") && page.contains("eingebaut"), "{page}");
    });
    server.stop();
}

/// Rows of values on a task page, and how many of them say where they come from.
fn rows(page: &str) -> (usize, usize) {
    let section = page.split("id=\"vorliegend\"").nth(1).and_then(|rest| rest.split("</section>").next()).expect("what is there");
    let values: Vec<&str> = section.split("<dt").skip(1).collect();
    (values.len(), values.iter().filter(|value| value.contains("class=\"marke herkunft\"")).count())
}

const LISTED: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [namen], properties: { namen: { type: array, items: { type: string } } } }
steps:
  liste: { title: In Worten, each: "{{ input.namen }}", set: { nummer: "{{ index + 1 }}", wer: "{{ item }}" } }
  frage:
    human:
      assign: { groups: [GG-Steueramt] }
      show: { leute: "{{ steps.liste }}" }
      form: { type: object, required: [ja], properties: { ja: { type: boolean, title: Ja } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

/// What is made of the items of a list comes from where the list does, and is no text of the process.
#[test]
fn an_item_comes_from_where_its_list_does() {
    let tenant = house(&[("gelistet", LISTED)]);
    let task = begin(&tenant, "gelistet", r#"{"namen": ["Änne", "Emil"]}"#, "a.klein");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.unwrap();
        let page = get(&server, &klein, &format!("/aufgaben/{task}")).await.1;
        let section = page.split("id=\"vorliegend\"").nth(1).and_then(|rest| rest.split("</section>").next()).expect("what is there");
        assert!(section.contains("Emil") && section.contains("Andreas Klein") && !section.contains("fester Text"), "{section}");
    });
    server.stop();
}

/// Over the example processes, as far as they come on their first cases by themselves: no value without an origin.
#[test]
fn every_value_a_task_shows_says_where_it_comes_from() {
    let tenant = Tenant::new();
    let cases = root().join("workflows/cases");
    let copied = std::process::Command::new("cp").arg("-r").arg(&cases).arg(tenant.folder.path()).status().expect("cp runs");
    assert!(copied.success(), "files are named from the folder the input lies in");
    let case = |name: &str| {
        let beside = tenant.folder.path().join(name);
        std::fs::copy(cases.join(name), &beside).expect("copied");
        beside.display().to_string()
    };
    let begun = [
        ("hundesteuer-anmeldung", demo("antrag.json"), "applicant"),
        ("hundesteuer-anmeldung", case("zeiskam-tierheim.json"), "applicant"),
        ("gewerbeanmeldung", case("gewerbe-fahrradhandel.json"), "applicant"),
        ("gewerbeanmeldung", case("gewerbe-alles.json"), "applicant"),
        ("wohngeld-vollstaendigkeit", case("wohngeld-vollstaendig.json"), "m.roth"),
        ("sitzungsvorlage", case("sitzung-spielplatz.json"), "k.neumann"),
    ];
    for (process, input, by) in &begun {
        let started = tenant.laufzettel(&["run", process, "--input", input, "--as", by, "--until-waiting"]);
        assert_eq!(started.status.code(), Some(7), "{process}: {}", text(&started));
    }
    let listed = tenant.laufzettel(&["tasks", "list", "--json"]);
    let tasks: Vec<Value> = String::from_utf8_lossy(&listed.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let server = Server::start(&tenant, None).expect("up starts");
    let mut seen = std::collections::BTreeSet::new();
    runtime().block_on(async {
        for user in ["a.klein", "n.schuster", "k.neumann", "m.roth"] {
            let Ok(cookie) = sign_in(&server, user).await else { continue };
            for task in &tasks {
                let path = format!("/aufgaben/{}", task["task"].as_str().expect("a task"));
                let (status, page) = get(&server, &cookie, &path).await;
                if status == 200 {
                    let (values, with) = rows(&page);
                    assert!(values > 0 && values == with, "{user} {}: {with} of {values}\n{page}", task["process"]);
                    assert!(page.len() < 100_000, "{}: {} bytes", task["process"], page.len());
                    seen.insert(task["process"].as_str().expect("a process").to_owned());
                }
            }
        }
    });
    server.stop();
    assert!(seen.len() >= 3, "{seen:?} of {tasks:#?}");
}
