//! A node whose records never leave its party's PostgreSQL server: against one that froze the same records, and through
//! the shipped command.

mod command;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use sumac_node::records::canonical::{Canonical, Rows, Values};
use sumac_node::records::import::{Freezing, import_in_place};
use sumac_node::records::snapshot::Statement;
use sumac_node::store::read_only;
use sumac_node::tabulate::Engine;
use sumac_node::warehouse::{Place, Warehouse};
use sumac_policy::{PeerRole, TableName};
use sumac_protocol::RequestId;
use tokio::sync::watch;

use crate::coalition::{Coalition, chance, freeze, wanted};
use crate::postgres_server::server;
use crate::promises::{LAKESHORE, NOW, PARTIES, answer, cells, start};

/// KPIs of each measure beside the example's own.
const KPIS: &str = r#"
[[kpi]]
id          = "several"
title       = "Learners in each of their programmes"
answered_by = ["college"]
define      = { measure = "count", cap = 2, of = "enrolment", during = "term_start" }
by          = [["cip2"]]
period      = "year"
margin      = 15

[[kpi]]
id          = "full_time"
title       = "Full-time learners"
answered_by = ["college"]
define      = { measure = "rate", of = "enrolment", during = "term_start", outcomes = [{ id = "full", title = "Full-time", when = "intensity = 'FT'" }, { id = "part", title = "Part-time", otherwise = true }] }
by          = [["sex"]]
period      = "year"
margin      = 15

[[kpi]]
id          = "credits"
title       = "Credits earned"
answered_by = ["college"]
define      = { measure = "mean", of = "enrolment", during = "term_start", value = "credits_earned", clip = [0, 1700], unit = "credits", per = 100 }
by          = [["sex"]]
period      = "year"
margin      = 15

[[kpi]]
id          = "credits_spread"
title       = "Credits earned"
answered_by = ["college"]
define      = { measure = "distribution", of = "enrolment", during = "term_start", value = "credits_earned", bins = [0, 1000, 1600, 2000], unit = "credits", per = 100 }
by          = [["sex"]]
period      = "year"
margin      = 15

[[kpi]]
"#;

/// The same records twice: canonical rows, and the statements that put them into the warehouse.
fn records(coalition: &Coalition) -> (Canonical, String) {
    let schema = coalition.mou.schema();
    let code = |table, column: &str, id: &str| {
        let codes = schema.column(table, column).unwrap().kind.codes().unwrap();
        u16::try_from(codes.iter().position(|code| code.id == id).unwrap()).unwrap()
    };
    let mut sql = "CREATE SCHEMA sumac; CREATE TABLE sumac.learner (person text, sex text);
        CREATE TABLE sumac.enrolment (person text, row_order bigint, term_start date, cip2 text, intensity text, credits_earned bigint);\n"
        .to_owned();
    let (mut people, mut sexes) = (Vec::new(), Vec::new());
    let (mut whose, mut days, mut programmes, mut full, mut credits) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for n in 0..400_i64 {
        let name = format!("L{n}");
        let person = Coalition::secret().person_key(&name);
        let sex = ["F", "M", "X", "unknown"][usize::try_from(n % 4).unwrap()];
        people.push(person);
        sexes.push(code(TableName::Learner, "sex", sex));
        writeln!(sql, "INSERT INTO sumac.learner VALUES ('{name}', '{sex}');").unwrap();
        for term in 0..1 + n % 4 {
            // 1 September 2025 and after it.
            let day = 20_332 + i32::try_from(term).unwrap();
            let programme = ["11", "51", "52"][usize::try_from((n + term) % 3).unwrap()];
            let intensity = if (n + term) % 5 == 0 { "FT" } else { "PT" };
            let earned = 100 * (n % 9);
            whose.push(person);
            days.push(Some(day));
            programmes.push(code(TableName::Enrolment, "cip2", programme));
            full.push(code(TableName::Enrolment, "intensity", intensity));
            credits.push(Some(earned));
            writeln!(
                sql,
                "INSERT INTO sumac.enrolment VALUES ('{name}', {term}, DATE '1970-01-01' + {day}, '{programme}', '{intensity}', {earned});"
            )
            .unwrap();
        }
    }
    let column = |name: &str, values: Values| (name.to_owned(), values);
    let learner = Rows { person: people, columns: vec![column("sex", Values::Code(sexes))] };
    let enrolment = Rows {
        person: whose,
        columns: vec![
            column("term_start", Values::Date(days)),
            column("cip2", Values::Code(programmes)),
            column("intensity", Values::Code(full)),
            column("credits_earned", Values::Integer(credits)),
        ],
    };
    let tables = [(TableName::Learner, learner), (TableName::Enrolment, enrolment)];
    (Canonical { tables: BTreeMap::from(tables) }, sql)
}

/// What a node answers to every measure: its cells, or what it said instead.
async fn answers(coalition: &Coalition) -> Vec<Vec<i64>> {
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let mut found = Vec::new();
    for (kpi, by) in [
        ("enrolment", &["sex"][..]),
        ("several", &["cip2"]),
        ("full_time", &["sex"]),
        ("credits", &["sex"]),
        ("credits_spread", &["sex"]),
    ] {
        let id: RequestId = format!("maria.{kpi}").parse().unwrap();
        let answers = asker.ask(&id, &wanted(&coalition.mou, kpi, "2025-26", &[by])).await;
        found.push(cells(&answers[0], "lakeshore-cc"));
    }
    found
}

#[tokio::test]
async fn a_node_in_place_answers_what_one_with_a_snapshot_of_the_same_records_does() {
    let Some(server) = server() else { return };
    let mou = LAKESHORE.replacen("\n[[kpi]]\n", KPIS, 1);
    let mut coalition = Coalition::under(&mou, PARTIES.clone(), &["lakeshore-cc"]).await;
    let (rows, sql) = records(&coalition);
    server.database("in_place_coalition", "unused");
    server.sql("in_place_coalition", &format!("BEGIN;\n{sql}COMMIT;"));
    let place = Place::Socket(server.sockets().to_owned(), server.port());
    let time = Duration::from_secs(600);
    let warehouse =
        Warehouse::new(place, "in_place_coalition", "postgres", None, None, time).unwrap();

    // The same chance: so the noise is the same, and equal cells are equal counts.
    let frozen = coalition.home("lakeshore-cc").join("frozen");
    freeze(&coalition, &frozen, &rows, &["2025-26"]);
    let serving = start(&coalition, "lakeshore-cc", 1, &frozen).await;
    let expected = answers(&coalition).await;
    serving.stop().await;
    assert!(expected.iter().flatten().any(|cell| *cell > 50), "{expected:?}");
    std::fs::remove_dir_all(coalition.ledger("lakeshore-cc", 1)).unwrap();

    let in_place = coalition.home("lakeshore-cc").join("in-place");
    let taken = warehouse.clone();
    let (into, schema) = (in_place.clone(), coalition.mou.schema().clone());
    let covers = coalition.covered(&["2025-26"]);
    let as_of = NOW.split('T').next().unwrap().parse().unwrap();
    let now = coalition.clock()();
    let importing = tokio::task::spawn_blocking(move || {
        let statement = Statement { as_of, covers };
        let freezing = Freezing {
            statement: &statement,
            schema: &schema,
            withheld: &[],
            secret: &Coalition::secret(),
            into: &into,
            now,
            id_seed: [1; 8],
        };
        let session = taken.connect().unwrap();
        import_in_place(&"sumac".parse().unwrap(), &session, &freezing, &[]).unwrap();
    });
    importing.await.unwrap();
    // One that knows no warehouse does not take it up: nothing is charged that it cannot count.
    let identity = watch::channel(Arc::new(coalition.identity_of_node("lakeshore-cc"))).1;
    let ledger = coalition.ledger("lakeshore-cc", 2);
    let refused = coalition.assemble("lakeshore-cc", identity, chance(2), &ledger, &in_place).await;
    assert!(format!("{:?}", refused.err().unwrap()).contains("NoWarehouse"));

    coalition.engine = Engine::Warehouse(Arc::new(warehouse));
    let serving = start(&coalition, "lakeshore-cc", 1, &in_place).await;
    assert_eq!(answers(&coalition).await, expected);
    // What was released once is so for ever, whatever the rows say now.
    server.sql("in_place_coalition", "DROP SCHEMA sumac CASCADE");
    assert_eq!(answers(&coalition).await, expected);
    // What is not can be neither charged nor counted, until records are taken into the node.
    assert!(total(&coalition, "maria.1").await.is_err());
    let before = read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap().charged_tables;
    assert_eq!(before, 5);
    freeze(&coalition, &in_place, &rows, &["2025-26"]);
    total(&coalition, "maria.2").await.unwrap();
    serving.stop().await;
}

/// The table that was not asked before.
async fn total(coalition: &Coalition, request: &str) -> Result<Vec<i64>, String> {
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", &[&[]]);
    let answers = asker.ask(&request.parse().unwrap(), &tables).await;
    match answer(&answers[0], "lakeshore-cc") {
        Ok(_) => Ok(cells(&answers[0], "lakeshore-cc")),
        Err(absence) => Err(absence.to_string()),
    }
}
