//! `sumac mou check`: everything there is to say about an agreement before anyone signs it.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use sumac_policy::{Mou, Problem, Problems, Severity};
use sumac_privacy::budget::{lint, year_prices};
use sumac_privacy::forecast::{forecast, mostly_withheld};

use crate::agreement::{MouFolder, in_file};
use crate::mou::budget::years;
use crate::mou::sizes::SizesArgs;
use crate::outcome::Outcome;
use crate::terminal::{Format, answer, answer_json};

/// Check an MOU: its words, its dates, its budget
///
/// Names every error with its line and what to do, warns of what is legal but unwise, then says what the calendar
/// costs each kind of party in each year; `sumac mou budget` shows that day by day. Say how large the coalition
/// is, with --sizes or --learners, and it also warns of breakdowns most of whose groups will be withheld. Asks
/// nobody and spends nothing; works before there are roots or signatures. The exit code is 1 if there is an error.
///
/// Example: sumac mou check ./mou --learners 3000
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    sizes: SizesArgs,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let Examined { mou, mut problems } = examine(&folder);
    let sizes = mou.as_ref().map(|mou| args.sizes.read(mou)).transpose()?.flatten();
    if let (Some(mou), Some(sizes)) = (&mou, &sizes) {
        problems.extend(mostly_withheld(&forecast(mou, sizes)));
        problems.sort_by_key(|problem| problem.line);
    }
    let errors = problems.iter().filter(|found| found.severity == Severity::Error).count();
    match args.format {
        Format::Text => {
            answer(&words(&folder, mou.as_ref(), &problems, errors, sizes.is_some()))?;
        }
        Format::Json => answer_json(&machine(mou.as_ref(), &problems, errors, sizes.is_some()))?,
    }
    Ok(if errors == 0 { Outcome::Done } else { Outcome::Failed })
}

/// An agreement as far as it could be read, and everything found.
pub(super) struct Examined {
    pub(super) mou: Option<Mou>,
    pub(super) problems: Vec<Problem>,
}

/// Reads an agreement and looks at its budget, too.
pub(super) fn examine(folder: &MouFolder) -> Examined {
    let (mou, mut problems) = match Mou::examine(folder.bytes()) {
        Ok(examined) => examined,
        Err(Problems(problems)) => (None, problems),
    };
    if let Some(mou) = &mou {
        problems.extend(lint(mou));
    }
    problems.sort_by_key(|problem| problem.line);
    Examined { mou, problems }
}

fn words(
    folder: &MouFolder,
    mou: Option<&Mou>,
    problems: &[Problem],
    errors: usize,
    sized: bool,
) -> String {
    let mut text = String::new();
    for (word, severity) in [("error", Severity::Error), ("warning", Severity::Warning)] {
        for problem in problems.iter().filter(|found| found.severity == severity) {
            let _ = writeln!(text, "{word}: {}", in_file(&folder.file(), problem));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    if let Some(mou) = mou {
        let (title, version) = (mou.title(), mou.version());
        let _ = writeln!(text, "{title}, version {version}\n{}", mou.hash());
        let _ = writeln!(text, "In force from {} to {}.\n", mou.effective(), mou.expires());
        text.push_str(&years(mou, &year_prices(mou)));
        text.push_str("\n`sumac mou budget` shows the calendar day by day.\n");
        if !sized {
            text.push_str(
                "Not looked at: whether most of a breakdown will be withheld. Say how large the coalition is with \
                 --learners N or --sizes FILE.\n",
            );
        }
        text.push('\n');
    }
    let _ = match errors {
        0 => writeln!(text, "No errors: every clause is one that this version enforces."),
        1 => writeln!(text, "1 error: no node would act on this MOU."),
        count => writeln!(text, "{count} errors: no node would act on this MOU."),
    };
    text
}

fn machine(mou: Option<&Mou>, problems: &[Problem], errors: usize, sized: bool) -> Value {
    let problem = |found: &Problem| {
        json!({
            "severity": match found.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "line": found.line,
            "place": found.place,
            "message": found.message,
            "hint": found.hint,
        })
    };
    json!({
        "mou": mou.map(|mou| mou.hash().to_string()),
        "errors": errors,
        "warnings": problems.len() - errors,
        "withholding_looked_at": sized,
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
    })
}
