#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sumac_policy::PeerRole;
use sumac_protocol::{Consistency, Inclusion, LogHead, RestoredLog, SignedRelease};

use super::*;
use crate::testing::{Coalition, clock, continuing, identity, logged, sealed};

const PARTY: &str = "lakeshore-cc";

/// Somebody who keeps what comes back.
fn asker(coalition: &Coalition, dir: &std::path::Path) -> Asker {
    let asker =
        Asker::new(coalition.mou.clone(), coalition.trust.clone(), identity("chamber"), &clock());
    asker.unwrap().with_keep(Keep::new(dir.to_owned(), format!("an {}", PeerRole::Analyst)))
}

fn releases(coalition: &Coalition, count: i64) -> Vec<(TableKey, u32, SignedRelease)> {
    let table = coalition.table("completers", &[]);
    let facts = coalition.facts(&table, PARTY, vec![count]);
    vec![(table.key(), 0, sealed(PARTY, facts)); 5]
}

fn answered(head: &SignedHead) -> Answered {
    Answered { answers: vec![], head: Some(head.clone()), consistency: None, restored: None }
}

#[test]
fn a_log_that_grew_is_taken_up_and_its_head_is_kept() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let (asker, party) = (asker(&coalition, dir.path()), PARTY.parse().unwrap());
    let log = releases(&coalition, 100);
    let (early, _) = logged(PARTY, &log[..3], 1);
    let (late, _) = logged(PARTY, &log, 1);
    assert_eq!(asker.last_head(&party).unwrap(), None);
    asker.continued(&party, None, &answered(&early)).unwrap();
    let last = asker.last_head(&party).unwrap().unwrap();
    assert_eq!(last, early);
    let consistency = Some(continuing(&log, 1, 3));
    let grown = Answered { consistency, ..answered(&late) };
    assert_eq!(asker.continued(&party, Some(&last), &grown).unwrap().as_deref(), Some(&late));
    assert_eq!(asker.last_head(&party).unwrap(), Some(late));
}

#[test]
fn a_log_that_does_not_continue_the_one_seen_is_kept_beside_it() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let (asker, party) = (asker(&coalition, dir.path()), PARTY.parse().unwrap());
    let log = releases(&coalition, 100);
    let (seen, _) = logged(PARTY, &log[..3], 1);
    asker.continued(&party, None, &answered(&seen)).unwrap();
    let (rewritten, _) = logged(PARTY, &log, 2);
    let (shorter, _) = logged(PARTY, &log[..2], 1);
    let (longer, _) = logged(PARTY, &log, 1);
    for (what, shown, consistency) in [
        ("rewritten", &rewritten, Some(continuing(&log, 2, 3))),
        ("shorter", &shorter, Some(continuing(&log[..2], 1, 2))),
        ("without a proof", &longer, None),
        ("with a proof about another head", &longer, Some(continuing(&log, 1, 2))),
    ] {
        let shown = Answered { consistency, ..answered(shown) };
        let refused = asker.continued(&party, Some(&seen), &shown).unwrap_err();
        let Absence::HistoryDiffers(differs) = refused else { unreachable!("{what}: {refused}") };
        assert!(differs.evidence().unwrap().exists(), "{what}");
        assert_eq!(asker.last_head(&party).unwrap().as_ref(), Some(&seen), "{what}");
    }
}

#[test]
fn a_head_that_the_node_did_not_seal_changes_nothing() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let (asker, party) = (asker(&coalition, dir.path()), PARTY.parse().unwrap());
    let log = releases(&coalition, 100);
    let (anothers, _) = logged("harbor-tech", &log, 1);
    let (mut unsealed, _) = logged(PARTY, &log, 1);
    unsealed.signature[8] ^= 1;
    for head in [anothers, unsealed] {
        let refused = asker.continued(&party, None, &answered(&head)).unwrap_err();
        assert!(matches!(refused, Absence::Unsound(Unsound::NotShown(_))), "{refused}");
    }
    assert_eq!(asker.last_head(&party).unwrap(), None);
}

/// A node whose backup held the first `size` of these releases: what it shows of the restore, and its new head.
fn restored(
    log: &[(TableKey, u32, SignedRelease)],
    size: usize,
    forked: bool,
) -> (RestoredLog, SignedHead) {
    let (backup, records) = logged(PARTY, &log[..size], 1);
    let LogHead { root, at, .. } = backup.head;
    let record = format!(
        r#"{{"seq":{size},"at":"{at}","salt":"00","event":{{"restored":{{"size":{size},"root":"{root}","backed_up":"{at}","spent_nano_rho":0,"forked":{forked},"awaited":[]}}}}}}"#
    );
    let mut tree = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    let records = records.into_iter().map(|recorded| recorded.record);
    for record in records.chain([record.clone().into_bytes(), b"more".to_vec()]) {
        tree.push(record);
    }
    let hashes = |bytes: &[u8]| bytes.chunks(32).map(|hash| hash.try_into().unwrap()).collect();
    let place = u64::try_from(size).unwrap();
    let root = <[u8; 32]>::from(*tree.root().as_bytes()).into();
    let head = LogHead { size: tree.len(), root, at, spent_nano_rho: 0 };
    let seal = sumac_keys::seal::seal_head(identity(PARTY), &head.canonical_bytes()).unwrap();
    let shown = RestoredLog {
        record: record.into_bytes(),
        inclusion: Inclusion { seq: place, path: hashes(tree.prove_inclusion(size).as_bytes()) },
        consistency: Consistency {
            from_size: place,
            path: hashes(tree.prove_consistency(2).as_bytes()),
        },
    };
    (shown, SignedHead { head, signature: seal.signature, chain: seal.chain })
}

#[test]
fn a_restored_log_is_taken_up_with_a_word_and_the_lost_head_is_kept() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let (asker, party) = (asker(&coalition, dir.path()), PARTY.parse().unwrap());
    let log = releases(&coalition, 100);
    let (seen, _) = logged(PARTY, &log, 1);
    asker.continued(&party, None, &answered(&seen)).unwrap();
    let (shown, head) = restored(&log, 3, false);
    // Shorter than what was lost: heads go back this once.
    let answer = Answered { restored: Some(shown), ..answered(&head) };
    asker.continued(&party, Some(&seen), &answer).unwrap();
    assert_eq!(asker.last_head(&party).unwrap(), Some(head));
    let notices = asker.take_notices();
    let [Notice::NewHistory { size: 3, seen: 5, evidence, .. }] = notices.as_slice() else {
        unreachable!("{notices:?}")
    };
    assert_eq!(crate::receipt::read_head(&std::fs::read(evidence).unwrap()).unwrap(), seen);
    assert!(notices[0].to_string().contains("HAS A NEW HISTORY"));
}

#[test]
fn what_does_not_show_a_restore_is_another_history() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let (asker, party) = (asker(&coalition, dir.path()), PARTY.parse().unwrap());
    let log = releases(&coalition, 100);
    let (seen, _) = logged(PARTY, &log[..4], 1);
    asker.continued(&party, None, &answered(&seen)).unwrap();
    let (good, head) = restored(&log, 3, false);
    let (other, _) = restored(&log, 2, false);
    let (longer, longer_head) = restored(&log, 4, false);
    let (forked, forked_head) = restored(&log, 5, true);
    for (what, shown, head) in [
        ("of another log", other.clone(), &head),
        ("of a log that holds what was seen", longer, &longer_head),
        ("another record", RestoredLog { record: other.record, ..good.clone() }, &head),
        ("no continuation", RestoredLog { consistency: other.consistency, ..good.clone() }, &head),
        ("no JSON", RestoredLog { record: b"restored".to_vec(), ..good }, &head),
    ] {
        let answer = Answered { restored: Some(shown), ..answered(head) };
        let refused = asker.continued(&party, Some(&seen), &answer).unwrap_err();
        assert!(matches!(refused, Absence::HistoryDiffers(_)), "{what}: {refused}");
        assert_eq!(asker.last_head(&party).unwrap().as_ref(), Some(&seen), "{what}");
    }
    assert!(asker.take_notices().is_empty());
    // One that says of itself that it parts from what was seen may be longer.
    let answer = Answered { restored: Some(forked), ..answered(&forked_head) };
    asker.continued(&party, Some(&seen), &answer).unwrap();
}
