//! A process that calls another: what it passes must be what the other declares (LZ404), and the other is proven with it.

use laufzettel_domain::{Findings, Text};
use laufzettel_process::model::{ChildCall, Step};

use super::{Called, Setting, prove_called, rights};
use crate::labels::{Labels, Source};

pub fn check(labels: Labels<'_>, setting: &Setting<'_>, step: &Step, call: &ChildCall, called: &Called<'_>, findings: &mut Findings) {
    let Some((child, types)) = labels.process.children.get(&call.name).zip(labels.context.types.children.get(&call.name)) else { return };
    let passed = labels.of_passed(call);
    for (name, tree) in &passed.fields {
        let (here, there) = (tree.whole(), child.input.label_whole(std::slice::from_ref(name), &child.default_label(tree.whole().trust)));
        if here.schutzbedarf <= there.schutzbedarf && here.kategorien.is_subset(&there.kategorien) {
            continue;
        }
        let text = Text::new(
            format!("„{name}“ ({here}) ist mehr, als „{}“ dort erwartet ({there}).", call.name),
            format!("\"{name}\" ({here}) is more than \"{}\" expects there ({there}).", call.name),
        );
        findings.error("LZ404", call.at, format!("steps.{}.process.input.{name}", step.id), text).hint = Some(Text::new(
            "Weniger mitgeben, oder im aufgerufenen Prozess schutzbedarf, datenkategorien oder das Feld anheben.",
            "Pass less, or raise schutzbedarf, datenkategorien or the field in the process that is called.",
        ));
    }
    // one with ways in of its own is proven for these, and what is passed is no more than it declares
    if !child.is_only_a_child() {
        return;
    }
    let context = labels.context.of_child(types);
    let setting = Setting { context: &context, ..*setting };
    let acting = rights::acting(labels.process, step.run_as.as_ref(), called.acting.as_deref());
    let mut own = Findings::new(child.file.clone());
    prove_called(child, &setting, &Called { input: Source::Passed(&passed), acting: Some(acting) }, &mut own);
    findings.add(own.into_sorted());
}
