//! How fast the ledger charges, beside the disk it stands on, and how fast a long one opens.
//!
//! `cargo bench -p sumac-node --bench ledger -- [DIR]`. Disks differ and so does their mood: the ratios matter.
//! Each bare write is as long as a charge with its head, so the disk does the same work for both.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark may panic")]

use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{env, iter};

use jiff::Timestamp;
use jiff::civil::date;
use sumac_keys::{Root, TlsIdentity};
use sumac_node::signer;
use sumac_node::store::{Asked, Charge, ChargeRequest, Charging, Note, Store, check};
use sumac_policy::{Margin, PeerRole, Sha256, Span, TableKey};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Charges of one asker, bare writes beside them, and charges of many askers, in each round.
const ALONE: u64 = 1_000;
const TOGETHER: u64 = 16_000;
const ASKERS: u64 = 64;
const ROUNDS: u64 = 5;
/// The same with a release after each.
const RELEASED_ALONE: u64 = 300;
const RELEASED_TOGETHER: u64 = 9_600;

/// The long log: tables paid for, released and asked for, and then repeats, a million records in all.
const TABLES: u64 = 20_000;
const RECORDS: u64 = 1_000_000;
/// Bytes of a release; one of forty cells has about as many, sealed.
const RELEASE: usize = 1_200;

fn main() {
    // Cargo adds a flag of its own.
    let mut arguments = env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let scratch = tempfile::tempdir().unwrap();
    let dir = arguments.next().map_or(scratch.path().to_owned(), PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = Bench { identity: identity(), dir };
    runtime.block_on(bench.charging());
    runtime.block_on(bench.releasing());
    runtime.block_on(bench.opening());
}

struct Bench {
    identity: watch::Receiver<Arc<TlsIdentity>>,
    dir: PathBuf,
}

impl Bench {
    async fn charging(&self) {
        let dir = self.fresh("charging");
        let store = Arc::new(self.open(&dir));
        let mut bare = File::create(self.dir.join("bare")).unwrap();
        // The first batch also names the signer.
        new(store.charge(request(u64::MAX)).await.unwrap());
        let before = length(&dir);
        new(store.charge(request(u64::MAX - 1)).await.unwrap());
        let bytes = vec![b'x'; usize::try_from(length(&dir) - before).unwrap()];
        println!("a charge alone and its head: {} bytes", bytes.len());
        println!(
            "{:>14} {:>14} {:>14} {:>10} {:>10}",
            "bare/s", "1 asker/s", "64 askers/s", "1:bare", "64:1"
        );
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let begun = Instant::now();
            for _ in 0..ALONE {
                bare.write_all(&bytes).unwrap();
                bare.sync_data().unwrap();
            }
            let bare = per_second(ALONE, begun);
            let first = round * (ALONE + TOGETHER);
            let begun = Instant::now();
            for n in first..first + ALONE {
                new(store.charge(request(n)).await.unwrap());
            }
            let alone = per_second(ALONE, begun);
            let begun = Instant::now();
            charge_together(&store, first + ALONE).await;
            let together = per_second(TOGETHER, begun);
            let (to_bare, to_alone) = (alone / bare, together / alone);
            println!("{bare:14.0} {alone:14.0} {together:14.0} {to_bare:10.2} {to_alone:10.1}");
            ratios.push(to_alone);
        }
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.get(ratios.len() / 2).unwrap();
        println!(
            "64 askers charge {middle:.1} times as fast as one (median of {ROUNDS}; target: 10)\n"
        );
    }

    /// The same with a release after each charge, which is synced before the record that names it.
    async fn releasing(&self) {
        let dir = self.fresh("releasing");
        let store = Arc::new(self.open(&dir));
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let first = round * (RELEASED_ALONE + RELEASED_TOGETHER);
            let begun = Instant::now();
            release(&store, first..first + RELEASED_ALONE).await;
            let alone = per_second(RELEASED_ALONE, begun);
            let begun = Instant::now();
            let each = RELEASED_TOGETHER / ASKERS;
            let mut askers = JoinSet::new();
            for asker in 0..ASKERS {
                let (store, first) = (Arc::clone(&store), first + RELEASED_ALONE + asker * each);
                askers.spawn(async move { release(&store, first..first + each).await });
            }
            askers.join_all().await;
            let to_alone = per_second(RELEASED_TOGETHER, begun) / alone;
            ratios.push(to_alone);
        }
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.get(ratios.len() / 2).unwrap();
        println!("64 askers charge and release {middle:.1} times as fast as one (target: 10)\n");
    }

    async fn opening(&self) {
        let dir = self.fresh("opening");
        let begun = Instant::now();
        let store = Arc::new(self.open(&dir));
        fill(&store).await;
        let records = store.head().await.unwrap().unwrap().head.size;
        drop(store);
        let megabytes = length(&dir) >> 20;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{records} records, {megabytes} MiB, written in {seconds:.1} s");
        for (what, target) in [("with a good index", 1), ("without an index", 10)] {
            let seconds = (0..3).map(|_| {
                if target == 10 {
                    fs::remove_dir_all(dir.join("index")).unwrap();
                }
                let begun = Instant::now();
                let store = self.open(&dir);
                let seconds = begun.elapsed().as_secs_f64();
                drop(store);
                seconds
            });
            let times: Vec<_> = seconds.map(|seconds| format!("{seconds:.2}")).collect();
            println!("opened {what} in {} s (target: under {target})", times.join(", "));
        }
        let begun = Instant::now();
        let checked = check(&dir, None).unwrap();
        println!("checked {} records in {:.1} s", checked.records, begun.elapsed().as_secs_f64());
    }

    fn open(&self, dir: &Path) -> Store {
        let mut salt = 0_u64;
        let salts = move || {
            salt += 1;
            *Sha256::of(&salt.to_le_bytes()).as_bytes()
        };
        Store::open(dir, Box::new(salts), signer(self.identity.clone())).unwrap().0
    }

    fn fresh(&self, name: &str) -> PathBuf {
        let dir = self.dir.join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir
    }
}

async fn release(store: &Store, tables: Range<u64>) {
    for n in tables {
        let charge = new(store.charge(request(n)).await.unwrap());
        store.settle(charge, vec![7; RELEASE], NOW).await.unwrap();
    }
}

async fn charge_together(store: &Arc<Store>, first: u64) {
    let each = TOGETHER / ASKERS;
    let mut askers = JoinSet::new();
    for asker in 0..ASKERS {
        let (store, first) = (Arc::clone(store), first + asker * each);
        askers.spawn(async move {
            for n in first..first + each {
                new(store.charge(request(n)).await.unwrap());
            }
        });
    }
    askers.join_all().await;
}

/// Each asker pays for its share of the tables, settles and asks for them, and then asks again and again.
async fn fill(store: &Arc<Store>) {
    let mut askers = JoinSet::new();
    for asker in 0..ASKERS {
        let store = Arc::clone(store);
        askers.spawn(async move {
            let mine = (asker..TABLES).step_by(usize::try_from(ASKERS).unwrap());
            let mut left = RECORDS / ASKERS;
            for n in mine.clone() {
                let charge = new(store.charge(request(n)).await.unwrap());
                store.settle(charge, vec![7; RELEASE], NOW).await.unwrap();
                store.note(asked(n, "RELEASED"), NOW).await.unwrap();
                left -= 3;
            }
            for n in iter::repeat_with(|| mine.clone()).flatten() {
                if left == 0 {
                    break;
                }
                store.note(asked(n, "REPEATED"), NOW).await.unwrap();
                left -= 1;
            }
        });
    }
    askers.join_all().await;
}

const NOW: Timestamp = Timestamp::constant(1_785_585_600, 0);

fn new(charging: Charging) -> Charge {
    match charging {
        Charging::New(charge) => charge,
        other => panic!("{other:?}"),
    }
}

fn table(n: u64) -> TableKey {
    TableKey::from(*Sha256::of(&n.to_le_bytes()).as_bytes())
}

fn request(n: u64) -> ChargeRequest {
    ChargeRequest {
        table: table(n),
        year: "2026-27".into(),
        span: Span { first: date(2026, 7, 1), last: date(2027, 6, 30) },
        margin: Margin::new(15).unwrap(),
        budget_nano_rho: u64::MAX,
        price_nano_rho: 8_536_889,
        snapshot: "20260801T120000Z-0011223344556677".into(),
        mou: Sha256::from([1; 32]),
        kpi: "completers".into(),
        period: "2025-26".into(),
        leave: sumac_node::store::Leave::NotNeeded,
        breakdown: vec!["race_ethnicity".into(), "sex".into()],
        at: NOW,
    }
}

fn asked(n: u64, outcome: &str) -> Note {
    Note::Asked(Asked {
        request_id: format!("maria.{n}"),
        peer: "sumac://lakeshore-chamber/analyst/maria".into(),
        table: Some(table(n)),
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["race_ethnicity".into(), "sex".into()],
        purpose: "annual-report".into(),
        outcome: outcome.into(),
    })
}

fn identity() -> watch::Receiver<Arc<TlsIdentity>> {
    let root = Root::create(&"lakeshore-cc".parse().unwrap(), "Lakeshore", NOW).unwrap();
    let issued = root.issue(PeerRole::Node, "node", NOW).unwrap();
    let identity =
        TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    watch::channel(Arc::new(identity)).1
}

fn length(dir: &Path) -> u64 {
    dir.join("ledger.log").metadata().unwrap().len()
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn per_second(count: u64, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}
