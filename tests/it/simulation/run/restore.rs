//! A node is backed up, its disk is lost, and it is restored; its askers lose what they keep of it; its operator goes on
//! without some of them.

use std::collections::BTreeMap;

use sumac_node::console::{Command, Reply};
use sumac_node::resume::Without;

use super::super::auditor::Ledger;
use super::super::model::{Broken, Forgotten, broken};
use super::super::operation::{By, For, Kept, Kpi, List, Place, Q, Said, Who};
use super::Run;

impl Run {
    pub(super) async fn back_up(&mut self, place: Place) -> Result<(), Broken> {
        if self.model.node(place).is_none() {
            return Ok(());
        }
        let n = self.partner(place);
        if let Err(error) = self.partners[n].back_up(&self.coalition).await {
            return broken("a node is backed up", format!("{place:?}: {error}"));
        }
        self.audit_all(&BTreeMap::new())?;
        let backup = self.backup_of(place)?;
        let node = self.model.node(place);
        let is_whole = backup.zip(node).is_some_and(|(backup, node)| {
            node.ledger.bytes.starts_with(&backup.bytes)
                && node.ledger.releases.len() >= backup.releases.len()
        });
        if !is_whole {
            return broken("a backup holds what was acknowledged", format!("{place:?}"));
        }
        let node = self.model.node_mut(place);
        node.backed_up = node.accepted;
        self.count("backed up");
        Ok(())
    }

    /// The node's disk is lost while it serves or not, and its last backup takes its place, with the version of the
    /// agreement that was in force then.
    pub(super) async fn restore(&mut self, place: Place, said: Said) -> Result<(), Broken> {
        if self.model.node(place).is_none() {
            return Ok(());
        }
        let Some(backup) = self.backup_of(place)? else { return Ok(()) };
        self.stop(place).await?;
        let said = match said {
            Said::Once => 1,
            Said::Twice => 2,
        };
        let n = self.partner(place);
        if let Err(error) = self.partners[n].restore(&self.coalition, said).await {
            return broken("a node starts from its backup", format!("{place:?}: {error}"));
        }
        self.model.restore(place, backup, said);
        self.model.node_mut(place).up = true;
        self.goes_by_one(place)?;
        // What was signed since the backup is told it anew.
        self.accept(place).await?;
        self.count("restored");
        self.audit_all(&BTreeMap::new())
    }

    fn backup_of(&self, place: Place) -> Result<Option<Ledger>, Broken> {
        let folder = self.partners[self.partner(place)].backed_up(&self.coalition);
        let backup = folder.map(|folder| Ledger::read(&folder)).transpose();
        backup
            .or_else(|error| broken("an auditor can read a backup", format!("{place:?}: {error}")))
    }

    /// An asker loses receipts, or all that it keeps.
    pub(super) fn lose(&mut self, who: Who, kept: Kept) {
        self.keeps.lose(who, kept);
        let forgotten = match kept {
            Kept::Receipts => Forgotten::Corrections,
            Kept::All => Forgotten::Anything,
        };
        for place in self.places() {
            let node = self.model.node_mut(place);
            node.forgotten = node.forgotten.max(forgotten);
        }
    }

    /// The operator goes on without these parties: if they are all that the node waits for, and none else, and it goes
    /// by the version that everybody asks by.
    pub(super) async fn resume(&mut self, place: Place, of: &List<Who>) -> Result<(), Broken> {
        let Some(node) = self.model.node(place) else { return Ok(()) };
        let parties: Vec<_> = of.0.iter().map(|who| who.party().to_owned()).collect();
        let awaited = node.ledger.awaited();
        let is_taken = !parties.is_empty()
            && node.ledger.waits()
            && awaited.iter().all(|party| parties.contains(party))
            && parties.iter().all(|party| awaited.contains(party))
            && self.model.in_force(place) == self.model.asked_by();
        let mou_version = u32::try_from(self.model.asked_by() + 1).unwrap();
        let without = Without { parties, because: "it is gone".to_owned(), mou_version };
        let n = self.partner(place);
        let mut plans = Vec::new();
        for order in [false, true] {
            let command = Command::Resume { without: without.clone(), order };
            match self.partners[n].command(&self.coalition, command).await {
                Ok(Reply::WouldResume(plan) | Reply::Resumed(plan)) if is_taken => plans.push(plan),
                Ok(Reply::Refused { .. }) if !is_taken => {}
                other => {
                    let what = format!("{place:?}, {without:?}, taken {is_taken}: {other:?}");
                    return broken("a node goes on without those that it waits for alone", what);
                }
            }
        }
        self.audit_all(&BTreeMap::new())?;
        if !is_taken {
            self.count("not to go on");
            return Ok(());
        }
        self.count("gone on without");
        let node = self.model.node_mut(place);
        node.forgotten = node.forgotten.max(Forgotten::Corrections);
        let last = node.ledger.resumed.last();
        let is_right = last.is_some_and(|resumed| {
            let loss = &resumed.loss;
            resumed.without == without.parties
                && plans.iter().all(|plan| {
                    (plan.lost_nano_rho, &plan.years, plan.tables.len())
                        == (loss.nano_rho, &loss.years, loss.tables.len())
                })
        });
        if !is_right {
            return broken("an operator sees first what it costs", format!("{plans:?}, {last:?}"));
        }
        Ok(())
    }

    /// A restored node answers again: whoever may give something back does, and those who cannot are gone.
    pub(super) async fn settle(&mut self, place: Place) -> Result<(), Broken> {
        for who in [Who::Maria, Who::Omar] {
            if self.model.node(place).is_some_and(|node| !node.ledger.restores.is_empty()) {
                // What everybody refuses, so that it costs nothing.
                let probe = List(vec![Q(Kpi::Unheard, By::Total, 2025, For::Report)]);
                self.ask(who, &probe, "sim.back", None).await?;
            }
        }
        let awaited = self.model.node(place).map_or(&[][..], |node| node.ledger.awaited());
        let gone = [Who::Maria, Who::Omar];
        let gone = gone.into_iter().filter(|who| awaited.contains(&who.party().to_owned()));
        let gone = List(gone.collect());
        if gone.0.is_empty() {
            return Ok(());
        }
        self.resume(place, &gone).await
    }
}
