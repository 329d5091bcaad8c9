//! Parquet files through the same mapping as CSV: the same rows, and problems that name column and place.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, ListArray,
    StringArray,
};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use sumac_policy::TableName::{Enrolment, Learner};

use super::*;

fn file(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// The columns of [`MAPPING`], of the types that a warehouse gives them.
fn columns() -> Vec<(&'static str, ArrayRef)> {
    let credits = Decimal128Array::from(vec![Some(125_000), None]);
    vec![
        ("RACE", Arc::new(Int32Array::from(vec![7, 1]))),
        ("ID", Arc::new(Int32Array::from(vec![101, 102]))),
        ("GENDER", texts(&["F", "m"])),
        ("START", Arc::new(Date32Array::from(vec![20_332, 20_463]))),
        ("CREDITS", Arc::new(credits.with_precision_and_scale(9, 4).unwrap())),
        ("COHORT", Arc::new(Float64Array::from(vec![2025.0, 2025.0]))),
    ]
}

fn with(name: &str, array: ArrayRef) -> Vec<u8> {
    let mut columns = columns();
    let column = columns.iter_mut().find(|(known, _)| *known == name).unwrap();
    column.1 = array;
    file(&columns)
}

#[test]
fn reads_the_same_rows_as_from_csv() {
    let text = rows("101,F,7,09/01/2025,12.5,2025\n102,M,1,01/10/2026,,2025\n");
    let (csv, _) = Files::one(MAPPING, text).read().unwrap();
    let files = Files::new().and("students.parquet", MAPPING, file(&columns()));
    let (parquet, _) = files.read().unwrap();
    assert_eq!(parquet, csv);
}

#[test]
fn takes_a_flag_for_yes_or_no() {
    let mapping = MAPPING.replace("cohort_year    = \"COHORT\"", "retained = \"COHORT\"");
    let bytes = with("COHORT", Arc::new(BooleanArray::from(vec![Some(true), None])));
    let (read, _) = Files::new().and("students.parquet", &mapping, bytes).read().unwrap();
    let mut retained = words(&read.tables[&Enrolment], schema(), Enrolment, "retained");
    retained.sort();
    assert_eq!(retained, ["Y", "unknown"]);
    assert_eq!(read.tables[&Learner].person.len(), 2);
}

#[test]
fn says_what_does_not_fit_by_column_and_row() {
    let ten = Decimal128Array::from(vec![Some(1), Some(10_i128.pow(9))]);
    let ten = ten.with_precision_and_scale(10, 0).unwrap();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None]);
    for (name, array, expected) in [
        (
            "START",
            texts(&["2025-09-01", "x"]),
            "row 1, column `START`: `2025-09-01` is not a date written as %m/%d/%Y",
        ),
        (
            "START",
            Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef,
            "row 1, column `START`: `1` is not a date",
        ),
        (
            "START",
            Arc::new(Date32Array::from(vec![0, 2_932_896])),
            "row 2, column `START`: `9999-12-31` is outside the years",
        ),
        ("CREDITS", Arc::new(ten), "row 2, column `CREDITS`: `1000000000` is not from 0 to"),
        (
            "CREDITS",
            Arc::new(Float64Array::from(vec![0.1 + 0.2, 1.0])),
            "row 1, column `CREDITS`: `0.30000000000000004` has more than two decimals",
        ),
        (
            "CREDITS",
            Arc::new(lists),
            "`students.parquet`, column `CREDITS`: holds lists, not values",
        ),
        (
            "COHORT",
            Arc::new(Date32Array::from(vec![0, 1])),
            "row 1, column `COHORT`: `1970-01-01` is not a year",
        ),
        (
            "ID",
            Arc::new(Int32Array::from(vec![Some(1), None])),
            "row 2, column `ID`: the row does not say whose it is",
        ),
    ] {
        let files = Files::new().and("students.parquet", MAPPING, with(name, array));
        let problems = files.problems();
        assert!(problems.contains(expected), "{problems}\nexpected: {expected}");
    }
    let fewer: Vec<_> = columns().into_iter().filter(|(name, _)| *name != "GENDER").collect();
    let problems = Files::new().and("students.parquet", MAPPING, file(&fewer)).problems();
    assert!(
        problems.starts_with("`students.parquet`, column `GENDER`: the header has no such column"),
        "{problems}"
    );
}

#[test]
fn does_not_take_a_number_for_a_code_whose_zeros_it_lost() {
    let mapping =
        MAPPING.replace("cohort_year    = \"COHORT\"", "cip2 = { from = \"COHORT\", first = 2 }");
    let bytes = with("COHORT", Arc::new(Int32Array::from(vec![110_101, 10_101])));
    let problems = Files::new().and("students.parquet", &mapping, bytes).problems();
    assert!(
        problems.contains("row 1, column `COHORT`: `110101` is a number, which has lost"),
        "{problems}"
    );
}
