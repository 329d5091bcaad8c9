//! `[file]`: how the export is laid out as a text.

use encoding_rs::{Encoding, REPLACEMENT};
use sumac_policy::section::Section;

use super::super::super::source::{Quote, Shape};
use super::super::{Names, in_small_letters};
use super::names::{listed, texts_of};

/// What `[file]` says.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) shape: Shape,
    /// Texts that stand for blank in every column, in small letters.
    pub(super) absent: Vec<String>,
    pub(super) passed_over: Option<Vec<Names>>,
}

pub(super) fn layout(section: Section<'_>) -> Layout {
    let shape = Shape {
        delimiter: delimiter(&section),
        quote: quote(&section),
        encoding: encoding(&section),
    };
    let absent = match section.item("absent").map(|found| texts_of(found.value)) {
        None => Vec::new(),
        Some(Some(texts)) => in_small_letters(texts),
        Some(None) => {
            let hint = "write [\"NULL\"]";
            section.problem_at("absent", "the texts that stand for blank are needed", hint);
            Vec::new()
        }
    };
    let passed_over = section.item("passed_over").and_then(|_| listed(&section, "passed_over"));
    section.end(&[]);
    Layout { shape, absent, passed_over }
}

fn delimiter(section: &Section<'_>) -> Option<u8> {
    let found = section.item("delimiter")?;
    let byte = match found.value.as_str().map(str::as_bytes) {
        Some([byte @ (b',' | b';' | b'\t' | b'|' | b'^' | b'~')]) => Some(*byte),
        _ => None,
    };
    if byte.is_none() {
        section.problem_at(
            "delimiter",
            "is not a delimiter",
            r#"use ",", ";", "\t", "|", "^" or "~", or leave it out: the header shows which it is"#,
        );
    }
    byte
}

fn quote(section: &Section<'_>) -> Quote {
    match section.item("quote").map(|found| found.value.as_str()) {
        None | Some(Some("\"")) => Quote::Double,
        Some(Some("'")) => Quote::Single,
        Some(Some("none")) => Quote::None,
        Some(_) => {
            section.problem_at(
                "quote",
                "is not a way to quote",
                r#"use "'" or "none", or leave it out for quotation marks"#,
            );
            Quote::Double
        }
    }
}

fn encoding(section: &Section<'_>) -> Option<&'static Encoding> {
    let found = section.text_if_any("encoding")?;
    let encoding = Encoding::for_label_no_replacement(found.value.as_bytes());
    if encoding.is_none_or(|encoding| encoding == REPLACEMENT) {
        section.problem_at(
            "encoding",
            format_args!("`{}` is not an encoding that is known here", found.value),
            "use \"windows-1252\", \"iso-8859-1\", \"utf-16le\" or another label of the WHATWG Encoding Standard; leave it out for UTF-8",
        );
    }
    encoding
}
