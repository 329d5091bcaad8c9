//! What each party would say to a question, by the agreement alone: nobody is asked.

use jiff::civil::Date;

use crate::clause::Clause;
use crate::decide::decide;
use crate::margin::Margin;
use crate::mou::{Approval, Mou};
use crate::names::PartyId;
use crate::narrow::Narrow;
use crate::peer::{Peer, PeerRole};
use crate::permit::Permitted;
use crate::question::Question;
use crate::refusal::Refusal;

/// What a node would do for a question that the agreement allows. No permit: nothing can be measured with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// Measure a listed table, or give it as it was released.
    Measured {
        /// The clause that lists it.
        clause: Clause,
        /// Of each count.
        margin: Margin,
        /// Who has to approve first.
        needs: Option<Approval>,
    },
    /// Only give it if it is released already: the asker's party may read, and not ask.
    Read {
        /// The clause that lists it.
        clause: Clause,
        /// Of each count.
        margin: Margin,
    },
    /// Add it up, free, from a listed table that is released already.
    Derived {
        /// The clause that lists that table.
        clause: Clause,
        /// Of each count of that table.
        margin: Margin,
        /// The best such table's breakdown, in words.
        from: String,
        /// How many of its cells make up one.
        cells_added: u32,
    },
}

/// What the node of each listed party would say to an analyst of `asker` on `today`, in the agreement's order.
/// Parties without a node are left out. `roster` is who is asked together.
///
/// Neither data nor what was spent or released is looked at: a node may still refuse for want of either.
#[expect(
    clippy::disallowed_methods,
    reason = "a peer that nobody is, to foresee a decision; no permit leaves this function"
)]
pub fn foresee(
    mou: &Mou,
    asker: &PartyId,
    question: &Question,
    roster: &[PartyId],
    today: Date,
) -> Vec<(PartyId, Result<Foreseen, Refusal>)> {
    let peer = Peer::verified_by_keys(asker.clone(), PeerRole::Analyst, "anybody".to_owned());
    let nodes = mou.parties().iter().filter(|party| party.address.is_some());
    nodes
        .map(|party| {
            let decided = decide(mou, &Narrow::none(), &party.id, &peer, question, roster, today);
            (party.id.clone(), decided.map(|permitted| foreseen(&permitted)))
        })
        .collect()
}

fn foreseen(permitted: &Permitted) -> Foreseen {
    match permitted {
        Permitted::Measure(permit) => {
            let (clause, kpi) = (permit.clause().clone(), permit.table().kpi());
            if permit.may_measure {
                Foreseen::Measured { clause, margin: kpi.margin, needs: kpi.needs }
            } else {
                Foreseen::Read { clause, margin: kpi.margin }
            }
        }
        Permitted::Derive(permit) => {
            let best = permit.roll_up().sources().first();
            Foreseen::Derived {
                clause: permit.clause().clone(),
                margin: permit.roll_up().table().kpi().margin,
                from: best
                    .map_or_else(String::new, |source| source.table().breakdown().to_string()),
                cells_added: best.map_or(1, |source| source.cells_added()),
            }
        }
    }
}
