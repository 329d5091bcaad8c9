//! What must stand in a ledger, and stay.

use std::collections::BTreeSet;
use std::path::Path;

use sumac_keys::Trust;
use sumac_node::store::{check, read_only};
use sumac_protocol::{Release, SignedRelease};

use super::super::auditor::{Charge, Ledger};
use super::super::operation::{Place, year_label, year_of};
use super::{Broken, Model, Table, broken, in_words};

impl Model {
    /// Reads a node's ledger and holds it against what was known. `may_pay` are the tables that may have been
    /// paid for since, beside those of askers who hung up.
    pub(in crate::simulation) fn audit(
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
        if ledger.paused != node.paused {
            let what = format!("{place:?}: {:?}, in the ledger {:?}", node.paused, ledger.paused);
            return broken("a pause holds until its operator lifts it", what);
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
    let told = summary.paused.map(|paused| paused.until);
    if told != ledger.paused {
        return broken("a node tells of its pause", format!("{:?}, node {told:?}", ledger.paused));
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
