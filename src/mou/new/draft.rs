//! From answers to a file: margins that fit, then the text, checked before anybody sees it.

use std::fmt::Write;

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::Date;
use sumac_policy::{KpiId, Margin, Mou, PartyKind, Problems, Sha256, TableName, standard};
use sumac_privacy::budget::lint;
use sumac_privacy::{guard, margin_of_group, variance_of_sum};

use super::answers::{Answers, answered_by};
use super::party::NewParty;
use crate::outcome::hinted;

/// The floor of most states.
const FLOOR: u32 = 10;
/// A pilot's yearly budget: the best guess about a learner stays under 60 %.
const BUDGET: &str = "0.1";
/// Margins to choose from, in learners; wider ones only where the budget holds no narrower.
const MARGINS: [u32; 12] = [5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200];
/// As many of a kind as there are, up to this, have to be behind a number.
const BEHIND_A_NUMBER: usize = 3;

/// A file to write, and what to say about it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) notes: Vec<String>,
}

/// One KPI of the file.
struct Chosen {
    id: String,
    uses: String,
    title: String,
    kind: PartyKind,
    by: String,
    margin: u32,
    outcomes: u32,
    parties: usize,
}

impl Draft {
    /// The file that these answers make.
    pub(super) fn of(answers: &Answers) -> anyhow::Result<Self> {
        let mut kpis = chosen(answers)?;
        let mut notes = Vec::new();
        while !lint(&sound(&text(answers, &kpis, true)?)?).is_empty() {
            let wider = |margin: u32| MARGINS.into_iter().find(|wider| *wider > margin);
            for kpi in &mut kpis {
                kpi.margin = wider(kpi.margin).with_context(|| {
                    format!("find margins that a yearly budget of ρ = {BUDGET} holds")
                })?;
            }
        }
        for kpi in &kpis {
            let (size, margin) = (answers.group_size, kpi.margin);
            let (from, off) = (shown_from(kpi, margin), margin_of_size(kpi, margin));
            if from > u64::from(size) || off > precise_enough(size) {
                notes.push(format!(
                    "In `{}`, groups of {size} are small: at ±{margin}, the narrowest margin that fits the \
                     budget, their size is known to within {off} learners, and groups of a noisy size of \
                     {from} or more are shown.",
                    kpi.id
                ));
            }
        }
        Ok(Self { text: text(answers, &kpis, false)?, notes })
    }
}

/// The agreement, which a template and sound answers make; what is wrong with it is an answer's fault.
fn sound(text: &str) -> anyhow::Result<Mou> {
    Mou::read(text.as_bytes()).map_err(|Problems(problems)| {
        let lines = problems.iter().map(|problem| {
            let hint = if problem.hint.is_empty() {
                String::new()
            } else {
                format!(" ({})", problem.hint)
            };
            format!("{}: {}{hint}", problem.place, problem.message)
        });
        let lines: Vec<_> = lines.collect();
        hinted(
            format_args!("no agreement follows from these answers:\n{}", lines.join("\n")),
            "nothing was written; change what is named above",
        )
    })
}

fn chosen(answers: &Answers) -> anyhow::Result<Vec<Chosen>> {
    let of = |uses: &sumac_policy::StandardId| {
        let kpi = standard().kpis.iter().find(|kpi| kpi.id == *uses);
        let kpi = kpi.with_context(|| format!("find `{uses}` in the catalogue"))?;
        let kind = answered_by(kpi.definition.of);
        let usual = match kpi.definition.of {
            TableName::Employment => "credential_type",
            TableName::Support => "service_code",
            _ => "sex",
        };
        let mut chosen = Chosen {
            id: id(uses),
            uses: uses.to_string(),
            title: kpi.title.clone(),
            kind,
            by: answers.by.as_ref().map_or_else(|| usual.to_owned(), ToString::to_string),
            margin: 0,
            outcomes: u32::try_from(kpi.definition.outcomes.len())?,
            parties: answers.parties.iter().filter(|party| party.kind == kind).count(),
        };
        // The widest, and so the cheapest, at which a group of that size is shown and known well enough.
        let size = answers.group_size;
        let serves = |margin: &u32| {
            shown_from(&chosen, *margin) <= u64::from(size)
                && margin_of_size(&chosen, *margin) <= precise_enough(size)
        };
        chosen.margin = MARGINS.into_iter().rfind(serves).unwrap_or(5);
        Ok(chosen)
    };
    answers.kpis.iter().map(of).collect()
}

/// What the agreement calls a standard KPI: its name without the standard's, unless that begins with a digit.
fn id(uses: &sumac_policy::StandardId) -> String {
    match uses.as_str().split_once('/') {
        Some((_, name)) if name.parse::<KpiId>().is_ok() => name.to_owned(),
        _ => uses.as_str().replace('/', "_"),
    }
}

/// How far off a group's size may be, to say something about it: a tenth of it. In learners.
fn precise_enough(group_size: u32) -> u64 {
    u64::from(group_size / 10)
}

/// The margin of a group's size, with everybody answering. In learners.
fn margin_of_size(kpi: &Chosen, margin: u32) -> u64 {
    margin_of_group(everybody(kpi, margin), kpi.outcomes)
}

/// The smallest noisy size that is shown, with everybody answering.
fn shown_from(kpi: &Chosen, margin: u32) -> u64 {
    u64::from(FLOOR) + guard(variance_of_sum(everybody(kpi, margin)) * f64::from(kpi.outcomes))
}

fn everybody(kpi: &Chosen, margin: u32) -> impl Iterator<Item = Margin> {
    Margin::new(margin).into_iter().cycle().take(kpi.parties)
}

/// The file. With `stand_ins`, roots that are not known yet have made-up fingerprints, so that it can be checked.
fn text(answers: &Answers, kpis: &[Chosen], stand_ins: bool) -> anyhow::Result<String> {
    let mut text = String::new();
    head(&mut text, answers)?;
    for party in &answers.parties {
        of_party(&mut text, answers, party, stand_ins)?;
    }
    roles(&mut text, answers);
    privacy(&mut text, answers, kpis);
    for kpi in kpis {
        of_kpi(&mut text, kpi);
    }
    tail(&mut text, answers, kpis)?;
    Ok(text)
}

fn head(text: &mut String, answers: &Answers) -> anyhow::Result<()> {
    let Answers { title, id, effective, purposes, year_starts, first_period, .. } = answers;
    let purposes: Vec<_> =
        purposes.iter().map(|purpose| format!("{:?}", purpose.as_str())).collect();
    write!(
        text,
        r#"# A first agreement, small on purpose: read it with counsel, change what does not fit, then
# `sumac mou check`, `sumac mou explain`, and every party signs. What is not listed here is refused.
format    = "sumac-mou/1"
id        = "{id}"
title     = {title}
version   = 1
catalogue = "{catalogue}"   # pins every standard definition and code list used below
effective = {effective}
expires   = {expires}                                # a year: extend it, amended by what the pilot taught

[agreement]
purposes   = [{purposes}]                       # every question names one of these
prohibited = ["re-identification", "decisions about individuals", "marketing", "law enforcement"]
# legal    = ["…"]                                    # counsel: the authority on which the parties act
# document = "sha256:…"                               # of the signed PDF that this file restates

[calendar]
year_starts  = "{year_starts}"                               # reporting years, and the years of budgets
first_period = "{first_period}"                             # nothing earlier may be asked
wait_days    = 21                                    # days from a period's end until it may be asked
"#,
        title = quoted(title)?,
        catalogue = standard().hash,
        expires = later(*effective, 12)?,
        purposes = purposes.join(", "),
    )?;
    Ok(())
}

fn of_party(
    text: &mut String,
    answers: &Answers,
    party: &NewParty,
    stand_ins: bool,
) -> anyhow::Result<()> {
    let NewParty { id, kind, name, address, contacts } = party;
    let contacts =
        contacts.iter().map(|contact| quoted(contact)).collect::<anyhow::Result<Vec<_>>>()?;
    let root = match answers.root(id) {
        Some(root) => root.to_string(),
        None if stand_ins => Sha256::of(id.as_str().as_bytes()).to_string(),
        None => "TODO".to_owned(),
    };
    write!(
        text,
        "\n[[party]]\nid       = \"{id}\"\nname     = {name}\nkind     = \"{kind}\"\nroot     = \"{root}\"",
        name = quoted(name)?
    )?;
    text.push_str(match root.as_str() {
        "TODO" => "   # `sumac init` prints it at that party; compare it by telephone\n",
        _ => "\n",
    });
    if let Some(address) = address {
        writeln!(text, "address  = {}", quoted(address)?)?;
    }
    writeln!(text, "contacts = [{}]", contacts.join(", "))?;
    Ok(())
}

fn roles(text: &mut String, answers: &Answers) {
    text.push_str("\n[roles]                                              # who holds each role, and what it may do\n");
    for (place, asker) in answers.askers.iter().enumerate() {
        let name = if place == 0 { "asker".to_owned() } else { format!("asker_{}", place + 1) };
        let _ = writeln!(
            text,
            "{name:<12} = {{ party = \"{asker}\", may = [\"ask\", \"read\", \"publish\"] }}"
        );
    }
    text.push_str(
        "# With \"read\", a party that answers could take its own number from a sum and see what the others' add up to.\n\
         guiding_team = { party = \"every-party\", may = [\"propose\"] }\n",
    );
}

fn privacy(text: &mut String, answers: &Answers, kpis: &[Chosen]) {
    let mut kinds: Vec<_> = kpis.iter().map(|kpi| kpi.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let there = |kind: PartyKind| answers.parties.iter().filter(|party| party.kind == kind).count();
    let alone = kinds.iter().any(|kind| there(*kind) == 1);
    let least: Vec<_> = kinds
        .iter()
        .map(|kind| format!("{kind} = {}", there(*kind).min(BEHIND_A_NUMBER)))
        .collect();
    let _ = writeln!(
        text,
        "\n[privacy]                                            # protects one learner, at one node\n\
         budget      = {{ rho = {BUDGET} }}                          # a year, at each node; small, so that a pilot risks little\n\
         floor       = {FLOOR}                                     # smaller groups are withheld\n\
         floor_at    = \"coalition\"                            # judged on the coalition's noisy sum"
    );
    let _ = writeln!(
        text,
        "min_parties = {{ {} }}                        # fewest behind one published number{}",
        least.join(", "),
        if alone { "; 1: its number is its own, and it is content" } else { "" },
    );
}

fn of_kpi(text: &mut String, kpi: &Chosen) {
    let Chosen { id, uses, title, kind, by, margin, .. } = kpi;
    let _ = write!(
        text,
        r#"
[[kpi]]                                              # {title}
id          = "{id}"
uses        = "{uses}"
answered_by = ["{kind}"]
by          = [[], ["{by}"]]                         # [] is the total; each listed table costs its price
period      = "{period}"
margin      = {margin}                                     # each count, per cell and node, within ±{margin} learners, 95 % of the time;
                                                     # with all parties answering, groups of {from} or more are shown
"#,
        period = if uses == "coalition/hires_of_completers" { "quarter" } else { "year" },
        from = shown_from(kpi, *margin),
    );
}

fn tail(text: &mut String, answers: &Answers, kpis: &[Chosen]) -> anyhow::Result<()> {
    let kinds: Vec<_> = kpis.iter().map(|kpi| kpi.kind).collect();
    let piloting = answers.parties.iter().filter(|party| kinds.contains(&party.kind));
    let piloting: Vec<_> = piloting.map(|party| format!("\"{}\"", party.id)).collect();
    let first = kpis.first().map(|kpi| format!("\"{}\"", kpi.id)).unwrap_or_default();
    let everyone: Vec<_> =
        answers.parties.iter().map(|party| format!("\"{}\"", party.id)).collect();
    write!(
        text,
        r#"
[[restrict]]                                         # restrictions only ever narrow what is above
because   = "Pell status comes from FAFSA records"
dimension = "pell"
refuse    = true

[pilot]                                              # until then, only these answer, and only this
until   = {until}
parties = [{piloting}]
kpis    = [{first}]

[after]
keep_releases_days = 1095                            # then answers are deleted, and stay paid for
on_exit            = "delete within 45 days"         # what a party that leaves does
breach_notice      = {{ hours = 72, to = [{everyone}] }}

[amendment]
rule             = "consensus"                       # a new version needs every party's signature
comment_days     = 30
exit_notice_days = 30
"#,
        until = later(answers.effective, 6)?,
        piloting = piloting.join(", "),
        everyone = everyone.join(", "),
    )?;
    Ok(())
}

/// The last day of so many months that begin on a day.
fn later(day: Date, months: i32) -> anyhow::Result<Date> {
    let next = day.checked_add(months.months()).context("date the agreement")?;
    next.yesterday().context("date the agreement")
}

/// A text of people's in quotes; JSON's escapes are TOML's, too.
fn quoted(text: &str) -> anyhow::Result<String> {
    serde_json::to_string(text).context("quote an answer")
}
