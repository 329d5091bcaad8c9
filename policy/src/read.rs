//! From TOML to the agreement's types.

mod case;
mod data;
pub(crate) mod definition;
mod dimension;
mod kpi;
mod lifecycle;
mod mou;
mod narrow;
mod number;
mod restriction;
mod standard;
mod target;

pub use standard::{Standard, standard};
