//! `check` and `rebuild`, on logs that are right and logs that are not.

use sumac_keys::{Root, TlsIdentity, Trust};
use sumac_policy::{PartyId, PeerRole};
use tokio::sync::watch;

use super::super::check::{Checked, IndexState};
use super::super::{Standing, frame, head::Head, rebuild};
use super::*;

/// A party's root, and an identity of its node.
pub(super) struct Party {
    pub(super) root: Root,
    pub(super) now: Timestamp,
}

impl Party {
    pub(super) fn new(id: &str) -> Self {
        let now = "2026-08-01T12:00:00Z".parse().unwrap();
        let id: PartyId = id.parse().unwrap();
        Self { root: Root::create(&id, id.as_str(), now).unwrap(), now }
    }

    pub(super) fn trust(&self) -> Trust {
        let pem = self.root.certificate_pem();
        Trust::new([(self.root.party().clone(), self.root.fingerprint(), pem)]).unwrap()
    }

    pub(super) fn signer(&self) -> Signer {
        let issued = self.root.issue(PeerRole::Node, "node", self.now).unwrap();
        let identity =
            TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes());
        crate::signer(watch::channel(Arc::new(identity.unwrap())).1)
    }
}

#[tokio::test]
async fn derives_what_the_records_say_while_a_node_serves_and_after() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let head = store.head().await.unwrap();
    let serving = check(dir.path(), None).unwrap();
    let expected = Checked {
        records: 7,
        heads: 6,
        unfinished_bytes: 0,
        head,
        signers: None,
        spent_nano_rho: [(YEAR.to_owned(), 200)].into(),
        lifetime_nano_rho: 200,
        charges: 2,
        releases: 1,
        purged: 0,
        undeleted: 0,
        bodies: Some(1),
        exported: None,
        lost_nano_rho: 0,
        standing: Standing::Itself,
        index: IndexState::InUse,
    };
    assert_eq!(serving, expected);
    drop(store);
    let stopped = check(dir.path(), None).unwrap();
    assert_eq!(stopped, Checked { index: IndexState::Agrees, ..expected.clone() });

    // A copy of the log alone, as an auditor gets it.
    let copy = TempDir::new().unwrap();
    fs::copy(log_path(dir.path()), log_path(copy.path())).unwrap();
    let copied = check(copy.path(), None).unwrap();
    assert_eq!(copied, Checked { bodies: None, index: IndexState::Missing, ..expected });
    assert_eq!(files(copy.path()).len(), 1, "a check leaves nothing behind");
}

#[tokio::test]
async fn an_index_is_told_to_agree_to_lag_or_to_lie() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let (index, old) = (dir.path().join("index"), dir.path().join("old"));
    fs::rename(&index, &old).unwrap();
    let store = open(dir.path());
    charged(store.charge(request(5)).await);
    drop(store);
    fs::remove_dir_all(&index).unwrap();
    fs::rename(&old, &index).unwrap();
    let state = |dir: &Path| check(dir, None).unwrap().index;
    assert_eq!(state(dir.path()), IndexState::Behind { records: 1 });
    fs::write(index.join("db"), "this is not what sled wrote").unwrap();
    assert_eq!(state(dir.path()), IndexState::Unreadable);

    let other = TempDir::new().unwrap();
    charged(open(other.path()).charge(request(9)).await);
    fs::remove_dir_all(&index).unwrap();
    fs::rename(other.path().join("index"), &index).unwrap();
    assert_eq!(state(dir.path()), IndexState::Disagrees);
    assert_eq!(rebuild(dir.path()).unwrap(), 8);
    assert_eq!(state(dir.path()), IndexState::Agrees);
    assert_eq!(opened(dir.path()), None);
}

#[tokio::test]
async fn rebuilding_waits_for_no_node_and_forgets_no_acknowledged_record() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    assert!(matches!(rebuild(dir.path()), Err(StoreError::Locked { .. })));
    let log = fs::read(log_path(dir.path())).unwrap();
    charged(store.charge(request(5)).await);
    drop(store);
    fs::write(log_path(dir.path()), log).unwrap();
    assert!(matches!(rebuild(dir.path()), Err(StoreError::Shorter { .. })));
    assert!(matches!(check(dir.path(), None), Err(StoreError::Shorter { .. })));
    let empty = TempDir::new().unwrap();
    assert!(matches!(rebuild(empty.path()), Err(StoreError::Read { .. })));
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn no_flipped_bit_passes() {
    let (dir, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    drop(history(dir.path()).await);
    let log = fs::read(log_path(dir.path())).unwrap();
    // A prime step meets every kind of byte.
    for bit in (0..log.len() * 8).step_by(7) {
        let mut flipped = log.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(log_path(copy.path()), &flipped).unwrap();
        assert!(check(copy.path(), None).is_err(), "bit {bit}");
    }
}

#[tokio::test]
async fn every_head_is_signed_by_the_partys_node() {
    let dir = TempDir::new().unwrap();
    let (lakeshore, harbor) = (Party::new("lakeshore-cc"), Party::new("harbor-tech"));
    // The second time with a renewed certificate.
    for n in [1, 2] {
        let (store, _) = Store::open(dir.path(), salts(), lakeshore.signer()).unwrap();
        charged(store.charge(ChargeRequest { at: lakeshore.now, ..request(n) }).await);
    }
    let checked = check(dir.path(), Some(&lakeshore.trust())).unwrap();
    let signers: Vec<_> = checked.signers.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(signers, ["sumac://lakeshore-cc/node/node"]);
    assert_eq!((checked.records, checked.heads), (4, 2));

    unsigned(check(dir.path(), Some(&harbor.trust())), 1, "no party `lakeshore-cc`");
    // Before its certificate, and after it.
    for (years, why) in [(-1, "is valid from"), (1, "expired")] {
        let dir = TempDir::new().unwrap();
        let (store, _) = Store::open(dir.path(), salts(), lakeshore.signer()).unwrap();
        let at = lakeshore.now + jiff::SignedDuration::from_hours(years * 8766);
        charged(store.charge(ChargeRequest { at, ..request(1) }).await);
        unsigned(check(dir.path(), Some(&lakeshore.trust())), 1, why);
    }
}

#[tokio::test]
async fn whoever_can_write_the_file_but_has_no_key_cannot_make_up_a_history() {
    let dir = TempDir::new().unwrap();
    let lakeshore = Party::new("lakeshore-cc");
    let (store, _) = Store::open(dir.path(), salts(), lakeshore.signer()).unwrap();
    charged(store.charge(ChargeRequest { at: lakeshore.now, ..request(1) }).await);
    drop(store);
    // The same log but for the charge, with good checksums, a good root and the old signature.
    let mut batch = Vec::new();
    let mut tree = super::super::tree::Tree::default();
    let mut heads = Vec::new();
    let all = scan::Stretch { from: Acknowledged::NOTHING, to: None, known: true };
    scan::walk(&log_path(dir.path()), &all, |found| {
        for placed in found.records {
            let text = String::from_utf8(placed.payload).unwrap();
            let cheaper = text.replace("\"price_nano_rho\":100,", "\"price_nano_rho\":1,");
            tree.push(super::super::tree::leaf(cheaper.as_bytes()));
            frame::encode(cheaper.as_bytes(), HEADER_BYTES, &mut batch);
        }
        heads.push(found.head);
        Ok(())
    })
    .unwrap();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let close_with = |head: &Head| {
        let mut batch = batch.clone();
        frame::encode(&head.encode(), HEADER_BYTES, &mut batch);
        fs::write(log_path(dir.path()), [&frame::header()[..], &batch].concat()).unwrap();
    };
    let forged = Head { root: tree.root(2), ..heads[0].clone() };
    assert_ne!(forged.root, heads[0].root);
    // The sum in the head is still the old one.
    close_with(&forged);
    let head = check(dir.path(), None).unwrap_err();
    assert!(matches!(head, StoreError::Damaged { source: Damage::Head, .. }), "{head}");
    close_with(&Head { spent_nano_rho: 1, ..forged });
    check(dir.path(), None).unwrap();
    unsigned(check(dir.path(), Some(&lakeshore.trust())), 1, "bytes were changed");
}

fn unsigned(checked: Result<Checked, StoreError>, record: u64, why: &str) {
    match checked {
        Err(StoreError::Damaged { record: at, source: Damage::Signature(said), .. }) => {
            assert_eq!(at, record);
            assert!(said.contains(why), "{said}");
        }
        other => panic!("{other:?}"),
    }
}
