//! The whole system: real certificates, real TLS, real files, real processes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads the world"
)]

mod amendment;
mod backup;
mod bad_input;
mod bodies;
mod clauses;
#[cfg(feature = "cluster")]
mod cluster;
mod coalition;
mod command;
mod crash;
mod credentials;
mod data;
mod diff;
mod dry_run;
mod for_machines;
mod held;
mod hsm;
mod in_place;
mod leave;
mod ledger;
mod measures;
mod mou_budget;
mod mou_check;
mod mou_explain;
mod mou_new;
mod mou_test;
mod narrow;
mod oulad;
mod pause;
mod postgres;
#[path = "../../node/src/warehouse/testing.rs"]
mod postgres_server;
mod promises;
mod raw;
mod receipts;
mod restore;
mod retention;
mod rooms;
mod same_answer;
mod simulation;
mod status;
mod terms;
mod transport;
