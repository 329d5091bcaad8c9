//! An index that is missing, damaged, behind, ahead, or another's.

use super::*;
use crate::store::index::Index;

#[tokio::test]
async fn the_index_may_be_deleted_or_damaged_at_any_time() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let index = dir.path().join("index");
    let expected = replayed(dir.path());

    fs::remove_dir_all(&index).unwrap();
    assert_eq!(opened(dir.path()), Some(Rebuilt::Missing));
    for file in ["db", "conf"] {
        fs::write(index.join(file), "this is not what sled wrote").unwrap();
        assert_eq!(opened(dir.path()), Some(Rebuilt::Unreadable), "{file}");
    }
    fs::remove_dir_all(&index).unwrap();
    fs::write(&index, "not even a folder").unwrap();
    assert_eq!(opened(dir.path()), Some(Rebuilt::Unreadable));

    let (_, book, acknowledged) = Index::load(&index).unwrap();
    assert_eq!((book, acknowledged), (expected, walk(dir.path(), 7)));
    assert_eq!(opened(dir.path()), None);
}

#[tokio::test]
async fn an_index_that_is_behind_catches_up() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let saved = dir.path().join("saved");
    fs::rename(dir.path().join("index"), &saved).unwrap();
    let store = open(dir.path());
    let charge = charged(store.charge(request(5)).await);
    store.settle(charge, b"late".to_vec(), NOW).await.unwrap();
    drop(store);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::rename(&saved, dir.path().join("index")).unwrap();

    assert_eq!(opened(dir.path()), Some(Rebuilt::Behind { records: 2 }));
    assert_eq!(opened(dir.path()), None);
    assert_eq!(open(dir.path()).released(&table(5)).await.unwrap(), Some(b"late".to_vec()));
}

#[tokio::test]
async fn an_index_of_another_history_is_rebuilt() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    drop(history(dir.path()).await);
    charged(open(other.path()).charge(request(200)).await);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::rename(other.path().join("index"), dir.path().join("index")).unwrap();
    assert_eq!(opened(dir.path()), Some(Rebuilt::Disagreed));
    let store = open(dir.path());
    assert_eq!(store.released(&table(200)).await.unwrap(), None);
    assert!(matches!(store.charge(request(1)).await.unwrap(), Charging::Released(_)));
}

#[tokio::test]
async fn an_index_ahead_of_the_log_stops_the_node() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let log = fs::read(log_path(dir.path())).unwrap();
    charged(open(dir.path()).charge(request(5)).await);
    fs::write(log_path(dir.path()), log).unwrap();
    assert!(matches!(refused(dir.path()), StoreError::Shorter { .. }));
}
