//! Everything a first agreement needs to know, from flags, from what is typed, or by default.

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::Date;
use sumac_keys::RootCertificate;
use sumac_node::day_of;
use sumac_policy::{
    DimensionId, PartyId, PartyKind, Purpose, Sha256, StandardId, TableName, Year, YearStart,
    standard,
};

use super::Args;
use super::party::{GivenRoot, NewParty, RootSource, address, contacts, plain};
use super::prompt::Prompt;
use crate::home::read_bounded;
use crate::outcome::{Hint, hinted};
use crate::world;

/// Start small.
const MOST_KPIS: usize = 2;
/// Longest certificate read, in bytes.
const MAX_PEM: u64 = 1 << 20;

/// A party's fingerprint, and its certificate where that was given.
type KnownRoot = (PartyId, Sha256, Option<Vec<u8>>);

/// The answers, each sound by itself.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) title: String,
    pub(super) id: PartyId,
    pub(super) parties: Vec<NewParty>,
    roots: Vec<KnownRoot>,
    pub(super) askers: Vec<PartyId>,
    pub(super) kpis: Vec<StandardId>,
    pub(super) by: Option<DimensionId>,
    pub(super) purposes: Vec<Purpose>,
    pub(super) year_starts: YearStart,
    pub(super) first_period: Year,
    pub(super) effective: Date,
    pub(super) group_size: u32,
}

impl Answers {
    /// Takes what flags say and asks for the rest.
    pub(super) fn gather(args: Args) -> anyhow::Result<Self> {
        let prompt = Prompt::new(args.yes);
        let given =
            args.title.map(|title| plain(&title)).transpose().map_err(anyhow::Error::msg)?;
        let title = prompt.or_ask(given, "--title", "The coalition's name", None, plain)?;
        let slug = slug(&title);
        let id = prompt.or_ask(
            args.id,
            "--id",
            "Its short name, for files and logs",
            slug.as_deref(),
            read,
        )?;

        let mut given_roots = args.roots;
        let parties = parties(&prompt, args.parties, &mut given_roots)?;
        let roots = roots(&parties, given_roots)?;
        let askers = askers(&prompt, args.askers, &parties)?;
        let kpis = kpis(&prompt, args.kpis, &parties)?;

        let year_starts = prompt.or_ask(
            args.year_starts,
            "--year-starts",
            "Month and day on which reporting years start",
            Some("07-01"),
            read,
        )?;
        let today = day_of(world::now());
        let effective = match args.effective {
            Some(day) => day,
            None => {
                let first = today.first_of_month().checked_add(1.month());
                first.context("find the first of next month")?
            }
        };
        let last = year_starts.year_of(effective).minus(1).to_string();
        let question = "The first year that may be asked about";
        let first_period =
            prompt.or_ask(args.first_period, "--first-period", question, Some(&last), read)?;
        let by = match args.by {
            Some(by) => Some(by),
            None if prompt.asks() => prompt.or_ask(
                None,
                "--by",
                "One breakdown beside the total: sex, race_ethnicity, age_band, …; empty for the usual one",
                Some(""),
                |text| if text.is_empty() { Ok(None) } else { read(text).map(Some) },
            )?,
            None => None,
        };
        let group_size = prompt.or_ask(
            args.group_size,
            "--group-size",
            "How many learners the smallest group has that reports should show",
            Some("100"),
            read,
        )?;
        let mut purposes = args.purposes;
        if purposes.is_empty() {
            let question = "What the numbers are for, as one word";
            purposes.push(prompt.or_ask(
                None,
                "--purpose",
                question,
                Some("pilot-report"),
                read,
            )?);
        }
        Ok(Self {
            title,
            id,
            parties,
            roots,
            askers,
            kpis,
            by,
            purposes,
            year_starts,
            first_period,
            effective,
            group_size,
        })
    }

    /// A party's fingerprint, if it is known.
    pub(super) fn root(&self, party: &PartyId) -> Option<Sha256> {
        self.roots.iter().find(|(known, ..)| known == party).map(|(_, root, _)| *root)
    }

    /// The certificates that were given as files.
    pub(super) fn root_files(&self) -> impl Iterator<Item = (&PartyId, &[u8])> {
        self.roots.iter().filter_map(|(party, _, pem)| Some((party, pem.as_deref()?)))
    }

    /// The parties whose root is not known yet.
    pub(super) fn parties_without_root(&self) -> impl Iterator<Item = &PartyId> {
        self.parties.iter().map(|party| &party.id).filter(|id| self.root(id).is_none())
    }
}

/// A word with a meaning of its own.
fn read<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| format!("`{text}`: {error}"))
}

/// `Lakeshore pilot` as `lakeshore-pilot`.
fn slug(title: &str) -> Option<String> {
    let words: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let slug = words.join("-");
    slug.parse::<PartyId>().ok().map(|id| id.to_string())
}

fn parties(
    prompt: &Prompt,
    given: Vec<NewParty>,
    roots: &mut Vec<GivenRoot>,
) -> anyhow::Result<Vec<NewParty>> {
    let mut parties = given;
    if parties.is_empty() && prompt.asks() {
        while let Some((party, root)) = ask_party(prompt, &parties)? {
            roots.extend(root.map(|root| GivenRoot { party: party.id.clone(), root }));
            parties.push(party);
        }
    }
    for (place, party) in parties.iter().enumerate() {
        if parties.iter().take(place).any(|earlier| earlier.id == party.id) {
            return Err(hinted(
                format_args!("`{}` is named twice", party.id),
                "name each party once",
            ));
        }
        let answers = party.kind != PartyKind::Backbone;
        if answers && party.address.is_none() {
            return Err(hinted(
                format_args!("`{}` is a {}, and has no address", party.id, party.kind),
                "say where its node will listen, such as node.college.example:7443",
            ));
        }
    }
    if parties.len() < 2 {
        return Err(hinted(
            "an agreement has two parties at least",
            "name each with --party id:kind:name:host:port:contact,contact",
        ));
    }
    Ok(parties)
}

/// One party, question by question; none when an empty id ends the list.
fn ask_party(
    prompt: &Prompt,
    so_far: &[NewParty],
) -> anyhow::Result<Option<(NewParty, Option<RootSource>)>> {
    let question = match so_far.len() {
        0 | 1 => format!("Party {}: its short name, such as lakeshore-cc", so_far.len() + 1),
        more => format!("Party {}: its short name; empty if there is none", more + 1),
    };
    let ends = (so_far.len() > 1).then_some("");
    let id: Option<PartyId> = prompt.or_ask(None, "--party", &question, ends, |text| {
        if text.is_empty() && so_far.len() > 1 { Ok(None) } else { read(text).map(Some) }
    })?;
    let Some(id) = id else { return Ok(None) };
    let ask = |what: &str| format!("{id}: {what}");
    let name = prompt.or_ask(None, "--party", &ask("its full name"), None, plain)?;
    let kinds = "college, employer, provider (of services), or backbone (asks and reports)";
    let kind: PartyKind = prompt.or_ask(None, "--party", &ask(kinds), None, read)?;
    let address = match kind {
        PartyKind::Backbone => None,
        _ => prompt.or_ask(
            None,
            "--party",
            &ask("where its node will listen, host:port"),
            None,
            |text| {
                address(text)?
                    .ok_or_else(|| "a party that answers needs host:port".to_owned())
                    .map(Some)
            },
        )?,
    };
    let two = "two contacts, with a comma between";
    let contacts = prompt.or_ask(None, "--party", &ask(two), None, contacts)?;
    let where_from =
        "its root.pem, or the fingerprint that `sumac init` printed; empty if not known yet";
    let root = prompt.or_ask(None, "--root", &ask(where_from), Some(""), |text| {
        if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
    })?;
    Ok(Some((NewParty { id, kind, name, address, contacts }, root)))
}

fn roots(parties: &[NewParty], given: Vec<GivenRoot>) -> anyhow::Result<Vec<KnownRoot>> {
    let mut roots: Vec<KnownRoot> = Vec::new();
    for GivenRoot { party, root } in given {
        if !parties.iter().any(|known| known.id == party) {
            return Err(hinted(
                format_args!("--root names `{party}`, which is not a party"),
                "name a party given with --party",
            ));
        }
        let (fingerprint, pem) = match root {
            RootSource::Fingerprint(fingerprint) => (fingerprint, None),
            RootSource::File(path) => {
                let pem = read_bounded(&path, MAX_PEM)
                    .with_context(|| format!("read the root of `{party}`, `{}`", path.display()))
                    .hint(format_args!(
                        "ask `{party}` for its root.pem, or leave it out for now"
                    ))?;
                let root = RootCertificate::read(&pem)
                    .with_context(|| format!("read the root of `{party}`, `{}`", path.display()))?;
                (root.fingerprint(), Some(pem))
            }
        };
        if roots.iter().any(|(known, known_root, _)| *known == party || *known_root == fingerprint)
        {
            return Err(hinted(
                format_args!("the root of `{party}` is given twice, or is another party's"),
                "each party has one root, and its own",
            ));
        }
        roots.push((party, fingerprint, pem));
    }
    Ok(roots)
}

fn askers(
    prompt: &Prompt,
    given: Vec<PartyId>,
    parties: &[NewParty],
) -> anyhow::Result<Vec<PartyId>> {
    let backbones = parties.iter().filter(|party| party.kind == PartyKind::Backbone);
    let backbones: Vec<_> = backbones.map(|party| party.id.to_string()).collect();
    let default = (!backbones.is_empty()).then(|| backbones.join(","));
    let list =
        |text: &str| text.split(',').map(|id| read(id.trim())).collect::<Result<Vec<_>, _>>();
    let given = (!given.is_empty()).then_some(given);
    let askers: Vec<PartyId> =
        prompt.or_ask(given, "--asks", "Which party asks", default.as_deref(), list)?;
    if let Some(stranger) = askers.iter().find(|id| !parties.iter().any(|party| party.id == **id)) {
        return Err(hinted(
            format_args!("`{stranger}` is to ask, and is not a party"),
            "name a party given with --party",
        ));
    }
    Ok(askers)
}

fn kpis(
    prompt: &Prompt,
    given: Vec<StandardId>,
    parties: &[NewParty],
) -> anyhow::Result<Vec<StandardId>> {
    let there = |kind| parties.iter().any(|party| party.kind == kind);
    let fitting = standard().kpis.iter().filter(|kpi| there(answered_by(kpi.definition.of)));
    let fitting: Vec<_> = fitting.map(|kpi| kpi.id.to_string()).collect();
    // Completers, where there are colleges: one count, and the one that colleges report already.
    let usual = ["ipeds/completers", "coalition/hires_of_completers"];
    let default = usual.into_iter().find(|usual| fitting.iter().any(|id| id == usual));
    let list = |text: &str| {
        let kpis: Vec<StandardId> =
            text.split(',').map(|id| read(id.trim())).collect::<Result<_, _>>()?;
        judged(&kpis, &fitting).map(|()| kpis)
    };
    if !given.is_empty() {
        judged(&given, &fitting)
            .map_err(|error| hinted(error, "start small; more KPIs come by amendment"))?;
        return Ok(given);
    }
    let question = format!("Which one or two KPIs, of {}", fitting.join(", "));
    prompt.or_ask(None, "--kpi", &question, default, list)
}

fn judged(kpis: &[StandardId], fitting: &[String]) -> Result<(), String> {
    if kpis.is_empty() || kpis.len() > MOST_KPIS {
        return Err(format!("a pilot has one or two KPIs, not {}", kpis.len()));
    }
    if kpis.first() == kpis.get(1) {
        return Err("one KPI is named twice".to_owned());
    }
    match kpis.iter().find(|kpi| !fitting.iter().any(|id| id == kpi.as_str())) {
        Some(kpi) => Err(format!(
            "no party here can answer `{kpi}`: the catalogue has, for these parties, {}",
            fitting.join(", ")
        )),
        None => Ok(()),
    }
}

/// Which kind of party holds a table's records.
pub(super) fn answered_by(table: TableName) -> PartyKind {
    match table {
        TableName::Employment => PartyKind::Employer,
        TableName::Support => PartyKind::Provider,
        TableName::Learner | TableName::Enrolment | TableName::Award | TableName::Outcome => {
            PartyKind::College
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_made_of_a_title() {
        for (title, expected) in [
            ("Lakeshore Credential Coalition", Some("lakeshore-credential-coalition")),
            ("St. Mary's — pilot", Some("st-mary-s-pilot")),
            ("2030", None),
            ("—", None),
        ] {
            assert_eq!(slug(title).as_deref(), expected);
        }
    }
}
