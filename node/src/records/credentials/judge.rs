//! What becomes of one file of credentials: what it says, whether it may be believed, and whether it stands.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::document::{Document, Kind, each, types};
use super::fault::{Doubt, Fault};
use super::form::PersonFrom;
use super::jwt::Jwt;
use super::taxonomy::Placed;
use super::unbake::{Envelope, read, unbake};
use super::{proof, status};

type Object = Map<String, Value>;

const EPOCH: Date = date(1970, 1, 1);

/// Credentials in one record.
const MAX_WITHIN: usize = 10_000;

/// What became of one credential.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is an award. With a doubt, it is not known to be genuine.
    Award(Award, Option<Doubt>),
    /// It says nothing of an achievement.
    Nothing,
    /// It praises somebody: no award, and no fault.
    Endorsement,
    /// It is no award.
    Rejected(Fault),
}

/// A learner's award.
pub(super) struct Award {
    /// Names the credential: equal for copies of one.
    pub(super) key: [u8; 16],
    /// Whatever the learner is called: never shown, and keyed before anything is kept.
    pub(super) person: String,
    /// Days since 1970-01-01.
    pub(super) awarded_on: i32,
    pub(super) placed: Placed,
    /// Whether it came in a CLR.
    pub(super) from_clr: bool,
}

/// Says nothing of the learner.
impl std::fmt::Debug for Award {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { awarded_on, placed, from_clr, .. } = self;
        let mut shown = f.debug_struct("Award");
        shown.field("awarded_on", awarded_on).field("placed", placed).field("from_clr", from_clr);
        shown.finish_non_exhaustive()
    }
}

/// Judges credentials.
pub(super) struct Judge<'a> {
    pub(super) desk: &'a Desk,
    pub(super) person: &'a PersonFrom,
    pub(super) now: Timestamp,
}

/// The record that a credential came in.
#[derive(Clone, Copy)]
struct Outer<'a> {
    issuer: &'a str,
    /// Who it says its learner is, if it can be believed.
    person: Option<&'a str>,
    verified: bool,
}

impl Judge<'_> {
    /// Judges a file: one verdict for a credential, one for each credential in a record.
    pub(super) fn file(&self, name: &str, bytes: Result<Vec<u8>, Fault>) -> Vec<Verdict> {
        match bytes.and_then(|bytes| unbake(&bytes)) {
            Ok(envelope) => self.envelope(name, &envelope, None),
            Err(fault) => vec![Verdict::Rejected(fault)],
        }
    }

    fn envelope(&self, name: &str, envelope: &Envelope, outer: Option<Outer<'_>>) -> Vec<Verdict> {
        let judged = match envelope {
            Envelope::Json(json) => self.credential(name, json, None, outer),
            Envelope::Jwt(text) => Jwt::read(text)
                .and_then(|jwt| self.credential(name, &jwt.credential, Some(&jwt), outer)),
        };
        judged.unwrap_or_else(|fault| vec![Verdict::Rejected(fault)])
    }

    fn credential(
        &self,
        name: &str,
        json: &Object,
        jwt: Option<&Jwt>,
        outer: Option<Outer<'_>>,
    ) -> Result<Vec<Verdict>, Fault> {
        let Desk { issuers, contexts, lists, .. } = self.desk;
        let document = Document::read(json, &|url| contexts.has(url))?;
        if document.kind == Kind::Endorsement {
            return Ok(vec![Verdict::Endorsement]);
        }
        document.in_force(self.now)?;
        let proved = match jwt {
            Some(jwt) => jwt.verify(document.issuer, issuers, self.now)?,
            None => proof::verify(&document, issuers, contexts, self.now)?,
        };
        let proved = match (proved, outer) {
            // Whoever signs a record signs what it issued itself within.
            (Err(Doubt::NoProof), Some(outer))
                if outer.issuer == document.issuer && outer.verified =>
            {
                Ok(())
            }
            (Err(Doubt::NoProof), Some(_)) => Err(Doubt::Within),
            (proved, _) => proved,
        };
        let doubt = status::check(&document, lists)?.or(proved.err());
        match document.kind {
            Kind::Clr if outer.is_none() => self.record(name, &document, doubt.is_none()),
            // A record within a record is nobody's transcript.
            Kind::Clr => Err(Fault::OtherType),
            _ => Ok(vec![self.award(name, &document, doubt, outer)?]),
        }
    }

    /// The credentials in a record. What else it lists, and how it says that they belong together, is no award.
    fn record(
        &self,
        name: &str,
        document: &Document<'_>,
        verified: bool,
    ) -> Result<Vec<Verdict>, Fault> {
        let person = self.person_of(name, document.subject).filter(|_| verified);
        let outer = Outer { issuer: document.issuer, person: person.as_deref(), verified };
        let within = document.subject.get("verifiableCredential").into_iter().flat_map(each);
        let mut verdicts = Vec::new();
        for credential in within {
            if verdicts.len() >= MAX_WITHIN {
                const MANY: Fault =
                    Fault::Unreadable("holds more than 10,000 credentials: the rest");
                verdicts.push(Verdict::Rejected(MANY));
                break;
            }
            verdicts.extend(match credential {
                Value::Object(json) if is_wrapped(json) => match wrapped(json) {
                    Ok(envelope) => self.envelope(name, &envelope, Some(outer)),
                    Err(fault) => vec![Verdict::Rejected(fault)],
                },
                Value::Object(json) => self
                    .credential(name, json, None, Some(outer))
                    .unwrap_or_else(|fault| vec![Verdict::Rejected(fault)]),
                Value::String(text) => match read(text) {
                    Ok(envelope) => self.envelope(name, &envelope, Some(outer)),
                    Err(fault) => vec![Verdict::Rejected(fault)],
                },
                _ => vec![Verdict::Rejected(Fault::OtherType)],
            });
        }
        if verdicts.is_empty() {
            verdicts.push(Verdict::Nothing);
        }
        Ok(verdicts)
    }

    fn award(
        &self,
        name: &str,
        document: &Document<'_>,
        doubt: Option<Doubt>,
        outer: Option<Outer<'_>>,
    ) -> Result<Verdict, Fault> {
        let Some(achievement) = document.achievement() else { return Ok(Verdict::Nothing) };
        // Within a record the learner may go by another name than on it.
        let person = outer.and_then(|outer| outer.person.map(str::to_owned));
        let person =
            person.or_else(|| self.person_of(name, document.subject)).ok_or(Fault::NoPerson)?;
        let awarded_on = document.awarded_on.since(EPOCH).map(|span| span.get_days());
        let award = Award {
            key: key(document),
            person,
            awarded_on: awarded_on.map_err(|_| Fault::Date("awardedDate"))?,
            placed: self.desk.taxonomy.place(achievement),
            from_clr: outer.is_some(),
        };
        Ok(Verdict::Award(award, doubt))
    }

    /// Whatever the mapping says the learner is called.
    fn person_of(&self, name: &str, subject: &Object) -> Option<String> {
        let (folder, file) = name.rsplit_once(['/', '\\']).unwrap_or(("", name));
        let text = match self.person {
            PersonFrom::Subject { after } => {
                subject.get("id")?.as_str()?.strip_prefix(after.as_str())?
            }
            PersonFrom::Identifier(kind) => identifier(subject, kind)?,
            PersonFrom::File => file.rsplit_once('.').map_or(file, |(stem, _)| stem),
            PersonFrom::Folder => folder.rsplit(['/', '\\']).next()?,
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// The subject's identifier of a type, where it is not hashed: a hash cannot be matched with other files.
fn identifier<'a>(subject: &'a Object, kind: &str) -> Option<&'a str> {
    let identifiers = subject.get("identifier").into_iter().flat_map(each);
    let mut of_kind = identifiers.filter(|identifier| {
        let is = identifier.get("identityType").and_then(Value::as_str) == Some(kind);
        is && identifier.get("hashed").and_then(Value::as_bool) != Some(true)
    });
    of_kind.next()?.get("identityHash")?.as_str()
}

/// VC 2.0 (§4.13) can wrap a JWT into an object, as a `data:` URL.
fn is_wrapped(json: &Object) -> bool {
    types(json).any(|class| class == "EnvelopedVerifiableCredential")
}

fn wrapped(json: &Object) -> Result<Envelope, Fault> {
    let url = json.get("id").and_then(Value::as_str).unwrap_or_default();
    let text = url.strip_prefix("data:application/vc+jwt,").ok_or(Fault::OtherType)?;
    read(text)
}

/// What names a credential: its issuer and id, or where it has no id, all that it says.
fn key(document: &Document<'_>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(document.issuer);
    hasher.update([0]);
    match document.id {
        Some(id) => hasher.update(id),
        None => {
            let mut json = document.json.clone();
            json.remove("proof");
            hasher.update(Value::Object(json).to_string());
        }
    }
    let hash: [u8; 32] = hasher.finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}
