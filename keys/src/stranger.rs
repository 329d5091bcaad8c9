//! Why a certificate chain belongs to nobody the MOU knows, in words for an operator.

use jiff::Timestamp;
use sumac_policy::{PartyId, PeerRole};

use crate::certificate_name::CertificateNameError;
use crate::peer::LONGEST_CHAIN;

/// Why a certificate chain is nobody the MOU knows. Written for the log of the operator who refused it;
/// text out of a certificate is shown only once it is known to be harmless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// No certificate at all.
    #[error("it showed no certificate: every peer needs one, made by `sumac certificate issue`")]
    NoCertificate,
    /// More certificates than a sound chain has.
    #[error("it showed {0} certificates: a chain has at most {LONGEST_CHAIN}")]
    ChainTooLong(usize),
    /// Bytes that are no certificate.
    #[error("it showed something that is not an X.509 certificate")]
    Unreadable,
    /// No name, several, or one that is not ours.
    #[error(transparent)]
    Name(#[from] CertificateNameError),
    /// The MOU in force has no such party.
    #[error("the MOU in force lists no party `{0}`")]
    UnlistedParty(PartyId),
    /// The party has given notice, and is no peer from that day on.
    #[error("party `{0}` has left the agreement")]
    Left(PartyId),
    /// A person's certificate where a server's is needed.
    #[error("`{name}` is not a node's certificate, and only a node may answer")]
    WrongRole {
        /// What the certificate says.
        name: String,
        /// Its role.
        role: PeerRole,
    },
    /// A root, or another authority, shown as if it were a node's or a person's certificate.
    #[error(
        "`{0}` is an authority, or is not limited to signatures: a root never leaves its owner, issue a certificate with it"
    )]
    NotAnEndCertificate(String),
    /// The extended key usage is absent, or does not allow this end of a connection.
    #[error("`{name}` may not be used as a {usage}: its extended key usage does not allow it")]
    WrongUsage {
        /// What the certificate says.
        name: String,
        /// `server` or `client`.
        usage: &'static str,
    },
    /// Another kind of key than ours.
    #[error("the key of `{0}` is not ECDSA P-256: issue a new certificate")]
    NotP256(String),
    /// The chain does not lead to the root that the MOU pins for the party named.
    #[error("`{name}` is not signed by the root that the MOU pins for `{party}`")]
    SignedByAnotherRoot {
        /// What the certificate says.
        name: String,
        /// The party that it claims.
        party: PartyId,
    },
    /// The certificate's first moment is still to come here.
    #[error("`{name}` is not yet valid (from {from}): check this machine's clock")]
    NotYetValid {
        /// What the certificate says.
        name: String,
        /// Its first moment.
        from: Timestamp,
    },
    /// The certificate's last moment is past.
    #[error("`{name}` expired on {}: renew with `sumac certificate renew`", day(*.on))]
    Expired {
        /// What the certificate says.
        name: String,
        /// Its last moment.
        on: Timestamp,
    },
    /// The root itself is outside its dates.
    #[error("the root of `{party}` is valid from {} to {} only: check this machine's clock, or agree on an MOU with a new root", day(*.from), day(*.until))]
    RootNotValid {
        /// Whose root.
        party: PartyId,
        /// Its first moment.
        from: Timestamp,
        /// Its last moment.
        until: Timestamp,
    },
    /// A known peer, but not the one that was to be reached.
    #[error("it is party `{found}`, but `{expected}` was to be reached: check the address")]
    WrongParty {
        /// Who was to be reached.
        expected: PartyId,
        /// Who answered.
        found: PartyId,
    },
    /// Anything else that OpenSSL found wrong with the chain.
    #[error("the chain of `{name}` does not verify: {reason}")]
    Unverified {
        /// What the certificate says.
        name: String,
        /// OpenSSL's words.
        reason: String,
    },
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}
