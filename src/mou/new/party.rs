//! A party of a new agreement, and its root, as they are typed.

use std::path::PathBuf;
use std::str::FromStr;

use sumac_policy::{PartyId, PartyKind, Sha256};

/// A party as given in one flag or in several answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewParty {
    pub(super) id: PartyId,
    pub(super) kind: PartyKind,
    pub(super) name: String,
    /// None for a party that only asks.
    pub(super) address: Option<String>,
    pub(super) contacts: Vec<String>,
}

/// `id=file.pem`, or `id=sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenRoot {
    pub(super) party: PartyId,
    pub(super) root: RootSource,
}

/// Where a party's fingerprint comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RootSource {
    File(PathBuf),
    Fingerprint(Sha256),
}

impl FromStr for NewParty {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            format!(
                "`{text}` is not a party: write id:kind:name:host:port:contact,contact, with nothing for host:port if it only asks"
            )
        };
        let mut parts = text.splitn(3, ':');
        let (Some(id), Some(kind), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        let (middle, people) = rest.rsplit_once(':').ok_or_else(form)?;
        let (name, address) = middle.split_once(':').unwrap_or((middle, ""));
        Ok(Self {
            id: id.parse().map_err(|error| format!("{error}"))?,
            kind: kind.parse().map_err(|error| format!("{error}"))?,
            name: plain(name)?,
            address: self::address(address)?,
            contacts: contacts(people)?,
        })
    }
}

impl FromStr for GivenRoot {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (party, root) = text.split_once('=').ok_or_else(|| {
            format!("`{text}` names no root: write party=root.pem or party=sha256:…")
        })?;
        let party = party.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { party, root: root.parse()? })
    }
}

impl FromStr for RootSource {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("sha256:") {
            return text
                .parse()
                .map(Self::Fingerprint)
                .map_err(|error| format!("`{text}`: {error}"));
        }
        Ok(Self::File(PathBuf::from(text)))
    }
}

/// A text for people, on one line.
pub(super) fn plain(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a name is one line of text, and not empty".to_owned());
    }
    Ok(text.to_owned())
}

/// `host:port`; nothing for a party without a node.
pub(super) fn address(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let sound = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if sound {
        Ok(Some(text.to_owned()))
    } else {
        Err(format!("`{text}` is not host:port, such as node.college.example:7443"))
    }
}

/// Two different people at least.
pub(super) fn contacts(text: &str) -> Result<Vec<String>, String> {
    let mut contacts: Vec<String> = Vec::new();
    for contact in text.split(',').map(str::trim).filter(|contact| !contact.is_empty()) {
        if !contacts.iter().any(|known| known == contact) {
            contacts.push(plain(contact)?);
        }
    }
    if contacts.len() < 2 {
        return Err(format!(
            "`{text}` names fewer than two people: people leave, so name two, with a comma between"
        ));
    }
    Ok(contacts)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_a_party_with_and_without_a_node() {
        let party: NewParty = "lcc:college:Lakeshore CC:[::1]:7443:a@x, b@x".parse().unwrap();
        assert_eq!((party.id.as_str(), party.kind), ("lcc", PartyKind::College));
        assert_eq!(
            (party.name.as_str(), party.address.as_deref()),
            ("Lakeshore CC", Some("[::1]:7443"))
        );
        assert_eq!(party.contacts, ["a@x", "b@x"]);
        for text in ["ch:backbone:Chamber::a@x,b@x", "ch:backbone:Chamber:a@x,b@x"] {
            let party: NewParty = text.parse().unwrap();
            assert_eq!((party.name.as_str(), party.address), ("Chamber", None), "{text}");
        }
    }

    #[test]
    fn a_bad_part_is_named() {
        for (text, says) in [
            ("lcc", "id:kind:name"),
            ("LCC:college:L:h:1:a,b", "party id"),
            ("lcc:school:L:h:1:a,b", "kind of party"),
            ("lcc:college::h:1:a,b", "not empty"),
            ("lcc:college:L:host:a,b", "host:port"),
            ("lcc:college:L:h:1:a,a", "fewer than two people"),
        ] {
            let error = text.parse::<NewParty>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!("lcc".parse::<GivenRoot>().is_err());
        assert!("lcc=sha256:12".parse::<GivenRoot>().is_err());
    }
}
