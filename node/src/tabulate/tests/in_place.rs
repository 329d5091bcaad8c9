//! Tables counted in a real server, from views that an import found fit: as a snapshot of the same records, whatever
//! becomes of the rows afterwards.

use std::sync::Arc;

use sumac_policy::Schema;

use super::agreement::{database, fill};
use super::catalogue::{self, Case};
use super::*;
use crate::records::import::{Freezing, ImportError, import_in_place};
use crate::records::snapshot::{Data, InPlace};
use crate::tabulate::engine::{Engine, gathered};
use crate::tabulate::warehouse;
use crate::warehouse::testing::Server;
use crate::warehouse::{Place, Warehouse, WarehouseError};

/// Takes a schema's views into use, and opens what is in use then.
fn taken(
    warehouse: &Warehouse,
    mou: &Mou,
    schema: &str,
) -> Result<(TempDir, Data, String), ImportError> {
    let home = tempfile::tempdir().unwrap();
    let statement = Statement { as_of: "2026-08-01".parse().unwrap(), covers: Vec::new() };
    let freezing = Freezing {
        statement: &statement,
        schema: mou.schema(),
        withheld: &[],
        secret: &secret(),
        into: home.path(),
        now: Timestamp::UNIX_EPOCH,
        id_seed: [3; 8],
    };
    let session = warehouse.connect()?;
    let summary = import_in_place(&schema.parse().unwrap(), &session, &freezing, &[])?;
    let data = Data::current(home.path(), &secret(), mou.schema()).unwrap().unwrap();
    assert_eq!(data.schema_in_place(), Some(schema));
    Ok((home, data, summary.for_terminal().to_string()))
}

fn views(data: &Data) -> &InPlace {
    match data {
        Data::InPlace(views) => views,
        Data::Frozen(_) => panic!("records were taken"),
    }
}

/// A way into a database for its role that may read nothing.
fn stranger(server: &Server, name: &str) -> Warehouse {
    let place = Place::Socket(server.sockets().to_owned(), server.port());
    let long = std::time::Duration::from_secs(600);
    Warehouse::new(place, name, name, None, None, long).unwrap()
}

#[test]
fn every_kpi_of_the_catalogue_counts_in_place_as_its_standard_says() {
    let Some((server, warehouse)) = database("in_place_catalogue") else { return };
    for (number, Case { kpi, period, rows, cells }) in catalogue::cases().enumerate() {
        let period: Period = period.parse().unwrap();
        let mou = catalogue::asking(kpi, period);
        let called = catalogue::canonical(rows, mou.schema());
        let schema = format!("case_{number}");
        fill(server, "in_place_catalogue", &called, mou.schema(), &schema, &mut Dice::new(7));
        let (_home, data, _) =
            taken(&warehouse, &mou, &schema).unwrap_or_else(|e| panic!("{kpi}: {e}"));
        let table = table(&mou, "asked", period);
        let counted = warehouse::count(&warehouse, views(&data), &table);
        let counted = counted.unwrap_or_else(|error| panic!("{kpi}: {error}"));
        let outcomes = table.kpi().definition.outcomes.iter().map(|outcome| outcome.id.as_str());
        let in_bins = matches!(table.kpi().definition.measure, Measure::Distribution { .. });
        let found: Vec<_> =
            outcomes.zip(counted).filter(|(_, cell)| !in_bins || *cell != 0).collect();
        assert_eq!(found, *cells, "{kpi}, {period}");
    }
}

const KPIS: [(&str, &str); 6] = [
    ("headcount", r#"measure = "count", of = "enrolment", during = "term_start""#),
    ("programmes", r#"measure = "count", cap = 2, of = "enrolment", during = "term_start""#),
    ("awards", r#"measure = "awards", cap = 2, of = "award", during = "awarded_on""#),
    (
        "rate",
        r#"measure = "rate", of = "enrolment", during = "term_start", outcomes = [{ id = "awarded", title = "A", in = "award", when = "awarded_on > enrolment.term_start" }, { id = "full", title = "F", when = "intensity = 'FT'" }, { id = "neither", title = "N", otherwise = true }]"#,
    ),
    (
        "credits",
        r#"measure = "mean", of = "enrolment", during = "term_start", value = "credits_earned", clip = [0, 3000], unit = "credits", per = 100"#,
    ),
    (
        "spread",
        r#"measure = "distribution", of = "enrolment", during = "term_start", value = "credits_earned", bins = [0, 1000, 2000], unit = "credits", per = 100"#,
    ),
];

/// Counts, a rate, a mean and a distribution, each by a dimension of learners.
fn measures() -> Mou {
    let kpis = KPIS.map(|(id, define)| kpi(id, define, r#"["sex"]"#, "year"));
    agreement("07-01", "2024-25", &kpis.concat())
}

/// Views of tables that take any row.
fn college(server: &Server, database: &str, schema: &str) {
    server.sql(
        database,
        &format!(
            "CREATE SCHEMA {schema};
             CREATE TABLE {schema}.learner (person text, sex text, birth_year integer);
             CREATE TABLE {schema}.enrolment (person varchar, row_order bigint, term_start date, intensity text, credits_earned bigint);
             CREATE TABLE {schema}.award (person text, row_order integer, awarded_on date, award_level text);
             INSERT INTO {schema}.learner SELECT 'L' || i, (ARRAY['F', 'M', 'X'])[1 + i % 3], 1990 FROM generate_series(1, 90) i;
             INSERT INTO {schema}.enrolment SELECT 'L' || i, t, DATE '2025-09-01' + t, (ARRAY['FT', 'PT'])[1 + i % 2], 100 * i
                 FROM generate_series(1, 100) i, generate_series(1, 3) t;
             INSERT INTO {schema}.award SELECT 'L' || i, a, DATE '2026-05-20' + a, '3' FROM generate_series(1, 40) i, generate_series(1, 3) a;"
        ),
    );
}

fn counted(warehouse: &Warehouse, data: &Data, mou: &Mou) -> Vec<Vec<i64>> {
    let counted = KPIS.map(|(id, _)| {
        let table = table(mou, id, "2025-26".parse().unwrap());
        warehouse::count(warehouse, views(data), &table)
            .unwrap_or_else(|error| panic!("{id}: {error}"))
    });
    counted.to_vec()
}

/// Promise 8, of rows that came after the import had looked.
#[test]
fn one_learner_moves_a_table_by_no_more_than_its_bound_whatever_a_live_view_says_of_them() {
    let Some((server, warehouse)) = database("in_place_bound") else { return };
    college(server, "in_place_bound", "live");
    let mou = measures();
    let (_home, data, _) = taken(&warehouse, &mou, "live").unwrap();
    let before = counted(&warehouse, &data, &mou);
    assert_eq!(before[0], [30, 30, 30, 10], "{before:?}");

    // Rows of nobody are nobody's.
    server.sql(
        "in_place_bound",
        "INSERT INTO live.learner VALUES (NULL, 'F', 1990), ('', 'M', 1990);
         INSERT INTO live.enrolment VALUES (NULL, 1, '2025-09-01', 'FT', 100), ('', 1, '2025-09-01', 'FT', 100);
         INSERT INTO live.award VALUES (NULL, 1, '2026-05-20', '3');",
    );
    assert_eq!(counted(&warehouse, &data, &mou), before);

    // Said twice, a learner's own row doubles nothing that they have.
    server.sql(
        "in_place_bound",
        "INSERT INTO live.learner SELECT * FROM live.learner WHERE person LIKE 'L%'",
    );
    assert_eq!(counted(&warehouse, &data, &mou), before);

    // Each of these is all that is said of one learner more, and no snapshot would hold any of it.
    let learner = "INSERT INTO live.learner VALUES ('N', 'F', 1990), ('N', 'M', 1991), ('N', 'X', NULL), ('N', NULL, 9), ('N', 'Q', 1);";
    let enrolment = "INSERT INTO live.enrolment SELECT 'N', NULLIF(i % 3, 0), DATE '2025-09-01' + i, 'FT', 100000 FROM generate_series(1, 50) i;";
    let odd = "INSERT INTO live.enrolment VALUES ('N', 1, 'infinity', 'FT', 9223372036854775807), ('N', 1, '-infinity', 'FT', -9223372036854775808),
               ('N', 1, '2025-10-01', 'XX', 9223372036854775807), ('N', 1, '0044-03-15 BC', NULL, NULL);";
    let award =
        "INSERT INTO live.award SELECT 'N', 7, DATE '2026-05-20', 'zz' FROM generate_series(1, 50);
                 INSERT INTO live.award VALUES ('N', NULL, 'infinity', '3');";
    let whole = [learner, enrolment, odd, award].concat();
    for statements in [enrolment, odd, &whole] {
        server.sql("in_place_bound", statements);
        for ((before, after), (id, _)) in
            before.iter().zip(counted(&warehouse, &data, &mou)).zip(KPIS)
        {
            let moved: Vec<i64> = before.iter().zip(&after).map(|(a, b)| (b - a).abs()).collect();
            let (bound, cells): (i64, i64) = match id {
                "programmes" | "awards" => (2, moved.iter().sum()),
                // Of the pair in each group, the sum moves by the width of the clip at most.
                "credits" => {
                    let sums = moved.iter().skip(1).step_by(2).sum::<i64>();
                    assert!(sums <= 3000, "{id}: {before:?} {after:?}");
                    (1, moved.iter().step_by(2).sum())
                }
                _ => (1, moved.iter().sum()),
            };
            assert!(cells <= bound, "{id}: {before:?} {after:?}");
        }
        server.sql(
            "in_place_bound",
            "DELETE FROM live.learner WHERE person = 'N'; DELETE FROM live.enrolment WHERE person = 'N'; DELETE FROM live.award WHERE person = 'N';",
        );
        assert_eq!(counted(&warehouse, &data, &mou), before);
    }
}

#[test]
fn every_misfit_of_the_views_is_told_at_once_in_its_own_words() {
    let Some((server, warehouse)) = database("in_place_misfits") else { return };
    let sql = |statements: &str| server.sql("in_place_misfits", statements);
    let mou = measures();
    let refused =
        |schema: &str| taken(&warehouse, &mou, schema).map(|_| ()).unwrap_err().to_string();
    sql("CREATE SCHEMA wrong;
         CREATE VIEW wrong.learner AS SELECT 1 AS person, 'F'::char(1) AS sex, DATE '1990-01-01' AS birth_year, 1 AS shoe_size;
         CREATE VIEW wrong.enrolment AS SELECT 'L1'::text AS who, now() AS term_start, 1.5 AS credits_earned;
         CREATE VIEW wrong.award AS SELECT 'L1'::text AS person, '1'::text AS row_order;");
    let expected = [
        "nothing was imported:",
        "`postgres:wrong.learner`, column `person`: is a `integer`, and should be a `text` (CAST(person AS text) in the view)",
        "`postgres:wrong.learner`, column `sex`: is a `character`, and should be a `text` (CAST(sex AS text) in the view)",
        "`postgres:wrong.learner`, column `birth_year`: is a `date`, and should be a `bigint` (CAST(birth_year AS bigint) in the view)",
        "`postgres:wrong.enrolment`, column `person`: there is no such column: it should be a `text` (add it to the view: whose the row is, as a text)",
        "`postgres:wrong.enrolment`, column `row_order`: there is no such column: it should be a `bigint` (row_number() OVER (PARTITION BY person ORDER BY …) AS row_order makes it)",
        "`postgres:wrong.enrolment`, column `term_start`: is a `timestamp with time zone`, and should be a `date` (CAST(term_start AS date) in the view)",
        "`postgres:wrong.enrolment`, column `credits_earned`: is a `numeric`, and should be a `bigint` (CAST(credits_earned AS bigint) in the view)",
        "`postgres:wrong.award`, column `row_order`: is a `text`, and should be a `bigint` (CAST(row_order AS bigint) in the view)",
    ];
    assert_eq!(refused("wrong").lines().collect::<Vec<_>>(), expected);

    sql("CREATE SCHEMA rows;
         CREATE VIEW rows.learner AS SELECT * FROM (VALUES ('L1', 1990), ('L1', 1991), (NULL, 1990), ('', 1800)) v (person, birth_year);
         CREATE VIEW rows.enrolment AS SELECT * FROM (VALUES ('L1', 1::bigint, DATE '2025-09-01'), ('L1', 1, '2025-09-02'),
             ('L2', NULL, 'infinity')) v (person, row_order, term_start);");
    let expected = [
        "nothing was imported:",
        "`postgres:rows.learner`, column `person`: rows without one: 2 (leave rows of nobody out of the view)",
        "`postgres:rows.learner`, column `person`: learners with more than one row: 1 (one row for each learner: SELECT DISTINCT ON (person) … ORDER BY person, …)",
        "`postgres:rows.learner`, column `birth_year`: rows in which it is not from 1905 to 2026: 1 (correct the view: such a value would count as absent)",
        "`postgres:rows.enrolment`, column `row_order`: rows without one: 1 (row_number() OVER (PARTITION BY person ORDER BY …) AS row_order makes it)",
        "`postgres:rows.enrolment`, column `row_order`: the same in several rows of one learner: 1 times (row_number() OVER (PARTITION BY person ORDER BY …) AS row_order makes it)",
        "`postgres:rows.enrolment`, column `term_start`: rows in which it is not from 1940-01-01 to 2099-12-31: 1 (correct the view: such a value would count as absent)",
    ];
    assert_eq!(refused("rows").lines().collect::<Vec<_>>(), expected);

    assert_eq!(
        refused("nowhere"),
        "the database has no schema `nowhere` with a view that is called learner, enrolment, award, employment, outcome or support; it has `rows`, `wrong`"
    );
    sql(
        "CREATE SCHEMA failing; CREATE VIEW failing.learner AS SELECT CAST('MARKER-8841' || repeat('', i) AS date)::text AS person, '1'::text AS sex FROM generate_series(1, 2) i;",
    );
    let failing = refused("failing");
    assert!(failing.contains("SQLSTATE 22007") && !failing.contains("MARKER"), "{failing}");
}

#[test]
fn the_summary_of_views_tells_what_an_imports_does() {
    let Some((server, warehouse)) = database("in_place_summary") else { return };
    college(server, "in_place_summary", "sumac");
    server.sql(
        "in_place_summary",
        "ALTER TABLE sumac.learner ADD COLUMN shoe_size integer;
         UPDATE sumac.learner SET sex = 'female' WHERE person = 'L1'; UPDATE sumac.learner SET sex = NULL WHERE person = 'L2';
         UPDATE sumac.enrolment SET term_start = '1950-09-01' WHERE person = 'L3' AND row_order = 1;",
    );
    let (_home, _, summary) = taken(&warehouse, &measures(), "sumac").unwrap();
    for line in [
        "schema `sumac` of PostgreSQL, counted in place: no row was taken\n",
        "learner: 90 rows, 90 learners\n",
        "  sex          97.7 % filled\n",
        "not in the list: `female` in 1 rows\n",
        "enrolment: 300 rows, 100 learners\n",
        "unlikely in 1 rows; the least is 1950-09-01\n",
        "not in the MOU, ignored: learner.shoe_size\n",
        "\nsnapshot 19700101T000000Z-0303030303030303\n",
    ] {
        assert!(summary.contains(line), "{line}: {summary}");
    }
}

#[test]
fn views_that_are_no_longer_as_they_were_imported_are_found_before_a_table_is_charged() {
    let Some((server, warehouse)) = database("in_place_changed") else { return };
    college(server, "in_place_changed", "sumac");
    let mou = measures();
    let table = table(&mou, "headcount", "2025-26".parse().unwrap());
    let (_home, data, _) = taken(&warehouse, &mou, "sumac").unwrap();
    let engine = Engine::Warehouse(Arc::new(warehouse.clone()));
    engine.is_within_reach(&data, &table).unwrap();
    let reader = stranger(server, "in_place_changed");
    let refused = taken(&reader, &mou, "sumac").map(|_| ()).unwrap_err().to_string();
    for view in ["award", "enrolment", "learner"] {
        let line = format!(
            "`postgres:sumac.{view}`: this user may not read it (GRANT USAGE on the schema and SELECT on the view)"
        );
        assert!(refused.contains(&line), "{line}: {refused}");
    }
    let reader = Engine::Warehouse(Arc::new(reader));
    for (statement, engine, expected) in [
        ("", &reader, "`in_place_changed` may not read what was asked for"),
        (
            "",
            &Engine::Here,
            "the data in use lies in PostgreSQL, and this node was started without a way into it: start it again",
        ),
        (
            "ALTER TABLE sumac.enrolment DROP COLUMN row_order",
            &engine,
            "the views are not as they were imported: `sumac.enrolment`, column `row_order`: there is no such column: it should be a `bigint`",
        ),
        (
            "ALTER TABLE sumac.enrolment ADD COLUMN row_order bigint; ALTER TABLE sumac.learner ALTER COLUMN sex TYPE char(1)",
            &engine,
            "the views are not as they were imported: `sumac.learner`, column `sex`: is a `character`, and should be a `text`",
        ),
        (
            "DROP TABLE sumac.learner",
            &engine,
            "the view `sumac.learner` is gone since it was imported",
        ),
        (
            "DROP SCHEMA sumac CASCADE",
            &engine,
            "the view `sumac.learner` is gone since it was imported",
        ),
    ] {
        server.sql("in_place_changed", statement);
        assert_eq!(engine.is_within_reach(&data, &table).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_statement_that_takes_too_long_is_an_error_and_no_number() {
    let Some((server, warehouse)) = database("in_place_slow") else { return };
    college(server, "in_place_slow", "sumac");
    let mou = measures();
    let table = table(&mou, "headcount", "2025-26".parse().unwrap());
    let (_home, data, _) = taken(&warehouse, &mou, "sumac").unwrap();
    server.sql(
        "in_place_slow",
        "ALTER TABLE sumac.enrolment RENAME TO fast; CREATE VIEW sumac.enrolment AS SELECT * FROM sumac.fast WHERE pg_sleep(600) IS NOT NULL;",
    );
    let place = Place::Socket(server.sockets().to_owned(), server.port());
    let second = std::time::Duration::from_secs(1);
    let hasty = Warehouse::new(place, "in_place_slow", "postgres", None, None, second).unwrap();
    let error = warehouse::count(&hasty, views(&data), &table).unwrap_err();
    assert!(
        matches!(error, TabulateError::Warehouse(WarehouseError::TimedOut { seconds: 1, .. })),
        "{error}"
    );
}

#[test]
fn numbers_that_cannot_be_are_errors() {
    let mou = measures();
    let of = |kpi: &str| table(&mou, kpi, "2025-26".parse().unwrap());
    let good = gathered(&of("headcount"), vec![(3, 7), (0, 1)]).unwrap();
    assert_eq!(good, [1, 0, 0, 7]);
    assert_eq!(gathered(&of("credits"), vec![(0, 1), (1, -3000)]).unwrap()[..2], [1, -3000]);
    for (kpi, found, expected) in [
        ("headcount", vec![(4, 1)], "a cell that is not in the table"),
        ("headcount", vec![(-1, 1)], "a cell that is not in the table"),
        ("headcount", vec![(0, 1), (0, 1)], "one cell twice"),
        ("headcount", vec![(0, -1)], "a number that cannot be"),
        ("credits", vec![(0, 1), (1, 3001)], "a number that cannot be"),
        ("credits", vec![(1, 1)], "a number that cannot be"),
        ("credits", vec![(0, -1)], "a number that cannot be"),
    ] {
        let error = gathered(&of(kpi), found).unwrap_err().to_string();
        assert_eq!(error, format!("the engine did not count the table: {expected}"));
    }
}

#[test]
fn what_is_in_use_in_place_holds_what_the_agreement_knows_and_is_this_nodes_own() {
    let Some((server, warehouse)) = database("in_place_manifest") else { return };
    college(server, "in_place_manifest", "sumac");
    let mou = measures();
    let (home, data, _) = taken(&warehouse, &mou, "sumac").unwrap();
    let columns: Vec<_> = data.holdings().columns.iter().map(ToString::to_string).collect();
    let expected = [
        "award.award_level",
        "award.awarded_on",
        "enrolment.credits_earned",
        "enrolment.intensity",
        "enrolment.term_start",
        "learner.birth_year",
        "learner.sex",
    ];
    assert_eq!(columns, expected);
    // What was imported under other code lists is not held.
    let schema: &Schema = mou.schema();
    assert!(schema.column(TableName::Learner, "sex").is_some());
    let manifest = home.path().join(data.id()).join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("\"format\": \"sumac-in-place/1\""), "{text}");
    assert!(!text.contains("90") && !text.contains("300"), "a count: {text}");
    std::fs::write(&manifest, text.replace("\"sumac\"", "\"sumac2\"")).unwrap();
    let error = Data::current(home.path(), &secret(), schema).unwrap_err();
    assert!(matches!(error, SnapshotError::NotOurs { .. }), "{error}");
}
