//! Applications that are not sent yet: replaced, gone on demand and after their time.

use laufzettel_domain::Digest;
use laufzettel_store::{Over, Store, Unsent, UnsentChange, UnsentRow};

fn row(id: &str, form: &str, until: i64, bytes: usize) -> UnsentRow {
    UnsentRow { id: id.into(), form: form.into(), until, sealed: vec![7; bytes] }
}

pub async fn unsent(store: &Store) {
    let over = async |row: &UnsentRow, over| store.change_unsent(Unsent::Put { row: row.clone(), over }).await.unwrap();
    let put = async |row: &UnsentRow| assert_eq!(over(row, Over::Anything).await, UnsentChange::Done);
    put(&row("a", "wohngeld", 100, 3)).await;
    put(&row("b", "wohngeld", 50, 3)).await;
    assert_eq!(store.unsent("a", 99).await.unwrap(), Some(row("a", "wohngeld", 100, 3)));
    assert_eq!((store.unsent("a", 100).await.unwrap(), store.unsent("c", 0).await.unwrap()), (None, None));
    let bytes = async |id: &str, now| store.unsent_bytes(id, now).await.unwrap();
    assert_eq!((bytes("a", 99).await, bytes("a", 100).await, bytes("c", 0).await), (Some(3), None, None));
    // what is written again stands in place of what was
    put(&row("a", "wohngeld", 120, 5)).await;
    assert_eq!(store.unsent("a", 110).await.unwrap(), Some(row("a", "wohngeld", 120, 5)));
    store.sweep(50).await.unwrap();
    assert_eq!((store.unsent("b", 0).await.unwrap(), store.unsent("a", 0).await.unwrap().is_some()), (None, true));
    // what somebody has not seen is not written over, and not dropped; where nothing stands nothing is lost
    let seen = |bytes: usize| Over::Seen(Digest::of(&vec![7; bytes]));
    assert_eq!(over(&row("a", "wohngeld", 130, 6), seen(3)).await, UnsentChange::Moved);
    let drop_it = async |over| store.change_unsent(Unsent::Drop { id: "a".into(), over }).await.unwrap();
    assert_eq!(drop_it(seen(3)).await, UnsentChange::Moved);
    assert_eq!(store.unsent("a", 0).await.unwrap(), Some(row("a", "wohngeld", 120, 5)));
    assert_eq!(over(&row("a", "wohngeld", 130, 6), seen(5)).await, UnsentChange::Done);
    assert_eq!((drop_it(seen(6)).await, drop_it(seen(6)).await, drop_it(Over::Anything).await), (UnsentChange::Done, UnsentChange::Done, UnsentChange::Done));
    assert_eq!(store.unsent("a", 0).await.unwrap(), None);
    assert_eq!(over(&row("a", "wohngeld", 130, 6), seen(3)).await, UnsentChange::Done);
    assert_eq!(drop_it(Over::Anything).await, UnsentChange::Done);
}
