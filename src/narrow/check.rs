//! `sumac narrow check`: what an addendum takes away, in words.

use std::fmt::Write;

use sumac_policy::{Mou, Narrow, Problems, Severity};

use crate::agreement::{MouFolder, in_file};
use crate::home::{HomeArgs, read_bounded};
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::answer;

/// Longest addendum read, in bytes: what a node reads.
const MAX_FILE: u64 = 64 << 10;

/// Say in words what narrow.toml takes away
///
/// Names every error with its line, warns of what has no effect because it would widen, and says what this
/// party's node leaves out of the MOU. Changes nothing; a node that serves takes the file up by itself. The
/// exit code is 1 if the file cannot be used, or if it is not there.
///
/// Example: sumac narrow check --home /srv/sumac
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let mou = MouFolder::read(&home.settings()?.mou)?.mou()?;
    let file = home.narrow();
    let bytes = read_bounded(&file, MAX_FILE)
        .map_err(|error| hinted(format_args!("read `{}`: {error}", file.display()), ""))
        .hint("without it the MOU holds as it is; docs/operating.md tells how to write one")?;
    let mut text = String::new();
    let outcome = match Narrow::read(&bytes, &mou) {
        Ok(narrow) => {
            for warning in narrow.warnings() {
                let _ = writeln!(text, "warning: {}", in_file(&file, warning));
            }
            text.push_str(&takes_away(&narrow, &mou));
            Outcome::Done
        }
        Err(Problems(problems)) => {
            for problem in problems.iter().filter(|found| found.severity == Severity::Error) {
                let _ = writeln!(text, "error: {}", in_file(&file, problem));
            }
            text.push_str("A node with this file refuses every question until it is corrected.\n");
            Outcome::Failed
        }
    };
    answer(&text)?;
    Ok(outcome)
}

fn takes_away(narrow: &Narrow, mou: &Mou) -> String {
    let words = narrow.in_words(mou);
    if words.is_empty() {
        return "It takes nothing away: the MOU holds as it is.\n".to_owned();
    }
    let mut text =
        format!("Of {}, version {}, this party's node leaves out:\n", mou.title(), mou.version());
    for words in words {
        let _ = writeln!(text, "- {words}");
    }
    text
}
