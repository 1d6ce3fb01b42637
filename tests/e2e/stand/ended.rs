//! What ended without a decision: whoever applied is told so, and whom to ask; the case says which step was not done.

use super::{KEYS, apply, decide, get, post, sees, task, tenant};
use crate::{
    desk::{Server, process, runtime},
    stand::send,
    views::sign_in,
};

/// It cannot be carried out.
const BREAKS: &str = r#"
triggers:
  - intake: { path: bricht, audience: public, run_as: service:svc-intake }
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer, title: Zahl } } }
steps: { teilen: { title: Teilen, set: { x: "{{ 10 // input.n }}" } } }
"#;

#[test]
fn what_ended_without_a_decision_says_so() {
    let tenant = tenant();
    let written = process("hundesteuer-bricht", "Hund anmelden", BREAKS).replace("zweck: Prüfen", "zweck: Festsetzung der Hundesteuer");
    std::fs::write(tenant.path("workflows/bricht.yaml"), written).expect("written");
    let server = Server::start(&tenant, None).expect("up starts");
    runtime().block_on(async {
        let sent = send(&server, "", "/antrag/vg-bellheim/bricht", &[("_schluessel", KEYS[1]), ("_schritt", "absenden"), ("n", "0")], None).await;
        assert_eq!(sent.code, 200, "{}", sent.page);
        let status = sent.page.split("/status/").nth(1).map(|rest| format!("/status/{}", &rest[..32])).expect("a status page");
        let page = sees(&server, "", &status, "Entschieden ist nichts.").await;
        assert!(page.contains("fragen Sie bitte mit Ihrer Vorgangsnummer nach bei: <strong>FB2-Steueramt</strong>"), "{page}");

        let status = apply(&server, KEYS[0], "Änne Möller").await;
        let clerk = sign_in(&server, "a.klein").await.expect("signed in");
        let (open, _) = task(&server, &clerk, "Angaben prüfen", "Änne Möller").await;
        let case = open.replace("/aufgaben/", "/vorgaenge/").rsplit_once('.').expect("run and number").0.to_owned();
        assert!(get(&server, &clerk, &case).await.1.contains("wartet auf einen Menschen"));
        let ended = post(&server, &clerk, &format!("{case}/abbrechen"), "grund=Doppelt").await;
        assert_eq!(ended.code, 303, "{}", ended.page);
        let page = sees(&server, "", &status, "ohne zu entscheiden.").await;
        assert!(page.contains("<strong>FB2-Steueramt</strong>") && !page.contains("Doppelt"), "{page}");
        let (_, page) = get(&server, &clerk, &case).await;
        assert!(page.contains("marke--stopped\">abgebrochen") && !page.contains("wartet auf einen Menschen"), "{page}");

        // ended after the decision: nobody tells her that nothing was decided
        let status = apply(&server, KEYS[2], "Jana Hofmann").await;
        decide(&server, &clerk, "Angaben prüfen", "Jana Hofmann", "").await;
        decide(&server, &clerk, "Über die Anmeldung entscheiden", "Jana Hofmann", "ja=ja").await;
        let (open, _) = task(&server, &clerk, "Nacharbeit", "").await;
        let case = open.replace("/aufgaben/", "/vorgaenge/").rsplit_once('.').expect("run and number").0.to_owned();
        assert_eq!(post(&server, &clerk, &format!("{case}/abbrechen"), "grund=Umzug").await.code, 303);
        let page = sees(&server, "", &status, "Haben Sie von uns schon eine Entscheidung bekommen, gilt sie.").await;
        assert!(!page.contains("ohne zu entscheiden"), "{page}");
    });
    server.stop();
}
