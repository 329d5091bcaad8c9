//! From TOML to the agreement's types.

pub(crate) mod definition;
mod dimension;
mod kpi;
mod mou;
mod standard;

pub use standard::{Standard, standard};
