//! What a book knows of questions that wait for a person.

use sumac_policy::TableKey;

use super::table::{TableState, number};
use super::{Book, BookError};
use crate::store::held::{Approved, HeldQuestion, Judged, Judgement, Rejected};
use crate::store::record::{Charged, Record};

/// More stewards than this no MOU asks for.
const MOST_APPROVALS: u32 = 2;

impl TableState {
    /// The revision that the next measurement would be of: the one paid for and not released, or the one after the
    /// last. None while the last one answers.
    pub(in crate::store) fn next_measured(&self) -> Option<u32> {
        match self.standing() {
            Some((revision, paid)) => paid.release_at.is_none().then_some(revision),
            None => Some(number(self.paid.len())),
        }
    }

    /// The question that was held last, if it is still one: its revision is not released.
    pub(in crate::store) fn held_question(&self) -> Option<&Judged> {
        self.held.last().filter(|judged| self.next_measured() == Some(judged.question.revision))
    }
}

impl Book {
    /// The number of the next question that is held.
    pub(in crate::store) fn next_held(&self) -> u64 {
        self.totals.held + 1
    }

    /// The question of this number, if it still is one.
    pub(in crate::store) fn held_question(&self, number: u64) -> Option<&Judged> {
        self.held_questions().find(|judged| judged.question.number == number)
    }

    /// Every question that still is one.
    pub(in crate::store) fn held_questions(&self) -> impl Iterator<Item = &Judged> {
        self.tables.values().filter_map(TableState::held_question)
    }

    pub(super) fn hold(
        &mut self,
        held: &HeldQuestion,
        record: &Record,
    ) -> Result<TableKey, BookError> {
        let out_of_turn = BookError::HeldOutOfTurn(held.number);
        let state = self.tables.get(&held.table);
        let next = state.map_or(Some(0), TableState::next_measured);
        let same = |judged: &Judged| {
            HeldQuestion { number: 0, peer: String::new(), purpose: String::new(), ..held.clone() }
                == HeldQuestion {
                    number: 0,
                    peer: String::new(),
                    purpose: String::new(),
                    ..judged.question.clone()
                }
        };
        let sound = held.number == self.next_held()
            && next == Some(held.revision)
            && (1..=MOST_APPROVALS).contains(&held.approvals)
            && held.price_nano_rho > 0
            && !state.and_then(TableState::held_question).is_some_and(same);
        if !sound {
            return Err(out_of_turn);
        }
        let judged = Judged {
            question: held.clone(),
            at: record.at,
            approved_by: Vec::new(),
            rejected: None,
        };
        self.tables.entry(held.table).or_default().held.push(judged);
        self.totals.held += 1;
        Ok(held.table)
    }

    pub(super) fn approve(&mut self, approved: &Approved) -> Result<TableKey, BookError> {
        let Approved { number, peer } = approved;
        let judged = self.undecided(*number)?;
        if judged.judgement() != Judgement::Waiting || judged.approved_by.contains(peer) {
            return Err(BookError::JudgedOutOfTurn(*number));
        }
        judged.approved_by.push(peer.clone());
        Ok(judged.question.table)
    }

    pub(super) fn reject(&mut self, rejected: &Rejected) -> Result<TableKey, BookError> {
        let judged = self.undecided(rejected.number)?;
        if judged.judgement() == Judgement::Rejected {
            return Err(BookError::JudgedOutOfTurn(rejected.number));
        }
        judged.rejected = Some(rejected.clone());
        Ok(judged.question.table)
    }

    /// Whether a charge that names an approval has it.
    pub(super) fn is_approved(&self, charged: &Charged) -> Result<(), BookError> {
        let Some(number) = charged.approved else { return Ok(()) };
        let approved = self.held_question(number).filter(|judged| {
            let HeldQuestion { table, revision, mou, margin, .. } = &judged.question;
            judged.judgement() == Judgement::Approved
                && (*table, *revision) == (charged.table, charged.revision)
                && (*mou, *margin) == (charged.mou, charged.margin)
        });
        approved.map(drop).ok_or(BookError::NotApproved(charged.table))
    }

    fn undecided(&mut self, number: u64) -> Result<&mut Judged, BookError> {
        let table = self.held_question(number).map(|judged| judged.question.table);
        let state = table.and_then(|table| self.tables.get_mut(&table));
        state.and_then(|state| state.held.last_mut()).ok_or(BookError::JudgedOutOfTurn(number))
    }
}
