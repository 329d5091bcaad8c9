//! Who asks, as certificates name them.

use sumac_policy::PeerRole;

use super::Who;

impl Who {
    pub(in crate::simulation) fn party(self) -> &'static str {
        match self {
            Self::Maria | Self::Steward => "lakeshore-chamber",
            Self::Omar => "county-transit",
            Self::Rival => "harbor-tech",
        }
    }

    pub(in crate::simulation) fn role(self) -> PeerRole {
        match self {
            Self::Steward => PeerRole::Steward,
            Self::Maria | Self::Omar | Self::Rival => PeerRole::Analyst,
        }
    }

    /// The name in the certificate.
    pub(in crate::simulation) fn name(self) -> &'static str {
        match self {
            Self::Maria => "maria",
            Self::Omar => "omar",
            Self::Steward => "sam",
            Self::Rival => "rita",
        }
    }
}
