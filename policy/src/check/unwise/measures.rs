//! Caps, clips and bins that are legal, and cost more or say less than their authors will think.

use crate::dimension::table_of;
use crate::measure::Measure;
use crate::mou::{Kpi, Mou};
use crate::quantity::{Quantity, RATIO_PER};
use crate::schema::TableName;
use crate::section::Sheet;

/// The price of awards grows with the square of the cap: beyond this, it is rarely worth it.
const USUAL_AWARDS: u32 = 5;
/// Days in a hundred years: nothing that a KPI is about lasts longer.
const CENTURY: u64 = 36_525;

pub(super) fn unwise(mou: &Mou, sheet: &Sheet) {
    for kpi in &mou.kpis {
        match &kpi.definition.measure {
            Measure::Count { cap: Some(cap) } => cap_of_groups(mou, kpi, *cap, sheet),
            Measure::Awards { cap, .. } if *cap > USUAL_AWARDS => warn(
                kpi,
                sheet,
                format!(
                    "with a cap of {cap} awards, a table costs {} times what a count of learners costs",
                    cap.saturating_mul(*cap)
                ),
                "lower the cap: hardly anybody has so many in one period",
            ),
            Measure::Mean { value: Quantity::Ratio { .. }, clip, .. }
                if clip.lo().abs().max(clip.hi().abs()) <= 100 =>
            {
                warn(
                    kpi,
                    sheet,
                    format!(
                        "its ratio is in ten-thousandths, and clipped to {} and {}",
                        clip.lo(),
                        clip.hi()
                    ),
                    &format!("write clip = [0, {RATIO_PER}] for a ratio of 0 to 1"),
                );
            }
            Measure::Mean { value: Quantity::Days { .. }, clip, .. } if clip.width() > CENTURY => {
                warn(
                    kpi,
                    sheet,
                    format!("its clip is {} days wide, and so is its noise", clip.width()),
                    "clip to what is plausible, such as [0, 3652] for ten years",
                );
            }
            Measure::Count { cap: None }
            | Measure::Rate
            | Measure::Awards { .. }
            | Measure::Mean { .. }
            | Measure::Distribution { .. } => {}
        }
    }
}

/// A cap multiplies the price of every table of the KPI, also of those in which no learner is in two groups.
fn cap_of_groups(mou: &Mou, kpi: &Kpi, cap: u32, sheet: &Sheet) {
    for by in &kpi.by {
        let groups = by.dimensions().iter().filter_map(|id| {
            let dimension = mou.dimension(id)?;
            let of = kpi.definition.of;
            let table = table_of(&mou.schema, of, dimension.source.column())?;
            (table == of && of != TableName::Learner).then_some(dimension.codes.len())
        });
        let groups: usize = groups.product();
        if usize::try_from(cap).is_ok_and(|cap| cap > groups) {
            warn(
                kpi,
                sheet,
                format!(
                    "with a cap of {cap}, a table by {by} costs {cap} times what a count costs, and no learner can be \
                     in more than {groups} of its groups"
                ),
                "list this breakdown in a KPI with a lower cap, or with none",
            );
        }
    }
}

fn warn(kpi: &Kpi, sheet: &Sheet, message: String, hint: &str) {
    sheet.warning(kpi.line, &format!("kpi `{}`", kpi.id), message, hint);
}
