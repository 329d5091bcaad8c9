//! Who is asking: a party and the part its certificate plays.

use std::fmt;
use std::str::FromStr;

use crate::names::PartyId;

/// The role a certificate carries in its subject alternative name, `sumac://<party>/<role>/<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerRole {
    /// A partner's server: it answers.
    Node,
    /// A person who asks.
    Analyst,
    /// A person who approves.
    Steward,
}

impl PeerRole {
    /// The word in certificates and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Analyst => "analyst",
            Self::Steward => "steward",
        }
    }
}

impl fmt::Display for PeerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PeerRole {
    type Err = PeerRoleError;
    fn from_str(text: &str) -> Result<Self, PeerRoleError> {
        [Self::Node, Self::Analyst, Self::Steward]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| PeerRoleError(text.to_owned()))
    }
}

/// A word that names no role of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: use node, analyst or steward")]
pub struct PeerRoleError(String);

/// Proof that a certificate chain verified against one party's root, pinned in the MOU.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Peer {
    party: PartyId,
    role: PeerRole,
    name: String,
}

impl Peer {
    /// Called by the keys room alone, after it verified the chain.
    pub fn verified_by_keys(party: PartyId, role: PeerRole, name: String) -> Self {
        Self { party, role, name }
    }

    /// The party whose root signed.
    pub fn party(&self) -> &PartyId {
        &self.party
    }

    /// What the certificate is for.
    pub fn role(&self) -> PeerRole {
        self.role
    }

    /// The person's or the node's name within the party.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sumac://{}/{}/{}", self.party, self.role, self.name)
    }
}
