//! What must hold: a small reference of what each node answers, what it has paid for, and what it has said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::{Date, date};
use sumac_keys::Trust;
use sumac_node::store::{check, read_only};
use sumac_policy::Reason;
use sumac_protocol::{Release, SignedRelease};

use super::auditor::{Charge, Ledger};
use super::operation::{By, Covers, For, Kpi, Place, Q, Who, year_label, year_of};

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

/// What a question asks for, however it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Table(Kpi, By, i16);

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
}

impl Table {
    pub(super) fn of(question: Q) -> Self {
        let Q(kpi, by, year, _) = question;
        Self(kpi, if by == By::RaceSex { By::SexRace } else { by }, year)
    }

    /// Another way to ask for it.
    pub(super) fn question(self) -> Q {
        Q(self.0, self.1, self.2, For::Report)
    }

    /// From the table in `docs`: ±15 learners cost 0.008536889, ±10 cost 0.019208.
    pub(super) fn price_nano_rho(self) -> u64 {
        match self.0 {
            Kpi::Enrolment => 8_536_889,
            Kpi::Retention | Kpi::Completers | Kpi::Unheard => 19_208_000,
        }
    }

    /// Whether the MOU has its breakdown and its KPI.
    fn is_listed(self) -> bool {
        let Self(kpi, by, _) = self;
        match kpi {
            Kpi::Enrolment => matches!(by, By::Total | By::Sex | By::SexRace | By::RaceSex),
            Kpi::Retention => matches!(by, By::Total | By::Sex),
            Kpi::Completers => by == By::Total,
            Kpi::Unheard => false,
        }
    }

    /// A rate has two outcomes; there are 4 codes of sex and 9 of race.
    fn cells(self) -> usize {
        let groups = match self.1 {
            By::Sex => 4,
            By::SexRace | By::RaceSex => 4 * 9,
            By::Total | By::Age | By::Pell => 1,
        };
        groups * if self.0 == Kpi::Enrolment { 1 } else { 2 }
    }

    /// The table of a charge, if it is one that was ever asked for.
    fn charged(charge: &Charge) -> Option<Self> {
        let kpi = [Kpi::Enrolment, Kpi::Retention].into_iter().find(|k| k.word() == charge.kpi)?;
        let by = [By::Total, By::Sex, By::RaceSex].into_iter();
        let by = by.into_iter().find(|by| by.words() == charge.breakdown)?;
        let year = (2021..=2030).find(|year| year_label(*year) == charge.period)?;
        Some(Self::of(Q(kpi, by, year, For::Report)))
    }
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

    /// Why a node refuses a question whatever was spent; none where it answers.
    pub(super) fn refusal(&self, place: Place, who: Who, question: Q) -> Option<Expected> {
        let Q(kpi, by, year, purpose) = question;
        let refused = |reason| Some(Expected::Refusal(reason));
        if self.today > date(2031, 6, 30) {
            return refused(Reason::MouExpired);
        }
        match who {
            Who::Maria | Who::Omar => {}
            Who::Steward => return refused(Reason::RoleMayNotAsk),
            Who::Rival => return refused(Reason::PartyMayNotAsk),
        }
        if purpose == For::Marketing {
            return refused(Reason::PurposeNotListed);
        }
        if kpi == Kpi::Unheard {
            return refused(Reason::KpiNotListed);
        }
        if by == By::Pell {
            return refused(Reason::Restricted);
        }
        if !Table::of(question).is_listed() {
            return refused(Reason::BreakdownNotListed);
        }
        if year < 2021 {
            return refused(Reason::PeriodBeforeFirst);
        }
        // Closes on 30 June, and waits 21 days after that.
        if self.today < date(year + 1, 7, 22) {
            return refused(Reason::PeriodNotClosed);
        }
        let (node, table) = (self.node(place)?, Table::of(question));
        if node.released(table).is_some() {
            return None;
        }
        let lacks = if !node.covers.years().contains(&year) {
            Reason::PeriodNotHeld
        } else if node.as_of <= date(year + 1, 6, 30) {
            Reason::SnapshotTooEarly
        } else if kpi == Kpi::Completers {
            Reason::ColumnNotHeld
        } else {
            return None;
        };
        let may_be_released = node.loose.contains_key(&table);
        Some(if may_be_released { Expected::Either(lacks) } else { Expected::Refusal(lacks) })
    }

    /// What comes of an order to measure a table anew.
    pub(super) fn correction(&self, place: Place, table: Table) -> Correction {
        let Some(node) = self.node(place) else { return Correction::Refused };
        if !table.is_listed() || node.ordered(table).is_some() {
            return Correction::Refused;
        }
        let is_loose = node.loose.contains_key(&table);
        let Some(last) = node.last(table).filter(|_| node.released(table).is_some()) else {
            return if is_loose { Correction::Either } else { Correction::Refused };
        };
        let least = node.ledger.spent(&self.year()) + table.price_nano_rho();
        if least > self.budget_nano_rho {
            Correction::Refused
        } else if least + node.loose_nano_rho() > self.budget_nano_rho {
            Correction::Either
        } else {
            Correction::Ordered(last.revision + 1)
        }
    }

    /// What a node says to these asks. The questions of one are taken one after the other; if there are several
    /// asks, they come at once.
    pub(super) fn expect(&self, place: Place, asks: &[(Who, Vec<Q>)]) -> Vec<Vec<Expected>> {
        let Some(node) = self.node(place) else { return Vec::new() };
        let at_once = asks.len() > 1;
        let mut charged: BTreeSet<_> = node.charged().into_keys().collect();
        charged.retain(|table| node.is_charged(*table));
        let mut perhaps: BTreeSet<_> =
            node.loose.keys().copied().filter(|table| !charged.contains(table)).collect();
        let mut least = node.ledger.spent(&self.year());
        let mut most = least + node.loose_nano_rho();
        if at_once {
            for (who, questions) in asks {
                for question in questions {
                    let table = Table::of(*question);
                    let is_new = !charged.contains(&table)
                        && self.refusal(place, *who, *question).is_none()
                        && perhaps.insert(table);
                    most += if is_new { table.price_nano_rho() } else { 0 };
                }
            }
        }
        let mut one = |who: Who, question: Q| {
            if let Some(refusal) = self.refusal(place, who, question) {
                return refusal;
            }
            let table = Table::of(question);
            if charged.contains(&table) {
                return Expected::Answer;
            }
            let price = table.price_nano_rho();
            let with_it = most + if perhaps.contains(&table) { 0 } else { price };
            if least + price > self.budget_nano_rho {
                // It may have been paid for by the one who hung up.
                return match node.loose.contains_key(&table) {
                    true => Expected::Either(Reason::BudgetSpent),
                    false => Expected::Refusal(Reason::BudgetSpent),
                };
            }
            let fits = with_it <= self.budget_nano_rho;
            if !at_once {
                most = with_it;
                perhaps.insert(table);
                if fits {
                    charged.insert(table);
                    least += price;
                }
            }
            if fits { Expected::Answer } else { Expected::Either(Reason::BudgetSpent) }
        };
        let of_ask = |(who, questions): &(Who, Vec<Q>)| {
            questions.iter().map(|question| one(*who, *question)).collect()
        };
        asks.iter().map(of_ask).collect()
    }

    /// Reads a node's ledger and holds it against what was known. `may_pay` are the tables that may have been
    /// paid for since, beside those of askers who hung up.
    pub(super) fn audit(
        &mut self,
        place: Place,
        folder: &Path,
        trust: &Trust,
        may_pay: &BTreeSet<Table>,
    ) -> Result<(), Broken> {
        let ledger = match Ledger::read(folder) {
            Ok(ledger) => ledger,
            Err(error) => return broken("an auditor can read the ledger", error),
        };
        let this_year = year_of(self.today);
        let node = self.nodes.get_mut(&place).unwrap();
        if !ledger.bytes.starts_with(&node.ledger.bytes) {
            return broken("what was acknowledged stays", format!("{place:?}"));
        }
        let known = node.ledger.charges.len();
        for (n, charge) in ledger.charges.iter().enumerate().skip(known) {
            let Some(table) = Table::charged(charge) else {
                return broken("only tables are charged", format!("{place:?}: {charge:?}"));
            };
            let before = ledger.charges[..n].iter();
            let before = before.filter(|other| Table::charged(other) == Some(table)).count();
            if u64::try_from(before) != Ok(charge.revision) {
                return broken("a table is charged once", format!("{place:?}: {charge:?}"));
            }
            let order = (charge.table.clone(), charge.revision);
            if before > 0 && !ledger.orders.contains(&order) {
                return broken("only an order measures anew", format!("{place:?}: {charge:?}"));
            }
            let since = node.loose.get(&table).copied();
            if since.is_none() && !may_pay.contains(&table) {
                return broken("what is not answered costs nothing", format!("{charge:?}"));
            }
            if charge.price_nano_rho != table.price_nano_rho() {
                return broken("the price is public", format!("{place:?}: {charge:?}"));
            }
            let mut years = since.unwrap_or(this_year)..=this_year;
            if !years.any(|year| year_label(year) == charge.year) {
                return broken("the year of the ask pays", format!("{place:?}: {charge:?}"));
            }
            if ledger.spent(&charge.year) > self.budget_nano_rho {
                return broken("the budget is never exceeded", format!("{place:?}: {charge:?}"));
            }
            let key_of = |known: &Table| *known == table;
            match self.keys.get(&charge.table) {
                Some(known) if *known != table => {
                    return broken("a key names one table", format!("{charge:?}, {known:?}"));
                }
                None if self.keys.values().any(key_of) => {
                    return broken("a table has one key", format!("{charge:?}"));
                }
                _ => drop(self.keys.insert(charge.table.clone(), table)),
            }
        }
        if ledger.orders.len() != node.orders {
            let what = format!("{place:?}: {} ordered, {:?}", node.orders, ledger.orders);
            return broken("what its operator ordered is in the ledger, and no more", what);
        }
        let stays = |(of, body)| ledger.releases.get(of) == Some(body);
        if !node.ledger.releases.iter().all(stays) {
            return broken("every revision that was released stays", format!("{place:?}"));
        }
        for ((key, revision), body) in &ledger.releases {
            let is_known = node.ledger.releases.contains_key(&(key.clone(), *revision));
            if !is_known {
                let charge =
                    ledger.charges.iter().find(|c| (&c.table, c.revision) == (key, *revision));
                match charge {
                    Some(charge) => states_its_charge(place, charge, body)?,
                    None => return broken("no release without a charge", key.clone()),
                }
            }
        }
        agrees_with_the_node(folder, trust, &ledger)?;
        node.ledger = ledger;
        let loose = std::mem::take(&mut node.loose);
        node.loose =
            loose.into_iter().filter(|(table, _)| node.released(*table).is_none()).collect();
        Ok(())
    }
}

/// A release says what the ledger says, and holds every cell.
fn states_its_charge(place: Place, charge: &Charge, body: &[u8]) -> Result<(), Broken> {
    let decoded = SignedRelease::from_bytes(body).and_then(|signed| Release::decode(&signed.body));
    let release = match decoded {
        Ok(release) => release,
        Err(error) => return broken("a release can be read", format!("{place:?}: {error}")),
    };
    let facts = release.facts();
    let table = Table::charged(charge).map_or(0, Table::cells);
    if facts.cells.len() != table {
        return broken("every cell is answered", format!("{place:?}: {facts:?}"));
    }
    let states = (
        facts.party.as_str(),
        facts.table.to_string(),
        u64::from(facts.revision),
        facts.accounting_year.to_string(),
        facts.price_nano_rho,
    );
    let Charge { revision, year, price_nano_rho, .. } = charge;
    let says = charge
        .measurement()
        .map(|measurement| (place.party(), measurement, *revision, year.clone(), *price_nano_rho));
    if Ok(&states) != says.as_ref() {
        return broken("a release states its charge", format!("{states:?}, charged {says:?}"));
    }
    Ok(())
}

/// The whole log verifies by the node's own check, and gives the same sums, unless the node is writing.
fn agrees_with_the_node(folder: &Path, trust: &Trust, ledger: &Ledger) -> Result<(), Broken> {
    if let Err(error) = check(folder, Some(trust)) {
        return broken("the ledger checks", in_words(&error));
    }
    let summary = match read_only(folder) {
        Ok(summary) => summary,
        Err(error) => return broken("the node can read the ledger", in_words(&error)),
    };
    let length = std::fs::metadata(folder.join("ledger.log")).map_or(0, |facts| facts.len());
    if usize::try_from(length) != Ok(ledger.bytes.len()) {
        return Ok(());
    }
    let charges = &ledger.charges;
    let ours = (
        charges.iter().map(|charge| charge.price_nano_rho).sum(),
        u64::try_from(charges.len()).unwrap(),
        u64::try_from(ledger.releases.len()).unwrap(),
    );
    let theirs = (summary.lifetime_nano_rho, summary.charged_tables, summary.released_tables);
    if ours != theirs {
        return broken("a balance is the sum of its charges", format!("{ours:?}, node {theirs:?}"));
    }
    Ok(())
}

/// An error and its causes.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
