//! What a node withholds of its own: groups that are small, judged on noisy sizes.

use sumac_policy::{Margin, Table};
use sumac_privacy::{shown_from, variance};
use sumac_protocol::Withheld;

/// Withholds this node's own small groups, judged on noisy sizes with a guard, and says which.
pub(super) fn withhold(cells: &mut [i64], table: &Table, margin: Margin, floor: u32) -> Withheld {
    let definition = &table.kpi().definition;
    let outcomes = definition.outcomes.len().max(1);
    let least = shown_from(definition, floor, variance(margin));
    let mut groups = Vec::new();
    for (number, group) in (0u32..).zip(cells.chunks_mut(outcomes)) {
        let (size, _) = definition.size_of(group);
        if u64::try_from(size).unwrap_or(0) < least {
            group.fill(0);
            groups.push(number);
        }
    }
    Withheld { below: floor, groups }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use proptest::prelude::*;
    use sumac_policy::{Breakdown, Mou};

    use super::*;

    const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");

    fn table() -> Table {
        let mou = Mou::read(LAKESHORE.as_bytes()).unwrap();
        let by = Breakdown::by(["sex".parse().unwrap()]);
        let (kpi, period) = ("graduation".parse().unwrap(), "2025-26".parse().unwrap());
        Table::resolve(&mou, &kpi, period, &by).unwrap()
    }

    proptest! {
        #[test]
        fn a_greater_floor_and_a_wider_margin_withhold_at_least_as_much(
            cells in prop::collection::vec(-50..300_i64, 16),
            margins in (1..40_u32, 0..40_u32), floors in (5..60_u32, 0..200_u32),
        ) {
            let table = table();
            prop_assert_eq!(cells.len(), table.cells());
            let judged = |learners, floor| {
                let mut cells = cells.clone();
                let withheld = withhold(&mut cells, &table, Margin::new(learners).unwrap(), floor);
                (withheld.groups, cells)
            };
            let (fewer, shown) = judged(margins.0, floors.0);
            let (more, shown_of_more) = judged(margins.0 + margins.1, floors.0 + floors.1);
            prop_assert!(fewer.iter().all(|group| more.contains(group)), "{fewer:?} {more:?}");
            // What is shown is shown as it was, and nothing is left of the rest.
            for (place, cell) in shown_of_more.iter().enumerate() {
                let withheld = more.contains(&u32::try_from(place / 4).unwrap());
                prop_assert_eq!(*cell, if withheld { 0 } else { shown[place] });
            }
        }
    }
}
