//! What a node must say.

use std::collections::BTreeSet;

use jiff::civil::date;
use sumac_policy::Reason;

use super::super::auditor::Ledger;
use super::super::operation::{By, For, Kpi, Place, Q, Who};
use super::{Correction, Expected, LAST_DAY, Model};

impl Model {
    /// Why a node refuses a question whatever was spent; none where it answers.
    pub(in crate::simulation) fn refusal(
        &self,
        place: Place,
        who: Who,
        question: Q,
    ) -> Option<Expected> {
        let Q(kpi, by, year, purpose) = question;
        let refused = |reason| Some(Expected::Refusal(reason));
        if self.in_force(place) != self.asked_by() {
            return refused(Reason::MouDiffers);
        }
        if self.today > LAST_DAY {
            return refused(Reason::MouExpired);
        }
        let terms = self.terms();
        match who {
            Who::Maria | Who::Omar => {}
            Who::Steward => return refused(Reason::RoleMayNotAsk),
            Who::Rival => return refused(Reason::PartyMayNotAsk),
        }
        if purpose == For::Marketing {
            return refused(Reason::PurposeNotListed);
        }
        if !terms.has(kpi) {
            return refused(Reason::KpiNotListed);
        }
        if by == By::Pell {
            return refused(Reason::Restricted);
        }
        let table = terms.table(question);
        if !terms.lists(table) {
            return refused(Reason::BreakdownNotListed);
        }
        if year < 2021 {
            return refused(Reason::PeriodBeforeFirst);
        }
        // Closes on 30 June, and waits 21 days after that.
        if self.today < date(year + 1, 7, 22) {
            return refused(Reason::PeriodNotClosed);
        }
        let node = self.node(place)?;
        if node.is_paused(self.today) {
            return refused(Reason::Paused);
        }
        if node.ledger.is_lost(table) {
            return refused(Reason::ReleaseLost);
        }
        if let Some(expected) = self.too_wide(place, table) {
            return Some(expected);
        }
        if node.released(table).is_some() {
            return None;
        }
        let lacks = if !node.covers.years().contains(&year) {
            Reason::PeriodNotHeld
        } else if node.as_of <= date(year + 1, 6, 30) {
            Reason::SnapshotTooEarly
        } else if kpi == Kpi::Completers {
            Reason::ColumnNotHeld
        } else {
            return None;
        };
        let may_be_released = node.loose.contains_key(&table);
        Some(if may_be_released { Expected::Either(lacks) } else { Expected::Refusal(lacks) })
    }

    /// What comes of an order to measure a table anew.
    pub(in crate::simulation) fn correction(&self, place: Place, question: Q) -> Correction {
        let Some(node) = self.node(place) else { return Correction::Refused };
        let (terms, ledger) = (self.terms_at(place), &node.ledger);
        let (table, budget) = (terms.table(question), terms.budget_nano_rho());
        if !terms.lists(table) || ledger.ordered(table).is_some() {
            return Correction::Refused;
        }
        let is_loose = node.loose.contains_key(&table);
        // What was paid for and is not precise enough any more is never completed.
        let too_wide = matches!(self.too_wide(place, table), Some(Expected::Refusal(_)));
        let stands = too_wide || ledger.is_lost(table) || node.released(table).is_some();
        let Some(last) = ledger.last(table).filter(|_| stands) else {
            return if is_loose { Correction::Either } else { Correction::Refused };
        };
        let least = node.ledger.spent(&self.year()) + terms.price_nano_rho(table);
        if least > budget {
            Correction::Refused
        } else if least + self.loose_nano_rho(place) > budget {
            Correction::Either
        } else {
            Correction::Ordered(last + 1)
        }
    }

    /// What a node would say to these asks if its ledger were this one.
    pub(in crate::simulation) fn expect_on(
        &mut self,
        place: Place,
        ledger: &Ledger,
        asks: &[(Who, Vec<Q>)],
    ) -> Vec<Vec<Expected>> {
        let now = std::mem::replace(&mut self.node_mut(place).ledger, ledger.clone());
        let expected = self.expect(place, asks);
        self.node_mut(place).ledger = now;
        expected
    }

    /// What a node says to these asks. The questions of one are taken one after the other; if there are several
    /// asks, they come at once.
    pub(in crate::simulation) fn expect(
        &self,
        place: Place,
        asks: &[(Who, Vec<Q>)],
    ) -> Vec<Vec<Expected>> {
        let Some(node) = self.node(place) else { return Vec::new() };
        let at_once = asks.len() > 1;
        let terms = self.terms();
        let budget = terms.budget_nano_rho();
        let mut charged: BTreeSet<_> = node.charged().into_keys().collect();
        charged.retain(|table| node.is_charged(*table));
        let mut perhaps: BTreeSet<_> =
            node.loose.keys().copied().filter(|table| !charged.contains(table)).collect();
        let mut least = node.ledger.spent(&self.year());
        let mut most = least + self.loose_nano_rho(place);
        if at_once {
            for (who, questions) in asks {
                for question in questions {
                    let table = terms.table(*question);
                    let is_new = !charged.contains(&table)
                        && self.refusal(place, *who, *question).is_none()
                        && perhaps.insert(table);
                    most += if is_new { terms.price_nano_rho(table) } else { 0 };
                }
            }
        }
        let mut one = |who: Who, question: Q| {
            let table = terms.table(question);
            let price = terms.price_nano_rho(table);
            if let Some(refusal) = self.refusal(place, who, question) {
                most += if refusal == Expected::Open { price } else { 0 };
                return refusal;
            }
            if charged.contains(&table) {
                return Expected::Answer;
            }
            let with_it = most + if perhaps.contains(&table) { 0 } else { price };
            if least + price > budget {
                // It may have been paid for by the one who hung up.
                return match node.loose.contains_key(&table) {
                    true => Expected::Either(Reason::BudgetSpent),
                    false => Expected::Refusal(Reason::BudgetSpent),
                };
            }
            let fits = with_it <= budget;
            if !at_once {
                most = with_it;
                perhaps.insert(table);
                if fits {
                    charged.insert(table);
                    least += price;
                }
            }
            if fits { Expected::Answer } else { Expected::Either(Reason::BudgetSpent) }
        };
        let of_ask = |(who, questions): &(Who, Vec<Q>)| {
            questions.iter().map(|question| one(*who, *question)).collect()
        };
        asks.iter().map(of_ask).collect()
    }
}
