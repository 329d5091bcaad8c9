//! One version of an MOU, the roots that it pins, and who has signed it.

use std::fmt;
use std::sync::Arc;

use sumac_policy::{Mou, PartyId, Problems};

use crate::exit_notice::{ExitNotice, ExitNoticeError};
use crate::mou_signature;
use crate::papers::Papers;
use crate::root_certificate::RootCertificate;
use crate::trust::{Trust, TrustError};

/// A version of an MOU that can be read, and the roots of its parties, which are as it pins them. Who has signed
/// it is for [`Standing`] to say.
#[derive(Debug, Clone)]
pub struct Version {
    mou: Arc<Mou>,
    trust: Arc<Trust>,
}

/// Why papers are of no version.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The agreement has errors.
    #[error("the MOU cannot be used:\n{0}")]
    Mou(Problems),
    /// A party's root certificate is missing.
    #[error("the root certificate of `{0}` is missing: ask it for its root.pem")]
    NoRoot(PartyId),
    /// The roots are not those that it pins.
    #[error("the roots are not those that the MOU pins")]
    Trust(#[from] TrustError),
}

/// Who has signed a version, of those who have to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    signatures: Vec<Needed>,
    exits: Vec<Exit>,
}

/// A signature that a version needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Whose.
    pub party: PartyId,
    /// By which of its roots.
    pub by: By,
    /// Whether it is there.
    pub state: SignatureState,
}

/// Which root of a party signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The one by which it consents: that of the version replaced; a joiner's own.
    Root,
    /// The one that this version brings in place of it: it proves that the party holds its key.
    NewRoot,
}

/// Whether a party has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureState {
    /// With that root, over these exact bytes.
    Signed,
    /// There is no file.
    Missing,
    /// There is a file that does not stand, and why.
    Bad(String),
}

/// A notice of exit among the papers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Whose, by the name of the file.
    pub party: PartyId,
    /// The notice, or why it does not stand.
    pub notice: Result<ExitNotice, String>,
}

impl Version {
    /// An agreement and its roots, held together by whoever read them.
    pub fn new(mou: Arc<Mou>, trust: Arc<Trust>) -> Self {
        Self { mou, trust }
    }

    /// Reads an agreement, and holds each party's root against it.
    ///
    /// # Errors
    /// An agreement with errors; a root that is missing, or another than the one pinned.
    pub fn read(papers: &Papers) -> Result<Self, VersionError> {
        let mou = Mou::read(&papers.mou).map_err(VersionError::Mou)?;
        let roots = mou.parties().iter().map(|party| {
            let pem = papers.roots.get(&party.id);
            let pem = pem.ok_or_else(|| VersionError::NoRoot(party.id.clone()))?;
            Ok((party.id.clone(), party.root, pem))
        });
        let trust = Trust::new(roots.collect::<Result<Vec<_>, VersionError>>()?)?;
        Ok(Self { mou: Arc::new(mou), trust: Arc::new(trust) })
    }

    /// What was agreed.
    pub fn mou(&self) -> &Arc<Mou> {
        &self.mou
    }

    /// The roots that it pins.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }
}

impl Standing {
    /// Looks who has signed `version`. It takes every party of it and of the version that it `replaces`, less those
    /// that are in the latter only and whose notice of exit is attached.
    ///
    /// A party signs with the root of the version replaced: that is the one the others know. Where the new version
    /// pins another for it, that one signs too.
    pub fn of(papers: &Papers, version: &Version, replaces: Option<&Version>) -> Self {
        let exits = papers.exits.iter().map(|(party, signed)| {
            let (id, trust) = match replaces {
                Some(replaced) => (replaced.mou.id(), &replaced.trust),
                None => (version.mou.id(), &version.trust),
            };
            let notice = ExitNotice::verify(signed, id, trust).and_then(|notice| {
                // The name of a file is nobody's word.
                if notice.party() == party { Ok(notice) } else { Err(misnamed(party)) }
            });
            Exit { party: party.clone(), notice: notice.map_err(|error| in_words(&error)) }
        });
        let exits: Vec<_> = exits.collect();
        let has_left =
            |party: &PartyId| exits.iter().any(|exit| exit.party == *party && exit.notice.is_ok());

        let mut signatures = Vec::new();
        for party in version.mou.parties() {
            let new = version.trust.root(&party.id);
            let old = replaces.and_then(|replaced| replaced.trust.root(&party.id));
            let consents = old.or(new);
            let state = state(papers, papers.signatures.get(&party.id), consents);
            signatures.push(Needed { party: party.id.clone(), by: By::Root, state });
            let changed = old.is_some_and(|old| old.fingerprint() != party.root);
            if changed {
                let state = self::state(papers, papers.new_root_signatures.get(&party.id), new);
                signatures.push(Needed { party: party.id.clone(), by: By::NewRoot, state });
            }
        }
        let before = replaces.map_or(&[][..], |replaced| replaced.mou.parties());
        for party in before.iter().filter(|party| version.mou.party(&party.id).is_none()) {
            if has_left(&party.id) {
                continue;
            }
            let root = replaces.and_then(|replaced| replaced.trust.root(&party.id));
            let state = state(papers, papers.signatures.get(&party.id), root);
            signatures.push(Needed { party: party.id.clone(), by: By::Root, state });
        }
        Self { signatures, exits }
    }

    /// Every signature that is needed, and how it stands: the new version's parties first, in its order.
    pub fn signatures(&self) -> &[Needed] {
        &self.signatures
    }

    /// Every notice of exit among the papers.
    pub fn exits(&self) -> &[Exit] {
        &self.exits
    }

    /// Whether everyone has signed who has to.
    pub fn is_complete(&self) -> bool {
        self.lacking().next().is_none()
    }

    /// The signatures that are missing or do not stand.
    pub fn lacking(&self) -> impl Iterator<Item = &Needed> {
        self.signatures.iter().filter(|needed| needed.state != SignatureState::Signed)
    }
}

/// The party, and which of its roots where that is not plain.
impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            By::Root => write!(f, "`{}`", self.party),
            By::NewRoot => write!(f, "the new root of `{}`", self.party),
        }
    }
}

impl Needed {
    /// The name of the file that holds it, in the folder of an MOU.
    pub fn file(&self) -> String {
        match self.by {
            By::Root => format!("signatures/{}.p7s", self.party),
            By::NewRoot => format!("signatures/{}.new.p7s", self.party),
        }
    }
}

fn state(papers: &Papers, p7s: Option<&Vec<u8>>, root: Option<&RootCertificate>) -> SignatureState {
    let (Some(p7s), Some(root)) = (p7s, root) else { return SignatureState::Missing };
    match mou_signature::verify(p7s, &papers.mou, root) {
        Ok(()) => SignatureState::Signed,
        Err(error) => SignatureState::Bad(error.to_string()),
    }
}

fn misnamed(party: &PartyId) -> ExitNoticeError {
    ExitNoticeError::Unreadable(format!("the file is named after `{party}`, and it is of another"))
}

fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
