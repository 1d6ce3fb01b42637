//! The same questions to every store; the answers must be the same.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod mail;
mod removal;
mod unsent;

use laufzettel_domain::RunId;
use laufzettel_journal::{Draft, Verdict, Verifier};
use laufzettel_store::{
    Append, AppendError, Error, Memory, Projection, RunFilter, RunRow, Sight, Sqlite, SqliteOptions, Store, TaskFilter, TaskRow, TrailFilter, UsageRow,
};
use serde_json::json;

fn run(n: u8) -> RunId {
    RunId::parse(&format!("00000000-0000-7000-8000-0000000000{n:02x}")).unwrap()
}

fn draft(kind: &str) -> Draft {
    Draft::new(kind, "engine", 5, json!({ "v": 1 }), Some((&json!({"geheim": kind}), [4; 16])))
}

fn append(n: u8, expected: u64, kinds: &[&str]) -> Append {
    let seq = expected + kinds.len() as u64;
    let row = RunRow {
        run: run(n),
        seq,
        nummer: format!("2026-{n:06}"),
        process: "p".into(),
        version: "1.0.0".into(),
        title: "P".into(),
        unit: "FB".into(),
        state: if kinds.contains(&"end") { "completed" } else { "running" }.into(),
        subject: "S-1".into(),
        name: "Klein".into(),
        started_at: 1,
        updated_at: i64::try_from(seq).unwrap(),
        ended_at: kinds.contains(&"end").then_some(9),
        wake_at: (!kinds.contains(&"end")).then_some(i64::from(n)),
    };
    let task = TaskRow {
        task: format!("{}.1", run(n)),
        run: run(n),
        number: 1,
        nummer: row.nummer.clone(),
        process: "p".into(),
        step: "f".into(),
        title: "F".into(),
        kind: "human".into(),
        open: !kinds.contains(&"end"),
        groups: vec!["GG".into()],
        user: None,
        unit: None,
        except: ["S-1".to_owned()].into(),
        due: (n != 2).then_some(100 - i64::from(n)),
        opened_at: 1,
        claimed: (n == 1).then(|| laufzettel_store::Claimed { subject: "S-1".into(), name: "Klein".into(), at: 7, again: Some(9) }),
    };
    Append {
        run: Some(run(n)),
        expected,
        epoch: None,
        drafts: kinds.iter().map(|k| draft(k)).collect(),
        projection: Some(Projection { run: row, tasks: vec![task], usage: vec![usage(n)], expects: None, retention: None, subjects: Vec::new() }),
        ..Append::default()
    }
}

/// A schedule's progress is written with what follows from it, and is never set back.
async fn clocks_go_forward(store: &Store) {
    let at = |at: i64| Append { drafts: vec![draft("schedule.missed")], clock: Some(("p:1".into(), Some(at))), ..Append::default() };
    assert_eq!(store.clock("p:1").await.unwrap(), None);
    for (put, stands) in [(5, 5), (9, 9), (7, 9)] {
        store.append(at(put)).await.unwrap();
        assert_eq!((store.clock("p:1").await.unwrap(), store.clock("p:2").await.unwrap()), (Some(stands), None));
    }
    // what is refused moves no clock
    let refused = Append { clock: Some(("p:1".into(), Some(99))), ..append(1, 77, &["x"]) };
    assert!(matches!(store.append(refused).await, Err(AppendError::Conflict(_))));
    assert_eq!((store.clock("p:1").await.unwrap(), store.clocks().await.unwrap()), (Some(9), vec!["p:1".to_owned()]));
    // one that is over begins anew
    store.append(Append { drafts: vec![draft("schedule.ended")], clock: Some(("p:1".into(), None)), ..Append::default() }).await.unwrap();
    assert_eq!((store.clock("p:1").await.unwrap(), store.clocks().await.unwrap()), (None, vec![]));
    store.append(at(3)).await.unwrap();
    assert_eq!(store.clock("p:1").await.unwrap(), Some(3));
}

/// A trigger's cursor is written with what it stands behind, and not at all if that is refused.
async fn cursors_move_with_their_record(store: &Store) {
    let put =
        |value: Option<&str>| Append { drafts: vec![draft("trigger.polled")], cursor: Some(("poll:p".into(), value.map(str::to_owned))), ..Append::default() };
    for (value, stands) in [(Some("9"), Some("9")), (Some("\"b\""), Some("\"b\"")), (Some("1"), Some("1")), (None, None), (None, None), (Some("2"), Some("2"))]
    {
        store.append(put(value)).await.unwrap();
        assert_eq!(store.cursor("poll:p").await.unwrap().as_deref(), stands);
    }
    let refused = Append { cursor: Some(("poll:p".into(), Some("99".into()))), ..append(1, 77, &["x"]) };
    assert!(matches!(store.append(refused).await, Err(AppendError::Conflict(_))));
    assert_eq!((store.cursor("poll:p").await.unwrap().as_deref(), store.cursor("poll:q").await.unwrap()), (Some("2"), None));
}

fn usage(n: u8) -> UsageRow {
    let (day, model) = (if n == 2 { "2026-11-23" } else { "2026-11-24" }, format!("m{}", n % 2));
    UsageRow {
        day: day.into(),
        process: "p".into(),
        model,
        zone: "gruen".into(),
        calls: 1,
        charged: 10 + u64::from(n),
        cost_micro_eur: u64::from(n),
        unpriced: 1,
    }
}

async fn conforms(store: Store) {
    store.append(append(1, 0, &["start", "a"])).await.unwrap();
    assert_eq!(store.append(append(1, 0, &["start"])).await, Err(AppendError::Conflict(2)));
    assert_eq!(store.append(append(1, 1, &["b"])).await, Err(AppendError::Conflict(2)));
    store.append(append(1, 2, &["b"])).await.unwrap();
    assert_eq!(store.append(append(3, 4, &["b"])).await, Err(AppendError::Conflict(0)));

    // receipts: one run answers for one key, also within one batch
    let with_key = |n, key: &str| Append { receipt: Some(vec![key.to_owned()]), ..append(n, 0, &["start"]) };
    let (first, second) = tokio::join!(store.append(with_key(2, "hook/x")), store.append(with_key(3, "hook/x")));
    assert_eq!([first, second].into_iter().filter(Result::is_ok).count(), 1);
    let answering = store.receipt("hook/x").await.unwrap().unwrap();
    assert_eq!(store.append(with_key(4, "hook/x")).await, Err(AppendError::Duplicate(answering)));
    assert_eq!(store.run(run(4)).await.unwrap(), None);

    // what was used up is added; what was refused used nothing
    let m1 = store.used_on("2026-11-24").await.unwrap().into_iter().find(|row| row.model == "m1").unwrap();
    let three = u64::from(answering == run(3));
    assert_eq!((m1.calls, m1.charged, m1.cost_micro_eur, m1.unpriced), (2 + three, 22 + 13 * three, 2 + 3 * three, 2 + three));
    let since = async |day: &str| store.used_since(day).await.unwrap().into_iter().map(|row| (row.day, row.model)).collect::<Vec<_>>();
    let two = (three == 0).then(|| ("2026-11-23".to_owned(), "m0".to_owned()));
    let all: Vec<_> = two.into_iter().chain([("2026-11-24".to_owned(), "m1".to_owned())]).collect();
    assert_eq!((since("2026-11-23").await, since("2026-11-24").await, since("2026-11-25").await), (all.clone(), all[all.len() - 1..].to_vec(), vec![]));
    let started = store.started_since(run(2)).await.unwrap();
    assert_eq!(started.iter().map(|row| (row.process.as_str(), row.count, row.oldest)).collect::<Vec<_>>(), [("p", 1, 1)]);
    assert_eq!(store.started_since(run(200)).await.unwrap(), []);

    // fencing
    let epoch = store.epoch();
    store.append(Append { epoch: Some(epoch), ..append(1, 3, &["c"]) }).await.unwrap();
    assert_eq!(store.append(Append { epoch: Some(epoch - 1), ..append(1, 4, &["d"]) }).await, Err(AppendError::Fenced));

    // races: many writers want the same place, one gets it
    let wishes: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.append(append(1, 4, &["d"])).await })
        })
        .collect();
    let mut won = 0;
    for wish in wishes {
        won += usize::from(wish.await.unwrap().is_ok());
    }
    assert_eq!(won, 1);

    let history = store.history(run(1)).await.unwrap();
    assert_eq!(
        history.iter().map(|r| (r.draft.kind.as_str(), r.draft.run_seq)).collect::<Vec<_>>(),
        [("start", Some(1)), ("a", Some(2)), ("b", Some(3)), ("c", Some(4)), ("d", Some(5))]
    );
    assert_eq!(history[1].draft.content(), Some(json!({"geheim": "a"})));

    assert_eq!(store.claimable(1, 10).await.unwrap(), [run(1)]);
    assert_eq!(store.next_wake().await.unwrap(), Some(1));
    // a task may be open to more people later
    let mut wider = append(1, 5, &["e"]);
    wider.projection.as_mut().unwrap().tasks[0].groups.push("GG-Leitung".into());
    store.append(wider).await.unwrap();
    let open = || async { store.tasks(&TaskFilter { limit: 10, ..TaskFilter::default() }).await.unwrap() };
    let tasks = open().await;
    let of_kind = |kind: &'static str| TaskFilter { kind: Some(kind.to_owned()), limit: 10, ..TaskFilter::default() };
    assert_eq!(store.tasks(&of_kind("human")).await.unwrap(), tasks);
    assert_eq!(store.tasks(&of_kind("doubt")).await.unwrap(), []);
    let first = tasks.iter().find(|t| t.run == run(1)).unwrap();
    assert_eq!((first.groups.as_slice(), first.claimed.as_ref().map(|c| c.at)), (&["GG".to_owned(), "GG-Leitung".to_owned()][..], Some(7)));
    store.append(append(1, 6, &["end"])).await.unwrap();
    assert_eq!(store.claimable(1, 10).await.unwrap(), []);
    let stored = &store;
    let listed = |filter: RunFilter| async move { stored.runs(&RunFilter { limit: 10, ..filter }, &|_| true).await.unwrap() };
    let runs = listed(RunFilter::default()).await;
    assert_eq!(runs.rows.iter().map(|r| (r.run, r.state.as_str())).collect::<Vec<_>>(), [(answering, "running"), (run(1), "completed")]);
    assert_eq!((runs.next, store.units().await.unwrap()), (None, vec!["FB".to_owned()]));
    let done = RunFilter { state: Some("completed".into()), ..RunFilter::default() };
    assert_eq!(listed(done.clone()).await.rows, [store.run(run(1)).await.unwrap().unwrap()]);
    let sight = |subject: &str, units: &[&str]| Some(Sight { subject: subject.into(), units: units.iter().map(|unit| (*unit).to_owned()).collect() });
    for (filter, count) in [
        (RunFilter { sight: sight("S-1", &[]), ..done.clone() }, 1),
        (RunFilter { sight: sight("S-2", &[]), ..done.clone() }, 0),
        (RunFilter { sight: sight("S-2", &["FB", "FC"]), ..done.clone() }, 1),
        (RunFilter { sight: sight("S-2", &["FB"]), processes: vec!["p".into(), "q".into()], ..RunFilter::default() }, 2),
        (RunFilter { processes: vec!["q".into()], ..RunFilter::default() }, 0),
        (RunFilter { unit: Some("FB".into()), ..RunFilter::default() }, 2),
        (RunFilter { nummer: Some("2026-000001".into()), ..RunFilter::default() }, 1),
        (RunFilter { before: Some(run(1)), ..RunFilter::default() }, 0),
    ] {
        assert_eq!(listed(filter.clone()).await.rows.len(), count, "{filter:?}");
    }
    let (page, kept) =
        (RunFilter { limit: 1, ..RunFilter::default() }, store.runs(&RunFilter { limit: 1, ..RunFilter::default() }, &|r| r.run == run(1)).await.unwrap());
    assert_eq!(store.runs(&page, &|_| true).await.unwrap().next, Some(answering));
    assert_eq!((kept.rows.len(), kept.next), (1, None), "what is not kept is no page of its own");
    assert_eq!(open().await.iter().map(|t| t.run).collect::<Vec<_>>(), [answering]);
    let closed = store.tasks(&TaskFilter { closed: true, limit: 10, ..TaskFilter::default() }).await.unwrap();
    assert_eq!(closed.iter().map(|t| t.run).collect::<Vec<_>>(), [run(1)]);
    assert_eq!(store.history_after(run(1), 5).await.unwrap().iter().map(|r| r.draft.kind.as_str()).collect::<Vec<_>>(), ["e", "end"]);
    assert_eq!(store.last_number(2026).await.unwrap(), if answering == run(2) { 2 } else { 3 });

    store.put_checkpoint(1, "a").await.unwrap();
    store.put_checkpoint(1, "a").await.unwrap();
    assert!(matches!(store.put_checkpoint(1, "b").await, Err(Error::Refused(_))), "a number is given to one note");
    assert_eq!(store.checkpoints().await.unwrap(), ["a"]);
    store.put_bytes("text:1", b"x", 0).await.unwrap();
    store.put_bytes("text:1", b"x", 0).await.unwrap();
    assert_eq!(store.bytes("text:1").await.unwrap().as_deref(), Some(&b"x"[..]));
    assert_eq!(store.bytes("text:2").await.unwrap(), None);
    // a file is handed out only while its bytes fit its name
    let name = format!("blob:{}", laufzettel_domain::digest::to_hex(&laufzettel_domain::Digest::of(b"echt").0));
    store.put_bytes(&name, b"gefaelscht", 0).await.unwrap();
    assert!(matches!(store.bytes(&name).await, Err(laufzettel_store::Error::Corrupt(_))));

    // what belongs together is written together, or not at all
    let both = |n, m| vec![append(n, 0, &["start"]), append(m, 0, &["start"])];
    store.append_all(both(30, 31)).await.unwrap();
    assert_eq!(store.append_all(both(32, 31)).await, Err(AppendError::Conflict(1)));
    assert_eq!(store.run(run(32)).await.unwrap(), None);
    for n in [30, 31] {
        store.append(append(n, 1, &["end"])).await.unwrap();
    }
    mail::reaches_who_waits(&store).await;
    mail::in_every_order(&store).await;
    mail::goes_to_one_of_many(&store).await;
    removal::what_is_over_goes(&store).await;
    removal::files_go_with_their_last_holder(&store).await;
    removal::subjects_go_with_the_last_content(&store).await;
    the_trail_is_read_from_its_end(&store).await;
    clocks_go_forward(&store).await;
    mail::is_bounded(&store).await;
    cursors_move_with_their_record(&store).await;
    store.note(draft("signin")).await.unwrap();
    store.note(draft("signout")).await.unwrap();
    let beside = |kinds: &'static [&'static str], since| {
        let store = store.clone();
        async move { store.beside_since(kinds, since).await.unwrap().into_iter().map(|r| r.draft.kind).collect::<Vec<_>>() }
    };
    assert_eq!(beside(&["signout", "signin", "start"], 5).await, ["signin", "signout"], "in their order; nothing of runs");
    assert_eq!(beside(&["signout"], 0).await, ["signout"]);
    assert_eq!(beside(&["signout"], 6).await, Vec::<String>::new());
    assert_eq!(beside(&[], 0).await, Vec::<String>::new());
    store.close(9).await.unwrap();
    store.close(9).await.unwrap();
    assert_eq!(store.append(append(9, 0, &["start"])).await, Err(AppendError::Fenced));

    // the chain holds, page by page
    let mut verifier = Verifier::new("vg", &[], &[], &[]);
    let (mut after, mut count) = ((0, 0), 0);
    loop {
        let page = store.records(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = (last.lane, last.seq);
        count += page.len() as u64;
        page.iter().for_each(|r| verifier.push(r));
    }
    assert!(matches!(verifier.finish(None), Verdict::NotAnchored { records, .. } if records == count && count > 30));
    unsent::unsent(&store).await;
}

/// The same pages, newest first, whatever is asked for.
async fn the_trail_is_read_from_its_end(store: &Store) {
    store.append(Append { run: None, projection: None, drafts: vec![draft("access.denied"), draft("key.created")], ..append(1, 0, &[]) }).await.unwrap();
    store.append(append(80, 0, &["start", "a", "b"])).await.unwrap();
    let kinds = |filter: TrailFilter| async move {
        let page = store.trail(&filter, &|_| true).await.unwrap();
        (page.rows.iter().map(|row| row.draft.kind.clone()).collect::<Vec<_>>(), page.next)
    };
    let limit = |limit| TrailFilter { limit, ..TrailFilter::default() };
    let (first, next) = kinds(limit(2)).await;
    assert_eq!(first, ["b", "a"]);
    assert_eq!(kinds(TrailFilter { before: next, ..limit(2) }).await.0, ["start", "key.created"]);
    assert_eq!(kinds(TrailFilter { denied: true, ..limit(9) }).await.0, ["access.denied"]);
    assert_eq!(kinds(TrailFilter { kind: Some("key.created".into()), ..limit(9) }).await, (vec!["key.created".to_owned()], None));
    assert_eq!(kinds(TrailFilter { run: Some(run(80)), ..limit(9) }).await, (["b", "a", "start"].map(str::to_owned).into(), None));
    assert_eq!(kinds(TrailFilter { run: Some(run(80)), kind: Some("a".into()), ..limit(9) }).await, (vec!["a".to_owned()], None));
    assert_eq!(kinds(TrailFilter { from: Some(1_000), ..limit(9) }).await.0, Vec::<String>::new());
    let page = store.trail(&limit(1), &|_| true).await.unwrap();
    assert_eq!((page.rows[0].draft.content.is_none(), page.rows[0].kept), (true, true), "what nobody asked for is not read");
    let first = store.first_of(run(80)).await.unwrap().unwrap();
    assert_eq!((first.draft.kind.as_str(), store.first_of(run(99)).await.unwrap()), ("start", None));
}

#[tokio::test]
async fn memory() {
    conforms(Store::Memory(Memory::open("vg", 0))).await;
}

#[tokio::test]
async fn sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { file: dir.path().join("vg.sqlite"), tenant: "vg".into(), now: 0, lane_above: 0 };
    let store = Sqlite::open(options.clone()).await.unwrap();
    // one process at a time, one tenant a file
    assert!(matches!(Sqlite::open(options.clone()).await, Err(laufzettel_store::Error::Held)));
    conforms(Store::Sqlite(store)).await;
}

/// Nothing of what was removed stands in any file of the database, not even in the log of pages.
#[tokio::test]
async fn what_was_removed_stands_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::Sqlite(Sqlite::open(SqliteOptions { file: dir.path().join("vg.sqlite"), tenant: "vg".into(), now: 0, lane_above: 0 }).await.unwrap());
    removal::leaves_no_trace(&store, dir.path()).await;
}

#[tokio::test]
async fn a_file_of_another_tenant_is_refused_and_a_reopened_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vg.sqlite");
    let open = |tenant: &str| Sqlite::open(SqliteOptions { file: file.clone(), tenant: tenant.into(), now: 0, lane_above: 0 });
    let store = open("vg").await.unwrap();
    store.append_all(vec![append(1, 0, &["start"])]).await.unwrap();
    let first = store.epoch();
    drop(store);
    // the lock goes with the last handle, the writer with its queue
    let again = loop {
        match open("vg").await {
            Err(laufzettel_store::Error::Held) => tokio::task::yield_now().await,
            other => break other.unwrap(),
        }
    };
    assert_eq!(again.epoch(), first + 1);
    assert_eq!(again.append_all(vec![append(1, 0, &["start"])]).await, Err(AppendError::Conflict(1)));
    again.append_all(vec![append(1, 1, &["a"])]).await.unwrap();
    drop(again);
    assert!(matches!(open("anderer").await, Err(laufzettel_store::Error::Refused(_))));
}
