//! A receipt: all that an asker needs to show later, to anyone and without a network, what a node released.

mod file;

use sumac_keys::{Chain, Trust};
use sumac_policy::{Mou, Peer, Refusal, Resolved, Sha256};
use sumac_privacy::{NanoRho, Sensitivity, price};
use sumac_protocol::{RecordedRelease, Release, SignedHead, SignedRelease};

pub use file::ReceiptFileError;
pub(crate) use file::{read_head, write_head};

use crate::in_log::{NotShown, judge_head, judge_record};
use crate::verify::{Unsound, verify};

/// A release, its record in the node's log, and the sealed head of that log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The release, as its node sealed it.
    pub release: SignedRelease,
    /// The log's record of it.
    pub recorded: RecordedRelease,
    /// The head that the record is below, as the node sealed it.
    pub head: SignedHead,
    /// What the asker noted.
    pub note: Option<Note>,
}

/// What an asker notes beside a receipt. Nobody signed it: a release is the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who asked: `sumac://chamber/analyst/maria`.
    pub asker: String,
    /// What for.
    pub purpose: String,
    /// By which call.
    pub request_id: String,
}

/// Proof that a receipt holds. Made only by [`Receipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    release: Release,
    sealed_by: Peer,
    head_sealed_by: Peer,
}

/// Why a receipt does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Another MOU permitted it.
    #[error("it was released under the MOU {found}, and this one is {ours}")]
    OtherMou {
        /// What the release states.
        found: Sha256,
        /// The MOU at hand.
        ours: Sha256,
    },
    /// The MOU knows no such table.
    #[error("the MOU has no such table: {0}")]
    NoSuchTable(Refusal),
    /// The release does not hold.
    #[error("{0}")]
    Release(Unsound),
    /// The price is not that of the margin.
    #[error("it states a price of ρ {found}, and its margin costs ρ {ours}")]
    Price {
        /// What the release states.
        found: NanoRho,
        /// What the margin costs.
        ours: NanoRho,
    },
    /// The log does not show it.
    #[error("{0}")]
    Log(NotShown),
}

impl Receipt {
    /// Holds all of it against the version of the MOU that permitted the release, which may be one before the version
    /// in force.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify_in(&self, chain: &Chain) -> Result<Proved, ReceiptError> {
        let unreadable = |error| ReceiptError::Release(Unsound::Unreadable(error));
        let named = Release::decode(&self.release.body).map_err(unreadable)?.facts().mou;
        let Some(version) = chain.version(named) else {
            return Err(ReceiptError::OtherMou { found: named, ours: chain.mou().hash() });
        };
        // The head may have been sealed long after, by another root.
        self.hold(version.mou(), version.trust(), chain.trust())
    }

    /// Holds all of it against the MOU that permitted the release. Certificates are judged as of the time of the
    /// signature: a receipt outlives them.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, mou: &Mou, trust: &Trust) -> Result<Proved, ReceiptError> {
        self.hold(mou, trust, trust)
    }

    fn hold(&self, mou: &Mou, trust: &Trust, of_head: &Trust) -> Result<Proved, ReceiptError> {
        let Self { release: signed, recorded, head, note: _ } = self;
        let unreadable = |error| ReceiptError::Release(Unsound::Unreadable(error));
        let stated = Release::decode(&signed.body).map_err(unreadable)?;
        let facts = stated.facts();
        if facts.mou != mou.hash() {
            return Err(ReceiptError::OtherMou { found: facts.mou, ours: mou.hash() });
        }
        let resolved = Resolved::of(mou, &facts.kpi, facts.period, &facts.breakdown);
        let resolved = resolved.map_err(ReceiptError::NoSuchTable)?;
        let table = resolved.table();
        let names = |hash| (hash == mou.hash()).then_some((mou, trust));
        let verified = verify(mou, names, table, &facts.party, signed.clone())
            .map_err(ReceiptError::Release)?;
        if facts.derived_from.is_none() {
            let sensitivity = Sensitivity::of(&table.kpi().definition);
            let (found, ours) =
                (NanoRho::new(facts.price_nano_rho), price(facts.margin, sensitivity));
            if found != ours {
                return Err(ReceiptError::Price { found, ours });
            }
        }
        let head_sealed_by = judge_head(of_head, &facts.party, head).map_err(ReceiptError::Log)?;
        judge_record(&table.key(), facts.revision, signed, recorded, &head.head)
            .map_err(ReceiptError::Log)?;
        let sealed_by = verified.signer().clone();
        Ok(Proved { release: stated, sealed_by, head_sealed_by })
    }
}

impl Proved {
    /// What the node stated.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The node that sealed the release.
    pub fn sealed_by(&self) -> &Peer {
        &self.sealed_by
    }

    /// The node that sealed the head of the log.
    pub fn head_sealed_by(&self) -> &Peer {
        &self.head_sealed_by
    }
}

#[cfg(test)]
mod tests;
