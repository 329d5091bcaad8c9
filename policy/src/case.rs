//! Test cases beside an MOU: what its authors meant, so that an amendment cannot undo it unnoticed.

use std::fmt;

use jiff::civil::Date;

use crate::clause::Clause;
use crate::decide::decide;
use crate::margin::Margin;
use crate::mou::Mou;
use crate::names::PartyId;
use crate::narrow::Narrow;
use crate::peer::{Peer, PeerRole};
use crate::permit::Permitted;
use crate::question::Question;
use crate::refusal::{Reason, Refusal};

/// One case of `tests.toml`: a question, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it claims, in its author's words.
    pub name: String,
    /// The party that asks.
    pub asker: PartyId,
    /// With which certificate.
    pub role: PeerRole,
    /// The parties whose nodes are asked; none: every party that answers the KPI.
    pub nodes: Option<Vec<PartyId>>,
    /// The question.
    pub question: Question,
    /// The day on which it is asked.
    pub on: Date,
    /// What must come of it, at each node.
    pub expect: Expected,
    /// Line of `tests.toml` on which it stands, from 1.
    pub line: usize,
}

/// What must come of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It is answered.
    Answered {
        /// At exactly this margin; none: at whichever. Never with `derived`.
        margin: Option<Margin>,
        /// Whether by a table that the MOU lists (`false`) or one added up from such (`true`); none: either.
        derived: Option<bool>,
        /// By this clause; none: by whichever.
        clause: Option<Clause>,
    },
    /// It is refused.
    Refused {
        /// For this reason.
        reason: Reason,
        /// By this clause; none: by whichever.
        clause: Option<Clause>,
    },
}

/// What came of a case at one node, where that is not what its author meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otherwise {
    /// The party whose node decided so.
    pub node: PartyId,
    /// What it decided.
    pub instead: Decided,
}

/// What a node decides by the MOU alone, as if nothing were released yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It measures a listed table.
    Measured {
        /// At this margin.
        margin: Margin,
        /// By this clause.
        clause: Clause,
    },
    /// It adds the table up from a listed one, once that is released. How wide its margin is depends on which
    /// one is.
    Derived {
        /// By this clause.
        clause: Clause,
    },
    /// It refuses.
    Refused(Refusal),
}

/// The reasons that an MOU alone decides. The others depend on a node's data, ledger or operator.
pub const DECIDED_BY_THE_MOU: [Reason; 16] = [
    Reason::MouNotYetEffective,
    Reason::MouExpired,
    Reason::RoleMayNotAsk,
    Reason::PartyMayNotAsk,
    Reason::PurposeNotListed,
    Reason::KpiNotListed,
    Reason::KpiNotAnsweredHere,
    Reason::BreakdownNotListed,
    Reason::Restricted,
    Reason::PeriodNotOfKpi,
    Reason::PeriodBeforeFirst,
    Reason::PeriodNotClosed,
    Reason::RosterTooSmall,
    Reason::NotInPilot,
    Reason::NotReleasedYet,
    Reason::Held,
];

impl Case {
    /// Decides the question at each node, all asked together, and names every node that decides otherwise than
    /// the case expects. Empty: the case holds.
    pub fn run(&self, mou: &Mou) -> Vec<Otherwise> {
        let nodes = self.asked(mou);
        let decided = nodes.iter().map(|node| (node, self.decided(mou, node, &nodes)));
        decided
            .filter(|(_, decided)| !self.expect.is_met_by(decided))
            .map(|(node, instead)| Otherwise { node: node.clone(), instead })
            .collect()
    }

    /// The parties whose nodes are asked. A case that names none, about a KPI that nobody answers, asks every
    /// party: a case that asks nobody would hold whatever the MOU says.
    fn asked(&self, mou: &Mou) -> Vec<PartyId> {
        if let Some(nodes) = &self.nodes {
            return nodes.clone();
        }
        let answers = |id: &PartyId| {
            mou.kpi(&self.question.kpi).is_some_and(|kpi| mou.is_answered_by(kpi, id))
        };
        let all: Vec<_> = mou.parties().iter().map(|party| party.id.clone()).collect();
        let answering: Vec<_> = all.iter().filter(|id| answers(id)).cloned().collect();
        if answering.is_empty() { all } else { answering }
    }

    fn decided(&self, mou: &Mou, node: &PartyId, together: &[PartyId]) -> Decided {
        #[expect(
            clippy::disallowed_methods,
            reason = "the case supposes this peer; no permit leaves this function"
        )]
        let peer = Peer::verified_by_keys(self.asker.clone(), self.role, "case".to_owned());
        match decide(mou, &Narrow::none(), node, &peer, &self.question, together, self.on) {
            Ok(Permitted::Measure(permit)) => match permit.measure() {
                Ok(()) => Decided::Measured {
                    margin: permit.table().kpi().margin,
                    clause: permit.clause().clone(),
                },
                Err(refusal) => Decided::Refused(refusal),
            },
            Ok(Permitted::Derive(permit)) => Decided::Derived { clause: permit.clause().clone() },
            Err(refusal) => Decided::Refused(refusal),
        }
    }
}

impl Expected {
    fn is_met_by(&self, decided: &Decided) -> bool {
        let by = |wanted: &Option<Clause>, found: &Clause| {
            wanted.as_ref().is_none_or(|clause| clause == found)
        };
        match (self, decided) {
            (
                Self::Answered { margin, derived, clause },
                Decided::Measured { margin: found, clause: at },
            ) => {
                margin.is_none_or(|margin| margin == *found)
                    && *derived != Some(true)
                    && by(clause, at)
            }
            (Self::Answered { margin, derived, clause }, Decided::Derived { clause: at }) => {
                margin.is_none() && *derived != Some(false) && by(clause, at)
            }
            (Self::Refused { reason, clause }, Decided::Refused(refusal)) => {
                *reason == refusal.reason && by(clause, &refusal.clause)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clause = match self {
            Self::Answered { margin, derived, clause } => {
                f.write_str("answered")?;
                match derived {
                    Some(true) => f.write_str(", added up from a listed table")?,
                    Some(false) => f.write_str(", measured itself")?,
                    None => {}
                }
                if let Some(margin) = margin {
                    write!(f, ", at {margin}")?;
                }
                clause
            }
            Self::Refused { reason, clause } => {
                write!(f, "refused, {reason}")?;
                clause
            }
        };
        clause.as_ref().map_or(Ok(()), |clause| write!(f, ", by {clause}"))
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured { margin, clause } => write!(f, "answers, at {margin}, by {clause}"),
            Self::Derived { clause } => {
                write!(f, "answers, added up from a listed table, by {clause}")
            }
            Self::Refused(Refusal { reason, clause, message, .. }) => {
                write!(f, "refuses, {reason}, by {clause}: {message}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
