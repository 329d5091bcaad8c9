//! Reading TOML with a closed vocabulary: each key is taken by name, and what nobody took is an error with
//! its line and the nearest known key. Shared by the MOU, mappings and settings.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use jiff::civil::Date;
use toml_edit::{Document, Item, TableLike, Value};

use crate::nearest::nearest;
use crate::problem::{Problem, Problems, Severity};

/// Longest file read, in bytes.
const MAX_FILE: usize = 1 << 20;

/// A TOML text, and the problems found in it so far.
pub struct Sheet {
    document: Document<String>,
    /// Where each line but the first begins.
    lines: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
}

/// One table of a [`Sheet`], with the keys taken from it.
pub struct Section<'a> {
    sheet: &'a Sheet,
    table: &'a dyn TableLike,
    place: String,
    span: Range<usize>,
    taken: RefCell<Vec<&'static str>>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Its line, from 1.
    pub line: usize,
    /// Its place: `kpi[2].margin`.
    pub place: String,
}

impl Sheet {
    /// Parses a text.
    ///
    /// # Errors
    /// One problem with its line where it is not TOML, not UTF-8, or larger than one MiB.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problems> {
        let problem = |line, message: String, hint: &str| {
            Problems(vec![Problem {
                line,
                place: "file".to_owned(),
                message,
                hint: hint.to_owned(),
                severity: Severity::Error,
            }])
        };
        if bytes.len() > MAX_FILE {
            return Err(problem(1, "larger than 1 MiB".into(), "shorten it"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            problem(line_at(before, before.len()), "not UTF-8".into(), "save it as UTF-8 text")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let document = Document::parse(text.clone()).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            problem(line_at(text.as_bytes(), at), error.message().trim().replace('\n', "; "), "")
        })?;
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = ends.map(|(at, _)| at + 1).collect();
        Ok(Self { document, lines, problems: RefCell::default() })
    }

    /// The whole file as one section.
    pub fn root(&self) -> Section<'_> {
        Section {
            sheet: self,
            table: self.document.as_table(),
            place: String::new(),
            span: 0..0,
            taken: RefCell::default(),
        }
    }

    /// The text as TOML, for those who only walk it.
    pub(crate) fn document(&self) -> &toml_edit::Table {
        self.document.as_table()
    }

    /// Notes a problem.
    pub fn problem(&self, line: usize, place: &str, message: impl Display, hint: impl Display) {
        self.note(Severity::Error, line, place, &message, &hint);
    }

    /// Notes something legal, but unwise.
    pub fn warning(&self, line: usize, place: &str, message: impl Display, hint: impl Display) {
        self.note(Severity::Warning, line, place, &message, &hint);
    }

    fn note(
        &self,
        severity: Severity,
        line: usize,
        place: &str,
        message: &dyn Display,
        hint: &dyn Display,
    ) {
        self.problems.borrow_mut().push(Problem {
            line,
            place: place.to_owned(),
            message: message.to_string(),
            hint: hint.to_string(),
            severity,
        });
    }

    /// Everything found, errors and warnings, in the order of the lines.
    pub fn problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.severity));
        problems
    }

    fn line(&self, at: usize) -> usize {
        1 + self.lines.partition_point(|start| *start <= at)
    }
}

fn line_at(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|byte| **byte == b'\n').count()
}

impl<'a> Section<'a> {
    /// Line on which the section starts.
    pub fn line(&self) -> usize {
        self.sheet.line(self.span.start)
    }

    /// Its place: `kpi[2]`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Notes a problem of the section as a whole.
    pub fn problem(&self, message: impl Display, hint: impl Display) {
        self.sheet.problem(self.line(), &self.place, message, hint);
    }

    /// Notes a problem of one key, on that key's line.
    pub fn problem_at(&self, key: &str, message: impl Display, hint: impl Display) {
        let line = self.table.get_key_value(key).map(|(key, item)| self.line_of(key, item));
        self.sheet.problem(line.unwrap_or(self.line()), &self.at(key), message, hint);
    }

    /// Takes a key if it is there.
    pub fn item(&self, key: &'static str) -> Option<Found<&'a Item>> {
        let mut taken = self.taken.borrow_mut();
        if !taken.contains(&key) {
            taken.push(key);
        }
        let (name, item) = self.table.get_key_value(key)?;
        Some(Found { value: item, line: self.line_of(name, item), place: self.at(key) })
    }

    /// A key that must be there.
    fn needed<T>(&self, key: &'static str, found: Option<T>) -> Option<T> {
        if found.is_none() && self.table.get(key).is_none() {
            let place = if self.place.is_empty() { "file" } else { &self.place };
            self.sheet.problem(
                self.line(),
                place,
                format_args!("`{key}` is missing"),
                format_args!("add `{key} = …`"),
            );
        }
        found
    }

    fn typed<T>(
        &self,
        key: &'static str,
        what: &str,
        read: impl Fn(&'a Item) -> Option<T>,
    ) -> Option<Found<T>> {
        let Found { value: item, line, place } = self.item(key)?;
        match read(item) {
            Some(value) => Some(Found { value, line, place }),
            None => {
                let found = item.type_name();
                self.sheet.problem(
                    line,
                    &place,
                    format_args!("{what} is needed, and this is: {found}"),
                    "",
                );
                None
            }
        }
    }

    /// A text, if it is there.
    pub fn text_if_any(&self, key: &'static str) -> Option<Found<&'a str>> {
        let found = self.typed(key, "a text in quotes", Item::as_str)?;
        self.printable(found.value, found.line, &found.place).then_some(found)
    }

    /// Whether a text says something and does nothing to a terminal or a log.
    fn printable(&self, text: &str, line: usize, place: &str) -> bool {
        if text.trim().is_empty() {
            self.sheet.problem(line, place, "is empty", "say it, or leave it out");
            return false;
        }
        // Line breaks are for long conditions, in triple quotes.
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.sheet.problem(line, place, "holds a control character", "remove it");
            return false;
        }
        true
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<Found<&'a str>> {
        self.needed(key, self.text_if_any(key))
    }

    /// A word with a meaning of its own, if it is there.
    pub fn word_if_any<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Found<T>> {
        let Found { value, line, place } = self.text_if_any(key)?;
        self.parsed(value, line, &place).map(|value| Found { value, line, place })
    }

    /// A word with a meaning of its own.
    pub fn word<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Found<T>> {
        self.needed(key, self.word_if_any(key))
    }

    fn parsed<T: FromStr<Err: Display>>(&self, text: &str, line: usize, place: &str) -> Option<T> {
        text.parse().map_err(|error| self.sheet.problem(line, place, error, "")).ok()
    }

    /// A whole number in a range, if it is there.
    pub fn number_if_any(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Found<i64>> {
        let found = self.typed(key, "a whole number", Item::as_integer)?;
        if !range.contains(&found.value) {
            let (low, high) = (range.start(), range.end());
            self.sheet.problem(
                found.line,
                &found.place,
                format_args!("{} is not from {low} to {high}", found.value),
                "",
            );
            return None;
        }
        Some(found)
    }

    /// A whole number in a range.
    pub fn number(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<Found<i64>> {
        self.needed(key, self.number_if_any(key, range))
    }

    /// `true` or `false`, if it is there.
    pub fn flag_if_any(&self, key: &'static str) -> Option<Found<bool>> {
        self.typed(key, "true or false", Item::as_bool)
    }

    /// A number exactly as it is written, so that nobody rounds it.
    pub fn decimal(&self, key: &'static str) -> Option<Found<String>> {
        self.needed(key, self.decimal_if_any(key))
    }

    /// A number exactly as it is written, if it is there.
    pub fn decimal_if_any(&self, key: &'static str) -> Option<Found<String>> {
        // The document keeps spans into the text, so the digits themselves are there.
        let written =
            |span: Option<Range<usize>>| Some(self.sheet.document.raw().get(span?)?.to_owned());
        self.typed(key, "a number", |item| match item.as_value()? {
            Value::Float(number) => written(number.span()),
            Value::Integer(number) => written(number.span()),
            _ => None,
        })
    }

    /// A day, written without quotes: `2026-01-15`.
    pub fn day(&self, key: &'static str) -> Option<Found<Date>> {
        self.needed(key, self.day_if_any(key))
    }

    /// A day, if it is there.
    pub fn day_if_any(&self, key: &'static str) -> Option<Found<Date>> {
        self.typed(key, "a date such as 2026-01-15, without quotes", |item| {
            let whole = item.as_datetime()?;
            let date = whole.date.filter(|_| whole.time.is_none() && whole.offset.is_none())?;
            let small = |number: u8| i8::try_from(number).ok();
            Date::new(i16::try_from(date.year).ok()?, small(date.month)?, small(date.day)?).ok()
        })
    }

    /// A list, each element with its place, if it is there.
    pub fn list_if_any(&self, key: &'static str) -> Option<Vec<Found<&'a Value>>> {
        let Found { value: array, place, .. } = self.typed(key, "a list in [ ]", Item::as_array)?;
        let elements = array.iter().enumerate().map(|(n, value)| Found {
            value,
            line: self.sheet.line(value.span().map_or(0, |span| span.start)),
            place: format!("{place}[{}]", n + 1),
        });
        Some(elements.collect())
    }

    /// A list of words, each read on its own, if it is there; none if one of them cannot be read.
    pub fn words_if_any<T: FromStr<Err: Display>>(
        &self,
        key: &'static str,
    ) -> Option<Vec<Found<T>>> {
        let word = |Found { value, line, place }: Found<&Value>| {
            let Some(text) = value.as_str() else {
                let found = value.type_name();
                self.sheet.problem(
                    line,
                    &place,
                    format_args!("a text in quotes is needed, and this is: {found}"),
                    "",
                );
                return None;
            };
            if !self.printable(text, line, &place) {
                return None;
            }
            self.parsed(text, line, &place).map(|value| Found { value, line, place })
        };
        // Every word is read before the list is given up, so that every problem is noted.
        let words: Vec<_> = self.list_if_any(key)?.into_iter().map(word).collect();
        words.into_iter().collect()
    }

    /// A list of words, each read on its own.
    pub fn words<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Vec<Found<T>>> {
        self.needed(key, self.words_if_any(key))
    }

    /// A table inside this one, if it is there.
    pub fn section_if_any(&self, key: &'static str) -> Option<Section<'a>> {
        let found = self.typed(key, "a table", Item::as_table_like)?;
        Some(self.inner(key, found))
    }

    /// A table inside this one.
    pub fn section(&self, key: &'static str) -> Option<Section<'a>> {
        self.needed(key, self.section_if_any(key))
    }

    fn inner(&self, key: &str, found: Found<&'a dyn TableLike>) -> Section<'a> {
        let span =
            self.table.get_key_value(key).and_then(|(name, item)| name.span().or(item.span()));
        self.over(found.value, found.place, span.unwrap_or(self.span.clone()))
    }

    fn over(&self, table: &'a dyn TableLike, place: String, span: Range<usize>) -> Section<'a> {
        Section { sheet: self.sheet, table, place, span, taken: RefCell::default() }
    }

    /// Every table of a list: `[[kpi]]`, or inline tables in `[ ]`. Empty if it is absent.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(found) = self.item(key) else { return Vec::new() };
        let place = |n: usize| format!("{}[{}]", found.place, n + 1);
        if let Some(tables) = found.value.as_array_of_tables() {
            let tables = tables.iter().enumerate();
            return tables
                .map(|(n, table)| self.over(table, place(n), table.span().unwrap_or(0..0)))
                .collect();
        }
        let inline = found.value.as_array().map(|array| {
            array.iter().enumerate().map(|(n, value)| {
                let table: &'a dyn TableLike = value.as_inline_table()?;
                Some(self.over(table, place(n), value.span().unwrap_or(0..0)))
            })
        });
        inline.and_then(Iterator::collect).unwrap_or_else(|| {
            self.sheet.problem(
                found.line,
                &found.place,
                "a list of tables is needed",
                format_args!("write [[{}]] above each", found.place),
            );
            Vec::new()
        })
    }

    /// The table under a name that is data, not vocabulary.
    pub fn named(&self, name: &str) -> Option<Section<'a>> {
        self.named_sections().into_iter().find(|(key, _)| *key == name).map(|(_, section)| section)
    }

    /// Every key with its table, for tables whose keys are names: `[roles]`.
    pub fn named_sections(&self) -> Vec<(&'a str, Section<'a>)> {
        let entries = self.entries().into_iter().filter_map(|(key, found)| {
            let Some(table) = found.value.as_table_like() else {
                let kind = found.value.type_name();
                self.sheet.problem(
                    found.line,
                    &found.place,
                    format_args!("a table is needed, and this is: {kind}"),
                    "",
                );
                return None;
            };
            let span =
                self.table.get_key_value(key).and_then(|(name, item)| name.span().or(item.span()));
            Some((key, self.over(table, found.place, span.unwrap_or(0..0))))
        });
        entries.collect()
    }

    /// Every key with its item, for tables whose keys are names.
    pub fn entries(&self) -> Vec<(&'a str, Found<&'a Item>)> {
        let entries = self.table.iter().map(|(key, item)| {
            let line =
                self.table.get_key_value(key).map_or(0, |(name, item)| self.line_of(name, item));
            (key, Found { value: item, line, place: self.at(key) })
        });
        entries.collect()
    }

    /// Ends the section: each key that nobody took is an error. `later` names keys of the format that this
    /// version cannot enforce: they are refused, never ignored.
    pub fn end(&self, later: &[&'static str]) {
        let taken = self.taken.borrow();
        for (key, found) in self.entries() {
            if taken.contains(&key) {
                continue;
            }
            if later.contains(&key) {
                self.sheet.problem(
                    found.line,
                    &found.place,
                    format_args!("this version of sumac cannot enforce `{key}`"),
                    "leave it out, or run a version that can: a clause is never ignored",
                );
                continue;
            }
            let hint = match nearest(key, taken.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", taken.join(", ")),
            };
            self.sheet.problem(found.line, &found.place, format_args!("unknown key `{key}`"), hint);
        }
    }

    fn at(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    fn line_of(&self, key: &toml_edit::Key, item: &Item) -> usize {
        self.sheet.line(key.span().or(item.span()).map_or(self.span.start, |span| span.start))
    }
}
