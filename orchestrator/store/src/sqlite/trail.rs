//! Pages of the journal out of a file: every page reads stretches of one index, from a place downwards.

use laufzettel_journal::Draft;
use sqlx::{QueryBuilder, Row as _, Sqlite as Db, SqlitePool, sqlite::SqliteRow};

use super::rows;
use crate::{
    error::Error,
    trail::{Among, CHUNK, DENIALS, Gathering, Place, TrailFilter, TrailPage, TrailRow},
};

/// Records in a row that may have shrunk where a time is looked for: runs are pruned one by one, each some hundred records long.
const SHRUNK_IN_A_ROW: i64 = 1_000;

pub async fn page(pool: &SqlitePool, filter: &TrailFilter, keep: &(dyn Fn(&TrailRow) -> bool + Send + Sync)) -> Result<TrailPage, Error> {
    let among = filter.among(is_beside(pool, filter.kind.as_deref()).await?);
    let mut before = match (filter.before, filter.until) {
        (None, Some(until)) if !matches!(among, Among::Run(_)) => behind(pool, until).await?,
        (before, _) => before.unwrap_or((i64::MAX.unsigned_abs(), 0)),
    };
    let mut gathering = Gathering::new(filter);
    loop {
        let found = query(&among, before, filter.contents, CHUNK).build().fetch_all(pool).await?;
        let read = found.iter().map(row).collect::<Result<_, _>>()?;
        if !gathering.take(read, CHUNK, keep) {
            return Ok(gathering.done());
        }
        before = gathering.next().unwrap_or(before);
    }
}

async fn is_beside(pool: &SqlitePool, kind: Option<&str>) -> Result<bool, Error> {
    let Some(kind) = kind else { return Ok(false) };
    let sql = "SELECT 1 FROM records WHERE run IS NULL AND kind = $1 LIMIT 1";
    Ok(sqlx::query(sql).bind(kind).fetch_optional(pool).await?.is_some())
}

/// A stretch of one index, newest first. The content is not even touched unless it is asked for: it lies on pages of its own.
fn query(among: &Among, before: Place, contents: bool, limit: u32) -> QueryBuilder<Db> {
    let content = if contents { "content" } else { "NULL AS content" };
    let mut query =
        QueryBuilder::new(format!("SELECT lane, seq, run, run_seq, at, kind, actor, body, content IS NOT NULL AS kept, {content} FROM records WHERE "));
    let (lane, seq) = (rows::signed(before.0), rows::signed(before.1));
    match among {
        Among::Run(run) => {
            // the place in the run of the record at that place; a first page has none
            query.push("run = ").push_bind(run.to_string()).push(" AND run_seq < coalesce((SELECT run_seq FROM records WHERE lane = ");
            query.push_bind(lane).push(" AND seq = ").push_bind(seq).push("), ").push_bind(i64::MAX).push(") ORDER BY run_seq DESC LIMIT ");
            query.push_bind(i64::from(limit));
            return query;
        }
        Among::All => {}
        Among::Denials => drop(query.push(denials()).push(" AND ")),
        Among::Beside(kind) => drop(query.push("run IS NULL AND kind = ").push_bind(kind.clone()).push(" AND ")),
    }
    query.push("(lane, seq) < (").push_bind(lane).push(", ").push_bind(seq).push(") ORDER BY lane DESC, seq DESC LIMIT ").push_bind(i64::from(limit));
    query
}

/// As the index has it, letter for letter.
fn denials() -> String {
    format!("kind IN ({})", DENIALS.map(|kind| format!("'{kind}'")).join(", "))
}

/// The place behind the last record that was written until then. Clocks rise within a lane, so a lane is halved again and again.
async fn behind(pool: &SqlitePool, until: i64) -> Result<Place, Error> {
    let sql = "SELECT lane FROM records WHERE run IS NULL AND kind = 'lane.opened' AND at <= $1 ORDER BY lane DESC LIMIT 1";
    let Some(lane) = sqlx::query(sql).bind(until).fetch_optional(pool).await?.map(|row| row.get::<i64, _>(0)) else { return Ok((0, 0)) };
    let last: i64 = sqlx::query("SELECT max(seq) FROM records WHERE lane = $1").bind(lane).fetch_one(pool).await?.get(0);
    let (mut low, mut high) = (1, last + 1);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        let sql = "SELECT at FROM records WHERE lane = $1 AND seq BETWEEN $2 AND $3 AND at > 0 ORDER BY seq LIMIT 1";
        let found = sqlx::query(sql).bind(lane).bind(middle).bind(middle + SHRUNK_IN_A_ROW).fetch_optional(pool).await?;
        // where nothing is left all is old
        if found.is_none_or(|row| row.get::<i64, _>(0) <= until) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok((lane.unsigned_abs(), high.unsigned_abs()))
}

fn row(row: &SqliteRow) -> Result<TrailRow, Error> {
    let run: Option<String> = row.try_get("run")?;
    let draft = Draft {
        run: run.map(|run| rows::run_id(&run)).transpose()?,
        run_seq: row.try_get::<Option<i64>, _>("run_seq")?.map(rows::unsigned).transpose()?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        actor: row.try_get("actor")?,
        body: row.try_get("body")?,
        salt: None,
        content: row.try_get("content")?,
    };
    Ok(TrailRow { lane: rows::unsigned(row.try_get("lane")?)?, seq: rows::unsigned(row.try_get("seq")?)?, draft, kept: row.try_get("kept")? })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use laufzettel_domain::RunId;
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::{Sqlite, SqliteOptions, TRAIL_EXAMINED_MAX};

    /// Records of the first lane; the second is the opening's own.
    const RECORDS: u32 = 100_000;
    /// Microseconds between two of them.
    const STEP: i64 = 1_000_000;

    /// A journal of years: of every hundred records one is a sign-in, of every ten thousand one a denial; a thousand shrank.
    async fn full(folder: &Path) -> Sqlite {
        let file = folder.join("t.sqlite");
        let mut connection = super::super::options(&file).create_if_missing(true).connect().await.unwrap();
        super::super::schema::bring_up(&mut connection).await.unwrap();
        let sql = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RECORDS}) \
             INSERT INTO records SELECT 1, i, iif(i % 100 = 0 OR i = 1, NULL, printf('%08x-0000-7000-8000-000000000000', i / 100)), iif(i % 100 = 0 OR i = 1, NULL, i % 100), \
             i * {STEP}, CASE WHEN i = 1 THEN 'lane.opened' WHEN i % 10000 = 0 THEN 'access.denied' WHEN i % 100 = 0 THEN 'signin' ELSE 'step.completed' END, \
             'S-' || (i % 50), '{{\"v\":1}}', NULL, NULL, zeroblob(32) FROM n; \
             UPDATE records SET run = NULL, run_seq = NULL, at = 0, kind = '', actor = '', body = '' WHERE seq BETWEEN 30000 AND 31000 AND run IS NOT NULL"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        Sqlite::open(SqliteOptions { file, tenant: "t".into(), now: i64::from(RECORDS) * STEP * 2, lane_above: 0 }).await.unwrap()
    }

    fn run(n: u32) -> RunId {
        RunId::parse(&format!("{n:08x}-0000-7000-8000-000000000000")).unwrap()
    }

    /// Whatever is asked, a page looks at no more records than is said, however many there are.
    #[tokio::test]
    async fn no_page_reads_the_whole_journal() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = full(folder.path()).await;
        let all = TrailFilter { limit: 50, ..TrailFilter::default() };
        let of = |kind: &str| TrailFilter { kind: Some(kind.to_owned()), ..all.clone() };
        let denied = TrailFilter { denied: true, ..all.clone() };
        let second = |n: i64| Some(n * STEP);
        for (name, filter, rows, examined, more) in [
            ("all", all.clone(), 50, 50, true),
            ("one run", TrailFilter { run: Some(run(700)), ..all.clone() }, 50, 50, true),
            ("no such run", TrailFilter { run: Some(run(999_999)), ..all.clone() }, 0, 0, false),
            ("a kind beside runs", of("signin"), 50, 50, true),
            ("a rare kind beside runs", of("access.denied"), 10, 10, false),
            ("denials", denied.clone(), 10, 10, false),
            ("denials of a time", TrailFilter { until: second(35_000), ..denied }, 3, 3, false),
            ("a kind of runs", of("step.completed"), 50, 52, true),
            ("a kind nobody wrote", of("run.started"), 0, TRAIL_EXAMINED_MAX, true),
            ("until then", TrailFilter { until: second(50_000), ..all.clone() }, 50, 50, true),
            ("until a time that shrank", TrailFilter { until: second(30_500), ..all.clone() }, 50, 545, true),
            ("before anything", TrailFilter { until: Some(5), ..all.clone() }, 0, 0, false),
            ("a short time", TrailFilter { from: second(49_990), until: second(50_000), ..all }, 11, TRAIL_EXAMINED_MAX, true),
        ] {
            let page = sqlite.trail(&filter, &|_| true).await.unwrap();
            assert!(page.rows.is_sorted_by(|a, b| a.place() > b.place()), "{name}");
            assert_eq!((page.rows.len(), page.examined, page.next.is_some()), (rows, examined, more), "{name}");
        }
        let newest = sqlite.trail(&TrailFilter { until: second(50_000), limit: 1, ..TrailFilter::default() }, &|_| true).await.unwrap();
        assert_eq!(newest.rows[0].place(), (1, 50_000));
    }

    /// Page after page gives every record that is kept once; pages with nothing on them say where to go on.
    #[tokio::test]
    async fn pages_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = full(folder.path()).await;
        let mut filter = TrailFilter { limit: 7, ..TrailFilter::default() };
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = sqlite.trail(&filter, &|row| row.draft.actor == "S-7" && row.seq % 1000 == 7).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.seq));
            pages += 1;
            filter.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        let wanted: Vec<u64> = (1..=u64::from(RECORDS)).rev().filter(|i| i % 1000 == 7 && *i != 30_007).collect();
        assert_eq!(seen, wanted);
        assert_eq!(pages, 51, "each but the last looked at as many as it may");
    }

    #[tokio::test]
    async fn every_question_is_a_range() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = full(folder.path()).await;
        for among in [Among::All, Among::Denials, Among::Beside("signin".into()), Among::Run(run(3))] {
            let query = query(&among, (9, 9), false, 9);
            let sql = format!("EXPLAIN QUERY PLAN {}", query.sql().as_str());
            let plan = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).fetch_all(&sqlite.pool).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            let by_index = plan.iter().filter(|line| line.starts_with("SEARCH") && line.contains("USING INDEX")).count();
            assert!(by_index == plan.len() - plan.iter().filter(|line| line.contains("SUBQUERY")).count(), "{sql}: {plan:?}");
            assert!(among != Among::Denials || plan[0].contains("records_denied"), "{plan:?}");
        }
    }
}
