//! After a restore: what an asker's next call gives back of what was lost, what then counts as spent, and what the node
//! says meanwhile.

use jiff::civil::{Date, date};
use sumac_policy::Reason;
use sumac_protocol::{Release, SignedRelease};

use super::super::auditor::{Charge, Heard, Ledger, Loss, Lost, Restored, Resumed};
use super::super::keeps::Held;
use super::super::operation::{Place, Who, year_label, year_of};
use super::{Agreed, Model, Table};

/// What comes of a call to a node that has lost what it showed the asker, or still waits for it to be shown.
pub(in crate::simulation) struct Foreseen {
    /// What its ledger says then, but for what the call's questions bring.
    pub(in crate::simulation) ledger: Ledger,
    /// Why it refuses all questions of the call; none if it answers.
    pub(in crate::simulation) refusal: Option<Reason>,
    /// Whether anything comes back.
    pub(in crate::simulation) gives_back: bool,
}

/// The place of a record that is foreseen: behind all that are there.
const TO_COME: u64 = u64::MAX - 1;

impl Model {
    /// What comes of a call of an asker who keeps this; none if the call is like any other.
    pub(in crate::simulation) fn foresee(
        &self,
        place: Place,
        who: Who,
        held: &Held,
    ) -> Option<Foreseen> {
        let ledger = &self.node(place)?.ledger;
        let waits = ledger.waits();
        let is_here = |root: &String, size| ledger.heads.get(&size) == Some(root);
        let head = held.head.as_ref();
        if !waits && head.is_none_or(|head| is_here(&head.root, head.size)) {
            return None;
        }
        // Nothing is taken back from who goes by another version.
        let in_force = self.in_force(place);
        if in_force != self.asked_by() {
            return None;
        }
        let mut ledger = ledger.clone();
        if !matches!(who, Who::Maria | Who::Omar) {
            let refusal = Some(Reason::PartyMayNotAsk);
            return Some(Foreseen { ledger, refusal, gives_back: false });
        }
        let before = ledger.releases.len();
        ledger.take_back(held);
        let gives_back = ledger.releases.len() > before;
        let (size, spent_nano_rho) = head.map_or((0, 0), |head| (head.size, head.spent_nano_rho));
        let heard = Heard { party: who.party().to_owned(), size, spent_nano_rho };
        let is_heard = ledger.hear(heard, self.today, &self.versions[..=in_force]);
        let refusal = (!is_heard || ledger.waits()).then_some(Reason::Restored);
        Some(Foreseen { ledger, refusal, gives_back })
    }
}

impl Ledger {
    /// Whether it comes from a backup, and the node answers nothing.
    pub(in crate::simulation) fn waits(&self) -> bool {
        self.restores.last().is_some_and(|restore| !restore.is_resumed)
    }

    /// The parties that the node waits for.
    pub(in crate::simulation) fn awaited(&self) -> &[String] {
        self.restores.last().map_or(&[], |restore| &restore.awaited)
    }

    /// Every receipt of what was lost comes back, in the order of its record, where nothing else is.
    fn take_back(&mut self, held: &Held) {
        let from = self.restores.iter().map(|restore| restore.size).min().unwrap_or(0);
        let mut receipts: Vec<_> = held.receipts.iter().collect();
        receipts.retain(|(_, receipt)| receipt.position >= from);
        receipts.sort_by_key(|(_, receipt)| receipt.position);
        for ((key, revision), receipt) in receipts {
            let place = (key.clone(), *revision);
            if self.releases.contains_key(&place) {
                continue;
            }
            self.releases.insert(place, receipt.body.clone());
            let is_it = |charge: &Charge| charge.table == *key && charge.revision == *revision;
            if self.charges.iter().any(is_it) {
                continue;
            }
            let signed = SignedRelease::from_bytes(&receipt.body).unwrap();
            let release = Release::decode(&signed.body).unwrap();
            let facts = release.facts();
            let dimensions = facts.breakdown.dimensions().iter();
            let mut breakdown: Vec<_> = dimensions.map(ToString::to_string).collect();
            breakdown.sort();
            self.charges.push(Charge {
                seq: TO_COME,
                is_recovered: true,
                table: key.clone(),
                revision: *revision,
                year: facts.accounting_year.to_string(),
                price_nano_rho: facts.price_nano_rho,
                margin: u64::from(facts.margin.learners()),
                mou: facts.mou.to_string(),
                kpi: facts.kpi.to_string(),
                period: facts.period.to_string(),
                breakdown,
            });
            let restore = self.restores.last_mut().unwrap();
            restore.accounted_nano_rho += facts.price_nano_rho;
        }
    }

    /// A party has shown all that it keeps: whether that is taken for all. Who asked later than it shows keeps more,
    /// elsewhere.
    fn hear(&mut self, heard: Heard, today: Date, versions: &[Agreed]) -> bool {
        let last_asked = self.asked.get(&heard.party).copied();
        let restore = self.restores.last_mut().unwrap();
        let is_awaited = restore.awaited.contains(&heard.party);
        if is_awaited && last_asked.is_some_and(|asked| asked >= heard.size) {
            return false;
        }
        let is_known = restore.heard.iter().any(|known| known.party == heard.party);
        if is_awaited || (heard.size > 0 && !is_known) {
            restore.awaited.retain(|awaited| *awaited != heard.party);
            restore.heard.push(heard.clone());
        }
        let (was_resumed, accounted) = (restore.is_resumed, restore.accounted_nano_rho);
        if was_resumed && heard.spent_nano_rho > accounted {
            self.close(&[heard], today, versions);
        } else if !was_resumed && restore.awaited.is_empty() {
            let all = restore.heard.clone();
            self.close(&all, today, versions);
        }
        true
    }

    /// The node answers again: what nobody gave back counts as spent.
    fn close(&mut self, shown: &[Heard], on: Date, versions: &[Agreed]) {
        let loss = self.loss(shown, false, on, versions);
        let restore = self.restores.last_mut().unwrap();
        restore.is_resumed = true;
        restore.awaited.clear();
        restore.accounted_nano_rho += loss.nano_rho;
        self.lost.extend(loss.tables.iter().cloned());
        self.resumed.push(Resumed { seq: TO_COME, on, without: Vec::new(), loss });
    }

    /// What is lost when these have shown their heads, and perhaps others could not, by these versions so far.
    pub(super) fn loss(
        &self,
        shown: &[Heard],
        without: bool,
        on: Date,
        versions: &[Agreed],
    ) -> Loss {
        let restore = self.restores.last().unwrap();
        let first = self.first_of_the_loss();
        let most = shown.iter().map(|heard| heard.spent_nano_rho).max().unwrap_or(0);
        let unaccounted = most.saturating_sub(restore.accounted_nano_rho);
        let days = [first.backed_up.min(on), first.backed_up.max(on)].map(year_of);
        let years = (days[0]..=days[1]).map(year_label).collect();
        let mut loss = Loss { nano_rho: unaccounted, years, tables: Vec::new() };
        let saw_more = shown.iter().any(|heard| heard.size > first.size);
        if !without && unaccounted == 0 && !saw_more {
            return loss;
        }
        let may_be_charged = without || unaccounted > 0;
        let mut price_of_all = 0;
        for (table, price) in due(on, versions) {
            let (revision, price) = match (self.ordered(table), self.last(table)) {
                (Some(next), _) if may_be_charged => (next, price),
                (None, None) if may_be_charged => (0, price),
                (None, Some(last)) => {
                    let is_open = self.is_charged(table) && self.released(table).is_none();
                    if !is_open || restore.is_resumed {
                        continue;
                    }
                    (last, 0)
                }
                _ => continue,
            };
            price_of_all += price;
            let (table, name) = (table.key().to_owned(), table.name());
            loss.tables.push(Lost { table, name, revision });
        }
        loss.tables.sort();
        if without {
            loss.nano_rho = unaccounted.max(price_of_all);
        }
        loss
    }

    /// The restore whose loss is still open: the first one since the node last answered.
    fn first_of_the_loss(&self) -> &Restored {
        let mut from_last = self.restores.iter().rev();
        let last = from_last.next().unwrap();
        from_last.take_while(|earlier| !earlier.is_resumed).last().unwrap_or(last)
    }
}

/// Every table that may have been asked for by this day by any of these versions, and the most that it cost: what a
/// later one left out may be listed again.
fn due(on: Date, versions: &[Agreed]) -> impl Iterator<Item = (Table, u64)> {
    let most = move |table: &Table| {
        let listed = versions.iter().filter(|version| version.terms.lists(*table));
        listed.map(|version| version.terms.price_nano_rho(*table)).max()
    };
    // The last one is due before the MOU expires.
    let closed = move |table: &Table| table.year() < 2030 && date(table.year() + 1, 7, 22) <= on;
    Table::all().filter(closed).filter_map(move |table| Some((table, most(&table)?)))
}
