//! A step failed, and a person says what becomes of it: the value she supplies is asked for field by field, by the step's own schema, and
//! what she writes is held against it in plain words.

use serde_json::{Value, json};

use crate::{
    desk::{Server, Tenant, client, process, runtime, text},
    views::{self, sign_in},
};

/// Its model finds nothing of what it must answer, its tool takes no such version, and no row fits.
const BROKEN: &str = r#"
ki_verordnung: { klasse: begrenzt, begruendung: vorbereitend }
start: { groups: [GG-Steueramt], via: [form] }
input: { type: object, required: [text, gebuehr], properties: { text: { type: string, maxLength: 200 }, gebuehr: { type: integer, x-einheit: cent, minimum: 0, maximum: 9999 } } }
steps:
  lesen:
    title: Schreiben lesen
    model:
      size: s
      prompt: Welche Art Schreiben ist das?
      data: { text: "{{ input.text }}" }
      output:
        type: object
        additionalProperties: false
        required: [aktenzeichen, am, betrag_cent]
        properties:
          aktenzeichen: { type: string, pattern: "^HST-[0-9]+$", title: Aktenzeichen, description: HST und eine Zahl }
          am: { type: string, format: date, title: Datum des Schreibens }
          betrag_cent: { type: integer, minimum: 1, title: Betrag in Cent }
    on_error: human
  dokument:
    title: Dokument holen
    needs: [lesen]
    tool: dms/lesen
    with: { dokument: D-999999, version: "{{ input.gebuehr }}" }
    on_error: human
  frage:
    needs: ["dokument?"]
    human:
      assign: { groups: [GG-Steueramt] }
      show: { az: "{{ steps.lesen.aktenzeichen }}", am: "{{ steps.lesen.am }}" }
      form: { type: object, properties: { ja: { type: boolean } } }
output: { az: "{{ steps.lesen.aktenzeichen }}" }
"#;

fn open_task(tenant: &Tenant) -> Value {
    let listed = tenant.laufzettel(&["tasks", "list", "--process", "reparatur", "--json"]);
    let line = String::from_utf8_lossy(&listed.stdout).lines().next().map(str::to_owned).unwrap_or_else(|| panic!("{}", text(&listed)));
    serde_json::from_str(&line).expect("JSON")
}

async fn post(server: &Server, cookie: &str, path: &str, form: &str) -> (u16, String) {
    let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", cookie);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap_or_default())
}

fn shown(page: &str) -> String {
    let from = page.find("name=\"shown\" value=\"").map(|at| &page[at + 20..]).unwrap_or_default();
    from.split('"').next().unwrap_or_default().to_owned()
}

/// The name of the next open task of the run, once there is one that is not `than`.
async fn next(server: &Server, cookie: &str, than: &str) -> String {
    for _ in 0..200 {
        let (_, page) = views::get(server, cookie, "/api/v1/tasks?process=reparatur").await;
        let tasks: Value = serde_json::from_str(&page).unwrap_or_default();
        let found = tasks["tasks"].as_array().and_then(|list| list.first()).and_then(|task| task["task"].as_str()).unwrap_or_default();
        if !found.is_empty() && found != than {
            return found.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no other task came");
}

#[test]
fn the_value_of_a_failed_step_is_asked_for_by_its_own_schema() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/reparatur.yaml"), process("reparatur", "Schreiben bearbeiten", BROKEN)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:reparatur\", models.use] }");
    let input = tenant.path("eingabe.json");
    std::fs::write(&input, json!({ "text": "Guten Tag", "gebuehr": 1250 }).to_string()).expect("written");
    let started = tenant.laufzettel(&["run", "reparatur", "--input", &input.display().to_string(), "--as", "a.klein", "--until-waiting"]);
    assert_eq!(started.status.code(), Some(7), "{}", text(&started));
    let task = open_task(&tenant);
    assert_eq!(task["kind"], "repair", "{task}");
    let task = task["task"].as_str().expect("a task").to_owned();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.unwrap();
        let path = format!("/aufgaben/{task}");
        let page = views::get(&server, &klein, &path).await.1;
        for part in ["Wert, mit dem es weitergeht", "Aktenzeichen", "HST und eine Zahl", "name=\"wert.am.tag\"", "name=\"wert.betrag_cent\""] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("JSON"), "{page}");
        // whoever comes to work sees at once that a case stands still
        let inbox = views::get(&server, &klein, "/aufgaben").await.1;
        let halted = inbox.split("Hier steht ein Vorgang still").nth(1).unwrap_or_else(|| panic!("{inbox}"));
        assert_eq!(halted.matches(&task).count(), 1, "{inbox}");
        // half a day typed for the value, and another choice: nobody throws away what was begun
        let (status, refused) = post(&server, &klein, &path, &format!("shown={}&entscheidung=erneut&wert.am.tag=31", shown(&page))).await;
        assert!(status == 422 && refused.contains("Ein Wert passt nicht zu Ihrer Wahl oben."), "{status}: {refused}");
        // in English the page's own words are English, and what an author wrote is marked as German
        let english = views::get(&server, &klein, &format!("{path}?lang=en")).await.1;
        for part in [
            "What shall become of the step?",
            ">Supply the value<",
            "<legend>The value it goes on with",
            "<dt lang=\"de\">Reason</dt>",
            "the answer was not of the agreed form",
            "<div class=\"feld\" lang=\"de\">\n<label for=\"f-wert.aktenzeichen\">",
        ] {
            assert!(english.contains(part), "{part}: {english}");
        }
        for part in ["Erneut versuchen", "Was soll", "Wert, mit dem", ">Grund<", "lang=\"de\"><legend>The value"] {
            assert!(!english.contains(part), "{part}: {english}");
        }
        let answer = |rest: &str| format!("shown={}&entscheidung=wert{rest}", shown(&page));
        let wrong = "&wert.aktenzeichen=77&wert.am.tag=31&wert.am.monat=2&wert.am.jahr=2026&wert.betrag_cent=viel";
        let (status, again) = post(&server, &klein, &path, &answer(wrong)).await;
        assert_eq!(status, 422);
        for (field, kept) in [("aktenzeichen", "value=\"77\""), ("am", "value=\"31\""), ("betrag_cent", "value=\"viel\"")] {
            assert!(again.contains(&format!("id=\"f-wert.{field}.fehler\"")) && again.contains(kept), "{field}: {again}");
        }
        // another choice, and a value beside it: nothing happens, and it stands there still
        let both = format!("shown={}&entscheidung=erneut&wert.aktenzeichen=HST-77", shown(&page));
        let (status, again) = post(&server, &klein, &path, &both).await;
        assert!(status == 422 && again.contains("Ein Wert passt nicht zu Ihrer Wahl oben.") && again.contains("value=\"HST-77\""), "{again}");
        let right = "&wert.aktenzeichen=HST-77&wert.am.tag=3&wert.am.monat=2&wert.am.jahr=2026&wert.betrag_cent=7000";
        let (status, said) = post(&server, &klein, &path, &answer(right)).await;
        assert_eq!(status, 303, "{said}");
        // what holds a file cannot be typed: the text remains, and says what it is
        let second = next(&server, &klein, &task).await;
        let path = format!("/aufgaben/{second}");
        let page = views::get(&server, &klein, &path).await.1;
        assert!(page.contains("technischer Schreibweise (JSON)") && page.contains("&quot;dokument&quot;: …"), "{page}");
        // the call that failed, each argument as it went out, amounts in euro beside
        for part in ["dms&#x2f;lesen", "D-999999", "1250 (12,50 €)"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let (status, again) = post(&server, &klein, &path, &format!("shown={}&entscheidung=wert&wert=%7B%22dokument", shown(&page))).await;
        assert!(status == 422 && again.contains("kein gültiges JSON") && again.contains("Klammern"), "{again}");
        let skip = |value: &str| format!("shown={}&entscheidung=ueberspringen&wert={value}", shown(&page));
        let (status, again) = post(&server, &klein, &path, &skip("unfertig")).await;
        assert!(status == 422 && again.contains("Ein Wert passt nicht zu Ihrer Wahl oben."), "{again}");
        let (status, said) = post(&server, &klein, &path, &skip("")).await;
        assert_eq!(status, 303, "{said}");
        let third = next(&server, &klein, &second).await;
        let page = views::get(&server, &klein, &format!("/aufgaben/{third}")).await.1;
        assert!(page.contains("HST-77") && page.contains("03.02.2026") && page.contains("Mensch"), "{page}");
    });
    server.stop();
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}
