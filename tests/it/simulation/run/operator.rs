//! What a node's operator does beside starting and stopping it: data comes in, a table is to be measured anew.
//!
//! `Restore`, `Amend` and `Pause` will be here too.

use std::collections::BTreeMap;

use super::super::agreement::rows;
use super::super::model::{Broken, Correction, Table, broken};
use super::super::operation::{Covers, Place, Q, year_label};
use super::Run;
use crate::coalition::freeze;

impl Run {
    pub(super) fn import(&mut self, place: Place, covers: Covers, number: u8) {
        if self.model.node(place).is_none() {
            return;
        }
        let rows = rows(&self.coalition.mou, number);
        let years: Vec<_> = covers.years().map(year_label).collect();
        let years: Vec<_> = years.iter().map(String::as_str).collect();
        let into = self.partners[self.partner(place)].snapshots(&self.coalition);
        freeze(&self.coalition, &into, &rows, &years);
        let today = self.model.today;
        let node = self.model.node_mut(place);
        (node.as_of, node.covers) = (today, covers);
    }

    /// The operator orders a table of a node to be measured anew, while the node serves or while it does not.
    pub(super) async fn remeasure(&mut self, place: Place, question: Q) -> Result<(), Broken> {
        if self.model.node(place).is_none() {
            return Ok(());
        }
        let n = self.partner(place);
        let table = Table::of(question);
        let expected = self.model.correction(place, table);
        let ordered = match self.partners[n].order(&self.coalition, question).await {
            Ok(ordered) => ordered,
            Err(error) => return broken("an operator is heard", format!("{place:?}: {error}")),
        };
        let as_expected = match (expected, ordered) {
            (Correction::Ordered(expected), Some(revision)) => expected == revision,
            (Correction::Refused, None) => true,
            (Correction::Either, _) => true,
            _ => false,
        };
        if !as_expected {
            let what = format!("{place:?}, {question:?}: expected {expected:?}, got {ordered:?}");
            return broken("only what was released, and what fits, is measured anew", what);
        }
        if ordered.is_some() {
            self.model.node_mut(place).orders += 1;
            self.count("ordered anew");
        }
        self.audit_all(&BTreeMap::new())
    }
}
