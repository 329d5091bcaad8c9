//! What must hold: a small reference of what each node answers, what it has paid for, and what it has said.

mod audit;
mod expect;
mod lives;
mod paid;
mod restored;
mod table;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use sumac_policy::Reason;

use super::auditor::Ledger;
use super::operation::{Covers, Place, year_label, year_of};
pub(super) use lives::Forgotten;
pub(super) use restored::Foreseen;
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
    /// Either, or a refusal for whatever reason: two give back at once what the node lost.
    Any,
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
}

/// What is known of a node.
pub(super) struct Node {
    pub(super) up: bool,
    /// The version that it took up last, by its ledger.
    pub(super) by: usize,
    /// The one that its operator accepted last.
    pub(super) accepted: usize,
    /// The one that was accepted when it was backed up last.
    pub(super) backed_up: usize,
    pub(super) as_of: Date,
    pub(super) covers: Covers,
    /// As it was last read.
    pub(super) ledger: Ledger,
    /// How many new measurements its operator ordered.
    pub(super) orders: usize,
    /// Tables by which an asker who hung up may still spend.
    pub(super) loose: BTreeMap<Table, Loose>,
    /// The pause that its operator said last: its last day, or none if it has no end.
    pub(super) paused: Option<Option<Date>>,
    /// How often it was said that its ledger comes from a backup.
    pub(super) restores: usize,
    /// Its ledgers on disks that were lost, as they were last read.
    pub(super) lives: Vec<Ledger>,
    pub(super) forgotten: Forgotten,
    /// Every release that anybody was shown, by table and revision.
    pub(super) shown: BTreeMap<(Table, u64), Vec<u8>>,
}

/// What somebody who hung up may still spend.
pub(super) struct Loose {
    /// The year in which that was first.
    pub(super) year: i16,
    /// The versions by which it was asked for.
    pub(super) versions: BTreeSet<usize>,
}

impl Node {
    /// The bytes that a table is answered with; none while it is to be measured, or is lost.
    pub(super) fn released(&self, table: Table) -> Option<&Vec<u8>> {
        self.ledger.released(table)
    }

    /// Whether the next ask is paid for.
    pub(super) fn is_charged(&self, table: Table) -> bool {
        self.ledger.is_charged(table)
    }

    /// Every table that was ever paid for, with the price of all its measurements.
    pub(super) fn charged(&self) -> BTreeMap<Table, u64> {
        let mut charged = BTreeMap::new();
        for charge in &self.ledger.charges {
            if let Some(table) = Table::keyed(&charge.table) {
                *charged.entry(table).or_default() += charge.price_nano_rho;
            }
        }
        charged
    }

    /// Every table that was ever lost.
    pub(super) fn lost(&self) -> BTreeSet<Table> {
        self.ledger.lost.iter().filter_map(|lost| Table::keyed(&lost.table)).collect()
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
            backed_up: 0,
            as_of: today,
            covers: Covers::All,
            ledger: Ledger::default(),
            orders: 0,
            loose: BTreeMap::new(),
            paused: None,
            restores: 0,
            lives: Vec::new(),
            forgotten: Forgotten::Nothing,
            shown: BTreeMap::new(),
        };
        let nodes = places.iter().map(|place| (*place, node())).collect();
        Self { versions: vec![first], today, nodes }
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
