//! `docs/mou.md` is true: its example is read, and it names everything that an MOU may name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use sumac_policy::{Capability, Case, FloorAt, Mou, PartyKind, standard};

const GUIDE: &str = include_str!("../../docs/mou.md");
const KPIS: &str = include_str!("../../docs/kpis.md");
const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// The examples in the guide, in their order.
fn examples() -> impl Iterator<Item = &'static str> {
    GUIDE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap())
}

#[test]
fn the_guides_examples_are_an_agreement_together() {
    let clauses: Vec<_> = examples().filter(|text| !text.contains("[[test]]")).collect();
    let text = clauses.join("\n");
    let mou = Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    let own = mou.kpi(&"childcare_completion".parse().unwrap()).unwrap();
    assert_eq!(own.definition.outcomes.len(), 3);
    assert!(mou.dimension(&"region".parse().unwrap()).is_some());
    assert!(
        mou.pilot().is_some() && mou.amendment().is_some() && mou.after().breach_notice.is_some()
    );
}

#[test]
fn the_guides_case_holds_of_the_example() {
    let case = examples().find(|text| text.contains("[[test]]")).unwrap();
    let mou = Mou::read(LAKESHORE.as_bytes()).unwrap();
    for case in Case::read_all(case.as_bytes()).unwrap() {
        assert_eq!(case.run(&mou), [], "{}", case.name);
    }
}

#[test]
fn the_list_of_kpis_is_the_catalogue_with_its_prices() {
    // What no node is asked has two columns.
    let rows = KPIS.lines().filter(|row| row.starts_with("| `") && row.matches(" | ").count() > 2);
    let mut listed: Vec<_> = rows
        .map(|row| {
            let factor = row.rsplit(" | ").nth(1).unwrap();
            (row.split('`').nth(1).unwrap(), factor.parse().unwrap())
        })
        .collect();
    let mut shipped: Vec<_> = standard()
        .kpis
        .iter()
        .map(|kpi| {
            let bound = kpi.definition.measure.bound();
            (kpi.id.as_str(), bound.cells * bound.per_cell.pow(2))
        })
        .collect();
    listed.sort_unstable();
    shipped.sort_unstable();
    assert_eq!(listed, shipped);
}

#[test]
fn the_guide_names_the_whole_vocabulary() {
    let standard = standard();
    let quoted = standard
        .dimensions
        .iter()
        .map(|dimension| dimension.id.to_string())
        .chain(PartyKind::ALL.iter().map(ToString::to_string))
        .chain(Capability::ALL.iter().map(ToString::to_string));
    for word in quoted {
        assert!(GUIDE.contains(&format!("`{word}`")), "{word}");
    }
    for place in FloorAt::ALL {
        assert!(GUIDE.contains(&format!("`\"{place}\"`")), "{place}");
    }
    for table in standard.schema.tables() {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let row = format!("| {} | {} |", table.name, columns.join(", "));
        assert!(GUIDE.contains(&row), "{row}");
    }
    // Every top-level key of the example.
    for line in LAKESHORE.lines().filter(|line| !line.starts_with(['#', '['])) {
        if let Some((key, _)) = line.split_once(" = ") {
            assert!(GUIDE.contains(key.trim()), "{key}");
        }
    }
}
