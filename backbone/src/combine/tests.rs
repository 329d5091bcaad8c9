#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use sumac_policy::Reason;

use super::*;
use crate::connect::Unreachable;
use crate::testing::{Coalition, sealed};

/// ±10 in one cell.
const VARIANCE: f64 = (250.0 / 49.0) * (250.0 / 49.0);

fn away() -> Result<Verified, Absence> {
    Err(Absence::Unreachable(Unreachable::Busy))
}

#[test]
fn adds_cells_and_margins_of_those_who_answered() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    let [one, two] = [vec![1200, 1300, 40, 0], vec![300, 500, 60, -4]];
    let combined = coalition.combined(
        &table,
        [
            Ok(coalition.verified(&table, "lakeshore-cc", one)),
            Ok(coalition.verified(&table, "harbor-tech", two)),
        ],
    );
    let sums: Vec<_> = combined.groups.iter().map(|group| group.sums[0]).collect();
    assert_eq!(sums, [1500, 1800, 100, -4]);
    // √(10² + 10²) = 14.1…, rounded up
    assert_eq!(combined.groups[0].shown, Shown::Count(Count { value: 1500, margin: 15 }));
    assert_eq!(combined.groups[3].shown, Shown::Withheld(Withholding::BelowFloor));
    assert!(combined.may_count_twice());
    assert_eq!(combined.price, NanoRho::new(19_208_000));
}

#[test]
fn a_missing_partner_is_stated_and_the_rest_still_adds_up() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let good = Ok(coalition.verified(&table, "harbor-tech", vec![812]));
    let combined = coalition.combined(&table, [away(), good]);
    assert_eq!(combined.coverage.answered, ["harbor-tech".parse().unwrap()]);
    let (party, absence) = &combined.coverage.missing[0];
    assert_eq!((party.as_str(), absence.word()), ("lakeshore-cc", "unreachable"));
    assert_eq!(combined.groups[0].shown, Shown::Count(Count { value: 812, margin: 10 }));
    assert!(!combined.may_count_twice());
    let nobody = coalition.combined(&table, [away(), away()]);
    assert!(nobody.groups.is_empty() && nobody.coverage.answered.is_empty());
    assert_eq!(nobody.coverage.missing.len(), 2);
}

#[test]
fn a_rate_is_a_share_with_an_interval_and_the_learners_behind_it() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &[]);
    let combined = coalition.combined(
        &table,
        [
            Ok(coalition.verified(&table, "lakeshore-cc", vec![400, 600])),
            Ok(coalition.verified(&table, "harbor-tech", vec![200, 800])),
        ],
    );
    let Shown::Rate { rate, low, high, size, outcomes } = &combined.groups[0].shown else {
        panic!("{:?}", combined.groups[0]);
    };
    assert!((rate - 0.3).abs() < 1e-12 && *low < 0.3 && 0.3 < *high && high - low < 0.02);
    assert_eq!(*size, Count { value: 2000, margin: 20 });
    assert_eq!(outcomes[..], [Count { value: 600, margin: 15 }, Count { value: 1400, margin: 15 }]);
}

#[test]
fn groups_run_in_the_order_of_the_code_lists_the_last_dimension_fastest() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["sex", "age_band"]);
    let cells = vec![500; table.cells()];
    let combined =
        coalition.combined(&table, [Ok(coalition.verified(&table, "lakeshore-cc", cells)), away()]);
    let axes: Vec<_> = table.dimensions().iter().map(|dimension| &dimension.codes).collect();
    let expected: Vec<_> = axes[0]
        .iter()
        .flat_map(|sex| axes[1].iter().map(|age| vec![sex.clone(), age.clone()]))
        .collect();
    let found: Vec<_> = combined.groups.iter().map(|group| group.codes.clone()).collect();
    assert_eq!(found, expected);
}

#[test]
fn shows_a_group_from_the_floor_and_its_guard_upwards_and_not_before() {
    let coalition = Coalition::new("coalition");
    for (kpi, outcomes) in [("completers", 1), ("attainment", 2)] {
        let table = coalition.table(kpi, &[]);
        let guard = sumac_privacy::guard(VARIANCE * f64::from(outcomes));
        let from = i64::try_from(10 + guard).unwrap();
        for (size, is_shown) in [(from, true), (from - 1, false), (0, false), (-300, false)] {
            let mut cells = vec![0; usize::try_from(outcomes).unwrap()];
            cells[0] = size;
            let release = Ok(coalition.verified(&table, "lakeshore-cc", cells));
            let combined = coalition.combined(&table, [release, away()]);
            let shown = &combined.groups[0].shown;
            assert_eq!(
                *shown != Shown::Withheld(Withholding::BelowFloor),
                is_shown,
                "{kpi} {size}: {shown:?}"
            );
        }
    }
}

/// Probability of each sum of `draws` discrete Gaussians of deviation `sigma`, from −reach to reach.
fn sums_of_noise(sigma: f64, draws: usize, reach: i32) -> Vec<f64> {
    let weight = |value: i32| (-f64::from(value).powi(2) / (2.0 * sigma * sigma)).exp();
    let total: f64 = (-reach..=reach).map(weight).sum();
    let one: Vec<f64> = (-reach..=reach).map(|value| weight(value) / total).collect();
    let middle = one.len() / 2;
    let mut sum = one.clone();
    for _ in 1..draws {
        let mut next = vec![0.0; one.len()];
        for (at, left) in sum.iter().enumerate() {
            for (step, right) in one.iter().enumerate() {
                if let Some(place) = (at + step).checked_sub(middle).and_then(|at| next.get_mut(at))
                {
                    *place += left * right;
                }
            }
        }
        sum = next;
    }
    sum
}

/// How likely a true group of floor − 1 learners is shown: its noise must reach guard + 1.
fn shown_below_the_floor(sigma: f64, cells: usize, nodes: usize) -> (u64, f64) {
    const REACH: i32 = 400;
    let draws = cells * nodes;
    let guard = sumac_privacy::guard(sigma * sigma * f64::from(u32::try_from(draws).unwrap()));
    let from = usize::try_from(REACH).unwrap() + usize::try_from(guard).unwrap() + 1;
    (guard, sums_of_noise(sigma, draws, REACH)[from..].iter().sum())
}

#[test]
fn the_guard_agrees_with_the_reference_table() {
    // domain reference, section 5: σ, cells m, nodes k, guard, P(shown, true n = floor − 1)
    for (sigma, cells, nodes, guard, probability) in
        [(5.0, 2, 1, 17, 0.0066), (5.0, 2, 3, 29, 0.0080), (5.0, 2, 7, 44, 0.0087)]
    {
        let (found_guard, found) = shown_below_the_floor(sigma, cells, nodes);
        assert_eq!(found_guard, guard);
        assert!((found - probability).abs() < 0.00005, "{sigma} {cells} {nodes}: {found}");
    }
}

#[test]
fn a_group_below_the_floor_is_shown_at_most_once_in_a_hundred_times() {
    for margin in [5.0, 10.0, 15.0, 30.0] {
        for (cells, nodes) in [(1, 1), (2, 1), (4, 1), (2, 3)] {
            let (_, found) = shown_below_the_floor(margin * 25.0 / 49.0, cells, nodes);
            assert!(found > 0.001 && found <= 0.01, "±{margin}, {cells} × {nodes}: {found}");
        }
    }
}

#[test]
fn zero_and_withheld_look_the_same() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    let release = Ok(coalition.verified(&table, "lakeshore-cc", vec![0, 9, -9, 21]));
    let combined = coalition.combined(&table, [release, away()]);
    for group in &combined.groups {
        assert_eq!(group.shown, Shown::Withheld(Withholding::BelowFloor));
    }
}

#[test]
fn a_number_of_too_few_parties_is_withheld_however_large() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("hires", &[]);
    let all = ["northside-health", "county-transit", "bay-fabrication"];
    let release = |party: &str| Ok(coalition.verified(&table, party, vec![5000]));
    let enough = coalition.combined(&table, all.map(release));
    assert!(matches!(enough.groups[0].shown, Shown::Count(Count { value: 15_000, .. })));
    let few = coalition.combined(&table, [release(all[0]), release(all[1]), away()]);
    assert_eq!(few.groups[0].shown, Shown::Withheld(Withholding::TooFewParties));
    // The same where a node withheld its own small group.
    let small = Ok(coalition.withholding(&table, all[2], vec![0], &[0]));
    let hidden = coalition.combined(&table, [release(all[0]), release(all[1]), small]);
    assert_eq!(hidden.groups[0].shown, Shown::Withheld(Withholding::TooFewParties));
    assert_eq!(hidden.groups[0].withheld_by, [all[2].parse().unwrap()]);
}

#[test]
fn where_each_node_judges_the_floor_its_small_groups_are_left_out_and_said_so() {
    let coalition = Coalition::new("node");
    let table = coalition.table("completers", &["sex"]);
    let combined = coalition.combined(
        &table,
        [
            Ok(coalition.withholding(&table, "lakeshore-cc", vec![900, 0, 0, 0], &[1, 2, 3])),
            Ok(coalition.withholding(&table, "harbor-tech", vec![800, 700, 0, 0], &[2, 3])),
        ],
    );
    let shown: Vec<_> = combined.groups.iter().map(|group| group.shown.clone()).collect();
    let below = Shown::Withheld(Withholding::BelowFloor);
    assert_eq!(
        shown,
        [
            Shown::Count(Count { value: 1700, margin: 15 }),
            Shown::Count(Count { value: 700, margin: 10 }),
            below.clone(),
            below,
        ]
    );
    assert_eq!(combined.groups[1].withheld_by, ["lakeshore-cc".parse().unwrap()]);
}

#[test]
fn a_rate_whose_denominator_is_lost_in_noise_is_not_shown() {
    // Only where nodes judge the floor can such a group come this far.
    let coalition = Coalition::new("node");
    let table = coalition.table("attainment", &[]);
    let release = Ok(coalition.withholding(&table, "lakeshore-cc", vec![3, 9], &[]));
    let combined = coalition.combined(&table, [release, away()]);
    assert_eq!(combined.groups[0].shown, Shown::Withheld(Withholding::TooNoisy));
}

#[test]
fn noise_below_zero_is_shown_as_zero() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &[]);
    let release = Ok(coalition.verified(&table, "lakeshore-cc", vec![-7, 500]));
    let combined = coalition.combined(&table, [release, away()]);
    assert_eq!(combined.groups[0].sums, [-7, 500]);
    let Shown::Rate { rate, low, outcomes, .. } = &combined.groups[0].shown else {
        panic!("{:?}", combined.groups[0]);
    };
    assert!(*rate <= 0.0 && *low <= 0.0);
    assert_eq!(outcomes[0].value, 0);
}

#[test]
fn an_unsound_release_is_not_added_up() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let other = coalition.table("completers", &["sex"]);
    let good = Ok(coalition.verified(&table, "harbor-tech", vec![400]));
    let wrong = sealed("lakeshore-cc", coalition.facts(&other, "lakeshore-cc", vec![1, 2, 3, 4]));
    let unsound = coalition.check(&table, "lakeshore-cc", wrong).map_err(Absence::Unsound);
    let combined = coalition.combined(&table, [unsound, good]);
    assert_eq!(combined.groups[0].sums, [400]);
    assert_eq!(combined.coverage.missing[0].1.word(), "unsound");
}

#[test]
fn a_refusal_keeps_its_reason() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let refusal = sumac_policy::Refusal {
        reason: Reason::PeriodNotHeld,
        clause: sumac_policy::Clause::at("calendar"),
        message: "this node's data does not cover 2025-26".into(),
        hint: "import data that covers it".into(),
    };
    let combined = coalition.combined(&table, [Err(Absence::Refused(refusal.clone())), away()]);
    assert_eq!(combined.coverage.missing[0].1, Absence::Refused(refusal));
}
