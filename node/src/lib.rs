//! .

pub mod records;
