//! `sumac mou diff`: what an amendment changes in meaning, with a question that shows each change.

mod json;
mod words;

use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_policy::Problems;
use sumac_policy::diff::{Diff, Version};

use crate::agreement::in_file;
use crate::home::read_bounded;
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, tell};

/// Longest MOU read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Show what changes in meaning between two versions of an MOU
///
/// Says what the new version discloses that the old one does not, what it no longer discloses, and what it
/// answers on other terms; each with its clauses, and with a question that the two versions treat differently.
/// Nothing is left out, and nothing is said that no question shows: what is written differently and changes
/// nothing is listed as such. A later version of the same agreement is compared from its first day on, for
/// until then the old one stands. Neither version need be signed.
///
/// Example: sumac mou diff mou proposal --assert narrower
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The old version: its folder, or its mou.toml
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The new version: its folder, or its mou.toml
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// Exit with 3 unless this holds
    #[arg(long, value_enum, value_name = "WHAT")]
    assert: Option<Assertion>,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What is asserted of the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Assertion {
    /// It discloses nothing that the old one does not; what people keep is not judged
    Narrower,
    /// Nothing changes but wording
    Same,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (old, new) = (read(&args.old), read(&args.new));
    // Both are looked at, so that the problems of both are told.
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(error), Err(other)) => {
            tell!("error: {error:#}\n");
            return Err(other);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let diff = Diff::between(&old, &new);
    let text = match args.format {
        Format::Text => words::text(&old, &new, &diff),
        Format::Json => serde_json::to_string_pretty(&json::json(&old, &new, &diff))
            .map(|text| text + "\n")
            .context("write the changes as JSON")?,
    };
    answer(&text)?;
    let broken = match args.assert {
        None => Vec::new(),
        Some(Assertion::Narrower) => words::widening(&diff),
        Some(Assertion::Same) => words::all(&diff),
    };
    if broken.is_empty() {
        return Ok(Outcome::Done);
    }
    let asserted = if args.assert == Some(Assertion::Same) { "the same" } else { "narrower" };
    tell!("the new version is not {asserted}:");
    for sentence in broken {
        tell!("  it {sentence}");
    }
    Ok(Outcome::Refused)
}

fn read(path: &Path) -> anyhow::Result<Version> {
    let file = if path.is_dir() { path.join("mou.toml") } else { path.to_owned() };
    let bytes = read_bounded(&file, MAX_FILE)
        .with_context(|| format!("read the MOU `{}`", file.display()))
        .hint("name the folder that holds mou.toml, or the file itself")?;
    Version::read(&bytes).map_err(|Problems(problems)| {
        let lines: Vec<_> = problems.iter().map(|found| in_file(&file, found)).collect();
        hinted(
            format_args!("the MOU cannot be compared:\n{}", lines.join("\n")),
            format_args!("`sumac mou check {}` says all there is to say", path.display()),
        )
    })
}
