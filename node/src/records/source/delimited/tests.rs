//! Every shape that exports come in, and what is said of those that make no sense.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Cursor;

use encoding_rs::{Encoding, UTF_16LE, WINDOWS_1252};
use proptest::prelude::*;

use super::*;

/// A file that gives a few bytes at a time, as a slow disk may.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(buffer.get_mut(..count).unwrap_or_default())
    }
}

fn open(text: &[u8], shape: &Shape) -> Result<Delimited, Fault> {
    Delimited::over(Vec::new(), Box::new(Cursor::new(text.to_vec())), shape)
}

type Rows = Vec<(u64, Vec<String>)>;

fn rows(text: &[u8]) -> Result<Rows, Fault> {
    rows_of(open(text, &Shape::default())?)
}

fn rows_of(mut export: impl Export) -> Result<Rows, Fault> {
    let mut rows = Vec::new();
    while let Some(row) = export.next()? {
        let Spot::Line(line) = row.spot else { unreachable!("a text has lines") };
        rows.push((line, (0..row.len()).map(|at| row.get(at).to_string()).collect()));
    }
    Ok(rows)
}

fn expected(rows: &[(u64, &[&str])]) -> Rows {
    let owned = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect();
    rows.iter().map(|(line, fields)| (*line, owned(fields))).collect()
}

fn check(text: &str, rows_then: &[(u64, &[&str])]) {
    assert_eq!(rows(text.as_bytes()).unwrap(), expected(rows_then), "{text:?}");
}

fn check_shape(text: &[u8], shape: &Shape, rows_then: &[(u64, &[&str])]) {
    assert_eq!(rows_of(open(text, shape).unwrap()).unwrap(), expected(rows_then), "{text:?}");
}

#[test]
fn reads_what_partners_export() {
    check("A,B\n1,2\n", &[(2, &["1", "2"])]);
    check("\u{feff}A;B\r\n1;2\r\n3;4", &[(2, &["1", "2"]), (3, &["3", "4"])]);
    check("A\tB\n1\t2\n", &[(2, &["1", "2"])]);
    check("A|B\n1|2,3\n", &[(2, &["1", "2,3"])]);
    check("A\n1\n2\n", &[(2, &["1"]), (3, &["2"])]);
    check(
        "\"A\",\"B\"\r\n\"1\",\"x,\r\ny\"\r\n\"3\" ,\"4\"\r\n",
        &[(2, &["1", "x,\r\ny"]), (4, &["3", "4"])],
    );
    check(
        "A,B\r\n\r\n1,\"say \"\"x\"\"\"\r\n\r\n\r\n3,4\r\n",
        &[(3, &["1", "say \"x\""]), (6, &["3", "4"])],
    );
    check("\r\nA,B\r\n1,5\" pipe\r\n", &[(3, &["1", "5\" pipe"])]);
    check("A, B\n1, \"x, y\"\n", &[(2, &["1", "x, y"])]);
    check("sep=|\r\nA|B\r\n1|2\r\n", &[(3, &["1", "2"])]);
    check("A,B\n\"\",\"\"\"\"\n", &[(2, &["", "\""])]);
}

#[test]
fn reads_lines_that_end_in_a_carriage_return_alone() {
    check("A,B\r1,2\r\"3\n\",4\r", &[(2, &["1", "2"]), (3, &["3", "4"])]);
    check("A,B\r\r\n1,2\r\r\n", &[(3, &["1", "2"])]);
    // A stray one in a file of other line ends is a blank.
    check("A,B\n1\r,2\n", &[(2, &["1", "2"])]);
}

#[test]
fn reads_the_encodings_that_are_stated_or_marked() {
    let text = "A;B\r\né;“2”\r\n";
    let then: &[(u64, &[&str])] = &[(2, &["é", "“2”"])];
    let utf16 = |mark: bool, big: bool| {
        let units = mark.then_some('\u{feff}').into_iter().chain(text.chars());
        let mut pair = [0; 2];
        let units = units.flat_map(|c| c.encode_utf16(&mut pair).to_vec()).collect::<Vec<_>>();
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        units.into_iter().flat_map(bytes).collect::<Vec<_>>()
    };
    let stated =
        |encoding: &'static Encoding| Shape { encoding: Some(encoding), ..Shape::default() };
    check_shape(&utf16(true, false), &Shape::default(), then);
    check_shape(&utf16(true, true), &Shape::default(), then);
    check_shape(&utf16(false, false), &stated(UTF_16LE), then);
    let (windows, _, _) = WINDOWS_1252.encode(text);
    check_shape(&windows, &stated(WINDOWS_1252), then);
    // A mark says more than a mapping written for last year's file.
    check_shape(format!("\u{feff}{text}").as_bytes(), &stated(WINDOWS_1252), then);
    refuses(&utf16(false, false), "zero bytes", None);
}

#[test]
fn quotes_as_the_mapping_says() {
    let quote = |quote| Shape { quote, ..Shape::default() };
    check_shape(b"'A','B'\n'1,2','it''s'\n", &quote(Quote::Single), &[(2, &["1,2", "it's"])]);
    check_shape(b"A|B\n\"1|2\"\n", &quote(Quote::None), &[(2, &["\"1", "2\""])]);
}

#[test]
fn passes_over_headers_repeated_and_delimiters_at_the_end() {
    check("A,B\n1,2\nA,B\n\u{feff}A,B\n3,4\n", &[(2, &["1", "2"]), (5, &["3", "4"])]);
    check("A,B,\n1,2,\n", &[(2, &["1", "2", ""])]);
    check("A,B\n1,2,\n3,4, \n", &[(2, &["1", "2"]), (3, &["3", "4"])]);
    check("A,B,\n1,2\n3,4\n", &[(2, &["1", "2"]), (3, &["3", "4"])]);
    // Once seen, in every row: one that lacks it, or fills it, is another row than it seems.
    refuses(b"A,B\n1,2,\n3,4\n", "has 2 values", Some(3));
    refuses(b"A,B\n1,2,\n3,4,5\n", "has 3 values", Some(3));
    refuses(b"A,B\n1,2\n3,4,\n", "has 3 values", Some(3));
    let export = open(b"A,B\n1,2\nA,B\n", &Shape::default()).unwrap();
    let mut export = export;
    while export.next().unwrap().is_some() {}
    assert_eq!(export.notes(), ["the header stands 1 times more among the rows"]);
}

#[test]
fn squeezes_the_names_of_columns() {
    let text = "\u{feff} A ,\"B\t\",Student \t ID,\u{a0}C\r\n".as_bytes();
    assert_eq!(open(text, &Shape::default()).unwrap().header(), ["A", "B", "Student ID", "C"]);
}

fn refuses(text: &[u8], words: &str, line: Option<u64>) {
    let fault = rows(text).unwrap_err();
    assert!(fault.message.contains(words), "{fault:?}");
    assert_eq!(fault.spot, line.map(Spot::Line), "{fault:?}");
}

#[test]
fn says_what_is_wrong_and_on_which_line() {
    refuses(b"", "is empty", None);
    refuses(b"\r\n\r\n", "is empty", None);
    refuses(b"A,B\n1,2\n3\n", "has 1 values, and the header has 2", Some(3));
    refuses(b"A,B\n1,\"x\ny\"\n3,4,5\n", "has 3 values", Some(4));
    refuses(b"A,B\n1,2\n3", "cut short", Some(3));
    refuses(b"A,B\n1,2\n3,\"4\n5,6\n", "never closed", Some(3));
    refuses(b"\"A\",\"B\"\n\"1\",\"2\n\"3\",\"4\"\n", "goes on", Some(2));
    refuses(b"A,B\n1,caf\xe9\n", "not UTF-8", Some(2));
    refuses(b"\xff\xfeA\0,\0B\0\n\x001\0,\0\x00\xd8\n\x00", "not UTF-16LE text", Some(2));
    let mut long = b"A,B\n1,\"2\n".to_vec();
    long.resize(3 << 20, b'x');
    refuses(&long, "never closed", Some(2));
    let mut long = b"A,B\n1,2\n".to_vec();
    long.resize(3 << 20, b'x');
    refuses(&long, "longer than 1 MiB", Some(3));
    refuses(&vec![b'x'; 3 << 20], "first line longer", None);
}

proptest! {
    #[test]
    fn reads_back_what_any_writer_wrote(
        table in (1_usize..5).prop_flat_map(|columns| {
            let field = "[a-z0-9 ,;\t|\"\r\n\u{e9}]{0,8}".prop_map(|text| text.trim().to_owned());
            prop::collection::vec(prop::collection::vec(field, columns), 1..20)
        }),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        always: bool,
        ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        bom: bool,
        dribble in 1_usize..50,
    ) {
        let mut text = if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        let terminator = match ending {
            "\r\n" => csv::Terminator::CRLF,
            one => csv::Terminator::Any(one.as_bytes().first().copied().unwrap_or(b'\n')),
        };
        let style = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(style)
            .terminator(terminator)
            .from_writer(&mut text);
        let columns = table.first().map_or(0, Vec::len);
        writer.write_record((0..columns).map(|n| format!("column_{n}"))).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);

        let blank = |row: &[String]| row.len() == 1 && row.iter().all(String::is_empty);
        let written: Vec<_> = table.into_iter().filter(|row| !blank(row)).collect();
        // One column shows no delimiter.
        let stated = (columns == 1).then_some(delimiter);
        let shape = Shape { delimiter: stated, ..Shape::default() };
        let file = Box::new(Dribble(Cursor::new(text), dribble));
        let export = Delimited::over(Vec::new(), file, &shape).unwrap();
        let read: Vec<_> = rows_of(export).unwrap().into_iter().map(|(_, row)| row).collect();
        prop_assert_eq!(read, written);
    }
}
