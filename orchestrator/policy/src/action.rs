//! What somebody wants to do, as grants name it: `verb:object`.

use std::fmt;

/// The verbs are a closed set; a grant that names another one grants nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    ProcessStart(String),
    ProcessRelease(String),
    RunViewOwnUnit,
    RunViewAll,
    TaskComplete(String),
    /// `server/tool`
    ToolCall(String),
    ModelsUse,
    ZoneUse(String),
    LabelRelease,
    AuditRead,
    Admin,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProcessStart(id) => write!(f, "process.start:{id}"),
            Self::ProcessRelease(id) => write!(f, "process.release:{id}"),
            Self::RunViewOwnUnit => f.write_str("run.view:own-unit"),
            Self::RunViewAll => f.write_str("run.view:all"),
            Self::TaskComplete(id) => write!(f, "task.complete:{id}"),
            Self::ToolCall(name) => write!(f, "tool.call:{name}"),
            Self::ModelsUse => f.write_str("models.use"),
            Self::ZoneUse(zone) => write!(f, "zone.use:{zone}"),
            Self::LabelRelease => f.write_str("label.release"),
            Self::AuditRead => f.write_str("audit.read"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl Action {
    /// Whether `pattern` of a grant covers this action. `*` matches within a part; parts end at `:` and `/`.
    /// A bare `*` matches nothing but a one-part action, so nobody gets everything by one star.
    pub fn matches(&self, pattern: &str) -> bool {
        let action = self.to_string();
        let parts = |text: &str| text.split([':', '/']).map(str::to_owned).collect::<Vec<_>>();
        let (action, pattern) = (parts(&action), parts(pattern));
        action.len() == pattern.len() && action.iter().zip(&pattern).all(|(a, p)| glob(p, a))
    }
}

/// `*` stands for any characters of one part.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let start = Action::ProcessStart("hundesteuer-anmeldung".into());
        let tool = Action::ToolCall("dms/suchen".into());
        for (action, pattern, expected) in [
            (&start, "process.start:hundesteuer-*", true),
            (&start, "process.start:*", true),
            (&start, "process.start:hundesteuer", false),
            (&start, "process.*:hundesteuer-anmeldung", true),
            (&start, "*", false),
            (&start, "process.start:*steuer*meldung", true),
            (&tool, "tool.call:dms/*", true),
            (&tool, "tool.call:*", false),
            (&tool, "tool.call:dms/such", false),
            (&tool, "tool.call:mail/suchen", false),
            (&Action::Admin, "admin", true),
            (&Action::Admin, "*", true),
            (&Action::AuditRead, "", false),
        ] {
            assert_eq!(action.matches(pattern), expected, "{action} by {pattern}");
        }
    }
}
