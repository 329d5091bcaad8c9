//! The agreement as paragraphs that people can sign beside: every sentence names its clauses and who keeps them.
//!
//! Pure, and without a figure of its own: what a margin costs and what it means for one learner comes in as
//! [`Figures`], which the privacy room works out.

mod calendar;
mod condition;
mod data;
mod enforcement;
mod figures;
mod frame;
mod groups;
mod kpi;
mod lifecycle;
mod meaning;
mod paper;
mod question;
mod risk;
mod words;
mod writer;

use std::fmt;

use crate::clause::Clause;
use crate::mou::Mou;
use writer::Writer;

pub use figures::{Figures, KpiFigures, Risk, YearFigures};
pub use paper::Paper;
pub use question::{Foreseen, foresee};

/// A paragraph: what it is about, and its sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// What it is about.
    pub title: String,
    /// Never empty.
    pub sentences: Vec<Sentence>,
}

/// One sentence, and what in the file it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// In plain words.
    pub text: String,
    /// The clauses it restates; never empty, and each stands in the file.
    pub clauses: Vec<Clause>,
    /// Who keeps them; never empty.
    pub kept_by: Vec<Keeper>,
}

/// Who keeps a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeper {
    /// The reader of the file: a file that breaks it is refused by everyone.
    Reading,
    /// Each node, before anything is charged or sent.
    Node,
    /// The asker's software, on the noisy numbers that nodes sent it.
    Backbone,
    /// Nobody but people: the clause is signed, shown and recorded.
    People,
}

/// The whole agreement in words, in the order in which people ask.
///
/// `paper` is the same file as `mou`: it knows which clauses stand there and which are left to the format.
pub fn explain(mou: &Mou, paper: &Paper, figures: &Figures) -> Vec<Paragraph> {
    let mut writer = Writer::new(paper);
    frame::agreement(&mut writer, mou);
    frame::parties(&mut writer, mou);
    frame::roles(&mut writer, mou);
    frame::purposes(&mut writer, mou);
    for (kpi, figures) in mou.kpis().iter().zip(&figures.kpis) {
        kpi::kpi(&mut writer, mou, kpi, figures);
    }
    kpi::columns(&mut writer, mou);
    kpi::dimensions(&mut writer, mou);
    calendar::calendar(&mut writer, mou);
    data::never_shared(&mut writer, mou);
    data::restrictions(&mut writer, mou);
    data::data(&mut writer, mou);
    risk::precision(&mut writer);
    risk::learner(&mut writer, mou, figures);
    risk::budget(&mut writer, mou, figures);
    groups::groups(&mut writer, mou, &figures.kpis);
    lifecycle::pilot(&mut writer, mou);
    lifecycle::amendment(&mut writer, mou);
    lifecycle::leaving(&mut writer, mou);
    lifecycle::answers(&mut writer, mou);
    lifecycle::breach(&mut writer, mou);
    lifecycle::audit(&mut writer, mou);
    enforcement::enforcement(&mut writer, mou);
    writer.end()
}

impl Keeper {
    /// The word: `node`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Node => "node",
            Self::Backbone => "backbone",
            Self::People => "people",
        }
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
