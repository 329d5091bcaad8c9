//! How every case ends: each node is brought back, and answers all that it was ever paid for.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Broken, LAST_DAY, Node, Table, Terms, broken};
use super::super::operation::{Counted, Covers, List, Pause, Place, Q, To, Who};
use super::{Ending, Run};

impl Run {
    /// Free, and for the same charge, under whatever version lists it again. What is lost stays so, but for one table
    /// that is ordered anew.
    pub(super) async fn end(mut self) -> Result<Ending, Broken> {
        // Whatever waits comes into force first.
        let last = self.model.versions.last().map_or(self.model.today, |last| last.effective);
        self.step_clock(u16::try_from((last - self.model.today).get_days().max(0)).unwrap())
            .await?;
        let places = self.places();
        for (n, place) in places.iter().enumerate() {
            self.import(*place, Covers::All, 0);
            self.pause(*place, Pause::Off).await?;
            self.stop(*place).await?;
            self.start(n).await?;
            self.settle(*place).await?;
        }
        let is_first = self.signed.len() == 1;
        let mut asked = BTreeSet::new();
        for counted in [Counted::AllYear, Counted::Fall] {
            let known = places.iter().filter_map(|place| self.model.node(*place)).flat_map(known);
            let of_this = |table: &Table| table.is_of(counted) && !asked.contains(table);
            if !known.into_iter().any(|table| of_this(&table)) {
                continue;
            }
            if !is_first && self.model.today <= LAST_DAY {
                self.amend(&Terms::widest(counted), 0, To::All).await?;
            }
            for place in &places {
                asked.extend(self.answers_what_it_was_paid_for(*place, counted).await?);
            }
        }
        let mut charged = BTreeMap::new();
        for place in places {
            self.stop(place).await?;
            charged.extend(self.model.node(place).map(|node| (place, node.charged())));
        }
        Ok(Ending { tally: self.tally, charged })
    }

    async fn answers_what_it_was_paid_for(
        &mut self,
        place: Place,
        counted: Counted,
    ) -> Result<Vec<Table>, Broken> {
        let lost = self.model.node(place).map(Node::lost).unwrap_or_default();
        if let Some(lost) = lost.iter().find(|table| table.is_of(counted)) {
            self.remeasure(place, lost.question()).await?;
        }
        let node = self.model.node(place).unwrap();
        let tables: Vec<_> = known(node).into_iter().filter(|t| t.is_of(counted)).collect();
        let (paid, ordered): (Vec<_>, Vec<_>) =
            tables.iter().copied().partition(|table| node.is_charged(*table));
        if !paid.is_empty() {
            let before = self.spent(place);
            // Another node may have to pay for what this one has.
            self.ask(Who::Maria, &questions(&paid), "sim.last", None).await?;
            if self.spent(place) != before {
                return broken("what is charged is paid", format!("{place:?}"));
            }
        }
        if !ordered.is_empty() {
            self.ask(Who::Maria, &questions(&ordered), "sim.anew", None).await?;
        }
        Ok(tables)
    }

    fn spent(&self, place: Place) -> u64 {
        self.model.node(place).map_or(0, |node| node.charged().values().sum())
    }
}

/// Every table that was ever paid for, or is lost.
fn known(node: &Node) -> BTreeSet<Table> {
    node.charged().into_keys().chain(node.lost()).collect()
}

fn questions(tables: &[Table]) -> List<Q> {
    List(tables.iter().map(|table| table.question()).collect())
}
