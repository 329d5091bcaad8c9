//! What must stand in a ledger, and stay.

use std::collections::BTreeSet;
use std::path::Path;

use sumac_keys::Trust;
use sumac_node::store::{Standing, check, read_only};
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
        let in_force = self.in_force(place);
        let went_by = self.went_by(place, in_force, &ledger)?;
        let node = self.nodes.get_mut(&place).unwrap();
        node.by = went_by;
        if !ledger.bytes.starts_with(&node.ledger.bytes) {
            return broken("what was acknowledged stays", format!("{place:?}"));
        }
        node.audit_restores(place, &ledger, &self.versions[..=in_force])?;
        let known = node.ledger.charges.len();
        for (n, charge) in ledger.charges.iter().enumerate().skip(known) {
            let Some((table, version)) = Table::charged(charge, &self.versions) else {
                return broken("only tables are charged", format!("{place:?}: {charge:?}"));
            };
            let terms = &self.versions[version].terms;
            let public = (u64::from(terms.margin(table.kpi())), terms.price_nano_rho(table));
            if (charge.margin, charge.price_nano_rho) != public {
                return broken("the price is public", format!("{place:?}: {charge:?}"));
            }
            // It was paid for on a disk that was lost.
            if charge.is_recovered {
                continue;
            }
            if ledger.next_at(n) != charge.revision {
                return broken("a table is charged once", format!("{place:?}: {charge:?}"));
            }
            let order = (charge.table.clone(), charge.revision);
            if charge.revision > 0 && !ledger.orders.contains(&order) {
                return broken("only an order measures anew", format!("{place:?}: {charge:?}"));
            }
            let loose = node.loose.get(&table);
            if loose.is_none() && !may_pay.contains(&table) {
                return broken("what is not answered costs nothing", format!("{charge:?}"));
            }
            let by_it = loose.is_some_and(|loose| loose.versions.contains(&version));
            if !by_it && version != in_force {
                return broken("the version in force allows", format!("{place:?}: {charge:?}"));
            }
            let mut years = loose.map_or(this_year, |loose| loose.year)..=this_year;
            if !years.any(|year| year_label(year) == charge.year) {
                return broken("the year of the ask pays", format!("{place:?}: {charge:?}"));
            }
            let spent = ledger.spent_below(charge.seq + 1, Some(&charge.year));
            if spent > terms.budget_nano_rho() {
                return broken("the budget is never exceeded", format!("{place:?}: {charge:?}"));
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
                match charge.zip(Table::keyed(key)) {
                    Some((charge, table)) => states_its_charge(place, charge, table, body)?,
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

    /// The version that a node went by last, by its ledger: each came after the one that it replaces, on its day, and
    /// nobody goes back.
    fn went_by(&self, place: Place, in_force: usize, ledger: &Ledger) -> Result<usize, Broken> {
        let said = || format!("{place:?}: {:?}, of {:?}", ledger.mous, self.versions);
        let in_turn = ledger.mous.iter().zip(&self.versions);
        let in_turn = in_turn.filter(|(mou, version)| **mou == version.mou).count();
        let by = self.node(place).map_or(0, |node| node.by);
        match ledger.mous.len().checked_sub(1) {
            Some(last) if in_turn == ledger.mous.len() && (by..=in_force).contains(&last) => {
                Ok(last)
            }
            // It has not started yet.
            None if by == 0 => Ok(0),
            _ => broken("a version follows the one that it replaces, on its day", said()),
        }
    }
}

/// A release says what the ledger says, and holds every cell.
fn states_its_charge(
    place: Place,
    charge: &Charge,
    table: Table,
    body: &[u8],
) -> Result<(), Broken> {
    let decoded = SignedRelease::from_bytes(body).and_then(|signed| Release::decode(&signed.body));
    let release = match decoded {
        Ok(release) => release,
        Err(error) => return broken("a release can be read", format!("{place:?}: {error}")),
    };
    let facts = release.facts();
    if facts.cells.len() != table.cells() {
        return broken("every cell is answered", format!("{place:?}: {facts:?}"));
    }
    let states = (
        facts.party.as_str(),
        facts.table.to_string(),
        u64::from(facts.revision),
        facts.accounting_year.to_string(),
        facts.price_nano_rho,
        u64::from(facts.margin.learners()),
    );
    let Charge { revision, year, price_nano_rho, margin, .. } = charge;
    let says = charge.measurement().map(|measurement| {
        (place.party(), measurement, *revision, year.clone(), *price_nano_rho, *margin)
    });
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
    let told = match &summary.standing {
        Standing::Restored(waiting) => ledger.waits() && waiting.awaited == ledger.awaited(),
        Standing::Itself => !ledger.waits(),
        Standing::Stopped(_) => false,
    };
    if !told {
        return broken("a node tells that it waits", format!("{:?}", summary.standing));
    }
    let ours = (
        ledger.lifetime_nano_rho(),
        u64::try_from(ledger.charges.len()).unwrap(),
        u64::try_from(ledger.releases.len()).unwrap(),
    );
    let theirs = (summary.lifetime_nano_rho, summary.charged_tables, summary.released_tables);
    if ours != theirs {
        return broken("a balance is the sum of its charges", format!("{ours:?}, node {theirs:?}"));
    }
    Ok(())
}
