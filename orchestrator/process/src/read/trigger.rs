//! `triggers`: ways in that are no person's hand.

use laufzettel_domain::{Findings, Node, Text, document::Fields};

use crate::model::{Respond, RunAs, Trigger, TriggerKind};

/// `caller`, `service:<name>` or `steps.<human step>`.
pub fn run_as(node: &Node, key: &str, findings: &mut Findings) -> Option<RunAs> {
    let written = laufzettel_domain::document::fields::text(node, key, findings)?;
    if written == "caller" {
        return Some(RunAs::Caller);
    }
    if let Some(name) = written.strip_prefix("service:").filter(|n| !n.is_empty()) {
        return Some(RunAs::Service(name.to_owned()));
    }
    if let Some(step) = super::step_of(written) {
        return Some(RunAs::Step(step));
    }
    findings.error(
        "LZ108",
        node.at,
        key,
        Text::new(
            format!("„{written}“: möglich sind caller, service:<Dienstkonto> und steps.<Schritt, den ein Mensch erledigt>."),
            format!("\"{written}\": possible are caller, service:<account> and steps.<human step>."),
        ),
    );
    None
}

/// Of the process as a whole: nobody has done a step yet when it begins.
pub fn first_run_as(node: &Node, findings: &mut Findings) -> Option<RunAs> {
    let run_as = run_as(node, "run_as", findings)?;
    if matches!(run_as, RunAs::Step(_)) {
        findings.error(
            "LZ108",
            node.at,
            "run_as",
            Text::new(
                "Am Anfang hat noch niemand einen Schritt erledigt: hier sind caller und service:<Dienstkonto> möglich.",
                "At the beginning nobody has done a step: caller and service:<account> are possible here.",
            ),
        );
        return None;
    }
    Some(run_as)
}

pub fn triggers(fields: &mut Fields<'_, '_>) -> Vec<Trigger> {
    let items = fields.list("triggers");
    items.iter().enumerate().filter_map(|(i, item)| trigger(item, &format!("triggers[{}]", i + 1), fields.findings)).collect()
}

fn trigger(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut outer = Fields::open(node, key, findings)?;
    super::not_supported(&mut outer, &["cron", "mail", "folder", "poll"]);
    let intake = outer.opt("intake");
    let webhook = outer.opt("webhook");
    let read = match (intake, webhook) {
        (Some(inner), None) => read_intake(inner, &outer.path("intake"), outer.findings),
        (None, Some(inner)) => read_webhook(inner, &outer.path("webhook"), outer.findings),
        (Some(_), Some(second)) => {
            outer.findings.error("LZ116", second.at, key, Text::new("Ein Auslöser hat genau eine Art.", "A trigger has exactly one kind."));
            None
        }
        (None, None) => {
            if node.entries().is_empty() {
                outer.findings.error(
                    "LZ116",
                    node.at,
                    key,
                    Text::new("Ein Auslöser hat genau eine Art (intake, webhook).", "A trigger has exactly one kind (intake, webhook)."),
                );
            }
            None
        }
    };
    outer.close();
    read
}

fn account(fields: &mut Fields<'_, '_>) -> Option<RunAs> {
    let key = fields.path("run_as");
    let Some(node) = fields.opt("run_as") else {
        let at = fields.at();
        fields.findings.error(
            "LZ603",
            at,
            key,
            Text::new(
                "Ein Auslöser braucht ein Dienstkonto: run_as: service:<name>. Niemand ist angemeldet, wenn er auslöst.",
                "A trigger needs a service account: run_as: service:<name>. Nobody is signed in when it fires.",
            ),
        );
        return None;
    };
    let run_as = run_as(node, &key, fields.findings)?;
    if !matches!(run_as, RunAs::Service(_)) {
        fields.findings.error(
            "LZ603",
            node.at,
            key,
            Text::new("Ein Auslöser läuft unter einem Dienstkonto (service:<name>).", "A trigger runs under a service account (service:<name>)."),
        );
        return None;
    }
    Some(run_as)
}

fn path_of(fields: &mut Fields<'_, '_>) -> Option<String> {
    let node = fields.req("path")?;
    let key = fields.path("path");
    let path = laufzettel_domain::document::fields::text(node, &key, fields.findings)?;
    if laufzettel_domain::ProcessId::parse(path).is_none() {
        fields.findings.error(
            "LZ109",
            node.at,
            key,
            Text::new(format!("„{path}“ wird Teil einer Adresse: nur a–z, 0–9 und -."), format!("\"{path}\" becomes part of an address: only a–z, 0–9 and -.")),
        );
        return None;
    }
    Some(path.to_owned())
}

fn read_intake(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    let path = path_of(&mut fields);
    let public = fields.one_of("audience", &[("public", true)]).unwrap_or(true);
    let run_as = account(&mut fields);
    fields.close();
    Some(Trigger { kind: TriggerKind::Intake { path: path?, public }, run_as: run_as?, at: node.at })
}

fn read_webhook(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    let path = path_of(&mut fields);
    if let Some(auth) = fields.opt("auth").filter(|n| n.text() == Some("key")) {
        let key = fields.path("auth");
        super::unsupported(auth.at, &key, "auth: key", fields.findings);
    } else if fields.opt("auth").is_none() {
        fields.missing("auth", "LZ106");
    } else {
        fields.one_of("auth", &[("signature", ())]);
    }
    let secret = fields.req_text("secret").map(str::to_owned);
    let respond = fields.one_of("respond", &[("accepted", Respond::Accepted), ("result", Respond::Result)]).unwrap_or(Respond::Accepted);
    let run_as = account(&mut fields);
    fields.close();
    Some(Trigger { kind: TriggerKind::Webhook { path: path?, secret: secret?, respond }, run_as: run_as?, at: node.at })
}
