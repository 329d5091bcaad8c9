//! What columns of every type say, and what is said of files that do not decode.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int16Array, ListArray, StringArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::records::source::{Field, Shape, open};

fn file(columns: &[(&str, ArrayRef)], compression: Compression, rows_in_group: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(rows_in_group))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<String>, Fault> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut export = open(file.path(), &Shape::default())?;
    let mut rows = Vec::new();
    while let Some(row) = export.next()? {
        let fields: Vec<_> = (0..row.len()).map(|at| row.get(at).to_string()).collect();
        rows.push(format!("{}: {}", row.spot, fields.join("|")));
    }
    Ok(rows)
}

fn every_type() -> Vec<(&'static str, ArrayRef)> {
    let cents = Decimal128Array::from(vec![Some(4_160_050), Some(-5), None]);
    let bytes: Vec<&[u8]> = vec![b"caf\xc3\xa9", b"", b"x"];
    let seconds = vec![Some(-1), Some(1_756_684_800_000_000), None];
    vec![
        ("text", Arc::new(StringArray::from(vec![Some(" a "), None, Some("")])) as ArrayRef),
        ("dictionary", Arc::new(DictionaryArray::<Int32Type>::from_iter(["x", "y", "x"]))),
        ("bytes", Arc::new(BinaryArray::from(bytes))),
        ("whole", Arc::new(Int16Array::from(vec![Some(-3), None, Some(7)]))),
        ("large", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1]))),
        ("decimal", Arc::new(cents.with_precision_and_scale(12, 2).unwrap())),
        ("single", Arc::new(Float32Array::from(vec![0.1, 12_345.0, f32::NAN]))),
        ("double", Arc::new(Float64Array::from(vec![Some(41_600.5), Some(3.0), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(20_332), None]))),
        ("instant", Arc::new(TimestampMicrosecondArray::from(seconds.clone()))),
        ("utc", Arc::new(TimestampMicrosecondArray::from(seconds).with_timezone("UTC"))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
    ]
}

#[test]
fn says_what_every_type_says() {
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())]
    {
        let rows = read(&file(&every_type(), compression, 2)).unwrap();
        assert_eq!(
            rows,
            [
                "row 1: a|x|café|-3|18446744073709551615|41600.50|0.1|41600.5|1970-01-01|1969-12-31|1969-12-31|true",
                "row 2: |y|||0|-0.05|12345|3|2025-09-01|2025-09-01|2025-09-01|false",
                "row 3: |x|x|7|1|||||||",
            ]
        );
    }
}

#[test]
fn keeps_numbers_and_days_what_they_are() {
    let bytes = file(&every_type(), Compression::UNCOMPRESSED, 10);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let mut export = open(file.path(), &Shape::default()).unwrap();
    let row = export.next().unwrap().unwrap();
    assert_eq!(row.get(5), Field::Number { digits: 4_160_050, scale: 2 });
    assert_eq!(row.get(8), Field::Day(0));
    assert_eq!(row.get(11), Field::Flag(true));
}

#[test]
fn says_why_a_column_cannot_be_read_and_reads_the_others() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let there = TimestampMicrosecondArray::from(vec![0]).with_timezone("America/Chicago");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("list", Arc::new(lists)),
        ("there", Arc::new(there)),
        ("text", Arc::new(StringArray::from(vec!["a"]))),
    ];
    let bytes = file(&columns, Compression::UNCOMPRESSED, 10);
    assert_eq!(read(&bytes).unwrap(), ["row 1: ||a"]);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let export = open(file.path(), &Shape::default()).unwrap();
    assert_eq!(export.unreadable(0).unwrap(), "holds lists, not values");
    // Instants are kept in UTC, where it may be another day.
    assert!(export.unreadable(1).unwrap().contains("America/Chicago"));
    assert_eq!(export.unreadable(2), None);
}

#[test]
fn names_the_row_group_and_column_that_does_not_decode() {
    let texts = StringArray::from_iter_values((0..4_000).map(|n| format!("value {n}")));
    let columns: Vec<(&str, ArrayRef)> =
        vec![("good", Arc::new(texts.clone())), ("bad", Arc::new(texts))];
    let bytes = file(&columns, Compression::ZSTD(ZstdLevel::default()), 2_000);
    let metadata = ArrowReaderMetadata::load(
        &tonic::codegen::Bytes::from(bytes.clone()),
        ArrowReaderOptions::default(),
    )
    .unwrap();
    let (start, length) = metadata.metadata().row_group(1).column(1).byte_range();
    let mut corrupt = bytes.clone();
    let middle = usize::try_from(start + length / 2).unwrap();
    corrupt.iter_mut().skip(middle).take(64).for_each(|byte| *byte ^= 0x5a);
    let fault = read(&corrupt).unwrap_err();
    assert!(fault.message.starts_with("does not decode"), "{fault:?}");
    assert_eq!(fault.spot, Some(Spot::Group(2)));
    assert_eq!(fault.column.as_deref(), Some("bad"));

    let cut = bytes.get(..bytes.len() / 2).unwrap();
    let fault = read(cut).unwrap_err();
    assert!(fault.message.starts_with("is not a whole Parquet file"), "{fault:?}");
}

/// Bytes turned at random give rows or one error, and never bring the import down.
#[test]
fn survives_any_bytes() {
    let bytes = file(&every_type(), Compression::SNAPPY, 2);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut refused = 0;
    for _ in 0..400 {
        let mut turned = bytes.clone();
        for _ in 0..=rng.next_u32() % 4 {
            let at = 4 + rng.next_u32() as usize % (turned.len() - 4);
            if let Some(byte) = turned.get_mut(at) {
                *byte = rng.next_u64().to_le_bytes()[0];
            }
        }
        refused += u32::from(read(&turned).is_err());
    }
    assert!(refused > 100, "{refused}");
}
