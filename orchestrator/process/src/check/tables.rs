//! What a decision table is asked with: every argument its rows read, and nothing they cannot have.

use laufzettel_domain::{Findings, Text, finding};

use crate::{
    expression::Read,
    model::{Rules, Step, StepKind},
};

/// The argument every table takes (process language § 3).
const DAY: &str = "stichtag";

/// Keys and names in rows that the step does not give.
pub fn arguments(step: &Step, findings: &mut Findings) {
    let StepKind::Rules(rules) = &step.kind else { return };
    let key = format!("steps.{}.rules.with", step.id);
    for name in rules.table.key.iter().filter(|name| !rules.with.contains_key(*name)) {
        let text = Text::new(
            format!("Die Tabelle „{}“ wird nach „{name}“ gefragt: das Argument fehlt.", rules.table.name),
            format!("The table \"{}\" is asked by \"{name}\": the argument is missing.", rules.table.name),
        );
        findings.error("LZ324", step.at, key.clone(), text);
    }
    let mut said = Vec::new();
    for row in &rules.table.rows {
        for (name, line) in row
            .expressions()
            .flat_map(|e| e.analysis.reads.iter().map(|read| (read, e.place(read.offset).line)))
            .filter_map(|(read, line)| Some((lacking(rules, read)?, line)))
        {
            if said.contains(&name) {
                continue;
            }
            let text = Text::new(
                format!("Zeile {line} der Tabelle „{}“ ({}) liest „{name}“: das Argument fehlt.", rules.table.name, rules.table.file),
                format!("Line {line} of the table \"{}\" ({}) reads \"{name}\": the argument is missing.", rules.table.name, rules.table.file),
            );
            findings.error("LZ324", step.at, key.clone(), text).hint = Some(finding::hint(&name, rules.with.keys().map(String::as_str)));
            said.push(name);
        }
    }
}

/// The argument a place reads and nobody gives; one that is asked whether it is there may be absent.
fn lacking(rules: &Rules, read: &Read) -> Option<String> {
    let name = if read.path.root() == "with" { read.path.0.get(1)?.as_str() } else { read.path.root() };
    (!read.guarded && name != DAY && !rules.with.contains_key(name)).then(|| name.to_owned())
}
