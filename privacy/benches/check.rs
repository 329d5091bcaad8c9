//! How long it takes to read an MOU, check it, price its calendar, and to decide one question.
//!
//! `cargo bench -p sumac-privacy --bench check`. Prints medians; the example of 40 parties is the largest.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use sumac_policy::{Breakdown, Mou, Peer, PeerRole, Question, decide};
use sumac_privacy::forecast::forecast;
use sumac_privacy::sizes::Sizes;
use sumac_privacy::{budget, lint};

const EXAMPLES: [(&str, &str); 3] = [
    ("lakeshore", include_str!("../../examples/mou/lakeshore/mou.toml")),
    ("oulad", include_str!("../../examples/mou/oulad/mou.toml")),
    ("statewide", include_str!("../../examples/mou/statewide/mou.toml")),
];

const RUNS: usize = 101;

fn main() {
    for (name, text) in EXAMPLES {
        let mou = Mou::read(text.as_bytes()).unwrap();
        let sizes = Sizes::new(Vec::new(), Some(5_000));
        let check = || {
            let (mou, problems) = Mou::examine(text.as_bytes()).unwrap();
            (lint(&mou.unwrap()), problems)
        };
        println!(
            "{name}: {} parties, {} KPIs, {} tables",
            mou.parties().len(),
            mou.kpis().len(),
            mou.calendar_tables().len()
        );
        println!("  check (read, check, price)   {:>10.2?}", median(check));
        println!("  calendar                     {:>10.2?}", median(|| budget::calendar(&mou)));
        println!("  forecast                     {:>10.2?}", median(|| forecast(&mou, &sizes)));
        println!("  margins of equal shares      {:>10.2?}", median(|| budget::equal_shares(&mou)));
        println!("  decide                       {:>10.2?}", median(|| decided(&mou)));
    }
}

/// Whether the MOU's first asker may have its first KPI, on its first day.
fn decided(mou: &Mou) -> bool {
    let kpi = mou.kpis().first().unwrap();
    let question = Question {
        kpi: kpi.id.clone(),
        period: sumac_policy::Period::Year(mou.calendar().first_period),
        breakdown: Breakdown::total(),
        purpose: mou.terms().purposes.first().unwrap().clone(),
    };
    let asker = mou.roles().first().unwrap().party.clone().unwrap();
    let peer = Peer::verified_by_keys(asker, PeerRole::Analyst, "bench".to_owned());
    let roster: Vec<_> = mou.answering(kpi).map(|party| party.id.clone()).collect();
    decide(
        mou,
        &sumac_policy::Narrow::none(),
        roster.first().unwrap(),
        &peer,
        &question,
        &roster,
        mou.effective(),
    )
    .is_ok()
}

fn median<T>(run: impl Fn() -> T) -> Duration {
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed()
        })
        .collect();
    times.sort();
    times.get(RUNS / 2).copied().unwrap()
}
