//! Which KPIs some data can answer, and why it cannot answer the others. Says only which columns are there: no number
//! of anybody is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sumac_policy::{ColumnRef, Holdings, Mou, PartyId, Period, Reason, needed, standard};

/// What the agreement's KPIs, and the standard catalogue's, find in some data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    agreed: Vec<Agreed>,
    /// Standard KPIs by id, with the columns that they lack.
    standard: Vec<(String, Vec<ColumnRef>)>,
}

/// What one KPI of the agreement finds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Agreed {
    kpi: String,
    periods: BTreeSet<Period>,
    /// Breakdowns that can be answered.
    by: BTreeSet<String>,
    /// Breakdowns that cannot, with what is in the way.
    not: BTreeMap<String, String>,
}

impl Answers {
    /// What an agreement asks of a party, held against its data.
    pub fn of(mou: &Mou, party: &PartyId, holdings: &Holdings) -> Self {
        let tables = mou.calendar_tables();
        let answered = mou.kpis().iter().filter(|kpi| mou.is_answered_by(kpi, party));
        let agreed = answered.map(|kpi| {
            let mut found = Agreed {
                kpi: kpi.id.to_string(),
                periods: BTreeSet::new(),
                by: BTreeSet::new(),
                not: BTreeMap::new(),
            };
            for table in
                tables.iter().map(|due| &due.table).filter(|table| table.kpi().id == kpi.id)
            {
                let by = table.breakdown().to_string();
                match holdings.hold(table) {
                    Ok(()) => {
                        found.periods.insert(table.period());
                        found.by.insert(by);
                    }
                    Err(refusal) if refusal.reason == Reason::ColumnNotHeld => {
                        let lacking = lacking(needed(table), holdings);
                        found.not.insert(by, format!("no {}", listed(&lacking)));
                    }
                    Err(_) => {
                        let lacking = lacking(needed(table), holdings);
                        let why = match lacking.as_slice() {
                            [] => "none of its periods is covered (--covers)".to_owned(),
                            some => format!("no {}", listed(some)),
                        };
                        found.not.entry(by).or_insert(why);
                    }
                }
            }
            found.not.retain(|by, _| !found.by.contains(by));
            found
        });
        let standard = standard()
            .kpis
            .iter()
            .map(|kpi| (kpi.id.to_string(), lacking(kpi.definition.columns(), holdings)));
        Self { agreed: agreed.collect(), standard: standard.collect() }
    }
}

fn lacking(needed: Vec<ColumnRef>, holdings: &Holdings) -> Vec<ColumnRef> {
    needed.into_iter().filter(|column| !holdings.columns.contains(column)).collect()
}

fn listed(columns: &[ColumnRef]) -> String {
    columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.agreed.iter().map(|agreed| agreed.kpi.len()).max().unwrap_or(0);
        writeln!(f, "KPIs of the MOU, from this data:")?;
        if self.agreed.is_empty() {
            writeln!(f, "  none of them is asked of this party")?;
        }
        for Agreed { kpi, periods, by, not } in &self.agreed {
            if by.is_empty() {
                writeln!(f, "  {kpi:width$}  no")?;
            } else {
                let periods: Vec<_> = periods.iter().map(ToString::to_string).collect();
                let by: Vec<_> = by.iter().map(String::as_str).collect();
                writeln!(f, "  {kpi:width$}  yes, of {}: {}", periods.join(", "), by.join("; "))?;
            }
            for (by, why) in not {
                writeln!(f, "  {:width$}  not {by}: {why}", "")?;
            }
        }
        writeln!(f, "KPIs of the standard catalogue, from these columns:")?;
        let can = self.standard.iter().filter(|(_, lacks)| lacks.is_empty());
        let can: Vec<_> = can.map(|(id, _)| id.as_str()).collect();
        writeln!(f, "  yes: {}", if can.is_empty() { "none".to_owned() } else { can.join(", ") })?;
        for (id, lacks) in self.standard.iter().filter(|(_, lacks)| !lacks.is_empty()) {
            writeln!(f, "  no:  {id}: no {}", listed(lacks))?;
        }
        Ok(())
    }
}
