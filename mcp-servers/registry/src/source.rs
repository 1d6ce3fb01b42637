//! Where records come from. Every search reads the whole register and compares here: SQLite folds no umlauts, and a
//! search that takes the same way for every name takes the same time for one that is blocked.

use std::{collections::BTreeMap, path::Path};

use laufzettel_mcp_kit::Failure;
use serde_json::{Number, Value};
use sqlx::{
    AssertSqlSafe, Column, Row, SqlitePool, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

use crate::{Error, RegisterConfig};

/// Trial data is read into memory whole.
const YAML_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Rows held at once.
const BATCH: i64 = 2_000;
/// Searches at the same time; each reads the whole table.
const CONNECTIONS_MAX: u32 = 4;

/// One record: scalars by field.
pub(crate) type Record = BTreeMap<String, Value>;

/// An open source.
#[derive(Debug)]
pub(crate) enum Source {
    List(Vec<Record>),
    Table { pool: SqlitePool, query: String },
}

impl Source {
    pub async fn open(name: &str, register: &RegisterConfig, folder: &Path) -> Result<Self, Error> {
        let wrong = |wrong: &str| Error::Config { register: name.to_owned(), wrong: wrong.to_owned() };
        match (&register.source.sqlite, &register.source.table, &register.source.yaml) {
            (Some(file), Some(table), None) => Self::table(name, register, &folder.join(file), table).await,
            (None, None, Some(file)) => Self::list(&folder.join(file)),
            _ => Err(wrong("source takes sqlite and table, or yaml")),
        }
    }

    fn list(path: &Path) -> Result<Self, Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(file)?.len() > YAML_BYTES_MAX {
            return Err(file(std::io::Error::other("larger than 64 MiB; use a SQLite table")));
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        let records = serde_saphyr::from_str(&text);
        records.map(Self::List).map_err(|source| Error::Yaml { path: path.to_owned(), source: Box::new(source) })
    }

    async fn table(name: &str, register: &RegisterConfig, path: &Path, table: &str) -> Result<Self, Error> {
        let columns: Vec<String> = register.columns().iter().map(|column| quoted(column)).collect();
        let (columns, table) = (columns.join(", "), quoted(table));
        let query = format!("SELECT rowid, {columns} FROM {table} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2");
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await;
        let pool = pool.map_err(|source| Error::Table { register: name.to_owned(), source })?;
        let source = Self::Table { pool, query };
        // A misspelt table or column stops the server, not a search months later. SQLite takes an unknown name in
        // double quotes for a text, so names are put in square brackets.
        source.batch(i64::MAX - 1).await.map_err(|source| Error::Table { register: name.to_owned(), source })?;
        Ok(source)
    }

    /// Shows every record to `take`, in order.
    pub async fn each(&self, mut take: impl FnMut(&Record) + Send) -> Result<(), Failure> {
        if let Self::List(records) = self {
            records.iter().for_each(take);
            return Ok(());
        }
        let mut after = i64::MIN;
        loop {
            let rows = self.batch(after).await.map_err(|error| broken(&error))?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.try_get(0).map_err(|error| broken(&error))?;
            for row in &rows {
                take(&record(row).map_err(|error| broken(&error))?);
            }
        }
    }

    async fn batch(&self, after: i64) -> Result<Vec<SqliteRow>, sqlx::Error> {
        match self {
            Self::List(_) => Ok(Vec::new()),
            // The names in the query are checked (config.rs) and quoted.
            Self::Table { pool, query } => sqlx::query(AssertSqlSafe(query.as_str())).bind(after).bind(BATCH).fetch_all(pool).await,
        }
    }
}

fn broken(error: &sqlx::Error) -> Failure {
    tracing::error!(error = error as &dyn std::error::Error, "a register cannot be read");
    Failure::unavailable("Das Register ist gerade nicht erreichbar.")
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(['[', ']'], ""))
}

fn record(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    let columns = row.columns().iter().skip(1);
    columns.map(|column| Ok((column.name().to_owned(), value(row, column.ordinal())?))).collect()
}

fn value(row: &SqliteRow, place: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    match raw.type_info().name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(place).map(Value::from),
        "REAL" => row.try_get_unchecked::<f64, _>(place).map(|real| Number::from_f64(real).map_or(Value::Null, Value::Number)),
        "TEXT" => row.try_get_unchecked::<String, _>(place).map(Value::from),
        // Bytes are not an answer.
        _ => Ok(Value::Null),
    }
}
