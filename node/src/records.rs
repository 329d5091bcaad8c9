//! Records: from a partner's export to a frozen snapshot.

pub mod answers;
pub mod canonical;
mod credentials;
pub mod import;
pub mod mapping;
mod plausible;
mod rows;
pub mod snapshot;
mod source;
pub mod summary;
