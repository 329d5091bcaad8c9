//! The asker's side: ask every node, check what comes back, add up, withhold, report.
//!
//! In the order in which a question travels:
//!
//! - [`Asker`] knows the MOU, whom to trust and how to reach each node. [`Asker::ask`] asks all of them at
//!   once; so do [`Asker::preview`], which spends nothing, and [`Asker::describe`].
//! - Every release is [`Verified`] against our own copy of the MOU before it counts. Whoever did not answer
//!   is an [`Absence`], with the reason.
//! - Each release comes with its record in the node's log and the log's sealed head. A [`Keep`] holds the last
//!   head of each node and a [`Receipt`] of each release, and every ask demands that the log continues that head:
//!   a node cannot show two histories. One that was restored from a backup is given back what is kept of it, and its
//!   new history is a [`Notice`].
//! - [`combine`] adds the nodes' noisy cells up, and shows a group only if its noisy size is clearly above
//!   the floor. Nothing here sees an exact count, so all of it is post-processing. [`gaps`] compares the groups of a rate.
//! - [`report`] puts the sums into words: a table, CSV or JSON. [`verdict`] says what came of the whole.
//!
//! This crate prints nothing and reads no clock: the caller hands in both. It writes no file but in the folder that
//! a [`Keep`] is given.

mod absence;
mod amend;
mod ask;
mod asker;
mod batch;
mod combine;
mod connect;
mod describe;
mod gap;
mod give_back;
mod history;
mod in_log;
mod keep;
mod notice;
mod over;
mod preview;
mod receipt;
pub mod report;
mod steward;
#[cfg(test)]
mod testing;
mod verdict;
mod verify;

pub use absence::Absence;
pub use amend::Proposed;
pub use ask::{Answers, Wanted};
pub use asker::{Asker, AskerError, CALL_DEADLINE, CONNECT_DEADLINE};
pub use combine::{Combined, Count, Coverage, Group, Interval, Shown, Withholding, combine};
pub use connect::Unreachable;
pub use gap::{Gap, gaps};
pub use history::HistoryDiffers;
pub use in_log::NotShown;
pub use keep::{Keep, KeepError, KeptReceipt, PurgedReceipts};
pub use notice::Notice;
pub use over::Over;
pub use preview::Previews;
pub use receipt::{Note, Proved, Receipt, ReceiptError, ReceiptFileError};
pub use steward::Steward;
pub use verdict::{Verdict, verdict};
pub use verify::{Stricter, Unsound, Verified};
