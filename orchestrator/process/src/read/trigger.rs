//! `triggers`: ways in that are no person's hand.

use laufzettel_domain::{Findings, Node, Text, Value, document::Fields};
use serde_json::json;

use super::{
    arrival::{read_folder, read_mail},
    poll::{number, read_poll},
};
use crate::{
    applicant::{IntakeLogin, Loa},
    arrival::{MAIL_FIELDS, missing},
    model::{HookAuth, Respond, RunAs, Trigger, TriggerKind},
    schedule::{CatchUp, Holidays, Schedule},
    schema::Schema,
};

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

/// No way in twice; and what comes in by the clock or by mail has to be able to fit the process's input.
pub fn check_inputs(triggers: &[Trigger], input: &Schema, findings: &mut Findings) {
    let mut seen = std::collections::BTreeSet::new();
    for (i, trigger) in triggers.iter().enumerate() {
        if triggers[..i].iter().any(|other| other.kind.meets(&trigger.kind)) {
            let text = Text::new(
                "Diesen Eingang gibt es in diesem Prozess schon, oder er überschneidet sich mit einem.",
                "This process has this way in already, or one it overlaps with.",
            );
            findings.error("LZ119", trigger.at, format!("triggers[{}]", i + 1), text);
        }
        if let TriggerKind::Mail(_) = &trigger.kind {
            for field in missing(input, &MAIL_FIELDS) {
                let text = Text::new(
                    format!("input verlangt „{field}“, und das bringt keine E-Mail. Sie bringt: {}.", MAIL_FIELDS.join(", ")),
                    format!("input requires \"{field}\", which no e-mail brings. It brings: {}.", MAIL_FIELDS.join(", ")),
                );
                findings.error("LZ312", trigger.at, format!("triggers[{}].mail", i + 1), text);
            }
        }
        let TriggerKind::Cron { input: given, schedule } = &trigger.kind else { continue };
        if !seen.insert(schedule.key("", given)) {
            let text = Text::new(
                "Diesen Zeitplan mit denselben Angaben gibt es in diesem Prozess schon.",
                "This process has this schedule with the same input already.",
            );
            findings.error("LZ103", trigger.at, format!("triggers[{}].cron", i + 1), text);
        }
        for problem in input.validate(given) {
            let place = problem.path.0.join(".");
            let text = Text::new(
                format!("Passt nicht zu input des Prozesses: {place}: {}", problem.message.de),
                format!("Does not fit the process's input: {place}: {}", problem.message.en),
            );
            findings.error("LZ312", trigger.at, format!("triggers[{}].cron.input", i + 1), text);
        }
    }
}

pub fn triggers(fields: &mut Fields<'_, '_>) -> Vec<Trigger> {
    let items = fields.list("triggers");
    let read = items.iter().enumerate().filter_map(|(i, item)| trigger(item, &format!("triggers[{}]", i + 1), fields.findings));
    let mut triggers: Vec<Trigger> = read.collect();
    number(&mut triggers);
    triggers
}

type Reading = fn(&Node, &str, &mut Findings) -> Option<Trigger>;

const KINDS: [(&str, Reading); 6] =
    [("intake", read_intake), ("webhook", read_webhook), ("cron", read_cron), ("folder", read_folder), ("mail", read_mail), ("poll", read_poll)];

fn trigger(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut outer = Fields::open(node, key, findings)?;
    let mut kinds = Vec::new();
    for (name, read) in KINDS {
        kinds.extend(outer.opt(name).map(|inner| (inner, outer.path(name), read)));
    }
    let read = match &kinds[..] {
        [(inner, key, read)] => read(inner, key, outer.findings),
        [_, (second, ..), ..] => {
            outer.findings.error("LZ116", second.at, key, Text::new("Ein Auslöser hat genau eine Art.", "A trigger has exactly one kind."));
            None
        }
        [] => {
            if node.entries().is_empty() {
                outer.findings.error(
                    "LZ116",
                    node.at,
                    key,
                    Text::new(
                        "Ein Auslöser hat genau eine Art (intake, webhook, cron, folder, mail, poll).",
                        "A trigger has exactly one kind (intake, webhook, cron, folder, mail, poll).",
                    ),
                );
            }
            None
        }
    };
    outer.close();
    read
}

pub(super) fn account(fields: &mut Fields<'_, '_>) -> Option<RunAs> {
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
    let login = fields.opt("login").map(|node| login(node, &fields.path("login"), fields.findings));
    let run_as = account(&mut fields);
    fields.close();
    let login = match login {
        // what cannot be read must not leave the form open to everybody
        Some(None) => return None,
        Some(read) => read,
        None => None,
    };
    Some(Trigger { kind: TriggerKind::Intake { path: path?, public, login }, run_as: run_as?, at: node.at })
}

fn login(node: &Node, key: &str, findings: &mut Findings) -> Option<IntakeLogin> {
    let mut fields = Fields::open(node, key, findings)?;
    let oidc = fields.req_text("oidc").map(str::to_owned);
    fields.req("loa");
    let loa = fields.one_of("loa", &Loa::ALL);
    fields.close();
    Some(IntakeLogin { oidc: oidc?, loa: loa? })
}

fn read_webhook(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    let path = path_of(&mut fields);
    if fields.opt("auth").is_none() {
        fields.missing("auth", "LZ106");
    }
    // a key needs no secret beside it, and one that stands there all the same is a mistake
    let auth = match fields.one_of("auth", &[("signature", false), ("key", true)]) {
        Some(true) => Some(HookAuth::Key),
        _ => fields.req_text("secret").map(|secret| HookAuth::Signature { secret: secret.to_owned() }),
    };
    let respond = fields.one_of("respond", &[("accepted", Respond::Accepted), ("result", Respond::Result)]).unwrap_or(Respond::Accepted);
    let run_as = account(&mut fields);
    fields.close();
    Some(Trigger { kind: TriggerKind::Webhook { path: path?, auth: auth?, respond }, run_as: run_as?, at: node.at })
}

fn read_cron(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    let zone = fields.opt("zone").and_then(|node| zone(node, &fields.path("zone"), fields.findings));
    let holidays = fields.one_of("holidays", &Holidays::WORDS).unwrap_or(Holidays::Run);
    let catch_up = fields.one_of("catch_up", &CatchUp::WORDS).unwrap_or(CatchUp::Last);
    let schedule = fields.req("schedule").and_then(|node| {
        let key = fields.path("schedule");
        let text = laufzettel_domain::document::fields::text(node, &key, fields.findings)?;
        Schedule::parse(text, zone, holidays, catch_up).map_err(|why| fields.findings.error("LZ112", node.at, key, why)).ok()
    });
    let input = fields.opt("input").map_or_else(|| json!({}), |node| constant(node, &fields.path("input"), fields.findings));
    let run_as = account(&mut fields);
    fields.close();
    Some(Trigger { kind: TriggerKind::Cron { schedule: Box::new(schedule?), input }, run_as: run_as?, at: node.at })
}

fn zone(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let name = laufzettel_domain::document::fields::text(node, key, findings)?;
    if jiff::tz::TimeZone::get(name).is_err() {
        let text = Text::new(
            format!("Eine Zeitzone „{name}“ gibt es nicht; etwa Europe/Berlin."),
            format!("There is no time zone \"{name}\"; such as Europe/Berlin."),
        );
        findings.error("LZ109", node.at, key, text);
    }
    Some(name.to_owned())
}

/// What a clock says is the same every time: there is nobody whose words an expression could read.
fn constant(node: &Node, key: &str, findings: &mut Findings) -> Value {
    let value = node.to_value();
    if value.to_string().contains("{{") {
        let text = Text::new(
            "Hier stehen feste Werte: Wenn die Uhr auslöst, gibt es noch nichts zu lesen. Den Tag liest ein Schritt aus run.started_at.",
            "Only fixed values stand here: when the clock fires there is nothing to read yet. A step reads the day from run.started_at.",
        );
        findings.error("LZ107", node.at, key, text);
    }
    value
}
