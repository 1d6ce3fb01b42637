//! The mailbox: who has which message, in every order in which waiting, sending, taking and refusing may come.

use laufzettel_store::{Append, AppendError, ExpectRow, Handed, Message, Store};

use super::{append, draft, run};

fn message(key: &str, at: i64) -> Message {
    Message { name: "zahlung".into(), key: key.into(), payload: format!("{{\"at\":{at}}}"), sender: "S-1".into(), processes: None, at }
}

fn waiting(n: u8, expected: u64, keys: &[&str]) -> Append {
    let mut append = append(n, expected, &["wait"]);
    let rows = keys.iter().enumerate().map(|(i, key)| ExpectRow { slot: format!("w{i}"), name: "zahlung".into(), key: (*key).into() });
    let projection = append.projection.as_mut().unwrap();
    projection.expects = Some(rows.collect());
    projection.run.wake_at = None;
    append
}

fn handed(n: u8, mail: i64) -> Handed {
    Handed { mail, run: run(n), slot: "w0".into() }
}

fn posting(message: Message) -> Append {
    Append { drafts: vec![draft("event.received")], post: Some(message), ..Append::default() }
}

/// What is sent reaches every place that waits for it, once; what nothing waits for is kept for the first who asks and whom it
/// fits, thirty days.
pub async fn reaches_who_waits(store: &Store) {
    const MONTH: i64 = 30 * 24 * 3600 * 1_000_000;
    let post = |key: &str, at: i64| posting(message(key, at));
    let mail = |n: u8, now: i64| async move { store.mail(run(n), now).await.unwrap().into_iter().map(|m| (m.slot, m.message.at, m.id)).collect::<Vec<_>>() };
    // others have something to do by the clock
    let claimable = |now: i64| async move { store.claimable(now, 10).await.unwrap().into_iter().filter(|id| *id >= run(20)).collect::<Vec<_>>() };
    store.append(waiting(20, 0, &["A", "B"])).await.unwrap();
    store.append(waiting(21, 0, &["A"])).await.unwrap();
    assert_eq!(claimable(0).await, []);
    assert_eq!((store.expecting("zahlung").await.unwrap(), store.expecting("regen").await.unwrap()), (vec!["p".to_owned()], vec![]));
    store.append(post("A", 10)).await.unwrap();
    assert_eq!(claimable(11).await, [run(20), run(21)]);
    let (first, second) = (mail(20, 11).await, mail(21, 11).await);
    assert_eq!((first.len(), first[0].0.as_str(), first[0].1, second[0].1), (1, "w0", 10, 10));
    store.append(post("A", 12)).await.unwrap();
    assert_eq!((mail(20, 13).await, mail(21, 13).await), (first.clone(), second.clone()), "one after the other");
    // whoever takes one and waits for something else leaves the rest to the others
    store.append(Append { taken: Some(handed(20, first[0].2)), ..waiting(20, 1, &["B"]) }).await.unwrap();
    assert_eq!(mail(21, 13).await, second);
    let again = Append { taken: Some(handed(20, first[0].2)), ..waiting(20, 2, &[]) };
    assert_eq!(store.append(again).await, Err(AppendError::Conflict(2)), "nobody has one twice");
    store.append(Append { taken: Some(handed(21, second[0].2)), ..waiting(21, 1, &["A"]) }).await.unwrap();
    let later = mail(21, 13).await;
    assert_eq!(later[0].1, 12);
    store.append(Append { taken: Some(handed(21, later[0].2)), ..waiting(21, 2, &[]) }).await.unwrap();
    assert_eq!(claimable(13).await, []);
    // early: for the first who asks and does not refuse it
    store.append(post("C", 20)).await.unwrap();
    store.append(waiting(22, 0, &["C"])).await.unwrap();
    assert_eq!(claimable(21).await, [run(22)]);
    let early = mail(22, 21).await;
    store.append(Append { drafts: vec![draft("event.refused")], refused: Some(handed(22, early[0].2)), ..Append::default() }).await.unwrap();
    assert_eq!((mail(22, 21).await, claimable(21).await), (vec![], vec![]));
    store.append(waiting(23, 0, &["C"])).await.unwrap();
    assert_eq!(mail(23, 21).await, early, "it is another's");
    store.append(waiting(24, 0, &["G"])).await.unwrap();
    // only runs its sender reaches
    store.append(posting(Message { processes: Some(vec!["q".into(), "pp".into()]), ..message("G", 24) })).await.unwrap();
    assert_eq!(mail(24, 25).await, []);
    store.append(posting(Message { processes: Some(vec!["q".into(), "p".into()]), ..message("G", 25) })).await.unwrap();
    assert_eq!(mail(24, 26).await[0].1, 25);
    // the same message again is the same message
    let again = || Append { seen: Some("event:S-1:zahlung:7".into()), ..post("E", 27) };
    store.append(again()).await.unwrap();
    assert_eq!(store.append(again()).await, Err(AppendError::Seen));
    // too old: there no more, and then gone
    assert_eq!((mail(23, 20 + MONTH).await.len(), mail(23, 21 + MONTH).await.len()), (1, 0));
    assert_eq!(claimable(28 + MONTH).await, []);
    store.sweep(28 + MONTH).await.unwrap();
    assert_eq!(mail(23, 21).await, []);
    store.append(again()).await.unwrap();
    store.append(Append { drafts: vec![draft("event.refused")], taken: Some(handed(24, 999)), ..Append::default() }).await.unwrap_err();
    for n in 20..=24 {
        let at = store.run(run(n)).await.unwrap().unwrap().seq;
        let mut end = append(n, at, &["end"]);
        end.projection.as_mut().unwrap().expects = Some(Vec::new());
        store.append(end).await.unwrap();
    }
}

/// What happens to the places 0 to 3 under one key.
enum Do {
    /// It begins to wait.
    Wait(u8),
    /// It waits no more.
    Leave(u8),
    /// A message comes, with this number.
    Post(i64),
    /// It has what is at hand for it, and waits no more.
    Take(u8),
    /// The same, and waits on.
    TakeOn(u8),
    Refuse(u8),
}
use Do::{Leave, Post, Refuse, Take, TakeOn, Wait};

/// Of each place: which message is at hand for it afterwards.
type After = [Option<i64>; 4];

fn orders() -> Vec<(&'static str, Vec<Do>, After)> {
    vec![
        (
            "a second one comes before anybody has refused the first",
            vec![Wait(0), Wait(1), Post(1), Post(2), Refuse(0), Refuse(1)],
            [Some(2), Some(2), None, None],
        ),
        ("one refuses before the second comes, one after", vec![Wait(0), Wait(1), Post(1), Refuse(0), Post(2), Refuse(1)], [Some(2), Some(2), None, None]),
        ("one is done with both before the other looks", vec![Wait(0), Wait(1), Post(1), Post(2), Refuse(0), Take(0)], [None, Some(1), None, None]),
        ("three of them", vec![Wait(0), Wait(1), Post(1), Post(2), Post(3), Refuse(0), Refuse(0), Refuse(1)], [Some(3), Some(2), None, None]),
        (
            "the first fits both: the second is for one who comes",
            vec![Wait(0), Wait(1), Post(1), Post(2), Take(0), Take(1), Wait(2), Wait(3), Take(2)],
            [None; 4],
        ),
        ("nobody who comes later has what somebody had", vec![Wait(0), Wait(1), Post(1), Post(2), Take(0), Refuse(1), Take(1), Wait(2)], [None; 4]),
        ("what one had and one refused is nobody's", vec![Wait(0), Wait(1), Post(1), Take(0), Refuse(1), Wait(2)], [None; 4]),
        ("what all refused is for one who comes", vec![Wait(0), Wait(1), Post(1), Refuse(0), Wait(2), Refuse(1)], [None, None, Some(1), None]),
        ("what is another's is not for one who comes", vec![Wait(0), Post(1), Wait(1)], [Some(1), None, None, None]),
        ("until he leaves without it", vec![Wait(0), Post(1), Wait(1), Leave(0)], [None, Some(1), None, None]),
        ("or comes again himself", vec![Wait(0), Post(1), Leave(0), Wait(0)], [Some(1), None, None, None]),
        ("but not to have what he refused", vec![Wait(0), Post(1), Refuse(0), Leave(0), Wait(0), Wait(1)], [None, Some(1), None, None]),
        ("nor what he had", vec![Wait(0), Wait(1), Post(1), Take(0), Wait(0)], [None, Some(1), None, None]),
        ("who takes one and waits on has the next", vec![Wait(0), Wait(1), Post(1), Post(2), TakeOn(0)], [Some(2), Some(1), None, None]),
        ("early ones come in their order, each to one", vec![Post(1), Post(2), Wait(0), Wait(1), Take(0)], [None, Some(2), None, None]),
        ("an early one before one of his own", vec![Post(1), Wait(0), Post(2)], [Some(1), None, None, None]),
        ("an early one that did not fit is for others", vec![Post(1), Wait(0), Post(2), Refuse(0), Wait(1)], [Some(2), Some(1), None, None]),
        ("who refuses all waits on", vec![Wait(0), Post(1), Post(2), Refuse(0), Refuse(0)], [None; 4]),
    ]
}

pub async fn in_every_order(store: &Store) {
    for (at, (name, steps, after)) in orders().into_iter().enumerate() {
        let (first, key) = (100 + 4 * u8::try_from(at).unwrap(), format!("O-{at}"));
        for step in steps {
            carry_out(store, first, &key, step).await;
        }
        let mut found: After = [None; 4];
        for (n, found) in (first..).zip(&mut found) {
            *found = at_hand(store, n).await.map(|(_, at)| at);
        }
        assert_eq!(found, after, "{name}");
        for n in first..first + 4 {
            end(store, n).await;
        }
    }
}

async fn at_hand(store: &Store, n: u8) -> Option<(i64, i64)> {
    store.mail(run(n), 9).await.unwrap().into_iter().next().map(|mail| (mail.id, mail.message.at))
}

async fn carry_out(store: &Store, first: u8, key: &str, step: Do) {
    let wish = match step {
        Post(at) => posting(message(key, at)),
        Wait(n) => goes_on(store, first + n, &[key]).await,
        Leave(n) => goes_on(store, first + n, &[]).await,
        Take(n) => Append { taken: Some(handed(first + n, at_hand(store, first + n).await.unwrap().0)), ..goes_on(store, first + n, &[]).await },
        TakeOn(n) => Append { taken: Some(handed(first + n, at_hand(store, first + n).await.unwrap().0)), ..goes_on(store, first + n, &[key]).await },
        Refuse(n) => {
            let refused = Some(handed(first + n, at_hand(store, first + n).await.unwrap().0));
            Append { drafts: vec![draft("event.refused")], refused, ..Append::default() }
        }
    };
    store.append(wish).await.unwrap();
}

async fn goes_on(store: &Store, n: u8, keys: &[&str]) -> Append {
    let at = store.run(run(n)).await.unwrap().map_or(0, |row| row.seq);
    waiting(n, at, keys)
}

async fn end(store: &Store, n: u8) {
    let Some(row) = store.run(run(n)).await.unwrap() else { return };
    let mut end = append(n, row.seq, &["end"]);
    end.projection.as_mut().unwrap().expects = Some(Vec::new());
    store.append(end).await.unwrap();
}

/// Two who ask at once for what came early: one has it. Two to whom it is addressed both have it.
pub async fn goes_to_one_of_many(store: &Store) {
    for (early, both) in [(true, 1), (false, 2)] {
        let key = format!("R-{early}");
        let (first, post) = (if early { 180 } else { 182 }, posting(message(&key, 5)));
        if early {
            store.append(post.clone()).await.unwrap();
        }
        for n in [first, first + 1] {
            store.append(waiting(n, 0, &[&key])).await.unwrap();
        }
        if !early {
            store.append(post).await.unwrap();
        }
        let id = at_hand(store, first).await.unwrap().0;
        let take = |n| store.append(Append { taken: Some(handed(n, id)), ..waiting(n, 1, &[]) });
        let (one, other) = tokio::join!(take(first), take(first + 1));
        assert_eq!([&one, &other].into_iter().filter(|told| told.is_ok()).count(), both, "{one:?} {other:?}");
        for n in [first, first + 1] {
            end(store, n).await;
        }
    }
}

/// A sender that goes on where nobody takes anything is stopped, and no other.
pub async fn is_bounded(store: &Store) {
    store.append_all((0..1000).map(|at| posting(message("voll", at))).collect()).await.unwrap();
    assert!(matches!(store.append(posting(message("voll", 1000))).await, Err(AppendError::Unavailable(_))));
    store.append(posting(message("leer", 1))).await.unwrap();
    store.append(waiting(184, 0, &["voll"])).await.unwrap();
    let id = at_hand(store, 184).await.unwrap().0;
    store.append(Append { taken: Some(handed(184, id)), ..waiting(184, 1, &[]) }).await.unwrap();
    store.append(posting(message("voll", 1000))).await.unwrap();
    end(store, 184).await;
}
