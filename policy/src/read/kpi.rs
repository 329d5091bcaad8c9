//! `[[kpi]]`: a standard's definition or the MOU's own, who answers it, how it may be broken down.

use std::sync::Arc;

use crate::definition::Anchor;
use crate::dimension::{Breakdown, Dimension, table_of};
use crate::margin::Margin;
use crate::mou::{Approval, Kpi, PartyKind};
use crate::names::{DimensionId, KpiId, StandardId};
use crate::nearest::nearest;
use crate::period::PeriodKind;
use crate::read::definition::definition;
use crate::read::measure;
use crate::read::standard::{Standard, StandardKpi};
use crate::read::target::target;
use crate::schema::Schema;
use crate::section::{Section, Sheet};

/// More dimensions at once leave few learners in a cell.
const MAX_DIMENSIONS: usize = 3;
/// A breakdown of three dimensions over the longest code lists stays under this; more is a mistake.
const MAX_CELLS: usize = 10_000;
/// Keys of the format that this version cannot enforce.
const LATER: &[&str] = &["cap", "embargo"];

/// What a KPI may refer to.
pub(super) struct Known<'a> {
    pub(super) standard: &'a Standard,
    pub(super) schema: &'a Schema,
    pub(super) dimensions: &'a [Arc<Dimension>],
    pub(super) sheet: &'a Sheet,
}

pub(super) fn kpi(section: Section<'_>, known: &Known<'_>) -> Option<Kpi> {
    let line = section.line();
    let id = section.word::<KpiId>("id");
    let own_title = section.text_if_any("title").map(|found| found.value.to_owned());
    let (name, definition) = meaning(&section, own_title, known).unzip();
    let (title, uses) = name.unzip();
    let answered_by = section.words::<PartyKind>("answered_by");
    let period = section.word::<PeriodKind>("period");
    let margin = section.number("margin", 1..=i64::from(Margin::MAX));
    let by = breakdowns(&section, known);
    if let (Some(definition), Some(by)) = (&definition, &by) {
        for breakdown in by {
            fits(&section, breakdown, definition, known);
        }
    }
    if let (Some(definition), Some(period)) = (&definition, &period) {
        a_cohort_is_of_a_year(&section, &definition.anchor, period.value);
    }
    if answered_by.as_ref().is_some_and(Vec::is_empty) {
        section.problem_at(
            "answered_by",
            "nobody answers it",
            "name a kind of party, such as \"college\"",
        );
    }
    let needs = section.word_if_any::<Approval>("needs");
    let target = section
        .section_if_any("target")
        .map(|section| target(section, definition.as_ref().map(|definition| &definition.measure)));
    section.end(LATER);
    (section.item("needs").is_none() || needs.is_some()).then_some(())?;
    Some(Kpi {
        id: id?.value,
        title: title?,
        uses: uses?,
        definition: definition?,
        answered_by: answered_by?.into_iter().map(|found| found.value).collect(),
        by: by?,
        period: period?.value,
        margin: Margin::new(u32::try_from(margin?.value).ok()?)?,
        needs: needs.map(|found| found.value),
        target: target.map_or(Some(None), |target| target.map(Some))?,
        line,
    })
}

fn a_cohort_is_of_a_year(section: &Section<'_>, anchor: &Anchor, period: PeriodKind) {
    let Anchor::Cohort { column, .. } = anchor else { return };
    let (parts, hint) = match period {
        PeriodKind::Year | PeriodKind::Years(_) => return,
        PeriodKind::Term => {
            ("terms", "report it by year; the breakdown `cohort_term` tells terms of entry apart")
        }
        PeriodKind::Quarter => ("quarters", "report it by year"),
    };
    section.problem_at(
        "period",
        format_args!("`{column}` names a cohort by its year, which has no {parts}"),
        hint,
    );
}

/// `uses = "wioa/credential_attainment"`, or `define = { … }` with a title.
fn meaning(
    section: &Section<'_>,
    own_title: Option<String>,
    known: &Known<'_>,
) -> Option<((String, Option<StandardId>), crate::definition::Definition)> {
    let uses = section.word_if_any::<StandardId>("uses");
    let define = section.section_if_any("define");
    match (uses, define) {
        (Some(uses), None) => {
            let StandardKpi { title, definition, .. } = standard_kpi(section, &uses.value, known)?;
            let title = own_title.unwrap_or_else(|| title.clone());
            Some(((title, Some(uses.value)), definition.clone()))
        }
        (None, Some(define)) => {
            if own_title.is_none() {
                section.problem("`title` is missing", "a KPI of your own needs a title");
            }
            let words = measure::Known { schema: known.schema, bins: &known.standard.bins };
            let definition = definition(define, words);
            Some(((own_title?, None), definition?))
        }
        _ => {
            section.problem(
                "exactly one of `uses` and `define` says what it means",
                "uses = a KPI of the standard catalogue, or define = { … }",
            );
            None
        }
    }
}

fn standard_kpi<'a>(
    section: &Section<'_>,
    id: &StandardId,
    known: &'a Known<'_>,
) -> Option<&'a StandardKpi> {
    let found = known.standard.kpis.iter().find(|kpi| kpi.id == *id);
    if found.is_none() {
        let ids: Vec<_> = known.standard.kpis.iter().map(|kpi| kpi.id.as_str()).collect();
        let hint = match nearest(id.as_str(), ids.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", ids.join(", ")),
        };
        section.problem_at("uses", format_args!("the standard catalogue has no `{id}`"), hint);
    }
    found
}

/// `by = [[], ["sex"], ["race_ethnicity", "sex"]]`
fn breakdowns(section: &Section<'_>, known: &Known<'_>) -> Option<Vec<Breakdown>> {
    let Some(lists) = section.list_if_any("by") else {
        if section.item("by").is_none() {
            section.problem("`by` is missing", "list breakdowns; by = [[]] allows the total alone");
        }
        return None;
    };
    let mut breakdowns: Vec<Breakdown> = Vec::new();
    let mut sound = true;
    for list in lists {
        let mut refuse = |message: String, hint: String| {
            known.sheet.problem(list.line, &list.place, message, hint);
            sound = false;
        };
        let Some(items) = list.value.as_array() else {
            refuse(
                "a breakdown is a list of dimensions".into(),
                "write [\"sex\"], or [] for the total".into(),
            );
            continue;
        };
        let mut ids = Vec::new();
        for item in items {
            match item.as_str().and_then(|text| text.parse::<DimensionId>().ok()) {
                Some(id) if known.dimensions.iter().any(|dimension| dimension.id == id) => {
                    ids.push(id)
                }
                _ => {
                    let word = item.as_str().unwrap_or("?");
                    let all = known.dimensions.iter().map(|dimension| dimension.id.as_str());
                    let hint = match nearest(word, all.clone()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are {}", all.collect::<Vec<_>>().join(", ")),
                    };
                    refuse(format!("no dimension `{word}`"), hint);
                }
            }
        }
        if ids.len() < items.len() {
            continue;
        }
        let breakdown = Breakdown::by(ids);
        let mut sorted = breakdown.dimensions().to_vec();
        sorted.sort();
        sorted.dedup();
        if sorted.len() < breakdown.dimensions().len() {
            refuse("a dimension is named twice".into(), "name it once".into());
        } else if sorted.len() > MAX_DIMENSIONS {
            refuse(format!("more than {MAX_DIMENSIONS} dimensions"), "break down by fewer".into());
        } else if breakdowns.iter().any(|listed| listed.is_same(&breakdown)) {
            refuse(
                "this breakdown is listed already".into(),
                "the order of dimensions does not matter".into(),
            );
        } else {
            breakdowns.push(breakdown);
        }
    }
    if breakdowns.is_empty() && sound {
        section.problem_at("by", "no breakdown is listed", "by = [[]] allows the total alone");
        sound = false;
    }
    sound.then_some(breakdowns)
}

/// Every dimension's column lies where the KPI can read it, and the table is not absurdly large.
fn fits(
    section: &Section<'_>,
    breakdown: &Breakdown,
    definition: &crate::definition::Definition,
    known: &Known<'_>,
) {
    let mut cells = definition.outcomes.len();
    for id in breakdown.dimensions() {
        let Some(dimension) = known.dimensions.iter().find(|dimension| dimension.id == *id) else {
            continue;
        };
        cells = cells.saturating_mul(dimension.codes.len());
        let column = dimension.source.column();
        if table_of(known.schema, definition.of, column).is_none() {
            section.problem_at(
                "by",
                format_args!(
                    "`{id}` reads `{column}`, which neither `{}` nor `learner` has",
                    definition.of
                ),
                "leave it out of this KPI",
            );
        }
    }
    if cells > MAX_CELLS {
        section.problem_at(
            "by",
            format_args!("`{breakdown}` has {cells} cells, more than {MAX_CELLS}"),
            "break down by fewer dimensions at once",
        );
    }
}
