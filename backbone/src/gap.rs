//! How a group's rate compares with that of everyone else: from numbers that are shown already, so it costs nothing
//! and tells nothing new.
//!
//! The percentage-point gap of the California Community Colleges (PPG-1): a group is flagged where its rate is below
//! everyone else's by E or more. E is the greater of 1.96·√(p(1−p)/n), for the group's rate p and size n, and two
//! points. It allows for chance in a group of that size, not for the noise: the rate's own interval does.

use sumac_policy::Measure;

use crate::combine::{Combined, Group, Shown};

/// The least difference that is flagged, of 1.
const LEAST: f64 = 0.02;

/// A group's rate less everyone else's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Of 1; negative where the group is behind.
    pub difference: f64,
    /// E: from how far behind a group is flagged. Of 1.
    pub flagged_from: f64,
}

impl Gap {
    /// Whether the group is so far behind that somebody should look.
    pub fn is_flagged(self) -> bool {
        self.difference <= -self.flagged_from
    }
}

/// The gap of each group, in the order of the table's. None where the table is no rate by one dimension, and for
/// groups that are withheld or have nobody to compare with. Everyone else is everybody in the other groups that are
/// shown: a gap must not tell what a withheld group is.
pub fn gaps(combined: &Combined) -> Vec<Option<Gap>> {
    let by_one = combined.table.dimensions().len() == 1;
    let is_rate = combined.table.kpi().definition.measure == Measure::Rate;
    let groups = &combined.groups;
    let numbers: Vec<_> =
        groups.iter().map(|group| shown(group).filter(|_| by_one && is_rate)).collect();
    let gap = |place: usize| {
        let group = (*numbers.get(place)?)?;
        let others = numbers.iter().enumerate().filter(|(other, _)| *other != place);
        let (mut success, mut size) = (0.0, 0.0);
        for numbers in others.filter_map(|(_, numbers)| *numbers) {
            success += numbers.rate * numbers.size;
            size += numbers.size;
        }
        (size > 0.0).then(|| Gap {
            difference: group.rate - success / size,
            flagged_from: (1.96 * (group.rate * (1.0 - group.rate) / group.size).sqrt()).max(LEAST),
        })
    };
    (0..groups.len()).map(gap).collect()
}

#[derive(Clone, Copy)]
struct Numbers {
    rate: f64,
    size: f64,
}

fn shown(group: &Group) -> Option<Numbers> {
    let Shown::Rate { rate, size, .. } = &group.shown else { return None };
    // No coalition has four thousand million learners.
    let size = u32::try_from(size.value).ok().filter(|size| *size > 0)?;
    Some(Numbers { rate: *rate, size: f64::from(size) })
}

#[cfg(test)]
mod tests;
