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
    /// To erase the contents of a run before their time.
    ContentErase,
    Admin,
}

/// What stands behind a verb in a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Nothing,
    One,
    Unit,
    Tool,
}

/// Every verb, and how a right with it is written.
const VERBS: [(&str, Object, &str); 11] = [
    ("process.start", Object::One, "process.start:PROZESS"),
    ("process.release", Object::One, "process.release:PROZESS"),
    ("run.view", Object::Unit, "run.view:own-unit"),
    ("task.complete", Object::One, "task.complete:PROZESS"),
    ("tool.call", Object::Tool, "tool.call:SERVER/WERKZEUG"),
    ("models.use", Object::Nothing, "models.use"),
    ("zone.use", Object::One, "zone.use:ZONE"),
    ("label.release", Object::Nothing, "label.release"),
    ("audit.read", Object::Nothing, "audit.read"),
    ("content.erase", Object::Nothing, "content.erase"),
    ("admin", Object::Nothing, "admin"),
];

/// Why a pattern of a grant would never grant anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternFault {
    /// No verb is called so.
    Verb,
    /// The verb exists; a right with it is written like this.
    Form(&'static str),
}

impl Object {
    fn fits(self, written: Option<&str>) -> bool {
        let part = |text: &str| !text.is_empty() && !text.contains([':', '/']) && !text.contains(char::is_whitespace);
        match (self, written) {
            (Self::Nothing, None) => true,
            (Self::One, Some(object)) => part(object),
            (Self::Unit, Some(object)) => part(object) && ["own-unit", "all"].iter().any(|which| glob(object, which)),
            (Self::Tool, Some(object)) => object.split_once('/').is_some_and(|(server, tool)| part(server) && part(tool)),
            _ => false,
        }
    }
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
            Self::ContentErase => f.write_str("content.erase"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl Action {
    /// The verbs by name, in the order of the specification.
    pub fn verbs() -> impl Iterator<Item = &'static str> + Clone {
        VERBS.iter().map(|(verb, ..)| *verb)
    }

    /// The verbs a pattern of a grant covers, or why it covers none.
    pub fn covered_by(pattern: &str) -> Result<Vec<&'static str>, PatternFault> {
        let (verb, object) = pattern.split_once(':').map_or((pattern, None), |(verb, object)| (verb, Some(object)));
        let named: Vec<_> = VERBS.iter().filter(|(name, ..)| glob(verb, name)).collect();
        let covered: Vec<_> = named.iter().filter(|(_, shape, _)| shape.fits(object)).map(|(name, ..)| *name).collect();
        match named.first() {
            None => Err(PatternFault::Verb),
            Some((.., form)) if covered.is_empty() => Err(PatternFault::Form(form)),
            Some(_) => Ok(covered),
        }
    }

    /// Whether these rights hold `admin` together with a right to data. Who runs the machine reads no files, and who reads
    /// files does not run the machine. `zone.use` says where a model may stand and opens no data.
    pub fn mixes_operation_with_data<'p>(patterns: impl IntoIterator<Item = &'p String>) -> bool {
        let covered: Vec<&str> = patterns.into_iter().filter_map(|pattern| Self::covered_by(pattern).ok()).flatten().collect();
        covered.contains(&"admin") && covered.iter().any(|verb| !["admin", "zone.use"].contains(verb))
    }

    /// Whether `pattern` of a grant covers this action. `*` matches within a part; parts end at `:` and `/`.
    /// A bare `*` matches nothing but a one-part action, so nobody gets everything by one star (and as it would mix
    /// operation with data, the configuration refuses it).
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
    rest.ends_with(last)
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
            // what the star stands for does not overlap with what is written around it
            (&start, "process.start:hundesteuer-*-anmeldung", false),
            (&start, "process.start:*anmeldung", true),
            (&start, "process.start:*abmeldung", false),
        ] {
            assert_eq!(action.matches(pattern), expected, "{action} by {pattern}");
        }
    }

    #[test]
    fn the_verbs() {
        let verbs: Vec<&str> = Action::verbs().collect();
        assert_eq!(
            verbs,
            [
                "process.start",
                "process.release",
                "run.view",
                "task.complete",
                "tool.call",
                "models.use",
                "zone.use",
                "label.release",
                "audit.read",
                "content.erase",
                "admin"
            ]
        );
    }

    /// Every pattern that can grant something says which verbs, every other why not.
    #[test]
    fn patterns_are_checked() {
        use PatternFault::{Form, Verb};
        let rows: &[(&str, Result<&[&str], PatternFault>)] = &[
            ("process.start:hundesteuer-*", Ok(&["process.start"])),
            ("process.*:x", Ok(&["process.start", "process.release"])),
            ("run.view:all", Ok(&["run.view"])),
            ("run.view:own-*", Ok(&["run.view"])),
            ("tool.call:dms/*", Ok(&["tool.call"])),
            ("*", Ok(&["models.use", "label.release", "audit.read", "content.erase", "admin"])),
            ("*:*", Ok(&["process.start", "process.release", "run.view", "task.complete", "zone.use"])),
            ("admin", Ok(&["admin"])),
            ("process.begin:x", Err(Verb)),
            ("", Err(Verb)),
            ("models.use:x", Err(Form("models.use"))),
            ("process.start", Err(Form("process.start:PROZESS"))),
            ("process.start:", Err(Form("process.start:PROZESS"))),
            ("process.start: hundesteuer", Err(Form("process.start:PROZESS"))),
            ("process.start:a/b", Err(Form("process.start:PROZESS"))),
            ("process.start:a:b", Err(Form("process.start:PROZESS"))),
            ("run.view:unit", Err(Form("run.view:own-unit"))),
            ("run.view:all/x", Err(Form("run.view:own-unit"))),
            ("tool.call:dms", Err(Form("tool.call:SERVER/WERKZEUG"))),
            ("tool.call:dms:suchen", Err(Form("tool.call:SERVER/WERKZEUG"))),
            ("tool.call:dms/", Err(Form("tool.call:SERVER/WERKZEUG"))),
            ("tool.call:/suchen", Err(Form("tool.call:SERVER/WERKZEUG"))),
            ("tool.call:dms/a/b", Err(Form("tool.call:SERVER/WERKZEUG"))),
        ];
        for (pattern, expected) in rows {
            assert_eq!(Action::covered_by(pattern), expected.map(<[&str]>::to_vec), "{pattern}");
        }
    }

    #[test]
    fn who_runs_the_machine_reads_no_files() {
        let mixed = |rights: &[&str]| Action::mixes_operation_with_data(&rights.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>());
        for data in [
            "run.view:all",
            "audit.read",
            "process.start:x",
            "process.release:*",
            "task.complete:x",
            "tool.call:a/b",
            "models.use",
            "label.release",
            "content.erase",
        ] {
            assert!(mixed(&["admin", data]), "{data}");
            assert!(mixed(&[data, "adm*"]), "{data}");
            assert!(!mixed(&[data]), "{data}");
        }
        assert!(mixed(&["*"]));
        assert!(!mixed(&["admin"]));
        assert!(!mixed(&["admin", "zone.use:gruen"]));
        assert!(!mixed(&["admin", "models.used"]), "what grants nothing mixes nothing; it is a finding of its own");
        assert!(!mixed(&[]));
    }
}
