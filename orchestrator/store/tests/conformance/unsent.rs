//! Applications that are not sent yet: replaced, gone on demand and after their time.

use laufzettel_store::{Store, Unsent, UnsentRow};

fn row(id: &str, form: &str, until: i64, bytes: usize) -> UnsentRow {
    UnsentRow { id: id.into(), form: form.into(), until, sealed: vec![7; bytes] }
}

pub async fn unsent(store: &Store) {
    let put = async |row: &UnsentRow| store.change_unsent(Unsent::Put(row.clone())).await.unwrap();
    assert!(put(&row("a", "wohngeld", 100, 3)).await);
    assert!(put(&row("b", "wohngeld", 50, 3)).await);
    assert_eq!(store.unsent("a", 99).await.unwrap(), Some(row("a", "wohngeld", 100, 3)));
    assert_eq!((store.unsent("a", 100).await.unwrap(), store.unsent("c", 0).await.unwrap()), (None, None));
    // what is written again stands in place of what was
    assert!(put(&row("a", "wohngeld", 120, 5)).await);
    assert_eq!(store.unsent("a", 110).await.unwrap(), Some(row("a", "wohngeld", 120, 5)));
    store.sweep(50).await.unwrap();
    assert_eq!((store.unsent("b", 0).await.unwrap(), store.unsent("a", 0).await.unwrap().is_some()), (None, true));
    assert!(store.change_unsent(Unsent::Drop("a".into())).await.unwrap());
    assert!(store.change_unsent(Unsent::Drop("a".into())).await.unwrap());
    assert_eq!(store.unsent("a", 0).await.unwrap(), None);
}
