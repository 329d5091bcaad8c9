//! `mou.toml`: the whole agreement.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::sync::Arc;

use jiff::civil::Date;

use crate::digest::Sha256;
use crate::mou::{
    After, Capability, FloorAt, Kpi, Limit, Mou, Party, PartyKind, Privacy, Restriction, Role,
    Terms,
};
use crate::names::{PartyId, Purpose};
use crate::problem::{Problem, Problems, Severity};
use crate::read::calendar::calendar;
use crate::read::data::data;
use crate::read::dimension::declared_dimension;
use crate::read::kpi::{Known, kpi};
use crate::read::lifecycle::{after, amendment, audit, pilot};
use crate::read::number::exact;
use crate::read::restriction::restriction;
use crate::read::standard::standard;
use crate::section::{Found, Section, Sheet};

/// The platform's own floor, in people, for any MOU. Lowering it needs a release of the software.
const PLATFORM_FLOOR: i64 = 5;
/// Two people per party, so that nobody is a single point of failure.
const MIN_CONTACTS: usize = 2;

impl Mou {
    /// Reads an agreement and checks it. Its identity is the hash of these bytes.
    ///
    /// # Errors
    /// Every problem found, each with its line. A key that this version cannot enforce is a problem.
    pub fn read(bytes: &[u8]) -> Result<Self, Problems> {
        let (mou, problems) = Self::examine(bytes)?;
        let errors: Vec<_> =
            problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect();
        match mou {
            Some(mou) if errors.is_empty() => Ok(mou),
            _ => Err(Problems(errors)),
        }
    }

    /// Reads an agreement as far as it goes, with everything there is to say about it, warnings included.
    ///
    /// # Errors
    /// Where the bytes are not TOML at all.
    pub fn examine(bytes: &[u8]) -> Result<(Option<Self>, Vec<Problem>), Problems> {
        let sheet = Sheet::parse(bytes)?;
        let mou = mou(&sheet, Sha256::of(bytes));
        if let Some(mou) = &mou {
            crate::check::check(mou, &sheet);
        }
        Ok((mou, sheet.problems()))
    }
}

fn mou(sheet: &Sheet, hash: Sha256) -> Option<Mou> {
    let root = sheet.root();
    let standard = standard();
    format(&root);
    let id = root.word::<PartyId>("id");
    let title = root.text("title");
    let version = root.number("version", 1..=1_000_000);
    let replaces = root.word_if_any::<Sha256>("replaces").map(|found| found.value);
    if let Some(version) = &version {
        replaces_a_version(&root, version.value);
    }
    if let Some(pinned) = root.word::<Sha256>("catalogue")
        && pinned.value != standard.hash
    {
        root.problem_at(
            "catalogue",
            "this version of sumac ships another catalogue than the one pinned",
            format_args!("it ships \"{}\"", standard.hash),
        );
    }
    let effective = day(&root, "effective");
    let expires = day(&root, "expires");
    let terms = root.section("agreement").and_then(terms);
    let calendar = root.section("calendar").and_then(calendar);
    let parties: Vec<_> = root.sections("party").into_iter().map(party).collect();
    let roles = root.section("roles").and_then(roles);
    let privacy = root.section("privacy").and_then(privacy);

    let mut schema = standard.schema.clone();
    let mut dimensions = standard.dimensions.clone();
    for section in root.sections("dimension") {
        let line = section.line();
        let Some(declared) = declared_dimension(section, &mut schema, sheet) else { continue };
        if dimensions.iter().any(|known| known.id == declared.id) {
            sheet.problem(
                line,
                "dimension",
                format_args!("`{}` is taken", declared.id),
                "choose another id",
            );
            continue;
        }
        dimensions.push(Arc::new(declared));
    }
    let known = Known { standard, schema: &schema, dimensions: &dimensions, sheet };
    let kpis: Vec<_> =
        root.sections("kpi").into_iter().map(|section| kpi(section, &known)).collect();
    let restrictions: Vec<_> =
        root.sections("restrict").into_iter().map(|section| restriction(section, &known)).collect();
    let data =
        root.section_if_any("data").map_or(Some(Vec::new()), |section| data(section, &schema));
    let pilot = root.section_if_any("pilot").map(pilot);
    let after = root.section_if_any("after").map_or(Some(After::default()), after);
    let amendment = root.section_if_any("amendment").map(amendment);
    let audit = root.section_if_any("audit").map(audit);
    root.end(&["publish"]);

    let kpis: Option<Vec<Kpi>> = kpis.into_iter().collect();
    let parties: Option<Vec<_>> = parties.into_iter().collect();
    let restrictions = restrictions.into_iter().collect::<Option<Vec<_>>>()?;
    let (mut kpis, mut privacy) = (kpis?, privacy?);
    strictest_wins(&restrictions, &mut kpis, &mut privacy);
    Some(Mou {
        hash,
        id: id?.value.as_str().to_owned(),
        title: title?.value.to_owned(),
        version: u32::try_from(version?.value).ok()?,
        replaces,
        effective: effective?,
        expires: expires?,
        agreement: terms?,
        calendar: calendar?,
        parties: parties?,
        roles: roles?,
        privacy,
        kpis: kpis.into_iter().map(Arc::new).collect(),
        dimensions,
        restrictions,
        data: data?,
        // There, and sound; or not there.
        pilot: pilot.map_or(Some(None), |pilot| pilot.map(Some))?,
        after: after?,
        amendment: amendment.map_or(Some(None), |amendment| amendment.map(Some))?,
        audit: audit.map_or(Some(None), |audit| audit.map(Some))?,
        schema,
    })
}

fn format(root: &Section<'_>) {
    if let Some(format) = root.text("format")
        && format.value != "sumac-mou/1"
    {
        root.problem_at(
            "format",
            format_args!("unknown format `{}`", format.value),
            "use \"sumac-mou/1\"",
        );
    }
}

/// A first or last day in force. Its range keeps every date of the calendar far from where dates end.
fn day(root: &Section<'_>, key: &'static str) -> Option<Date> {
    let day = root.day(key)?.value;
    let sound = (2000..2150).contains(&day.year());
    if !sound {
        root.problem_at(
            key,
            format_args!("{day} is not between 2000 and 2149"),
            "an agreement is for a few years",
        );
    }
    sound.then_some(day)
}

fn terms(section: Section<'_>) -> Option<Terms> {
    let purposes = section.words::<Purpose>("purposes");
    let texts = |words: Option<Vec<Found<String>>>| {
        words.unwrap_or_default().into_iter().map(|found| found.value).collect()
    };
    let legal = texts(section.words_if_any("legal"));
    let prohibited = texts(section.words_if_any("prohibited"));
    let document = section.word_if_any::<Sha256>("document").map(|found| found.value);
    if purposes.as_ref().is_some_and(Vec::is_empty) {
        section.problem_at("purposes", "no purpose is listed", "every question names one");
    }
    section.end(&[]);
    let purposes = purposes?.into_iter().map(|found| found.value).collect();
    Some(Terms { purposes, legal, prohibited, document })
}

fn party(section: Section<'_>) -> Option<Party> {
    let id = section.word::<PartyId>("id");
    let name = section.text("name");
    let kind = section.word::<PartyKind>("kind");
    let root = root(&section);
    let address = section.text_if_any("address");
    let contacts = section.words::<String>("contacts");
    let different = |contacts: &Vec<Found<String>>| {
        contacts.iter().map(|found| found.value.trim()).collect::<BTreeSet<_>>().len()
    };
    if contacts.as_ref().is_some_and(|contacts| different(contacts) < MIN_CONTACTS) {
        section.problem_at(
            "contacts",
            format_args!("fewer than {MIN_CONTACTS} contacts"),
            "people leave: name two different ones at least",
        );
    }
    if let Some(address) = &address {
        address_is_reachable(&section, address.value);
    }
    section.end(&[]);
    Some(Party {
        id: id?.value,
        name: name?.value.to_owned(),
        kind: kind?.value,
        root: root?,
        address: address.map(|found| found.value.to_owned()),
        contacts: contacts?.into_iter().map(|found| found.value).collect(),
    })
}

/// A root's fingerprint. One that is still to come has a hint of its own: every draft has such lines.
fn root(section: &Section<'_>) -> Option<Sha256> {
    let found = section.text("root")?;
    if found.value.starts_with("TODO") {
        section.problem_at(
            "root",
            "the fingerprint of this party's root is still to come",
            "`sumac init` prints it at that party; compare it by telephone",
        );
        return None;
    }
    found
        .value
        .parse()
        .map_err(|error: crate::digest::DigestError| section.problem_at("root", error, ""))
        .ok()
}

fn address_is_reachable(section: &Section<'_>, address: &str) {
    if address == "dials-out" {
        section.problem_at(
            "address",
            "this version of sumac cannot reach a node that dials out",
            "give host:port",
        );
        return;
    }
    let host_is_sound = |host: &str| match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']').is_some_and(|host| host.parse::<Ipv6Addr>().is_ok()),
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            !host.is_empty() && host.chars().all(plain)
        }
    };
    let sound = address.rsplit_once(':').is_some_and(|(host, port)| {
        host_is_sound(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if !sound {
        section.problem_at(
            "address",
            format_args!("`{address}` is not host:port"),
            "such as node.college.example:7443",
        );
    }
}

fn roles(section: Section<'_>) -> Option<Vec<Role>> {
    let roles = section.named_sections().into_iter().map(|(name, role)| {
        let party = role.text("party");
        let may = role.words::<Capability>("may");
        role.end(&[]);
        let party = match party?.value {
            "every-party" => None,
            id => Some(
                id.parse::<PartyId>().map_err(|error| role.problem_at("party", error, "")).ok()?,
            ),
        };
        let may = may?.into_iter().map(|found| found.value).collect();
        Some(Role { name: name.to_owned(), party, may })
    });
    // Every role is read before the section is given up, so that every problem is noted.
    roles.collect::<Vec<_>>().into_iter().collect()
}

fn privacy(section: Section<'_>) -> Option<Privacy> {
    let budget = section.section("budget").and_then(budget);
    let floor = section.number("floor", 0..=1_000_000);
    if let Some(floor) = &floor
        && floor.value < PLATFORM_FLOOR
    {
        section.problem_at(
            "floor",
            format_args!(
                "{} is under the platform's own floor of {PLATFORM_FLOOR} people",
                floor.value
            ),
            "most states use 10",
        );
    }
    let floor_at = section.word::<FloorAt>("floor_at");
    let min_parties = section.section_if_any("min_parties").map(min_parties).unwrap_or_default();
    if section.flag_if_any("complementary").is_some_and(|found| found.value) {
        section.problem_at(
            "complementary",
            "this version of sumac cannot enforce complementary suppression",
            "leave it out, or run a version that can: a clause is never ignored",
        );
    }
    section.end(&["tails"]);
    Some(Privacy {
        budget_nano_rho: budget?,
        floor: u32::try_from(floor?.value).ok()?,
        floor_at: floor_at?.value,
        min_parties,
    })
}

/// `budget = { rho = 0.5 }`, read exactly: nine decimals of ρ are nano-ρ.
pub(super) fn budget(section: Section<'_>) -> Option<u64> {
    let rho = section.decimal("rho").map(|rho| exact(&rho.value, 9).filter(|nano| *nano > 0));
    if rho == Some(None) {
        section.problem_at("rho", "not a positive ρ of at most nine decimals", "such as 0.5");
    }
    section.end(&["epsilon", "delta"]);
    rho.flatten()
}

fn min_parties(section: Section<'_>) -> Vec<(PartyKind, u32)> {
    let entries = PartyKind::ALL.iter().filter_map(|kind| {
        let least = section.number_if_any(kind.as_str(), 1..=1_000)?.value;
        Some((*kind, u32::try_from(least).ok()?))
    });
    let entries = entries.collect();
    section.end(&[]);
    entries
}

/// The widest margin and the greatest floor that any restriction demands.
fn strictest_wins(restrictions: &[Restriction], kpis: &mut [Kpi], privacy: &mut Privacy) {
    for restriction in restrictions {
        match restriction.limit {
            Limit::Margin(margin) => {
                for kpi in kpis.iter_mut().filter(|kpi| restriction.covers(kpi)) {
                    kpi.margin = kpi.margin.max(margin);
                }
            }
            Limit::Floor(floor) => privacy.floor = privacy.floor.max(floor),
            Limit::Column { .. } | Limit::Kpi => {}
        }
    }
}

/// Version 1 begins an agreement; every later one names what it replaces.
fn replaces_a_version(root: &Section<'_>, version: i64) {
    let named = root.item("replaces").is_some();
    if version > 1 && !named {
        root.problem_at(
            "version",
            format_args!("version {version} does not say which version it replaces"),
            "add replaces = \"sha256:…\", the hash that `sumac mou verify` prints for that version",
        );
    }
    if version == 1 && named {
        root.problem_at(
            "replaces",
            "version 1 replaces nothing",
            "leave it out, or raise `version`",
        );
    }
}
