//! .

pub mod records;
pub mod store;
pub mod tabulate;
