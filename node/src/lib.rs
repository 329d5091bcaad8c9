//! A partner's node: its data, its ledger, and the answers it may give.
//!
//! ```text
//! records/   a partner's export -> mapping -> canonical tables -> snapshot
//! tabulate   snapshot + table -> exact integer cells, which never leave the node
//! store/     the log, which is the truth, and its index
//! release    the life of a question
//! service    wire in, wire out
//! serve      listener, limits, graceful stop
//! ```

mod node;

pub mod records;
mod release;
mod serve;
mod service;
pub mod store;
pub mod tabulate;
mod world;

pub use node::{Node, NodeError, NodeParts};
pub use serve::{ServeError, serve};
pub use world::{Chance, World, day_of};
