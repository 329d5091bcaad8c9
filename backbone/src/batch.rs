//! Which tables go to which nodes in one call: those that the same parties answer, so that one roster fits.

use sumac_policy::{PartyId, Question};
use sumac_protocol::MAX_TABLES_PER_CALL;

use crate::ask::Wanted;
use crate::asker::Asker;

/// Tables that are asked of the same parties in one call to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The parties asked together.
    pub(crate) roster: Vec<PartyId>,
    /// Where each table stands in what was wanted.
    pub(crate) places: Vec<usize>,
    /// The tables, in the same order.
    pub(crate) questions: Vec<Question>,
}

impl Asker {
    /// The calls to make. Tables that nobody can be asked for are in none of them.
    pub(crate) fn batches(&self, wanted: &[Wanted]) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for (place, wanted) in wanted.iter().enumerate() {
            let roster = self.roster(wanted);
            if roster.is_empty() {
                continue;
            }
            let open = batches.iter_mut().rfind(|batch| batch.roster == roster);
            match open.filter(|batch| batch.places.len() < MAX_TABLES_PER_CALL) {
                Some(batch) => batch.push(place, wanted),
                None => {
                    let mut batch = Batch { roster, places: Vec::new(), questions: Vec::new() };
                    batch.push(place, wanted);
                    batches.push(batch);
                }
            }
        }
        batches
    }

    /// The parties asked together for a table: those that answer its KPI and can be reached.
    fn roster(&self, wanted: &Wanted) -> Vec<PartyId> {
        let answering = self.mou().answering(wanted.table.kpi()).map(|party| party.id.clone());
        answering.filter(|party| self.reachable().any(|reachable| reachable == party)).collect()
    }
}

impl Batch {
    fn push(&mut self, place: usize, wanted: &Wanted) {
        self.places.push(place);
        self.questions.push(wanted.question());
    }
}
