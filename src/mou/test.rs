//! `sumac mou test`: whether an agreement still says what its authors meant.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};
use sumac_policy::{Case, Decided, Mou, Otherwise, Problems};

use crate::agreement::{MouFolder, in_file};
use crate::home::read_bounded;
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, answer_json};

/// Longest file of cases read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Test an MOU against the questions that its authors had in mind
///
/// Reads tests.toml beside mou.toml: questions, each with what must come of it, `answered` or `refused` for a
/// reason. Decides each of them as every node would, and names those where the MOU says otherwise, with the
/// reason and the clause. So an amendment cannot undo an intention unnoticed. Asks nobody and spends nothing.
/// The exit code is 1 if a case fails.
///
/// Example: sumac mou test ./mou
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The cases [default: DIR/tests.toml]
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mou = MouFolder::read(&args.dir)?.mou()?;
    let file = args.cases.clone().unwrap_or_else(|| args.dir.join("tests.toml"));
    let cases = read(&file)?;
    let tried: Vec<_> = cases.iter().map(|case| (case, case.run(&mou))).collect();
    match args.format {
        Format::Text => answer(&words(&file, &tried))?,
        Format::Json => answer_json(&machine(&mou, &tried))?,
    }
    let all_hold = tried.iter().all(|(_, otherwise)| otherwise.is_empty());
    Ok(if all_hold { Outcome::Done } else { Outcome::Failed })
}

fn read(file: &Path) -> anyhow::Result<Vec<Case>> {
    let bytes = read_bounded(file, MAX_FILE)
        .with_context(|| format!("read the cases `{}`", file.display()))
        .hint(
            "write them beside mou.toml; docs/mou.md shows how, and --cases names another file",
        )?;
    Case::read_all(&bytes).map_err(|Problems(problems)| {
        let lines: Vec<_> = problems.iter().map(|found| in_file(file, found)).collect();
        hinted(
            format_args!("the cases cannot be read:\n{}", lines.join("\n")),
            "docs/mou.md names every key of tests.toml",
        )
    })
}

fn words(file: &Path, tried: &[(&Case, Vec<Otherwise>)]) -> String {
    let mut text = String::new();
    for (case, otherwise) in tried {
        if otherwise.is_empty() {
            let _ = writeln!(text, "ok      {}", case.name);
            continue;
        }
        let (name, line, expect) = (&case.name, case.line, &case.expect);
        let _ =
            writeln!(text, "FAILED  {name}\n        {}:{line}: expected: {expect}", file.display());
        for Otherwise { node, instead } in otherwise {
            let _ = writeln!(text, "        but `{node}` {instead}");
        }
    }
    let failed = tried.iter().filter(|(_, otherwise)| !otherwise.is_empty()).count();
    let _ = match failed {
        0 => writeln!(text, "\nAll {} cases hold.", tried.len()),
        _ => writeln!(text, "\n{failed} of {} cases fail.", tried.len()),
    };
    text
}

fn machine(mou: &Mou, tried: &[(&Case, Vec<Otherwise>)]) -> Value {
    let case = |(case, otherwise): &(&Case, Vec<Otherwise>)| {
        json!({
            "name": case.name,
            "line": case.line,
            "expected": case.expect.to_string(),
            "holds": otherwise.is_empty(),
            "otherwise": otherwise.iter().map(machine_instead).collect::<Vec<_>>(),
        })
    };
    json!({
        "mou": mou.hash().to_string(),
        "cases": tried.iter().map(case).collect::<Vec<_>>(),
        "failed": tried.iter().filter(|(_, otherwise)| !otherwise.is_empty()).count(),
    })
}

fn machine_instead(Otherwise { node, instead }: &Otherwise) -> Value {
    let node = node.as_str();
    match instead {
        Decided::Measured { margin, clause } => json!({
            "node": node, "answered": true, "derived": false,
            "margin": margin.learners(), "clause": clause.as_str(),
        }),
        Decided::Derived { clause } => {
            json!({ "node": node, "answered": true, "derived": true, "clause": clause.as_str() })
        }
        Decided::Refused(refusal) => json!({
            "node": node, "answered": false, "reason": refusal.reason.code(),
            "clause": refusal.clause.as_str(), "message": refusal.message, "hint": refusal.hint,
        }),
    }
}
