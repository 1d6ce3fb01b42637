//! What a task and a case show of texts and their sources: a letter as it reads, with its exact wording; a quotation that lies in a case
//! that was called, for whoever may look there; steps by their titles.

use serde_json::Value;

use crate::{
    desk::{Server, Tenant, process, runtime, text},
    inbox::CITED,
    views::{self, sign_in},
};

/// What an applicant might write into a field that ends up in a letter.
const HOSTILE: &str = "<script>alert(1)</script> [Hier](https://boese.example) ![x](//boese.example/x.png)";

const LETTER: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [wer, grund], properties: { wer: { type: string, maxLength: 200 }, grund: { type: string, maxLength: 200 } } }
steps:
  entwurf:
    title: Brief entwerfen
    set: { brief: "{{ render('templates/probe.md') }}", notiz: "**keine** Vorlage" }
  frage:
    title: Brief ansehen
    human:
      assign: { groups: [GG-Steueramt] }
      show: { brief: "{{ steps.entwurf.brief }}", notiz: "{{ steps.entwurf.notiz }}" }
      form: { type: object, required: [ja], properties: { ja: { type: boolean } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

const TEMPLATE: &str =
    "Guten Tag {{ input.wer }},\n\n# Bescheid\n\n| | |\n|---|---|\n| Betrag | **70,00 Euro** |\n\n- erstens\n- zweitens\n\n{{ input.grund }}\n";

/// What looks line by line as if it stood in the template.
const FORGED: &str = "Grund\n\n# Bescheid\n\n| | |\n|---|---|\n| Betrag | **70,00 Euro** |\n\n- erstens";

/// One case reads, the other asks.
fn child() -> String {
    let (reads, _) = CITED.split_once("  frage:").expect("it asks in the end");
    format!("{reads}output: {{ lage: \"{{{{ steps.lage }}}}\" }}\n").replace("start: { groups: [GG-Steueramt], via: [form] }\n", "")
}

const PARENT: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [text], properties: { text: { type: string } } }
steps:
  lesen: { title: Akte lesen lassen, process: { name: KIND, input: { text: "{{ input.text }}" } } }
  frage: { human: { assign: { groups: [GG-Steueramt] }, show: { lage: "{{ steps.lesen.lage }}" }, form: { type: object, properties: { ja: { type: boolean } } } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

/// Begins a run and gives the task it waits for.
fn begin(tenant: &Tenant, process: &str, input: &Value) -> String {
    let path = tenant.path("eingabe.json");
    std::fs::write(&path, input.to_string()).expect("written");
    let started = tenant.laufzettel(&["run", process, "--input", &path.display().to_string(), "--as", "a.klein", "--until-waiting"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let listed = tenant.laufzettel(&["tasks", "list", "--process", process, "--json"]);
    let task: Value = serde_json::from_str(String::from_utf8_lossy(&listed.stdout).lines().next().unwrap_or_default()).expect("JSON");
    task["task"].as_str().expect("a task").to_owned()
}

fn house(processes: &[(&str, String)]) -> Tenant {
    let tenant = Tenant::new();
    for (name, text) in processes {
        std::fs::write(tenant.path(&format!("workflows/{name}.yaml")), text).expect("written");
        tenant.grant(&format!("{{ groups: [GG-Steueramt], allow: [\"process.start:{name}\"] }}"));
    }
    tenant
}

/// Slashes as they are.
async fn get(server: &Server, cookie: &str, path: &str) -> String {
    let (status, page) = views::get(server, cookie, path).await;
    assert_eq!(status, 200, "{path}: {page}");
    page.replace("&#x2f;", "/")
}

#[test]
fn a_letter_reads_as_a_letter_and_nothing_in_it_acts() {
    let tenant = house(&[("brief", process("brief", "Brief", LETTER))]);
    std::fs::create_dir_all(tenant.path("workflows/templates")).expect("a folder");
    std::fs::write(tenant.path("workflows/templates/probe.md"), TEMPLATE).expect("written");
    let task = begin(&tenant, "brief", &serde_json::json!({ "wer": HOSTILE, "grund": FORGED }));
    let run = task.split('.').next().expect("a run").to_owned();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.unwrap();
        for path in [format!("/aufgaben/{task}"), format!("/vorgaenge/{run}?schritt=entwurf")] {
            let page = get(&server, &klein, &path).await;
            let letter = page.split("<div class=\"schrift\">").nth(1).and_then(|rest| rest.split("</div>").next()).unwrap_or_else(|| panic!("{path}: {page}"));
            for part in ["<p class=\"schrift__titel\">Bescheid</p>", "<td>Betrag</td><td><strong>70,00 Euro</strong></td>", "<li>zweitens</li>"] {
                assert!(letter.contains(part), "{path}, {part}: {letter}");
            }
            for part in ["&lt;script&gt;alert(1)&lt;/script&gt;", "[Hier](https://boese.example)", "![x](//boese.example/x.png)"] {
                assert!(letter.contains(part), "{path}, {part}: {letter}");
            }
            for (part, times) in [("<table", 1), ("schrift__titel", 1), ("<ul>", 1), ("| Betrag | **70,00 Euro** |", 1), ("# Bescheid", 1), ("- erstens", 1)] {
                assert_eq!(letter.matches(part).count(), times, "{path}, {part}: {letter}");
            }
            for acting in ["<a", "<img", "<script", "<h1", "href", "src="] {
                assert!(!letter.contains(acting), "{path}, {acting}: {letter}");
            }
            // word for word, one click away; and what came from no template stays as it is
            assert!(page.contains("Genauer Wortlaut") && page.contains("| Betrag | **70,00 Euro** |"), "{path}: {page}");
            assert!(
                page.contains("**keine** Vorlage") && page.matches("class=\"schrift\"").count() == 1 + usize::from(path.contains("vorgaenge")),
                "{path}: {page}"
            );
        }
        // the timeline speaks of steps by their titles, their short names beside
        let page = get(&server, &klein, &format!("/vorgaenge/{run}")).await;
        let told = page.split("id=\"verlauf\"").nth(1).expect("a timeline");
        assert!(told.contains("Schritt „Brief entwerfen“ erledigt.") && told.contains("<small>(entwurf)</small>"), "{told}");
    });
    server.stop();
}

#[test]
fn a_quotation_is_found_in_the_case_it_lies_in_by_whoever_may_look_there() {
    let own = process("anlage", "Anlage", &child());
    let foreign = process("fremd", "Anlage", &child()).replace("FB2-Steueramt", "FB1-Soziales");
    let parent = |name: &str, child: &str| process(name, "Mappe", &PARENT.replace("KIND", child));
    let tenant = house(&[("anlage", own), ("fremd", foreign), ("mappe", parent("mappe", "anlage")), ("mappe2", parent("mappe2", "fremd"))]);
    let input = serde_json::json!({ "text": "Die Hauptprüfung am 04.05.2026 hat morsche Pfosten ergeben. Der Spielplatz ist gesperrt." });
    let (open, closed) = (begin(&tenant, "mappe", &input), begin(&tenant, "mappe2", &input));
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        // who did not begin them: what somebody began she may always see
        let weber = sign_in(&server, "s.weber").await.unwrap();
        let run = |task: &str| task.split('.').next().unwrap_or_default().to_owned();
        for path in [format!("/aufgaben/{open}"), format!("/vorgaenge/{}?schritt=lesen", run(&open))] {
            let page = get(&server, &weber, &path).await;
            assert!(page.contains("<mark>") && page.contains("aus dem Vorgang</span> <a class=\"nummer\" href=\"/vorgaenge/"), "{path}: {page}");
            assert!(!page.contains("nicht vor. Bitte"), "{path}: {page}");
        }
        for path in [format!("/aufgaben/{closed}"), format!("/vorgaenge/{}?schritt=lesen", run(&closed))] {
            let page = get(&server, &weber, &path).await;
            assert!(page.contains("die Sie nicht ansehen dürfen") && !page.contains("<mark>"), "{path}: {page}");
            assert!(!page.contains("hat morsche"), "what lies there is not shown: {page}");
        }
    });
    server.stop();
    // whoever saw it is on record where it lies
    let viewed = tenant.laufzettel(&["audit", "show", "--kind", "content.viewed", "--json"]);
    let runs: Vec<String> = String::from_utf8_lossy(&viewed.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|record| Some(serde_json::from_str::<Value>(record["body"].as_str()?).ok()?["run"].as_str()?.to_owned()))
        .collect();
    let distinct: std::collections::BTreeSet<&String> = runs.iter().collect();
    assert_eq!((runs.len(), distinct.len()), (6, 3), "two of each parent, two of the child that was shown: {runs:?}");
}

const LONG: &str = r#"
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [a, b, c], properties: { a: { type: string }, b: { type: string }, c: { type: string }, liste: { type: array, items: { type: string } } } }
steps:
  sammeln: { title: Sammeln, set: { a: "{{ input.a }}", b: "{{ input.b }}", c: "{{ input.c }}", d: "{{ input.a }}", e: "{{ input.b }}", f: "{{ input.c }}" } }
  frage:
    title: Ansehen
    human: { assign: { groups: [GG-Steueramt] }, show: { a: "{{ steps.sammeln.a }}" }, form: { type: object, properties: { ja: { type: boolean } } } }
output: { wer: "{{ steps.frage.by.name }}" }
"#;

/// All of a case, whatever it holds: no part is larger than a page, and nothing is left out.
#[test]
fn all_of_a_case_is_read_in_parts_that_stay_pages() {
    let tenant = house(&[("lang", process("lang", "Lang", LONG))]);
    let text = |mark: &str| format!("{}{mark}", "ein längerer Satz, der etwas sagt. ".repeat(550));
    let task = begin(&tenant, "lang", &serde_json::json!({ "a": text("Marke-A"), "b": text("Marke-B"), "c": text("Marke-C") }));
    let run = task.split('.').next().expect("a run").to_owned();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.unwrap();
        let mut whole = String::new();
        for part in 1.. {
            let page = get(&server, &klein, &format!("/vorgaenge/{run}/akte?teil={part}")).await;
            assert!(page.len() <= 100 * 1024, "part {part}: {} bytes", page.len());
            whole.push_str(&page);
            if !page.contains(&format!("akte?teil={}", part + 1)) {
                break;
            }
        }
        for mark in ["Marke-A", "Marke-B", "Marke-C"] {
            assert!(whole.matches(mark).count() >= 3, "{mark}");
        }
        assert!(!whole.contains("Der Text geht noch weiter."));
        // a step that is too much for the page of the case is read there
        let case = get(&server, &klein, &format!("/vorgaenge/{run}?schritt=sammeln")).await;
        let link = format!("/vorgaenge/{run}/akte?schritt=sammeln#schritt-sammeln");
        assert!(case.len() <= 100 * 1024 && case.contains(&link), "{} bytes: {case}", case.len());
        assert!(get(&server, &klein, &link).await.contains("id=\"schritt-sammeln\""));
    });
}
