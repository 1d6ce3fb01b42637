//! The rights of a grant or a service account: each must be able to grant something, and operation and data never sit in
//! one. It decides nothing: what a right means stands in `policy`.

use laufzettel_domain::{
    Findings, Node, Text,
    document::{Fields, Kind},
    finding,
};
use laufzettel_policy::{Action, PatternFault};

/// `allow` of an open block.
pub fn read(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let rights = fields.texts("allow").unwrap_or_default();
    let Some(node) = fields.opt("allow") else { return rights };
    let key = fields.path("allow");
    let single = std::slice::from_ref(node);
    let written = if matches!(node.kind, Kind::List(_)) { node.items() } else { single };
    written.iter().for_each(|right| check(right, &key, fields.findings));
    if Action::mixes_operation_with_data(&rights) {
        fields.findings.error(
            "LZ141",
            node.at,
            key,
            Text::new(
                "„admin“ steht nicht neben Rechten an Daten: Wer den Betrieb macht, liest keine Fälle. Zwei Einträge für zwei Gruppen daraus machen.",
                "\"admin\" does not stand beside rights to data: who runs the machine reads no cases. Make it two entries for two groups.",
            ),
        );
    }
    rights
}

/// A right nobody can use is a mistake, not a harmless one: somebody believes to have granted it.
fn check(node: &Node, key: &str, findings: &mut Findings) {
    let Some(written) = node.text() else { return };
    let (message, hint) = match Action::covered_by(written) {
        Ok(_) => return,
        Err(PatternFault::Verb) => {
            let verb = written.split(':').next().unwrap_or_default();
            let message = Text::new(format!("„{written}“ ist kein Recht."), format!("\"{written}\" is no right."));
            (message, finding::hint(verb, Action::verbs()))
        }
        Err(PatternFault::Form(form)) => {
            let message = Text::new(format!("„{written}“ kann nie zutreffen."), format!("\"{written}\" can never apply."));
            (message, Text::new(format!("Geschrieben wird es so: {form}."), format!("It is written like this: {form}.")))
        }
    };
    findings.error("LZ140", node.at, key, message).hint = Some(hint);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use laufzettel_domain::Lang;

    /// What is said about `grants` and `services` with these rights.
    fn said(rights: &str) -> Vec<String> {
        let text = format!(
            "tenants:\n  t:\n    name: T\n    processes: ./w\n    directory: {{ file: ./d.yaml }}\n    grants:\n      - {{ groups: [G], allow: {rights} }}\n    services:\n      s: {{ processes: [\"*\"], allow: {rights} }}\n"
        );
        let (_, findings) = crate::config::read(&text, Path::new("c.yaml"), Path::new("."));
        findings.iter().map(|f| f.line(Lang::De)).collect()
    }

    #[test]
    fn rights_that_grant_nothing_are_found() {
        assert_eq!(said("[models.use, \"process.start:*\", admin]").len(), 2);
        assert_eq!(said("[models.use, \"process.start:*\", \"zone.use:gruen\"]"), Vec::<String>::new());
        assert_eq!(said("[admin, \"zone.use:gruen\"]"), Vec::<String>::new());
        assert_eq!(said("audit.read"), Vec::<String>::new());
        assert_eq!(
            said("[models.user]"),
            [
                "c.yaml:7:32: Fehler LZ140 bei „tenants.t.grants[1].allow“: „models.user“ ist kein Recht. Meinten Sie „models.use“?",
                "c.yaml:9:38: Fehler LZ140 bei „tenants.t.services.s.allow“: „models.user“ ist kein Recht. Meinten Sie „models.use“?",
            ]
        );
        assert_eq!(
            said("tool.call:dms")[0],
            "c.yaml:7:31: Fehler LZ140 bei „tenants.t.grants[1].allow“: „tool.call:dms“ kann nie zutreffen. Geschrieben wird es so: tool.call:SERVER/WERKZEUG."
        );
    }

    #[test]
    fn operation_and_data_never_sit_together() {
        for mixed in ["[admin, audit.read]", "[admin, \"run.view:all\"]", "\"*\""] {
            let said = said(mixed);
            assert_eq!(said.len(), 2, "{mixed}");
            assert!(said.iter().all(|line| line.contains("Fehler LZ141")), "{said:?}");
        }
    }
}
