//! The source columns a mapping names.

use sumac_policy::section::Section;
use toml_edit::{Item, Value};

use super::super::Names;

/// `from = "RACE"`, or `from = ["RACE", "Race/Ethnicity"]` for a column that files name differently.
pub(super) fn names_of(section: &Section<'_>, key: &'static str) -> Option<Names> {
    let Some(found) = section.item(key) else {
        section.problem(format_args!("`{key}` is missing"), format_args!("add `{key} = …`"));
        return None;
    };
    let names =
        texts_of(found.value).and_then(|names| Names::new(names.iter().map(String::as_str)));
    if names.is_none() {
        section.problem_at(
            key,
            "the name of a column is needed",
            format_args!("write {key} = \"RACE\", or {key} = [\"RACE\", \"Race/Ethnicity\"] where files differ"),
        );
    }
    names
}

/// `person = "ID"`; `["CAMPUS", "ID"]` for columns that identify a person together, each of which may be a list
/// of names for one column.
pub(super) fn person(section: &Section<'_>) -> Option<Vec<Names>> {
    let item = section.item("person")?.value;
    if let Some(name) = item.as_str() {
        return Names::new([name]).map(|names| vec![names]);
    }
    let column = |value: &Value| match (value.as_str(), value.as_array()) {
        (Some(name), _) => Names::new([name]),
        (None, Some(names)) => {
            let names: Vec<_> = names.iter().map(Value::as_str).collect::<Option<_>>()?;
            Names::new(names)
        }
        (None, None) => None,
    };
    let columns: Vec<_> = item.as_array()?.iter().map(column).collect::<Option<_>>()?;
    (!columns.is_empty()).then_some(columns)
}

/// `same = ["RACE", "SEX"]`: source columns, none where the key is not there.
pub(super) fn listed(section: &Section<'_>, key: &'static str) -> Option<Vec<Names>> {
    let Some(found) = section.item(key) else { return Some(Vec::new()) };
    let names = texts_of(found.value).and_then(|names| {
        names.iter().map(|name| Names::new([name.as_str()])).collect::<Option<Vec<_>>>()
    });
    if names.is_none() {
        section.problem_at(
            key,
            "names of columns are needed",
            format_args!("write {key} = [\"A\", \"B\"]"),
        );
    }
    names
}

/// One text or a list of them.
pub(super) fn texts(section: &Section<'_>, key: &'static str) -> Option<Vec<String>> {
    texts_of(section.item(key)?.value)
}

pub(super) fn texts_of(item: &Item) -> Option<Vec<String>> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(one) = item.as_str() {
        return text(one).map(|one| vec![one]);
    }
    let list: Vec<_> =
        item.as_array()?.iter().map(|value| text(value.as_str()?)).collect::<Option<_>>()?;
    (!list.is_empty()).then_some(list)
}
