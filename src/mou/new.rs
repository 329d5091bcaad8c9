//! `sumac mou new`: a small agreement to start from.

mod answers;
mod draft;
mod party;
mod prompt;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use jiff::civil::Date;
use serde_json::json;
use sumac_policy::{DimensionId, PartyId, Purpose, StandardId, Year, YearStart};

use crate::home::write_public;
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, answer_json, tell};
use answers::Answers;
use draft::Draft;
use party::{GivenRoot, NewParty};

/// Write a first MOU: small, commented, ready to check
///
/// Asks a few questions, or takes flags for all of them, and writes
/// DIR/mou.toml: one or two KPIs, each as a total and by one dimension, for a
/// pilot of half a year. Margins follow from the smallest group that you want
/// to see and are widened until the year's budget holds the calendar. What is
/// written is checked first; a file that is there is never overwritten.
///
/// A party whose root is not known yet gets a line that `sumac mou check`
/// reports until its fingerprint stands there.
///
/// Example:
///   sumac mou new mou --title "Lakeshore pilot" --yes \
///     --party "lakeshore-cc:college:Lakeshore CC:node.lcc.example:7443:reg@lcc.example,it@lcc.example" \
///     --party "chamber:backbone:Chamber of Commerce::data@ch.example,dir@ch.example" \
///     --root lakeshore-cc=lcc.pem --kpi ipeds/completers --group-size 150
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder to write mou.toml into; made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The coalition's name, for people
    #[arg(long)]
    title: Option<String>,

    /// The agreement's short name [default: made of the title]
    #[arg(long, value_name = "ID")]
    id: Option<PartyId>,

    /// id:kind:name:host:port:contact,contact; no host:port for a party that only asks
    #[arg(long = "party", value_name = "PARTY")]
    parties: Vec<NewParty>,

    /// A party's root: its root.pem, or the fingerprint that `sumac init` printed
    #[arg(long = "root", value_name = "PARTY=FILE|sha256:…")]
    roots: Vec<GivenRoot>,

    /// Who asks [default: every backbone party]
    #[arg(long = "asks", value_name = "PARTY")]
    askers: Vec<PartyId>,

    /// A KPI of the standard catalogue, such as ipeds/completers; one or two
    #[arg(long = "kpi", value_name = "KPI")]
    kpis: Vec<StandardId>,

    /// The one breakdown beside the total [default: sex; credential_type of hires]
    #[arg(long, value_name = "DIMENSION")]
    by: Option<DimensionId>,

    /// What the numbers are for [default: pilot-report]
    #[arg(long = "purpose", value_name = "PURPOSE")]
    purposes: Vec<Purpose>,

    /// Month and day on which reporting years start [default: 07-01]
    #[arg(long, value_name = "MM-DD")]
    year_starts: Option<YearStart>,

    /// The first year that may be asked about [default: the last that is over]
    #[arg(long, value_name = "YEAR")]
    first_period: Option<Year>,

    /// The first day in force; it is for one year [default: the first of next month]
    #[arg(long, value_name = "DATE")]
    effective: Option<Date>,

    /// How many learners the smallest group has that reports should show [default: 100]
    #[arg(long, value_name = "LEARNERS")]
    group_size: Option<u32>,

    /// Ask nothing: take defaults for what no flag says
    #[arg(long)]
    yes: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let file = args.dir.join("mou.toml");
    if file.try_exists().with_context(|| format!("look at `{}`", file.display()))? {
        return Err(hinted(
            format_args!("`{}` is already there, and is not overwritten", file.display()),
            "name another folder, or edit that file: `sumac mou check` helps",
        ));
    }
    let (dir, format) = (args.dir.clone(), args.format);
    let answers = Answers::gather(args)?;
    let draft = Draft::of(&answers)?;

    fs::create_dir_all(dir.join("parties"))
        .with_context(|| format!("make the folder `{}`", dir.display()))
        .hint("choose a place that you may write to")?;
    for (party, pem) in answers.root_files() {
        let path = dir.join("parties").join(format!("{party}.pem"));
        write_public(&path, pem, false).with_context(|| format!("write `{}`", path.display()))?;
    }
    write_public(&file, draft.text.as_bytes(), false)
        .with_context(|| format!("write `{}`", file.display()))?;
    let unknown: Vec<_> = answers.parties_without_root().map(ToString::to_string).collect();
    if format == Format::Json {
        answer_json(&json!({
            "format": "sumac-new/1",
            "file": file.display().to_string(),
            "notes": draft.notes,
            "without_root": unknown,
        }))?;
        return Ok(Outcome::Done);
    }
    answer(&format!("{}\n", file.display()))?;
    for note in &draft.notes {
        tell!("{note}");
    }
    let unknown: Vec<_> = unknown.iter().map(|id| format!("`{id}`")).collect();
    if !unknown.is_empty() {
        tell!(
            "The roots of {} are not known yet: search the file for TODO. `sumac init` prints each \
             party's fingerprint.",
            unknown.join(", ")
        );
    }
    tell!(
        "\nNext: read it with counsel, change what does not fit, then\n  sumac mou check {0}\n  sumac mou explain {0}",
        dir.display()
    );
    Ok(Outcome::Done)
}
