#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use super::*;
use crate::testing::Coalition;

/// Attained and not, of women, men, another gender and unknown, at the one college.
fn by(dimensions: &[&str], cells: Vec<i64>) -> Vec<Option<Gap>> {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", dimensions);
    let release = coalition.verified(&table, "lakeshore-cc", cells);
    gaps(&coalition.combined(&table, [Ok(release)]))
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}

#[test]
fn each_group_is_compared_with_all_others_that_are_shown() {
    // 600 of 1,000; 300 of 1,000; 100 of 500. Unknown is below the floor.
    let found = by(&["sex"], vec![600, 400, 300, 700, 100, 400, 3, 2]);
    let [women, men, another] = [0, 1, 2].map(|place| found[place].unwrap());
    close(women.difference, 0.6 - 400.0 / 1500.0);
    close(men.difference, 0.3 - 700.0 / 1500.0);
    close(another.difference, 0.2 - 900.0 / 2000.0);
    assert_eq!(found[3], None);
    assert!(!women.is_flagged() && men.is_flagged() && another.is_flagged());
}

#[test]
fn a_group_is_flagged_from_what_chance_explains_and_two_points_at_least() {
    // 1.96 · √(0.5 · 0.5 / 400) is 4.9 points; of 10,000 learners it would be one point, and two count.
    for (cells, from, flagged) in [
        (vec![200, 200, 549, 451, 0, 0, 0, 0], 0.049, true),
        (vec![200, 200, 548, 452, 0, 0, 0, 0], 0.049, false),
        (vec![5_000, 5_000, 5_200, 4_800, 0, 0, 0, 0], 0.02, true),
        (vec![5_000, 5_000, 5_199, 4_801, 0, 0, 0, 0], 0.02, false),
    ] {
        let women = by(&["sex"], cells.clone())[0].unwrap();
        close(women.flagged_from, from);
        // Half a learner of ten thousand away from where rounding would decide.
        let nudged = Gap { difference: women.difference - 0.000_05, ..women };
        assert_eq!(nudged.is_flagged(), flagged, "{cells:?}: {women:?}");
    }
}

#[test]
fn who_stands_alone_or_in_no_rate_by_one_dimension_has_no_gap() {
    assert_eq!(by(&["sex"], vec![600, 400, 1, 2, 0, 0, 0, 0]), [None; 4]);
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let release = coalition.verified(&table, "lakeshore-cc", vec![900]);
    assert_eq!(gaps(&coalition.combined(&table, [Ok(release)])), [None]);
}
