//! The ledger: what this node was asked, what it charged, what it released.
//!
//! The **log** is the truth: one append-only file of records, synced before anything depends on them. A
//! charge exists when its record is on disk; balances, released tables and settings are functions of the
//! records (the **book**). The **index** keeps the book's value so that a store opens quickly; it may be
//! deleted at any time, and no promise rests on it. `docs/ledger.md` states the format, the order of
//! writing and what is assumed of the disk.
//!
//! ```text
//! ledger    Store: what the rest of the node calls
//! retention Store: deleting what is older than releases are kept
//! revisions Store: later measurements, and tables added up
//! restoration Store: what a log that comes from a backup lost, and got back
//! writer    the one thread that decides, writes, syncs, and only then answers
//! book      what the records say: balances, tables, snapshot, MOU
//! bodies    the releases themselves, in files of their own, each named by its record
//! log       the file: append, sync;  scan reads it;  tail judges an end that does not verify
//! tree      the records' Merkle tree;  growing: made on a thread of its own
//! head      how the tree is signed, and what closes a batch
//! frame     how a record lies in the file;  record: what it says;  text: how its values are spelled
//! exported  copies of the log for those who may audit
//! held      questions that wait for a person;  pause: a node that its operator stopped
//! check     all of it, held against itself;  history: told to people
//! cut       how much of a log may be copied meanwhile
//! index     the book's value in sled
//! ```

mod bodies;
mod book;
mod charge;
mod check;
mod cut;
mod error;
mod evidence;
mod exported;
mod frame;
mod growing;
mod head;
mod held;
mod history;
mod index;
mod ledger;
mod log;
mod pause;
mod record;
mod restoration;
mod retention;
mod revisions;
mod scan;
mod tail;
mod text;
mod tree;
mod writer;

pub use book::BookError;
pub use charge::{Charge, ChargeRequest, Charging};
pub use check::{Checked, IndexState, check};
pub use cut::{Closed, Cut, log_file};
pub use error::{Damage, StoreError};
pub use evidence::{Evidence, EvidenceRequest, Seen};
pub use exported::Exported;
pub use head::{Signed, Signer};
pub use held::{
    Approved, HeldQuestion, HoldRequest, Judged, Judgement, Judging, Leave, Rejected, Verdict,
};
pub use history::{Entry, Payment, What, history};
pub use ledger::{
    Balance, Consistent, Included, Opening, Rebuilt, Salts, Store, Summary, read_only, rebuild,
};
pub use pause::{PauseEnded, Paused};
pub use record::{
    Asked, Exit, Import, Left, MouInForce, NarrowInForce, Note, RecordError, ReleaseName, Started,
};
pub use restoration::{
    Heard, LostCharge, LostRelease, LostTable, LostWhat, LostYear, Recovery, Restoration,
    RestoreFacts, Restored, RestoredRecord, Resumed, Standing, Stopped, Waiting, Witnessed,
    witnessed,
};
pub use revisions::{Derivation, DeriveRequest, Held, HeldState, Ordering, RemeasureOrder};

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
