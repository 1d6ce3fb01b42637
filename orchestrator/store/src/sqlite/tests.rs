//! Pages over many runs read ranges of indexes.

use laufzettel_domain::RunId;

use super::*;
use crate::contract::Sight;

const RUNS: u32 = 100_000;

/// A file with as many runs as a town has in years: of every ten one waits, of every thousand one is of the small unit.
async fn full(folder: &Path) -> Sqlite {
    let sqlite = Sqlite::open(SqliteOptions { file: folder.join("t.sqlite"), tenant: "t".into(), now: 0, lane_above: 0 }).await.unwrap();
    let mut connection = options(&folder.join("t.sqlite")).connect().await.unwrap();
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNS}) \
         INSERT INTO runs SELECT printf('%08x-0000-7000-8000-000000000000', i), 1, printf('2026-%06d', i), 'p' || (i % 7), '1.0.0', 'T', \
         iif(i % 1000 = 0, 'klein', 'gross'), iif(i % 10 = 0, 'waiting', 'completed'), 'S-' || (i % 5000), 'N', i, i, NULL, NULL FROM n"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
         INSERT INTO tasks SELECT printf('%08x-0000-7000-8000-000000000000.1', i), printf('%08x-0000-7000-8000-000000000000', i), 1, 'n', 'p', 'f', 'T', \
         'human', i % 2, '{\"groups\":[],\"user\":null,\"unit\":null}', iif(i % 3 = 0, NULL, i / 100), i FROM n";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    sqlite
}

fn sight(units: &[&str]) -> Option<Sight> {
    Some(Sight { subject: "S-77".into(), units: units.iter().map(|unit| (*unit).to_owned()).collect() })
}

/// A page reads ranges of indexes, and no more rows of them than is said, however many runs there are.
#[tokio::test]
async fn no_page_reads_all_runs() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = full(folder.path()).await;
    let text = |word: &str| Some(word.to_owned());
    let filter = RunFilter { limit: 50, ..RunFilter::default() };
    let small = RunFilter { sight: sight(&["klein"]), ..filter.clone() };
    for (name, filter, rows, examined) in [
        ("all", filter.clone(), 50, 2000),
        ("one number", RunFilter { nummer: text("2026-000777"), ..filter.clone() }, 1, 1),
        ("no such number", RunFilter { nummer: text("2026-999999"), ..filter.clone() }, 0, 0),
        ("what waits", RunFilter { state: text("waiting"), ..filter.clone() }, 50, 2000),
        ("what is stuck", RunFilter { state: text("stuck"), ..filter.clone() }, 0, 0),
        ("two processes", RunFilter { processes: vec!["p1".into(), "p2".into()], ..filter.clone() }, 50, 2000),
        ("few rights", small.clone(), 50, 120),
        ("few rights, waiting", RunFilter { state: text("waiting"), ..small.clone() }, 50, 120),
        ("her own", RunFilter { sight: sight(&[]), ..filter.clone() }, 20, 20),
        ("another unit", RunFilter { unit: text("gross"), ..small }, 0, 2000),
    ] {
        let page = sqlite.runs(&filter, &|_| true).await.unwrap();
        assert_eq!((page.rows.len(), page.examined), (rows, examined), "{name}");
        assert!(page.rows.is_sorted_by(|a, b| a.run > b.run) && page.rows.iter().all(|row| listing::fits(&filter, row)), "{name}");
    }
}

/// Page after page gives every row once, though rows are added meanwhile.
#[tokio::test]
async fn pages_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = full(folder.path()).await;
    let mut filter = RunFilter { sight: sight(&["klein"]), limit: 30, ..RunFilter::default() };
    let (mut seen, mut pages): (Vec<RunId>, usize) = (Vec::new(), 0);
    loop {
        let page = sqlite.runs(&filter, &|row| row.process != "p1").await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.run));
        pages += 1;
        let mut connection = options(&folder.path().join("t.sqlite")).connect().await.unwrap();
        let sql = "INSERT INTO runs SELECT printf('f%07x-0000-7000-8000-000000000000', $1), 1, 'neu', 'p2', '1.0.0', 'T', 'klein', 'waiting', 'S-1', 'N', 0, 0, NULL, NULL";
        sqlx::query(sql).bind(i64::try_from(pages).unwrap()).execute(&mut connection).await.unwrap();
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    let wanted = (1..=RUNS).rev().filter(|i| (i % 1000 == 0 || i % 5000 == 77) && i % 7 != 1);
    let wanted: Vec<RunId> = wanted.map(|i| RunId::parse(&format!("{i:08x}-0000-7000-8000-000000000000")).unwrap()).collect();
    assert_eq!((seen, pages), (wanted, 4));
    assert_eq!(sqlite.units().await.unwrap(), ["gross", "klein"]);
}

#[tokio::test]
async fn tasks_come_by_their_deadline_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = full(folder.path()).await;
    let (mut filter, mut seen) = (TaskFilter { limit: 400, ..TaskFilter::default() }, Vec::new());
    loop {
        let rows = sqlite.tasks(&filter).await.unwrap();
        let Some(last) = rows.last() else { break };
        filter.after = Some(last.place());
        seen.extend(rows.iter().map(|row| (row.due.is_none(), row.due, row.opened_at)));
    }
    assert_eq!((seen.len(), seen.is_sorted()), (2500, true));
    assert_eq!(sqlite.tasks(&TaskFilter { closed: true, limit: 10_000, ..TaskFilter::default() }).await.unwrap().len(), TASKS_PAGE_MAX as usize);
}

/// What is asked is found by an index, in its order: never looked for, never sorted.
#[tokio::test]
async fn every_question_is_a_range() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = full(folder.path()).await;
    let ranges = ["nummer", "state", "process", "unit", "subject"].map(|column| Range::Of(column, "x".into()));
    let mut asked: Vec<QueryBuilder<Db>> = ranges.iter().map(|range| range_query(range, None, 9)).collect();
    asked.push(range_query(&Range::All, None, 9));
    let place = |due| Some(TaskPlace { due, opened_at: 1, task: "x".into() });
    for after in [None, place(Some(3)), place(None)] {
        for kind in [None, Some("doubt".to_owned())] {
            let filter = TaskFilter { after: after.clone(), kind, limit: 9, ..TaskFilter::default() };
            asked.extend([tasks_query(&filter, true, 9), tasks_query(&filter, false, 9)]);
        }
    }
    asked.push(QueryBuilder::new("SELECT 1 FROM tasks WHERE open = 1 AND kind = 'doubt' LIMIT 9"));
    for query in asked {
        let sql = format!("EXPLAIN QUERY PLAN {}", query.sql().as_str());
        let plan = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).fetch_all(&sqlite.pool).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan.len() == 1 && plan[0].starts_with("SEARCH"), "{sql}: {plan:?}");
    }
}

/// Two of the same key in one batch: the second is told that it is a duplicate once the first is durable, and not before. Whoever is told so
/// throws its own away.
#[tokio::test]
async fn a_duplicate_is_told_of_what_is_durable_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.sqlite");
    let sqlite = Sqlite::open(SqliteOptions { file: file.clone(), tenant: "t".into(), now: 0, lane_above: 0 }).await.unwrap();
    let run = |n: u8| RunId::parse(&format!("{n:08}-0000-7000-8000-000000000000")).unwrap();
    let begin = |n: u8| {
        let draft = laufzettel_journal::Draft::new("run.started", "engine", 1, serde_json::json!({}), None).of_run(run(n), 1);
        vec![Append { run: Some(run(n)), drafts: vec![draft], receipt: Some(vec!["antrag:1".into()]), ..Append::default() }]
    };
    let sql = |text: &'static str| {
        let file = file.clone();
        async move { sqlx::raw_sql(text).execute(&mut options(&file).connect().await.unwrap()).await.unwrap() }
    };
    // the disk, say, takes nothing
    sql("CREATE TRIGGER full BEFORE INSERT ON receipts BEGIN SELECT RAISE(ABORT, 'full'); END").await;
    let (one, other) = tokio::join!(sqlite.append_all(begin(1)), sqlite.append_all(begin(2)));
    assert!(matches!(&one, Err(AppendError::Unavailable(_))) && one == other, "{one:?} {other:?}");
    sql("DROP TRIGGER full").await;
    let told = tokio::join!(sqlite.append_all(begin(1)), async {
        let told = sqlite.append_all(begin(2)).await;
        (told, sqlite.receipt("antrag:1").await.unwrap())
    });
    assert_eq!(told, (Ok(()), (Err(AppendError::Duplicate(run(1))), Some(run(1)))));
}
