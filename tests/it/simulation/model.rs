//! What must hold: a small reference of what each node answers, what it has paid for, and what it has said.

mod audit;
mod expect;
mod table;

use std::collections::BTreeMap;

use jiff::civil::Date;
use sumac_policy::Reason;

use super::auditor::{Charge, Ledger};
use super::operation::{Covers, Place, year_label, year_of};
pub(super) use table::Table;

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
    budget_nano_rho: u64,
    pub(super) today: Date,
    nodes: BTreeMap<Place, Node>,
    /// The key that each table was seen under, at any node.
    keys: BTreeMap<String, Table>,
}

/// What is known of a node.
pub(super) struct Node {
    pub(super) up: bool,
    pub(super) as_of: Date,
    pub(super) covers: Covers,
    /// As it was last read.
    pub(super) ledger: Ledger,
    /// How many new measurements its operator ordered.
    pub(super) orders: usize,
    /// Tables by which an asker who hung up may still spend, and the year in which that was.
    pub(super) loose: BTreeMap<Table, i16>,
    /// The pause that its operator said last: its last day, or none if it has no end.
    pub(super) paused: Option<Option<Date>>,
}

impl Node {
    /// The last measurement that was paid for.
    fn last(&self, table: Table) -> Option<&Charge> {
        self.ledger.charges.iter().rfind(|charge| Table::charged(charge) == Some(table))
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
        for charge in &self.ledger.charges {
            if let Some(table) = Table::charged(charge) {
                *charged.entry(table).or_default() += charge.price_nano_rho;
            }
        }
        charged
    }

    /// Whether its operator lets it answer nothing.
    pub(super) fn is_paused(&self, today: Date) -> bool {
        self.paused.is_some_and(|until| until.is_none_or(|last| today <= last))
    }

    /// What an asker who hung up may still spend.
    pub(super) fn loose_nano_rho(&self) -> u64 {
        let loose = self.loose.keys().filter(|table| !self.is_charged(**table));
        loose.map(|table| table.price_nano_rho()).sum()
    }
}

impl Model {
    /// All nodes have just been given all their data.
    pub(super) fn new(places: &[Place], budget_nano_rho: u64, today: Date) -> Self {
        let node = || Node {
            up: true,
            as_of: today,
            covers: Covers::All,
            ledger: Ledger::default(),
            orders: 0,
            loose: BTreeMap::new(),
            paused: None,
        };
        let nodes = places.iter().map(|place| (*place, node())).collect();
        Self { budget_nano_rho, today, nodes, keys: BTreeMap::new() }
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

    pub(super) fn year(&self) -> String {
        year_label(year_of(self.today))
    }
}

/// An error and its causes.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
