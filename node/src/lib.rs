//! A partner's node: its data, its ledger, and the answers it may give.
//!
//! ```text
//! records/   a partner's export -> mapping -> canonical tables -> snapshot
//! tabulate   snapshot + table -> exact integer cells, which never leave the node
//! store/     the log, which is the truth, and its index
//! agreement  what is gone by; taken once for each call
//! amend      how that changes: proposed, accepted, taken up on its day
//! release    the life of a question
//! retention  deletes what is older than the MOU keeps releases
//! history    whether the log is still the one that was shown, and what shows a release in it
//! recover    what askers give back after a restore;  resume: closing that account
//! service    wire in, wire out
//! serve      listener, limits, graceful stop
//! console    the operator's socket;  remeasure: what may be ordered through it
//! approval   questions that wait for a steward;  pause: a node that its operator stopped
//! export     copies of the log for those who may audit
//! warehouse  a partner's PostgreSQL server, and what may be asked of it
//! narrow     the party's own addendum, read again before each call
//! ```
//!
//! # What does not compile
//!
//! Each step of a question's life hands the next a value that nothing else can make. A permit comes from the
//! MOU alone:
//!
//! ```compile_fail,E0451
//! fn forge(question: sumac_policy::Question) -> sumac_policy::Permit {
//!     sumac_policy::Permit { question, ..unreachable!() }
//! }
//! ```
//!
//! a charge from the ledger alone, after it is on disk:
//!
//! ```compile_fail,E0451
//! fn forge(table: sumac_policy::TableKey) -> sumac_node::store::Charge {
//!     sumac_node::store::Charge { table, revision: 0, margin: todo!(), year: "2025-26".into(), price_nano_rho: 1, left_nano_rho: 0 }
//! }
//! ```
//!
//! counting takes both:
//!
//! ```compile_fail,E0061
//! fn count(snapshot: &sumac_node::records::snapshot::Snapshot, permit: &sumac_policy::Permit) {
//!     let _ = sumac_node::tabulate::tabulate(snapshot, permit);
//! }
//! ```
//!
//! and nothing is counted for a table that is only to be derived:
//!
//! ```compile_fail,E0308
//! fn count(
//!     snapshot: &sumac_node::records::snapshot::Snapshot,
//!     permit: &sumac_policy::DerivePermit,
//!     charge: &sumac_node::store::Charge,
//! ) {
//!     let _ = sumac_node::tabulate::tabulate(snapshot, permit, charge);
//! }
//! ```
//!
//! exact cells cannot be read, printed or copied:
//!
//! ```compile_fail,E0277
//! fn print(exact: &sumac_privacy::Exact) -> String {
//!     format!("{exact}")
//! }
//! ```
//!
//! and noisy cells come from the noise alone:
//!
//! ```compile_fail,E0451
//! fn forge(cells: Vec<i64>, margin: sumac_policy::Margin) -> sumac_privacy::Noisy {
//!     sumac_privacy::Noisy { cells, margin }
//! }
//! ```

mod agreement;
pub mod amend;
mod approval;
pub mod console;
pub mod export;
mod history;
pub mod narrow;
mod node;
pub mod pause;
mod reasoned;
pub mod records;
mod recover;
mod release;
pub mod remeasure;
mod restored;
pub mod resume;
mod retention;
mod serve;
mod service;
mod signer;
pub mod store;
pub mod tabulate;
pub mod warehouse;
mod world;

pub use agreement::Agreement;
pub use node::{Node, NodeError, NodeParts};
pub use restored::restored;
pub use serve::{ServeError, serve};
pub use signer::signer;
pub use world::{Chance, World, day_of};
