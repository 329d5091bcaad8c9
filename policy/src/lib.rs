//! The agreement.

mod digest;
mod margin;
mod names;
mod peer;
mod table;

pub use digest::{DigestError, Sha256};
pub use margin::Margin;
pub use names::{DimensionId, KpiId, NameError, PartyId, Purpose, StandardId};
pub use peer::{Peer, PeerRole, PeerRoleError};
pub use table::TableKey;
