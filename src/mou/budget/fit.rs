//! Margins that fit, as lines of `mou.toml` to change.

use anyhow::Context;
use sumac_policy::{KpiId, Margin, MarginEdit, Mou, Problems, with_margins};
use sumac_privacy::budget::{equal_shares, least_relative, lint};
use sumac_privacy::forecast::{TableForecast, typical};

use crate::agreement::MouFolder;
use crate::mou::budget::has_errors;

/// A proposal.
pub(super) struct Proposal {
    /// How it was found.
    pub(super) how: How,
    /// What to change; none if no margin fits.
    pub(super) edits: Option<Vec<MarginEdit>>,
}

/// How a proposal is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Every table of a kind's fullest year gets an equal part of its budget.
    EqualShares,
    /// Margins relative to typical groups are as small as can be, by the sum of their squares.
    LeastRelative,
}

impl How {
    /// What it is called by machines.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::EqualShares => "equal-shares",
            Self::LeastRelative => "least-relative",
        }
    }

    /// What it does, in a sentence.
    pub(super) fn explained(self) -> &'static str {
        match self {
            Self::EqualShares => {
                "Every table gets an equal part of the budget of its kind's fullest year, so the KPIs of a kind \
                 have one margin. Say how large the coalition is, with --sizes or --learners, to spend more where \
                 groups are small."
            }
            Self::LeastRelative => {
                "More is spent where groups are small: the margins of a kind's KPIs, each as a share of a typical \
                 group, are as small together (by the sum of their squares over its tables) as its fullest year \
                 allows. A KPI's typical group is the median of those that reach the floor, in the table where it \
                 is smallest; smaller groups are withheld at any margin."
            }
        }
    }
}

/// Proposes margins, and checks that an agreement with them has no error that it had not before.
pub(super) fn propose(
    folder: &MouFolder,
    mou: &Mou,
    forecast: Option<&[TableForecast]>,
) -> anyhow::Result<Proposal> {
    let relative =
        forecast.map(|forecast| typical(mou, forecast)).filter(|found| !found.is_empty());
    let (how, margins) = match relative {
        Some(typical) => (How::LeastRelative, least_relative(mou, &typical)),
        None => (How::EqualShares, equal_shares(mou)),
    };
    let edits = margins.map(|margins| edits(folder, &margins)).transpose()?;
    Ok(Proposal { how, edits })
}

fn edits(folder: &MouFolder, margins: &[(KpiId, Margin)]) -> anyhow::Result<Vec<MarginEdit>> {
    let (text, edits) = with_margins(folder.bytes(), margins).context("write the proposal")?;
    let (mou, mut problems) = match Mou::examine(&text) {
        Ok(examined) => examined,
        Err(Problems(problems)) => (None, problems),
    };
    problems.extend(mou.iter().flat_map(lint));
    anyhow::ensure!(!has_errors(&problems), "the proposal does not pass the check: {problems:?}");
    Ok(edits)
}
