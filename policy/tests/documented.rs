//! `docs/mou.md` is true: its example is read, and it names everything that an MOU may name.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use sumac_policy::{Capability, FloorAt, Mou, PartyKind, standard};

const GUIDE: &str = include_str!("../../docs/mou.md");
const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

#[test]
fn the_guides_example_is_read() {
    let example = GUIDE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let text =
        LAKESHORE.replacen("[[restrict]]", &format!("{}\n[[restrict]]", example.unwrap()), 1);
    let mou = Mou::read(text.as_bytes()).unwrap();
    let own = mou.kpi(&"childcare_completion".parse().unwrap()).unwrap();
    assert_eq!(own.definition.outcomes.len(), 3);
    assert!(mou.dimension(&"region".parse().unwrap()).is_some());
}

#[test]
fn the_guide_names_the_whole_vocabulary() {
    let standard = standard();
    let quoted = standard
        .kpis
        .iter()
        .map(|kpi| kpi.id.to_string())
        .chain(standard.dimensions.iter().map(|dimension| dimension.id.to_string()))
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
