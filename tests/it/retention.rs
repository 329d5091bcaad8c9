//! Releases are kept for as long as the MOU says, at the node and at the asker; what was paid stays paid.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use sumac_backbone::{Absence, Asker, Keep, PurgedReceipts, Wanted};
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_node::remeasure::{self, Correction};
use sumac_node::store::{Checked, Store, check};
use sumac_node::{Node, signer};
use sumac_policy::{Breakdown, PeerRole, Question, Reason, Refusal, Resolved, TableName};
use sumac_protocol::{Preview, SignedRelease};
use tokio::sync::watch;

use crate::bodies::bodies;
use crate::coalition::{Coalition, Parties, Serving, freeze};
use crate::command::{CHAMBER, Site};

const NOW: &str = "2026-08-01T12:00:00Z";
const PARTY: &str = "lakeshore-cc";

/// The shipped example, with one breakdown of enrolment, and releases kept for a week.
static MOU: LazyLock<String> = LazyLock::new(|| {
    const LISTED: &str = "[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]     #";
    let example = include_str!("../../examples/mou/lakeshore/mou.toml");
    assert!(example.contains(LISTED));
    let listed = example.replacen(LISTED, "[[], [\"sex\", \"age_band\"]]     #", 1);
    format!("{listed}\n[after]\nkeep_releases_days = 7\n")
});

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(&MOU, NOW));

/// A college with some learners, and an analyst who keeps receipts.
struct Setting {
    coalition: Coalition,
    asker: Asker,
    kept: tempfile::TempDir,
}

impl Setting {
    async fn new() -> Self {
        let coalition = Coalition::under(&MOU, PARTIES.clone(), &[PARTY]).await;
        let people: Vec<PersonKey> = (0..60).map(|n| [n; 16]).collect();
        let of_each = |value: fn(i16) -> i16| (0..60).map(|n| Some(value(n))).collect();
        let learner = Rows {
            person: people.clone(),
            columns: vec![
                ("sex".into(), Values::Code((0..60).map(|n| n % 2).collect())),
                ("birth_year".into(), Values::Year(of_each(|n| 1970 + n % 40))),
            ],
        };
        // 1 September 2025.
        let starts = vec![Some(20_332); people.len()];
        let columns = vec![("term_start".into(), Values::Date(starts))];
        let enrolment = Rows { person: people, columns };
        let tables = [(TableName::Learner, learner), (TableName::Enrolment, enrolment)];
        let rows = Canonical { tables: BTreeMap::from(tables) };
        freeze(&coalition, &coalition.home(PARTY).join("snapshots"), &rows, &["2025-26"]);
        let kept = tempfile::tempdir().unwrap();
        let keep = Keep::new(kept.path().to_owned(), "sumac://lakeshore-chamber/analyst/m".into());
        let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst).with_keep(keep);
        Self { coalition, asker, kept }
    }

    async fn node(&self) -> Arc<Node> {
        let snapshots = self.coalition.home(PARTY).join("snapshots");
        self.coalition.node(PARTY, 1, &snapshots).await
    }

    async fn start(&self) -> Serving {
        self.coalition.serve(PARTY, self.node().await).await
    }

    fn wanted(&self, by: &[&str]) -> [Wanted; 1] {
        let breakdown = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
        let Question { kpi, period, purpose, .. } = Question {
            kpi: "enrolment".parse().unwrap(),
            period: "2025-26".parse().unwrap(),
            breakdown: breakdown.clone(),
            purpose: "annual-report".parse().unwrap(),
        };
        let resolved = Resolved::of(&self.coalition.mou, &kpi, period, &breakdown).unwrap();
        [Wanted { table: resolved.table().clone(), purpose }]
    }

    async fn ask(&self, by: &[&str]) -> Result<SignedRelease, Absence> {
        let answers = self.asker.ask(&"maria.1".parse().unwrap(), &self.wanted(by)).await.remove(0);
        let (_, outcome) =
            answers.from.into_iter().find(|(party, _)| *party == PARTY.parse().unwrap()).unwrap();
        outcome.map(|verified| verified.signed().clone())
    }

    async fn is_purged(&self, by: &[&str]) -> Refusal {
        match self.ask(by).await {
            Err(Absence::Refused(refusal)) if refusal.reason == Reason::ReleasePurged => refusal,
            other => panic!("{other:?}"),
        }
    }

    fn after(&self, days: i64) {
        let now: Timestamp = NOW.parse().unwrap();
        self.coalition.step_to(now + SignedDuration::from_hours(24 * days));
    }

    fn ledger(&self) -> PathBuf {
        self.coalition.ledger(PARTY, 1)
    }

    fn checked(&self) -> Checked {
        check(&self.ledger(), Some(&self.coalition.trust)).unwrap()
    }
}

fn is_in(folder: &Path, part: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => is_in(&path, part),
            false => fs::read(path).unwrap().windows(part.len()).any(|found| found == part),
        }
    })
}

#[tokio::test]
async fn after_its_days_a_release_is_gone_from_the_node_and_its_table_stays_spent() {
    let setting = Setting::new().await;
    let serving = setting.start().await;
    let release = setting.ask(&["sex", "age_band"]).await.unwrap();
    let derived = setting.ask(&["sex"]).await.unwrap();
    setting.after(6);
    let total = setting.ask(&[]).await.unwrap();
    assert_eq!(setting.ask(&["sex"]).await.unwrap(), derived);
    serving.stop().await;
    let before = setting.checked();
    assert!(is_in(&setting.ledger(), &release.signature));

    // Exactly seven days are kept.
    setting.after(7);
    let serving = setting.start().await;
    assert_eq!(setting.ask(&["sex", "age_band"]).await.unwrap(), release);
    serving.stop().await;
    setting.after(8);
    let serving = setting.start().await;
    let refusal = setting.is_purged(&["sex", "age_band"]).await;
    assert_eq!(refusal.clause.as_str(), "after.keep_releases_days");
    assert!(refusal.hint.contains("sumac remeasure"), "{}", refusal.hint);
    setting.is_purged(&["sex"]).await;
    assert_eq!(setting.ask(&[]).await.unwrap(), total);
    let previewed = setting.asker.preview(&setting.wanted(&["sex", "age_band"])).await.remove(0);
    let (_, preview) =
        previewed.from.into_iter().find(|(party, _)| *party == PARTY.parse().unwrap()).unwrap();
    assert!(matches!(preview, Ok(Preview::Refused(_))), "{preview:?}");
    serving.stop().await;
    for gone in [&release, &derived] {
        assert!(!is_in(&setting.ledger(), &gone.signature));
        assert!(!is_in(&setting.ledger(), hex(&gone.signature).as_bytes()));
    }
    let checked = setting.checked();
    assert_eq!((checked.purged, checked.undeleted, checked.bodies), (2, 0, Some(1)));
    assert_eq!((checked.charges, checked.releases), (2, 2));
    assert_eq!(checked.lifetime_nano_rho, before.lifetime_nano_rho);
    assert_eq!(bodies(&setting.ledger()).unwrap().len(), 1);

    // The words for people.
    let site = Site::new();
    let ledger = setting.ledger();
    let ledger = ledger.to_str().unwrap();
    let said = site.run(CHAMBER, &["ledger", "check", "--ledger", ledger]).well();
    assert!(
        said.out.contains("purged      2: deleted, their tables stay paid for\n"),
        "{}",
        said.out
    );
    let said = site.run(CHAMBER, &["ledger", "show", "--ledger", ledger]).well();
    assert!(said.out.contains("(deleted)"), "{}", said.out);
    assert!(
        said.out.contains("1 release, which stays paid for, and 1 table added up"),
        "{}",
        said.out
    );
}

#[tokio::test]
async fn a_node_that_serves_for_long_deletes_once_a_day() {
    let setting = Setting::new().await;
    let serving = setting.start().await;
    setting.ask(&[]).await.unwrap();
    serving.stop().await;
    let node = setting.node().await;
    for (days, left) in [(1, 1), (7, 1), (8, 0)] {
        setting.after(days);
        node.purge().await.unwrap();
        assert_eq!(bodies(&setting.ledger()).unwrap().len(), left, "day {days}");
    }
    drop(node);
    assert_eq!(setting.checked().purged, 1);
}

#[tokio::test]
async fn a_deleted_release_is_measured_anew_on_order_alone() {
    let setting = Setting::new().await;
    let serving = setting.start().await;
    let old = setting.ask(&[]).await.unwrap();
    serving.stop().await;
    setting.after(8);
    setting.start().await.stop().await;
    let now = setting.coalition.clock()();
    let identity = watch::channel(Arc::new(setting.coalition.identity(PARTY, PeerRole::Node))).1;
    let (store, _) =
        Store::open(&setting.ledger(), Box::new(|| [5; 32]), signer(identity)).unwrap();
    let correction = Correction {
        kpi: "enrolment".into(),
        period: "2025-26".into(),
        by: Vec::new(),
        because: "the report is needed again".into(),
    };
    let plan = remeasure::order(&store, &setting.coalition.mou, &correction, now).await.unwrap();
    assert_eq!(plan.revision, 1);
    drop(store);
    let serving = setting.start().await;
    let new = setting.ask(&[]).await.unwrap();
    assert_ne!(new, old);
    assert_eq!(setting.ask(&[]).await.unwrap(), new);
    serving.stop().await;
    let checked = setting.checked();
    assert_eq!((checked.charges, checked.releases, checked.purged), (2, 2, 1));
}

#[tokio::test]
async fn an_asker_keeps_receipts_no_longer_and_heads_for_ever() {
    let setting = Setting::new().await;
    let serving = setting.start().await;
    setting.ask(&["sex", "age_band"]).await.unwrap();
    setting.after(5);
    let total = setting.ask(&[]).await.unwrap();
    let receipts = || Keep::receipts(setting.kept.path()).unwrap();
    assert_eq!(setting.asker.purge_receipts().unwrap(), PurgedReceipts::default());
    assert_eq!(receipts().len(), 2);
    setting.after(8);
    let purged = PurgedReceipts { deleted: 1, contradicting: 0 };
    assert_eq!(setting.asker.purge_receipts().unwrap(), purged);
    let left = receipts();
    assert_eq!(left.len(), 1);
    let receipt = left[0].receipt.as_ref().unwrap();
    assert_eq!(receipt.release, total);
    receipt.verify(&setting.coalition.mou, &setting.coalition.trust).unwrap();
    // The node's history is still held against what was seen of it.
    assert!(setting.kept.path().join("heads/lakeshore-cc.json").exists());
    assert_eq!(setting.ask(&[]).await.unwrap(), total);
    serving.stop().await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
