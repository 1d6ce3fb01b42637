//! `folder` and `mail` among the triggers: places below those the operator opened, never out of them.

use laufzettel_domain::{
    Findings, Node, Text,
    document::{Fields, fields},
};

use super::trigger::account;
use crate::{
    arrival::{FolderPaths, Mailbox},
    model::{Trigger, TriggerKind},
};

/// Bytes of a path below the opened folder: what every file system takes, with room for the file's own name.
const PATH_BYTES_MAX: usize = 200;

pub fn read_folder(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    let (path, done, failed) = (folder(&mut fields, "path"), folder(&mut fields, "done"), folder(&mut fields, "failed"));
    let run_as = account(&mut fields);
    let paths = FolderPaths { path: path?, done: done?, failed: failed? };
    if paths.path == paths.done || paths.path == paths.failed || paths.done == paths.failed {
        let text = Text::new(
            "path, done und failed sind drei verschiedene Ordner: Sonst würde eine Datei immer wieder genommen, oder niemand sähe, was misslang.",
            "path, done and failed are three different folders: or a file would be taken again and again, or nobody would see what failed.",
        );
        fields.findings.error("LZ103", node.at, key, text);
    }
    fields.close();
    Some(Trigger { kind: TriggerKind::Folder(paths), run_as: run_as?, at: node.at })
}

fn folder(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let node = fields.req(name)?;
    let key = fields.path(name);
    let path = fields::text(node, &key, fields.findings)?;
    if path.len() > PATH_BYTES_MAX || !path.split('/').all(is_plain) {
        let text = Text::new(
            format!("„{path}“: Hier steht ein Ordner unter dem, den der Betrieb geöffnet hat (eingang.folder), etwa kasse/ein; ohne .., ohne Punkt am Anfang."),
            format!("\"{path}\": a folder below the one the operator opened (eingang.folder) stands here, such as kasse/ein; no .., no leading dot."),
        );
        fields.findings.error("LZ109", node.at, key, text);
        return None;
    }
    Some(path.to_owned())
}

/// One part of a path: nothing that leads elsewhere, nothing hidden.
fn is_plain(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && part.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c))
}

pub fn read_mail(node: &Node, key: &str, findings: &mut Findings) -> Option<Trigger> {
    let mut fields = Fields::open(node, key, findings)?;
    let folder = fields.opt("folder").and_then(|node| mail_folder(node, &fields.path("folder"), fields.findings));
    let (von, betreff) = match fields.opt("match") {
        Some(node) => patterns(node, &fields.path("match"), fields.findings),
        None => (None, None),
    };
    let run_as = account(&mut fields);
    fields.close();
    Some(Trigger { kind: TriggerKind::Mail(Mailbox { folder, von, betreff }), run_as: run_as?, at: node.at })
}

/// As the bundled mail server names its folders.
fn mail_folder(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let name = fields::text(node, key, findings)?;
    if name.is_empty() || name.len() > PATH_BYTES_MAX || !name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) {
        let text = Text::new(
            format!("„{name}“: Ein Ordner des Postfachs heißt nur mit Buchstaben, Ziffern, - und _; ohne folder ist es der Posteingang."),
            format!("\"{name}\": a folder of the mailbox has only letters, digits, - and _; without folder it is the inbox."),
        );
        findings.error("LZ109", node.at, key, text);
        return None;
    }
    Some(name.to_owned())
}

/// An empty `match` would take everything by mistake.
fn patterns(node: &Node, key: &str, findings: &mut Findings) -> (Option<String>, Option<String>) {
    let Some(mut inner) = Fields::open(node, key, findings) else { return (None, None) };
    let mut pattern = |name| inner.text(name).map(str::to_lowercase).filter(|pattern| !pattern.is_empty());
    let (von, betreff) = (pattern("von"), pattern("betreff"));
    if von.is_none() && betreff.is_none() {
        let text = Text::new(
            "match nennt von (Absender) oder betreff, mit * für beliebigen Text. Soll jede Nachricht zählen, fehlt match ganz.",
            "match names von (sender) or betreff (subject), with * for any text. If every message counts, there is no match at all.",
        );
        inner.findings.error("LZ106", node.at, key, text);
    }
    inner.close();
    (von, betreff)
}
