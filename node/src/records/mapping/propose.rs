//! A first mapping for an export, to be edited: what its header and a sample of its rows suggest. No value of a
//! column that identifies people, or that holds free text, gets into it.

mod sample;
#[cfg(test)]
mod tests;
mod words;

use std::fmt::Write as _;
use std::path::Path;

use encoding_rs::WINDOWS_1252;
use sumac_policy::{Code, Column, Kind, Schema, TableName};

use self::sample::Sample;
use self::words::{NAMES, PERSONS, PRIVATE, folded};
use super::condition::number;
use crate::records::source::{self, Export, Fault, Shape};

/// Rows looked at: enough to meet most codes, and quick.
const ROWS: usize = 5_000;

/// Why nothing can be proposed.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`: {message}")]
pub struct ProposeError {
    path: String,
    message: String,
    hint: &'static str,
}

/// A column of the export, and what was seen of it.
struct Seen {
    name: String,
    sample: Sample,
}

/// What a column of the export may fill.
struct Guess<'a> {
    column: &'a Column,
    from: &'a Seen,
}

/// Proposes a mapping for a file, as text.
///
/// # Errors
/// Where the file cannot be read as a table.
pub fn propose(path: &Path, schema: &Schema) -> Result<String, ProposeError> {
    let wrong = |fault: Fault| {
        let spot = fault.spot.map_or_else(String::new, |spot| format!("{spot}: "));
        let (path, message) = (path.display().to_string(), format!("{spot}{}", fault.message));
        ProposeError { path, message, hint: fault.hint }
    };
    let plain = look(path, &Shape::default());
    let (seen, encoding) = match plain {
        Ok(seen) => (seen, None),
        // What is not UTF-8 is Windows-1252 nearly always; it is stated, so that somebody can see it.
        Err(fault) if fault.message.contains("UTF-8") => {
            let shape = Shape { encoding: Some(WINDOWS_1252), ..Shape::default() };
            (look(path, &shape).map_err(wrong)?, Some("windows-1252"))
        }
        Err(fault) => return Err(wrong(fault)),
    };
    Ok(written(path, &seen, encoding, schema))
}

impl ProposeError {
    /// What the operator can do.
    pub fn hint(&self) -> &'static str {
        self.hint
    }
}

fn look(path: &Path, shape: &Shape) -> Result<Vec<Seen>, Fault> {
    let mut export = source::open(path, shape)?;
    let readable = |export: &dyn Export, at| export.unreadable(at).is_none();
    let names = export.header().iter().cloned();
    let mut seen: Vec<_> = names.map(|name| Seen { name, sample: Sample::default() }).collect();
    let open: Vec<_> = (0..seen.len()).map(|at| readable(export.as_ref(), at)).collect();
    for _ in 0..ROWS {
        let Some(row) = export.next()? else { break };
        for (at, column) in seen.iter_mut().enumerate() {
            if !is_private(&column.name) && open.get(at) == Some(&true) {
                column.sample.see(&row.get(at).to_string());
            }
        }
    }
    Ok(seen)
}

fn is_person(name: &str) -> bool {
    PERSONS.contains(&folded(name).as_str())
}

fn is_private(name: &str) -> bool {
    let name = folded(name);
    PERSONS.contains(&name.as_str()) || PRIVATE.iter().any(|piece| name.contains(piece))
}

fn written(path: &Path, seen: &[Seen], encoding: Option<&str>, schema: &Schema) -> String {
    let file =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!(
        "# A first mapping for {}, proposed from its header and its first rows.",
        plain(&file)
    ));
    line("#");
    line(
        "# Everything here is a guess: check each line against your own documentation. Replace each \"TODO\"; until",
    );
    line("# then the mapping is refused. What each key means: docs/mapping.md.");
    line("format = \"sumac-mapping/1\"");
    line(&format!("title  = {}", quoted(&file)));
    if let Some(encoding) = encoding {
        line("\n[file]");
        line("# The file is not UTF-8. Check that accents come out right.");
        line(&format!("encoding = {}", quoted(encoding)));
    }
    let person = seen.iter().find(|column| is_person(&column.name));
    let person = person.map_or("TODO", |column| column.name.as_str());
    let mut used: Vec<&str> = vec![person];
    let tables = tables(seen, schema);
    if tables.is_empty() {
        line(
            "\n# No column looks like one that Sumac knows. Name the table, and fill its columns.",
        );
        line("[[table]]\ntable  = \"learner\"");
        line(&format!("person = {}", quoted(person)));
        line("\n[table.columns]\nsex = \"TODO\"");
    }
    for (table, guesses) in tables {
        line(&format!("\n[[table]]\ntable  = \"{table}\""));
        line(&format!("person = {}", quoted(person)));
        if table == TableName::Learner {
            line("# Rows of one learner that differ are an error. To let the latest win:");
            line("# latest_by = { from = \"…\", number = true }");
            line("# on_conflict = \"latest\"");
        }
        line("\n[table.columns]");
        for Guess { column, from } in guesses {
            used.push(&from.name);
            for entry in entry(column, from) {
                line(&entry);
            }
        }
    }
    let left: Vec<_> = seen.iter().filter(|column| !used.contains(&column.name.as_str())).collect();
    if !left.is_empty() {
        line("\n# Not used:");
        for column in left {
            line(&format!("#   {}", plain(&column.name)));
        }
    }
    text
}

/// The learner table where anything fills it, and the one other table that most columns fill.
fn tables<'a>(seen: &'a [Seen], schema: &'a Schema) -> Vec<(TableName, Vec<Guess<'a>>)> {
    let mut filled: Vec<_> = schema
        .tables()
        .iter()
        .map(|table| {
            let guesses = table.columns.iter().filter_map(|column| {
                let from = seen.iter().find(|from| fits(table.name, column, from))?;
                Some(Guess { column, from })
            });
            (table.name, guesses.collect::<Vec<_>>())
        })
        .filter(|(_, guesses)| !guesses.is_empty())
        .collect();
    let facts = filled.iter().filter(|(table, _)| *table != TableName::Learner);
    let most = facts.max_by_key(|(_, guesses)| guesses.len()).map(|(table, _)| *table);
    filled.retain(|(table, _)| *table == TableName::Learner || Some(*table) == most);
    filled
}

/// Whether a column of the export is called like a canonical one, and holds what it holds.
fn fits(table: TableName, column: &Column, from: &Seen) -> bool {
    if is_private(&from.name) {
        return false;
    }
    let name = folded(&from.name);
    let known = NAMES.iter().find(|(of, known, _)| *of == table && *known == column.name);
    let names = known.map_or(&[][..], |(_, _, names)| names);
    let called = name == folded(&column.name) || names.iter().any(|known| name == folded(known));
    called
        || match (&column.kind, from.sample.codes()) {
            // By its values alone: every one of them has a meaning of this list, and they are not yes and no.
            (Kind::Code(codes), Some(seen)) => {
                let told = seen.iter().filter(|value| value.len() > 1);
                told.clone().count() >= 3 && seen.iter().all(|value| exact(value, codes).is_some())
            }
            _ => false,
        }
}

/// The lines that fill a column.
fn entry(column: &Column, from: &Seen) -> Vec<String> {
    let (name, source, sample) = (&column.name, quoted(&from.name), &from.sample);
    match &column.kind {
        Kind::Code(codes) => coded(name, &source, sample, codes),
        Kind::Date => match sample.dates() {
            ["%Y-%m-%d", ..] => vec![format!("{name} = {source}")],
            [format] => vec![format!("{name} = {{ from = {source}, date = {} }}", quoted(format))],
            [] => vec![
                "# No way to write days fits all of its values.".to_owned(),
                format!("{name} = {{ from = {source}, date = \"TODO\" }}"),
            ],
            several => vec![
                format!("# Several ways to write days fit: {}.", several.join(" and ")),
                format!("{name} = {{ from = {source}, date = \"TODO\" }}"),
            ],
        },
        Kind::Year if sample.are_years() => vec![format!("{name} = {source}")],
        Kind::Year => {
            let format = match sample.dates() {
                [format] => format,
                ["%Y-%m-%d", ..] => "%Y-%m-%d",
                _ => "TODO",
            };
            let starts = if name == "birth_year" { "01-01" } else { "07-01" };
            vec![format!(
                "{name} = {{ from = {source}, date = {}, year_starts = \"{starts}\" }}",
                quoted(format)
            )]
        }
        Kind::Integer => {
            let scaled = column.doc.starts_with("Hundredths") || column.doc.contains("in cents");
            let mut lines = Vec::new();
            if !sample.are_numbers() {
                lines.push(
                    "# Not all of its values are numbers: list what stands for blank in `absent`."
                        .to_owned(),
                );
            }
            if scaled && !sample.has_fractions() {
                lines.push("# Whole credits or dollars? If it counts hundredths or cents already, leave out `hundredths`.".to_owned());
            }
            lines.push(match scaled {
                true => format!("{name} = {{ from = {source}, hundredths = true }}"),
                false => format!("{name} = {source}"),
            });
            lines
        }
    }
}

/// A crosswalk with every code seen, and the nearest code of the list or `TODO`.
fn coded(name: &str, source: &str, sample: &Sample, codes: &[Code]) -> Vec<String> {
    let list: Vec<_> = codes.iter().map(|code| format!("{} {}", code.id, code.label)).collect();
    if name == "cip2" || name == "soc2" {
        return vec![format!("{name} = {{ from = {source}, first = 2, other = \"unknown\" }}")];
    }
    let Some(seen) = sample.codes() else {
        return vec![
            format!(
                "# Its values are too many or too long to be codes. The codes are: {}.",
                list.join("; ")
            ),
            format!("{name} = {{ from = {source}, codes = {{ TODO = \"TODO\" }} }}"),
        ];
    };
    let known: Vec<_> =
        seen.iter().map(|value| exact(value, codes).or_else(|| near(value, codes))).collect();
    let pairs = seen
        .iter()
        .zip(&known)
        .map(|(value, code)| format!("{} = {}", quoted(value), quoted(code.unwrap_or("TODO"))));
    let pairs: Vec<_> = pairs.collect();
    let mut lines = Vec::new();
    if known.iter().any(Option::is_none) {
        lines.push(format!("# The codes are: {}.", list.join("; ")));
    }
    lines.push(format!("{name} = {{ from = {source}, codes = {{ {} }} }}", pairs.join(", ")));
    lines
}

/// The code that a value is, or is called.
fn exact<'c>(value: &str, codes: &'c [Code]) -> Option<&'c str> {
    let value = folded(value);
    if value.is_empty() {
        return None;
    }
    let same = |code: &&Code| folded(&code.id) == value || folded(&code.label) == value;
    codes.iter().find(same).map(|code| code.id.as_str())
}

/// The one code whose name begins so, or is spelt nearly so.
fn near<'c>(value: &str, codes: &'c [Code]) -> Option<&'c str> {
    let value = folded(value);
    if value.is_empty() {
        return None;
    }
    let begins = |code: &&Code| {
        folded(&code.label).starts_with(&value) || folded(&code.id).starts_with(&value)
    };
    let spelt = |code: &&Code| {
        let distance = strsim::damerau_levenshtein(&folded(&code.label), &value);
        value.len() > 4 && distance * 4 <= value.len()
    };
    let one = |mut found: Vec<&'c Code>| if found.len() == 1 { found.pop() } else { None };
    let code = one(codes.iter().filter(begins).collect())
        .or_else(|| one(codes.iter().filter(spelt).collect()))?;
    Some(code.id.as_str())
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text for a comment: on one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
