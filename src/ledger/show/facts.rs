//! What a ledger's history comes to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sumac_node::store::{Entry, Paused, Payment, ReleaseName, Resumed, Standing, What};
use sumac_policy::{Mou, PartyId, TableKey};
use sumac_privacy::{NanoRho, kpi_price};

/// What a ledger's history comes to.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Every measurement that was paid for, in the order of the charges.
    pub(super) tables: Vec<Measured>,
    /// Tables added up, for nothing, whose releases were deleted since.
    pub(super) added_up_and_purged: u64,
    /// Questions refused, by the reason's code.
    pub(super) refused: BTreeMap<String, u64>,
    /// Spent in each year, in its order.
    pub(super) spent: BTreeMap<String, NanoRho>,
    /// What counts as spent, and which tables are given up, after a restore.
    pub(super) lost: Vec<Resumed>,
    /// Whether the node answers.
    pub(super) standing: Option<Standing>,
    /// The pause that nobody has ended, and since when; its last day may be over.
    pub(super) paused: Option<(Timestamp, Paused)>,
    /// Questions put before the stewards.
    pub(super) held: u64,
    /// Their approvals.
    pub(super) approved: u64,
    /// Since when this party has left, where nothing came after.
    pub(super) has_left: Option<String>,
    /// Copies of the log made for auditors: when, and for whom.
    pub(super) exported: Vec<(Timestamp, String)>,
    /// Their rejections.
    pub(super) rejected: u64,
    /// What the party's own addendum takes away now, in words.
    pub(super) narrow: Vec<String>,
    /// The year that is running; none without an MOU.
    pub(super) year: Option<ThisYear>,
}

/// A table that was paid for.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) at: Timestamp,
    pub(super) payment: Payment,
    /// Who got its first answer; none while it has none.
    pub(super) asked_by: Option<String>,
    /// How often it was asked again, for nothing.
    pub(super) repeats: u64,
    pub(super) released: bool,
    /// Whether it was lost, and came back from an asker's receipt.
    pub(super) recovered: bool,
    /// Whether that release was deleted since.
    pub(super) purged: bool,
}

/// The accounting year that is running.
#[derive(Debug)]
pub(super) struct ThisYear {
    pub(super) name: String,
    pub(super) last_day: Date,
    pub(super) budget: NanoRho,
    pub(super) spent: NanoRho,
    pub(super) left: NanoRho,
    /// The day on which nothing is left, if the year goes on as it began; none if it lasts.
    pub(super) runs_out: Option<Date>,
    /// What the MOU's calendar still brings; none where the party is not known.
    pub(super) calendar: Option<Ahead>,
}

/// The tables of this party's calendar that are due by the year's end and not paid for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    pub(super) tables: u64,
    pub(super) price: NanoRho,
    /// The first day whose tables the rest of the budget does not hold.
    pub(super) runs_out: Option<Date>,
}

impl Measured {
    fn paid(at: Timestamp, payment: Payment) -> Self {
        let (asked_by, repeats) = (None, 0);
        let (released, recovered, purged) = (false, false, false);
        Self { at, payment, asked_by, repeats, released, recovered, purged }
    }
}

impl Facts {
    /// Adds a history up, as seen on `today`.
    pub(super) fn gather(
        history: &[Entry],
        mou: Option<&Mou>,
        party: Option<&PartyId>,
        today: Date,
    ) -> Self {
        let mut facts = Self::default();
        history.iter().for_each(|entry| facts.take(entry));
        if let Some(mou) = mou {
            facts.year = Some(facts.this_year(mou, party, today));
        }
        facts
    }

    fn take(&mut self, entry: &Entry) {
        match &entry.what {
            What::Charged(payment) => {
                self.spend(&payment.year, payment.price_nano_rho);
                let (at, payment) = (entry.at, payment.clone());
                self.tables.push(Measured::paid(at, payment));
            }
            What::Recovered(payment) => self.recovered(entry.at, payment),
            What::Resumed(resumed) => {
                for year in &resumed.years {
                    self.spend(&year.year, resumed.lost_nano_rho);
                }
                if resumed.lost_nano_rho > 0 || !resumed.tables.is_empty() {
                    self.lost.push(resumed.clone());
                }
            }
            What::Released { table, revision } => {
                if let Some(measured) = self.measured(*table, *revision) {
                    measured.released = true;
                }
            }
            What::Purged(releases) => {
                for release in releases {
                    let ReleaseName { table, revision, derived } = *release;
                    match self.measured(table, revision).filter(|_| !derived) {
                        Some(measured) => measured.purged = true,
                        None => self.added_up_and_purged += 1,
                    }
                }
            }
            What::Asked(asked) => {
                let measured = asked.table.and_then(|table| self.last(table));
                match (asked.outcome.as_str(), measured) {
                    ("RELEASED", Some(measured)) => measured.asked_by = Some(asked.peer.clone()),
                    ("REPEATED", Some(measured)) => measured.repeats += 1,
                    ("RELEASED" | "REPEATED", None) => {}
                    (reason, _) => *self.refused.entry(reason.to_owned()).or_default() += 1,
                }
            }
            What::Started(_)
            | What::Import(_)
            | What::Stopped(_)
            | What::Restored(_)
            | What::Other => {}
            What::Narrow(narrow) => self.narrow.clone_from(&narrow.words),
            What::Paused(paused) => self.paused = Some((entry.at, paused.clone())),
            What::PauseEnded => self.paused = None,
            What::Held(_) => self.held += 1,
            What::Approved(_) => self.approved += 1,
            What::Rejected(_) => self.rejected += 1,
            // Who goes by a version anew has come back under it.
            What::Mou(_) => self.has_left = None,
            What::Left(left) => self.has_left = Some(left.on.clone()),
            What::Exported(exported) => self.exported.push((entry.at, exported.party.clone())),
        }
    }

    fn spend(&mut self, year: &str, nano_rho: u64) {
        if nano_rho > 0 {
            let spent = self.spent.entry(year.to_owned()).or_default();
            *spent = spent.checked_add(NanoRho::new(nano_rho)).unwrap_or(NanoRho::MAX);
        }
    }

    /// A release that came back; its charge, too, unless that was in the backup.
    fn recovered(&mut self, at: Timestamp, payment: &Payment) {
        if let Some(measured) = self.measured(payment.table, payment.revision) {
            (measured.released, measured.recovered) = (true, true);
            return;
        }
        self.spend(&payment.year, payment.price_nano_rho);
        let measured = Measured::paid(at, payment.clone());
        self.tables.push(Measured { released: true, recovered: true, ..measured });
    }

    fn measured(&mut self, table: TableKey, revision: u32) -> Option<&mut Measured> {
        self.tables.iter_mut().find(|measured| {
            (measured.payment.table, measured.payment.revision) == (table, revision)
        })
    }

    /// The last measurement of a table.
    fn last(&mut self, table: TableKey) -> Option<&mut Measured> {
        self.tables.iter_mut().rev().find(|measured| measured.payment.table == table)
    }

    fn this_year(&self, mou: &Mou, party: Option<&PartyId>, today: Date) -> ThisYear {
        let starts = mou.calendar().year_starts;
        let year = starts.year_of(today);
        let span = year.span(starts);
        let budget = NanoRho::new(mou.privacy().budget_nano_rho);
        let spent = self.spent.get(&year.to_string()).copied().unwrap_or_default();
        let left = budget.checked_sub(spent).unwrap_or(NanoRho::ZERO);
        ThisYear {
            name: year.to_string(),
            last_day: span.last,
            budget,
            spent,
            left,
            runs_out: runs_out(spent, left, span.first, today).filter(|day| *day <= span.last),
            calendar: party.map(|party| self.ahead(mou, party, left, span.last)),
        }
    }

    fn ahead(&self, mou: &Mou, party: &PartyId, left: NanoRho, last_day: Date) -> Ahead {
        let paid: BTreeSet<_> = self.tables.iter().map(|table| table.payment.table).collect();
        let mut due = mou.calendar_tables();
        due.retain(|due| {
            due.from <= last_day
                && mou.is_answered_by(due.table.kpi(), party)
                && !paid.contains(&due.table.key())
        });
        due.sort_by_key(|due| due.from);
        let mut ahead = Ahead::default();
        for due in &due {
            let price = ahead.price.checked_add(kpi_price(due.table.kpi()));
            ahead.price = price.unwrap_or(NanoRho::MAX);
            ahead.tables += 1;
            if ahead.price > left {
                ahead.runs_out = ahead.runs_out.or(Some(due.from));
            }
        }
        ahead
    }
}

/// The day on which `left` is gone if what was spent from `first` to `today` is spent again and again. None
/// if nothing was spent, or it is too far off to name.
fn runs_out(spent: NanoRho, left: NanoRho, first: Date, today: Date) -> Option<Date> {
    let days = i64::from(first.until(today).ok()?.get_days()) + 1;
    let days = u128::try_from(days).ok()?;
    let more = (u128::from(left.get()) * days).checked_div(u128::from(spent.get()))?;
    let hours = i64::try_from(more).ok()?.checked_mul(24)?;
    today.checked_add(SignedDuration::from_hours(hours)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_runs_out_when_the_same_pace_has_used_what_is_left() {
        let day = |text: &str| text.parse::<Date>().ok();
        let check = |spent, left, expected: Option<Date>| {
            let (first, today) = (day("2026-01-01"), day("2026-01-10"));
            let (Some(first), Some(today)) = (first, today) else { return };
            assert_eq!(runs_out(NanoRho::new(spent), NanoRho::new(left), first, today), expected);
        };
        // Ten days spent 100.
        check(100, 100, day("2026-01-20"));
        check(100, 0, day("2026-01-10"));
        check(100, 9, day("2026-01-10"));
        check(100, 10, day("2026-01-11"));
        check(0, 100, None);
        check(1, u64::MAX, None);
    }
}
