//! How large the coalition's groups are, roughly, as the author of an MOU says it on the command line.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_policy::{DimensionId, KpiId, Mou};
use sumac_privacy::sizes::{Amount, SizeRow, Sizes};

use crate::home::read_bounded;
use crate::outcome::{Hint, hinted};

/// Longest table of sizes read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The columns of a table of sizes.
const COLUMNS: [&str; 5] = ["kpi", "dimension", "code", "learners", "outcome_share"];

/// What the author knows of sizes. A guess is enough: it changes a forecast, never a price.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SizesArgs {
    /// Group sizes: a CSV file with dimension, code and learners, and perhaps kpi and outcome_share
    ///
    /// One line for each group of the whole coalition in one period. `learners` is a number, or a share of the
    /// total such as `12 %`; a line without dimension and code is the total. A line without kpi holds for every
    /// KPI that has none of its own. `outcome_share` is the share of a rate's first outcome, such as 0.38.
    #[arg(long, value_name = "FILE")]
    sizes: Option<PathBuf>,

    /// Learners of each KPI in one period, where no file says it; spread evenly over codes and nodes
    #[arg(long, value_name = "N")]
    learners: Option<u64>,
}

impl SizesArgs {
    /// The sizes; none if nothing is said.
    pub(super) fn read(&self, mou: &Mou) -> anyhow::Result<Option<Sizes>> {
        let rows = match &self.sizes {
            Some(file) => rows(file, mou)?,
            None if self.learners.is_none() => return Ok(None),
            None => Vec::new(),
        };
        Ok(Some(Sizes::new(rows, self.learners)))
    }
}

fn rows(file: &Path, mou: &Mou) -> anyhow::Result<Vec<SizeRow>> {
    let bytes = read_bounded(file, MAX_FILE)
        .with_context(|| format!("read the sizes `{}`", file.display()))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let header = reader.headers().with_context(|| format!("read `{}`", file.display()))?.clone();
    let hint = format!("its first line names the columns, of {}", COLUMNS.join(", "));
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
        let what = format!("`{}` has a column `{unknown}`", file.display());
        return Err(hinted(what, hint));
    }
    let place = |name: &str| header.iter().position(|column| column == name);
    let [kpi, dimension, code, learners, outcome_share] = COLUMNS.map(place);
    if learners.is_none() {
        return Err(hinted(format!("`{}` has no column `learners`", file.display()), hint));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("read `{}`", file.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = |place: Option<usize>| {
            place.and_then(|place| record.get(place)).filter(|text| !text.is_empty())
        };
        let row = Text {
            kpi: at(kpi),
            dimension: at(dimension),
            code: at(code),
            learners: at(learners),
            outcome_share: at(outcome_share),
        };
        let row = row.read().and_then(|row| {
            row.fits(mou)?;
            Ok(row)
        });
        let row = row
            .with_context(|| format!("read `{}`, line {line}", file.display()))
            .hint("such as `,sex,F,1200,0.4`, or `,,,2000,` for the total")?;
        rows.push(row);
    }
    Ok(rows)
}

/// One line as written.
struct Text<'a> {
    kpi: Option<&'a str>,
    dimension: Option<&'a str>,
    code: Option<&'a str>,
    learners: Option<&'a str>,
    outcome_share: Option<&'a str>,
}

impl Text<'_> {
    fn read(&self) -> anyhow::Result<SizeRow> {
        let group = match (self.dimension, self.code) {
            (Some(dimension), Some(code)) => {
                Some((dimension.parse::<DimensionId>()?, code.to_owned()))
            }
            (None, None) => None,
            _ => anyhow::bail!("a group has both a dimension and a code, the total has neither"),
        };
        let amount = self.learners.context("`learners` is empty")?;
        let amount = match amount.strip_suffix('%') {
            Some(_) => Amount::Share(share(amount)?),
            None => Amount::Learners(
                amount
                    .parse()
                    .with_context(|| format!("read `{amount}` as a number of learners"))?,
            ),
        };
        Ok(SizeRow {
            kpi: self.kpi.map(str::parse::<KpiId>).transpose()?,
            group,
            amount,
            outcome_share: self.outcome_share.map(share).transpose()?,
        })
    }
}

/// `0.38`, or `38 %`.
fn share(text: &str) -> anyhow::Result<f64> {
    let read = |text: &str| {
        text.trim().parse::<f64>().with_context(|| format!("read `{text}` as a share"))
    };
    text.strip_suffix('%').map_or_else(|| read(text), |percent| Ok(read(percent)? / 100.0))
}
