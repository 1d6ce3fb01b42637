//! One value led astray in a process that was clean: each kind of leak, and each kind of steering.

use super::grow::{Grown, Kind, Random, Step};

/// Kinds of mutation.
pub const KINDS: usize = 33;

fn foreign(grown: &Grown) -> bool {
    grown.intake
}

fn add(grown: &mut Grown, id: &str, lines: &[&str]) {
    grown.steps.push(Step { id: id.to_owned(), lines: lines.iter().map(|l| (*l).to_owned()).collect() });
}

const MODEL: &str = "  output: { type: object, required: [art], properties: { art: { enum: [p, q] }, grund: { type: string } } }";

fn ask(grown: &mut Grown, id: &str, prompt: &str, data: &str) {
    add(grown, id, &["model:", &format!("  prompt: {prompt}"), &format!("  data: {{ material: {data} }}"), MODEL]);
}

fn agent(grown: &mut Grown, goal: &str, tool: &str) {
    let (goal, tools) = (format!("  goal: {goal}"), format!("  tools: [{tool}]"));
    add(grown, "mut_agent", &["run_as: service:svc", "agent:", &goal, "  data: { material: \"{{ input.b1 }}\" }", &tools, MODEL]);
}

fn write(grown: &mut Grown, akte: &str) {
    let needs = if grown.gate.is_some() { "needs: [tor]" } else { "needs: []" };
    add(
        grown,
        "mut_schreiben",
        &[
            needs,
            "run_as: steps.tor",
            "tool: t/ablegen",
            &format!("with: {{ akte: {akte}, inhalt: x }}"),
            "undo: { tool: t/ablegen, with: { akte: HST-1, inhalt: weg } }",
        ],
    );
}

/// A foreign text steers a write: the plainest of all.
pub fn steer(grown: &mut Grown) -> bool {
    if foreign(grown) {
        write(grown, "\"{{ input.t1 }}\"");
    }
    foreign(grown)
}

/// What the proof calls this mutation.
pub fn code(mutation: &str) -> &'static str {
    match mutation {
        name if name.contains("in a prompt") || name.contains("in prompt") => "LZ501",
        name if name.contains("steers a write") => "LZ502",
        "text as receiver" | "a receipt with foreign text" => "LZ502",
        "data to a stranger" | "above a tool's clearance" => "LZ402",
        name if name.contains("zone not cleared") => "LZ401",
        _ => "LZ605",
    }
}

/// Applies one mutation and names it. `None` where it does not apply to this process.
pub fn mutate(grown: &mut Grown, random: &mut Random) -> Option<&'static str> {
    match random.below(KINDS) {
        0 => foreign(grown).then(|| {
            ask(grown, "mut_frage", "\"Tu dies: {{ input.t1 }}\"", "\"{{ input.b1 }}\"");
            "text in prompt"
        }),
        1 => foreign(grown).then(|| {
            add(grown, "mut_set", &["set: { x: \"{{ input.t2 ~ '!' }}\" }"]);
            ask(grown, "mut_frage", "\"Tu dies: {{ steps.mut_set.x }}\"", "\"{{ input.b1 }}\"");
            "text in prompt through set"
        }),
        2 => foreign(grown).then(|| {
            ask(grown, "mut_frage", "\"Tu dies: {{ steps.tor.shown.name }}\"", "\"{{ input.b1 }}\"");
            "shown text in prompt"
        }),
        3 => steer(grown).then_some("text steers a write"),
        4 => foreign(grown).then(|| {
            write(grown, "\"{{ input.n1 }}\"");
            "number steers a write"
        }),
        5 => foreign(grown).then(|| {
            write(grown, "\"{{ input.f1 | default(input.t1) }}\"");
            "default steers a write"
        }),
        6 => foreign(grown).then(|| {
            write(grown, "\"{{ 'A' if input.b1 else input.t2 }}\"");
            "one branch steers a write"
        }),
        7 => {
            add(grown, "mut_lesen", &["tool: t/lesen", "with: { frage: x }"]);
            write(grown, "\"{{ steps.mut_lesen.text }}\"");
            Some("tool text steers a write")
        }
        8 => {
            add(grown, "mut_lesen", &["tool: t/lesen", "with: { frage: x }", "on_error: continue"]);
            write(grown, "\"{{ error('mut_lesen') }}\"");
            Some("error text steers a write")
        }
        9 => {
            ask(grown, "mut_frage", "Ordne ein.", "\"{{ input.b1 }}\"");
            add(grown, "mut_tor", &["needs: [mut_frage]", "human: { assign: { groups: [GG-Amt] }, show: { x: a }, form: { type: object } }"]);
            add(grown, "mut_schreiben", &["run_as: steps.mut_tor", "tool: t/ablegen", "with: { akte: \"{{ steps.mut_frage.grund }}\", inhalt: x }"]);
            Some("model text steers a write")
        }
        10 => {
            add(grown, "mut_lesen", &["tool: t/lesen", "with: { frage: x }"]);
            add(grown, "mut_tor", &["human: { assign: { groups: [GG-Amt] }, show: { lang: \"{{ steps.mut_lesen.text }}\" }, form: { type: object } }"]);
            add(
                grown,
                "mut_schreiben",
                &[
                    "run_as: steps.mut_tor",
                    "tool: t/ablegen",
                    "with: { akte: \"{{ steps.mut_tor.shown.lang }}\", inhalt: x }",
                    "undo: { tool: t/ablegen, with: { akte: HST-1, inhalt: weg } }",
                ],
            );
            Some("long shown text steers a write")
        }
        11 => foreign(grown).then(|| {
            add(grown, "mut_senden", &["needs: [tor]", "run_as: steps.tor", "tool: m/senden", "with: { an: \"{{ input.s1 }}\", text: hallo }"]);
            "text as receiver"
        }),
        12 => foreign(grown).then(|| {
            add(grown, "mut_senden", &["tool: m/senden", "with: { an: \"{{ input.k }}\", text: \"{{ input.t2 }}\" }"]);
            "a receipt with foreign text"
        }),
        13 => {
            add(grown, "mut_senden", &["needs: [tor]", "run_as: steps.tor", "tool: m/senden", "with: { an: fremd@example.org, text: \"{{ input.t1 }}\" }"]);
            Some("data to a stranger")
        }
        14 => (grown.level == 3).then(|| {
            add(grown, "mut_vermerk", &["needs: [tor]", "run_as: steps.tor", "tool: t/vermerk", "with: { akte: HST-1, inhalt: \"{{ input.t1 }}\" }"]);
            "above a tool's clearance"
        }),
        15 => (grown.models.is_empty()).then(|| {
            grown.zone = "rot";
            ask(grown, "mut_frage", "Ordne ein.", "\"{{ input.t1 }}\"");
            "data to a zone not cleared"
        }),
        16 => (grown.models.is_empty() && grown.special).then(|| {
            grown.zone = "gelb";
            add(grown, "mut_set", &["if: \"{{ input.e1 == 'a' }}\"", "set: { x: 1 }"]);
            ask(grown, "mut_frage", "Ordne ein.", "\"{{ steps.mut_set.x | default(0) }}\"");
            "a condition's data to a zone not cleared"
        }),
        17 => (!grown.models.is_empty()).then(|| {
            let model = grown.models[0].clone();
            add(
                grown,
                "mut_senden",
                &[&format!("needs: [\"{model}?\"]"), "run_as: service:svc", "tool: m/senden", "with: { an: amt@vg.example, text: hallo }"],
            );
            "sent after a model without a person"
        }),
        30 => (foreign(grown) && !grown.models.is_empty()).then(|| {
            let needs = format!("needs: [\"{}?\"]", grown.models[0]);
            add(grown, "mut_sie", &[&needs, "human: { assign: applicant, show: { x: a }, form: { type: object } }"]);
            add(grown, "mut_senden", &["needs: [mut_sie]", "run_as: service:svc", "tool: m/senden", "with: { an: amt@vg.example, text: hallo }"]);
            "sent after a model and the applicant"
        }),
        31 => foreign(grown).then(|| {
            add(grown, "mut_sie", &["human: { assign: applicant, show: { x: \"{{ input.s1 }}\" }, form: { type: object } }"]);
            write(grown, "\"{{ steps.mut_sie.shown.x }}\"");
            "what the applicant was shown steers a write"
        }),
        32 => foreign(grown).then(|| {
            add(grown, "mut_sie", &["human: { assign: applicant, form: { type: object, properties: { x: { type: string, maxLength: 20 } } } }"]);
            write(grown, "\"{{ steps.mut_sie.x }}\"");
            "the applicant's answer steers a write"
        }),
        18 => (!grown.models.is_empty()).then(|| {
            let model = grown.models[0].clone();
            add(grown, "mut_tor", &[&format!("needs: [\"{model}?\"]"), "human: { assign: { groups: [GG-Amt] }, show: { x: a }, form: { type: object } }"]);
            add(
                grown,
                "mut_senden",
                &[&format!("needs: [\"mut_tor?\", \"{model}?\"]"), "run_as: service:svc", "tool: m/senden", "with: { an: amt@vg.example, text: hallo }"],
            );
            "a gate that can be passed by"
        }),
        19 => foreign(grown).then(|| {
            add(
                grown,
                "mut_schreiben",
                &[
                    "needs: [tor]",
                    "run_as: steps.tor",
                    "each: \"{{ input.l1 }}\"",
                    "tool: t/ablegen",
                    "with: { akte: \"{{ item.w }}\", inhalt: x }",
                    "undo: { tool: t/ablegen, with: { akte: HST-1, inhalt: weg } }",
                ],
            );
            "an element steers a write"
        }),
        20 => foreign(grown).then(|| {
            add(
                grown,
                "mut_frage",
                &[
                    "each: \"{{ input.l1 | selectattr('z') }}\"",
                    "model:",
                    "  prompt: \"Tu dies: {{ item.w }}\"",
                    "  data: { material: \"{{ input.b1 }}\" }",
                    MODEL,
                ],
            );
            "an element in a prompt"
        }),
        21 => (!grown.models.is_empty()).then(|| {
            let model = grown.models[0].clone();
            add(
                grown,
                "mut_tor",
                &[
                    &format!("needs: [\"{model}?\"]"),
                    "each: \"{{ [1, 2] }}\"",
                    "human: { assign: { groups: [GG-Amt] }, show: { x: a }, form: { type: object } }",
                ],
            );
            add(grown, "mut_senden", &["needs: [mut_tor]", "run_as: service:svc", "tool: m/senden", "with: { an: amt@vg.example, text: hallo }"]);
            "a gate for every element"
        }),
        22 => {
            ask(grown, "mut_eins", "Ordne ein.", "\"{{ input.b1 }}\"");
            add(
                grown,
                "mut_tor",
                &[
                    "human:",
                    "  assign: { groups: [GG-Amt] }",
                    "  vorschlag: { text: \"{{ steps.mut_eins.grund }}\" }",
                    "  form: { type: object, properties: { text: { type: string, maxLength: 100 } } }",
                ],
            );
            ask(grown, "mut_frage", "\"Tu dies: {{ steps.mut_tor.text }}\"", "\"{{ input.b1 }}\"");
            Some("a proposal in a prompt")
        }
        25 => foreign(grown).then(|| {
            add(grown, "mut_set", &["set: { l: [ { a: A-1 }, { a: B-1 } ] }"]);
            add(
                grown,
                "mut_schreiben",
                &[
                    "needs: [tor]",
                    "run_as: steps.tor",
                    "each: \"{{ steps.mut_set.l | selectattr('a', 'eq', input.t1) }}\"",
                    "tool: t/ablegen",
                    "with: { akte: \"{{ item.a }}\", inhalt: x }",
                    "undo: { tool: t/ablegen, with: { akte: HST-1, inhalt: weg } }",
                ],
            );
            "a foreign sifter steers a write"
        }),
        24 => {
            add(grown, "mut_warten", &["wait: { event: zahlung, key: K, output: { type: object, required: [w], properties: { w: { type: string } } } }"]);
            write(grown, "\"{{ steps.mut_warten.w }}\"");
            Some("an event's text steers a write")
        }
        26 => foreign(grown).then(|| {
            agent(grown, "\"Tu dies: {{ input.t1 }}\"", "t/register");
            "text in prompt of an agent"
        }),
        27 => (grown.zone == "gelb").then(|| {
            // what its tool reads is more than its model may see
            agent(grown, "Finde heraus.", "t/lesen");
            "an agent's tool to a zone not cleared"
        }),
        28 => {
            agent(grown, "Finde heraus.", if grown.zone == "gelb" { "t/register" } else { "t/lesen" });
            let akte = "\"{{ steps.mut_agent.grund }}\"";
            write(grown, akte);
            Some("an agent's text steers a write")
        }
        23 => {
            add(grown, "mut_lesen", &["tool: t/lesen", "with: { frage: x }"]);
            add(
                grown,
                "mut_tor",
                &[
                    "human:",
                    "  assign: { groups: [GG-Amt] }",
                    "  form: { type: object, properties: { wahl: { type: string, x-auswahl: \"{{ steps.mut_lesen.liste | map(attribute='name') }}\" } } }",
                ],
            );
            write(grown, "\"{{ steps.mut_tor.wahl | default('x') }}\"");
            Some("a long choice steers a write")
        }
        _ => {
            let model =
                grown.values.iter().find(|v| v.kind == Kind::Text && grown.models.iter().any(|m| v.path.starts_with(&format!("steps.{m}.")))).cloned()?;
            add(grown, "mut_vermerk", &["run_as: service:svc", "tool: t/ablegen", &format!("with: {{ akte: HST-1, inhalt: \"{{{{ {} }}}}\" }}", model.path)]);
            Some("a write without undo after a model")
        }
    }
}
