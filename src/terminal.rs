//! The terminal: answers to stdout, everything else to stderr. No colour, so `NO_COLOR` is always obeyed.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::outcome::hinted;

/// Writes a line to stderr. Whether anyone reads it changes nothing.
macro_rules! tell {
    ($($words:tt)*) => {{
        use ::std::io::Write as _;
        let _ = writeln!(::std::io::stderr(), $($words)*);
    }};
}
pub(crate) use tell;

/// Writes a verb's answer to stdout.
pub(crate) fn answer(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("write the answer")
}

/// How a verb's answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For machines; stable
    Json,
}

/// Writes a verb's answer to stdout, as JSON for machines.
pub(crate) fn answer_json(value: &serde_json::Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).context("write the answer as JSON")?;
    answer(&format!("{text}\n"))
}

/// Asks for a `yes` on the terminal. `instead` is the flag that says it beforehand.
pub(crate) fn confirm(question: &str, instead: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(hinted(
            "nobody is there to confirm: standard input is not a terminal",
            format_args!("look at what is printed above, then add {instead}"),
        ));
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question} Type yes to go on: ")
        .and_then(|()| stderr.flush())
        .context("ask for a confirmation")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("read the confirmation")?;
    Ok(line.trim() == "yes")
}

/// A table without lines, for a terminal or a script; numbers stand to the right in the columns named.
pub(crate) fn plain_table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    to_the_right: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if to_the_right.contains(&place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n", table.trim_fmt())
}
