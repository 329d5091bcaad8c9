//! Why a credential is no award, and why one is not known to be genuine.

/// Why a credential was rejected. Shown to the operator beside the file's name; holds nothing that identifies
/// a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Unreadable(&'static str),
    #[error("is an image without a credential in it")]
    NotBaked,
    #[error("is larger than {} MiB", super::folder::MAX_FILE >> 20)]
    TooLarge,
    #[error("is packed more than {} to 1", super::archive::MAX_RATIO)]
    TooDense,
    #[error("is damaged, or encrypted, in the archive")]
    Damaged,
    #[error("{0}")]
    Context(ContextFault),
    #[error("names no issuer")]
    Issuer,
    #[error("its `{place}` lacks the type `{class}`")]
    Type { place: &'static str, class: &'static str },
    #[error("is neither an achievement credential nor a CLR")]
    OtherType,
    #[error("has no credentialSubject")]
    NoSubject,
    #[error("its `{0}` is missing, or not a date and time")]
    Date(&'static str),
    #[error("is not valid yet")]
    NotYetValid,
    #[error("has expired")]
    Expired,
    #[error("{0}")]
    Proof(ProofFault),
    #[error("has been revoked or suspended")]
    Revoked,
    #[error("does not say whose it is in the way that the mapping looks for")]
    NoPerson,
}

/// What is wrong with a credential's JSON-LD contexts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ContextFault {
    #[error("its first @context is not that of Verifiable Credentials")]
    First,
    #[error("names no @context of Open Badges or CLR")]
    NoBadges,
    #[error("names the @context `{0}`, which is neither known nor in [credentials.contexts]")]
    Unknown(String),
    #[error("its JSON-LD contexts go in a circle")]
    Circle,
    #[error("its JSON-LD contexts need another that is not in [credentials.contexts]")]
    Absent,
}

/// What is wrong with a credential's proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProofFault {
    #[error("is a damaged JWT")]
    Jwt,
    #[error("is a JWT that nobody signed")]
    Unsigned,
    #[error("its JWT and the credential in it do not say the same")]
    Claims,
    #[error("its proof names a key in a way that is not known")]
    Method,
    #[error("its proof was made by somebody other than its issuer")]
    Controller,
    #[error("its proof names a damaged key")]
    Key,
    #[error("its proof is damaged")]
    Value,
    #[error("its proof is from the future, or has expired")]
    Dated,
    #[error("its signature does not fit: it was altered, or signed with another key")]
    Signature,
}

/// Why nobody can tell here whether a credential is genuine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Doubt {
    #[error("has no proof")]
    NoProof,
    #[error("its issuer `{0}` is not in the mapping")]
    Issuer(String),
    #[error("its key is not one that the mapping trusts for the issuer")]
    Key,
    #[error("does not say which key signed it")]
    NoKey,
    #[error("its proof is of a kind that is not verified here: `{0}`")]
    Suite(String),
    #[error(
        "its key must be fetched, which is never done: give it in the mapping under the name `{0}`"
    )]
    FarKey(String),
    #[error("the @context `{0}` is not in [credentials.contexts]")]
    Context(String),
    #[error("brings a @context of its own")]
    OwnContext,
    #[error("writes its properties in a way that hides them from plain reading")]
    Names,
    #[error("its signature does not cover `{0}`")]
    Uncovered(&'static str),
    #[error("is not JSON-LD, so that its proof cannot be verified")]
    NotJsonLd,
    #[error("holds too many parts that look alike for its proof to be verified")]
    TooAlike,
    #[error("the status list `{0}` is not in [credentials.status_lists]")]
    StatusList(String),
    #[error("its status is of a kind that is not looked up here: `{0}`")]
    Status(String),
    #[error("stands without a proof of its own in a record by somebody else")]
    Within,
}

impl Fault {
    /// Its kind in one word, as the operator counts them.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::NotBaked | Self::Damaged => "unreadable",
            Self::TooLarge | Self::TooDense => "too large",
            Self::Context(_) => "context",
            Self::Issuer => "issuer",
            Self::Type { .. } | Self::OtherType | Self::NoSubject => "type",
            Self::Date(_) => "date",
            Self::NotYetValid => "not yet valid",
            Self::Expired => "expired",
            Self::Proof(_) => "proof",
            Self::Revoked => "revoked",
            Self::NoPerson => "person",
        }
    }
}

impl From<ProofFault> for Fault {
    fn from(fault: ProofFault) -> Self {
        Self::Proof(fault)
    }
}
