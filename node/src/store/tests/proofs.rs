//! Heads and proofs, as an asker would hold them against each other.

use sumac_protocol::{LogHead, SignedHead, release_commitment};

use super::*;
use crate::store::record::{Event, Record};

async fn head(store: &Store) -> SignedHead {
    store.head().await.unwrap().unwrap()
}

#[tokio::test]
async fn an_empty_log_has_no_head_and_nothing_to_show() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    assert_eq!(store.head().await.unwrap(), None);
    let shown = store.inclusion(0).await;
    assert!(matches!(shown, Err(StoreError::NoSuchRecord { asked: 0, size: 0 })), "{shown:?}");
    assert!(matches!(store.consistency(1).await, Err(StoreError::NoSuchRecord { .. })));
}

#[tokio::test]
async fn every_acknowledged_record_is_shown_below_the_head() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let signed = head(&store).await;
    assert_eq!((signed.head.size, signed.head.at), (7, NOW));
    assert_eq!(signed.signature, Sha256::of(&signed.head.canonical_bytes()).as_bytes());
    let log = fs::read(log_path(dir.path())).unwrap();
    for seq in 0..7 {
        let included = store.inclusion(seq).await.unwrap();
        assert_eq!(included.head, signed);
        included.proof.verify(&included.record, &signed.head).unwrap();
        assert!(included.record.starts_with(format!(r#"{{"seq":{seq},"#).as_bytes()));
        assert!(log.windows(included.record.len()).any(|part| part == included.record));
    }
    assert!(matches!(store.inclusion(7).await, Err(StoreError::NoSuchRecord { .. })));
}

#[tokio::test]
async fn a_release_is_shown_at_its_position() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let store = open(dir.path());
    assert_eq!(store.release_position(&table(2)).await.unwrap(), None);
    let seq = store.release_position(&table(1)).await.unwrap().unwrap();
    let included = store.inclusion(seq).await.unwrap();
    included.proof.verify(&included.record, &included.head.head).unwrap();
    let record = Record::decode(&included.record).unwrap();
    let bound = release_commitment(&record.salt, b"answer");
    assert!(matches!(record.event, Event::Released(released) if released.commitment == bound));
}

#[tokio::test]
async fn each_head_continues_all_heads_before_it_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let mut seen: Vec<LogHead> = Vec::new();
    for round in 0..4 {
        let store = open(dir.path());
        for n in 0..5 {
            let budget_nano_rho = u64::MAX;
            let asked = ChargeRequest { budget_nano_rho, ..request(5 * round + n) };
            charged(store.charge(asked).await);
            let now = head(&store).await;
            for earlier in &seen {
                let shown = store.consistency(earlier.size).await.unwrap();
                assert_eq!(shown.head, now);
                shown.proof.verify(earlier, &now.head).unwrap();
            }
            seen.push(now.head);
        }
    }
}

#[tokio::test]
async fn a_log_with_another_past_cannot_show_that_it_continues() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (store, rival) = (open(dir.path()), open(other.path()));
    for n in 0..3 {
        charged(store.charge(request(n)).await);
        charged(rival.charge(request(100 + n)).await);
    }
    let before = head(&store).await.head;
    charged(rival.charge(request(9)).await);
    let shown = rival.consistency(before.size).await.unwrap();
    assert!(shown.proof.verify(&before, &shown.head.head).is_err());
}

#[tokio::test]
async fn the_signer_is_written_down_once_and_again_when_it_changes() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let other = || -> Signer {
        Box::new(|_| {
            Ok(Signed {
                signature: vec![1],
                chain: vec![b"renewed".to_vec()],
                since: Timestamp::UNIX_EPOCH,
            })
        })
    };
    let (store, _) = Store::open(dir.path(), salts(), other()).unwrap();
    charged(store.charge(request(5)).await);
    charged(store.charge(request(6)).await);
    let signed = head(&store).await;
    assert_eq!((signed.head.size, signed.chain), (10, vec![b"renewed".to_vec()]));
    drop(store);
    let named = fs::read(log_path(dir.path())).unwrap();
    let count = named.windows(10).filter(|part| part == b"{\"signer\":").count();
    assert_eq!(count, 2);
}

#[tokio::test]
async fn without_a_signature_nothing_is_answered() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let before = fs::read(log_path(dir.path())).unwrap();
    let refusing: Signer = Box::new(|_| Err("the key is gone".into()));
    let (store, _) = Store::open(dir.path(), salts(), refusing).unwrap();
    unwritten(store.charge(request(5)).await);
    unwritten(store.released(&table(1)).await);
    assert_eq!(fs::read(log_path(dir.path())).unwrap(), before);
}
