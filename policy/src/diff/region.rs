//! What a change is about: a set of questions, stated by what they name.

use std::collections::BTreeSet;

use crate::decide::roster_is_large_enough;
use crate::diff::meaning::{Asked, Asker, Terms};
use crate::diff::view::Days;
use crate::dimension::Breakdown;
use crate::mou::Mou;
use crate::names::{KpiId, PartyId, Purpose};
use crate::period::Period;
use crate::refusal::Refusal;

/// What a change claims of the questions in a region.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) says: Says,
    pub(super) region: Region,
    /// One of the region's questions, for which the claim is true.
    pub(super) witness: Asked,
}

/// The three things that a change can claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// The old version answers none of them; those that the new one answers are new.
    Allows,
    /// The new version answers none of them; those that the old one answers are withdrawn.
    Withdraws,
    /// Those that both answer are answered with this term changed.
    Alters(Term),
}

/// A term of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Term {
    /// What is counted.
    Definition,
    /// Which days the period is.
    Span,
    /// Measured, or added up and from what.
    Route,
    /// How precisely.
    Margin,
    /// The smallest group shown.
    Floor,
    /// Who judges it.
    FloorAt,
    /// Fewest parties behind a published number.
    MinParties,
    /// How long a release is kept.
    KeepDays,
    /// By which root the answering node is known.
    NodeRoot,
    /// Whether the asker may have tables measured.
    MayMeasure,
    /// Who approves.
    Needs,
    /// The node's budget.
    Budget,
    /// The year that pays.
    Accounting,
    /// How old the data may be.
    Freshness,
}

/// A set of questions.
#[derive(Debug, Clone)]
pub(super) enum Region {
    Everything,
    Days(Days),
    Askers(BTreeSet<Asker>),
    Purposes(BTreeSet<Purpose>),
    Kpis(BTreeSet<KpiId>),
    Tables(KpiId, BTreeSet<Breakdown>),
    Nodes(BTreeSet<PartyId>),
    /// These KPIs at these nodes, on these days.
    At(BTreeSet<KpiId>, BTreeSet<PartyId>, Days),
    Periods(BTreeSet<KpiId>, BTreeSet<Period>),
    /// These KPIs and periods while the version that refuses still waits.
    Waiting(BTreeSet<(KpiId, Period)>, Days),
    /// These KPIs, asked of too few together for the version that refuses.
    TooFew(BTreeSet<KpiId>),
}

impl Claim {
    /// Whether it speaks of this question, to which the versions say `old_says` and `new_says`.
    pub(super) fn covers(
        &self,
        asked: &Asked,
        (old, old_says): (&Mou, &Result<Terms, Refusal>),
        (new, new_says): (&Mou, &Result<Terms, Refusal>),
    ) -> bool {
        match (self.says, old_says, new_says) {
            (Says::Allows, _, Ok(_)) => self.region.holds(asked, old),
            (Says::Withdraws, Ok(_), _) => self.region.holds(asked, new),
            (Says::Alters(term), Ok(before), Ok(after)) => {
                let measured = before.measured.is_some() && after.measured.is_some();
                (measured || !term.is_of_measurements()) && self.region.holds(asked, old)
            }
            _ => false,
        }
    }
}

impl Region {
    /// Whether the question is in it. `refuses` is the version that answers nothing of it, if one does.
    pub(super) fn holds(&self, asked: &Asked, refuses: &Mou) -> bool {
        let question = &asked.question;
        match self {
            Self::Everything => true,
            Self::Days(days) => days.hold(asked.day),
            Self::Askers(askers) => askers.contains(&asked.asker),
            Self::Purposes(purposes) => purposes.contains(&question.purpose),
            Self::Kpis(kpis) => kpis.contains(&question.kpi),
            Self::Tables(kpi, tables) => {
                *kpi == question.kpi && tables.contains(&sorted(&question.breakdown))
            }
            Self::Nodes(nodes) => nodes.contains(&asked.node),
            Self::At(kpis, nodes, days) => {
                kpis.contains(&question.kpi) && nodes.contains(&asked.node) && days.hold(asked.day)
            }
            Self::Periods(kpis, periods) => {
                kpis.contains(&question.kpi) && periods.contains(&question.period)
            }
            Self::Waiting(tables, days) => {
                tables.contains(&(question.kpi.clone(), question.period))
                    && days.hold(asked.day)
                    && refuses.asked_from(question.period).is_none_or(|from| asked.day < from)
            }
            Self::TooFew(kpis) => {
                kpis.contains(&question.kpi)
                    && refuses.kpi(&question.kpi).is_some_and(|kpi| {
                        roster_is_large_enough(refuses, kpi, &asked.roster).is_err()
                    })
            }
        }
    }
}

/// The breakdown with its dimensions in alphabetical order.
pub(super) fn sorted(breakdown: &Breakdown) -> Breakdown {
    let mut ids = breakdown.dimensions().to_vec();
    ids.sort();
    Breakdown::by(ids)
}

impl Term {
    /// Whether answers on these terms differ in it. A term of measurements says nothing of tables that are
    /// added up.
    pub fn differs(self, old: &Terms, new: &Terms) -> bool {
        let measured = old.measured.as_ref().zip(new.measured.as_ref());
        match self {
            Self::Definition => old.definition != new.definition,
            Self::Span => old.span != new.span,
            Self::Route => old.route != new.route,
            Self::Margin => old.margin != new.margin,
            Self::Floor => old.floor != new.floor,
            Self::FloorAt => old.floor_at != new.floor_at,
            Self::MinParties => old.min_parties != new.min_parties,
            Self::KeepDays => old.keep_days != new.keep_days,
            Self::NodeRoot => old.node_root != new.node_root,
            Self::MayMeasure => {
                measured.is_some_and(|(old, new)| old.may_measure != new.may_measure)
            }
            Self::Needs => measured.is_some_and(|(old, new)| old.needs != new.needs),
            Self::Budget => {
                measured.is_some_and(|(old, new)| old.budget_nano_rho != new.budget_nano_rho)
            }
            Self::Accounting => measured.is_some_and(|(old, new)| old.accounting != new.accounting),
            Self::Freshness => {
                measured.is_some_and(|(old, new)| old.freshness_days != new.freshness_days)
            }
        }
    }

    /// Whether it is a term of measurements alone.
    pub(super) fn is_of_measurements(self) -> bool {
        matches!(
            self,
            Self::MayMeasure | Self::Needs | Self::Budget | Self::Accounting | Self::Freshness
        )
    }
}
