//! `each` and `repeat`: a step for every element of a list, and a tool asked until it is done.

use laufzettel_domain::{Findings, Node, Text, document::Fields};

use super::step::asked;
use crate::{
    expression::Expression,
    model::{Each, Repeat, StepKind},
};

/// Items under way at once where the step says nothing: as many calls as one run makes at a time.
const PARALLEL: i64 = 16;
const PARALLEL_MAX: i64 = 100;
/// Calls of one `repeat` at most: a week of one every five minutes is 2,016, and a journal is no place for more.
const REPEAT_MAX: i64 = 2_016;

pub fn each(fields: &mut Fields<'_, '_>) -> Option<Each> {
    let max_parallel = fields.integer("max_parallel", 1, PARALLEL_MAX);
    let on_item_error = fields.one_of("on_item_error", &[("fail", false), ("continue", true)]);
    let Some(node) = fields.opt("each") else {
        for name in ["max_parallel", "on_item_error"] {
            let Some(node) = fields.opt(name) else { continue };
            let text = Text::new(format!("„{name}“ gehört zu each, und each fehlt hier."), format!("\"{name}\" belongs to each, and each is missing here."));
            let key = fields.path(name);
            fields.findings.error("LZ108", node.at, key, text);
        }
        return None;
    };
    let list = list(node, &fields.path("each"), fields.findings)?;
    let max_parallel = u32::try_from(max_parallel.unwrap_or(PARALLEL)).unwrap_or(1);
    Some(Each { list, max_parallel, continues: on_item_error.unwrap_or(false) })
}

/// A list is an expression; one written out is no list anybody brings.
pub fn list(node: &Node, key: &str, findings: &mut Findings) -> Option<Expression> {
    let Some(written) = node.text().filter(|text| text.contains("{{")) else {
        let text = Text::new("Eine Liste ist ein Ausdruck: \"{{ … }}\".", "A list is an expression: \"{{ … }}\".");
        findings.error("LZ107", node.at, key, text);
        return None;
    };
    Expression::compile(written, node.at).map_err(|error| super::syntax_errors(vec![error], key, findings)).ok()
}

pub fn repeat(node: &Node, key: &str, kind: Option<&StepKind>, findings: &mut Findings) -> Option<Repeat> {
    let mut fields = Fields::open(node, key, findings)?;
    for name in ["until", "every", "max"] {
        fields.req(name);
    }
    let until = asked(&mut fields, "until");
    let every = fields.span("every");
    let max = fields.integer("max", 1, REPEAT_MAX);
    if kind.is_some_and(|kind| !matches!(kind, StepKind::Tool(_))) {
        let text = Text::new("Wiederholt wird nur ein Werkzeug (tool).", "Only a tool is repeated.");
        fields.findings.error("LZ116", node.at, key, text);
    }
    if let Some(node) = fields.opt("every").filter(|_| every.is_some_and(|every| every.approx_millis() < EVERY_MS_MIN)) {
        let text = Text::new("Öfter als jede Sekunde wird nicht gefragt (PT1S).", "Nothing is asked more often than once a second (PT1S).");
        let key = fields.path("every");
        fields.findings.error("LZ107", node.at, key, text);
    }
    fields.close();
    Some(Repeat { until: until?, every: every?, max: u32::try_from(max?).unwrap_or(1) })
}

/// Milliseconds between two calls at least: whoever asks faster keeps a server busy and learns nothing.
const EVERY_MS_MIN: i64 = 1_000;
