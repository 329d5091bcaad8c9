//! What a ledger says of restores: who is waited for, what came back, what is lost.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use sumac_node::day_of;

use super::{Charge, Ledger, number, text, texts};

/// A time that the log came from a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulation) struct Restored {
    /// Records in the backup.
    pub(in crate::simulation) size: u64,
    /// The day of the latest of them.
    pub(in crate::simulation) backed_up: Date,
    /// Parties that the node waits for.
    pub(in crate::simulation) awaited: Vec<String>,
    /// What those showed that were heard.
    pub(in crate::simulation) heard: Vec<Heard>,
    /// What was charged, has come back, or counts as lost, in nano-ρ.
    pub(in crate::simulation) accounted_nano_rho: u64,
    pub(in crate::simulation) is_resumed: bool,
}

/// The head that a party showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulation) struct Heard {
    pub(in crate::simulation) party: String,
    pub(in crate::simulation) size: u64,
    pub(in crate::simulation) spent_nano_rho: u64,
}

/// What was lost is accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulation) struct Resumed {
    /// The record's place.
    pub(in crate::simulation) seq: u64,
    pub(in crate::simulation) on: Date,
    pub(in crate::simulation) without: Vec<String>,
    pub(in crate::simulation) loss: Loss,
}

/// What counts as spent, and is not answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::simulation) struct Loss {
    pub(in crate::simulation) nano_rho: u64,
    /// The years that all of it counts against.
    pub(in crate::simulation) years: Vec<String>,
    /// By their keys.
    pub(in crate::simulation) tables: Vec<Lost>,
}

/// A table that is not answered at this revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Lost {
    /// Its key, in hexadecimal.
    pub(in crate::simulation) table: String,
    pub(in crate::simulation) name: Name,
    pub(in crate::simulation) revision: u64,
}

/// KPI, period, and dimensions in the order of their names.
pub(in crate::simulation) type Name = (String, String, Vec<String>);

impl Ledger {
    pub(super) fn restored(&mut self, restored: &Value) -> Result<(), String> {
        let at: Timestamp = text(&restored["backed_up"])?.parse().map_err(|_| "no time")?;
        self.restores.push(Restored {
            size: number(&restored["size"])?,
            backed_up: day_of(at),
            awaited: texts(&restored["awaited"])?,
            heard: Vec::new(),
            accounted_nano_rho: number(&restored["spent_nano_rho"])?,
            is_resumed: false,
        });
        if number(&restored["spent_nano_rho"])? != self.lifetime_nano_rho() {
            return Err("a restore says that another sum was spent".to_owned());
        }
        Ok(())
    }

    pub(super) fn recovered(&mut self, recovered: &Value, seq: u64) -> Result<(), String> {
        let charge = Charge::read(recovered, &recovered["charge"], seq, true)?;
        let same =
            |known: &&Charge| (&known.table, known.revision) == (&charge.table, charge.revision);
        match self.charges.iter().find(same) {
            Some(known) if known.price_nano_rho == charge.price_nano_rho => Ok(()),
            Some(_) => Err("a charge came back at another price".to_owned()),
            None => {
                let restore = self.restores.last_mut().ok_or("recovered without a restore")?;
                restore.accounted_nano_rho += charge.price_nano_rho;
                self.charges.push(charge);
                Ok(())
            }
        }
    }

    pub(super) fn heard(&mut self, heard: &Value) -> Result<(), String> {
        let restore = self.restores.last_mut().ok_or("heard without a restore")?;
        let party = text(&heard["party"])?;
        restore.awaited.retain(|awaited| *awaited != party);
        restore.heard.push(Heard {
            party,
            size: number(&heard["size"])?,
            spent_nano_rho: number(&heard["spent_nano_rho"])?,
        });
        Ok(())
    }

    pub(super) fn resumed(&mut self, resumed: &Value, seq: u64, on: Date) -> Result<(), String> {
        let list = |value: &Value| value.as_array().cloned().ok_or("a list is missing");
        let mut tables = Vec::new();
        for lost in list(&resumed["tables"])? {
            let (table, revision) = (text(&lost["table"])?, number(&lost["revision"])?);
            tables.push(Lost { table, name: name(&lost)?, revision });
        }
        tables.sort();
        self.lost.extend(tables.iter().cloned());
        let years = list(&resumed["years"])?;
        let years = years.iter().map(|year| text(&year["year"])).collect::<Result<_, _>>()?;
        let loss = Loss { nano_rho: number(&resumed["lost_nano_rho"])?, years, tables };
        let restore = self.restores.last_mut().ok_or("resumed without a restore")?;
        restore.is_resumed = true;
        restore.awaited.clear();
        restore.accounted_nano_rho += loss.nano_rho;
        let without = texts(&resumed["without"])?;
        self.resumed.push(Resumed { seq, on, without, loss });
        Ok(())
    }
}

/// The name of what a record is about.
pub(super) fn name(of: &Value) -> Result<Name, String> {
    let mut breakdown = texts(&of["breakdown"])?;
    breakdown.sort();
    Ok((text(&of["kpi"])?, text(&of["period"])?, breakdown))
}
