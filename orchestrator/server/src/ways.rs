//! Where a signed-in person gets from every page. The policy decides it, from the groups the directory names now; pages only ask here.

use laufzettel_policy::{Action, Rules, Who, permit};

/// What she may beside the work everybody has: her tasks, her cases and the catalogue are there for whoever is signed in, and show
/// only what is hers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways {
    pub audit: bool,
    pub erasure: bool,
    pub operation: bool,
}

impl Ways {
    /// No question to anything but the rules: who somebody is was asked with her session.
    pub fn of(who: &Who, rules: &Rules) -> Self {
        let may = |right: &Action| permit(who, right, None, rules).allow;
        Self { audit: may(&Action::AuditRead), erasure: may(&Action::ContentErase), operation: may(&Action::Admin) }
    }

    /// Path, and key of the wordings. Erasure has a way of its own only for whoever does not get there by the journal.
    pub fn links(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let all = [
            (true, "/aufgaben", "nav_tasks"),
            (true, "/vorgaenge", "nav_runs"),
            (true, "/prozesse", "nav_processes"),
            (self.audit, "/protokoll", "nav_audit"),
            (self.erasure && !self.audit, "/protokoll/loeschen", "nav_erasure"),
            (self.operation, "/betrieb", "nav_operation"),
        ];
        all.into_iter().filter_map(|(may, path, key)| may.then_some((path, key)))
    }
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::{Caller, Via};
    use laufzettel_policy::{Grant, Group};

    use super::*;

    #[test]
    fn ways_are_rights() {
        let rules = |allow: &[&str]| Rules {
            grants: vec![Grant { groups: vec!["GG-X".into()], allow: allow.iter().map(|right| (*right).into()).collect() }],
            ..Rules::default()
        };
        let who = Who {
            caller: Caller { subject: "S-1".into(), name: "N".into(), upn: "n".into(), via: Via::Form, os_user: None },
            groups: vec![Group { name: "GG-X".into(), sid: "S-2".into() }],
        };
        let work = ["/aufgaben", "/vorgaenge", "/prozesse"];
        for (allow, more) in [
            (&[][..], &[][..]),
            (&["audit.read"], &["/protokoll"]),
            (&["content.erase"], &["/protokoll/loeschen"]),
            (&["content.erase", "audit.read"], &["/protokoll"]),
            (&["admin"], &["/betrieb"]),
            (&["process.start:*", "run.view:all"], &[]),
        ] {
            let found: Vec<&str> = Ways::of(&who, &rules(allow)).links().map(|(path, _)| path).collect();
            assert_eq!(found, [&work[..], more].concat(), "{allow:?}");
        }
    }
}
