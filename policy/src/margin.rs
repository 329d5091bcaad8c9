//! The margin: what authors state instead of a noise level.

use std::fmt;

/// How far off one outcome count may be: in one cell, at one node, it lies within ±M learners of the
/// truth 95 % of the time. Unit: learners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Margin(u32);

impl Margin {
    /// The narrowest margin.
    pub const MIN: Self = Self(1);

    /// The widest margin that still says something about a coalition.
    pub const MAX: u32 = 1_000_000;

    /// A margin of `learners`, from 1 to [`Margin::MAX`].
    pub fn new(learners: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&learners).then_some(Self(learners))
    }

    /// The margin in learners.
    pub fn learners(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "±{}", self.0)
    }
}
