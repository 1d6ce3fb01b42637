//! Applications that are not sent yet, in their plainest form.

use super::Memory;
use crate::{
    error::Error,
    unsent::{Unsent, UnsentChange, UnsentRow, has_room},
};

impl Memory {
    pub async fn unsent(&self, id: &str, now: i64) -> Result<Option<UnsentRow>, Error> {
        Ok(self.lock().unsent.get(id).filter(|row| row.until > now).cloned())
    }

    pub async fn unsent_bytes(&self, id: &str, now: i64) -> Result<Option<u64>, Error> {
        Ok(self.unsent(id, now).await?.map(|row| row.sealed.len() as u64))
    }

    pub async fn change_unsent(&self, what: Unsent) -> Result<UnsentChange, Error> {
        let mut inner = self.lock();
        let (Unsent::Put { row: UnsentRow { id, .. }, over } | Unsent::Drop { id, over }) = &what;
        if inner.unsent.get(id).is_some_and(|known| !over.fits(&known.sealed)) {
            return Ok(UnsentChange::Moved);
        }
        let row = match what {
            Unsent::Put { row, .. } => row,
            Unsent::Drop { id, .. } => {
                inner.unsent.remove(&id);
                return Ok(UnsentChange::Done);
            }
        };
        let others = inner.unsent.values().filter(|other| other.form == row.form && other.id != row.id);
        let sizes: Vec<i64> = others.map(|other| i64::try_from(other.sealed.len()).unwrap_or(i64::MAX)).collect();
        let taken = has_room(i64::try_from(sizes.len()).unwrap_or(i64::MAX), sizes.iter().sum(), row.sealed.len());
        if !taken {
            return Ok(UnsentChange::Full);
        }
        inner.unsent.insert(row.id.clone(), row);
        Ok(UnsentChange::Done)
    }
}
