//! One change of meaning: which way it goes, in words, with a question that shows it.

use std::fmt;

use crate::diff::meaning::{Asked, Terms};
use crate::diff::region::{Claim, Says, Term};
use crate::refusal::Refusal;

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// More is disclosed: to more parties, more precisely, of smaller groups, sooner, for longer.
    Widens,
    /// Less is disclosed.
    Narrows,
    /// Both: something is disclosed that was not, and something no longer is.
    Both,
}

/// A change of meaning.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// What it is about, as a word for programs.
    pub topic: Topic,
    /// The change in words, of the new version: "newly lets …".
    pub sentence: String,
    /// Questions that the versions answer differently because of it; one at least.
    pub witnesses: Vec<Witness>,
    pub(super) claims: Vec<Claim>,
    /// The clauses that it rests on, as paths.
    pub(super) paths: Vec<String>,
}

/// A question with what both versions say to it.
#[derive(Debug, Clone)]
pub struct Witness {
    /// The question.
    pub asked: Asked,
    /// What the old version says.
    pub old: Result<Terms, Refusal>,
    /// What the new version says.
    pub new: Result<Terms, Refusal>,
}

macro_rules! topics {
    ($($(#[$doc:meta])* $topic:ident = $word:literal),+ $(,)?) => {
        /// What a change is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Topic { $($(#[$doc])* $topic),+ }

        impl Topic {
            /// The word for programs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$topic => $word),+ }
            }
        }
    };
}

topics!(
    /// Days in force.
    Force = "force",
    /// Who asks or reads.
    Asker = "asker",
    /// A party's root certificate.
    Root = "root",
    /// Purposes.
    Purpose = "purpose",
    /// A KPI listed or not.
    Kpi = "kpi",
    /// A KPI's tables.
    Breakdown = "breakdown",
    /// Whose nodes answer.
    Node = "node",
    /// What a KPI counts.
    Definition = "definition",
    /// Measured or added up.
    Route = "route",
    /// Precision.
    Margin = "margin",
    /// Approval.
    Approval = "approval",
    /// Which periods may be asked.
    Period = "period",
    /// How long a period waits.
    Wait = "wait",
    /// The pilot.
    Pilot = "pilot",
    /// When years start.
    YearStart = "year_start",
    /// When terms begin.
    Terms = "terms",
    /// The smallest group shown.
    Floor = "floor",
    /// Who judges it.
    FloorAt = "floor_at",
    /// Parties behind one number.
    MinParties = "min_parties",
    /// The yearly budget.
    Budget = "budget",
    /// How old data may be.
    Freshness = "freshness",
    /// How long releases are kept.
    Retention = "retention",
);

impl Direction {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Narrows => "narrows",
            Self::Both => "both",
        }
    }

    /// Whether anything is disclosed that was not.
    pub fn widens(self) -> bool {
        self != Self::Narrows
    }

    /// The direction of two changes taken together.
    pub(super) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Change {
    /// The terms that it says are answered differently; empty for one that allows or withdraws.
    pub fn terms(&self) -> Vec<Term> {
        let term = |claim: &Claim| match claim.says {
            Says::Alters(term) => Some(term),
            Says::Allows | Says::Withdraws => None,
        };
        self.claims.iter().filter_map(term).collect()
    }
}
