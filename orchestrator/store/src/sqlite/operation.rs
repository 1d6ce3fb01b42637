//! What those ask who look after the house: how much there is, and how much room is left.

use sqlx::Row as _;

use super::{Sqlite, rows};
use crate::{
    contract::{Room, RunRow, UsageRow},
    error::Error,
};

impl Sqlite {
    pub async fn count_runs(&self, state: &str, most: u32) -> Result<u64, Error> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM runs WHERE state = $1 LIMIT $2)";
        let row = sqlx::query(sql).bind(state).bind(i64::from(most)).fetch_one(&self.pool).await?;
        rows::unsigned(row.try_get(0)?)
    }

    pub async fn count_tasks(&self, kind: &str, most: u32) -> Result<u64, Error> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE open = 1 AND kind = $1 LIMIT $2)";
        let row = sqlx::query(sql).bind(kind).bind(i64::from(most)).fetch_one(&self.pool).await?;
        rows::unsigned(row.try_get(0)?)
    }

    pub async fn oldest_run(&self, state: &str) -> Result<Option<RunRow>, Error> {
        let row = sqlx::query("SELECT * FROM runs WHERE state = $1 ORDER BY run LIMIT 1").bind(state).fetch_optional(&self.pool).await?;
        row.as_ref().map(rows::run).transpose()
    }

    pub async fn used_since(&self, day: &str) -> Result<Vec<UsageRow>, Error> {
        let sql = "SELECT * FROM usage WHERE day >= $1 ORDER BY day, process, model, zone";
        let rows = sqlx::query(sql).bind(day).fetch_all(&self.pool).await?;
        rows.iter().map(rows::usage).collect()
    }

    pub fn room(&self) -> Option<Room> {
        let disk = rustix::fs::statvfs(self.pool.connect_options().get_filename()).ok()?;
        Some(Room { free_bytes: disk.f_bavail * disk.f_frsize, all_bytes: disk.f_blocks * disk.f_frsize })
    }
}
