//! Where sentences are collected.

use super::{Keeper, Paper, Paragraph, Sentence};
use crate::clause::Clause;

/// The paragraphs written so far.
pub(super) struct Writer<'a> {
    paper: &'a Paper,
    paragraphs: Vec<Paragraph>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(paper: &'a Paper) -> Self {
        Self { paper, paragraphs: Vec::new() }
    }

    /// Begins a paragraph.
    pub(super) fn about(&mut self, title: impl Into<String>) {
        self.paragraphs.push(Paragraph { title: title.into(), sentences: Vec::new() });
    }

    /// Writes a sentence about these clauses.
    pub(super) fn say<C: AsRef<str>>(
        &mut self,
        clauses: impl IntoIterator<Item = C>,
        kept_by: &[Keeper],
        text: impl Into<String>,
    ) {
        let mut named: Vec<Clause> = Vec::new();
        for clause in clauses {
            let clause = Clause::at(clause.as_ref());
            if !named.contains(&clause) {
                named.push(clause);
            }
        }
        let sentence = Sentence { text: text.into(), clauses: named, kept_by: kept_by.to_vec() };
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.sentences.push(sentence);
        }
    }

    /// Whether the file has this clause.
    pub(super) fn has(&self, clause: &str) -> bool {
        self.paper.has(clause)
    }

    /// This clause where the file has it; else the one that what it leaves unsaid follows from.
    pub(super) fn where_said(&self, clause: impl Into<String>, else_by: &str) -> String {
        let clause = clause.into();
        if self.paper.has(&clause) { clause } else { else_by.to_owned() }
    }

    /// Those of these clauses that the file has.
    pub(super) fn those_said(&self, clauses: impl IntoIterator<Item = String>) -> Vec<String> {
        clauses.into_iter().filter(|clause| self.paper.has(clause)).collect()
    }

    /// Every paragraph that says anything.
    pub(super) fn end(self) -> Vec<Paragraph> {
        self.paragraphs.into_iter().filter(|paragraph| !paragraph.sentences.is_empty()).collect()
    }
}
