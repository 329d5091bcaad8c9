//! Reads a ledger by what `docs/ledger.md` says, without a line of the node's own code.

mod restored;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use sumac_node::day_of;
use sumac_policy::Sha256;

pub(super) use self::restored::{Heard, Loss, Lost, Name, Restored, Resumed};
use crate::bodies::bodies;

/// What a ledger says, as far as it was ever acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    /// The file up to there.
    pub(super) bytes: Vec<u8>,
    /// The versions of the MOU that it went by, in order.
    pub(super) mous: Vec<String>,
    /// In order, those that came back after a restore among them.
    pub(super) charges: Vec<Charge>,
    /// Revisions that an operator ordered, by table, in order.
    pub(super) orders: Vec<(String, u64)>,
    /// The pause that was said last, and not lifted: its last day, or none if it has no end.
    pub(super) paused: Option<Option<Date>>,
    /// The body of each release, by table and revision.
    pub(super) releases: BTreeMap<(String, u64), Vec<u8>>,
    /// The root of every head, by its size.
    pub(super) heads: BTreeMap<u64, String>,
    /// The place of the last question that an analyst of each party asked.
    pub(super) asked: BTreeMap<String, u64>,
    /// In order.
    pub(super) restores: Vec<Restored>,
    pub(super) resumed: Vec<Resumed>,
    /// Tables that are not answered at a revision before it comes back.
    pub(super) lost: Vec<Lost>,
    /// Every body that lies beside the log.
    bodies: Arc<BTreeMap<u64, Vec<u8>>>,
    records: Arc<Vec<Value>>,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Charge {
    /// The record's place.
    pub(super) seq: u64,
    /// Whether it came back after a restore.
    pub(super) is_recovered: bool,
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
    /// What names the table, and what was paid.
    fn read(named: &Value, paid: &Value, seq: u64, is_recovered: bool) -> Result<Self, String> {
        let (kpi, period, breakdown) = restored::name(paid)?;
        Ok(Self {
            seq,
            is_recovered,
            table: text(&named["table"])?,
            revision: number(&named["revision"])?,
            year: text(&paid["year"])?,
            price_nano_rho: number(&paid["price_nano_rho"])?,
            margin: number(&paid["margin"])?,
            mou: text(&paid["mou"])?,
            kpi,
            period,
            breakdown,
        })
    }

    /// KPI, period, and dimensions in the order of their names.
    pub(super) fn name(&self) -> Name {
        (self.kpi.clone(), self.period.clone(), self.breakdown.clone())
    }

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
        let mut ledger = Self { bodies: Arc::new(bodies(folder)?), ..Self::default() };
        let mut at = 16;
        let (mut waiting, mut records) = (Vec::new(), Vec::new());
        while let Some(payload) = payload(&bytes, at) {
            // What is no JSON yet is on its way to the disk.
            let Ok(value) = serde_json::from_slice::<Value>(payload) else { break };
            at += 16 + payload.len();
            if value.get("event").is_some() {
                waiting.push(value);
                continue;
            }
            // A head: all that lies below it is acknowledged.
            for record in waiting.drain(..) {
                ledger.take_in(&record)?;
                records.push(record);
            }
            ledger.heads.insert(number(&value["size"])?, text(&value["root"])?);
            ledger.bytes = bytes[..at].to_vec();
        }
        ledger.records = Arc::new(records);
        Ok(ledger)
    }

    /// What it said before the record at this place, but for its bytes and heads.
    pub(super) fn before(&self, seq: u64) -> Result<Self, String> {
        let mut ledger = Self { bodies: self.bodies.clone(), ..Self::default() };
        for record in self.records.iter().take_while(|record| record["seq"] != seq) {
            ledger.take_in(record)?;
        }
        Ok(ledger)
    }

    fn take_in(&mut self, record: &Value) -> Result<(), String> {
        let event = &record["event"];
        let seq = number(&record["seq"])?;
        if let Some(asked) = event.get("asked") {
            let peer = text(&asked["peer"])?;
            let path: Vec<_> = peer.trim_start_matches("sumac://").split('/').collect();
            if let [party, "analyst", _] = path.as_slice() {
                self.asked.insert((*party).to_owned(), seq);
            }
        }
        if let Some(charged) = event.get("charged") {
            self.charges.push(Charge::read(charged, charged, seq, false)?);
        }
        if let Some(restored) = event.get("restored") {
            self.restored(restored)?;
        }
        if let Some(recovered) = event.get("recovered") {
            self.recovered(recovered, seq)?;
        }
        if let Some(heard) = event.get("heard") {
            self.heard(heard)?;
        }
        if let Some(resumed) = event.get("resumed") {
            let at: Timestamp = text(&record["at"])?.parse().map_err(|_| "no time")?;
            self.resumed(resumed, seq, day_of(at))?;
        }
        if event.get("stopped").is_some() {
            return Err("an asker was shown another log".to_owned());
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
        if let Some(released) = event.get("released").or(event.get("recovered")) {
            let key = (text(&released["table"])?, number(&released["revision"])?);
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
        self.spent_below(u64::MAX, Some(year))
    }

    /// What all years have spent, in nano-ρ.
    pub(super) fn lifetime_nano_rho(&self) -> u64 {
        self.spent_below(u64::MAX, None)
    }

    /// What a year, or all of them, had spent by the records below a head, in nano-ρ.
    pub(super) fn spent_below(&self, size: u64, year: Option<&str>) -> u64 {
        let counts = |paid: &String| year.is_none_or(|year| year == paid);
        let charges = self.charges.iter();
        let charges = charges.filter(|charge| charge.seq < size && counts(&charge.year));
        let resumed = self.resumed.iter().filter(|resumed| resumed.seq < size);
        let losses = resumed.map(|resumed| &resumed.loss);
        let losses = losses.filter(|loss| loss.years.iter().any(counts));
        charges.map(|charge| charge.price_nano_rho).sum::<u64>()
            + losses.map(|loss| loss.nano_rho).sum::<u64>()
    }
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or("a text is missing".to_owned())
}

fn number(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or("a number is missing".to_owned())
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    value.as_array().ok_or("a list is missing")?.iter().map(text).collect()
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
