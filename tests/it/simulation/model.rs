//! What must hold: a small reference of what each node answers, what it has paid for, and what it has said.

mod audit;
mod expect;
mod table;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use sumac_policy::Reason;

use super::auditor::{Charge, Ledger};
use super::operation::{Covers, Place, year_label, year_of};
pub(super) use table::Table;
pub(super) use versions::{Agreed, LAST_DAY, Terms};

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) promise: &'static str,
    pub(super) what: String,
}

/// A broken promise as an error.
pub(super) fn broken<T>(promise: &'static str, what: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, what: what.into() })
}

/// What a node must say to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Answer,
    Refusal(Reason),
    /// One of both: somebody else may be served first.
    Either(Reason),
    /// An answer or any refusal that has to do with what was released and spent: somebody who hung up may have it
    /// measured by a version that asked for less.
    Open,
}

/// What comes of an operator's order to measure a table anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Correction {
    /// The next ask measures this revision.
    Ordered(u64),
    Refused,
    /// One of both: an asker who hung up may come first.
    Either,
}

/// What is known of every node.
pub(super) struct Model {
    /// All that were ever signed, in order.
    pub(super) versions: Vec<Agreed>,
    pub(super) today: Date,
    nodes: BTreeMap<Place, Node>,
    /// The key that each table was seen under, at any node.
    keys: BTreeMap<String, Table>,
}

/// What is known of a node.
pub(super) struct Node {
    pub(super) up: bool,
    /// The version that it took up last, by its ledger.
    pub(super) by: usize,
    /// The one that its operator accepted last.
    pub(super) accepted: usize,
    pub(super) as_of: Date,
    pub(super) covers: Covers,
    /// As it was last read.
    pub(super) ledger: Ledger,
    /// The table of each charge in it.
    tables: Vec<Table>,
    /// How many new measurements its operator ordered.
    pub(super) orders: usize,
    /// Tables by which an asker who hung up may still spend.
    pub(super) loose: BTreeMap<Table, Loose>,
    /// The pause that its operator said last: its last day, or none if it has no end.
    pub(super) paused: Option<Option<Date>>,
}

/// What somebody who hung up may still spend.
pub(super) struct Loose {
    /// The year in which that was first.
    pub(super) year: i16,
    /// The versions by which it was asked for.
    pub(super) versions: BTreeSet<usize>,
}

impl Node {
    /// The last measurement that was paid for.
    fn last(&self, table: Table) -> Option<&Charge> {
        let mut charges = self.ledger.charges.iter().zip(&self.tables);
        charges.rfind(|(_, of)| **of == table).map(|(charge, _)| charge)
    }

    /// The revision that was ordered, and nobody has asked for yet.
    fn ordered(&self, table: Table) -> Option<u64> {
        let next = self.last(table).map(|charge| (charge.table.clone(), charge.revision + 1))?;
        self.ledger.orders.contains(&next).then_some(next.1)
    }

    /// The bytes that a table is answered with; none while it is to be measured.
    pub(super) fn released(&self, table: Table) -> Option<&Vec<u8>> {
        let charge = self.last(table).filter(|_| self.ordered(table).is_none())?;
        self.ledger.releases.get(&(charge.table.clone(), charge.revision))
    }

    /// Whether the next ask is paid for.
    pub(super) fn is_charged(&self, table: Table) -> bool {
        self.last(table).is_some() && self.ordered(table).is_none()
    }

    /// Every table that was ever paid for, with the price of all its measurements.
    pub(super) fn charged(&self) -> BTreeMap<Table, u64> {
        let mut charged = BTreeMap::new();
        for (charge, table) in self.ledger.charges.iter().zip(&self.tables) {
            *charged.entry(*table).or_default() += charge.price_nano_rho;
        }
        charged
    }

    /// Whether its operator lets it answer nothing.
    pub(super) fn is_paused(&self, today: Date) -> bool {
        self.paused.is_some_and(|until| until.is_none_or(|last| today <= last))
    }
}

impl Model {
    /// All nodes have just been given all their data.
    pub(super) fn new(places: &[Place], first: Agreed, today: Date) -> Self {
        let node = || Node {
            up: false,
            by: 0,
            accepted: 0,
            as_of: today,
            covers: Covers::All,
            ledger: Ledger::default(),
            tables: Vec::new(),
            orders: 0,
            loose: BTreeMap::new(),
            paused: None,
        };
        let nodes = places.iter().map(|place| (*place, node())).collect();
        Self { versions: vec![first], today, nodes, keys: BTreeMap::new() }
    }

    pub(super) fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(&place)
    }

    pub(super) fn node_mut(&mut self, place: Place) -> &mut Node {
        self.nodes.get_mut(&place).unwrap()
    }

    pub(super) fn is_up(&self, place: Place) -> bool {
        self.node(place).is_some_and(|node| node.up)
    }

    /// What askers who hung up may still spend at a node.
    pub(super) fn loose_nano_rho(&self, place: Place) -> u64 {
        let Some(node) = self.node(place) else { return 0 };
        let loose = node.loose.iter().filter(|(table, _)| !node.is_charged(**table));
        let most = |(table, loose): (&Table, &Loose)| {
            let versions = loose.versions.iter().map(|version| &self.versions[*version].terms);
            versions.map(|terms| terms.price_nano_rho(*table)).max().unwrap_or(0)
        };
        loose.map(most).sum()
    }

    pub(super) fn year(&self) -> String {
        year_label(year_of(self.today))
    }
}

/// An error and its causes.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
