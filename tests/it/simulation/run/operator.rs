//! What a node's operator does beside starting and stopping it: data comes in, a table is to be measured anew, the
//! node is to be silent for a while.

use std::collections::BTreeMap;

use jiff::ToSpan;
use sumac_node::console::{Command, Reply};
use sumac_node::remeasure;
use sumac_node::store::Paused;

use super::super::agreement::rows;
use super::super::model::{Broken, Correction, broken};
use super::super::operation::{Covers, Pause, Place, Q, year_label};
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
        let expected = self.model.correction(place, question);
        let Q(kpi, by, year, _) = question;
        let correction = remeasure::Correction {
            kpi: kpi.word().to_owned(),
            period: year_label(year),
            by: by.words().iter().map(|id| (*id).to_owned()).collect(),
            because: "a file was missing".to_owned(),
        };
        let order = Command::Remeasure { correction, order: true };
        let ordered = match self.partners[n].command(&self.coalition, order).await {
            Ok(Reply::Ordered(plan)) => Some(u64::from(plan.revision)),
            Ok(Reply::Refused { .. }) => None,
            other => return broken("an operator is heard", format!("{place:?}: {other:?}")),
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

    /// The operator lets a node answer nothing for a while, or lets it go on. What the node answers to either while it
    /// serves, the ledger takes while it does not.
    pub(super) async fn pause(&mut self, place: Place, pause: Pause) -> Result<(), Broken> {
        let Some(node) = self.model.node(place) else { return Ok(()) };
        let today = self.model.today;
        let (was_paused, is_off) = (node.is_paused(today), pause == Pause::Off);
        let until = match pause {
            Pause::Days(days) => Some(today + i64::from(days).days()),
            Pause::On | Pause::Off => None,
        };
        let command = match is_off {
            true => Command::EndPause,
            false => Command::Pause(Paused { because: "an audit".to_owned(), until }),
        };
        let n = self.partner(place);
        let reply = self.partners[n].command(&self.coalition, command).await;
        let as_expected = match &reply {
            Ok(Reply::Paused) => !is_off,
            Ok(Reply::PauseEnded) => is_off && was_paused,
            Ok(Reply::Refused { .. }) => is_off && !was_paused,
            _ => false,
        };
        if !as_expected {
            let what = format!("{place:?}, {pause:?}, paused {was_paused}: {reply:?}");
            return broken("a node is paused when its operator says so, and no longer", what);
        }
        if !is_off {
            self.model.node_mut(place).paused = Some(until);
            self.count("paused");
        } else if was_paused {
            self.model.node_mut(place).paused = None;
            self.count("let go on");
        }
        self.audit_all(&BTreeMap::new())
    }
}
