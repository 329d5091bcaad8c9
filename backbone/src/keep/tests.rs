#![expect(clippy::unwrap_used, reason = "a test may panic")]

use sumac_protocol::{ReleaseFacts, SignedRelease};

use super::*;
use crate::testing::{Coalition, NOON, logged, sealed};

const PARTY: &str = "lakeshore-cc";

fn release(coalition: &Coalition, count: i64) -> (TableKey, u32, SignedRelease) {
    let table = coalition.table("completers", &[]);
    (table.key(), 0, sealed(PARTY, coalition.facts(&table, PARTY, vec![count])))
}

fn receipt(coalition: &Coalition, count: i64) -> Receipt {
    let of = release(coalition, count);
    let (head, mut recorded) = logged(PARTY, std::slice::from_ref(&of), 1);
    Receipt { release: of.2, recorded: recorded.remove(0), head, note: None }
}

fn files(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for folder in entries(dir).unwrap() {
        for path in entries(&folder).unwrap() {
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    names
}

#[test]
fn a_head_is_kept_and_never_goes_back() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let keep = Keep::new(dir.path().to_owned(), "maria".into());
    let party = PARTY.parse().unwrap();
    assert_eq!(keep.last_head(&party).unwrap(), None);
    let one = release(&coalition, 100);
    let (short, _) = logged(PARTY, std::slice::from_ref(&one), 1);
    let (long, _) = logged(PARTY, &[one.clone(), one], 1);
    keep.head(&party, &long).unwrap();
    keep.head(&party, &short).unwrap();
    assert_eq!(keep.last_head(&party).unwrap(), Some(long));
    assert_eq!(files(dir.path()), ["lakeshore-cc.json"], "nothing is left aside");
}

#[test]
fn a_repeat_leaves_the_receipt_as_it_is_and_another_release_goes_beside_it() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let keep = Keep::new(dir.path().to_owned(), "maria".into());
    let (party, table) = (PARTY.parse().unwrap(), release(&coalition, 1).0);
    let first = receipt(&coalition, 100);
    assert_eq!(keep.receipt(&party, table, 0, &first).unwrap(), Kept::New);
    assert_eq!(keep.receipt(&party, table, 0, &first).unwrap(), Kept::Already);
    let other = receipt(&coalition, 101);
    for _ in 0..2 {
        let kept = keep.receipt(&party, table, 0, &other).unwrap();
        assert!(matches!(&kept, Kept::Differs { evidence } if evidence.exists()), "{kept:?}");
    }
    assert_eq!(keep.receipt(&party, table, 1, &other).unwrap(), Kept::New, "a later revision");
    let kept = Keep::receipts(dir.path()).unwrap();
    let found: Vec<_> =
        kept.iter().map(|kept| (kept.differs, kept.receipt.as_ref().unwrap().clone())).collect();
    assert_eq!(found, [(true, other.clone()), (false, first), (false, other)]);
}

#[test]
fn a_damaged_file_is_an_error_and_not_a_fresh_start() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let keep = Keep::new(dir.path().to_owned(), "maria".into());
    let party: PartyId = PARTY.parse().unwrap();
    let first = receipt(&coalition, 100);
    keep.head(&party, &first.head).unwrap();
    let path = dir.path().join("heads").join("lakeshore-cc.json");
    fs::write(&path, b"{").unwrap();
    let refused = keep.last_head(&party).unwrap_err();
    assert!(matches!(&refused, KeepError::Unusable { path: named, .. } if *named == path));
    assert!(keep.head(&party, &first.head).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"{", "it is left as it was");
}

/// A receipt of a release that was made so many days before noon.
fn made(coalition: &Coalition, days: i64, count: i64) -> (TableKey, Receipt) {
    let table = coalition.table("completers", &[]);
    let measured_at = *NOON - jiff::SignedDuration::from_hours(24 * days);
    let facts = coalition.facts(&table, PARTY, vec![count]);
    let of = (table.key(), 0, sealed(PARTY, ReleaseFacts { measured_at, ..facts }));
    let (head, mut recorded) = logged(PARTY, std::slice::from_ref(&of), 1);
    (of.0, Receipt { release: of.2, recorded: recorded.remove(0), head, note: None })
}

#[test]
fn what_is_older_than_releases_are_kept_is_deleted_and_heads_and_evidence_are_not() {
    let (coalition, dir) = (Coalition::new("coalition"), tempfile::tempdir().unwrap());
    let keep = Keep::new(dir.path().to_owned(), "maria".into());
    let (party, stranger) = (PARTY.parse().unwrap(), "stranger".parse().unwrap());
    for (revision, days) in [(0, 31), (1, 30), (2, 0), (3, 40)] {
        let (table, receipt) = made(&coalition, days, 100);
        keep.receipt(&party, table, revision, &receipt).unwrap();
        keep.head(&party, &receipt.head).unwrap();
    }
    let (table, other) = made(&coalition, 40, 101);
    keep.receipt(&party, table, 3, &other).unwrap();
    keep.receipt(&stranger, table, 0, &other).unwrap();
    let unreadable = dir.path().join("receipts").join(PARTY).join("notes.json");
    fs::write(&unreadable, "{").unwrap();

    let before = *NOON - jiff::SignedDuration::from_hours(24 * 30);
    let purged = keep.purge([&party], before).unwrap();
    assert_eq!(purged, PurgedReceipts { deleted: 1, contradicting: 2 });
    assert_eq!(keep.purge([&party], before).unwrap().deleted, 0);
    let left = files(&dir.path().join("receipts"));
    let count = |part: &str| left.iter().filter(|name| name.contains(part)).count();
    assert_eq!((count("-r0"), count("-r1"), count("-r2"), count("-r3")), (1, 1, 1, 2), "{left:?}");
    assert!(unreadable.exists() && keep.last_head(&party).unwrap().is_some());
    assert_eq!(Keep::receipts(dir.path()).unwrap().len(), 6);
}
