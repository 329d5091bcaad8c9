//! The list of clauses is whole: what docs/mou.md says a node enforces has a test here that is named after it.

use std::collections::{BTreeMap, BTreeSet};

const GUIDE: &str = include_str!("../../../docs/mou.md");
const TESTS: [&str; 2] = [include_str!("../clauses.rs"), include_str!("after.rs")];
/// The heading under which the guide lists clauses, each with its keys.
const LIST: &str = "What a node is tested for";

/// The rows of the guide's tables, each with the heading that it stands under.
fn rows() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut heading = "";
    let mut rows = Vec::new();
    for line in GUIDE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title;
        } else if let Some(row) = line.strip_prefix("| ") {
            rows.push((heading, row.trim_end_matches(" |").split(" | ").collect()));
        }
    }
    rows
}

/// The words in backticks, up to their first space: of `floor = 20`, `floor`.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|word| word.split(' ').next())
}

/// Every key that the guide says a node goes by, as `privacy.floor_at`.
fn kept_by_nodes() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (heading, cells) in rows() {
        let section = match heading {
            "The agreement" => "",
            _ => heading.trim_start_matches("`[").trim_start_matches('[').trim_end_matches("]`"),
        };
        let section = section.trim_end_matches(']').trim_end_matches(".<kind>");
        let [first, _, who] = cells[..] else { continue };
        if who.contains("node") && (section.is_empty() || heading.starts_with("`[")) {
            let dot = if section.is_empty() { "" } else { "." };
            let of_it = words(first).filter(|key| *key != "refuse");
            keys.extend(of_it.map(|key| format!("{section}{dot}{key}")));
        }
    }
    keys
}

fn listed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let of_list = rows().into_iter().filter(|(heading, _)| *heading == LIST);
    let clauses = of_list.filter_map(|(_, cells)| match cells[..] {
        [clause, keys] => Some((words(clause).next()?, words(keys).collect())),
        _ => None,
    });
    clauses.collect()
}

fn tested() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for text in TESTS {
        let lines: Vec<_> = text.lines().collect();
        for pair in lines.windows(2) {
            if pair[0] == "#[test]" || pair[0].starts_with("#[tokio::test") {
                let name = pair[1].trim_start_matches("async ").trim_start_matches("fn ");
                names.extend(name.split('(').next());
            }
        }
    }
    names
}

#[test]
fn every_clause_that_a_node_enforces_has_a_test_of_its_name() {
    let listed = listed();
    let clauses: BTreeSet<_> = listed.keys().copied().collect();
    assert_eq!(clauses, tested());
    let keys: BTreeSet<_> = listed.values().flatten().map(|key| (*key).to_owned()).collect();
    let forgotten: Vec<_> = kept_by_nodes().difference(&keys).cloned().collect();
    assert!(forgotten.is_empty(), "no clause is listed for {forgotten:?}");
    // The walk finds what it is to find.
    for key in ["version", "party.root", "data.withheld", "after.on_exit", "audit.by", "kpi.needs"]
    {
        assert!(kept_by_nodes().contains(key), "{key}: {:?}", kept_by_nodes());
    }
}
