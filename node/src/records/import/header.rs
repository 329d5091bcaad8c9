//! Finds a mapping's columns in a file's header.

use std::path::Path;

use super::super::mapping::Names;
use super::super::source::Export;
use super::problem::{FileProblems, Place, shown};

/// A column's place in the header, and the name by which the mapping found it. Noted where there is none, or
/// more than one.
pub(super) fn find<'m>(
    path: &Path,
    names: &'m Names,
    export: &dyn Export,
    problems: &mut FileProblems,
) -> Option<(usize, &'m str)> {
    let header = export.header();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for name in names.iter() {
        let exactly = header.iter().zip(0..).filter(|(known, _)| *known == name);
        let mut places: Vec<usize> = exactly.map(|(_, at)| at).collect();
        if places.is_empty() {
            let name = folded(name);
            let alike = header.iter().zip(0..).filter(|(known, _)| folded(known) == name);
            places.extend(alike.map(|(_, at)| at));
        }
        found.extend(places.into_iter().map(|at| (at, name)));
    }
    found.dedup_by_key(|(at, _)| *at);
    let name = found.first().map_or(names.first(), |(_, name)| *name);
    let place = Place { path, spot: export.header_spot(), column: Some(name) };
    match found.as_slice() {
        [(at, name)] => match export.unreadable(*at) {
            None => Some((*at, *name)),
            Some(why) => {
                problems.note(place, why, "export it as text, a number or a date");
                None
            }
        },
        [] => {
            let kind = export.kind();
            let whose = if kind == "file" { "header" } else { kind };
            problems.note(
                place,
                format_args!("the {whose} has no such column"),
                hint(names, header, kind),
            );
            None
        }
        [(_, one), (_, other), ..] if one == other => {
            problems.note(place, "the header has this column twice", "rename one of them");
            None
        }
        [_, (_, other), ..] => {
            problems.note(
                place,
                format_args!(
                    "the header has {} as well, and the mapping takes either",
                    shown(other)
                ),
                "name the one that is meant in the mapping",
            );
            None
        }
    }
}

/// Whether a header has a column, under any of its names.
pub(super) fn has(names: &Names, header: &[String]) -> bool {
    names.iter().map(folded).any(|name| header.iter().any(|known| folded(known) == name))
}

/// A name without what exports write now so, now so: capitals, blanks, underscores, stops and hyphens.
fn folded(name: &str) -> String {
    name.to_lowercase().replace([' ', '_', '.', '-'], "")
}

/// What to do about a column that is not there: often it is there, spelt in another way.
fn hint(names: &Names, header: &[String], kind: &str) -> String {
    let distance = |known: &str| {
        let known = known.to_lowercase();
        let distances = names.iter().map(|name| {
            let enough = 1 + name.chars().count() / 3;
            let distance = strsim::damerau_levenshtein(&known, &name.to_lowercase());
            (distance, distance <= enough)
        });
        distances.min().unwrap_or((usize::MAX, false))
    };
    let nearest = header.iter().min_by_key(|known| distance(known));
    match nearest.filter(|known| distance(known).1) {
        Some(near) => format!("the {kind} has {}: correct the mapping or the {kind}", shown(near)),
        None if kind == "file" => {
            "correct the mapping, or export the file with this column".to_owned()
        }
        None => format!("correct the mapping, or add the column to the {kind}"),
    }
}
