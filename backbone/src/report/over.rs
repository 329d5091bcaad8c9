//! A table over another in words: for people, and as rows of CSV.

use comfy_table::{CellAlignment, Table};

use super::rounded;
use super::table::{by, line, names, styled};
use crate::combine::Interval;
use crate::over::Over;

/// What is said wherever a ratio is.
pub(super) const NOTE: &str = "nobody is matched: who is counted above need not be counted below, so a ratio may exceed \
    what is true, and 1; who is at no party that answered is in neither";

pub(super) fn table(over: &Over<'_>) -> String {
    let (above, below) = (&over.above.table, &over.below.table);
    let mut text = format!(
        "{} over {}, {}, {}  ({}/{})\n",
        above.kpi().title,
        below.kpi().title,
        above.period(),
        by(above),
        above.kpi().id,
        below.kpi().id
    );
    let mut table: Table = styled();
    let mut header = names(above);
    let labels = header.len();
    header.extend(["Ratio", "95 % interval"].map(str::to_owned));
    table.set_header(&header);
    for column in table.column_iter_mut().skip(labels) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for (group, ratio) in over.above.groups.iter().zip(&over.ratios) {
        let mut row: Vec<_> = group.codes.iter().map(|code| code.label.clone()).collect();
        row.extend(match ratio {
            Some(Interval { value, low, high }) => {
                [format!("{value:.2}"), format!("{low:.2}–{high:.2}")]
            }
            None => ["withheld".to_owned(), String::new()],
        });
        table.add_row(row);
    }
    line(&mut text, format_args!("{}", table.trim_fmt()));
    for part in NOTE.split_inclusive("; ") {
        line(&mut text, format_args!("{}", part.trim_end_matches([' ', ';'])));
    }
    text
}

/// The numbers of a ratio as machines get them.
pub(super) fn numbers(Interval { value, low, high }: Interval) -> [f64; 3] {
    [value, low, high].map(rounded)
}
