//! What can happen to a coalition. `{:?}` of anything here is the Rust that makes it, so that a list which
//! broke a promise can be pasted into `regressions.rs`.

mod version;
mod who;

use std::fmt;

use jiff::civil::Date;

pub(super) use version::{Change, Counted, Folders, To};

/// A coalition, and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    /// Colleges whose nodes run: the first so many of [`Place::ALL`]. The others are never reached.
    pub(super) nodes: usize,
    pub(super) budget: Budget,
    pub(super) ops: List<Op>,
}

/// What each node may spend in a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// Runs out after a few tables.
    Tight,
    /// Never runs out here.
    Ample,
}

/// One thing that happens.
///
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    /// Tables are asked for in one call.
    Ask(Who, List<Q>),
    /// An earlier ask is made again, with the same request id: the n-th, counted around.
    Retry(usize),
    /// What asking would bring.
    Preview(Who, List<Q>),
    /// Every node describes itself.
    Describe(Who),
    /// The asker hangs up at this moment.
    DropReply(Who, List<Q>, Moment),
    /// Two ask for the same tables at once, the second in reverse order.
    TwoAtOnce(Who, Who, List<Q>),
    /// A partner's data is replaced; the number makes the rows.
    Import(Place, Covers, u8),
    /// A node's operator orders the table of this question to be measured anew.
    Remeasure(Place, Q),
    /// A node's operator lets it answer nothing for a while, or lets it go on.
    Pause(Place, Pause),
    /// A node is killed at this moment of an ask, and started again on what it leaves behind.
    Crash(Place, Who, List<Q>, Moment, Left),
    /// A node is stopped as its operator stops it, and started again.
    Restart(Place),
    /// A node is stopped, and stays so.
    Down(Place),
    /// A node is started, if it does not run.
    Up(Place),
    /// Everybody signs a new version of the agreement, which takes effect in so many days, not before the one that it
    /// replaces.
    Amend(Change, u16, To),
    /// Everybody's clock goes on by so many days. A node whose certificate grows old is started anew with another.
    StepClock(u16),
    /// A node's ledger is backed up as it is, while it serves or while it does not.
    Backup(Place),
    /// A node's disk is lost, and its last backup takes its place. Without one nothing happens.
    Restore(Place, Said),
    /// An asker loses this of what it keeps.
    Lose(Who, Kept),
    /// A node's operator goes on without the parties of these, which cannot give anything back any more.
    Resume(Place, List<Who>),
    /// A node's certificate is renewed while it serves. Not generated: a call here may outlast years of clock.
    Renew(Place),
}

/// A question: KPI, breakdown, first year of the period, purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Q(pub(super) Kpi, pub(super) By, pub(super) i16, pub(super) For);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Lakeshore,
    Harbor,
    Mill,
}

/// Who asks, and in which role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// An analyst of the backbone, and one of another party: they may ask.
    Maria,
    Omar,
    /// The backbone's steward: of the coalition, and may not ask.
    Steward,
    /// An analyst of a college: of the coalition, and may not ask.
    Rival,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kpi {
    Enrolment,
    Retention,
    /// Listed, and no partner here has the columns.
    Completers,
    /// Not in the MOU.
    Unheard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Total,
    Sex,
    SexRace,
    /// The same breakdown in another order.
    RaceSex,
    /// Listed as a part of those, and not asked for: it may be lost all the same.
    Race,
    /// Not in the MOU, nor part of anything that is.
    Age,
    /// Restricted by the MOU.
    Pell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Report,
    Equity,
    /// Not in the MOU.
    Marketing,
}

/// The periods that a partner states its data to cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covers {
    /// All that the MOU has ever had, and those that have not closed yet.
    All,
    /// The first three.
    Old,
    /// The others.
    New,
}

/// What an operator says of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Until it is lifted.
    On,
    /// For so many days after this one.
    Days(u16),
    /// The node goes on.
    Off,
}

/// A moment of an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// After so many turns of the runtime, wherever that is.
    Turn(u8),
    /// When a node calls for chance for the n-th time: for the salt of each record before it is written, and
    /// for the seed of the noise when the charge is on disk. Behind the ask, if it calls less often.
    Call(u8),
}

/// What a kill leaves of a node's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// How much had reached the file of what the node would have written to its log: 0 is nothing, 255 all.
    pub(super) tail: u8,
    pub(super) index: IndexLeft,
}

/// What is left of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexLeft {
    Whole,
    Deleted,
    /// Some bytes of every file are others.
    Garbled(u8),
}

/// How often a ledger is told that it comes from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Once,
    /// The restore was killed behind it, and taken further.
    Twice,
}

/// What an asker keeps of all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Receipts,
    /// Their last heads, too.
    All,
}

/// Several, in order.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct List<T>(pub(super) Vec<T>);

/// A list, as `{:?}` writes it.
pub(super) fn list<T, const N: usize>(of: [T; N]) -> List<T> {
    List(of.into())
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("list(")?;
        f.debug_list().entries(&self.0).finish()?;
        f.write_str(")")
    }
}

/// A case as the text of a regression: one operation a line.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, budget, ops } = self;
        writeln!(f, "Case {{ nodes: {nodes}, budget: {budget:?}, ops: list([")?;
        for op in &ops.0 {
            writeln!(f, "    {op:?},")?;
        }
        write!(f, "]) }}")
    }
}

impl Place {
    pub(super) const ALL: [Self; 3] = [Self::Lakeshore, Self::Harbor, Self::Mill];

    pub(super) fn party(self) -> &'static str {
        match self {
            Self::Lakeshore => "lakeshore-cc",
            Self::Harbor => "harbor-tech",
            Self::Mill => "mill-creek",
        }
    }
}

impl Kpi {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Enrolment => "enrolment",
            Self::Retention => "retention",
            Self::Completers => "completers",
            Self::Unheard => "unheard",
        }
    }
}

impl By {
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Total => &[],
            Self::Sex => &["sex"],
            Self::SexRace => &["sex", "race_ethnicity"],
            Self::RaceSex => &["race_ethnicity", "sex"],
            Self::Race => &["race_ethnicity"],
            Self::Age => &["age_band"],
            Self::Pell => &["pell"],
        }
    }
}

impl For {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Report => "annual-report",
            Self::Equity => "equity-review",
            Self::Marketing => "marketing",
        }
    }
}

impl Covers {
    pub(super) fn years(self) -> std::ops::RangeInclusive<i16> {
        match self {
            Self::All => 2021..=2028,
            Self::Old => 2021..=2023,
            Self::New => 2024..=2028,
        }
    }
}

/// The year that begins in July, as the MOU writes it: `2025-26`.
pub(super) fn year_label(first: i16) -> String {
    format!("{first}-{:02}", (first + 1) % 100)
}

/// The first calendar year of the year in which a day lies.
pub(super) fn year_of(day: Date) -> i16 {
    if day.month() >= 7 { day.year() } else { day.year() - 1 }
}
