//! Processes made by a seed: the proof and the doors must agree about every one of them.
//!
//! A clean one is accepted and no door refuses any of its runs, whatever models and tools answer. One in which a single
//! value was led astray is refused. And two runs that differ in nothing but foreign text take the same branches and steer
//! every call alike (non-interference: Goguen and Meseguer 1982).

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod grow;
mod house;
mod mutate;
mod perform;
mod table;

use std::collections::BTreeMap;

use laufzettel_domain::{Findings, Lang, Severity};
use laufzettel_engine::{Context, proof};
use laufzettel_process::{Folder, Process, Types, read};

use grow::{Grown, Random};
use house::House;
use perform::{Observed, Texts, observe};

/// Enough that every construct meets every other many times; one costs about a millisecond.
const CLEAN: u64 = 600;
const ASTRAY: u64 = 1_100;
const PAIRS: u64 = 1_200;

fn read(text: &str) -> (Option<Process>, Vec<String>) {
    let mut files = BTreeMap::from([("p.yaml".to_owned(), text.to_owned())]);
    files.insert("rules/t.yaml".to_owned(), grow::TABLE.to_owned());
    files.insert("rules/rechnet.yaml".to_owned(), grow::COMPUTING.to_owned());
    let mut findings = Findings::new("p.yaml");
    let process = read::read(&Folder { files }, "p.yaml", &mut findings);
    (process, findings.into_sorted().iter().map(|f| f.line(Lang::De)).collect())
}

/// Errors of the proof, as their codes with the sentence.
fn prove(process: &Process, house: &House) -> Vec<String> {
    let context = context(process, house);
    let mut findings = Findings::new("p.yaml");
    let setting = proof::Setting { context: &context, zones: &house.zones, endpoints: &house.endpoints, rules: Some(&house.rules), members: &house.members };
    proof::prove(process, &setting, &mut findings);
    findings.into_sorted().iter().filter(|f| f.severity == Severity::Error).map(|f| f.line(Lang::De)).collect()
}

fn context(process: &Process, house: &House) -> Context {
    Context {
        types: Types::of(process, &house.types),
        tools: house.tools.clone(),
        own_domains: vec!["vg.example".to_owned()],
        zeitzone: "Europe/Berlin".to_owned(),
    }
}

fn clean(seed: u64) -> (Grown, Process, House) {
    let grown = grow::grow(&mut Random::new(seed));
    let house = House::new(grown.zone);
    let (process, lines) = read(&grown.text());
    let process = process.unwrap_or_else(|| panic!("seed {seed}: {lines:#?}\n{}", grown.text()));
    (grown, process, house)
}

#[test]
fn clean_processes_are_accepted_and_no_door_refuses_them() {
    let (mut calls, mut skipped) = (0, 0);
    for seed in 0..CLEAN {
        let (grown, process, house) = clean(seed);
        let found = prove(&process, &house);
        assert!(found.is_empty(), "seed {seed}: {found:#?}\n{}", grown.text());
        for variant in 0..3 {
            let observed = observe(&process, &context(&process, &house), &house, &Texts::new(seed, variant), &mut Random::new(seed * 7 + variant));
            assert_eq!(observed.refused, Vec::<String>::new(), "seed {seed}/{variant}\n{}", grown.text());
            assert_eq!(observed.above, Vec::<String>::new(), "a label at run time above the declared one, seed {seed}/{variant}\n{}", grown.text());
            calls += observed.calls.len();
            skipped += observed.branches.values().filter(|b| **b == "skipped").count();
        }
    }
    // the runs did something
    assert!(calls > 3_000 && skipped > 300, "{calls} calls, {skipped} skipped steps");
    println!("{CLEAN} clean processes accepted, {} runs, {calls} calls cleared, {skipped} steps skipped", CLEAN * 3);
}

#[test]
fn a_value_led_astray_is_found() {
    let mut by_kind: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seed = 10_000;
    let mut made = 0;
    while made < ASTRAY {
        seed += 1;
        assert!(seed < 30_000, "only {made} mutants: {by_kind:?}");
        let mut random = Random::new(seed);
        let mut grown = grow::grow(&mut random);
        let Some(mutation) = mutate::mutate(&mut grown, &mut random) else { continue };
        let (process, lines) = read(&grown.text());
        let process = process.unwrap_or_else(|| panic!("{mutation}, seed {seed}: {lines:#?}\n{}", grown.text()));
        let found = prove(&process, &House::new(grown.zone));
        let code = mutate::code(mutation);
        let named = found.iter().any(|line| line.contains(code) && line.contains("mut_"));
        assert!(named, "{mutation}, seed {seed}: {code} not among {found:#?}\n{}", grown.text());
        *by_kind.entry(mutation).or_default() += 1;
        made += 1;
    }
    let fewest = by_kind.values().min().copied().unwrap_or(0);
    assert!(by_kind.len() == mutate::KINDS && fewest >= 5, "{by_kind:?}");
    println!("{made} mutants, all refused: {by_kind:?}");
}

#[test]
fn foreign_text_changes_no_branch_and_no_steering_argument() {
    let mut steering = 0;
    for seed in 50_000..50_000 + PAIRS {
        let (grown, process, house) = clean(seed);
        assert_eq!(prove(&process, &house), Vec::<String>::new(), "seed {seed}");
        let context = context(&process, &house);
        let run = |variant| observe(&process, &context, &house, &Texts::new(seed, variant), &mut Random::new(seed));
        let (one, other) = (run(0), run(1));
        assert_eq!(one.branches, other.branches, "seed {seed}\n{}", grown.text());
        assert_eq!(one.steering(&house), other.steering(&house), "seed {seed}\n{}", grown.text());
        assert!(one.texts != other.texts, "the pair differs in nothing, seed {seed}");
        steering += one.steering(&house).len();
    }
    assert!(steering > 500, "{steering} steering arguments compared");
    println!("{PAIRS} pairs, {steering} calls that write or send compared");
}

/// The same comparison must be able to fail: where the proof refuses, foreign text does steer.
#[test]
fn without_the_proof_foreign_text_would_steer() {
    let mut differing = 0;
    for seed in 80_000..80_600 {
        let mut random = Random::new(seed);
        let mut grown = grow::grow(&mut random);
        if !mutate::steer(&mut grown) {
            continue;
        }
        let (Some(process), _) = read(&grown.text()) else { continue };
        let house = House::new(grown.zone);
        let context = context(&process, &house);
        let run = |variant| -> Observed { perform::observe_unguarded(&process, &context, &house, &Texts::new(seed, variant), &mut Random::new(seed)) };
        differing += usize::from(run(0).steering(&house) != run(1).steering(&house));
    }
    assert!(differing > 50, "{differing}");
}
