//! Whether a credential still stands: W3C Bitstring Status Lists and 1EdTech revocation lists, from the
//! operator's files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::document::{Document, each};
use super::fault::{Doubt, Fault};
use super::jwt::Jwt;
use super::unbake::{Envelope, unbake};

/// A list longer than this, in bytes once unpacked, has room for over a hundred million credentials: it is a
/// bomb.
const MAX_LIST: u64 = 16 << 20;

/// Status lists by URL.
pub(super) type Lists = BTreeMap<String, List>;

/// A status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List {
    /// A bit for each credential, most significant first: set means that it does not stand.
    Bits { purpose: String, bits: Vec<u8> },
    /// The ids of those that do not stand.
    Ids(BTreeSet<String>),
}

impl List {
    /// Reads a list: a status list credential as JSON or JWT, or a 1EdTech revocation list. The operator fetched
    /// the file, so its own proof is not looked at.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        const STRANGE: &str = "is neither a bitstring status list nor a 1EdTech revocation list";
        let json = match unbake(bytes).map_err(|_| STRANGE)? {
            Envelope::Json(json) => json,
            Envelope::Jwt(jwt) => Jwt::read(&jwt).map_err(|_| STRANGE)?.credential,
        };
        if let Some(revoked) = json.get("revokedCredential") {
            let id = |entry: &Value| {
                let id = entry.as_str().or_else(|| entry.get("id")?.as_str());
                id.map(str::to_owned)
            };
            return Ok(Self::Ids(each(revoked).filter_map(id).collect()));
        }
        let subject = json.get("credentialSubject").ok_or(STRANGE)?;
        let text = |name: &str| subject.get(name).and_then(Value::as_str);
        let encoded = text("encodedList").ok_or(STRANGE)?;
        let encoded = encoded.strip_prefix('u').ok_or("has a list that is not in base64url")?;
        let packed = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('='));
        let packed = packed.map_err(|_| "has a list that is not in base64url")?;
        let mut bits = Vec::new();
        let unpacked = GzDecoder::new(packed.as_slice()).take(MAX_LIST + 1).read_to_end(&mut bits);
        match unpacked {
            Ok(length) if length as u64 <= MAX_LIST => {}
            Ok(_) => return Err("has a list that unpacks to more than 16 MiB"),
            Err(_) => return Err("has a list that is not packed with gzip, or is damaged"),
        }
        let purpose = text("statusPurpose").unwrap_or("revocation").to_owned();
        Ok(Self::Bits { purpose, bits })
    }

    fn bit(&self, index: u64, wanted: &str) -> Option<bool> {
        let Self::Bits { purpose, bits } = self else { return None };
        let byte = bits.get(usize::try_from(index / 8).ok()?)?;
        (purpose == wanted).then_some(byte & (0x80 >> (index % 8)) != 0)
    }
}

/// Whether a credential stands, as far as the operator's lists tell.
pub(super) fn check(document: &Document<'_>, lists: &Lists) -> Result<Option<Doubt>, Fault> {
    let mut doubt = None;
    for entry in document.json.get("credentialStatus").into_iter().flat_map(each) {
        match stands(entry, document.id, lists) {
            Ok(true) => {}
            // One list that says no is enough, whatever the others say.
            Ok(false) => return Err(Fault::Revoked),
            Err(found) => doubt = doubt.or(Some(found)),
        }
    }
    Ok(doubt)
}

fn stands(entry: &Value, id: Option<&str>, lists: &Lists) -> Result<bool, Doubt> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = entry.get("type").into_iter().flat_map(each).filter_map(Value::as_str);
    let kind: Vec<_> = kind.collect();
    let list = |url: &str| lists.get(url).ok_or_else(|| Doubt::StatusList(url.to_owned()));
    let strange = |what: &str| Doubt::Status(what.chars().take(60).collect());
    if kind.contains(&"BitstringStatusListEntry") {
        let purpose = text("statusPurpose");
        // Other purposes, such as `message` and `refresh`, say nothing about whether it stands.
        if !matches!(purpose, "revocation" | "suspension") {
            return Ok(true);
        }
        let index = entry.get("statusListIndex").and_then(|index| match index {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let one_bit = entry.get("statusSize").is_none_or(|size| size.as_u64() == Some(1));
        let list = list(text("statusListCredential"))?;
        let set = index.filter(|_| one_bit).and_then(|index| list.bit(index, purpose));
        return set.map(|set| !set).ok_or(strange("an entry that its list does not have"));
    }
    if kind.contains(&"1EdTechRevocationList") {
        return match (list(text("id"))?, id) {
            (List::Ids(revoked), Some(id)) => Ok(!revoked.contains(id)),
            _ => Err(strange("an entry that its list does not have")),
        };
    }
    Err(strange(kind.first().unwrap_or(&"unnamed")))
}
