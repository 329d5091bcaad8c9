//! One table's counts over another's, from numbers that are shown already: so it costs nothing more and tells nothing
//! new. Hires over completers are such a ratio.
//!
//! Nobody is matched. Whoever is in the first table need not be in the second, so a ratio may exceed what is true of
//! either's learners, and one.

use sumac_privacy::ratio_interval;

use crate::combine::{Combined, Count, Group, Interval, Shown};

/// A table over another of the same period and breakdown.
#[derive(Debug, Clone)]
pub struct Over<'a> {
    /// What is divided.
    pub above: &'a Combined,
    /// What it is divided by.
    pub below: &'a Combined,
    /// One for each of their groups, in the order of the tables'; none where either is withheld or lacks the learners of a
    /// node that withheld its own small group, or where the noise leaves the ratio open.
    pub ratios: Vec<Option<Interval>>,
}

impl<'a> Over<'a> {
    /// None where the two are not counts of the same groups, or one of them nobody answered.
    pub fn of(above: &'a Combined, below: &'a Combined) -> Option<Self> {
        let groups = above.groups.iter().zip(&below.groups);
        let alike = above.groups.len() == below.groups.len()
            && above.table.period() == below.table.period()
            && groups.clone().all(|(above, below)| above.codes == below.codes);
        if !alike || above.groups.is_empty() {
            return None;
        }
        let ratios = groups.map(|(above, below)| {
            let (above, below) = (whole(above)?, whole(below)?);
            let ratio = ratio_interval((above.value, above.margin), (below.value, below.margin))?;
            Some(Interval { value: ratio.value, low: ratio.low, high: ratio.high })
        });
        Some(Self { above, below, ratios: ratios.collect() })
    }
}

/// The group's count, if every node that answered is in it.
fn whole(group: &Group) -> Option<Count> {
    match group.shown {
        Shown::Count(count) if group.withheld_by.is_empty() => Some(count),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing::Coalition;

    fn counts(by: &[&str], cells: Vec<i64>) -> Combined {
        let coalition = Coalition::new("coalition");
        let table = coalition.table("completers", by);
        let release = coalition.verified(&table, "harbor-tech", cells);
        let away = crate::Absence::Fault("7f3a".parse().unwrap());
        coalition.combined(&table, [Err(away), Ok(release)])
    }

    #[test]
    fn groups_are_divided_one_by_one_and_withheld_ones_are_not() {
        let (above, below) =
            (counts(&["sex"], vec![500, 3, 90, 1200]), counts(&["sex"], vec![1000, 800, 2, 800]));
        let over = Over::of(&above, &below).unwrap();
        let value = |at: usize| over.ratios.get(at).copied().flatten().map(|ratio| ratio.value);
        assert_eq!([0, 1, 2, 3].map(value), [Some(0.5), None, None, Some(1.5)]);
    }

    #[test]
    fn a_count_that_lacks_a_nodes_learners_is_not_divided() {
        let (above, mut below) = (counts(&[], vec![500]), counts(&[], vec![1000]));
        assert!(Over::of(&above, &below).unwrap().ratios.iter().all(Option::is_some));
        for group in &mut below.groups {
            group.withheld_by.push("lakeshore-cc".parse().unwrap());
        }
        assert!(Over::of(&above, &below).unwrap().ratios.iter().all(Option::is_none));
        assert!(Over::of(&below, &above).unwrap().ratios.iter().all(Option::is_none));
    }

    #[test]
    fn tables_of_other_groups_and_tables_that_nobody_answered_are_not_divided() {
        let (by_sex, all) = (counts(&["sex"], vec![500; 4]), counts(&[], vec![900]));
        assert!(Over::of(&by_sex, &all).is_none());
        let nobody = Combined { groups: Vec::new(), ..counts(&[], vec![900]) };
        assert!(Over::of(&nobody, &nobody).is_none());
    }
}
