#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use sumac_policy::PeerRole;
use sumac_protocol::SignedRelease;

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
