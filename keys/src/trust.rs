//! Whom to believe: the roots that the MOU in force pins, each for its own party.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use sumac_policy::{PartyId, Sha256};

use crate::root_certificate::{RootCertificate, RootCertificateError};

/// The parties' roots. Every one has the fingerprint that the MOU pins, and no two parties share one.
/// An empty trust believes nobody.
///
/// Roots of earlier versions count for what was signed before, which is the head of a log, and for nothing else.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    roots: BTreeMap<PartyId, RootCertificate>,
    left: BTreeSet<PartyId>,
    earlier: Vec<Arc<Trust>>,
}

/// Why the roots beside an MOU cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file is not a root certificate.
    #[error("the root certificate of `{party}` is unusable")]
    Unusable {
        /// Whose file.
        party: PartyId,
        /// What is wrong with it.
        source: RootCertificateError,
    },
    /// A root, but another one.
    #[error(
        "the root certificate of `{party}` is {found}, but the MOU pins {pinned}: ask `{party}` for the right file"
    )]
    NotThePinned {
        /// Whose file.
        party: PartyId,
        /// What the MOU says.
        pinned: Sha256,
        /// What the file is.
        found: Sha256,
    },
    /// The same party twice.
    #[error("party `{0}` is listed twice")]
    Twice(PartyId),
    /// One root for two parties: either could speak for the other.
    #[error("`{party}` and `{other}` have the same root: each party needs its own")]
    Shared {
        /// The second of them.
        party: PartyId,
        /// The first of them.
        other: PartyId,
    },
}

impl Trust {
    /// Reads each party's root certificate (PEM) and holds it against its pinned fingerprint.
    pub fn new<Pem: AsRef<[u8]>>(
        parties: impl IntoIterator<Item = (PartyId, Sha256, Pem)>,
    ) -> Result<Self, TrustError> {
        let mut roots: BTreeMap<PartyId, RootCertificate> = BTreeMap::new();
        for (party, pinned, pem) in parties {
            let root = RootCertificate::read(pem.as_ref())
                .map_err(|source| TrustError::Unusable { party: party.clone(), source })?;
            let found = root.fingerprint();
            if found != pinned {
                return Err(TrustError::NotThePinned { party, pinned, found });
            }
            if let Some((other, _)) =
                roots.iter().find(|(other, root)| **other != party && root.fingerprint() == found)
            {
                return Err(TrustError::Shared { party, other: other.clone() });
            }
            match roots.entry(party) {
                Entry::Vacant(place) => place.insert(root),
                Entry::Occupied(taken) => return Err(TrustError::Twice(taken.key().clone())),
            };
        }
        Ok(Self { roots, ..Self::default() })
    }

    /// A party's root, if the MOU lists the party.
    pub fn root(&self, party: &PartyId) -> Option<&RootCertificate> {
        self.roots.get(party)
    }

    /// The same without those who have left: whatever certificate they show is refused.
    #[must_use]
    pub fn without(mut self, left: impl IntoIterator<Item = PartyId>) -> Self {
        self.left.extend(left);
        self
    }

    /// The same with the roots of earlier versions, newest first.
    #[must_use]
    pub(crate) fn with_earlier(mut self, earlier: Vec<Arc<Self>>) -> Self {
        self.earlier = earlier;
        self
    }

    /// Whether a party has left.
    pub(crate) fn has_left(&self, party: &PartyId) -> bool {
        self.left.contains(party)
    }

    /// The roots of earlier versions, newest first.
    pub(crate) fn earlier(&self) -> &[Arc<Self>] {
        &self.earlier
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing;

    #[test]
    fn trusts_pinned_roots_and_names_the_party_that_is_wrong() {
        let (lakeshore, harbor) = (testing::root("lakeshore-cc"), testing::root("harbor-tc"));
        let entry = |root: &crate::Root, pinned: &crate::Root, party: &crate::Root| {
            (party.party().clone(), pinned.fingerprint(), root.certificate_pem())
        };
        let good = [entry(&lakeshore, &lakeshore, &lakeshore), entry(&harbor, &harbor, &harbor)];
        let trust = Trust::new(good.clone()).unwrap();
        assert_eq!(trust.root(harbor.party()).unwrap().fingerprint(), harbor.fingerprint());
        assert!(trust.root(&"bay".parse().unwrap()).is_none());

        for (what, second, expected) in [
            ("another root", entry(&lakeshore, &harbor, &harbor), "but the MOU pins"),
            (
                "the same party",
                entry(&lakeshore, &lakeshore, &lakeshore),
                "`lakeshore-cc` is listed twice",
            ),
            ("the same root", entry(&lakeshore, &lakeshore, &harbor), "have the same root"),
            (
                "no certificate",
                (harbor.party().clone(), harbor.fingerprint(), String::new()),
                "the root certificate of `harbor-tc` is unusable",
            ),
        ] {
            let error = Trust::new([good[0].clone(), second]).unwrap_err().to_string();
            assert!(error.contains(expected), "{what}: {error}");
        }
    }
}
