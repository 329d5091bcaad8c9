//! How many learners the bounds of an agreement's tables would cut: learners counted by hand.

use sumac_policy::{Mou, Table};

use super::*;

/// Two tables of a college: enrolments by programme, in two programmes at most, and credits up to thirty.
fn agreement() -> Mou {
    let text = include_str!("../../../../../examples/mou/lakeshore/mou.toml");
    let kpi = |id: &str, define: &str, by: &str| {
        format!(
            "\n[[kpi]]\nid = \"{id}\"\ntitle = \"A KPI\"\nanswered_by = [\"college\"]\ndefine = {{ {define}, of = \"enrolment\", during = \"term_start\" }}\nby = [[{by}]]\nperiod = \"year\"\nmargin = 100\n"
        )
    };
    let capped = kpi("capped", "measure = \"count\", cap = 2", "\"cip2\"");
    let credits =
        kpi("credits", "measure = \"mean\", value = \"credits_earned\", clip = [0, 3000]", "");
    let text = format!("{text}{capped}{credits}");
    Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn says_how_many_learners_each_table_would_cut() {
    let mou = agreement();
    let mapping = MAPPING.replace("status         = { value = \"enrolled\" }", "cip2 = \"CIP\"");
    let header = HEADER.replace('\n', ",CIP\n");
    // a: three programmes and 37.5 credits. b: two, and 25. c: one in three rows, and 33. d: another year.
    let text = format!(
        "{header}\
         a,F,7,09/01/2025,12.5,2025,11\na,F,7,10/01/2025,12.5,2025,24\na,F,7,01/10/2026,12.5,2025,51\n\
         b,F,7,09/01/2025,12.5,2025,11\nb,F,7,01/10/2026,12.5,2025,24\n\
         c,F,7,09/01/2025,11,2025,11\nc,F,7,10/01/2025,11,2025,11\nc,F,7,01/10/2026,11,2025,11\n\
         d,F,7,09/01/2024,90,2024,11\n"
    );
    let files = Files::one(&mapping, text);
    let statement = Statement {
        as_of: "2026-10-15".parse().unwrap(),
        covers: mou.calendar().covered("2025-26".parse().unwrap()).into_iter().collect(),
    };
    let secret = secret();
    let snapshots = files.directory.path().join("snapshots");
    let freezing = Freezing {
        statement: &statement,
        schema: mou.schema(),
        withheld: &[],
        secret: &secret,
        into: &snapshots,
        now: "2026-10-16T08:00:00Z".parse().unwrap(),
        id_seed: [1; 8],
    };
    let due = mou.calendar_tables().into_iter().map(|due| due.table);
    let tables: Vec<Table> = due.collect();
    let summary = rehearse(&files.sources, &[], &freezing, &tables, &mut |_| ()).unwrap();
    let told = summary.for_terminal().to_string();
    for line in [
        "  capped 2025-26 by cip2: 1 with more than 2 groups",
        "  credits 2025-26 by total: 2 with a value outside 0 to 3000",
    ] {
        assert!(told.lines().any(|known| known == line), "{line}\n{told}");
    }
    // Of nothing that a debugger or a log prints, and nothing is left behind.
    assert_eq!(format!("{summary:?}"), "Summary { .. }");
    let left = fs::read_dir(&snapshots).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy() != "lock").collect();
    assert!(left.is_empty(), "{left:?}");
}
