//! The one name in a certificate: `sumac://<party>/<role>/<name>`.

use std::fmt;
use std::str::FromStr;

use openssl::x509::X509Ref;
use sumac_policy::{PartyId, PeerRole};

const SCHEME: &str = "sumac://";
/// The limit that X.509 sets for a common name (RFC 5280, ub-common-name), where it is repeated.
const LONGEST_NAME: usize = 64;
/// Foreign text is shown in logs up to this many characters.
const LONGEST_SHOWN: usize = 80;

/// What a certificate claims to be. A claim only: [`identify`](crate::identify) proves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertificateName {
    party: PartyId,
    role: PeerRole,
    name: String,
}

/// Why a certificate has no usable name, or why a name cannot be put into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateNameError {
    /// No subject alternative name, or an unreadable one.
    #[error("the certificate carries no name of the form `sumac://party/role/name`")]
    None,
    /// More than one subject alternative name, of whatever kind.
    #[error(
        "the certificate carries {0} names: exactly one, `sumac://party/role/name`, is allowed"
    )]
    Several(usize),
    /// A subject alternative name that Sumac did not write. The text is shortened and escaped.
    #[error("the certificate's name `{0}` is not of the form `sumac://party/role/name`")]
    Foreign(String),
    /// A name that is no good for certificates and logs. The text is shortened and escaped.
    #[error(
        "`{0}` cannot name a node or a person: use 1 to {LONGEST_NAME} of a–z, 0–9, `-`, `_`, `.`, starting with a letter or a digit"
    )]
    Unsound(String),
}

impl CertificateName {
    /// Names a node or a person of a party.
    pub fn new(party: PartyId, role: PeerRole, name: &str) -> Result<Self, CertificateNameError> {
        if !is_sound(name) {
            return Err(CertificateNameError::Unsound(shown(name)));
        }
        Ok(Self { party, role, name: name.to_owned() })
    }

    /// Reads the single name of a certificate. A second name of any kind is refused, because two readers
    /// might pick different ones.
    pub(crate) fn of(certificate: &X509Ref) -> Result<Self, CertificateNameError> {
        let names = certificate.subject_alt_names().ok_or(CertificateNameError::None)?;
        let mut names_read = names.iter();
        let name = names_read.next().ok_or(CertificateNameError::None)?;
        if names_read.next().is_some() {
            return Err(CertificateNameError::Several(names.len()));
        }
        name.uri()
            .ok_or_else(|| CertificateNameError::Foreign(shown(&format!("{name:?}"))))?
            .parse()
    }

    /// The party that the certificate claims to come from.
    pub fn party(&self) -> &PartyId {
        &self.party
    }

    /// What the certificate is for.
    pub fn role(&self) -> PeerRole {
        self.role
    }

    /// The node's or the person's name within the party.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{}", self.party, self.role, self.name)
    }
}

impl FromStr for CertificateName {
    type Err = CertificateNameError;
    fn from_str(text: &str) -> Result<Self, CertificateNameError> {
        read(text).ok_or_else(|| CertificateNameError::Foreign(shown(text)))
    }
}

fn read(text: &str) -> Option<CertificateName> {
    let (party, rest) = text.strip_prefix(SCHEME)?.split_once('/')?;
    let (role, name) = rest.split_once('/')?;
    CertificateName::new(party.parse().ok()?, role.parse().ok()?, name).ok()
}

fn is_sound(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
}

/// Text from a stranger's certificate, safe to put on one line of a log.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["sumac://lakeshore-cc/node/main", "sumac://chamber/analyst/ana.ruiz"] {
            assert_eq!(text.parse::<CertificateName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_every_other_form() {
        for text in [
            "",
            "sumac://",
            "sumac://lakeshore-cc/node",
            "sumac://lakeshore-cc/node/",
            "sumac://lakeshore-cc/node/a/b",
            "sumac://lakeshore-cc/Node/a",
            "sumac://lakeshore-cc/root/a",
            "sumac://lakeshore-cc/node/a?b",
            "sumac://lakeshore-cc/node/a%20b",
            "sumac://lakeshore-cc/node/a\0b",
            "sumac://user@lakeshore-cc/node/a",
            "sumac://lakeshore-cc:443/node/a",
            "SUMAC://lakeshore-cc/node/a",
            " sumac://lakeshore-cc/node/a",
            "https://lakeshore-cc/node/a",
        ] {
            let refused = text.parse::<CertificateName>();
            assert!(
                matches!(refused, Err(CertificateNameError::Foreign(_))),
                "{text:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn shows_foreign_text_short_and_on_one_line() {
        let shown = shown(&format!("a\nb{}", "x".repeat(200)));
        assert!(
            shown.starts_with("a\\nb") && shown.ends_with('…') && shown.chars().count() < 90,
            "{shown}"
        );
    }
}
