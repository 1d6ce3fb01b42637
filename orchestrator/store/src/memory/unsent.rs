//! Applications that are not sent yet, in their plainest form.

use super::Memory;
use crate::{
    error::Error,
    unsent::{Unsent, UnsentRow, has_room},
};

impl Memory {
    pub async fn unsent(&self, id: &str, now: i64) -> Result<Option<UnsentRow>, Error> {
        Ok(self.lock().unsent.get(id).filter(|row| row.until > now).cloned())
    }

    pub async fn change_unsent(&self, what: Unsent) -> Result<bool, Error> {
        let mut inner = self.lock();
        let row = match what {
            Unsent::Put(row) => row,
            Unsent::Drop(id) => {
                inner.unsent.remove(&id);
                return Ok(true);
            }
        };
        let others = inner.unsent.values().filter(|other| other.form == row.form && other.id != row.id);
        let sizes: Vec<i64> = others.map(|other| i64::try_from(other.sealed.len()).unwrap_or(i64::MAX)).collect();
        let taken = has_room(i64::try_from(sizes.len()).unwrap_or(i64::MAX), sizes.iter().sum(), row.sealed.len());
        if taken {
            inner.unsent.insert(row.id.clone(), row);
        }
        Ok(taken)
    }
}
