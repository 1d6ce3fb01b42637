//! Signing in before applying: each level, one that is not enough, one nobody knows, none at all; and what is kept of it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{get, post};
use crate::{
    desk::{Server, Tenant, client, process, root, runtime, text},
    views::sign_in,
};

/// Killed when dropped.
struct Provider {
    child: Child,
    issuer: String,
}

impl Provider {
    fn start() -> Self {
        let mut command = Command::new("node");
        command.arg("applicants.mjs").current_dir(root().join("tests/oidc")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node runs");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let issuer = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("http://")).expect("the provider starts");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, issuer }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn form(path: &str, login: &str) -> String {
    let rest = format!(
        r#"
betroffen: "{{{{ input }}}}"
triggers:
  - intake: {{ path: {path}, audience: public{login}, run_as: service:svc-intake }}
input: {{ type: object, additionalProperties: false, required: [name], properties: {{ name: {{ type: string, maxLength: 100, title: Name }}, wohnort: {{ type: string, maxLength: 100, title: Ort }} }} }}
steps:
  pruefung:
    title: Prüfen
    human:
      assign: {{ groups: [GG-Steueramt] }}
      show: {{ niveau: "{{{{ run.applicant.loa | default('ohne Anmeldung') }}}}" }}
      form: {{ type: object, additionalProperties: false, properties: {{ gut: {{ type: boolean, title: Gut }} }} }}
output: {{ niveau: "{{{{ run.applicant.loa | default('ohne Anmeldung') }}}}" }}
"#
    );
    process(&format!("hundesteuer-{path}"), &format!("Antrag {path}"), &rest)
}

fn house() -> (Tenant, Provider, Server) {
    let (tenant, provider) = (Tenant::new(), Provider::start());
    for (path, login) in [("frei", ""), ("mittel", ", login: { oidc: bundid, loa: substanziell }"), ("streng", ", login: { oidc: bundid, loa: hoch }")] {
        std::fs::write(tenant.path(&format!("workflows/{path}.yaml")), form(path, login)).expect("written");
    }
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"task.complete:*\", \"run.view:all\"] }");
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let issuer = &provider.issuer;
    let applicants = format!(
        "login: {{ demo: {{}} }}\n    applicants: {{ bundid: {{ oidc: {{ issuer: \"{issuer}\", client: laufzettel }}, levels: {{ stork-1: basis, stork-3: substanziell, stork-4: hoch }} }} }}"
    );
    std::fs::write(tenant.path("laufzettel.yaml"), config.replace("login: { demo: {} }", &applicants)).expect("written");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let server = Server::start_at(&tenant, port).expect("up starts");
    (tenant, provider, server)
}

fn unpacked(content: &[u8]) -> String {
    let mut text = String::new();
    match content.split_first().expect("a marker") {
        (1, deflated) => flate2::read::DeflateDecoder::new(deflated).read_to_string(&mut text).map(drop).expect("deflated"),
        (_, plain) => text.push_str(&String::from_utf8_lossy(plain)),
    }
    text
}

/// Who she is by her sign-in stands on the page.
fn vouched(page: &str) -> bool {
    let page = page.replace("&#x2f;", "/");
    page.contains("Angemeldet als <strong>Erika Mustermann</strong>, geboren am 12.08.1964, über") && page.contains("http://127.0.0.1:")
}

struct Came {
    code: u16,
    to: String,
    /// Name and value of the cookies that were set, not cleared.
    cookies: Vec<String>,
    page: String,
}

async fn go(url: &str, cookies: &str) -> Came {
    let answer = client().get(url).header("cookie", cookies).send().await.expect("an answer");
    let all = |name: &str| answer.headers().get_all(name).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).collect::<Vec<_>>();
    let cookies = all("set-cookie").iter().filter_map(|c| c.split(';').next().map(str::to_owned)).filter(|c| !c.ends_with('=')).collect();
    let (code, to) = (answer.status().as_u16(), all("location").pop().unwrap_or_default());
    Came { code, to, cookies, page: answer.text().await.unwrap_or_default().replace("&#x2f;", "/") }
}

/// From the form's sign-in to what comes of it at this level.
async fn signed_in(server: &Server, path: &str, level: Option<&str>) -> Came {
    signed_in_as(server, path, level, "").await
}

/// `who`: what the provider is told beside, as `&wer=Max`.
async fn signed_in_as(server: &Server, path: &str, level: Option<&str>, who: &str) -> Came {
    let away = go(&server.url(&format!("/antrag/vg-bellheim/{path}/anmelden")), "").await;
    assert_eq!(away.code, 303, "{}", away.page);
    assert!(away.to.contains("code_challenge_method=S256") && away.to.contains("acr_values=stork-"), "{}", away.to);
    let level = level.map(|level| format!("&als={level}")).unwrap_or_default();
    // whoever was there before her at this machine is nobody she could be taken for
    assert!(away.to.contains("prompt=login"), "{}", away.to);
    let back = go(&format!("{}{level}{who}", away.to), "").await;
    assert!(back.to.contains("/anmelden/ausweis/vg-bellheim/bundid/zurueck?code="), "{}", back.to);
    let came = go(&back.to, &away.cookies.join("; ")).await;
    // the same answer once more, from a browser that has not asked
    assert_eq!(go(&back.to, "").await.code, 400);
    came
}

#[test]
fn who_must_sign_in_does_and_what_is_vouched_for_stands_beside_her_words() {
    let (tenant, _provider, server) = house();
    runtime().block_on(async {
        let antrag = |path: &str| format!("/antrag/vg-bellheim/{path}");
        // without a sign-in: told how, and nothing taken
        let (code, page) = get(&server, "", &antrag("mittel")).await;
        assert!(code == 200 && page.contains("Bitte melden Sie sich zuerst an") && page.contains("substanziell") && !page.contains("name=\"name\""), "{page}");
        let sent = post(&server, "", &antrag("mittel"), "_schritt=absenden&name=Weber").await;
        // what was typed is not lost: the way to sign in beside it, and once more
        let held = ["nicht mehr angemeldet", "name=\"name\" value=\"Weber\"", "/antrag/vg-bellheim/mittel/anmelden", "action=\"/antrag/vg-bellheim/mittel\""];
        assert!(sent.code == 403 && held.iter().all(|text| sent.page.replace("&#x2f;", "/").contains(text)), "{} {}", sent.code, sent.page);
        let nothing = post(&server, "", &antrag("mittel"), "_schritt=weiter").await;
        assert!(nothing.code == 403 && nothing.page.contains("Anmeldung ist abgelaufen"), "{} {}", nothing.code, nothing.page);
        // nor does a draft of hers open to whoever has its code alone
        let (code, page) = get(&server, "", &format!("{}/weiter", antrag("mittel"))).await;
        assert!(code == 200 && page.contains("Bitte melden Sie sich zuerst an") && !page.contains("name=\"code\""), "{page}");
        let resumed = post(&server, "", &format!("{}/weiter", antrag("mittel")), "code=ACDE-FGHJ").await;
        assert!(resumed.code == 403 && resumed.page.contains("name=\"code\" value=\"ACDE-FGHJ\""), "{} {}", resumed.code, resumed.page);
        // too low, unknown, none
        for (path, level, words) in [
            ("mittel", Some("stork-1"), "Diese Anmeldung genügt hier nicht"),
            ("streng", Some("stork-3"), "Diese Anmeldung genügt hier nicht"),
            ("mittel", Some("stork-9"), "Diese Anmeldung erkennen wir nicht an"),
            ("mittel", None, "Diese Anmeldung erkennen wir nicht an"),
        ] {
            let came = signed_in(&server, path, level).await;
            assert!(came.code == 403 && came.page.contains(words) && came.cookies.is_empty(), "{path} {level:?}: {} {}", came.code, came.page);
            assert!(came.page.contains(&format!("/antrag/vg-bellheim/{path}/anmelden")), "the way to a better one: {}", came.page);
        }
        let mut applied = Vec::new();
        for (n, (path, level, expected)) in
            [("mittel", "stork-3", "substanziell"), ("mittel", "stork-4", "hoch"), ("streng", "stork-4", "hoch")].into_iter().enumerate()
        {
            let came = signed_in(&server, path, Some(level)).await;
            assert_eq!((came.code, came.to.as_str()), (303, antrag(path).as_str()), "{}", came.page);
            let cookie = came.cookies.join("; ");
            assert!(cookie.starts_with("laufzettel-antrag="), "{cookie}");
            let (code, page) = get(&server, &cookie, &antrag(path)).await;
            assert!(code == 200 && page.contains("name=\"name\"") && vouched(&page), "{page}");
            // for no other form, and for nothing of the staff's
            let other = if path == "mittel" { "streng" } else { "mittel" };
            assert!(get(&server, &cookie, &antrag(other)).await.1.contains("Bitte melden Sie sich zuerst an"));
            assert_eq!(get(&server, &cookie, "/aufgaben").await.0, 303);
            let key = format!("{n:032}");
            let sent = post(&server, &cookie, &antrag(path), &format!("_schluessel={key}&_schritt=absenden&name=Weber&wohnort=Bellheim")).await;
            assert!(sent.code == 200 && vouched(&sent.page), "{}", sent.page);
            let own = sent.page.split("href=\"/status/").nth(1).and_then(|rest| rest.split('"').next()).expect("the way to the status page");
            let (_, own) = get(&server, "", &format!("/status/{own}/angaben")).await;
            assert!(vouched(&own) && own.contains("Ihre eigenen Angaben"), "{own}");
            // what was spent is good for nothing more: neither the form, nor another application from a copy of it
            let (code, page) = get(&server, &cookie, &antrag(path)).await;
            assert!(code == 200 && page.contains("schon ein Antrag abgesendet") && !page.contains("name=\"name\""), "{page}");
            let copied = post(&server, &cookie, &antrag(path), &format!("_schluessel={:032}&_schritt=absenden&name=Fremd", n + 50)).await;
            assert!(copied.code == 403 && copied.page.contains("schon ein Antrag abgesendet"), "{} {}", copied.code, copied.page);
            // loaded once more, when the sign-in went with the application: that it came is said, and nothing of it
            let reloaded = post(&server, "", &antrag(path), &format!("_schluessel={key}&_schritt=absenden&name=Weber&wohnort=Bellheim")).await;
            assert!(reloaded.code == 403 && reloaded.page.contains("schon ein Antrag bei uns eingegangen"), "{} {}", reloaded.code, reloaded.page);
            assert!(!reloaded.page.contains("nichts gespeichert") && !vouched(&reloaded.page) && !reloaded.page.contains("/status/"), "{}", reloaded.page);
            // the same once more is the same application
            let again = post(&server, &cookie, &antrag(path), &format!("_schluessel={key}&_schritt=absenden&name=Weber&wohnort=Bellheim")).await;
            assert!(again.code == 200 && vouched(&again.page), "{} {}", again.code, again.page);
            applied.push(expected);
        }
        // who need not sign in has no level
        let sent = post(&server, "", &antrag("frei"), "_schluessel=00000000000000000000000000000009&_schritt=absenden&name=Weber").await;
        assert_eq!(sent.code, 200, "{}", sent.page);
        applied.push("ohne Anmeldung");
        // as the clerk reads it
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        let (_, inbox) = get(&server, &clerk, "/aufgaben").await;
        let mut found = Vec::new();
        for (at, _) in inbox.match_indices("href=\"/aufgaben/") {
            let (_, page) = get(&server, &clerk, inbox[at + 6..].split('"').next().unwrap_or_default()).await;
            let signed_in = !page.contains(">ohne Anmeldung</span>");
            assert_eq!(vouched(&page) && page.contains("prüft das Programm nicht"), signed_in, "{page}");
            let case = page.split("href=\"/vorgaenge/").nth(1).and_then(|rest| rest.split('"').next()).expect("the way to the case");
            assert_eq!(vouched(&get(&server, &clerk, &format!("/vorgaenge/{case}")).await.1), signed_in);
            found.extend(["substanziell", "hoch", "ohne Anmeldung"].into_iter().find(|level| page.contains(&format!(">{level}</span>"))));
        }
        found.sort_unstable();
        applied.sort_unstable();
        assert_eq!(found, applied);
        // and as she is told what is kept of her
        let officer = sign_in(&server, "d.braun").await.expect("signed in");
        let told = post(&server, &officer, "/protokoll/auskunft", "familienname=Weber&feld=wohnort&wert=Bellheim&grund=Verlangen").await;
        assert_eq!(told.code, 200, "{}", told.page);
        for part in ["Bei der Anmeldung zum Antrag bestätigt", "Erika Mustermann", "12.08.1964", "Anmeldedienst", "hoch (Online-Ausweisfunktion)"] {
            assert!(told.page.contains(part), "{part}: {}", told.page);
        }
        // no page of a path that asks for none, and no provider nobody named
        assert_eq!(get(&server, "", "/antrag/vg-bellheim/frei/anmelden").await.0, 404);
        assert_eq!(get(&server, "", "/anmelden/ausweis/vg-bellheim/elster/zurueck?code=x&state=y").await.0, 404);
    });
    server.stop();
    // subject and address stand nowhere, and name and date of birth in contents alone, which can be erased
    let exported = tenant.laufzettel(&["audit", "export", "--format", "jsonl"]);
    let mut told = String::from_utf8_lossy(&exported.stdout).into_owned();
    for kept in ["Mustermann", "1964-08-12"] {
        assert!(!told.contains(kept), "{kept}");
    }
    let records: Vec<serde_json::Value> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let contents = records.iter().filter_map(|record| STANDARD.decode(record["content"].as_str()?).ok());
    contents.for_each(|content| told.push_str(&unpacked(&content)));
    assert!(told.contains("{\"loa\":\"substanziell\"}"), "{}", text(&exported));
    assert!(told.contains("\"name\":\"Erika Mustermann\""));
    for secret in ["bundid-4711", "erika@post.example"] {
        assert!(!told.contains(secret), "{secret}");
    }
    assert_eq!(tenant.laufzettel(&["audit", "verify"]).status.code(), Some(0));
}

/// A form whose sign-in the tenant does not offer opens for nobody, and `check` says so.
#[test]
fn a_sign_in_nobody_offers_is_found() {
    let tenant = Tenant::new();
    std::fs::write(tenant.path("workflows/streng.yaml"), form("streng", ", login: { oidc: bundit, loa: hoch }")).expect("written");
    let checked = tenant.laufzettel(&[
        "check",
        &tenant.path("workflows/streng.yaml").display().to_string(),
        "--config",
        &tenant.path("laufzettel.yaml").display().to_string(),
    ]);
    assert!(checked.status.code() == Some(3) && text(&checked).contains("LZ709"), "{}", text(&checked));
}

/// The way to the provider and back keeps what the address asked for, and the sign-in is over once the application is sent.
#[test]
fn a_sign_in_keeps_the_query_and_ends_with_the_sending() {
    let (_tenant, _provider, server) = house();
    runtime().block_on(async {
        let path = "/antrag/vg-bellheim/mittel";
        let (_, page) = get(&server, "", &format!("{path}?lang=en")).await;
        assert!(page.contains(&format!("{path}/anmelden?lang=en")), "{page}");
        let away = go(&server.url(&format!("{path}/anmelden?lang=en")), "").await;
        let back = go(&format!("{}&als=stork-3", away.to), "").await;
        let came = go(&back.to, &away.cookies.join("; ")).await;
        assert_eq!(came.to, format!("{path}?lang=en"), "{}", came.page);
        let send = async |step: &str| {
            let form = format!("_schluessel=00000000000000000000000000000077&_schritt={step}&name=Weber");
            let request = client().post(server.url(path)).header("origin", server.url("")).header("cookie", came.cookies.join("; "));
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.expect("an answer");
            let set: Vec<String> = answer.headers().get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
            (answer.status().as_u16(), set)
        };
        assert_eq!(send("pruefen").await, (200, Vec::new()), "not sent yet: it goes on");
        let (code, set) = send("absenden").await;
        assert!(code == 200 && set.iter().any(|cookie| cookie.starts_with("laufzettel-antrag=;") && cookie.contains("Max-Age=0")), "{code} {set:?}");
    });
    server.stop();
}

/// At a computer others use: whoever signs in next and finds the form still open gets neither name nor receipt of who sat there before.
#[test]
fn the_form_of_another_gives_no_receipt_of_hers() {
    let (_tenant, _provider, server) = house();
    runtime().block_on(async {
        let path = "/antrag/vg-bellheim/mittel";
        let send = async |cookies: &[String], name: &str| {
            let form = format!("_schluessel=00000000000000000000000000000044&_schritt=absenden&name={name}");
            post(&server, &cookies.join("; "), path, &form).await
        };
        let erika = signed_in(&server, "mittel", Some("stork-3")).await.cookies;
        let sent = send(&erika, "Weber").await;
        assert!(sent.code == 200 && vouched(&sent.page) && sent.page.contains("/status/"), "{}", sent.page);
        // herself, signed in once more: the same application
        let again = send(&signed_in(&server, "mittel", Some("stork-3")).await.cookies, "Weber").await;
        assert!(again.code == 200 && vouched(&again.page) && again.page.contains("/status/"), "{}", again.page);
        let max = signed_in_as(&server, "mittel", Some("stork-3"), "&wer=Max").await.cookies;
        let other = send(&max, "Weber").await;
        assert_eq!(other.code, 200, "{}", other.page);
        assert!(!other.page.contains("Erika") && !other.page.contains("/status/") && other.page.contains("von jemand anderem"), "{}", other.page);
        let key = super::hidden(&other.page, "_schluessel").to_owned();
        let his = post(&server, &max.join("; "), path, &format!("_schluessel={key}&_schritt=absenden&name=Weber")).await;
        assert!(his.code == 200 && his.page.contains("Angemeldet als <strong>Max</strong>"), "{}", his.page);
    });
    server.stop();
}

/// The answer got lost, she goes back, corrects, and sends: what she typed is held, and the first application is found.
#[test]
fn a_correction_after_sending_is_not_lost() {
    let (_tenant, _provider, server) = house();
    runtime().block_on(async {
        let path = "/antrag/vg-bellheim/mittel";
        let cookie = signed_in(&server, "mittel", Some("stork-3")).await.cookies.join("; ");
        let form = |key: u32, name: &str| format!("_schluessel={key:032}&_schritt=absenden&name={name}");
        let first = post(&server, &cookie, path, &form(45, "Weber")).await;
        let status = first.page.split("href=\"/status/").nth(1).and_then(|rest| rest.split('"').next()).expect("the way to the status page");
        let held = post(&server, &cookie, path, &form(45, "Webers")).await;
        assert_eq!(held.code, 403, "{}", held.page);
        for words in ["schon ein Antrag abgesendet", "name=\"name\" value=\"Webers\"", "/mittel/anmelden", &format!("href=\"/status/{status}\"")] {
            assert!(held.page.contains(words), "{words}: {}", held.page);
        }
        // from the page that is held, with another sign-in, it is another application
        let key = super::hidden(&held.page, "_schluessel").to_owned();
        let anew = signed_in(&server, "mittel", Some("stork-3")).await.cookies.join("; ");
        let sent = post(&server, &anew, path, &format!("_schluessel={key}&_schritt=absenden&name=Webers")).await;
        assert!(sent.code == 200 && vouched(&sent.page), "{}", sent.page);
        // who has the cookie alone, and not the form, is not led there
        let copied = post(&server, &cookie, path, &form(46, "Fremd")).await;
        assert!(copied.code == 403 && copied.page.contains("value=\"Fremd\"") && !copied.page.contains("/status/"), "{}", copied.page);
    });
    server.stop();
}

/// Whoever goes on with a draft sees who she is signed in as.
#[test]
fn a_draft_goes_on_under_its_sign_in() {
    let (_tenant, _provider, server) = house();
    runtime().block_on(async {
        let path = "/antrag/vg-bellheim/mittel";
        let cookie = signed_in(&server, "mittel", Some("stork-3")).await.cookies.join("; ");
        let saved = post(&server, &cookie, path, "_schritt=speichern&name=Weber").await;
        let code = saved.page.split_once("entwurf__code\">").and_then(|(_, rest)| rest.split('<').next()).expect("a code").to_owned();
        let opened = post(&server, &cookie, &format!("{path}/weiter"), &format!("code={code}&_schritt=weiter")).await;
        assert!(opened.code == 200 && opened.page.contains("value=\"Weber\"") && vouched(&opened.page), "{} {}", opened.code, opened.page);
        // a file alone is told of, when nobody is signed in any more
        let file: (&str, &str, &[u8]) = ("nachweis", "x.txt", b"Text");
        let held = super::send(&server, "", path, &[("_schritt", "weiter")], Some(file)).await;
        assert!(held.code == 403 && held.page.contains("Dateien konnten wir nicht aufheben"), "{} {}", held.code, held.page);
    });
    server.stop();
}
