//! CSV for machines: one row per number, the same columns whatever the table.
//!
//! `quantity` says what `value` is: `count` (learners, or awards, in `outcome`), `size` (learners of the group), `rate`
//! (the share in `outcome`, of 1), `mean`, `p25`, `median`, `p75` (in the unit that the KPI is shown in), or `ratio` (the
//! group's count over that of the KPI in `outcome`). `margin` goes with counts and sizes, `low` and `high` with the others. A group that
//! is withheld has one row without a value; a table that nobody answered has one row with status `missing`.
//! `derived` marks a table that was added up from a released one; `revised` names the nodes whose numbers replace
//! what they had released before, each with the number of its revision: 2 for the first correction; `stricter` those
//! that hold themselves to more than the MOU demands: `harbor-tech:margin=20:floor=25`.

use sumac_policy::Measure;

use crate::combine::{Combined, Count, Group, Interval, Shown};
use crate::over::Over;
use crate::report::over::numbers as numbers_of;
use crate::report::{in_unit, rounded};

/// A breakdown has at most three dimensions.
const DIMENSIONS: usize = sumac_protocol::MAX_BREAKDOWN;

const HEADER: [&str; 24] = [
    "kpi",
    "period",
    "dimension_1",
    "code_1",
    "label_1",
    "dimension_2",
    "code_2",
    "label_2",
    "dimension_3",
    "code_3",
    "label_3",
    "quantity",
    "outcome",
    "value",
    "margin",
    "low",
    "high",
    "status",
    "withheld_by",
    "answered",
    "missing",
    "derived",
    "revised",
    "stricter",
];

/// One number, or the lack of one.
#[derive(Default)]
struct Number {
    quantity: &'static str,
    outcome: String,
    value: String,
    margin: String,
    low: String,
    high: String,
    status: &'static str,
}

pub(super) fn write(tables: &[Combined], over: Option<&Over<'_>>) -> String {
    let mut text = row(HEADER.map(str::to_owned));
    for combined in tables {
        if combined.groups.is_empty() {
            let missing = Number { status: "missing", ..Number::default() };
            text.push_str(&number_row(combined, None, missing));
        }
        for group in &combined.groups {
            for number in numbers(combined, group) {
                text.push_str(&number_row(combined, Some(group), number));
            }
        }
    }
    if let Some(Over { above, below, ratios }) = over {
        for (group, ratio) in above.groups.iter().zip(ratios) {
            let mut number =
                Number { outcome: below.table.kpi().id.to_string(), ..ratio_of(*ratio) };
            number.quantity = "ratio";
            text.push_str(&number_row(above, Some(group), number));
        }
    }
    text
}

fn ratio_of(ratio: Option<Interval>) -> Number {
    let Some(ratio) = ratio else { return Number { status: "withheld", ..Number::default() } };
    let [value, low, high] = numbers_of(ratio).map(|end| end.to_string());
    Number { value, low, high, status: "shown", ..Number::default() }
}

fn numbers(combined: &Combined, group: &Group) -> Vec<Number> {
    let definition = &combined.table.kpi().definition;
    let outcome = |place: usize| {
        definition.outcomes.get(place).map_or_else(String::new, |outcome| outcome.id.clone())
    };
    let counted = |quantity, outcome, Count { value, margin }| Number {
        quantity,
        outcome,
        value: value.to_string(),
        margin: margin.to_string(),
        status: "shown",
        ..Number::default()
    };
    match &group.shown {
        Shown::Withheld(why) => vec![Number { status: why.word(), ..Number::default() }],
        Shown::Count(count) => vec![counted("count", outcome(0), *count)],
        Shown::Mean { mean, size } => {
            let mean = between(&definition.measure, "mean", *mean);
            vec![mean, counted("size", String::new(), *size)]
        }
        Shown::Distribution { quartiles, size, outcomes } => {
            let quartiles = ["p25", "median", "p75"].into_iter().zip(quartiles);
            let quartiles = quartiles.filter_map(|(quantity, found)| {
                found.map(|found| between(&definition.measure, quantity, found))
            });
            let counts = outcomes
                .iter()
                .enumerate()
                .map(|(place, count)| counted("count", outcome(place), *count));
            let size = counted("size", String::new(), *size);
            quartiles.chain([size]).chain(counts).collect()
        }
        Shown::Rate { rate, low, high, size, outcomes } => {
            let rate = Number {
                quantity: "rate",
                outcome: outcome(0),
                value: rounded(*rate).to_string(),
                low: rounded(*low).to_string(),
                high: rounded(*high).to_string(),
                status: "shown",
                ..Number::default()
            };
            let counts = outcomes
                .iter()
                .enumerate()
                .map(|(place, count)| counted("count", outcome(place), *count));
            [rate, counted("size", String::new(), *size)].into_iter().chain(counts).collect()
        }
    }
}

fn between(
    measure: &Measure,
    quantity: &'static str,
    Interval { value, low, high }: Interval,
) -> Number {
    let text = |end| in_unit(measure, end).to_string();
    Number {
        quantity,
        value: text(value),
        low: text(low),
        high: text(high),
        status: "shown",
        ..Number::default()
    }
}

fn number_row(combined: &Combined, group: Option<&Group>, number: Number) -> String {
    let Number { quantity, outcome, value, margin, low, high, status } = number;
    let mut fields = vec![combined.table.kpi().id.to_string(), combined.table.period().to_string()];
    for place in 0..DIMENSIONS {
        let dimension = combined.table.dimensions().get(place);
        fields.push(dimension.map_or_else(String::new, |dimension| dimension.id.to_string()));
        let code = group.and_then(|group| group.codes.get(place));
        fields.push(code.map_or_else(String::new, |code| code.id.clone()));
        // A spreadsheet takes the code 10-20 for a day in October; nothing mistakes its label.
        fields.push(code.map_or_else(String::new, |code| code.label.clone()));
    }
    let coverage = &combined.coverage;
    let missing = coverage.missing.iter().map(|(party, absence)| match absence {
        crate::Absence::Refused(refusal) => format!("{party}:{}", refusal.reason),
        absence => format!("{party}:{}", absence.word()),
    });
    fields.extend([quantity.to_owned(), outcome, value, margin, low, high, status.to_owned()]);
    fields.push(joined(group.into_iter().flat_map(|group| &group.withheld_by)));
    fields.push(joined(&coverage.answered));
    fields.push(joined(missing));
    fields.push(if combined.derived { "derived" } else { "" }.to_owned());
    let revised = combined.revised.iter();
    fields.push(joined(
        revised.map(|(party, revision)| format!("{party}:{}", u64::from(*revision) + 1)),
    ));
    let stricter = combined.stricter.iter().map(|(party, stricter)| {
        let margin = stricter.margin.map(|margin| format!(":margin={}", margin.learners()));
        let floor = stricter.floor.map(|floor| format!(":floor={floor}"));
        format!("{party}{}{}", margin.unwrap_or_default(), floor.unwrap_or_default())
    });
    fields.push(joined(stricter));
    row(fields)
}

fn joined<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(" ")
}

fn row(fields: impl IntoIterator<Item = String>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail, nor is anything but text written.
    let _ = writer.write_record(fields.into_iter().collect::<Vec<_>>());
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
