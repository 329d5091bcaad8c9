//! The table for people: plain text, no colour, at most 100 columns.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use sumac_policy::Measure;
use sumac_privacy::{NanoRho, best_guess};

use crate::absence::Absence;
use crate::combine::{Combined, Count, Group, Interval, Shown, Withholding};
use crate::gap::gaps;
use crate::over::Over;
use crate::verify::Stricter;

const WIDTH: u16 = 100;

/// With more groups than this below the floor, they are named in one line under the table.
const MANY_BELOW: usize = 4;

pub(super) fn write(tables: &[Combined], over: Option<&Over<'_>>) -> String {
    let parts = tables.iter().map(one).chain(over.map(super::over::table));
    let mut text = parts.collect::<Vec<_>>().join("\n");
    if tables.iter().any(|combined| !combined.groups.is_empty()) {
        line(&mut text, format_args!("\n±, interval: for the noise alone, 95 % of the time"));
    }
    if tables.iter().any(Combined::may_count_twice) {
        line(
            &mut text,
            format_args!("not deduplicated: a learner known to several parties counts at each"),
        );
    }
    text
}

fn one(combined: &Combined) -> String {
    let kpi = combined.table.kpi();
    let (period, by) = (combined.table.period(), by(&combined.table));
    let mut text = format!("{}, {period}, {by}  ({})\n", kpi.title, kpi.id);
    if !combined.groups.is_empty() {
        let (rows, below) = rows_and_below(&combined.groups);
        if !rows.is_empty() {
            line(&mut text, format_args!("{}", numbers(combined, &rows)));
        }
        if !below.is_empty() {
            below_floor(&mut text, &below);
        }
    }
    behind(&mut text, combined);
    coverage(&mut text, combined);
    text
}

/// What a table is broken down by, in words.
pub(super) fn by(table: &sumac_policy::Table) -> String {
    match names(table).as_slice() {
        [] => "everybody".to_owned(),
        titles => format!("by {}", titles.join(" and ")),
    }
}

/// The dimensions of a table, as people call them.
pub(super) fn names(table: &sumac_policy::Table) -> Vec<String> {
    table.dimensions().iter().map(|dimension| dimension.title.clone()).collect()
}

/// The groups whose rate is so far below everyone else's that somebody should look.
fn behind(text: &mut String, combined: &Combined) {
    for (group, gap) in combined.groups.iter().zip(gaps(combined)) {
        let Some(gap) = gap.filter(|gap| gap.is_flagged()) else { continue };
        let points = |share: f64| format!("{:.1}", share * 100.0);
        line(
            text,
            format_args!(
                "behind everyone else: {}, by {} points (flagged from {})",
                name(group),
                points(-gap.difference),
                points(gap.flagged_from)
            ),
        );
    }
}

pub(super) fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{words}");
}

/// The groups that get a row, and those below the floor that would only make the table long.
fn rows_and_below(groups: &[Group]) -> (Vec<&Group>, Vec<&Group>) {
    let is_below = |group: &&Group| group.shown == Shown::Withheld(Withholding::BelowFloor);
    let (below, others): (Vec<_>, Vec<_>) = groups.iter().partition(is_below);
    if below.len() > MANY_BELOW { (others, below) } else { (groups.iter().collect(), Vec::new()) }
}

/// Their names, in lines no wider than the table may be.
fn below_floor(text: &mut String, below: &[&Group]) {
    let mut current = "below floor, each:".to_owned();
    for (place, group) in below.iter().enumerate() {
        let end = if place + 1 < below.len() { ";" } else { "" };
        let next = format!(" {}{end}", name(group));
        if current.chars().count() + next.chars().count() > usize::from(WIDTH) {
            line(text, format_args!("{current}"));
            current = " ".to_owned();
        }
        current.push_str(&next);
    }
    line(text, format_args!("{current}"));
}

fn name(group: &Group) -> String {
    let labels: Vec<_> = group.codes.iter().map(|code| code.label.as_str()).collect();
    labels.join(" × ")
}

/// An empty table as all of them look.
pub(super) fn styled() -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table
}

fn numbers(combined: &Combined, rows: &[&Group]) -> String {
    let definition = &combined.table.kpi().definition;
    let mut table = styled();
    let mut header = names(&combined.table);
    let labels = header.len();
    let interval = || "95 % interval".to_owned();
    match &definition.measure {
        Measure::Count { .. } => header.push("Learners".to_owned()),
        Measure::Awards { .. } => header.push("Awards".to_owned()),
        Measure::Mean { .. } => {
            header.extend(["Mean".to_owned(), interval(), "Learners".to_owned()]);
        }
        Measure::Distribution { .. } => {
            header.extend(["Median".to_owned(), interval()]);
            header.extend(["P25", "P75", "Learners"].map(str::to_owned));
        }
        Measure::Rate => {
            header.extend(["Rate".to_owned(), interval(), "Learners".to_owned()]);
            header.extend(definition.outcomes.iter().map(|outcome| outcome.title.clone()));
        }
    }
    table.set_header(&header);
    for column in table.column_iter_mut().skip(labels) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let columns = header.len();
    for group in rows {
        let mut row: Vec<_> = group.codes.iter().map(|code| code.label.clone()).collect();
        row.extend(cells(&definition.measure, group));
        row.resize(columns, String::new());
        table.add_row(row);
    }
    table.trim_fmt()
}

fn cells(measure: &Measure, group: &Group) -> Vec<String> {
    // A sum that lacks a node's small group is too low: marked, and explained below the table.
    let mark = if group.withheld_by.is_empty() { "" } else { " *" };
    match &group.shown {
        Shown::Count(count) => vec![format!("{}{mark}", learners(*count))],
        Shown::Rate { rate, low, high, size, outcomes } => {
            let mut cells = vec![
                format!("{:.1} %{mark}", rate * 100.0),
                format!("{:.1}–{:.1} %", low * 100.0, high * 100.0),
                learners(*size),
            ];
            cells.extend(outcomes.iter().map(|count| learners(*count)));
            cells
        }
        Shown::Mean { mean, size } => {
            let [value, ends] = in_unit(measure, Some(mean));
            vec![format!("{value}{mark}"), ends, learners(*size)]
        }
        Shown::Distribution { quartiles: [lower, median, upper], size, .. } => {
            let [value, ends] = in_unit(measure, median.as_ref());
            // A quarter's own interval goes with machines; the median's is what people compare.
            let [[lower, _], [upper, _]] = [lower, upper].map(|end| in_unit(measure, end.as_ref()));
            vec![format!("{value}{mark}"), ends, lower, upper, learners(*size)]
        }
        Shown::Withheld(Withholding::BelowFloor) => vec!["below floor".to_owned()],
        Shown::Withheld(Withholding::TooFewParties) => vec!["too few parties".to_owned()],
        Shown::Withheld(Withholding::TooNoisy) => vec!["too noisy".to_owned()],
    }
}

/// A value and the ends of its interval.
fn in_unit(measure: &Measure, interval: Option<&Interval>) -> [String; 2] {
    let (Measure::Mean { unit, .. } | Measure::Distribution { unit, .. }, Some(interval)) =
        (measure, interval)
    else {
        return ["too noisy".to_owned(), String::new()];
    };
    let Interval { value, low, high } = *interval;
    [unit.shown(value), format!("{}–{}", unit.shown(low), unit.shown(high))]
}

fn coverage(text: &mut String, combined: &Combined) {
    let coverage = &combined.coverage;
    let asked = coverage.answered.len() + coverage.missing.len();
    let names: Vec<_> = coverage.answered.iter().map(|party| party.as_str()).collect();
    let colon = if names.is_empty() { "" } else { ": " };
    let twice = if combined.may_count_twice() { " (not deduplicated)" } else { "" };
    let (count, names) = (names.len(), names.join(", "));
    line(text, format_args!("answered by {count} of {asked}{colon}{names}{twice}"));
    for (party, absence) in &coverage.missing {
        line(text, format_args!("missing: {party}, {absence}"));
        if let Absence::Refused(refusal) = absence
            && !refusal.clause.as_str().is_empty()
        {
            line(text, format_args!("  clause: {}", refusal.clause));
        }
        let hint = absence.hint();
        if !hint.is_empty() {
            line(text, format_args!("  hint: {hint}"));
        }
    }
    if combined.groups.iter().any(|group| !group.withheld_by.is_empty()) {
        line(text, format_args!("* too low: a node withheld its own small group by its own floor"));
    }
    for (party, revision) in &combined.revised {
        let number = u64::from(*revision) + 1;
        line(text, format_args!("revision {number}: {party} replaced what it had released before"));
    }
    for (party, Stricter { margin, floor }) in &combined.stricter {
        let margin = margin.map(|margin| format!("answers within {margin} only"));
        let floor = floor.map(|floor| format!("withholds its own groups below {floor}"));
        let words: Vec<_> = margin.into_iter().chain(floor).collect();
        line(text, format_args!("stricter than the MOU: {party} {}", words.join(" and ")));
    }
    if combined.derived {
        line(
            text,
            format_args!(
                "derived: added up from a released table, for nothing; so the margin is wider"
            ),
        );
    } else if count > 0 {
        line(text, format_args!("privacy: {}", exposure(combined)));
    }
}

/// What the table tells at most about one learner, at one party and at all that answered.
fn exposure(combined: &Combined) -> String {
    let times = |rho| format!("{:.0}", (best_guess(rho) * 100.0).ceil());
    let one = times(combined.price);
    let partners = u64::try_from(combined.coverage.answered.len()).unwrap_or(u64::MAX);
    let all = times(NanoRho::new(combined.price.get().saturating_mul(partners)));
    let known =
        if partners > 1 { format!(" ({all} if known to all {partners})") } else { String::new() };
    format!("guessing that a learner is in it goes right {one} times in 100{known}, not 50")
}

fn learners(count: Count) -> String {
    format!("{} ± {}", grouped(count.value), grouped(count.margin))
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use sumac_policy::Code;

    use super::*;

    #[test]
    fn many_groups_below_the_floor_are_named_in_one_line_and_a_few_keep_their_rows() {
        let shown = |value| Shown::Count(Count { value, margin: 15 });
        let group =
            |shown| Group { codes: Vec::new(), sums: vec![0], withheld_by: Vec::new(), shown };
        let below = || group(Shown::Withheld(Withholding::BelowFloor));
        let with = |count: usize| {
            let mut groups = vec![group(shown(90)), group(Shown::Withheld(Withholding::TooNoisy))];
            groups.extend((0..count).map(|_| below()));
            let (rows, below) = rows_and_below(&groups);
            (rows.len(), below.len())
        };
        assert_eq!(with(MANY_BELOW), (2 + MANY_BELOW, 0));
        assert_eq!(with(MANY_BELOW + 1), (2, MANY_BELOW + 1));
    }

    #[test]
    fn names_below_the_floor_are_wrapped_and_none_is_lost() {
        let code = |n: usize| Code { id: n.to_string(), label: format!("Certificate number {n}") };
        let group = |n| Group {
            codes: vec![code(n)],
            sums: vec![0],
            withheld_by: Vec::new(),
            shown: Shown::Withheld(Withholding::BelowFloor),
        };
        let groups: Vec<_> = (10..30).map(group).collect();
        let mut text = String::new();
        below_floor(&mut text, &groups.iter().collect::<Vec<_>>());
        assert!(text.lines().count() > 3);
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)), "{text}");
        for n in 10..30 {
            assert!(text.contains(&format!("number {n}")), "{text}");
        }
    }
}
