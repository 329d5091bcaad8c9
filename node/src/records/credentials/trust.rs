//! Which keys speak for which issuer: the operator's word, never the credential's.

use std::collections::BTreeMap;

use super::fault::{Doubt, ProofFault};
use super::key::Key;

/// The issuers that the operator trusts, by id.
pub(super) type Issuers = BTreeMap<String, Issuer>;

/// One issuer and its keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Issuer {
    pub(super) keys: Vec<Key>,
    /// Whether a key that a credential brings along counts, for whoever has no list of the keys.
    pub(super) header_keys: bool,
}

/// The key that a proof points to.
#[derive(Debug, Clone)]
pub(super) enum Pointer {
    /// It is in the proof itself.
    Carried(Key),
    /// It has a name, under which the operator may have given it.
    Named(String),
}

/// The key that a proof's `verificationMethod`, or a JWT's `kid`, points to.
pub(super) fn pointer(method: &str, issuer: &str) -> Result<Pointer, ProofFault> {
    let (controller, fragment) = match method.split_once('#') {
        Some((controller, fragment)) => (controller, Some(fragment)),
        None => (method, None),
    };
    let (scheme, rest) = controller.split_once(':').ok_or(ProofFault::Method)?;
    match scheme {
        "did" => match rest.split_once(':') {
            // The key is the whole of such an identity, and need not be the issuer's name.
            Some(("key", key)) => {
                return Key::of_multibase(key).map(Pointer::Carried).map_err(|_| ProofFault::Key);
            }
            Some(("web", _)) => {}
            _ => return Err(ProofFault::Method),
        },
        "http" | "https" | "urn" => {}
        _ => return Err(ProofFault::Method),
    }
    if controller != issuer && method != issuer {
        return Err(ProofFault::Controller);
    }
    match fragment {
        // Multibase keys of these kinds begin so; any other fragment is a name.
        Some(key) if key.starts_with("z6Mk") || key.starts_with("zDn") => {
            Key::of_multibase(key).map(Pointer::Carried).map_err(|_| ProofFault::Key)
        }
        _ => Ok(Pointer::Named(method.to_owned())),
    }
}

impl Pointer {
    /// The key, if the operator trusts it for this issuer.
    pub(super) fn trusted(self, issuers: &Issuers, issuer: &str) -> Result<Key, Doubt> {
        let Some(trusted) = issuers.get(issuer) else {
            return Err(Doubt::Issuer(issuer.to_owned()));
        };
        match self {
            Self::Carried(key) => {
                let known =
                    trusted.header_keys || trusted.keys.iter().any(|trusted| trusted.is(&key));
                if known { Ok(key) } else { Err(Doubt::Key) }
            }
            Self::Named(name) => {
                let short = name.split_once('#').map(|(_, fragment)| fragment);
                let called = |key: &&Key| {
                    key.id.as_deref().is_some_and(|id| id == name || Some(id) == short)
                };
                trusted.keys.iter().find(called).cloned().ok_or(Doubt::FarKey(name))
            }
        }
    }
}
