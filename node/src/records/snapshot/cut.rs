//! Merged learners, cut into blocks: each table's share of a block goes to whoever writes that table.

use std::mem;
use std::sync::mpsc::SyncSender;

use sumac_keys::NodeSecret;
use sumac_policy::TableName;

use super::error::SnapshotError;
use super::table::Block;
use super::unknown;
use crate::records::canonical::Values;
use crate::records::rows::{Layout, Learner, Merge, MergeError, Tally};

/// Cuts merged learners into blocks and sends each table's share to whoever writes it.
pub(super) struct Cutter<'a> {
    layouts: &'a [Layout],
    secret: &'a NodeSecret,
    block: u32,
    senders: Vec<SyncSender<Block>>,
    /// Where the learner table stands among the tables.
    own: usize,
    pub(super) learners: u32,
    persons: Vec<Vec<u32>>,
    /// For each of the other tables, each learner's rows.
    counts: Vec<Vec<u32>>,
    tags: Vec<u32>,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(
        names: &[TableName],
        layouts: &'a [Layout],
        secret: &'a NodeSecret,
        block: u32,
        senders: Vec<SyncSender<Block>>,
    ) -> Self {
        let own = names.iter().position(|table| *table == TableName::Learner).unwrap_or(0);
        Self {
            layouts,
            secret,
            block,
            senders,
            own,
            learners: 0,
            persons: vec![Vec::new(); names.len()],
            counts: vec![Vec::new(); names.len().saturating_sub(1)],
            tags: Vec::new(),
        }
    }

    pub(super) fn cut(&mut self, merge: Merge) -> Result<Vec<Tally>, MergeError<SnapshotError>> {
        let mut columns: Vec<_> = self.layouts.iter().map(Layout::empty).collect();
        let tallies = merge.each(&mut columns, |learner, columns| {
            self.learner(learner, columns)?;
            if self.learners.is_multiple_of(self.block) {
                self.send(columns);
            }
            Ok(())
        })?;
        if !self.tags.is_empty() {
            self.send(&mut columns);
        }
        Ok(tallies)
    }

    /// Notes whose the rows are that were just added.
    fn learner(
        &mut self,
        learner: Learner<'_>,
        columns: &mut [Vec<Values>],
    ) -> Result<(), SnapshotError> {
        let ordinal = self.learners;
        let next = self.learners.checked_add(1);
        self.learners = next.ok_or(SnapshotError::TooManyRows(TableName::Learner))?;
        self.tags.push(self.secret.tag(&learner.person));
        let mut counts = self.counts.iter_mut();
        for (at, (persons, rows)) in self.persons.iter_mut().zip(learner.rows).enumerate() {
            if at != self.own {
                persons.extend((0..*rows).map(|_| ordinal));
                counts.next().into_iter().for_each(|counts| counts.push(*rows));
                continue;
            }
            persons.push(ordinal);
            if *rows == 0
                && let (Some(layout), Some(own)) = (self.layouts.get(at), columns.get_mut(at))
            {
                absent(layout, own);
            }
        }
        Ok(())
    }

    /// Sends the block that is full. Where a writer has stopped, its error says why.
    fn send(&mut self, columns: &mut [Vec<Values>]) {
        let parts = self.senders.iter().zip(self.layouts).zip(&mut self.persons).zip(columns);
        for (at, (((sender, layout), persons), columns)) in parts.enumerate() {
            let own = at == self.own;
            let block = Block {
                person: mem::take(persons),
                columns: mem::replace(columns, layout.empty()),
                counts: if own {
                    self.counts.iter_mut().map(mem::take).collect()
                } else {
                    Vec::new()
                },
                tags: if own { mem::take(&mut self.tags) } else { Vec::new() },
            };
            let _ = sender.send(block);
        }
    }
}

/// Adds a learner of whom nothing is said: code unknown, and nothing else.
fn absent(layout: &Layout, columns: &mut [Values]) {
    for (column, values) in layout.columns().iter().zip(columns) {
        match values {
            Values::Code(values) => values.push(unknown(&column.kind).unwrap_or(0)),
            Values::Date(values) => values.push(None),
            Values::Year(values) => values.push(None),
            Values::Integer(values) => values.push(None),
        }
    }
}
