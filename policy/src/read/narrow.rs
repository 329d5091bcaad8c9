//! `narrow.toml`: one party's addendum. The MOU's own words for restrictions, and none that could widen.

use crate::digest::Sha256;
use crate::mou::{Limit, Mou, Restriction};
use crate::narrow::{Addendum, Narrow, Suspension};
use crate::problem::{Problem, Problems, Severity};
use crate::read::kpi::Known;
use crate::read::mou::budget;
use crate::read::restriction::restriction;
use crate::read::standard::standard;
use crate::section::{Found, Section, Sheet};

/// More than anybody reads; with it, what an addendum says fits one record of the ledger.
const MAX_RESTRICTIONS: usize = 100;

impl Narrow {
    /// Reads an addendum to this version of the MOU. What would widen has no effect, and is among the warnings.
    ///
    /// # Errors
    /// Every problem found, each with its line; unknown keys are problems.
    pub fn read(bytes: &[u8], mou: &Mou) -> Result<Self, Problems> {
        let sheet = Sheet::parse(bytes)?;
        let said = said(&sheet, mou);
        let (warnings, errors): (Vec<_>, Vec<Problem>) =
            sheet.problems().into_iter().partition(|found| found.severity == Severity::Warning);
        match said {
            Some(Said { restrictions, floor, budget_nano_rho, suspension })
                if errors.is_empty() =>
            {
                let hash = Sha256::of(bytes);
                let addendum =
                    Addendum { hash, restrictions, floor, budget_nano_rho, suspension, warnings };
                Ok(Self::of(addendum, mou))
            }
            _ => Err(Problems(errors)),
        }
    }
}

struct Said {
    restrictions: Vec<Restriction>,
    floor: Option<u32>,
    budget_nano_rho: Option<u64>,
    suspension: Option<Suspension>,
}

fn said(sheet: &Sheet, mou: &Mou) -> Option<Said> {
    let root = sheet.root();
    if let Some(format) = root.text("format")
        && format.value != "sumac-narrow/1"
    {
        root.problem_at(
            "format",
            format_args!("unknown format `{}`", format.value),
            "use \"sumac-narrow/1\"",
        );
    }
    let known =
        Known { standard: standard(), schema: mou.schema(), dimensions: &mou.dimensions, sheet };
    let sections = root.sections("restrict");
    if sections.len() > MAX_RESTRICTIONS {
        root.problem_at(
            "restrict",
            format_args!("more than {MAX_RESTRICTIONS} restrictions"),
            "refuse whole KPIs, or suspend the node",
        );
    }
    let restrictions = sections.into_iter().map(|section| {
        let line = section.line();
        let place = section.place().to_owned();
        let restriction = restriction(section, &known)?;
        has_effect(&restriction, line, &place, mou, sheet).then_some(restriction)
    });
    let restrictions = restrictions.collect::<Vec<_>>();
    let privacy = root.section_if_any("privacy").map(|section| privacy(&section, mou, sheet));
    let suspension = root.section_if_any("suspend").map(suspension);
    root.end(&[]);
    let (floor, budget_nano_rho) = privacy.unwrap_or((None, None));
    Some(Said {
        // One that cannot be read is a problem, and one without effect a warning.
        restrictions: restrictions.into_iter().flatten().collect(),
        floor,
        budget_nano_rho,
        suspension: suspension.map_or(Some(None), |suspension| suspension.map(Some))?,
    })
}

/// Whether a restriction names what there is and takes anything away.
fn has_effect(
    restriction: &Restriction,
    line: usize,
    place: &str,
    mou: &Mou,
    sheet: &Sheet,
) -> bool {
    if let Some(id) = restriction.kpi.as_ref().filter(|id| mou.kpi(id).is_none()) {
        let ids: Vec<_> = mou.kpis().iter().map(|kpi| kpi.id.as_str()).collect();
        let hint = format!("it lists {}", ids.join(", "));
        sheet.problem(line, place, format_args!("the MOU lists no KPI `{id}`"), hint);
        return false;
    }
    let no_effect = |message: String| {
        sheet.warning(line, place, message, "it has no effect: an addendum can only narrow");
        false
    };
    match restriction.limit {
        Limit::Margin(margin) => {
            let wider = |kpi: &&std::sync::Arc<crate::mou::Kpi>| {
                restriction.covers(kpi) && kpi.margin < margin
            };
            match mou.kpis().iter().find(|kpi| restriction.covers(kpi)) {
                Some(kpi) if !mou.kpis().iter().any(|kpi| wider(&kpi)) => {
                    no_effect(format!("the MOU already answers `{}` within {}", kpi.id, kpi.margin))
                }
                _ => true,
            }
        }
        Limit::Floor(floor) => floor_has_effect(i64::from(floor), line, place, mou, sheet),
        Limit::Column { .. } | Limit::Kpi => {
            let taken = mou.kpis().iter().any(|kpi| restriction.takes_from(mou, kpi).is_some());
            taken || no_effect("no table of the MOU is refused by it".to_owned())
        }
    }
}

fn floor_has_effect(floor: i64, line: usize, place: &str, mou: &Mou, sheet: &Sheet) -> bool {
    let theirs = i64::from(mou.privacy().floor);
    if floor < theirs {
        sheet.warning(
            line,
            place,
            format_args!("{floor} is lower than the MOU's floor of {theirs}"),
            "it has no effect: an addendum can only narrow",
        );
    }
    floor >= theirs
}

/// A floor and a budget, where they are not wider than the MOU's.
fn privacy(section: &Section<'_>, mou: &Mou, sheet: &Sheet) -> (Option<u32>, Option<u64>) {
    let floor = section.number_if_any("floor", 1..=1_000_000);
    let floor = floor
        .filter(|Found { value, line, place }| floor_has_effect(*value, *line, place, mou, sheet));
    let line_of_budget = section.item("budget").map(|found| (found.line, found.place));
    let own = section.section_if_any("budget").and_then(budget);
    section.end(&[]);
    let own = own.filter(|own| {
        let narrower = *own < mou.privacy().budget_nano_rho;
        if let (false, Some((line, place))) = (narrower, &line_of_budget) {
            sheet.warning(
                *line,
                place,
                "not smaller than the MOU's budget",
                "it has no effect: an addendum can only narrow",
            );
        }
        narrower
    });
    (floor.and_then(|found| u32::try_from(found.value).ok()), own)
}

fn suspension(section: Section<'_>) -> Option<Suspension> {
    let because = section.text("because");
    let until = section.day_if_any("until");
    section.end(&[]);
    (section.item("until").is_none() || until.is_some()).then_some(())?;
    Some(Suspension { because: because?.value.to_owned(), until: until.map(|found| found.value) })
}
