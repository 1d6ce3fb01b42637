//! Who stands in for whom, and for how long. It stands in the journal and nowhere else. A deputy gains no right by it: she sees whose
//! tasks are hers to look after, and takes what she may complete anyway without giving a reason; the journal says for whom.
//!
//! What was folded once is kept as long as no record about deputies has come to the journal, as with keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};
use laufzettel_directory::Person;
use laufzettel_domain::{Caller, Path, Text, Value, Via, digest::to_hex};
use laufzettel_engine::Rejection;
use laufzettel_journal::Record;
use laufzettel_policy::{Action, permit};
use laufzettel_process::schema::Problem;
use laufzettel_store::Error as StoreError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    desk::{Desk, Loaded, WishError},
    inbox::unknown,
    tenant::Nobody,
};

/// Kinds of records that say something of deputies.
const KINDS: [&str; 2] = ["deputy.named", "deputy.ended"];
/// Days ahead: a year away. Who is away longer has other tasks.
const DAYS_MAX: i32 = 366;
/// Deputies of one person at once: whom a unit can remember.
const DEPUTIES_MAX: usize = 5;

/// A person by every name she goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub subject: String,
    pub name: String,
    pub user: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub upn: String,
}

impl Named {
    fn of(person: &Person) -> Self {
        Self { subject: person.sid.clone(), name: person.name.clone(), user: person.user.clone(), upn: person.upn.clone() }
    }

    fn caller(&self) -> Caller {
        Caller { subject: self.subject.clone(), name: self.name.clone(), upn: self.upn.clone(), via: Via::Form, os_user: None }
    }

    fn goes_by(&self, name: &str) -> bool {
        [&self.subject, &self.user, &self.upn].into_iter().any(|own| own == name)
    }
}

/// Who is to stand in for whom.
#[derive(Debug, Clone)]
pub struct Absence {
    /// Sign-in name; `None`: whoever says so.
    pub person: Option<String>,
    pub deputy: String,
    /// Both days included, in the tenant's zone.
    pub from: Date,
    pub until: Date,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deputyship {
    pub id: String,
    pub person: Named,
    pub deputy: Named,
    pub from: Timestamp,
    /// The first moment it holds no more.
    pub until: Timestamp,
    pub ended: bool,
}

impl Deputyship {
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.ended && self.from <= now && now < self.until
    }

    /// It holds, or will.
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        !self.ended && now < self.until
    }
}

/// The deputies as they were when these were the last records of each kind, by lane and place.
#[derive(Debug)]
pub(crate) struct Known {
    last: [Option<(u64, u64)>; 2],
    all: BTreeMap<String, Deputyship>,
}

impl Desk {
    /// Everything ever said of deputies, by id.
    async fn known_deputies(&self) -> Result<Arc<Known>, StoreError> {
        // asked before what they mark is read: what comes between is seen by the next one
        let mut last = [None, None];
        for (last, kind) in last.iter_mut().zip(KINDS) {
            *last = self.tenant.store.last_beside(kind).await?.map(|record| (record.lane, record.seq));
        }
        let kept = self.tenant.memory.deputies.lock().expect("nobody panics while holding this lock").clone();
        if let Some(known) = kept.filter(|known| known.last == last) {
            return Ok(known);
        }
        let known = Arc::new(Known { last, all: fold(&self.tenant.store.beside_since(&KINDS, 0).await?) });
        *self.tenant.memory.deputies.lock().expect("nobody panics while holding this lock") = Some(known.clone());
        Ok(known)
    }

    /// Every deputyship that holds now or will, the first to begin first.
    pub async fn deputyships(&self) -> Result<Vec<Deputyship>, StoreError> {
        let (known, now) = (self.known_deputies().await?, self.now());
        let mut ahead: Vec<Deputyship> = known.all.values().filter(|one| one.is_ahead(now)).cloned().collect();
        ahead.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        Ok(ahead)
    }

    /// Everybody somebody stands in for now.
    pub async fn stands_in_for(&self, by: &Caller) -> Result<Vec<Named>, StoreError> {
        let (known, now) = (self.known_deputies().await?, self.now());
        let hers = known.all.values().filter(|one| one.deputy.subject == by.subject && one.holds(now));
        Ok(hers.map(|one| (one.person.subject.clone(), one.person.clone())).collect::<BTreeMap<_, _>>().into_values().collect())
    }

    /// Whose task it is, if somebody stands in for that one: who has it in hand, else whom it was assigned to in person.
    pub async fn standing(&self, loaded: &Loaded, number: u32, by: &Caller) -> Result<Option<Caller>, WishError> {
        let Some(task) = loaded.run.tasks.get(&number) else { return Ok(None) };
        let people = self.stands_in_for(by).await?;
        Ok(match (&task.claimed, &task.opened.assign.user) {
            (Some(claimed), _) => people.iter().any(|person| person.subject == claimed.by.subject).then(|| claimed.by.clone()),
            (None, Some(user)) => people.iter().find(|person| person.goes_by(user)).map(Named::caller),
            (None, None) => None,
        })
    }

    /// Names somebody who stands in for her; whoever may `admin` does so for others, too.
    pub async fn name_deputy(&self, by: &Caller, wish: &Absence) -> Result<(), WishError> {
        interactive(by)?;
        let person = match &wish.person {
            None => self.account(&by.subject, "fuer").await?,
            Some(user) => self.account(user, "fuer").await?,
        };
        if person.subject != by.subject {
            self.may_any(by, &[Action::Admin]).await?;
        }
        let deputy = self.account(&wish.deputy, "vertretung").await?;
        let problem = self.unfit(&person, &deputy, wish).await?;
        if let Some((field, message)) = problem {
            return Err(WishError::Rejected(Rejection::Invalid(vec![Problem { path: Path::new([field]), message }])));
        }
        let zone = self.tenant.zone();
        let midnight = |day: Date| day.to_zoned(zone.clone()).map(|at| at.timestamp()).map_err(|e| WishError::Unavailable(e.to_string()));
        let after = wish.until.tomorrow().map_err(|e| WishError::Unavailable(e.to_string()))?;
        let (from, until) = (midnight(wish.from)?, midnight(after)?);
        // sent twice it is one
        let same = |known: &Deputyship| {
            !known.ended && (&known.person.subject, &known.deputy.subject, known.from, known.until) == (&person.subject, &deputy.subject, from, until)
        };
        if self.deputyships().await?.iter().any(same) {
            return Ok(());
        }
        let body = json!({ "deputyship": to_hex(&self.tenant.random::<6>()), "person": person, "deputy": deputy,
            "from": from, "until": until });
        self.record("deputy.named", by, body).await.map_err(|e| WishError::Unavailable(e.to_string()))
    }

    /// What is wrong with it, and at which field.
    async fn unfit(&self, person: &Named, deputy: &Named, wish: &Absence) -> Result<Option<(&'static str, Text)>, WishError> {
        let today = self.now().to_zoned(self.tenant.zone()).date();
        let days = today.until(wish.until).map_or(i32::MAX, |span| span.get_days());
        let living = self.deputyships().await?.into_iter().filter(|one| one.person.subject == person.subject).count();
        Ok(if person.subject == deputy.subject {
            Some(("vertretung", Text::new("Niemand vertritt sich selbst.", "Nobody stands in for herself.")))
        } else if wish.until < wish.from {
            Some(("bis", Text::new("Das Ende liegt vor dem Beginn.", "The end lies before the beginning.")))
        } else if wish.until < today {
            Some(("bis", Text::new("Dieser Tag ist schon vorbei.", "This day is over already.")))
        } else if days > DAYS_MAX {
            Some(("bis", Text::new(format!("Höchstens {DAYS_MAX} Tage im Voraus."), format!("{DAYS_MAX} days ahead at most."))))
        } else if living >= DEPUTIES_MAX {
            Some(("vertretung", Text::new(format!("Höchstens {DEPUTIES_MAX} Vertretungen zugleich."), format!("{DEPUTIES_MAX} deputies at once at most."))))
        } else {
            None
        })
    }

    /// Ends a deputyship: whoever is stood in for, whoever stands in, or whoever may `admin`.
    pub async fn end_deputy(&self, by: &Caller, id: &str) -> Result<(), WishError> {
        interactive(by)?;
        let known = self.known_deputies().await?;
        let one = known.all.get(id).filter(|one| one.is_ahead(self.now())).ok_or(WishError::Unknown)?;
        if ![&one.person.subject, &one.deputy.subject].contains(&&by.subject) {
            self.may_any(by, &[Action::Admin]).await?;
        }
        let body = json!({ "deputyship": id, "person": one.person, "deputy": one.deputy });
        self.record("deputy.ended", by, body).await.map_err(|e| WishError::Unavailable(e.to_string()))
    }

    /// Whether somebody may name deputies of others. No record: nobody has asked for anything yet.
    pub async fn may_name_for_others(&self, by: &Caller) -> Result<bool, Nobody> {
        Ok(permit(&self.who(by).await?, &Action::Admin, None, &self.tenant.rules).allow)
    }

    /// An account that may be used.
    async fn account(&self, user: &str, field: &str) -> Result<Named, WishError> {
        let person = match self.tenant.directory.person(user).await {
            Ok(Some(person)) => person,
            Err(laufzettel_directory::Error::Unavailable) => return Err(Nobody::Unavailable.into()),
            Ok(None) | Err(_) => return Err(unknown(field)),
        };
        match self.who(&person.caller(Via::Form)).await {
            Ok(_) => Ok(Named::of(&person)),
            Err(unavailable @ Nobody::Unavailable) => Err(unavailable.into()),
            Err(Nobody::Denied(_)) => Err(unknown(field)),
        }
    }
}

/// Who stands in for whom a person says who is signed in; no key and no program.
fn interactive(by: &Caller) -> Result<(), WishError> {
    if by.is_interactive() {
        return Ok(());
    }
    Err(WishError::Denied(laufzettel_policy::Decision::deny(
        "gate.interactive",
        "Vertretungen regelt nur ein Mensch, der selbst angemeldet ist; kein Schlüssel und kein Programm.",
        "Only a person who is signed in arranges deputies; no key and no program.",
    )))
}

fn fold(records: &[Record]) -> BTreeMap<String, Deputyship> {
    let mut all: BTreeMap<String, Deputyship> = BTreeMap::new();
    let mut ended = BTreeSet::new();
    for record in records {
        let Some(body) = record.draft.body() else { continue };
        let Some(id) = body.get("deputyship").and_then(Value::as_str) else { continue };
        if record.draft.kind == "deputy.ended" {
            ended.insert(id.to_owned());
        } else if let Some(one) = read(id, &body) {
            // an id stands for one: a second record of it changes nothing
            all.entry(id.to_owned()).or_insert(one);
        }
    }
    all.iter_mut().for_each(|(id, one)| one.ended = ended.contains(id));
    all
}

/// A record that does not read names nobody.
fn read(id: &str, body: &Value) -> Option<Deputyship> {
    let person = |field: &str| serde_json::from_value(body.get(field)?.clone()).ok();
    let at = |field: &str| body.get(field)?.as_str()?.parse().ok();
    Some(Deputyship { id: id.to_owned(), person: person("person")?, deputy: person("deputy")?, from: at("from")?, until: at("until")?, ended: false })
}

#[cfg(test)]
mod tests {
    use laufzettel_journal::{Draft, genesis, seal};

    use super::*;

    fn named(subject: &str) -> Named {
        Named { subject: subject.to_owned(), name: format!("Frau {subject}"), user: subject.to_lowercase(), upn: String::new() }
    }

    fn record(kind: &str, body: Value) -> Record {
        seal(&genesis("vg", 1), 1, 1, Draft::new(kind, "S-1", 7, body, None))
    }

    #[test]
    fn deputies_are_what_the_records_say() {
        let said = |id: &str, deputy: &str| {
            record(
                "deputy.named",
                json!({ "deputyship": id, "person": named("A"), "deputy": named(deputy), "from": "2026-11-01T00:00:00Z", "until": "2026-11-03T00:00:00Z" }),
            )
        };
        let all = fold(&[
            said("1", "B"),
            said("2", "C"),
            record("deputy.ended", json!({ "deputyship": "2" })),
            said("1", "untergeschoben"),
            record("deputy.named", json!({ "deputyship": "3" })),
        ]);
        let told: Vec<_> = all.values().map(|one| (one.id.as_str(), one.deputy.subject.as_str(), one.ended)).collect();
        assert_eq!(told, [("1", "B", false), ("2", "C", true)]);
        for (now, holds, ahead) in [
            ("2026-10-31T23:59:59Z", false, true),
            ("2026-11-01T00:00:00Z", true, true),
            ("2026-11-02T23:59:59Z", true, true),
            ("2026-11-03T00:00:00Z", false, false),
        ] {
            let now = now.parse().unwrap();
            assert_eq!((all["1"].holds(now), all["1"].is_ahead(now), all["2"].holds(now)), (holds, ahead, false), "{now}");
        }
    }
}
