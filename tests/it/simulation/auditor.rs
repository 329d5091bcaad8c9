//! Reads a ledger by what `docs/ledger.md` says, without a line of the node's own code.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use serde_json::Value;
use sumac_policy::Sha256;

use crate::bodies::bodies;

/// What a ledger says, as far as it was ever acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    /// The file up to there.
    pub(super) bytes: Vec<u8>,
    /// The versions of the MOU that it went by, in order.
    pub(super) mous: Vec<String>,
    /// In order.
    pub(super) charges: Vec<Charge>,
    /// Revisions that an operator ordered, by table, in order.
    pub(super) orders: Vec<(String, u64)>,
    /// The pause that was said last, and not lifted: its last day, or none if it has no end.
    pub(super) paused: Option<Option<Date>>,
    /// The body of each release, by table and revision.
    pub(super) releases: BTreeMap<(String, u64), Vec<u8>>,
    /// Every body that lies beside the log.
    bodies: BTreeMap<u64, Vec<u8>>,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Charge {
    /// The table's key, in hexadecimal.
    pub(super) table: String,
    pub(super) revision: u64,
    pub(super) year: String,
    pub(super) price_nano_rho: u64,
    /// In learners.
    pub(super) margin: u64,
    /// The version that allowed it.
    pub(super) mou: String,
    pub(super) kpi: String,
    pub(super) period: String,
    /// Sorted.
    pub(super) breakdown: Vec<String>,
}

impl Charge {
    /// What names this measurement in its release, in hexadecimal.
    pub(super) fn measurement(&self) -> Result<String, String> {
        let Ok(revision @ 1..) = u32::try_from(self.revision) else {
            return Ok(self.table.clone());
        };
        let parts = [b"sumac-table-revision/1\0", &*unhex(&self.table)?, &revision.to_be_bytes()];
        let digest = Sha256::of(&parts.concat());
        Ok(digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Ledger {
    /// Reads the log in a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(folder.join("ledger.log")).map_err(|error| error.to_string())?;
        // After the log: a body is there before its record.
        let mut ledger = Self { bodies: bodies(folder)?, ..Self::default() };
        let mut at = 16;
        let mut records: Vec<Value> = Vec::new();
        while let Some(payload) = payload(&bytes, at) {
            // What is no JSON yet is on its way to the disk.
            let Ok(value) = serde_json::from_slice::<Value>(payload) else { break };
            at += 16 + payload.len();
            if value.get("event").is_some() {
                records.push(value);
                continue;
            }
            // A head: all that lies below it is acknowledged.
            for record in records.drain(..) {
                ledger.take_in(&record)?;
            }
            ledger.bytes = bytes[..at].to_vec();
        }
        Ok(ledger)
    }

    fn take_in(&mut self, record: &Value) -> Result<(), String> {
        let event = &record["event"];
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a text is missing");
        let number = |value: &Value| value.as_u64().ok_or("a number is missing");
        if let Some(charged) = event.get("charged") {
            let dimensions = charged["breakdown"].as_array().ok_or("no breakdown")?;
            let mut breakdown = dimensions.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            breakdown.sort();
            self.charges.push(Charge {
                table: text(&charged["table"])?,
                revision: number(&charged["revision"])?,
                year: text(&charged["year"])?,
                price_nano_rho: number(&charged["price_nano_rho"])?,
                margin: number(&charged["margin"])?,
                mou: text(&charged["mou"])?,
                kpi: text(&charged["kpi"])?,
                period: text(&charged["period"])?,
                breakdown,
            });
        }
        if let Some(mou) = event.get("mou") {
            self.mous.push(text(&mou["mou"])?);
        }
        if let Some(paused) = event.get("paused") {
            let until = paused["until"].as_str().map(str::parse).transpose();
            self.paused = Some(until.map_err(|error| format!("a pause without its end: {error}"))?);
        }
        if event.get("pause_ended").is_some() {
            self.paused = None;
        }
        if let Some(ordered) = event.get("remeasure") {
            self.orders.push((text(&ordered["table"])?, number(&ordered["revision"])?));
        }
        if let Some(released) = event.get("released") {
            let key = (text(&released["table"])?, number(&released["revision"])?);
            let seq = number(&record["seq"])?;
            let body = self.bodies.get(&seq).cloned().ok_or(format!("{key:?} has no body"))?;
            let salt = unhex(record["salt"].as_str().ok_or("no salt")?)?;
            let bound = Sha256::of(&[salt, body.clone()].concat()).to_string();
            if released["commitment"] != bound.as_str() {
                return Err(format!("the body of {key:?} is not the one that its record binds"));
            }
            if self.releases.insert(key.clone(), body).is_some() {
                return Err(format!("table {key:?} is released twice"));
            }
        }
        Ok(())
    }

    /// What an accounting year has spent, in nano-ρ.
    pub(super) fn spent(&self, year: &str) -> u64 {
        spent(&self.charges, year)
    }
}

/// What an accounting year has spent on these, in nano-ρ.
pub(super) fn spent(charges: &[Charge], year: &str) -> u64 {
    let of_year = charges.iter().filter(|charge| charge.year == year);
    of_year.map(|charge| charge.price_nano_rho).sum()
}

/// The payload of the frame at an offset, if all of it is there.
fn payload(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let head = bytes.get(at..at + 16)?;
    let length = u32::from_le_bytes(*head.first_chunk()?);
    bytes.get(at + 16..)?.get(..usize::try_from(length).ok()?)
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [Some(high), Some(low)] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or("a salt is not hexadecimal".to_owned())
}
