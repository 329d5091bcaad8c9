//! What an asker is shown, as the asker would hold it against what it kept.

use std::collections::BTreeSet;

use super::*;
use sumac_protocol::release_commitment;

use crate::store::record::{Event, Record};
use crate::store::{EvidenceRequest, ReleaseName, Seen};

fn first(n: u8) -> ReleaseName {
    ReleaseName { table: table(n), revision: 0, derived: false }
}

#[tokio::test]
async fn all_of_one_call_is_about_one_head() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let before = store.head().await.unwrap().unwrap().head;
    charged(store.charge(request(3)).await);
    let releases = vec![first(1), first(3), first(9), ReleaseName { revision: 1, ..first(1) }];
    let asked = EvidenceRequest { seen: Some(Seen::Here(before.size)), releases };
    let shown = store.evidence(asked).await.unwrap();
    shown.consistency.unwrap().verify(&before, &shown.head.head).unwrap();
    let recorded = shown.releases[0].as_ref().unwrap();
    recorded.inclusion.verify(&recorded.record, &shown.head.head).unwrap();
    let record = Record::decode(&recorded.record).unwrap();
    let Event::Released(released) = record.event else { panic!("{record:?}") };
    assert_eq!(released.commitment, release_commitment(&record.salt, b"answer"));
    assert_eq!(shown.releases[1..], [None, None, None], "charged, never asked for, no revision 1");
}

#[tokio::test]
async fn a_root_is_known_for_every_size_up_to_now_and_none_beyond() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let head = store.head().await.unwrap().unwrap().head;
    assert_eq!(store.root_at(head.size).await.unwrap(), Some(head.root));
    assert_eq!(store.root_at(head.size + 1).await.unwrap(), None);
    charged(store.charge(request(3)).await);
    assert_eq!(store.root_at(head.size).await.unwrap(), Some(head.root));
}

#[tokio::test]
async fn more_than_the_log_holds_cannot_be_shown() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let beyond = EvidenceRequest { seen: Some(Seen::Here(1_000)), releases: vec![] };
    assert!(matches!(store.evidence(beyond).await, Err(StoreError::NoSuchRecord { .. })));
}

/// The hashes beside the path from each release to the root.
async fn siblings(salt: u8) -> BTreeSet<[u8; 32]> {
    let dir = TempDir::new().unwrap();
    let salts: Salts = {
        let mut drawn = 0_u8;
        Box::new(move || {
            drawn += 1;
            *Sha256::of(&[salt, drawn]).as_bytes()
        })
    };
    let signer: Signer = Box::new(|_| {
        Ok(Signed { signature: vec![1], chain: vec![vec![2]], since: Timestamp::UNIX_EPOCH })
    });
    let (store, _) = Store::open(dir.path(), salts, signer).unwrap();
    for n in 0..4 {
        let charge = charged(store.charge(request(n)).await);
        store.settle(charge, b"answer".to_vec(), NOW).await.unwrap();
    }
    let mut siblings = BTreeSet::new();
    for seq in 0..store.head().await.unwrap().unwrap().head.size {
        siblings.extend(store.inclusion(seq).await.unwrap().proof.path);
    }
    siblings
}

#[tokio::test]
async fn the_hashes_in_a_proof_give_nothing_away_about_other_records() {
    // Two nodes with the same history: whoever guesses every word of a record still cannot confirm it.
    let (one, same, other) = (siblings(1).await, siblings(1).await, siblings(2).await);
    assert_eq!(one, same, "without the salts the hashes would be the same");
    assert!(one.is_disjoint(&other));
}
