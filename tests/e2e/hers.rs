//! What belongs to whoever applies stays hers: her receipt, her files, her case. And what could not be kept is said, never left out.

use serde_json::Value;

use crate::{
    applications::{case, walk},
    desk::{Server, Tenant, client, process, runtime, text, until},
    erasure::is_in_the_store,
    sheet::Sheet,
    stand,
    views::{get, sign_in},
};

const PATH: &str = "/antrag/vg-bellheim/hundesteuer";

async fn summary(server: &Server, name: &str) -> Sheet {
    walk(server, Sheet::open(server, PATH).await, &case(name)).await
}

/// Whoever reads the journal could send the form as she did, and would get her receipt with the way to her status page.
#[test]
fn the_key_of_a_form_is_nobodys_name() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let key = runtime().block_on(async {
        let summary = summary(&server, "knittelsheim-erster-hund.json").await;
        let key = summary.value("_schluessel").expect("a key").to_owned();
        assert_eq!(summary.press(&server, "absenden").await.status, 200);
        key
    });
    server.stop();
    let told = text(&tenant.laufzettel(&["audit", "export", "--format", "jsonl"]));
    assert!(told.contains("run.started") && !told.contains(&key), "{key}");
}

/// Not to somebody who knows how it is called, and not with another's seal.
#[test]
fn a_file_comes_back_only_to_whoever_sent_it() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let hers = summary(&server, "zeiskam-tierheim.json").await;
        let sealed = hers.value("nachweis.datei").expect("her file").to_owned();
        let mut told: Value = serde_json::from_str(&sealed).expect("JSON");
        assert!(hers.text.contains("nachweis-tierheim.txt"), "{}", hers.text);
        let seal = told.as_object_mut().expect("an object").remove("siegel").expect("a seal");
        let bare = told.to_string();
        told["siegel"] = seal;
        told["name"] = "anderer.txt".into();
        for forged in [bare, told.to_string()] {
            let mut foreign = summary(&server, "knittelsheim-erster-hund.json").await;
            foreign.smuggle("nachweis.datei", &forged);
            let refused = foreign.press(&server, "absenden").await;
            assert!(refused.status == 422 && refused.text.contains("ist nicht mehr da"), "{} {}", refused.status, refused.text);
            assert!(refused.value("nachweis.datei").is_none(), "{}", refused.text);
        }
        assert_eq!(hers.press(&server, "absenden").await.status, 200);
    });
    server.stop();
}

/// A server that was begun anew knows no upload of before; the application is not sent without it.
#[test]
fn a_file_that_is_gone_is_asked_for_once_more() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    let before = runtime().block_on(summary(&server, "zeiskam-tierheim.json"));
    server.stop();
    let server = Server::start(&tenant, None).expect("up starts");
    let refused = runtime().block_on(before.press(&server, "absenden"));
    assert!(refused.status == 422 && refused.text.contains("nachweis-tierheim.txt“ ist nicht mehr da"), "{} {}", refused.status, refused.text);
    server.stop();
    assert_eq!(text(&tenant.laufzettel(&["runs", "list", "--json"])).lines().count(), 1, "nothing was sent");
}

const SHORT: &str = "
start: { groups: [GG-Steueramt] }
input: { type: object, additionalProperties: false, required: [name], properties: { name: { type: string, maxLength: 40, title: Name } } }
steps:
  gut: { set: { name: \"{{ input.name }}\" } }
";

/// The form of the house: sent twice it is one case; with other data it is asked once more, and never another's.
#[test]
fn a_form_of_the_house_sent_again_with_other_data_is_no_repetition() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/kurz.yaml"), process("hundesteuer-kurz", "Kurz", SHORT)).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let path = "/prozesse/hundesteuer-kurz/start";
        let send = async |cookie: &str, name: &str| {
            let form = format!("_schluessel=00000000000000000000000000000007&_schritt=absenden&name={name}");
            let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", cookie);
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.expect("an answer");
            let leads = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            (answer.status().as_u16(), leads)
        };
        let (klein, weber, wolf) = (sign_in(&server, "a.klein").await, sign_in(&server, "s.weber").await, sign_in(&server, "j.wolf").await);
        let (klein, weber, wolf) = (klein.expect("signed in"), weber.expect("signed in"), wolf.expect("signed in"));
        let first = send(&klein, "Eins").await;
        assert_eq!((first.0, send(&klein, "Eins").await), (303, first.clone()));
        assert_eq!(send(&klein, "Zwei").await.0, 200, "shown once more");
        let hers = send(&weber, "Eins").await;
        assert!(hers.0 == 303 && hers.1 != first.1, "{hers:?}");
        assert_eq!(send(&wolf, "Eins").await.0, 404, "not hers to start: not there");
    });
    server.stop();
}

/// What fills in a field nobody sees is told nothing, and what it sends is kept nowhere.
#[test]
fn what_a_program_sends_is_not_kept() {
    const CANARY: &[u8] = b"Kanarienvogel im Nachweis 4711";
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let file = Some(("nachweis", "nachweis.txt", CANARY));
        let caught = stand::send(&server, "", PATH, &[("_webseite", "http://evil.example"), ("_schritt", "weiter")], file).await;
        assert_eq!(caught.code, 404, "{}", caught.page);
        assert!(!is_in_the_store(&tenant, "Kanarienvogel im Nachweis"), "kept all the same");
        // nor what is sent where a code is asked for, with one that opens nothing
        let wrong = stand::send(&server, "", &format!("{PATH}/weiter"), &[("code", "ACDE-FGHJ-KLMN-PRTU-VWXY-Z234")], file).await;
        assert_eq!(wrong.code, 422, "{}", wrong.page);
        assert!(!is_in_the_store(&tenant, "Kanarienvogel im Nachweis"), "kept all the same");
        // the same from somebody: that is what was looked for
        let sent = stand::send(&server, "", PATH, &[("_schritt", "weiter")], file).await;
        assert_eq!(sent.code, 422, "{}", sent.page);
        assert!(is_in_the_store(&tenant, "Kanarienvogel im Nachweis"), "looked for in the wrong place");
    });
    server.stop();
}

const ASKING: &str = "
start: { groups: [GG-Steueramt] }
input: { type: object, additionalProperties: false, properties: {} }
steps:
  frage: { title: Fragen, human: { assign: { groups: [GG-Steueramt] }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
";

/// A second press is no other answer; whoever comes later is told so.
#[test]
fn an_answer_given_twice_is_one_and_one_too_late_is_told() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/frage.yaml"), process("hundesteuer-frage", "Frage", ASKING)).expect("written");
    let input = tenant.path("leer.json").display().to_string();
    std::fs::write(&input, "{}").expect("written");
    let begun = tenant.laufzettel(&["run", "hundesteuer-frage", "--input", &input, "--as", "a.klein", "--until-waiting"]);
    assert_eq!(begun.status.code(), Some(7), "{}", text(&begun));
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let (klein, weber) = (sign_in(&server, "a.klein").await.expect("signed in"), sign_in(&server, "s.weber").await.expect("signed in"));
        let (_, inbox) = get(&server, &klein, "/aufgaben").await;
        let inbox = inbox.replace("&#x2f;", "/");
        let path = inbox.split("href=\"").find(|rest| rest.starts_with("/aufgaben/")).and_then(|rest| rest.split('"').next()).expect("a task").to_owned();
        let (_, page) = get(&server, &klein, &path).await;
        let shown = page.split_once("name=\"shown\" value=\"").and_then(|(_, rest)| rest.split('"').next()).expect("a digest").to_owned();
        let send = async |cookie: &str| {
            let request = client().post(server.url(&path)).header("origin", server.url("")).header("cookie", cookie);
            let form = format!("shown={shown}&ja=ja");
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.unwrap_or_default())
        };
        assert_eq!((send(&klein).await.0, send(&klein).await.0), (303, 303));
        let (status, late) = send(&weber).await;
        assert!(status == 409 && late.contains("inzwischen Andreas Klein erledigt"), "{status} {late}");
        let wolf = sign_in(&server, "j.wolf").await.expect("signed in");
        assert_eq!(send(&wolf).await.0, 404, "of another office: not there");
        // what was going to be handed on, or put aside, with what was typed meanwhile: that is told, too
        let beside = async |way: &str, form: &str| {
            let request = client().post(server.url(&format!("{path}/{way}"))).header("origin", server.url("")).header("cookie", &weber);
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.unwrap_or_default())
        };
        for (way, form) in [
            ("weitergeben", "ja=ja&weitergabe_an=a.klein&weitergabe_notiz=Merksatz"),
            ("wiedervorlage", "ja=ja&vorlage_am.tag=1&vorlage_am.monat=1&vorlage_am.jahr=2030&vorlage_notiz=Merksatz"),
        ] {
            let (status, late) = beside(way, &format!("shown={shown}&{form}")).await;
            assert!(
                status == 409 && late.contains("inzwischen Andreas Klein erledigt") && late.contains("Was Sie eingetragen haben") && late.contains("Merksatz"),
                "{way}: {status} {late}"
            );
        }
    });
    // and of a case that was ended while she wrote
    let begun = tenant.laufzettel(&["run", "hundesteuer-frage", "--input", &input, "--as", "a.klein", "--until-waiting"]);
    assert_eq!(begun.status.code(), Some(7), "{}", text(&begun));
    runtime().block_on(async {
        let klein = sign_in(&server, "a.klein").await.expect("signed in");
        let (_, inbox) = get(&server, &klein, "/aufgaben").await;
        let inbox = inbox.replace("&#x2f;", "/");
        let path = inbox.split("href=\"").find(|rest| rest.starts_with("/aufgaben/")).and_then(|rest| rest.split('"').next()).expect("a task").to_owned();
        let case = path.replace("/aufgaben/", "/vorgaenge/").split('.').next().expect("a run").to_owned();
        let post = async |path: &str, form: &str| {
            let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", &klein);
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.unwrap_or_default())
        };
        assert_eq!(post(&format!("{case}/abbrechen"), "grund=doppelt").await.0, 303);
        let (status, late) = post(&path, "ja=ja").await;
        assert!(status == 409 && late.contains("Diese Aufgabe hat sich inzwischen erledigt") && late.contains("Was Sie eingetragen haben"), "{status} {late}");
        let (status, gone) = get(&server, &klein, &path).await;
        assert!(status == 409 && gone.contains("Niemand muss sie mehr bearbeiten"), "{status} {gone}");
    });
    server.stop();
    let told = tenant.laufzettel(&["audit", "show", "--kind", "task.completed"]);
    assert_eq!(String::from_utf8_lossy(&told.stdout).lines().count(), 1, "{}", text(&told));
}

/// However much happened in it.
#[test]
fn the_page_of_a_case_stays_a_page() {
    let tenant = Tenant::new();
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let address = "/antrag/vg-bellheim/gewerbeanmeldung";
        let summary = walk(&server, Sheet::open(&server, address).await, &case("gewerbe-nachweis.json")).await;
        assert_eq!(summary.press(&server, "absenden").await.status, 200);
    });
    let listed = tenant.laufzettel(&["runs", "list", "--json"]);
    let run: Value =
        serde_json::from_str(String::from_utf8_lossy(&listed.stdout).lines().next().unwrap_or_default()).unwrap_or_else(|_| panic!("{}", text(&listed)));
    let run = run["run"].as_str().expect("a run").to_owned();
    until("it waits", || text(&tenant.laufzettel(&["runs", "show", &run])).contains("wartet").then_some(()));
    runtime().block_on(async {
        let cookie = sign_in(&server, "n.schuster").await.expect("signed in");
        let (status, page) = get(&server, &cookie, &format!("/vorgaenge/{run}")).await;
        assert!(status == 200 && page.len() <= 100 * 1024, "{status}: {} bytes", page.len());
    });
    server.stop();
}
