//! A credential's JSON, checked against the rules that decide whether it may become an award. About twelve of
//! its properties are used; both generations of the W3C data model are read (1.1 and 2.0).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::super::plausible::{FIRST_DAY, LAST_DAY};
use super::fault::{ContextFault, Fault};

type Object = Map<String, Value>;

/// The data models' own contexts, one of which comes first.
const MODELS: [&str; 2] =
    ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/2018/credentials/v1"];

/// Where contexts of Open Badges 3.0 and CLR 2.0 have been published, and how their names begin.
const BADGES: [&str; 5] = [
    "https://purl.imsglobal.org/spec/ob/v3p0/",
    "https://purl.imsglobal.org/spec/clr/v2p0/",
    "https://imsglobal.github.io/openbadges-specification/",
    "https://dc.imsglobal.org/draft/ob/v3p0/",
    "https://dc.imsglobal.org/draft/clr/v2p0/",
];

/// Contexts that say nothing but how proofs are written.
const PROOFS: [&str; 4] = [
    "https://w3id.org/security/suites/ed25519-2020/v1",
    "https://w3id.org/security/data-integrity/v1",
    "https://w3id.org/security/data-integrity/v2",
    "https://w3id.org/security/multikey/v1",
];

/// Properties whose objects must say that they are of a class.
const CLASSES: [(&str, &str); 9] = [
    ("issuer", "Profile"),
    ("parentOrg", "Profile"),
    ("creator", "Profile"),
    ("achievement", "Achievement"),
    ("result", "Result"),
    ("resultDescription", "ResultDescription"),
    ("evidence", "Evidence"),
    ("otherIdentifier", "IdentifierEntry"),
    ("alignment", "Alignment"),
];

/// Properties that hold other documents, judged on their own or not at all.
const APART: [&str; 5] =
    ["proof", "endorsement", "endorsementJwt", "verifiableCredential", "credentialSchema"];

/// What kind of credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Achievement,
    /// A Comprehensive Learner Record: credentials within a credential.
    Clr,
    /// Somebody's praise of an issuer or an achievement.
    Endorsement,
}

/// A credential that keeps the rules. Whether it is genuine and stands is another question.
pub(super) struct Document<'a> {
    pub(super) json: &'a Object,
    pub(super) kind: Kind,
    pub(super) issuer: &'a str,
    pub(super) id: Option<&'a str>,
    pub(super) subject: &'a Object,
    /// The day conferred, as the issuer's own calendar has it.
    pub(super) awarded_on: Date,
    starts: Timestamp,
    ends: Option<Timestamp>,
}

impl<'a> Document<'a> {
    /// Checks a credential, most telling rule first. `known` says which other contexts the operator has given.
    pub(super) fn read(json: &'a Object, known: &dyn Fn(&str) -> bool) -> Result<Self, Fault> {
        contexts_of(json, known).map_err(Fault::Context)?;
        let kind = kind_of(json);
        if kind == Some(Kind::Endorsement) {
            return Ok(Self::endorsement(json));
        }
        let issuer = match json.get("issuer") {
            Some(Value::String(id)) => Some(id.as_str()),
            Some(Value::Object(profile)) => profile.get("id").and_then(Value::as_str),
            _ => None,
        };
        let issuer = issuer.filter(|id| !id.trim().is_empty()).ok_or(Fault::Issuer)?;
        let kind = kind.ok_or(Fault::OtherType)?;
        let subject = one_object(json.get("credentialSubject")).ok_or(Fault::NoSubject)?;
        let class = if kind == Kind::Clr { "ClrSubject" } else { "AchievementSubject" };
        is_a(subject, "credentialSubject", class)?;
        each_is_a(subject.get("source"), "source", "Profile")?;
        each_is_a(subject.get("identifier"), "identifier", "IdentityObject")?;
        classes(json)?;

        let (starts_text, starts) =
            date_of(json, &["validFrom", "issuanceDate"])?.ok_or(Fault::Date("validFrom"))?;
        let ends = [date_of(json, &["validUntil"])?, date_of(json, &["expirationDate"])?];
        let ends = ends.into_iter().flatten().map(|(_, moment)| moment).min();
        let awarded = date_of(json, &["awardedDate"])?.map_or(starts_text, |(text, _)| text);
        let awarded_on = day(awarded).ok_or(Fault::Date("awardedDate"))?;
        let id = json.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        Ok(Self { json, kind, issuer, id, subject, awarded_on, starts, ends })
    }

    fn endorsement(json: &'a Object) -> Self {
        Self {
            json,
            kind: Kind::Endorsement,
            issuer: "",
            id: None,
            subject: json,
            awarded_on: Date::ZERO,
            starts: Timestamp::UNIX_EPOCH,
            ends: None,
        }
    }

    /// Whether it is in force.
    pub(super) fn in_force(&self, now: Timestamp) -> Result<(), Fault> {
        if self.starts > now {
            return Err(Fault::NotYetValid);
        }
        if self.ends.is_some_and(|ends| ends <= now) {
            return Err(Fault::Expired);
        }
        Ok(())
    }

    /// What was achieved; none where it says nothing of it.
    pub(super) fn achievement(&self) -> Option<&'a Object> {
        one_object(self.subject.get("achievement"))
    }
}

/// Every URL that a document names as a context, at any depth; none where it defines terms of its own.
pub(super) fn context_urls(json: &Object) -> Option<Vec<&str>> {
    let mut urls = Vec::new();
    let mut left: Vec<&Value> = json.get("@context").into_iter().collect();
    for context in std::mem::take(&mut left) {
        for one in each(context) {
            urls.push(one.as_str()?);
        }
    }
    for (name, value) in json {
        if name == "@context" {
            continue;
        }
        left.push(value);
    }
    while let Some(value) = left.pop() {
        match value {
            Value::Object(inner) => urls.extend(context_urls(inner)?),
            Value::Array(values) => left.extend(values),
            _ => {}
        }
    }
    Some(urls)
}

/// Whether a document's properties are all called by plain names. JSON-LD lets anybody write a property's whole
/// IRI instead; that means the same to a signature, and hides an expiry from whoever reads the JSON.
pub(super) fn has_plain_names(json: &Object) -> bool {
    json.iter().all(|(name, value)| {
        let plain = name == "@context" || !name.contains([':', '@']);
        plain
            && each(value).all(|value| match value {
                Value::Object(inner) => has_plain_names(inner),
                Value::Array(_) => false,
                _ => true,
            })
    })
}

/// The classes that an object says it is of.
pub(super) fn types(json: &Object) -> impl Iterator<Item = &str> {
    json.get("type").into_iter().flat_map(each).filter_map(Value::as_str)
}

/// A value as a list: JSON-LD makes no difference between one and a list of one.
pub(super) fn each(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(values) => values.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

/// The only object of a property.
pub(super) fn one_object(value: Option<&Value>) -> Option<&Object> {
    let mut objects = value.into_iter().flat_map(each);
    match (objects.next(), objects.next()) {
        (Some(Value::Object(object)), None) => Some(object),
        _ => None,
    }
}

/// A moment as the data models write it. One without an offset is taken to be UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let civil = |text: &str| {
        let moment: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(moment).ok()
    };
    text.parse().ok().or_else(|| civil(text))
}

fn kind_of(json: &Object) -> Option<Kind> {
    if !types(json).any(|class| class == "VerifiableCredential") {
        return None;
    }
    let mut kinds = types(json).filter_map(|class| match class {
        "OpenBadgeCredential" | "AchievementCredential" => Some(Kind::Achievement),
        "ClrCredential" => Some(Kind::Clr),
        "EndorsementCredential" => Some(Kind::Endorsement),
        _ => None,
    });
    kinds.next()
}

fn contexts_of(json: &Object, known: &dyn Fn(&str) -> bool) -> Result<(), ContextFault> {
    let contexts = json.get("@context").into_iter().flat_map(each);
    // Terms that a document defines itself are no URL; its proof is then in doubt, not its form.
    let urls: Vec<_> = contexts.filter_map(Value::as_str).collect();
    if !urls.first().is_some_and(|first| MODELS.contains(first)) {
        return Err(ContextFault::First);
    }
    let of_badges = |url: &&str| BADGES.iter().any(|start| url.starts_with(start));
    let general = |url: &&str| MODELS.contains(url) || PROOFS.contains(url);
    // A context that the operator gives may stand for those of Open Badges, as a profile of them does.
    if !urls.iter().any(|url| of_badges(url) || (known(url) && !general(url))) {
        return Err(ContextFault::NoBadges);
    }
    let strange = urls.iter().find(|url| !general(url) && !of_badges(url) && !known(url));
    strange.map_or(Ok(()), |url| Err(ContextFault::Unknown((*url).to_owned())))
}

/// Whether every object within says that it is what its place makes of it.
fn classes(json: &Object) -> Result<(), Fault> {
    let mut left = vec![json];
    while let Some(object) = left.pop() {
        for (place, class) in CLASSES {
            // A CLR lists achievements beside its credentials; a text names one by its id.
            each_is_a(object.get(place), place, class)?;
        }
        let within = object.iter().filter(|(name, _)| !APART.contains(&name.as_str()));
        left.extend(within.flat_map(|(_, value)| each(value)).filter_map(Value::as_object));
    }
    Ok(())
}

fn each_is_a(value: Option<&Value>, place: &'static str, class: &'static str) -> Result<(), Fault> {
    let mut objects = value.into_iter().flat_map(each).filter_map(Value::as_object);
    objects.try_for_each(|object| is_a(object, place, class))
}

fn is_a(object: &Object, place: &'static str, class: &'static str) -> Result<(), Fault> {
    if types(object).any(|found| found == class) {
        Ok(())
    } else {
        Err(Fault::Type { place, class })
    }
}

/// The first of these properties that is there, as text and as a moment.
fn date_of<'a>(
    json: &'a Object,
    names: &[&'static str],
) -> Result<Option<(&'a str, Timestamp)>, Fault> {
    for name in names {
        let Some(value) = json.get(*name) else { continue };
        let text = value.as_str().ok_or(Fault::Date(name))?;
        return Ok(Some((text, moment(text).ok_or(Fault::Date(name))?)));
    }
    Ok(None)
}

/// The day of a moment where it was written, if it is one on which anything can have been awarded.
fn day(text: &str) -> Option<Date> {
    let day: Date = text.get(..10)?.parse().ok()?;
    (FIRST_DAY..=LAST_DAY).contains(&day).then_some(day)
}
