//! What a disk that was lost still binds: its node is restored from a backup, and what it showed stays true.

use super::super::auditor::{Charge, Ledger, Lost, Resumed};
use super::super::keeps::Held;
use super::super::operation::Place;
use super::restored::Foreseen;
use super::{Agreed, Broken, Model, Node, Table, broken};

/// How much of what a node showed nobody may be able to hold against it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::simulation) enum Forgotten {
    #[default]
    Nothing,
    /// A later measurement, for want of its receipt.
    Corrections,
    /// Anything: an asker has lost its heads, or two histories were lost in which tables were measured.
    Anything,
}

impl Model {
    /// The node's disk is lost, and this backup has taken its place.
    pub(in crate::simulation) fn restore(&mut self, place: Place, backup: Ledger, said: usize) {
        let node = self.node_mut(place);
        (node.orders, node.paused) = (backup.orders.len(), backup.paused);
        (node.by, node.accepted) = (backup.mous.len().saturating_sub(1), node.backed_up);
        node.restores = backup.restores.len() + said;
        let since = node.ledger.restores.last().map(|restore| restore.size);
        let measures = |charge: &Charge| !charge.is_recovered && Some(charge.seq) > since;
        if !node.lives.is_empty() && node.ledger.charges.iter().any(measures) {
            node.forgotten = Forgotten::Anything;
        }
        node.lives.push(std::mem::replace(&mut node.ledger, backup));
        node.loose.clear();
    }

    /// Holds what came of a call against what was foreseen of it.
    pub(in crate::simulation) fn came_true(
        &self,
        place: Place,
        foreseen: &Foreseen,
    ) -> Result<(), Broken> {
        let Some(node) = self.node(place) else { return Ok(()) };
        let (found, expected) = (&node.ledger, &foreseen.ledger);
        let paid = |charge: &Charge| Charge { seq: 0, ..charge.clone() };
        let losses = |resumed: &Resumed| (resumed.without.clone(), resumed.loss.clone());
        let same = expected.releases.iter().all(|(of, body)| found.releases.get(of) == Some(body))
            && found.charges.len() >= expected.charges.len()
            && found.charges.iter().zip(&expected.charges).all(|(a, b)| paid(a) == paid(b))
            && found.restores == expected.restores
            && found.resumed.iter().map(losses).eq(expected.resumed.iter().map(losses));
        if same {
            return Ok(());
        }
        let of = |ledger: &Ledger| {
            (ledger.charges.clone(), ledger.restores.clone(), ledger.resumed.clone())
        };
        let what = format!("{place:?}: expected {:?}, found {:?}", of(expected), of(found));
        broken("what was lost comes back, or counts as spent", what)
    }

    /// The receipt that an asker keeps of what a table is answered with.
    pub(in crate::simulation) fn receipt<'a>(
        &self,
        place: Place,
        table: Table,
        held: Option<&'a Held>,
    ) -> Option<&'a Vec<u8>> {
        let last = self.node(place)?.ledger.last(table)?;
        held?.receipts.get(&(table.key().to_owned(), last)).map(|receipt| &receipt.body)
    }

    /// Whether a table is lost at a revision.
    pub(in crate::simulation) fn was_lost(
        &self,
        place: Place,
        table: Table,
        revision: u64,
    ) -> bool {
        let is_it = |lost: &Lost| lost.table == table.key() && lost.revision == revision;
        self.node(place).is_some_and(|node| node.ledger.lost.iter().any(is_it))
    }

    /// Whether an asker may hold another release than its node does, and be told so.
    pub(in crate::simulation) fn may_differ(&self, place: Place) -> bool {
        self.node(place).is_some_and(|node| node.forgotten > Forgotten::Nothing)
    }

    /// A release that somebody was shown is the only one that anybody is shown.
    pub(in crate::simulation) fn show(
        &mut self,
        place: Place,
        table: Table,
        revision: u64,
        body: Vec<u8>,
    ) -> Result<(), Broken> {
        let node = self.node_mut(place);
        let forgotten = match revision {
            0 => node.forgotten == Forgotten::Anything,
            _ => node.forgotten > Forgotten::Nothing,
        };
        match node.shown.insert((table, revision), body.clone()) {
            Some(before) if before != body && !forgotten => {
                broken("a table is released once", format!("{place:?}: {table:?}, {revision}"))
            }
            _ => Ok(()),
        }
    }
}

impl Node {
    /// Holds what a ledger says of restores, and did not say before, against the disks that were lost.
    pub(super) fn audit_restores(
        &self,
        place: Place,
        ledger: &Ledger,
        versions: &[Agreed],
    ) -> Result<(), Broken> {
        if ledger.restores.len() != self.restores {
            let what = format!("{place:?}: {}, {:?}", self.restores, ledger.restores);
            return broken("what was restored is in the ledger, and no more", what);
        }
        for charge in ledger.charges.iter().skip(self.ledger.charges.len()) {
            let key = (charge.table.clone(), charge.revision);
            let was_there = |life: &Ledger| {
                let same = |paid: &&Charge| {
                    (&paid.table, paid.revision, &paid.year, paid.price_nano_rho)
                        == (&charge.table, charge.revision, &charge.year, charge.price_nano_rho)
                };
                life.charges.iter().any(|paid| same(&paid))
                    && life.releases.get(&key) == ledger.releases.get(&key)
            };
            if charge.is_recovered && !self.lives.iter().any(was_there) {
                return broken("what comes back was lost", format!("{place:?}: {charge:?}"));
            }
        }
        let heard = ledger.restores.iter().flat_map(|restore| &restore.heard);
        for heard in heard.filter(|heard| heard.size > 0) {
            let mut lives = self.lives.iter().chain([ledger]);
            let says = |life: &Ledger| {
                life.heads.contains_key(&heard.size)
                    && life.spent_below(heard.size, None) == heard.spent_nano_rho
            };
            if !lives.any(says) {
                return broken("a head that is shown was signed", format!("{place:?}: {heard:?}"));
            }
        }
        for resumed in ledger.resumed.iter().skip(self.ledger.resumed.len()) {
            let before = match ledger.before(resumed.seq) {
                Ok(before) => before,
                Err(error) => return broken("an auditor can read the ledger", error),
            };
            let heard = before.restores.last().map_or(&[][..], |restore| &restore.heard);
            let late = before.restores.last().is_some_and(|restore| restore.is_resumed);
            let shown = if late { &heard[heard.len().saturating_sub(1)..] } else { heard };
            let without = !resumed.without.is_empty();
            let expected = before.loss(shown, without, resumed.on, versions);
            if expected != resumed.loss {
                let what = format!("{place:?}: expected {expected:?}, found {:?}", resumed.loss);
                return broken("what nobody gives back counts as spent", what);
            }
        }
        self.stays_spent(place, ledger)
    }

    /// Once the node answers again, it has spent what every head that it was shown says.
    fn stays_spent(&self, place: Place, ledger: &Ledger) -> Result<(), Broken> {
        let Some(restore) = ledger.restores.last().filter(|restore| restore.is_resumed) else {
            return Ok(());
        };
        for heard in &restore.heard {
            let mut is_less = ledger.lifetime_nano_rho() < heard.spent_nano_rho;
            if let ([life], [_]) = (&*self.lives, &*ledger.restores)
                && life.heads.contains_key(&heard.size)
            {
                is_less |= life.charges.iter().any(|Charge { year, .. }| {
                    ledger.spent(year) < life.spent_below(heard.size, Some(year))
                });
            }
            if is_less {
                return broken("what was spent stays spent", format!("{place:?}: {heard:?}"));
            }
        }
        Ok(())
    }
}
