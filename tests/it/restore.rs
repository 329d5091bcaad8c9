//! A node whose disk is lost: what a backup and its askers give back, and what stays spent. Over real TLS.

mod again;
mod believed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use sumac_backbone::{Absence, Answers, Asker, HistoryDiffers, Keep, Notice, Wanted};
use sumac_node::remeasure::{self, Correction};
use sumac_node::resume::{self, ResumeError, Without};
use sumac_node::store::{self, Checked, Standing, Store, Summary, read_only};
use sumac_node::{Node, signer};
use sumac_policy::{Breakdown, Mou, PeerRole, Reason, Resolved};
use sumac_protocol::SignedRelease;
use tokio::sync::watch;

use crate::coalition::{Coalition, Parties, Serving, chance, freeze};
use crate::promises::{LAKESHORE, NOW};
use crate::receipts::copy;
use crate::same_answer::learners;

const COLLEGE: &str = "lakeshore-cc";
const CHAMBER: &str = "lakeshore-chamber";
/// A second party that may ask, where a test has one.
const TRANSIT: &str = "county-transit";

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

/// A college, its data and its ledger, and what was backed up of it.
struct College {
    coalition: Coalition,
    snapshots: PathBuf,
    ledger: PathBuf,
    backup: PathBuf,
    /// What askers keep.
    keeps: tempfile::TempDir,
    /// Another one each time that the node starts: nothing it measures twice comes out the same.
    seed: u64,
}

impl College {
    async fn under(mou: &str) -> Self {
        let coalition = Coalition::under(mou, PARTIES.clone(), &[COLLEGE]).await;
        let home = coalition.home(COLLEGE);
        let snapshots = home.join("snapshots");
        freeze(&coalition, &snapshots, &learners(40), &["2025-26"]);
        let (ledger, backup) = (home.join("ledger"), home.join("backup"));
        let keeps = tempfile::tempdir().unwrap();
        Self { coalition, snapshots, ledger, backup, keeps, seed: 0 }
    }

    async fn new() -> Self {
        Self::under(LAKESHORE).await
    }

    /// Where a second party may ask as well.
    async fn with_two_askers() -> Self {
        let asks = format!("transit = {{ party = \"{TRANSIT}\", may = [\"ask\"] }}\n[privacy]");
        Self::under(&LAKESHORE.replacen("[privacy]", &asks, 1)).await
    }

    async fn start(&mut self) -> Serving {
        self.seed += 1;
        let identity = self.coalition.identity_of_node(COLLEGE);
        let identity = watch::channel(Arc::new(identity)).1;
        let chance = chance(self.seed);
        let node: Arc<Node> = self
            .coalition
            .assemble(COLLEGE, identity, chance, &self.ledger, &self.snapshots)
            .await
            .unwrap();
        self.coalition.serve(COLLEGE, node).await
    }

    /// Copies the ledger of a node that does not serve.
    fn back_up(&self) {
        copy(&self.ledger, &self.backup);
        fs::remove_dir_all(self.backup.join("index")).unwrap();
    }

    /// The disk is lost, and the backup takes its place, as `sumac restore` puts it there.
    async fn restore(&self) {
        copy(&self.backup, &self.ledger);
        self.coalition.restored(COLLEGE, &self.ledger).await;
    }

    /// An analyst who keeps what comes back, in a home of this name.
    fn keeper(&self, party: &str, home: &str) -> Asker {
        let keep = Keep::new(self.home(home), format!("sumac://{party}/analyst/maria"));
        self.coalition.asker(party, PeerRole::Analyst).with_keep(keep)
    }

    fn chamber(&self) -> Asker {
        self.keeper(CHAMBER, "chamber")
    }

    fn home(&self, home: &str) -> PathBuf {
        self.keeps.path().join(home)
    }

    async fn ask(&self, asker: &Asker, by: &[&str]) -> Result<SignedRelease, Absence> {
        let wanted = [wanted(&self.coalition.mou, by)];
        let Answers { from, .. } = asker.ask(&"maria.1".parse().unwrap(), &wanted).await.remove(0);
        let (_, outcome) = from.into_iter().find(|(party, _)| party.as_str() == COLLEGE).unwrap();
        outcome.map(|verified| verified.signed().clone())
    }

    fn summary(&self) -> Summary {
        read_only(&self.ledger).unwrap()
    }

    fn spent(&self) -> u64 {
        self.summary().lifetime_nano_rho
    }

    fn checked(&self) -> Checked {
        let checked = store::check(&self.ledger, Some(&self.coalition.trust)).unwrap();
        assert_eq!(checked.lifetime_nano_rho, self.spent());
        checked
    }

    /// The ledger of a node that does not serve.
    fn store(&self) -> Store {
        let identity = self.coalition.identity_of_node(COLLEGE);
        let signer = signer(watch::channel(Arc::new(identity)).1);
        Store::open(&self.ledger, Box::new(|| [8; 32]), signer).unwrap().0
    }
}

fn wanted(mou: &Mou, by: &[&str]) -> Wanted {
    let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
    let period = "2025-26".parse().unwrap();
    let resolved = Resolved::of(mou, &"enrolment".parse().unwrap(), period, &by).unwrap();
    Wanted { table: resolved.table().clone(), purpose: mou.terms().purposes[0].clone() }
}

fn reason(outcome: Result<SignedRelease, Absence>) -> Reason {
    match outcome {
        Err(Absence::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// The one receipt in a home that is not in the other list.
fn receipts(home: &Path) -> Vec<PathBuf> {
    let kept = Keep::receipts(home).unwrap();
    kept.into_iter().map(|kept| kept.path).collect()
}

#[tokio::test]
async fn a_restore_returns_the_same_bytes_and_spends_nothing() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    let total = college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    let by_sex = college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();
    assert!(chamber.take_notices().is_empty());

    college.restore().await;
    assert!(college.spent() < before);
    let serving = college.start().await;
    // The first to come back gives the node all that it keeps, and is answered at once.
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    assert_eq!(college.ask(&chamber, &[]).await.unwrap(), total);
    let notices = chamber.take_notices();
    let [Notice::GaveBack { recovered: 1, awaiting, .. }, Notice::NewHistory { evidence, .. }] =
        notices.as_slice()
    else {
        panic!("{notices:?}")
    };
    assert!(awaiting.is_empty() && evidence.exists(), "{notices:?}");
    // Whoever never asked before gets them, too.
    let forgetful = college.coalition.asker(CHAMBER, PeerRole::Analyst);
    assert_eq!(college.ask(&forgetful, &["sex"]).await.unwrap(), by_sex);
    assert_eq!(college.spent(), before);
    // What was never measured is measured now.
    college.ask(&chamber, &["age_band"]).await.unwrap();
    serving.stop().await;
    assert_eq!(college.checked().lost_nano_rho, 0);
    assert!(college.spent() > before);

    // It is one history from here on: a restart continues it.
    let serving = college.start().await;
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    assert!(chamber.take_notices().is_empty());
    serving.stop().await;
}

#[tokio::test]
async fn answers_nothing_until_every_party_that_asks_was_heard() {
    let mut college = College::with_two_askers().await;
    let (chamber, transit) = (college.chamber(), college.keeper(TRANSIT, "transit"));
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    let by_sex = college.ask(&transit, &["sex"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();

    college.restore().await;
    let serving = college.start().await;
    let refused = college.ask(&chamber, &["sex"]).await;
    let Err(Absence::Refused(refusal)) = &refused else { panic!("{refused:?}") };
    assert!(refusal.message.contains(TRANSIT) && !refusal.message.contains(CHAMBER), "{refusal}");
    assert_eq!(reason(refused), Reason::Restored);
    // Not even who it is, or what an ask would cost.
    let described =
        chamber.describe().await.into_iter().find(|(party, _)| party.as_str() == COLLEGE);
    let (_, described) = described.unwrap();
    assert!(
        matches!(&described, Err(Absence::Refused(refusal)) if refusal.reason == Reason::Restored)
    );
    let forgetful = college.coalition.asker(TRANSIT, PeerRole::Analyst);
    assert_eq!(reason(college.ask(&forgetful, &["sex"]).await), Reason::Restored);
    // Only who asks for a party speaks for it.
    let keep = Keep::new(college.home("steward"), "sumac://county-transit/steward/maria".into());
    let steward = college.coalition.asker(TRANSIT, PeerRole::Steward).with_keep(keep);
    assert_eq!(reason(college.ask(&steward, &["sex"]).await), Reason::PartyMayNotAsk);
    serving.stop().await;
    // Whom it waits for outlives it.
    let Standing::Restored(waiting) = college.summary().standing else { panic!("it answers") };
    assert_eq!((waiting.awaited, waiting.heard), (vec![TRANSIT.into()], vec![CHAMBER.into()]));

    let serving = college.start().await;
    assert_eq!(college.ask(&transit, &["sex"]).await.unwrap(), by_sex);
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    serving.stop().await;
    assert_eq!((college.spent(), college.checked().lost_nano_rho), (before, 0));
}

#[tokio::test]
async fn what_nobody_holds_a_receipt_of_stays_spent_and_unanswered_until_it_is_remeasured() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    let total = college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let kept = receipts(&college.home("chamber"));
    let serving = college.start().await;
    let lost = college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();
    for file in receipts(&college.home("chamber")) {
        if !kept.contains(&file) {
            fs::remove_file(file).unwrap();
        }
    }

    college.restore().await;
    let serving = college.start().await;
    assert_eq!(college.ask(&chamber, &[]).await.unwrap(), total);
    assert_eq!(reason(college.ask(&chamber, &["sex"]).await), Reason::ReleaseLost);
    // Nobody can tell which one it was, so that none that may have been measured is measured again by itself.
    assert_eq!(reason(college.ask(&chamber, &["age_band"]).await), Reason::ReleaseLost);
    assert_eq!(college.spent(), before, "what was charged stays spent");
    serving.stop().await;
    assert_eq!(college.checked().lost_nano_rho, before / 2);

    let correction = Correction {
        kpi: "enrolment".into(),
        period: "2025-26".into(),
        by: vec!["sex".into()],
        because: "lost with the disk".into(),
    };
    let (store, now) = (college.store(), college.coalition.clock()());
    let plan = remeasure::order(&store, &college.coalition.mou, &correction, now).await.unwrap();
    assert_eq!((plan.revision, plan.spent_nano_rho), (1, before));
    drop(store);
    let serving = college.start().await;
    assert_ne!(college.ask(&chamber, &["sex"]).await.unwrap(), lost);
    serving.stop().await;
    assert_eq!(college.spent(), before + plan.price_nano_rho);
    college.checked();
}

#[tokio::test]
async fn what_only_an_earlier_version_lists_is_given_up_as_well() {
    let mut college = College::new().await;
    let serving = college.start().await;
    college.ask(&college.chamber(), &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let kept = receipts(&college.home("chamber"));
    let serving = college.start().await;
    college.ask(&college.chamber(), &["sex"]).await.unwrap();
    serving.stop().await;
    for file in receipts(&college.home("chamber")).iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(file).unwrap();
    }

    college.restore().await;
    college.coalition.amend("[\"sex\"], [\"age_band\"]]", "[\"age_band\"]]");
    let serving = college.start().await;
    college.ask(&college.chamber(), &[]).await.unwrap();
    serving.stop().await;
    college.coalition.amend("[\"age_band\"]]", "[\"sex\"], [\"age_band\"]]");
    let serving = college.start().await;
    assert_eq!(reason(college.ask(&college.chamber(), &["sex"]).await), Reason::ReleaseLost);
    serving.stop().await;
    college.checked();
}

#[tokio::test]
async fn a_table_that_was_added_up_comes_back_to_the_byte() {
    let by =
        "by          = [[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]     # [] is the total";
    let listed = "by          = [[\"sex\", \"age_band\"]]";
    let mut college = College::under(&LAKESHORE.replacen(by, listed, 1)).await;
    let chamber = college.chamber();
    let serving = college.start().await;
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    let both = college.ask(&chamber, &["sex", "age_band"]).await.unwrap();
    let by_sex = college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();
    for _ in 0..2 {
        college.restore().await;
        let serving = college.start().await;
        assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
        assert_eq!(college.ask(&chamber, &["sex", "age_band"]).await.unwrap(), both);
        serving.stop().await;
        assert_eq!((college.spent(), college.checked().lost_nano_rho), (before, 0));
    }
}

#[tokio::test]
async fn a_charge_of_the_backup_whose_release_was_lost_is_not_measured_again() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    // Charged, and its records could not be read.
    let current = fs::read_to_string(college.snapshots.join("current")).unwrap();
    let records = college.snapshots.join(current.trim()).join("enrolment.parquet");
    let good = fs::read(&records).unwrap();
    let serving = college.start().await;
    // Taken up, before it is damaged.
    college.ask(&chamber, &[]).await.unwrap();
    let end = good.len() - 8;
    let footer = u32::from_le_bytes(*good[end..].first_chunk().unwrap());
    let mut damaged = good.clone();
    damaged[4..end - usize::try_from(footer).unwrap()].fill(0);
    fs::write(&records, damaged).unwrap();
    assert!(matches!(college.ask(&chamber, &["sex"]).await, Err(Absence::Fault(_))));
    serving.stop().await;
    fs::write(&records, good).unwrap();
    assert_eq!((college.summary().charged_tables, college.summary().released_tables), (2, 1));
    college.back_up();
    let before = college.spent();
    let serving = college.start().await;
    let by_sex = college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    assert_eq!(college.spent(), before);

    // With its receipt it comes back; without, the charge alone does not let it be measured.
    let receipts = college.home("receipts");
    copy(&college.home("chamber"), &receipts);
    college.restore().await;
    let serving = college.start().await;
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    serving.stop().await;
    assert_eq!((college.spent(), college.checked().lost_nano_rho), (before, 0));

    fs::remove_dir_all(receipts.join("receipts")).unwrap();
    let without = college.keeper(CHAMBER, "receipts");
    college.restore().await;
    let serving = college.start().await;
    assert_eq!(reason(college.ask(&without, &["sex"]).await), Reason::ReleaseLost);
    assert!(college.ask(&without, &["age_band"]).await.is_ok(), "it was never paid for");
    serving.stop().await;
    college.checked();
}
