//! Grows a process step by step from values whose properties it keeps book of by rules of its own, simpler than the
//! proof's: so that clean is clean by construction.

use std::fmt::Write as _;

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed grows the same process for ever.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() { None } else { Some(&list[self.below(list.len())]) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Number, date or boolean: carries no instruction, and its values are not listed.
    Plain,
    /// An enum of the process's own files.
    Listed,
}

/// Something an expression may read.
#[derive(Debug, Clone)]
pub struct Value {
    pub path: String,
    pub kind: Kind,
    /// A person vouches for it, or the author wrote it: it may steer.
    pub trusted: bool,
    /// It is an order only if nobody foreign wrote it, whoever saw it.
    pub order: bool,
    /// 0 = kein … 3 = hoch.
    pub level: usize,
    /// Has a category other than personenbezogen.
    pub special: bool,
}

pub const LEVELS: [&str; 4] = ["kein", "niedrig", "normal", "hoch"];

/// One that passes on what it is given.
pub const COMPUTING: &str = "table: r\nsource: Satzung\nkey: [art]\nrows:\n  - { art: \"*\", gueltig_ab: \"2020-01-01\", result: { text: \"{{ wert }}\" } }\n";

pub const TABLE: &str = "table: t\nsource: Satzung\nkey: [art]\nrows:\n  - { art: a, gueltig_ab: \"2020-01-01\", result: { akte: A-1, satz: 5 } }\n  - { art: \"*\", gueltig_ab: \"2020-01-01\", result: { akte: B-1, satz: 7 } }\n";

#[derive(Debug, Clone)]
pub struct Step {
    pub id: String,
    /// Keys of the step, as lines without indent.
    pub lines: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Grown {
    pub zone: &'static str,
    pub level: usize,
    pub special: bool,
    pub intake: bool,
    pub steps: Vec<Step>,
    pub values: Vec<Value>,
    pub models: Vec<String>,
    pub gate: Option<String>,
}

impl Grown {
    pub fn text(&self) -> String {
        let kategorien = if self.special { "[personenbezogen, steuerdaten]" } else { "[personenbezogen]" };
        let mut text = format!(
            "process: probe\nversion: 1.0.0\ntitle: Probe\nverantwortlich: FB1\nrechtsgrundlage: [Satzung]\nzweck: Prüfen\nschutzbedarf: {}\ndatenkategorien: {kategorien}\n",
            LEVELS[self.level]
        );
        text.push_str("aufbewahrung: { vorgang: P1Y, inhalte: P1M }\nautomatisierung: assistenz\nki_verordnung: { klasse: minimal, begruendung: Test }\n");
        text.push_str("start: { groups: [GG-Amt], via: [form] }\n");
        if self.intake {
            text.push_str("run_as: service:svc\ntriggers: [{ intake: { path: probe, run_as: service:svc } }]\n");
        }
        text.push_str(
            "input:\n  type: object\n  additionalProperties: false\n  required: [t1, t2, s1, e1, n1, d1, b1, k, l1]\n  properties:\n    t1: { type: string }\n",
        );
        text.push_str(
            "    t2: { type: string, x-schutzbedarf: niedrig, x-kategorien: [] }\n    s1: { type: string, maxLength: 100 }\n    e1: { enum: [a, b, c] }\n",
        );
        text.push_str("    n1: { type: integer }\n    d1: { type: string, format: date }\n    b1: { type: boolean, x-schutzbedarf: kein, x-kategorien: [] }\n");
        text.push_str(
            "    k: { type: string, format: email, x-kontakt: true, x-schutzbedarf: normal, x-kategorien: [personenbezogen] }\n    f1: { type: string }\n",
        );
        text.push_str("    l1: { type: array, items: { type: object, additionalProperties: false, required: [w, z, q], properties: { w: { type: string }, z: { type: integer }, q: { enum: [u, v] } } } }\nsteps:\n");
        for step in &self.steps {
            let _ = writeln!(text, "  {}:", step.id);
            for line in &step.lines {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }

    fn is_trusted(&self) -> bool {
        !self.intake
    }
}

fn input(grown: &Grown) -> Vec<Value> {
    let trusted = grown.is_trusted();
    let value = |name: &str, kind, level, special| Value { path: format!("input.{name}"), kind, trusted, order: trusted, level, special };
    let (l, s) = (grown.level, grown.special);
    vec![
        value("t1", Kind::Text, l, s),
        value("t2", Kind::Text, 1, false),
        value("s1", Kind::Text, l, s),
        value("e1", Kind::Listed, l, s),
        value("n1", Kind::Plain, l, s),
        value("d1", Kind::Plain, l, s),
        value("b1", Kind::Plain, 0, false),
    ]
}

pub fn grow(random: &mut Random) -> Grown {
    let special = random.chance(50);
    let level = if special { 3 } else { 2 + random.below(2) };
    let zone = if !special && level == 2 && random.chance(60) { "gelb" } else { "gruen" };
    let mut grown = Grown { zone, level, special, intake: random.chance(75), steps: vec![], values: vec![], models: vec![], gate: None };
    grown.values = input(&grown);
    for n in 0..3 + random.below(6) {
        let id = format!("s{n}");
        match random.below(11) {
            10 if grown.intake => question(&mut grown, random, &id),
            9 => event(&mut grown, random, &id),
            7 | 8 => list(&mut grown, random, &id),
            6 => wait(&mut grown, random, &id),
            0 => set(&mut grown, random, &id),
            1 => rules(&mut grown, random, &id),
            2 | 3 => lookup(&mut grown, random, &id),
            4 if random.chance(40) => agent(&mut grown, random, &id),
            4 => model(&mut grown, random, &id),
            _ => file(&mut grown, random, &id),
        }
    }
    human(&mut grown, random);
    for n in 0..1 + random.below(3) {
        let id = format!("z{n}");
        if random.chance(60) { send(&mut grown, random, &id) } else { file(&mut grown, random, &id) }
    }
    grown
}

/// A question to the applicant: what she answers is as foreign and as high as her input, and that she was shown something makes it no
/// better.
fn question(grown: &mut Grown, random: &mut Random, id: &str) {
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    lines.push("human:".to_owned());
    lines.push("  assign: applicant".to_owned());
    lines.push("  show: { eigenes: \"{{ input.s1 }}\", fest: Bitte antworten }".to_owned());
    lines.push("  form: { type: object, additionalProperties: false, required: [wort, art], properties: { wort: { type: string, maxLength: 200 }, art: { enum: [u, v] }, offen: { type: string, x-schutzbedarf: kein, x-kategorien: [] } } }".to_owned());
    grown.steps.push(Step { id: id.to_owned(), lines });
    let (told, told_special) = condition.as_ref().map_or((0, false), |c| (c.1, c.2));
    let may_lack = condition.is_some();
    let value = |name: &str, kind, level: usize, special| {
        let path = if may_lack { format!("(steps.{id}.{name} | default('-'))") } else { format!("steps.{id}.{name}") };
        Value { path, kind, trusted: false, order: false, level: level.max(told), special: special || told_special }
    };
    let (l, s) = (grown.level, grown.special);
    // a choice with a default is not asserted to be listed
    let art = if may_lack { Kind::Text } else { Kind::Listed };
    let values = [
        value("wort", Kind::Text, l, s),
        value("art", art, l, s),
        value("shown.eigenes", Kind::Text, l, s),
        value("offen | default('-')", Kind::Text, 0, false),
    ];
    grown.values.extend(values.into_iter().take(if may_lack { 3 } else { 4 }));
}

/// A condition with the level and category it tells, for some steps.
fn condition(grown: &Grown, random: &mut Random) -> Option<(String, usize, bool)> {
    if !random.chance(30) {
        return None;
    }
    let asked: Vec<&Value> = grown.values.iter().filter(|v| v.path.starts_with("input.")).collect();
    let value = random.pick(&asked)?;
    let test = match value.path.as_str() {
        "input.e1" => "input.e1 == 'a'",
        "input.n1" => "input.n1 > 3",
        "input.b1" => "input.b1",
        "input.t1" => "input.t1 == 'genau das'",
        _ => "input.f1 is defined",
    };
    let (level, special) = if test.contains("b1") { (0, false) } else { (grown.level, grown.special) };
    Some((format!("if: \"{{{{ {test} }}}}\""), level, special))
}

fn raise(level: &mut usize, special: &mut bool, value: &Value) {
    *level = (*level).max(value.level);
    *special |= value.special;
}

/// A value for a place where anything may stand.
fn any<'g>(grown: &'g Grown, random: &mut Random) -> &'g Value {
    random.pick(&grown.values).unwrap()
}

fn braces(value: &Value) -> String {
    format!("\"{{{{ {} }}}}\"", value.path)
}

fn set(grown: &mut Grown, random: &mut Random, id: &str) {
    let (a, b) = (any(grown, random).clone(), any(grown, random).clone());
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    lines.push(format!("set: {{ eins: {}, beide: \"{{{{ {} ~ '/' ~ {} }}}}\" }}", braces(&a), a.path, b.path));
    let (told, told_special) = condition.as_ref().map_or((0, false), |c| (c.1, c.2));
    // what a condition over foreign values brings about is not the author's word any more
    let own = condition.is_none() || grown.is_trusted();
    let eins = Value {
        path: format!("steps.{id}.eins"),
        trusted: a.trusted && own,
        order: a.order && own,
        level: a.level.max(told),
        special: a.special || told_special,
        ..a.clone()
    };
    let (mut level, mut special) = (told, told_special);
    raise(&mut level, &mut special, &a);
    raise(&mut level, &mut special, &b);
    let both =
        Value { path: format!("steps.{id}.beide"), kind: Kind::Text, trusted: a.trusted && b.trusted && own, order: a.order && b.order && own, level, special };
    // listed or not through a step of its own: not asserted here
    let eins = if eins.kind == Kind::Listed && !own { Value { kind: Kind::Plain, ..eins } } else { eins };
    grown.steps.push(Step { id: id.to_owned(), lines });
    grown.values.extend([eins, both]);
}

/// For every element of a list: what it reads of the element is as foreign and as high as the list. What comes of it is read
/// element by element, or as a whole.
fn list(grown: &mut Grown, random: &mut Random, id: &str) {
    let of_input = random.chance(60);
    let (l, s, trusted) = (grown.level, grown.special, grown.is_trusted());
    let lists: Vec<Value> = grown.values.iter().filter(|v| v.path.ends_with(".liste")).cloned().collect();
    // a list a tool brought: its elements have the form the tool declares
    let from = match random.pick(&lists).filter(|_| !of_input) {
        Some(list) => Value { kind: Kind::Text, ..list.clone() },
        None => Value { path: "input.l1".to_owned(), kind: Kind::Text, trusted, order: trusted, level: l, special: s },
    };
    let mut lines = vec![format!("each: \"{{{{ {} }}}}\"", from.path)];
    if random.chance(50) {
        lines.push(format!("max_parallel: {}", 1 + random.below(3)));
    }
    if random.chance(30) {
        lines.push("deadline: PT2H".to_owned());
    }
    let element = if from.path.starts_with("steps.") { ["name", "anzahl", "name"] } else { ["w", "z", "q"] };
    let (mut level, mut special) = (from.level, from.special);
    let value = |name: &str, kind, trusted: bool, level: usize, special: bool| Value {
        path: format!("steps.{id}{name}"),
        kind,
        trusted,
        order: trusted,
        level,
        special,
    };
    match random.below(3) {
        0 => {
            lines.push(format!(
                "set: {{ wort: \"{{{{ item.{} }}}}\", doppelt: \"{{{{ item.{} * 2 }}}}\", stelle: \"{{{{ index }}}}\" }}",
                element[0], element[1]
            ));
            grown.steps.push(Step { id: id.to_owned(), lines });
            grown.values.push(value(" | map(attribute='wort') | join('+')", Kind::Text, from.trusted, level, special));
        }
        1 => {
            lines.push("tool: t/lesen".to_owned());
            lines.push(format!("with: {{ frage: \"{{{{ item.{} ~ index }}}}\" }}", element[0]));
            let continues = random.chance(40);
            if continues {
                lines.push("on_item_error: continue".to_owned());
            }
            (level, special) = (3, special || grown.special);
            grown.steps.push(Step { id: id.to_owned(), lines });
            let names = if continues { " | select('mapping') | map(attribute='text') | join" } else { " | map(attribute='text') | join" };
            grown.values.push(value(names, Kind::Text, false, level, special));
            grown.values.push(value(" | length", Kind::Text, false, level, special));
        }
        _ => {
            // a write for each, steered by the author's own words, taken back one by one
            lines.push("tool: t/ablegen".to_owned());
            lines.push(format!("with: {{ akte: HST-1, inhalt: \"{{{{ item.{} }}}}\" }}", element[0]));
            lines.push("undo: { tool: t/ablegen, with: { akte: \"{{ result.id }}\", inhalt: weg } }".to_owned());
            grown.steps.push(Step { id: id.to_owned(), lines });
            grown.values.push(value(" | length", Kind::Plain, true, level.max(1), special));
        }
    }
}

/// For a time the author wrote, or until a day somebody foreign named.
fn wait(grown: &mut Grown, random: &mut Random, id: &str) {
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    let (mut level, mut special) = condition.as_ref().map_or((0, false), |c| (c.1, c.2));
    let mut trusted = condition.is_none() || grown.is_trusted();
    if random.chance(50) {
        lines.push("wait: { for: PT1H }".to_owned());
    } else {
        let day = grown.values.iter().find(|v| v.path == "input.d1").unwrap().clone();
        lines.push(format!("wait: {{ until: {} }}", braces(&day)));
        raise(&mut level, &mut special, &day);
        trusted &= day.trusted;
    }
    grown.steps.push(Step { id: id.to_owned(), lines });
    grown.values.push(Value { path: format!("steps.{id}.at"), kind: Kind::Plain, trusted, order: trusted, level, special });
}

/// For what somebody foreign reports, under a key that may be anything.
fn event(grown: &mut Grown, random: &mut Random, id: &str) {
    let key = any(grown, random).clone();
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    let (mut level, mut special) = condition.map_or((0, false), |c| (c.1, c.2));
    raise(&mut level, &mut special, &key);
    (level, special) = (level.max(grown.level), special || grown.special);
    let timed = random.chance(40);
    lines.push("wait:".to_owned());
    lines.push("  event: zahlung".to_owned());
    lines.push(format!("  key: \"{{{{ ({} ~ '') | replace(' ', '') | length }}}}\"", key.path));
    lines.push("  output: { type: object, additionalProperties: false, required: [wort, zahl, art], properties: { wort: { type: string }, zahl: { type: integer }, art: { enum: [u, v] } } }".to_owned());
    if timed {
        lines.push("  timeout: P1D".to_owned());
    }
    grown.steps.push(Step { id: id.to_owned(), lines });
    let value = |path: String, kind| Value { path, kind, trusted: false, order: false, level, special };
    if timed {
        grown.values.push(value(format!("(steps.{id}.wort | default('nichts'))"), Kind::Text));
        grown.values.push(value(format!("steps.{id}.timed_out"), Kind::Plain));
    } else {
        grown.values.extend([
            value(format!("steps.{id}.wort"), Kind::Text),
            value(format!("steps.{id}.zahl"), Kind::Plain),
            value(format!("steps.{id}.art"), Kind::Listed),
        ]);
    }
}

fn rules(grown: &mut Grown, random: &mut Random, id: &str) {
    let keys: Vec<Value> = grown.values.iter().filter(|v| v.kind != Kind::Text).cloned().collect();
    let key = random.pick(&keys).unwrap().clone();
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    lines.push(format!("rules: {{ table: rules/t.yaml, with: {{ art: {} }} }}", braces(&key)));
    let (mut level, mut special) = condition.map_or((0, false), |c| (c.1, c.2));
    raise(&mut level, &mut special, &key);
    let akte = Value { path: format!("steps.{id}.akte"), kind: Kind::Text, trusted: true, order: true, level, special };
    grown.steps.push(Step { id: id.to_owned(), lines });
    grown.values.push(akte);
}

fn lookup(grown: &mut Grown, random: &mut Random, id: &str) {
    let register = random.chance(50);
    let argument = any(grown, random).clone();
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    lines.push(format!("tool: {}", if register { "t/register" } else { "t/lesen" }));
    lines.push(format!("with: {{ frage: {} }}", braces(&argument)));
    let (mut level, mut special) = condition.map_or((0, false), |c| (c.1, c.2));
    raise(&mut level, &mut special, &argument);
    // what the tool itself brings: as declared, or hoch with the process's categories
    let (own, own_special) = if register { (2, false) } else { (3, grown.special) };
    (level, special) = (level.max(own), special || own_special);
    let continues = random.chance(20);
    let repaired = !continues && random.chance(15);
    if continues {
        lines.push("on_error: continue".to_owned());
    }
    if repaired {
        lines.push("on_error: human".to_owned());
    }
    if random.chance(15) {
        lines.push("repeat: { until: \"{{ result.anzahl > 1 }}\", every: PT5M, max: 3 }".to_owned());
    }
    grown.steps.push(Step { id: id.to_owned(), lines });
    let value = |name: &str, kind| Value { path: format!("steps.{id}.{name}"), kind, trusted: false, order: false, level, special };
    if continues {
        // it may be missing: asked for with a default of the author's
        let path = format!("steps.{id}.text | default('nichts')");
        grown.values.push(Value { path: format!("({path})"), level: level.max(grown.level), special: special || grown.special, ..value("text", Kind::Text) });
    } else {
        grown.values.extend([value("text", Kind::Text), value("anzahl", Kind::Plain), value("art", Kind::Plain)]);
        if !register {
            grown.values.push(value("liste", Kind::Text));
        }
    }
}

fn model(grown: &mut Grown, random: &mut Random, id: &str) {
    let allowed = |v: &Value| grown.zone == "gruen" || (v.level <= 2 && !v.special);
    let material: Vec<Value> = grown.values.iter().filter(|v| allowed(v)).cloned().collect();
    let orders: Vec<Value> = material.iter().filter(|v| v.order || v.kind != Kind::Text).cloned().collect();
    let (Some(block), Some(order)) = (random.pick(&material).cloned(), random.pick(&orders).cloned()) else { return };
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    lines.push("model:".to_owned());
    lines.push(format!("  prompt: \"Ordne ein, Stichwort {{{{ {} }}}}\"", order.path));
    lines.push(format!("  data: {{ material: {} }}", braces(&block)));
    lines.push("  output: { type: object, additionalProperties: false, required: [art, grund, zahl], properties: { art: { enum: [p, q] }, grund: { type: string }, zahl: { type: integer } } }".to_owned());
    let (mut level, mut special) = condition.map_or((0, false), |c| (c.1, c.2));
    raise(&mut level, &mut special, &block);
    raise(&mut level, &mut special, &order);
    grown.steps.push(Step { id: id.to_owned(), lines });
    grown.models.push(id.to_owned());
    let value = |name: &str, kind| Value { path: format!("steps.{id}.{name}"), kind, trusted: false, order: false, level, special };
    grown.values.extend([value("grund", Kind::Text), value("zahl", Kind::Plain), value("art", Kind::Listed)]);
}

/// A model that reads on by itself, and may write what a person approves.
fn agent(grown: &mut Grown, random: &mut Random, id: &str) {
    let wide = grown.zone == "gruen";
    let allowed = |v: &Value| wide || (v.level <= 2 && !v.special);
    let material: Vec<Value> = grown.values.iter().filter(|v| allowed(v)).cloned().collect();
    let orders: Vec<Value> = material.iter().filter(|v| v.order || v.kind != Kind::Text).cloned().collect();
    let (Some(block), Some(order)) = (random.pick(&material).cloned(), random.pick(&orders).cloned()) else { return };
    let condition = condition(grown, random);
    let mut lines: Vec<String> = condition.iter().map(|c| c.0.clone()).collect();
    let (mut level, mut special) = condition.map_or((0, false), |c| (c.1, c.2));
    raise(&mut level, &mut special, &block);
    raise(&mut level, &mut special, &order);
    let (read, writes, asks) = (if wide { "t/lesen" } else { "t/register" }, random.chance(50), random.chance(40));
    (level, special) = if wide { (3, special || grown.special) } else { (level.max(2), special) };
    if asks {
        (level, special) = (level.max(grown.level), special || grown.special);
    }
    lines.push("agent:".to_owned());
    lines.push(format!("  goal: \"Finde heraus, Stichwort {{{{ {} }}}}\"", order.path));
    lines.push(format!("  data: {{ material: {} }}", braces(&block)));
    lines.push(format!("  tools: [{read}{}]", if writes { ", { tool: t/ablegen, description: Legt ab }" } else { "" }));
    if asks {
        lines.push("  ask: { groups: [GG-Amt] }".to_owned());
    }
    lines.push(format!("  max_turns: {}", 2 + random.below(4)));
    lines.push("  output: { type: object, additionalProperties: false, required: [art, grund, zahl], properties: { art: { enum: [p, q] }, grund: { type: string }, zahl: { type: integer } } }".to_owned());
    grown.steps.push(Step { id: id.to_owned(), lines });
    grown.models.push(id.to_owned());
    let value = |name: &str, kind| Value { path: format!("steps.{id}.{name}"), kind, trusted: false, order: false, level, special };
    grown.values.extend([value("grund", Kind::Text), value("zahl", Kind::Plain), value("art", Kind::Listed)]);
}

/// A write: what steers it is literal, listed or vouched for; what it holds is anything. With an undo, or behind the gate.
fn file(grown: &mut Grown, random: &mut Random, id: &str) {
    let gated = grown.gate.clone();
    let note = gated.is_some() && random.chance(40);
    let most = if note { 2 } else { 3 };
    let fits = |v: &&Value| v.level <= most && (most == 3 || !v.special);
    let steering: Vec<Value> = grown.values.iter().filter(fits).filter(|v| v.trusted || v.kind == Kind::Listed).cloned().collect();
    let contents: Vec<Value> = grown.values.iter().filter(fits).cloned().collect();
    let akte = random.pick(&steering).filter(|_| random.chance(70)).map_or("HST-1".to_owned(), |v| format!("\"{{{{ {} }}}}\"", v.path));
    let Some(content) = random.pick(&contents).cloned() else { return };
    let mut lines = Vec::new();
    if let Some(gate) = &gated {
        lines.push(format!("needs: [{gate}]"));
        lines.push(format!("run_as: steps.{gate}"));
    }
    lines.push(format!("tool: {}", if note { "t/vermerk" } else { "t/ablegen" }));
    lines.push(format!("with: {{ akte: {akte}, inhalt: {} }}", braces(&content)));
    if gated.is_none() {
        lines.push("undo: { tool: t/ablegen, with: { akte: \"{{ result.id }}\", inhalt: weg } }".to_owned());
    }
    let (mut level, mut special) = (1, false);
    raise(&mut level, &mut special, &content);
    for value in steering.iter().filter(|v| akte.contains(&v.path)) {
        raise(&mut level, &mut special, value);
    }
    grown.steps.push(Step { id: id.to_owned(), lines });
    grown.values.push(Value { path: format!("steps.{id}.id"), kind: Kind::Text, trusted: true, order: true, level, special });
}

/// The gate: after every model and every tool, before everything that leaves the house.
fn human(grown: &mut Grown, random: &mut Random) {
    // what may be missing is asked for with a default, and a chain of filters takes none
    let plain: Vec<Value> = grown.values.iter().filter(|v| !(v.path.starts_with("steps.") && v.path.contains('|'))).cloned().collect();
    let extra = random.pick(&plain).unwrap().clone();
    let mut lines = Vec::new();
    let needs: Vec<String> = grown.steps.iter().map(|step| format!("\"{}?\"", step.id)).collect();
    lines.push(format!("needs: [{}]", needs.join(", ")));
    lines.push("human:".to_owned());
    lines.push("  assign: { groups: [GG-Amt] }".to_owned());
    // the material may be missing where a step was skipped
    let shown = if extra.path.starts_with("steps.") { format!("\"{{{{ {} | default('-') }}}}\"", extra.path) } else { braces(&extra) };
    let models: Vec<String> = grown.models.clone();
    let proposed = random.pick(&models).filter(|_| random.chance(50)).cloned();
    if let Some(model) = &proposed {
        lines.push(format!("  vorschlag: {{ vorgelegt: \"{{{{ steps.{model}.grund | default('-') }}}}\" }}"));
    }
    lines.push(format!("  show: {{ kontakt: \"{{{{ input.k }}}}\", name: \"{{{{ input.s1 }}}}\", wahl: \"{{{{ input.e1 }}}}\", mehr: {shown} }}"));
    lines.push("  form: { type: object, additionalProperties: false, required: [entscheidung], properties: { entscheidung: { enum: [ja, nein] }, text: { type: string, maxLength: 200 }, vorgelegt: { type: string, maxLength: 400 } } }".to_owned());
    grown.steps.push(Step { id: "tor".to_owned(), lines });
    grown.gate = Some("tor".to_owned());
    let value = |name: &str, level, special, order| Value { path: format!("steps.tor.{name}"), kind: Kind::Text, trusted: true, order, level, special };
    let order = grown.is_trusted();
    let (l, s) = (grown.level, grown.special);
    grown.values.push(value("shown.name", l, s, order));
    if proposed.is_some() {
        // she took it over: hers to vouch for within the form, never an order
        let taken = value("vorgelegt", 3, true, false);
        grown.values.push(Value { path: format!("({} | default('-'))", taken.path), ..taken });
    }
    grown.values.push(Value { kind: Kind::Listed, ..value("entscheidung", 0, false, true) });
}

fn send(grown: &mut Grown, random: &mut Random, id: &str) {
    let house = random.chance(40);
    let content = any(grown, random).clone();
    let an = if house { "amt@vg.example".to_owned() } else { "\"{{ steps.tor.shown.kontakt }}\"".to_owned() };
    let mut lines = vec!["needs: [tor]".to_owned(), "run_as: steps.tor".to_owned()];
    if random.chance(50) {
        lines.push("if: \"{{ steps.tor.entscheidung == 'ja' }}\"".to_owned());
    }
    lines.push("tool: m/senden".to_owned());
    lines.push(format!("with: {{ an: {an}, text: {} }}", braces(&content)));
    grown.steps.push(Step { id: id.to_owned(), lines });
}
