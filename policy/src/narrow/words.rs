//! What an addendum takes away, in words: for its operator, and for the ledger.

use super::Narrow;
use crate::dimension::Breakdown;
use crate::mou::{Kpi, Limit, Mou, Restriction};

/// What a restriction takes from a KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of it.
    Whole,
    /// These breakdowns that the MOU lists.
    Breakdowns(Vec<Breakdown>),
}

impl Restriction {
    /// What it takes from a KPI of what the MOU itself lets be asked; none if nothing.
    pub(crate) fn takes_from(&self, mou: &Mou, kpi: &Kpi) -> Option<Taken> {
        let open = |by: &&Breakdown| {
            mou.restrictions().iter().all(|theirs| theirs.refuses(mou, kpi, by).is_none())
        };
        let open: Vec<_> = kpi.by.iter().filter(open).collect();
        let refused = |by: &&&Breakdown| self.refuses(mou, kpi, by).is_some();
        let taken: Vec<_> = open.iter().filter(refused).map(|by| (**by).clone()).collect();
        match taken.len() {
            0 => None,
            all if all == open.len() => Some(Taken::Whole),
            _ => Some(Taken::Breakdowns(taken)),
        }
    }
}

impl Narrow {
    /// Each thing that is taken away, as a sentence without a full stop. Empty if nothing is.
    pub fn in_words(&self, mou: &Mou) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(suspension) = &self.suspension {
            let until = suspension.until.map_or_else(String::new, |last| format!(" until {last}"));
            words.push(format!("nothing is answered{until} ({})", suspension.because));
        }
        for restriction in &self.restrictions {
            let said = match &restriction.limit {
                Limit::Kpi | Limit::Column { .. } => refused(restriction, mou),
                Limit::Margin(margin) => {
                    let kpis = mou.kpis().iter().filter(|kpi| restriction.covers(kpi));
                    let kpis = kpis.map(|kpi| {
                        format!(
                            "`{}` is answered within {margin} instead of {}",
                            kpi.id, kpi.margin
                        )
                    });
                    kpis.collect::<Vec<_>>().join(", ")
                }
                Limit::Floor(_) => continue,
            };
            words.push(format!("{said} ({})", restriction.because));
        }
        if self.judges_floor {
            let floor = self.over(mou).privacy().floor;
            let because = self.restrictions.iter().filter(|it| it.limit == Limit::Floor(floor));
            let because = because.map(|it| format!(" ({})", it.because)).next().unwrap_or_default();
            words.push(format!(
                "this node withholds its own groups of fewer than {floor} learners; the MOU's floor is {}, judged at \
                 the {}{because}",
                mou.privacy().floor,
                mou.privacy().floor_at
            ));
        }
        let (own, theirs) = (self.over(mou).privacy(), mou.privacy());
        if own.budget_nano_rho < theirs.budget_nano_rho {
            let [own, theirs] = [own, theirs].map(|privacy| rho(privacy.budget_nano_rho));
            words.push(format!("ρ {own} may be spent a year instead of {theirs}"));
        }
        words
    }
}

fn refused(restriction: &Restriction, mou: &Mou) -> String {
    let what = match &restriction.limit {
        Limit::Column { dimension: Some(dimension), .. } => dimension.to_string(),
        Limit::Column { column, .. } => column.clone(),
        _ => restriction.kpi.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let taken = mou.kpis().iter().filter_map(|kpi| {
        Some(match restriction.takes_from(mou, kpi)? {
            Taken::Whole => format!("`{}` whole", kpi.id),
            Taken::Breakdowns(by) => {
                let by: Vec<_> = by.iter().map(ToString::to_string).collect();
                format!("`{}` by {}", kpi.id, by.join(" and by "))
            }
        })
    });
    format!("`{what}` is refused, and with it {}", taken.collect::<Vec<_>>().join(", "))
}

/// Nano-ρ as a decimal ρ.
fn rho(nano: u64) -> String {
    const NANO: u64 = 1_000_000_000;
    let text = format!("{}.{:09}", nano / NANO, nano % NANO);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
