//! Records: from a partner's export to a frozen snapshot.

pub mod canonical;
pub mod snapshot;
