//! From TOML to the agreement's types.

mod bins;
mod calendar;
mod case;
mod data;
pub(crate) mod definition;
mod dimension;
mod kpi;
mod lifecycle;
mod measure;
mod mou;
mod narrow;
mod number;
mod restriction;
mod standard;
mod target;

pub use bins::BinList;
pub(crate) use calendar::USUAL_TERMS;
pub use standard::{Standard, standard};
