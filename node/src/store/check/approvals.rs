//! Held questions, counted anew: which charges had the approvals that they name.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::book::BookError;
use crate::store::held::HeldQuestion;
use crate::store::record::{Charged, Event};

/// Every question that was held, and what was said of it.
#[derive(Default)]
pub(super) struct Approvals(BTreeMap<u64, Said>);

struct Said {
    question: HeldQuestion,
    approved_by: BTreeSet<String>,
    rejected: bool,
}

impl Approvals {
    /// Takes in an event; a charge has to have what it names.
    pub(super) fn take(&mut self, event: &Event) -> Result<(), BookError> {
        match event {
            Event::Held(question) => {
                let (question, approved_by) = (question.clone(), BTreeSet::new());
                let number = question.number;
                match self.0.insert(number, Said { question, approved_by, rejected: false }) {
                    None => Ok(()),
                    Some(_) => Err(BookError::HeldOutOfTurn(number)),
                }
            }
            Event::Approved(approved) => {
                let said = self.said(approved.number)?;
                said.approved_by.insert(approved.peer.clone());
                Ok(())
            }
            Event::Rejected(rejected) => {
                self.said(rejected.number)?.rejected = true;
                Ok(())
            }
            Event::Charged(charged) => self.has_leave(charged),
            _ => Ok(()),
        }
    }

    fn said(&mut self, number: u64) -> Result<&mut Said, BookError> {
        self.0.get_mut(&number).ok_or(BookError::JudgedOutOfTurn(number))
    }

    fn has_leave(&self, charged: &Charged) -> Result<(), BookError> {
        let Some(number) = charged.approved else { return Ok(()) };
        let had = self.0.get(&number).is_some_and(|said| {
            let HeldQuestion { table, revision, mou, margin, price_nano_rho, .. } = &said.question;
            let enough = said.approved_by.len() as u64 >= u64::from(said.question.approvals);
            enough
                && !said.rejected
                && (*table, *revision) == (charged.table, charged.revision)
                && (*mou, *margin) == (charged.mou, charged.margin)
                && *price_nano_rho == charged.price_nano_rho
        });
        if had { Ok(()) } else { Err(BookError::NotApproved(charged.table)) }
    }
}
