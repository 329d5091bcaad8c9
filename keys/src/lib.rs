//! Who is who: party roots, the certificates they issue, and everything that is proved with them.
//!
//! Each party owns a [`Root`], kept offline and encrypted. It signs the MOU ([`mou_signature`]) and issues
//! short-lived certificates for the party's node and people. The MOU pins every root's fingerprint; those
//! pinned roots are the [`Trust`], and nothing else is. There is no central authority to steal.
//!
//! One function decides who a peer is: [`identify`]. It reads the one name in a certificate,
//! `sumac://<party>/<role>/<name>`, and verifies the chain against *that party's* root alone, so that no
//! root can mint another party's name. Its value, [`sumac_policy::Peer`], is made nowhere else. The TLS
//! configurations ([`server_config`], [`client_config`]) and release [`seal`]s all go through it.
//!
//! Time is always an argument. Randomness is not, for keys and serial numbers: OpenSSL draws its own.

mod certificate;
mod certificate_name;
mod chain;
mod database;
mod dates;
mod draft;
mod exit_notice;
pub mod mou_signature;
mod papers;
mod passphrase;
mod peer;
mod root;
mod root_certificate;
pub mod seal;
mod secret;
mod shelf;
mod stranger;
#[cfg(test)]
mod testing;
mod tls;
mod tls_identity;
mod trust;
mod version;

pub use certificate::{CertificateFacts, FactsError, IssueError, Issued};
pub use certificate_name::{CertificateName, CertificateNameError};
pub use chain::{Chain, ChainError, NotNext, Unsigned, folder_name};
pub use database::{AuthoritiesError, database_config};
pub use exit_notice::{ExitNotice, ExitNoticeError};
pub use papers::{MAX_MOU, MAX_PAPER, MAX_PAPERS, Papers, PapersError, SignedExit};
pub use passphrase::{Passphrase, PassphraseError};
pub use peer::{Usage, identify};
pub use root::{Root, RootError};
pub use root_certificate::{RootCertificate, RootCertificateError};
pub use seal::{Seal, SealError};
pub use secret::{Circles, NodeSecret, PersonKeys, PurposeKey};
pub use shelf::{Accepted, MAX_PROPOSALS, NotAccepted, Shelf, ShelfError};
pub use stranger::Stranger;
pub use tls::{Clock, client_config, peer_of, server_config, why_refused};
pub use tls_identity::{IdentityError, TlsIdentity};
pub use trust::{Trust, TrustError};
pub use version::{By, Exit, Needed, SignatureState, Standing, Version, VersionError};
