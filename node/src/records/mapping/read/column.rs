//! One entry of `[table.columns]`: what fills a canonical column.

use jiff::civil::Date;
use sumac_policy::section::Section;
use sumac_policy::{Code, Column, Kind, YearStart};
use toml_edit::Item;

use super::super::super::plausible::{Bounds, Verdict};
use super::super::reading::{Cell, Crosswalk, Way};
use super::super::text;
use super::super::{Case, Plus, YearDay, in_small_letters};
use super::condition::condition;
use super::names::names_of;
use super::{Fill, Names, Reading, texts};

/// `sex = "GENDER"`: the source's codes are the canonical ones.
pub(super) fn plain(source: &str, column: &Column, absent: &[String]) -> Option<Fill> {
    let crosswalk = column.kind.codes().map(itself);
    let way = match &column.kind {
        Kind::Code(codes) => {
            Way::Code { first: None, length: None, blank: position("unknown", codes), other: None }
        }
        Kind::Date => Way::Date { format: None },
        Kind::Year => Way::Year { from_date: None },
        Kind::Integer => integer(column, false, false),
    };
    let reading = Reading { absent: absent.to_vec(), crosswalk, way };
    Some(Fill::Source(Names::new([source])?, reading))
}

/// `sex = { from = "GENDER", … }`, or `status = { value = "enrolled" }`.
pub(super) fn fill(entry: Section<'_>, column: &Column, absent: &[String]) -> Option<Fill> {
    if column.kind == Kind::Date && entry.item("year").is_some() {
        return year_day(entry).map(Fill::Day);
    }
    let constant = entry.item("value");
    if constant.is_some() {
        let way = match &column.kind {
            Kind::Code(_) => None,
            Kind::Date => Some(Way::Date { format: None }),
            Kind::Year => Some(Way::Year { from_date: None }),
            Kind::Integer => Some(integer(column, false, false)),
        };
        let text = constant.and_then(|found| text_of(found.value));
        let cell = target(&entry, "value", text.as_deref(), column.kind.codes(), way.as_ref());
        // What a value can be does not hang on the day the data was taken.
        let bounds = Bounds::of(column, Date::MAX);
        let judged = cell.zip(bounds).map(|(cell, bounds)| bounds.judge(cell));
        if let Some(Verdict::Impossible(misread)) = &judged {
            let value = text.as_deref().unwrap_or_default();
            let hint = "write a value that the column can have";
            entry.problem_at("value", format_args!("`{value}` {misread}"), hint);
        }
        entry.end(&[]);
        return cell.map(Fill::Constant);
    }
    let source = names_of(&entry, "from");
    let absent = match entry.item("absent") {
        None => Some(absent.to_vec()),
        Some(_) => texts(&entry, "absent")
            .map(|texts| absent.iter().cloned().chain(in_small_letters(texts)).collect())
            .or_else(|| {
                entry.problem_at(
                    "absent",
                    "the texts that stand for blank are needed",
                    "write [\"NULL\"]",
                );
                None
            }),
    };
    let read = match &column.kind {
        Kind::Code(codes) => code(&entry, codes),
        Kind::Date => {
            date_format(&entry).and_then(|format| with_values(&entry, Way::Date { format }))
        }
        Kind::Year => year(&entry).and_then(|way| with_values(&entry, way)),
        Kind::Integer => {
            let hundredths = entry.flag_if_any("hundredths").is_some_and(|flag| flag.value);
            let rounded = entry.flag_if_any("rounded").is_some_and(|flag| flag.value);
            with_values(&entry, integer(column, hundredths, rounded))
        }
    };
    entry.end(&[]);
    let (way, crosswalk) = read?;
    let reading = Reading { absent: absent?, crosswalk, way };
    Some(Fill::Source(source?, reading))
}

/// `race_ethnicity = [{ when = { RESIDENCY = "N" }, value = "1" }, { from = "RACE" }]`: the first that applies.
pub(super) fn cases(entries: Vec<Section<'_>>, column: &Column, absent: &[String]) -> Option<Fill> {
    let cases: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            let when = condition(&entry, absent);
            let optional = entry.flag_if_any("optional").is_some_and(|flag| flag.value);
            let fill = fill(entry, column, absent);
            Some(Case { when: when?, fill: fill?, optional })
        })
        .collect();
    let cases = cases.into_iter().collect::<Option<Vec<_>>>()?;
    let otherwise = match &column.kind {
        Kind::Code(codes) => Cell::Code(position("unknown", codes)?),
        Kind::Date => Cell::Date(None),
        Kind::Year => Cell::Year(None),
        Kind::Integer => Cell::Integer(None),
    };
    Some(Fill::Cases(cases, otherwise))
}

/// `{ year = "COHORT", plus = 1, on = "06-30" }`, where `plus` may be a column of years.
fn year_day(entry: Section<'_>) -> Option<YearDay> {
    let year = names_of(&entry, "year");
    let plus = match entry.item("plus") {
        None => Some(Plus::Years(0)),
        Some(found) => match (found.value.as_integer(), found.value.as_str()) {
            (Some(years @ 0..=100), _) => Some(Plus::Years(years)),
            (_, Some(name)) => Names::new([name]).map(Plus::Source),
            _ => None,
        },
    };
    if plus.is_none() {
        entry.problem_at(
            "plus",
            "years to add are needed",
            "write 1, or the name of a column of years",
        );
    }
    let on = entry.text("on").and_then(|found| {
        let day: Option<Date> = format!("2001-{}", found.value).parse().ok();
        if day.is_none() {
            entry.problem_at("on", "is not a day of every year", "write 06-30 for 30 June");
        }
        day
    });
    entry.end(&[]);
    let on = on?;
    Some(YearDay { year: year?, plus: plus?, month: on.month(), day: on.day() })
}

type Read = (Way, Option<Crosswalk>);

fn code(entry: &Section<'_>, codes: &[Code]) -> Option<Read> {
    let first = entry.number_if_any("first", 1..=20).map(|first| usize::try_from(first.value));
    let length = entry.number_if_any("length", 1..=100).map(|length| usize::try_from(length.value));
    let word = |key: &'static str| match entry.text_if_any(key) {
        None => Some(None),
        Some(found) => {
            target(entry, key, Some(found.value), Some(codes), None).map(|cell| match cell {
                Cell::Code(code) => Some(code),
                Cell::Date(_) | Cell::Year(_) | Cell::Integer(_) => None,
            })
        }
    };
    let (blank, other) = (word("blank"), word("other"));
    let crosswalk = match entry.section_if_any("codes") {
        None => Some(itself(codes)),
        Some(section) => crosswalk(&section, Some(codes), None),
    };
    let way = Way::Code {
        first: first.transpose().ok()?,
        length: length.transpose().ok()?,
        blank: blank?.or_else(|| position("unknown", codes)),
        other: other?,
    };
    Some((way, Some(crosswalk?)))
}

/// How dates are written; `None` inside where the mapping does not say.
pub(super) fn date_format(entry: &Section<'_>) -> Option<Option<String>> {
    let Some(format) = entry.text_if_any("date") else { return Some(None) };
    if text::reads_days(format.value) {
        return Some(Some(format.value.to_owned()));
    }
    entry.problem_at(
        "date",
        format_args!("`{}` is no way to write a day", format.value),
        "use %Y, %m and %d with what stands between them, such as %m/%d/%Y, or %d-%b-%Y for 05-JAN-2025",
    );
    None
}

/// A year, or the year of a date: then the mapping says when years start.
fn year(entry: &Section<'_>) -> Option<Way> {
    let format = date_format(entry);
    let starts = entry.word_if_any::<YearStart>("year_starts");
    match (format?, starts) {
        (None, None) => Some(Way::Year { from_date: None }),
        (Some(format), Some(starts)) => Some(Way::Year { from_date: Some((format, starts.value)) }),
        (Some(_), None) => {
            entry.problem_at(
                "date",
                "`date` makes a year of a date only with `year_starts`",
                "write year_starts = \"01-01\" for a calendar year, \"07-01\" for a year from July",
            );
            None
        }
        (None, Some(_)) => {
            entry.problem_at(
                "year_starts",
                "`year_starts` is for a column of dates",
                "say how they are written: date = \"%m/%d/%Y\"",
            );
            None
        }
    }
}

fn integer(column: &Column, hundredths: bool, rounded: bool) -> Way {
    // What a number can be does not hang on the day the data was taken.
    let (low, high) = Bounds::of(column, Date::MAX).map_or((0, i64::MAX), |of| of.possible());
    Way::Integer { hundredths, rounded, low, high }
}

fn with_values(entry: &Section<'_>, way: Way) -> Option<Read> {
    let crosswalk = values(entry, &way)?;
    Some((way, crosswalk))
}

/// `values = { 2013B = "2013-02-01" }`; `None` inside where there is none.
pub(super) fn values(entry: &Section<'_>, way: &Way) -> Option<Option<Crosswalk>> {
    match entry.section_if_any("values") {
        None => Some(None),
        Some(section) => {
            // What a crosswalk leads to is written the canonical way, whatever the source does.
            let way = match way {
                Way::Date { .. } => Way::Date { format: None },
                Way::Year { .. } => Way::Year { from_date: None },
                other => other.clone(),
            };
            crosswalk(&section, None, Some(&way)).map(Some)
        }
    }
}

fn crosswalk(
    section: &Section<'_>,
    codes: Option<&[Code]>,
    way: Option<&Way>,
) -> Option<Crosswalk> {
    let entries: Vec<_> = section
        .entries()
        .into_iter()
        .map(|(word, found)| {
            let cell = target(section, word, text_of(found.value).as_deref(), codes, way)?;
            Some((word.to_owned(), cell))
        })
        .collect();
    if entries.is_empty() {
        section.problem("is empty", "list the source's values, or leave it out");
    }
    entries.into_iter().collect::<Option<Vec<_>>>().map(Crosswalk::new)
}

/// What a word of the mapping leads to: one of these codes, or a value read in this way.
fn target(
    section: &Section<'_>,
    key: &str,
    text: Option<&str>,
    codes: Option<&[Code]>,
    way: Option<&Way>,
) -> Option<Cell> {
    let Some(text) = text else {
        section.problem_at(key, "a text in quotes or a whole number is needed", "");
        return None;
    };
    if let Some(codes) = codes {
        let code = position(text, codes);
        if code.is_none() {
            let known: Vec<_> = codes.iter().map(|code| code.id.as_str()).collect();
            section.problem_at(
                key,
                format_args!("`{text}` is not a code of this column"),
                format_args!("its codes are {}", known.join(", ")),
            );
        }
        return code.map(Cell::Code);
    }
    match way?.read(text) {
        Ok(cell) => Some(cell),
        Err(misread) => {
            section.problem_at(key, format_args!("`{text}` {misread}"), "");
            None
        }
    }
}

/// A text, or a whole number as text.
fn text_of(item: &Item) -> Option<String> {
    item.as_str()
        .map(|text| text.trim().to_owned())
        .or_else(|| item.as_integer().map(|number| number.to_string()))
}

/// The list itself; where it says yes and no, true and false say so too.
fn itself(codes: &[Code]) -> Crosswalk {
    let entries =
        codes.iter().zip(0..).map(|(code, position)| (code.id.clone(), Cell::Code(position)));
    let flag = |word: &str, id| {
        position(id, codes).map(|position| (word.to_owned(), Cell::Code(position)))
    };
    let flags = match (flag("true", "Y"), flag("false", "N")) {
        (Some(yes), Some(no)) => vec![yes, no],
        _ => Vec::new(),
    };
    Crosswalk::new(flags.into_iter().chain(entries))
}

fn position(id: &str, codes: &[Code]) -> Option<u16> {
    codes.iter().zip(0..).find(|(code, _)| code.id == id).map(|(_, position)| position)
}
