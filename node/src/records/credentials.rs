//! Open Badges 3.0 and CLR 2.0: a file, a folder or an archive of credentials becomes award rows. What is
//! believed, and on whose word, is the operator's to say; nothing is ever fetched. Told in
//! `docs/credentials.md`.

mod archive;
mod desk;
mod document;
mod fault;
mod folder;
mod form;
mod judge;
mod jwt;
mod key;
mod linked;
mod proof;
mod status;
mod tally;
mod taxonomy;
#[cfg(test)]
mod tests;
mod trust;
mod unbake;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sumac_keys::NodeSecret;

use self::desk::Desk;
pub(super) use self::form::{Form, form};
use self::judge::{Award, Judge, Verdict};
pub(super) use self::tally::Tally;
use self::taxonomy::{COLUMNS, Codes};
use super::canonical::PersonKey;
use super::mapping::{Cell, Fill, TableMapping};

/// What a source of credentials holds.
pub(super) struct Harvest {
    pub(super) rows: Vec<AwardRow>,
    pub(super) tally: Tally,
}

/// An award about to become a row.
pub(super) struct AwardRow {
    pub(super) person: PersonKey,
    /// Days since 1970-01-01.
    awarded_on: i32,
    /// Equal for copies of one credential.
    pub(super) mark: u64,
    codes: Codes,
    from_clr: bool,
    verified: bool,
}

/// Why nothing can be taken from a source of credentials: a file of the operator's, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HarvestFault {
    pub(super) path: PathBuf,
    pub(super) what: String,
}

/// Reads every credential at a path. `told` is given the bytes read so far.
pub(super) fn harvest(
    path: &Path,
    form: &Form,
    secret: &NodeSecret,
    now: Timestamp,
    told: &mut dyn FnMut(u64),
) -> Result<Harvest, HarvestFault> {
    let desk = Desk::open(form);
    let desk = desk.map_err(|fault| HarvestFault { path: fault.path, what: fault.what })?;
    let judge = Judge { desk: &desk, person: &form.person, now };
    let mut tally = Tally::new(form.import_unverified);
    let mut rows: Vec<AwardRow> = Vec::new();
    let mut known: HashMap<[u8; 16], usize> = HashMap::new();
    let mut bytes = 0_u64;
    let passed = folder::walk(path, &mut |found| {
        bytes += found.bytes.as_ref().map_or(0, Vec::len) as u64;
        tally.file();
        for verdict in judge.file(&found.name, found.bytes) {
            tally.note(&found.name, &verdict);
            let Verdict::Award(award, doubt) = verdict else { continue };
            if doubt.is_some() && !form.import_unverified {
                continue;
            }
            let row = AwardRow::new(&award, doubt.is_none(), secret);
            let Some(at) = known.get(&award.key) else {
                known.insert(award.key, rows.len());
                rows.push(row);
                continue;
            };
            // Of two with one id, the one that is known to be genuine counts.
            tally.copy();
            if let Some(first) = rows.get_mut(*at).filter(|first| row.verified && !first.verified) {
                *first = row;
            }
        }
        told(bytes);
    });
    let passed =
        passed.map_err(|fault| HarvestFault { path: path.to_owned(), what: fault.to_string() })?;
    tally.passed_over(passed);
    tally.imported(rows.iter().map(|row| row.verified));
    Ok(Harvest { rows, tally })
}

impl AwardRow {
    fn new(award: &Award, verified: bool, secret: &NodeSecret) -> Self {
        Self {
            person: secret.person_key(&award.person),
            awarded_on: award.awarded_on,
            mark: award.key.first_chunk().map_or(0, |half| u64::from_be_bytes(*half)),
            codes: award.placed.codes,
            from_clr: award.from_clr,
            verified,
        }
    }

    /// Its place among the rows of its learner.
    pub(super) fn order(&self) -> i64 {
        i64::from(self.awarded_on)
    }

    /// The row's value in a column of the table.
    pub(super) fn cell(&self, form: &Form, table: &TableMapping, column: &str) -> Option<Cell> {
        let code = COLUMNS.iter().zip(self.codes).find(|(known, _)| **known == column);
        match (column, code) {
            ("awarded_on", _) => Some(Cell::Date(Some(self.awarded_on))),
            ("source", _) => {
                let [badge, clr] = form.sources;
                Some(Cell::Code(if self.from_clr { clr } else { badge }))
            }
            (_, Some((_, Some(code)))) => Some(Cell::Code(code)),
            // Neither credential nor taxonomy says anything.
            _ => match &table.columns.iter().find(|known| known.column == column)?.fill {
                Fill::Constant(silent) => Some(*silent),
                _ => None,
            },
        }
    }
}
