//! A snapshot: one node's records, frozen. Tables are measured on a named snapshot and on nothing else.
//!
//! # Layout
//!
//! A snapshot is a directory named by its id, beside a small file `current` that names the id in use:
//!
//! ```text
//! snapshots/current
//! snapshots/20260701T080000Z-0123456789abcdef/manifest.json
//!                                            /learner.parquet, enrolment.parquet, …
//! ```
//!
//! Person keys do not survive the freeze. A learner is an *ordinal*: a position in the order of keyed
//! hashes, which says nothing about anybody. `learner.parquet` has one row per learner, so its row *n* is
//! learner *n*. The other tables are sorted by learner, and rows of one learner keep the order of time. Whose
//! a row is, is written twice: every table has a column `person`, for engines that join, and the learner
//! table a column `rows:enrolment` and so on, each learner's number of rows there, for those that walk.
//! Its column `keyed:tag` decides which of a learner's groups count where a table allows only so many.
//!
//! *Blocks.* Learners are cut into blocks of equal size, and a block's rows are one row group in every
//! table. So tables merge block by block without a search, and blocks can be counted in parallel: no
//! learner is in two of them. A table with no row in a block has no row group for it; the manifest's row
//! counts say so.
//!
//! *Columns.* A code is its position in the public code list, never absent, in one byte where the list has up to
//! 256 codes and else in two, the smaller first. A date is its days since 1940-01-01 in two bytes, years are `Int16`,
//! whole numbers `Int32` where none that the column may have is larger, else `Int64`. Where the source was silent, the
//! greatest date stands, or the least number of that width. So every value takes as many bytes as any other, and lies
//! in the file as it lies in memory (Parquet's PLAIN, without compression): the files are larger than they could be,
//! and nothing has to be unpacked.
//!
//! *In place.* Where the records stay in the partner's warehouse, the directory holds a manifest alone, of another
//! format: which schema of the database has which tables and columns. [`Data`] is whichever of the two is in use.
//!
//! *Trust.* The manifest holds what the operator stated, each file's size and SHA-256, and a commitment:
//! an HMAC of the rest under the node's secret. Nothing about the records can be guessed from it, and a
//! manifest that the node did not write is refused.

use sumac_policy::{Kind, TableName};

mod cut;
mod data;
mod disk;
mod error;
mod in_place;
mod manifest;
mod memory;
mod pages;
mod read;
mod stored;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use data::Data;
pub(super) use disk::make_private;
pub use error::SnapshotError;
pub use in_place::InPlace;
pub(super) use in_place::write_in_place;
pub use memory::freeze;
pub use read::Snapshot;
pub(crate) use stored::Dates;
#[cfg(feature = "cluster")]
pub(crate) use stored::code_bytes;
pub(super) use write::{Aside, NotWritten, TableCounts, write_aside};
pub use write::{Frozen, Statement};

#[cfg(test)]
pub(crate) use memory::freeze_in_blocks;

/// Learners in a block: large enough that a row group costs little to open, small enough that what a
/// block needs while it is counted stays near the processor.
const BLOCK: u32 = 65_536;

/// What every code list has for a learner of whom nothing is known.
const UNKNOWN: &str = "unknown";

/// The column that names a row's learner.
const PERSON: &str = "person";

/// The column of the learner table that holds each learner's tag: [`NodeSecret::tag`](sumac_keys::NodeSecret::tag).
/// No condition can name it.
pub(crate) const TAG: &str = "keyed:tag";

/// The column of every other table that says where in its block a row stands, for engines that do not keep rows in
/// order.
pub(crate) const PLACE: &str = "rows:place";

/// The column of the learner table that counts each learner's rows of another. No column of an agreement has
/// a colon in its name.
fn rows_column(table: TableName) -> String {
    format!("rows:{table}")
}

/// The code of a learner of whom nothing is said.
fn unknown(kind: &Kind) -> Option<u16> {
    let position = kind.codes()?.iter().position(|code| code.id == UNKNOWN)?;
    u16::try_from(position).ok()
}
