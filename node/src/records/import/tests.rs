//! What an import makes of good files and of bad ones.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod bad_files;
mod bounds;
mod credentials;
mod fuzz;
mod good_files;
mod language;
mod oulad;
mod parquet_files;
mod pdp;

use std::fs;
use std::path::{Path, PathBuf};

use sumac_keys::NodeSecret;
use sumac_policy::{Mou, Schema, TableName, standard};
use tempfile::TempDir;

use super::*;
use crate::records::canonical::{Canonical, Rows, Values};
use crate::records::rows;

/// Fills the learner and enrolment tables from one file.
const MAPPING: &str = r#"
format = "sumac-mapping/1"
title  = "Test extract"

[[table]]
table  = "learner"
person = "ID"

[table.columns]
sex            = { from = "GENDER", codes = { M = "M", F = "F" } }
race_ethnicity = "RACE"

[[table]]
table  = "enrolment"
person = "ID"

[table.columns]
term_start     = { from = "START", date = "%m/%d/%Y" }
credits_earned = { from = "CREDITS", hundredths = true }
cohort_year    = "COHORT"
status         = { value = "enrolled" }
"#;

const HEADER: &str = "ID,GENDER,RACE,START,CREDITS,COHORT\n";

/// Rows under [`HEADER`].
fn rows(rows: &str) -> String {
    format!("{HEADER}{rows}")
}

/// Files in a directory, read through one mapping each.
struct Files {
    directory: TempDir,
    sources: Vec<Source>,
    only: Vec<Only>,
}

impl Files {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), sources: Vec::new(), only: Vec::new() }
    }

    fn one(mapping: &str, text: impl AsRef<[u8]>) -> Self {
        Self::new().and("students.csv", mapping, text)
    }

    fn and(mut self, name: &str, mapping: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        let mapping = Mapping::read(mapping.as_bytes(), &PathBuf::from("m.toml"), schema());
        let mapping = mapping.unwrap_or_else(|error| panic!("{error}"));
        self.sources.push(Source::file(path, mapping));
        self
    }

    fn only(mut self, only: &str) -> Self {
        self.only.push(only.parse().unwrap());
        self
    }

    fn read(&self) -> Result<(Canonical, Summary), ImportError> {
        canonical(&self.sources, &self.only, schema(), self.directory.path())
    }

    /// What the operator sees, with the names of the files alone.
    fn problems(&self) -> String {
        let error = self.read().unwrap_err();
        let directory = format!("{}/", self.directory.path().display());
        error.to_string().replace(&directory, "").replace("nothing was imported:\n", "")
    }
}

/// The rows that an import of these files would freeze, and what it would tell the operator.
fn canonical(
    sources: &[Source],
    only: &[Only],
    schema: &Schema,
    into: &Path,
) -> Result<(Canonical, Summary), ImportError> {
    let read =
        || as_stated(into, schema, |freezing| super::read(sources, only, freezing, &mut |_| ()));
    let written = |read: Read| as_stated(into, schema, |freezing| read.write(sources, freezing));
    let (_, summary) = written(read()?)?;
    let merge = rows::merge(read()?.drafts).unwrap();
    let tables: Vec<_> = merge.tables().map(|(table, layout)| (table, layout.clone())).collect();
    let mut columns: Vec<_> = tables.iter().map(|(_, layout)| layout.empty()).collect();
    let mut persons = vec![Vec::new(); tables.len()];
    let taken = merge.each(&mut columns, |learner, _| {
        for (persons, rows) in persons.iter_mut().zip(learner.rows) {
            persons.extend((0..*rows).map(|_| learner.person));
        }
        Ok::<_, ()>(())
    });
    taken.unwrap();
    let mut canonical = Canonical::default();
    for (((table, layout), columns), person) in tables.into_iter().zip(columns).zip(persons) {
        let names = layout.columns().iter().map(|column| column.name.clone());
        canonical.tables.insert(table, Rows { person, columns: names.zip(columns).collect() });
    }
    Ok((canonical, summary))
}

/// Does this with what an operator states.
fn as_stated<T>(directory: &Path, schema: &Schema, act: impl FnOnce(&Freezing<'_>) -> T) -> T {
    act(&Freezing {
        statement: &Statement { as_of: "2026-07-05".parse().unwrap(), covers: Vec::new() },
        schema,
        withheld: &[],
        secret: &secret(),
        into: &directory.join("snapshots"),
        now: Timestamp::UNIX_EPOCH,
        id_seed: [0; 8],
    })
}

fn schema() -> &'static Schema {
    &standard().schema
}

fn secret() -> NodeSecret {
    NodeSecret::new([7; 32])
}

fn codes<'a>(rows: &'a Rows, column: &str) -> &'a [u16] {
    match values(rows, column) {
        Values::Code(codes) => codes,
        _ => panic!("{column} holds no codes"),
    }
}

fn values<'a>(rows: &'a Rows, column: &str) -> &'a Values {
    &rows.columns.iter().find(|(name, _)| name == column).unwrap().1
}

/// A column of codes as text.
fn words(rows: &Rows, schema: &Schema, table: TableName, column: &str) -> Vec<String> {
    let list = schema.column(table, column).unwrap().kind.codes().unwrap();
    codes(rows, column).iter().map(|code| list[usize::from(*code)].id.clone()).collect()
}
