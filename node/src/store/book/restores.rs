//! What a book knows of restores: who is waited for, what came back, what is lost.

use serde::{Deserialize, Serialize};
use sumac_policy::{PeerRole, TableKey};

use super::table::{Derivation, Paid, TableState, number};
use super::{Book, BookError};
use crate::store::record::Record;
use crate::store::restoration::{
    Heard, LostCharge, LostTable, LostYear, Recovered, RecoveredDerived, Restored, Resumed,
};

/// More often no table was measured anew.
const MOST_REVISIONS: u32 = 10_000;

/// A time that the log came from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Restore {
    /// Records in the backup, which is also the place of the record of the restore.
    pub(in crate::store) size: u64,
    /// The latest time of any record in the backup, in seconds since 1970.
    pub(in crate::store) backed_up_s: i64,
    /// When the node's clock said that it was restored, in seconds since 1970.
    pub(in crate::store) at_s: i64,
    /// Whether the backup was another log than its askers saw.
    pub(in crate::store) forked: bool,
    /// Parties still to be heard.
    pub(in crate::store) awaited: Vec<String>,
    /// Parties that were heard.
    pub(in crate::store) heard: Vec<String>,
    /// The largest head that was shown: records below it.
    pub(in crate::store) shown_size: u64,
    /// The most that any head shown says was charged, in nano-ρ.
    pub(in crate::store) shown_nano_rho: u64,
    /// What of that is accounted for: charged in the backup, come back, or lost; in nano-ρ.
    pub(in crate::store) accounted_nano_rho: u64,
    /// Whether the node answers again.
    pub(in crate::store) resumed: bool,
}

/// What counts as spent although nobody knows for which table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Lost {
    pub(in crate::store) nano_rho: u64,
    /// All of it counts against each.
    pub(in crate::store) years: Vec<LostYear>,
}

impl Book {
    /// Keeps the place of the last question of a party's analysts: they alone give back what they hold, so that what
    /// somebody else of the party asked, and was refused, must not make them wait for it. A name that is none has no
    /// party.
    pub(super) fn asked(&mut self, peer: &str, seq: u64) {
        let mut path = peer.strip_prefix("sumac://").unwrap_or_default().split('/');
        let (party, role) = (path.next(), path.next());
        if let Some(party) = party.filter(|_| role == Some(PeerRole::Analyst.as_str())) {
            match self.totals.asked.get_mut(party) {
                Some(last) => *last = seq,
                None => drop(self.totals.asked.insert(party.to_owned(), seq)),
            }
        }
    }

    pub(super) fn restored(
        &mut self,
        restored: &Restored,
        record: &Record,
    ) -> Result<(), BookError> {
        let Restored { size, backed_up, spent_nano_rho, forked, awaited, root: _ } = restored;
        let here = *size == record.seq
            && *spent_nano_rho == self.totals.lifetime_nano_rho
            && self.totals.latest_s == Some(backed_up.as_second())
            && *forked == self.totals.stopped.is_some();
        if !here {
            return Err(BookError::RestoredOther);
        }
        // What the log knew of an earlier restore or of a stop, its askers judge anew.
        self.totals.stopped = None;
        self.totals.restores.push(Restore {
            size: *size,
            backed_up_s: backed_up.as_second(),
            at_s: record.at.as_second(),
            forked: *forked,
            awaited: awaited.clone(),
            heard: Vec::new(),
            shown_size: 0,
            shown_nano_rho: 0,
            accounted_nano_rho: *spent_nano_rho,
            resumed: false,
        });
        Ok(())
    }

    pub(super) fn recover(&mut self, recovered: &Recovered, offset: u64) -> Result<(), BookError> {
        let Recovered { table, revision, charge, .. } = recovered;
        let LostCharge { price_nano_rho, margin, .. } = charge;
        if self.totals.restores.is_empty() {
            return Err(BookError::NeverRestored);
        }
        if *price_nano_rho == 0 {
            return Err(BookError::ChargedNothing(*table));
        }
        let place = usize::try_from(*revision).unwrap_or(usize::MAX);
        within_reason(*table, *revision)?;
        let known = self.tables.get(table).and_then(|state| state.paid.get(place));
        let charge_is_new = match known {
            Some(paid) if paid.release_at.is_some() => {
                return Err(BookError::ReleasedTwice(*table));
            }
            Some(paid) if paid.price_nano_rho > 0 => {
                if (paid.price_nano_rho, paid.margin) != (*price_nano_rho, *margin) {
                    return Err(BookError::OtherCharge(*table));
                }
                false
            }
            Some(_) | None => true,
        };
        if charge_is_new {
            let paid = paid(charge, offset);
            self.totals.spend(&paid).ok_or(BookError::OutOfRange)?;
            self.totals.charged += 1;
            if let Some(restore) = self.totals.restores.last_mut() {
                restore.accounted_nano_rho =
                    restore.accounted_nano_rho.saturating_add(*price_nano_rho);
            }
            let state = self.tables.entry(*table).or_default();
            if state.paid.len() <= place {
                state.remeasure = false;
            }
            let unknown = Paid { price_nano_rho: 0, release_at: None, lost: true, ..paid.clone() };
            // Earlier measurements that nobody has shown yet.
            while state.paid.len() < place {
                state.paid.push(unknown.clone());
            }
            match state.paid.get_mut(place) {
                Some(unknown) => *unknown = paid,
                None => state.paid.push(paid),
            }
        } else if let Some(paid) =
            self.tables.get_mut(table).and_then(|state| state.paid.get_mut(place))
        {
            paid.release_at = Some(offset);
            paid.lost = false;
        }
        self.totals.released += 1;
        Ok(())
    }

    pub(super) fn recover_derived(
        &mut self,
        recovered: &RecoveredDerived,
        offset: u64,
    ) -> Result<(), BookError> {
        let RecoveredDerived { table, revision, from, from_revision, .. } = recovered;
        if self.totals.restores.is_empty() {
            return Err(BookError::NeverRestored);
        }
        if from == table {
            return Err(BookError::DerivedFromNothing(*table));
        }
        within_reason(*table, *revision)?;
        let place = usize::try_from(*revision).unwrap_or(usize::MAX);
        if self.tables.get(table).is_some_and(|state| state.derived.len() > place) {
            return Err(BookError::ReleasedTwice(*table));
        }
        let state = self.tables.entry(*table).or_default();
        let (from, from_revision) = (*from, *from_revision);
        let derivation =
            Derivation { from, from_revision, release_at: offset, recovered: true, purged: false };
        // Only the last one answers, so that this stands for any before it that nobody shows.
        state.derived.resize(place.saturating_add(1), derivation);
        Ok(())
    }

    pub(super) fn hear(&mut self, heard: &Heard) -> Result<(), BookError> {
        let Heard { party, size, spent_nano_rho, peer: _ } = heard;
        let restore = self.totals.restores.last_mut().ok_or(BookError::NeverRestored)?;
        if restore.heard.contains(party) {
            return Err(BookError::HeardTwice(party.clone()));
        }
        restore.awaited.retain(|awaited| awaited != party);
        restore.heard.push(party.clone());
        restore.shown_size = restore.shown_size.max(*size);
        restore.shown_nano_rho = restore.shown_nano_rho.max(*spent_nano_rho);
        Ok(())
    }

    pub(super) fn resume(&mut self, resumed: &Resumed) -> Result<Vec<TableKey>, BookError> {
        if self.totals.restores.is_empty() {
            return Err(BookError::NeverRestored);
        }
        let mut given_up: Vec<_> = resumed.tables.iter().map(|lost| lost.table).collect();
        given_up.sort();
        let twice = given_up.windows(2).find_map(|pair| match pair {
            [one, next] if one == next => Some(*one),
            _ => None,
        });
        if let Some(twice) = twice {
            return Err(BookError::LostTwice(twice));
        }
        self.all_heard_but(&resumed.without)?;
        let nothing = resumed.lost_nano_rho == 0 && resumed.tables.is_empty();
        if resumed.years.is_empty() && !nothing {
            return Err(BookError::LostInNoYear);
        }
        for lost in &resumed.tables {
            self.may_give_up(lost)?;
        }
        let Resumed { lost_nano_rho, years, tables, .. } = resumed;
        let lost = Lost { nano_rho: *lost_nano_rho, years: years.clone() };
        self.totals.lose(lost).ok_or(BookError::OutOfRange)?;
        if let Some(restore) = self.totals.restores.last_mut() {
            restore.accounted_nano_rho = restore.accounted_nano_rho.saturating_add(*lost_nano_rho);
            restore.awaited.clear();
            restore.resumed = true;
        }
        for lost in tables {
            self.give_up(lost, years);
        }
        Ok(given_up)
    }

    /// Nobody is passed over but those whom the operator named.
    fn all_heard_but(&self, without: &[String]) -> Result<(), BookError> {
        let awaited = self.totals.restores.last().map_or(&[][..], |restore| &restore.awaited);
        match awaited.iter().find(|party| !without.contains(party)) {
            Some(party) => Err(BookError::StillAwaited(party.clone())),
            None => Ok(()),
        }
    }

    fn may_give_up(&self, lost: &LostTable) -> Result<(), BookError> {
        let LostTable { table, revision, .. } = lost;
        let state = self.tables.get(table);
        let expected = state.map_or(0, |state| number(state.paid.len()));
        match state.and_then(TableState::last) {
            Some((last, paid)) if last == *revision && paid.release_at.is_none() && !paid.lost => {
                Ok(())
            }
            Some((last, _)) if last >= *revision => Err(BookError::LostTwice(*table)),
            _ => super::in_turn(*table, *revision, expected),
        }
    }

    fn give_up(&mut self, lost: &LostTable, years: &[LostYear]) {
        let state = self.tables.entry(lost.table).or_default();
        let place = usize::try_from(lost.revision).unwrap_or(usize::MAX);
        if let Some(paid) = state.paid.get_mut(place) {
            paid.lost = true;
        } else if let Some(year) = years.last() {
            state.remeasure = false;
            state.paid.push(Paid {
                year: year.year.clone(),
                year_first: year.year_first,
                year_last: year.year_last,
                margin: lost.margin,
                price_nano_rho: 0,
                left_nano_rho: 0,
                release_at: None,
                lost: true,
                purged: false,
            });
        }
    }
}

/// Measurements that nobody shows take a place each; no table was measured so often.
fn within_reason(table: TableKey, revision: u32) -> Result<(), BookError> {
    let expected = MOST_REVISIONS;
    if revision <= expected {
        return Ok(());
    }
    Err(BookError::WrongRevision { table, expected, revision })
}

fn paid(charge: &LostCharge, offset: u64) -> Paid {
    Paid {
        year: charge.year.clone(),
        year_first: charge.year_first,
        year_last: charge.year_last,
        margin: charge.margin,
        price_nano_rho: charge.price_nano_rho,
        left_nano_rho: charge.left_nano_rho,
        release_at: Some(offset),
        lost: false,
        purged: false,
    }
}
