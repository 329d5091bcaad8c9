//! `mou.toml`: the whole agreement.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::sync::Arc;

use jiff::civil::Date;

use crate::digest::Sha256;
use crate::mou::{
    Calendar, Capability, FloorAt, Kpi, Mou, Party, PartyKind, Privacy, Restriction, Role, Terms,
};
use crate::names::{DimensionId, PartyId, Purpose};
use crate::nearest::nearest;
use crate::period::{Year, YearStart};
use crate::problem::{Problem, Problems, Severity};
use crate::read::dimension::declared_dimension;
use crate::read::kpi::{Known, kpi};
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
    if version.as_ref().is_some_and(|version| version.value > 1) {
        root.problem_at(
            "version",
            "this version of sumac cannot enforce amendments",
            "it enforces version 1",
        );
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
    root.end(&["replaces", "pilot", "after", "amendment", "data", "audit", "publish"]);

    let kpis: Option<Vec<Kpi>> = kpis.into_iter().collect();
    let parties: Option<Vec<_>> = parties.into_iter().collect();
    let restrictions: Option<Vec<_>> = restrictions.into_iter().collect();
    Some(Mou {
        hash,
        id: id?.value.as_str().to_owned(),
        title: title?.value.to_owned(),
        version: u32::try_from(version?.value).ok()?,
        effective: effective?,
        expires: expires?,
        agreement: terms?,
        calendar: calendar?,
        parties: parties?,
        roles: roles?,
        privacy: privacy?,
        kpis: kpis?.into_iter().map(Arc::new).collect(),
        dimensions,
        restrictions: restrictions?,
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
    // The signed document it restates: carried and shown, nothing to enforce.
    section.word_if_any::<Sha256>("document");
    if purposes.as_ref().is_some_and(Vec::is_empty) {
        section.problem_at("purposes", "no purpose is listed", "every question names one");
    }
    section.end(&[]);
    let purposes = purposes?.into_iter().map(|found| found.value).collect();
    Some(Terms { purposes, legal, prohibited })
}

fn calendar(section: Section<'_>) -> Option<Calendar> {
    let year_starts = section.word::<YearStart>("year_starts");
    let first_period = section.word::<Year>("first_period");
    let wait_days = section.number("wait_days", 0..=3_650);
    section.end(&[]);
    let (year_starts, first_period) = (year_starts?.value, first_period?.value);
    if !crate::period::Period::Year(first_period).fits(year_starts) {
        let written = if year_starts.is_new_year() { "2025" } else { "2025-26" };
        section.problem_at(
            "first_period",
            format_args!("years that start on {year_starts} are written like {written}"),
            "write the first year that may be asked about",
        );
        return None;
    }
    Some(Calendar { year_starts, first_period, wait_days: u16::try_from(wait_days?.value).ok()? })
}

fn party(section: Section<'_>) -> Option<Party> {
    let id = section.word::<PartyId>("id");
    let name = section.text("name");
    let kind = section.word::<PartyKind>("kind");
    let root = section.word::<Sha256>("root");
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
        root: root?.value,
        address: address.map(|found| found.value.to_owned()),
        contacts: contacts?.into_iter().map(|found| found.value).collect(),
    })
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
fn budget(section: Section<'_>) -> Option<u64> {
    let rho = section.decimal("rho").map(|rho| nano(&rho.value).filter(|nano| *nano > 0));
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

fn restriction(section: Section<'_>, known: &Known<'_>) -> Option<Restriction> {
    let because = section.text("because");
    let dimension = section.word::<DimensionId>("dimension");
    let refuse = section.flag_if_any("refuse");
    if refuse.is_none_or(|refuse| !refuse.value) {
        section
            .problem("a restriction refuses", "write refuse = true, or leave the restriction out");
    }
    section.end(&["kpi", "floor", "margin"]);
    let dimension = dimension?.value;
    let column = known
        .dimensions
        .iter()
        .find(|resolved| resolved.id == dimension)
        .map(|resolved| resolved.source.column().to_owned());
    if column.is_none() {
        let ids = || known.dimensions.iter().map(|dimension| dimension.id.as_str());
        let hint = match nearest(dimension.as_str(), ids()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", ids().collect::<Vec<_>>().join(", ")),
        };
        section.problem_at("dimension", format_args!("no dimension `{dimension}`"), hint);
    }
    Some(Restriction { because: because?.value.to_owned(), dimension, column: column? })
}

/// Decimal ρ as nano-ρ, exactly.
fn nano(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 9 || !digits(whole) || !digits(decimals) {
        return None;
    }
    let nano: u64 = format!("{decimals:0<9}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nano)
}
