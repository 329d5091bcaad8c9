//! What an MOU means: which questions its nodes answer, and on what terms.

use jiff::civil::Date;

use crate::clause::Clause;
use crate::decide::decide;
use crate::digest::Sha256;
use crate::dimension::Breakdown;
use crate::margin::Margin;
use crate::mou::{Approval, FloorAt, Kpi, Mou, PartyKind};
use crate::names::PartyId;
use crate::narrow::Narrow;
use crate::peer::{Peer, PeerRole};
use crate::period::Span;
use crate::permit::Permitted;
use crate::question::Question;
use crate::refusal::{Reason, Refusal};

/// Who asks: an analyst of a party, known by that party's root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asker {
    /// The party.
    pub party: PartyId,
    /// The root that the analyst's certificate comes from.
    pub root: Sha256,
}

/// A question with everything that an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who asks.
    pub asker: Asker,
    /// The party whose node is asked.
    pub node: PartyId,
    /// The table asked for, and what for.
    pub question: Question,
    /// The parties asked together.
    pub roster: Vec<PartyId>,
    /// The day, in UTC.
    pub day: Date,
}

/// On what terms a question is answered: all that an MOU says about the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What the table counts: the hash of its resolved definition.
    pub definition: Sha256,
    /// First and last day of the period asked about.
    pub span: Span,
    /// Measured itself, or added up from other tables.
    pub route: Route,
    /// How precise each measured count is.
    pub margin: Margin,
    /// Smaller groups are withheld.
    pub floor: u32,
    /// Who judges the floor.
    pub floor_at: FloorAt,
    /// Fewest parties of each kind that answers, behind one published number.
    pub min_parties: Vec<(PartyKind, u32)>,
    /// Days that the release is kept; none: for ever.
    pub keep_days: Option<u32>,
    /// The root of the party whose node answers.
    pub node_root: Sha256,
    /// What a measurement depends on besides; none for a table that is added up.
    pub measured: Option<Measured>,
}

/// How a table comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Listed, and measured itself.
    Listed,
    /// Added up from one of these listed tables: its breakdown, and how many cells make one. Best first.
    AddedUp(Vec<(Breakdown, u32)>),
}

/// What a measurement depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Whether the asker may have it measured, or only read it once it is.
    pub may_measure: bool,
    /// Who approves first.
    pub needs: Option<Approval>,
    /// What the node may spend in a year, in nano-ρ.
    pub budget_nano_rho: u64,
    /// First and last day of the year that pays.
    pub accounting: Span,
    /// Older data answers nothing new.
    pub freshness_days: Option<u32>,
}

/// What one version says to one question. This *is* the meaning of an MOU; it is [`decide()`] and what the
/// MOU says about the table permitted; what a node narrowed for itself is no part of it.
///
/// # Errors
/// The [`Refusal`] of [`decide()`]; `PARTY_MAY_NOT_ASK` where the asker's root is not the party's.
pub fn answer(mou: &Mou, asked: &Asked) -> Result<Terms, Refusal> {
    let Asked { asker, node, question, roster, day } = asked;
    if mou.party(&asker.party).is_some_and(|party| party.root != asker.root) {
        return Err(Refusal {
            reason: Reason::PartyMayNotAsk,
            clause: Clause::at(format!("party.{}.root", asker.party)),
            message: format!("`{}` has another root", asker.party),
            hint: "a chain to another root is a stranger's".to_owned(),
        });
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the question is hypothetical: what is permitted here never meets a node"
    )]
    let peer = Peer::verified_by_keys(asker.party.clone(), PeerRole::Analyst, "anybody".to_owned());
    let permitted = decide(mou, &Narrow::none(), node, &peer, question, roster, *day)?;
    Ok(terms(mou, node, &permitted))
}

fn terms(mou: &Mou, node: &PartyId, permitted: &Permitted) -> Terms {
    let (table, kpi) = (permitted.table(), permitted.table().kpi());
    let party = mou.party(node);
    let (route, measured) = match permitted {
        Permitted::Measure(permit) => {
            let rules = party.and_then(|party| mou.data(party.kind));
            let measured = Measured {
                may_measure: permit.may_measure,
                needs: kpi.needs,
                budget_nano_rho: permit.budget_nano_rho(),
                accounting: permit.accounting_span(),
                freshness_days: rules.and_then(|rules| rules.freshness_days),
            };
            (Route::Listed, Some(measured))
        }
        Permitted::Derive(permit) => (Route::added_up(permit.roll_up()), None),
    };
    Terms {
        definition: table.definition_hash(),
        span: table.span(),
        route,
        margin: kpi.margin,
        floor: mou.privacy().floor,
        floor_at: mou.privacy().floor_at,
        min_parties: together(mou, kpi),
        keep_days: mou.after().keep_releases_days,
        // Only a listed party answers.
        node_root: party.map_or(Sha256::from([0; 32]), |party| party.root),
        measured,
    }
}

impl Route {
    pub(super) fn added_up(roll_up: &crate::derive::RollUp) -> Self {
        let source = |source: &crate::derive::Source| {
            (source.table().breakdown().clone(), source.cells_added())
        };
        Self::AddedUp(roll_up.sources().iter().map(source).collect())
    }
}

/// How many parties of each kind a question about this KPI asks together, at least.
pub(super) fn together(mou: &Mou, kpi: &Kpi) -> Vec<(PartyKind, u32)> {
    let mut least = mou.privacy().min_parties.clone();
    least.retain(|(kind, _)| kpi.answered_by.contains(kind));
    least.sort();
    least
}
