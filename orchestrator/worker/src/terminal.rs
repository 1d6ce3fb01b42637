//! Signed-in terminals: begun and ended in the journal, recognised by a token whose SHA-256 stands in the record of the sign-in.

use jiff::{SignedDuration, Timestamp};
use laufzettel_domain::{Caller, Digest, Value, Via, digest::to_hex};
use laufzettel_journal::Record;
use laufzettel_store::{AppendError, Error as StoreError};
use serde_json::json;

use crate::desk::Desk;

/// Seconds a terminal stays signed in: a working day, as on the pages.
const LIFE_S: i64 = 9 * 3600;

/// A terminal that has just been signed in. The token exists nowhere else.
pub struct Terminal {
    pub token: String,
    pub until: Timestamp,
}

impl Desk {
    /// `caller` has just proved who she is, by `login` (`oidc`, `ldap`).
    pub async fn open_terminal(&self, caller: &Caller, login: &str, os_user: &str) -> Result<Terminal, AppendError> {
        let token = format!("lzt_{}", to_hex(&self.tenant.random::<32>()));
        let until = self.tenant.clock.now() + SignedDuration::from_secs(LIFE_S);
        let body = json!({ "login": login, "terminal": Digest::of(token.as_bytes()), "until": until, "os_user": os_user });
        self.record("signin", caller, body).await?;
        Ok(Terminal { token, until })
    }

    /// Who is signed in with this token, if she still is.
    pub async fn terminal(&self, token: &str) -> Result<Option<Caller>, StoreError> {
        let now = self.tenant.clock.now();
        let since = now - SignedDuration::from_secs(LIFE_S);
        let records = self.tenant.store.beside(&["signin", "signout"], crate::micros(since)).await?;
        Ok(fold(&records, &Digest::of(token.as_bytes()), now))
    }

    /// Ends a sign-in at a terminal; `everywhere`: all of this person's.
    pub async fn close_terminal(&self, token: &str, caller: &Caller, everywhere: bool) -> Result<(), AppendError> {
        self.record("signout", caller, json!({ "terminal": Digest::of(token.as_bytes()), "everywhere": everywhere })).await
    }
}

/// A digest says nothing about the token that a clock could measure: comparing it in constant time would add nothing.
fn fold(records: &[Record], digest: &Digest, now: Timestamp) -> Option<Caller> {
    let written = digest.to_string();
    let mut signed_in: Option<Caller> = None;
    for record in records {
        let Some(body) = record.draft.body() else { continue };
        let this = body.get("terminal").and_then(Value::as_str) == Some(&written);
        if record.draft.kind == "signin" && this {
            let until: Timestamp = body.get("until").and_then(Value::as_str)?.parse().ok()?;
            let caller: Caller = serde_json::from_value(body.get("by")?.clone()).ok()?;
            signed_in = (now < until).then_some(Caller { via: Via::Terminal, ..caller });
        } else if record.draft.kind == "signout" {
            let all = body.get("everywhere") == Some(&Value::Bool(true)) && signed_in.as_ref().is_some_and(|c| c.subject == record.draft.actor);
            if this || all {
                signed_in = None;
            }
        }
    }
    signed_in
}

#[cfg(test)]
mod tests {
    use laufzettel_journal::{Draft, genesis, seal};

    use super::*;

    fn record(kind: &str, subject: &str, token: &str, more: &Value) -> Record {
        let by = Caller { subject: subject.into(), name: "N".into(), upn: "n".into(), via: Via::Form };
        let mut body = json!({ "v": 1, "by": by, "terminal": Digest::of(token.as_bytes()), "until": "2026-11-24T17:00:00Z" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        seal(&genesis("vg", 1), 1, 1, Draft::new(kind, subject, 0, body, None))
    }

    #[test]
    fn a_terminal_is_signed_in_until_it_is_not() {
        let (none, all) = (json!({}), json!({ "everywhere": true }));
        let signin = |subject, token| record("signin", subject, token, &none);
        let out = |subject, token, more: &Value| record("signout", subject, token, more);
        for (records, now, expected) in [
            (vec![signin("S-1", "t")], "2026-11-24T16:59:59Z", Some("S-1")),
            (vec![signin("S-1", "t")], "2026-11-24T17:00:00Z", None),
            (vec![signin("S-1", "u")], "2026-11-24T10:00:00Z", None),
            (vec![signin("S-1", "t"), out("S-1", "t", &none)], "2026-11-24T10:00:00Z", None),
            (vec![signin("S-1", "t"), out("S-1", "u", &none)], "2026-11-24T10:00:00Z", Some("S-1")),
            (vec![signin("S-1", "t"), out("S-1", "u", &all)], "2026-11-24T10:00:00Z", None),
            (vec![signin("S-1", "t"), out("S-2", "u", &all)], "2026-11-24T10:00:00Z", Some("S-1")),
            (vec![out("S-1", "u", &all), signin("S-1", "t")], "2026-11-24T10:00:00Z", Some("S-1")),
            (vec![], "2026-11-24T10:00:00Z", None),
        ] {
            let found = fold(&records, &Digest::of(b"t"), now.parse().unwrap());
            assert_eq!(found.as_ref().map(|c| c.subject.as_str()), expected);
            assert!(found.is_none_or(|c| c.via == Via::Terminal && c.is_interactive()));
        }
    }
}
