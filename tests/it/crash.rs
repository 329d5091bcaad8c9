//! Real processes killed at the worst moments: SIGKILL, and whatever the kernel has not been told is gone.
//!
//! `moments` kills a node by what its ledger shows. The harness here kills it, and the verbs that write, at every
//! **durable step**: each call that changes a file or makes a change durable, counted by a small library that is
//! loaded into the shipped command (`shim.c`); before it, behind it, or with half of a write done. Behind each kill
//! `sumac ledger check` and `sumac ledger show` are held against all that any asker ever got, the process is started
//! again on what is left, and everything is asked again, twice (`scene`). What holds then: no charge and no answer;
//! a charge with its answer; or a charge that the next ask completes. Never an answer without a charge, a second
//! charge for a table, or other bytes for what somebody has.
//!
//! An ordinary run visits a share of the steps. Every step, and random ones until so many kills are made:
//!
//! ```sh
//! SUMAC_CRASH_KILLS=1000 cargo test --test it crash:: -- --nocapture
//! ```
//!
//! It ends in a summary. The kernel lives on, so that nothing here shows that syncs are where they must be: that is
//! what `node/src/store/tests/reordering.rs` does, on a disk that forgets.
//!
//! What a step is called and what is done is fixed by the seed; how the threads of a node and its askers interleave
//! is not, so that one step is not the same on every run.

mod moments;
mod scene;
pub(crate) mod shim;
mod visits;

use std::sync::Mutex;

pub(crate) use visits::kills;
use visits::{Found, Process, Visit, everywhere, learn, somewhere, visit_all};

/// Visits of an ordinary run: of each process, and rows of kills.
const SHARE: usize = 4;
const SHARE_OF_THE_NODE: usize = 18;
const ROWS: u64 = 1;

#[test]
fn no_kill_at_any_durable_step_breaks_a_promise() {
    if !shim::works_here() {
        return;
    }
    let full = std::env::var("SUMAC_CRASH_KILLS").ok();
    let full: Option<u64> = full.map(|text| text.parse().expect("SUMAC_CRASH_KILLS is a number"));
    let found = Mutex::new(Found::default());
    let mut visits = Vec::new();
    let mut node_steps = 0;
    for process in Process::ALL {
        let steps = learn(process);
        println!("{process:?} takes {} steps", steps.len());
        let mut all = match (full, process) {
            (Some(_), _) => everywhere(process, &steps),
            (None, Process::Node) => somewhere(process, &steps, SHARE_OF_THE_NODE),
            (None, _) => somewhere(process, &steps, SHARE),
        };
        if process == Process::Node {
            node_steps = steps.len();
        }
        visits.append(&mut all);
    }
    let row = |seed| Visit::Row { seed, steps: node_steps };
    visits.extend((0..ROWS).map(row));
    visit_all(&visits, &found);
    let mut seed = ROWS;
    while found.lock().unwrap().kills() < full.unwrap_or(0) {
        let rows: Vec<_> = (seed..seed + 8).map(row).collect();
        seed += 8;
        visit_all(&rows, &found);
    }
    let found = found.into_inner().unwrap();
    println!("{found}");
    assert!(found.has_all(), "a share that shows nothing:\n{found}");
}
