//! Which groups an entry is in, through any number of groups: `tokenGroups` where the directory computes it, else the chain
//! of `member`. Names for SIDs in batches.

use std::collections::BTreeSet;

use laufzettel_policy::Group;
use ldap3::Scope;

use super::{
    cache::Cache,
    entry::Entry,
    filter,
    pool::{Line, Search},
    sid,
};
use crate::Error;

/// Groups of one caller: what a delegation token carries, and about what Windows itself lets in (1,015).
pub const GROUPS_MAX: usize = 1_024;
/// SIDs in one question: a filter of about 9 kB.
const BATCH: usize = 100;
/// What a group is read by.
const GROUP: [&str; 3] = ["objectSid", "sAMAccountName", "memberOf"];

/// Asks one directory about groups.
pub struct Groups<'g> {
    pub base: &'g str,
    /// By SID.
    pub names: &'g Cache<String>,
}

impl Groups<'_> {
    /// Groups around an entry that was read with `tokenGroups`. A member is in its primary group, too.
    pub async fn around(&self, line: &mut Line<'_>, entry: &Entry) -> Result<Vec<Group>, Error> {
        let token = entry.values("tokenGroups");
        let sids = if token.is_empty() { self.without_token(line, entry).await? } else { token_sids(token)? };
        if sids.len() > GROUPS_MAX {
            // Windows does not let such an account in either; a cut list could lack the group a document refuses
            tracing::error!(dn = %entry.dn, groups = sids.len(), "an account in more than {GROUPS_MAX} groups is refused");
            return Err(Error::Disabled);
        }
        self.named(line, sids).await
    }

    /// A person always has a token, so the directory does not compute it or does not show it to us; a group without one
    /// may simply be in no other group.
    async fn without_token(&self, line: &mut Line<'_>, entry: &Entry) -> Result<BTreeSet<String>, Error> {
        let mut sids = self.chain(line, entry).await?;
        if let Some(primary) = entry.primary_group() {
            let bytes = sid::to_bytes(&primary).ok_or(Error::Unavailable)?;
            for group in self.find(line, &filter::group("objectSid", &filter::octets(&bytes)), false).await? {
                sids.extend(self.chain(line, &group).await?);
            }
            sids.insert(primary);
        }
        Ok(sids)
    }

    /// Follows `member` upwards. Whoever is a direct member of nothing is in nothing: the directory would search for long.
    async fn chain(&self, line: &mut Line<'_>, entry: &Entry) -> Result<BTreeSet<String>, Error> {
        if entry.values("memberOf").is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = self.find(line, &filter::groups_around(&entry.dn), true).await?;
        Ok(found.iter().filter_map(Entry::sid).collect())
    }

    async fn find(&self, line: &mut Line<'_>, filter: &str, slow: bool) -> Result<Vec<Entry>, Error> {
        line.search(&Search { base: self.base, scope: Scope::Subtree, filter, attributes: &GROUP, max: GROUPS_MAX, slow }).await
    }

    /// Names for SIDs. A group that is not found here (of another domain) goes by its SID.
    async fn named(&self, line: &mut Line<'_>, sids: BTreeSet<String>) -> Result<Vec<Group>, Error> {
        let unknown: Vec<Vec<u8>> = sids.iter().filter(|sid| self.names.get(sid).is_none()).filter_map(|sid| sid::to_bytes(sid)).collect();
        let mut fresh = std::collections::BTreeMap::new();
        for batch in unknown.chunks(BATCH) {
            for group in self.find(line, &filter::groups(batch), false).await? {
                if let (Some(sid), Some(name)) = (group.sid(), name_of(&group)) {
                    self.names.put(sid.clone(), name.clone());
                    fresh.insert(sid, name);
                }
            }
        }
        Ok(sids.into_iter().map(|sid| Group { name: fresh.remove(&sid).or_else(|| self.names.get(&sid)).unwrap_or_else(|| sid.clone()), sid }).collect())
    }
}

/// The name a group goes by. One that looks like a SID would stand for another group: such a group has no name.
pub fn name_of(group: &Entry) -> Option<String> {
    group.text("sAMAccountName").filter(|name| sid::to_bytes(name).is_none()).map(str::to_owned)
}

fn token_sids(values: &[Vec<u8>]) -> Result<BTreeSet<String>, Error> {
    let read = values.iter().map(|bytes| sid::to_text(bytes)).collect::<Option<BTreeSet<_>>>();
    // a list with an unreadable part could lack just the group a document refuses
    read.ok_or(Error::Unavailable)
}
