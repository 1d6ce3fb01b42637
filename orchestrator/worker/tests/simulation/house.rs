//! The house a history plays in: one process of every kind of step, its tools, and who may do what.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use jiff::Timestamp;
use laufzettel_directory::Directory;
use laufzettel_domain::{Clock, Findings, Schutzbedarf, TenantId, Trust};
use laufzettel_policy::{Clearance, Effect, Grant, Rules, ServiceAccount, ToolRule, Yields, Zone};
use laufzettel_process::{Catalogue, Folder, Process, Tools};
use laufzettel_store::{Memory as MemoryStore, Store};
use laufzettel_worker::{Desk, Doors, Memory, Random, Tenant};

pub const PROCESS: &str = r#"
process: probe
version: 1.0.0
title: Probe
verantwortlich: FB1
rechtsgrundlage: [§ 1]
zweck: Prüfen
schutzbedarf: normal
datenkategorien: []
aufbewahrung: { vorgang: P1Y, inhalte: P1M }
automatisierung: assistenz
ki_verordnung: { klasse: minimal, begruendung: Test }
run_as: service:svc
triggers: [{ intake: { path: probe, run_as: service:svc } }]
input: { type: object }
steps:
  lesen: { tool: t/lesen, retry: { attempts: 4, delay: PT2S } }
  eins: { needs: [lesen], tool: t/schreiben, retry: { attempts: 4, delay: PT2S }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  zwei: { needs: [lesen], tool: t/schreiben, retry: { attempts: 4, delay: PT2S } }
  frage: { needs: [lesen], model: { prompt: Was?, size: s, output: { type: object, required: [a], properties: { a: { enum: [ja] } } } } }
  liste: { needs: [lesen], each: "{{ [1, 2, 3] }}", max_parallel: 2, tool: t/schreiben, with: { n: "{{ item }}" }, retry: { attempts: 4, delay: PT2S }, undo: { tool: t/schreiben, with: { id: "{{ result.id }}" } } }
  stand: { needs: [lesen], tool: t/lesen, repeat: { until: "{{ result.fertig }}", every: PT1M, max: 50 }, retry: { attempts: 9, delay: PT2S } }
  ruhe: { needs: [eins], wait: { for: PT5M } }
  teil: { needs: [zwei], process: { name: teil, input: { n: 1 } } }
  sucht:
    needs: [frage]
    retry: { attempts: 9, delay: PT2S }
    agent: { goal: Suche, size: s, tools: [t/lesen, t/schreiben], ask: { groups: [G] }, output: { type: object, required: [a], properties: { a: { enum: [ja] } } } }
  akte: { needs: [lesen], tool: t/akte, retry: { attempts: 4, delay: PT2S } }
  aushang: { needs: [akte, ruhe], tool: t/aushang, with: { text: "{{ steps.akte.notiz }}" }, retry: { attempts: 4, delay: PT2S } }
  melden: { needs: [lesen], tool: t/melden, retry: { attempts: 4, delay: PT2S }, undo: { tool: t/melden, with: { id: "{{ result.id }}" } } }
  senden: { needs: [eins, zwei, liste, stand, ruhe, teil, sucht, aushang], tool: t/senden, retry: { attempts: 4, delay: PT2S } }
output: { fertig: "{{ steps.senden.id }}" }
"#;

/// What the process runs as a child.
const CHILD: &str = r#"
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer } } }
steps:
  schreiben: { tool: t/schreiben, with: { n: "{{ input.n }}" }, retry: { attempts: 4, delay: PT2S } }
output: { id: "{{ steps.schreiben.id }}" }
"#;

/// splitmix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub struct Seeded(pub Mutex<u64>);

impl Seeded {
    pub fn next(&self, below: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|b| *b = u8::try_from(self.next(256)).unwrap());
    }
}

pub struct HandClock(pub Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn zone(name: &str) -> (String, Zone) {
    let (max_schutzbedarf, kategorien) = Zone::shipped(name).unwrap();
    (name.to_owned(), Zone { name: name.into(), max_schutzbedarf, kategorien, betreiber: String::new(), ort: String::new(), recht: String::new() })
}

/// `level`: of what it brings, and up to which it may be given anything.
fn rule(effect: Effect, idempotent: bool, level: Schutzbedarf) -> ToolRule {
    ToolRule {
        identity: laufzettel_policy::Identity::Delegation,
        effect,
        idempotent,
        groups: vec![],
        content: BTreeSet::new(),
        yields: Yields { schutzbedarf: level, kategorien: None, trust: Trust::Trusted },
        clearance: Clearance::Level(level),
        undo: None,
        recipient: None,
        settles: false,
    }
}

/// What stands in a file may be more sensitive than its tool says; the notice board may not have it then.
pub fn tools() -> BTreeMap<String, ToolRule> {
    use Schutzbedarf::{Hoch, Normal};
    BTreeMap::from([
        ("t/lesen".to_owned(), rule(Effect::Read, false, Hoch)),
        ("t/schreiben".to_owned(), rule(Effect::Write, true, Hoch)),
        ("t/senden".to_owned(), rule(Effect::Send, false, Hoch)),
        // its server says afterwards what became of a call
        ("t/melden".to_owned(), ToolRule { settles: true, ..rule(Effect::Send, false, Hoch) }),
        ("t/akte".to_owned(), rule(Effect::Read, false, Normal)),
        ("t/aushang".to_owned(), rule(Effect::Write, true, Normal)),
    ])
}

pub fn rules() -> Rules {
    let account = ServiceAccount { processes: vec!["*".into()], groups: vec![], allow: vec!["tool.call:t/*".into(), "models.use".into()] };
    Rules {
        grants: vec![Grant { groups: vec!["G".into()], allow: vec!["task.complete:*".into()] }],
        services: BTreeMap::from([("svc".to_owned(), account)]),
        training: None,
    }
}

/// Every crash opens the house anew; reading the same text again would be most of the test's time.
static READ: LazyLock<Mutex<BTreeMap<String, BTreeMap<String, Process>>>> = LazyLock::new(Mutex::default);

fn read(process: &str) -> Catalogue {
    let mut known = READ.lock().unwrap();
    let processes = known.entry(process.to_owned()).or_insert_with(|| {
        let (head, _) = PROCESS.split_once("run_as:").unwrap();
        let child = format!("{}{CHILD}", head.replace("process: probe", "process: teil"));
        let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), process.to_owned()), ("teil.yaml".to_owned(), child)]) };
        let catalogue = Catalogue::load(&folder);
        assert!(catalogue.processes.len() == 2, "{:?}", catalogue.findings);
        catalogue.processes
    });
    Catalogue { processes: processes.clone(), ..Catalogue::default() }
}

/// A program over a store. `rules` and `tools` are its configuration; everything else is given.
pub fn desk_of(process: &str, store: MemoryStore, dice: &Arc<Seeded>, clock: Arc<dyn Clock>, doors: Box<dyn Doors>) -> Desk {
    let document =
        laufzettel_domain::document::parse("groups: { G: { sid: S-1 } }\nusers: { u: { sid: U-1, name: U, groups: [G] } }\n", &mut Findings::new("d")).unwrap();
    Desk::new(Arc::new(Tenant {
        id: TenantId::parse("t").unwrap(),
        name: "T".into(),
        store: Store::Memory(store),
        catalogue: read(process),
        directory: Directory::read(&document, &mut Findings::new("d")).unwrap(),
        rules: rules(),
        tools: tools(),
        types: Tools::new(),
        zones: BTreeMap::from([zone("gruen"), zone("rot")]),
        quotas: laufzettel_worker::Quotas::default(),
        release_required: false,
        own_domains: vec![],
        units: BTreeMap::from([("FB1".to_owned(), vec!["G".to_owned()])]),
        zeitzone: "UTC".into(),
        public_url: String::new(),
        doors,
        clock,
        random: dice.clone(),
        places: laufzettel_worker::Places::default(),
        subjects: laufzettel_worker::SubjectSecret::new([0; 32]),
        witness: None,
        memory: Memory::default(),
    }))
}
