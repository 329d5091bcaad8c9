//! The same random tables over the same random records: row by row, by the dense pass, by PostgreSQL, and, with the
//! feature `cluster`, by a DataFusion cluster.

#[cfg(feature = "cluster")]
use std::collections::BTreeSet;
use std::fmt::Write;

use sumac_keys::NodeSecret;
use sumac_policy::{ColumnRef, Kind, Schema};

use super::random::{self, Dice};
use super::*;
use crate::tabulate::sql::{self, postgres::Postgres};
use crate::warehouse::testing::{Server, server};
use crate::warehouse::{Place, Session, Warehouse};

/// Seeds of agreements and records, of eight tables each.
const SEEDS: u64 = 40;
/// One seed in so many is counted by a cluster, where there is one; the others by its engine alone.
#[cfg(feature = "cluster")]
const CLUSTERED: u64 = 8;

/// What a learner of the dice is called in the warehouse.
pub(super) fn called(person: &PersonKey) -> String {
    format!("L'{}\"é", person[0])
}

/// The records, their learners' keys made of what the warehouse calls them.
pub(super) fn keyed(canonical: &Canonical, secret: &NodeSecret) -> Canonical {
    let mut keyed = canonical.clone();
    for rows in keyed.tables.values_mut() {
        rows.person = rows.person.iter().map(|person| secret.person_key(&called(person))).collect();
    }
    keyed
}

/// Puts the records into a schema of tables as the node asks for them.
pub(super) fn fill(
    server: &Server,
    database: &str,
    canonical: &Canonical,
    schema: &Schema,
    name: &str,
    dice: &mut Dice,
) {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut statements = format!("CREATE SCHEMA {name};\n");
    for (table, rows) in &canonical.tables {
        let kinds =
            rows.columns.iter().map(|(column, _)| &schema.column(*table, column).unwrap().kind);
        let columns = rows.columns.iter().zip(kinds.clone()).map(|((column, _), kind)| {
            let of = match kind {
                Kind::Code(_) => "text",
                Kind::Date => "date",
                Kind::Year => "integer",
                Kind::Integer => "bigint",
            };
            format!("\"{column}\" {of}")
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        writeln!(
            statements,
            "CREATE TABLE {name}.{table} (person text, row_order bigint, {columns});"
        )
        .unwrap();
        // The order of rows is not the order in which they lie there.
        let mut places: Vec<_> = (0..rows.person.len()).collect();
        for place in 0..places.len() {
            places.swap(place, dice.below(place + 1));
        }
        for place in places {
            let person = &rows.person[place];
            let later = &rows.person[place + 1..];
            if *table == TableName::Learner && later.contains(person) {
                continue;
            }
            let mut values = vec![text(&called(person)), place.to_string()];
            for ((_, column), kind) in rows.columns.iter().zip(kinds.clone()) {
                let number =
                    |number: Option<i64>| number.map_or("NULL".to_owned(), |n| n.to_string());
                values.push(match (column, kind) {
                    (Values::Code(codes), Kind::Code(list)) => {
                        let id = &list[usize::from(codes[place])].id;
                        match id.as_str() {
                            // What a view says of nobody, and what is in no list, is unknown.
                            "unknown" => {
                                dice.pick(&["NULL", "'unknown'", "'elsewhere'"]).to_owned()
                            }
                            id => text(id),
                        }
                    }
                    (Values::Date(days), _) => days[place]
                        .map_or("NULL".to_owned(), |day| format!("DATE '1970-01-01' + {day}")),
                    (Values::Year(years), _) => number(years[place].map(i64::from)),
                    (Values::Integer(numbers), _) => number(numbers[place]),
                    other => panic!("{other:?}"),
                });
            }
            writeln!(statements, "INSERT INTO {name}.{table} VALUES ({});", values.join(", "))
                .unwrap();
        }
    }
    server.sql(database, &format!("BEGIN;\n{statements}\nCOMMIT;"));
}

fn asked(
    session: &Session,
    table: &Table,
    schema: &Schema,
    views: &str,
    secret: &NodeSecret,
) -> Vec<i64> {
    let word = secret.circles().word(table.key().as_bytes());
    let kind = |column: &ColumnRef| {
        schema.column(column.table, &column.column).map(|column| column.kind.clone())
    };
    let statement =
        sql::statement(table, word, &kind, &Postgres { views, possible: &BTreeMap::new() })
            .unwrap();
    let pads = secret.purposes().map(|key| key.pads().map(|pad| pad.to_vec()));
    let pads: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
        pads.iter().flatten().map(|pad| pad as _).collect();
    let parameters = if statement.contains("$1::bytea") { &pads[..] } else { &[] };
    let mut cells = vec![0; table.cells()];
    let rows = session.query(&statement, parameters);
    for row in rows.unwrap_or_else(|error| panic!("{error}\n{statement}")) {
        let cell = usize::try_from(session.get::<i64>(&row, 0).unwrap()).unwrap();
        cells[cell] += session.get::<i64>(&row, 1).unwrap();
    }
    cells
}

/// A database of the server, and a way into it.
pub(super) fn database(name: &'static str) -> Option<(&'static Server, Warehouse)> {
    let server = server()?;
    server.database(name, "unused");
    let place = Place::Socket(server.sockets().to_owned(), server.port());
    let timeout = std::time::Duration::from_secs(600);
    Some((server, Warehouse::new(place, name, "postgres", None, None, timeout).unwrap()))
}

#[test]
fn ratios_are_rounded_alike_half_away_from_zero() {
    let Some((server, warehouse)) = database("ratios") else { return };
    let value =
        r#"of = "enrolment", during = "term_start", value = "credits_earned / credits_attempted""#;
    let mean = format!("measure = \"mean\", {value}, clip = [-9000, 9000]");
    let bins =
        format!("measure = \"distribution\", {value}, bins = [-2, -1, 0, 1, 2, 3333, 3334, 6667]");
    let kpis = kpi("mean", &mean, "[]", "year") + &kpi("bins", &bins, "[]", "year");
    let mou = agreement("07-01", "2020-21", &kpis);
    let pairs = [
        (Some(1), Some(20_000)),
        (Some(-1), Some(20_000)),
        (Some(1), Some(-20_000)),
        (Some(3), Some(20_000)),
        (Some(-3), Some(20_000)),
        (Some(1), Some(20_001)),
        (Some(1), Some(3)),
        (Some(2), Some(3)),
        (Some(-2), Some(3)),
        (Some(0), Some(7)),
        (Some(9), Some(1)),
        (Some(1), Some(0)),
        (Some(0), Some(0)),
        (None, Some(3)),
        (Some(1), None),
        (Some(i64::MAX / 2), Some(i64::MAX / 2)),
    ];
    let learners = 0..u8::try_from(pairs.len()).unwrap();
    let day = crate::tabulate::calendar::days("2025-09-01".parse().unwrap());
    let columns = vec![
        ("term_start".to_owned(), Values::Date(vec![Some(day); pairs.len()])),
        ("credits_earned".to_owned(), Values::Integer(pairs.map(|pair| pair.0).to_vec())),
        ("credits_attempted".to_owned(), Values::Integer(pairs.map(|pair| pair.1).to_vec())),
    ];
    let rows = Rows { person: learners.map(|learner| [learner; 16]).collect(), columns };
    let called = Canonical { tables: BTreeMap::from([(TableName::Enrolment, rows)]) };
    let canonical = keyed(&called, &secret());
    fill(server, "ratios", &called, mou.schema(), "ratios", &mut Dice::new(1));
    let (_home, snapshot) = frozen(&canonical, &mou, 7);
    let session = warehouse.connect().unwrap();
    for kpi in ["mean", "bins"] {
        let table = table(&mou, kpi, "2025-26".parse().unwrap());
        let expected = reference::count(&canonical, mou.schema(), &table, &secret());
        assert_eq!(count(&snapshot, &table, threads(2)).unwrap(), expected);
        assert_eq!(asked(&session, &table, mou.schema(), "ratios", &secret()), expected);
        assert!(expected.iter().filter(|cell| **cell != 0).count() > 1, "{expected:?}");
    }
}

#[test]
fn every_engine_agrees_with_counting_row_by_row() {
    let Some((server, warehouse)) = database("agreement") else { return };
    #[cfg(feature = "cluster")]
    let (spread, mut spread_kinds) = (super::spread::Spread::start(), BTreeSet::new());
    let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
    for seed in 1000..1000 + SEEDS {
        let mut dice = Dice::new(seed);
        let mou = random::agreement(&mut dice);
        let called = random::canonical(&mut dice, mou.schema());
        let canonical = keyed(&called, &secret());
        let views = format!("seed_{seed}");
        fill(server, "agreement", &called, mou.schema(), &views, &mut dice);
        let (_home, snapshot) = frozen(&canonical, &mou, 7);
        let session = warehouse.connect().unwrap();
        for kpi in mou.kpis() {
            let period = random::period(&mut dice, &mou, kpi.period);
            let table = table(&mou, kpi.id.as_str(), period);
            let expected = reference::count(&canonical, mou.schema(), &table, &secret());
            let dense = count(&snapshot, &table, threads(2)).unwrap();
            let pushed_down = asked(&session, &table, mou.schema(), &views, &secret());
            let definition = &kpi.definition;
            assert_eq!(dense, expected, "seed {seed}, {period}: {definition:?}");
            assert_eq!(pushed_down, expected, "seed {seed}, {period}: {definition:?}");
            #[cfg(feature = "cluster")]
            {
                // A cluster hands each part of a query around, which takes a second for each table.
                let counted = if seed % CLUSTERED == 0 {
                    spread_kinds.insert(definition.measure.kind());
                    spread.count(&snapshot, &table)
                } else {
                    crate::tabulate::cluster::count_here(&snapshot, &table).unwrap()
                };
                assert_eq!(counted, expected, "seed {seed}, {period}: {definition:?}");
            }
            let cells = expected.iter().filter(|cell| **cell != 0).count();
            *kinds.entry(definition.measure.kind()).or_insert(0) += cells;
        }
    }
    assert!(kinds.len() == 6 && kinds.values().all(|cells| *cells > 40), "{kinds:?}");
    #[cfg(feature = "cluster")]
    assert_eq!(spread_kinds.len(), 6, "{spread_kinds:?}");
}
