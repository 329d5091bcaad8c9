//! `when = { STATUS = ["A", "B"], YEARS = { from = 1, to = 8 } }` and `any = ["A", "B"]`.

use sumac_policy::section::{Found, Section};
use toml_edit::Item;

use super::super::condition::{Condition, Test, number};
use super::super::{Names, in_small_letters};
use super::names::{listed, texts_of};

pub(super) fn condition(section: &Section<'_>, absent: &[String]) -> Option<Condition> {
    let any = listed(section, "any");
    let tests = match section.section_if_any("when") {
        None => Some(Vec::new()),
        Some(when) => {
            let tests: Vec<_> = when
                .entries()
                .into_iter()
                .map(|(source, found)| Some((Names::new([source])?, test(&when, source, &found)?)))
                .collect();
            tests.into_iter().collect::<Option<Vec<_>>>()
        }
    };
    Some(Condition { tests: tests?, any: any?, absent: absent.to_vec() })
}

fn test(when: &Section<'_>, source: &str, found: &Found<&Item>) -> Option<Test> {
    if let Some(words) = words(found.value) {
        return Some(Test::OneOf { words, not: false });
    }
    // Kept for the rest of the run, as the names of canonical columns are.
    let key: &'static str = source.to_owned().leak();
    let table = found.value.is_table_like().then(|| when.section_if_any(key)).flatten();
    let Some(entry) = table else {
        when.problem_at(
            source,
            "what the column has to say is needed",
            "write \"A\", [\"A\", \"B\"], { not = [\"A\"] }, { blank = true } or { from = 1, to = 8 }",
        );
        return None;
    };
    let not = entry.item("not").map(|found| words(found.value));
    let blank = entry.flag_if_any("blank").map(|flag| flag.value);
    let bound = |key| entry.decimal_if_any(key).map(|found| number(&found.value));
    let (from, to) = (bound("from"), bound("to"));
    let unlike =
        entry.item("unlike").map(|found| found.value.as_str().and_then(|name| Names::new([name])));
    entry.end(&[]);
    let test = match (not, blank, from, to) {
        (Some(words), None, None, None) => words.map(|words| Test::OneOf { words, not: true }),
        (None, Some(blank), None, None) => Some(Test::Blank(blank)),
        (None, None, Some(low), to) => match (low, to.unwrap_or(Some(i64::MAX))) {
            (Some(low), Some(high)) => {
                let unlike = unlike.unwrap_or_default();
                Some(Test::Between { low, high, unlike })
            }
            _ => None,
        },
        _ => None,
    };
    if test.is_none() {
        entry.problem(
            "is no test of a column",
            "write { not = [\"A\"] }, { blank = true } or { from = 1, to = 8 }",
        );
    }
    test
}

/// One text, or a list; `""` is blank.
fn words(item: &Item) -> Option<Vec<String>> {
    if item.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Some(vec![String::new()]);
    }
    let blank = item.as_array().is_some_and(|list| {
        list.iter().any(|word| word.as_str().is_some_and(|text| text.trim().is_empty()))
    });
    if !blank {
        return texts_of(item).map(in_small_letters);
    }
    let list =
        item.as_array()?.iter().map(|word| word.as_str().map(|text| text.trim().to_lowercase()));
    list.collect()
}
