//! The agreement: what a coalition's MOU says, and what follows from it.
//!
//! Pure: text and facts in, values out. No file, network, clock or randomness is touched here.

mod approver;
mod calendar;
mod case;
mod check;
mod clause;
mod decide;
mod definition;
mod derive;
pub mod diff;
mod digest;
mod dimension;
mod edit;
pub mod explain;
mod holdings;
mod margin;
mod measure;
mod mou;
mod names;
mod narrow;
mod nearest;
mod peer;
mod period;
mod permit;
mod predicate;
mod problem;
mod quantity;
mod question;
mod read;
mod refusal;
mod resolve;
mod schema;
pub mod section;
mod table;

pub use approver::{Approver, approver};
pub use calendar::{Calendar, Due};
pub use case::{Case, DECIDED_BY_THE_MOU, Decided, Expected, Otherwise};
pub use clause::Clause;
pub use decide::decide;
pub use definition::{Anchor, Definition, Outcome, When};
pub use derive::{DerivePermit, RollUp, Source};
pub use digest::{DigestError, Sha256};
pub use dimension::{Breakdown, Dimension, DimensionSource};
pub use edit::{MarginEdit, with_margins};
pub use holdings::{Covered, Holdings, needed};
pub use margin::Margin;
pub use measure::{Bins, Bound, Clip, Level, Measure, Scale, Unit};
pub use mou::{
    After, Amendment, Approval, Audit, BreachNotice, Capability, DataRules, FloorAt, Kpi, Limit,
    Mou, Party, PartyKind, Pilot, Privacy, Restriction, Role, Target, Terms, WordError,
};
pub use names::{DimensionId, KpiId, NameError, PartyId, Purpose, StandardId};
pub use narrow::{Narrow, Suspension};
pub use peer::{Peer, PeerRole, PeerRoleError};
pub use period::{
    DayOfYear, Period, PeriodError, PeriodKind, Span, Term, TermName, TermStarts, Year, YearStart,
};
pub use permit::{Permit, Permitted, Table};
pub use predicate::{ColumnRef, Interval, Op, Predicate, Value};
pub use problem::{Problem, Problems, Severity};
pub use quantity::{Quantity, RATIO_PER};
pub use question::Question;
pub use read::{BinList, Standard, standard};
pub use refusal::{Reason, Refusal};
pub use resolve::Resolved;
pub use schema::{Code, Column, Kind, Schema, TABLES, TableName, TableSchema};
pub use table::TableKey;
