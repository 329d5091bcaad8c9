//! The clauses of an agreement that a node enforces, each by its name, through a real node and a real asker.
//!
//! One short test for each: that the clause holds, and that it is this clause that holds. What a clause means in all its
//! cases is tested where it is decided, in `policy`; what else hangs on one has a file of its own (`narrow.rs`,
//! `held.rs`, `retention.rs`, `amendment.rs`, `leave.rs`). Those that hold after the answer are in `after`; `complete`
//! compares all of them with docs/mou.md.

mod after;
mod complete;

use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use sumac_backbone::{Absence, Asker};
use sumac_node::records::canonical::Values;
use sumac_node::records::snapshot::Data;
use sumac_node::store::read_only;
use sumac_policy::{ColumnRef, Mou, PeerRole, TableName};
use sumac_protocol::wire::{Question, answer};
use sumac_protocol::{Release, RequestId};

use crate::coalition::{Coalition, Parties, Serving, freeze, wanted};
use crate::command::{CHAMBER, COLLEGE as SITE_COLLEGE, Site};
use crate::promises::{LAKESHORE, NOW, PARTIES, ask, cells, enrolled, signed};
use crate::raw::{self, question};

const COLLEGE: &str = "lakeshore-cc";
const EMPLOYER: &str = "northside-health";
const SEX: &[&[&str]] = &[&["sex"]];

/// The example with these replacements, each of which must change it.
fn example(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(LAKESHORE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// A coalition under the example so changed, and the node of a college with forty learners.
struct Place {
    coalition: Coalition,
    serving: Serving,
}

impl Place {
    async fn under(changes: &[(&str, &str)]) -> Self {
        Self::of(COLLEGE, changes).await
    }

    async fn of(party: &str, changes: &[(&str, &str)]) -> Self {
        let coalition = Coalition::under(&example(changes), PARTIES.clone(), &[party]).await;
        let snapshots = coalition.home(party).join("snapshots");
        if party == COLLEGE {
            freeze(&coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
        }
        let node = coalition.node(party, 1, &snapshots).await;
        let serving = coalition.serve(party, node).await;
        Self { coalition, serving }
    }

    /// What the node says to a call of an analyst of the backbone.
    async fn says(&self, questions: &[Question]) -> Vec<String> {
        self.says_to(COLLEGE, &["lakeshore-cc", "harbor-tech"], questions).await
    }

    async fn says_to(&self, node: &str, roster: &[&str], questions: &[Question]) -> Vec<String> {
        let role = PeerRole::Analyst;
        let mut client = raw::client(&self.coalition, node, "lakeshore-chamber", role).await;
        let roster = roster.iter().map(|party| (*party).to_owned()).collect();
        let request =
            sumac_protocol::wire::AskRequest { roster, ..raw::ask(&self.coalition, questions) };
        let answers = client.ask(request).await.unwrap().into_inner().answers;
        let said = answers.into_iter().map(|answer| match answer.outcome.unwrap() {
            answer::Outcome::Released(_) => "RELEASED".to_owned(),
            answer::Outcome::Refused(refusal) => {
                let reason = refusal.reason().as_str_name();
                let reason = reason.trim_start_matches("REFUSAL_REASON_");
                format!("{reason} {}", refusal.clause)
            }
            answer::Outcome::Fault(fault) => panic!("{fault:?}"),
        });
        said.collect()
    }

    /// What it says to an analyst's one question about enrolment by sex.
    async fn answers(&self) -> String {
        self.says(&[question("enrolment", "2025-26", &["sex"])]).await.remove(0)
    }

    /// What it says to somebody else's.
    async fn answers_to(&self, asker: &Asker) -> String {
        let id: RequestId = "somebody.1".parse().unwrap();
        let tables = wanted(&self.coalition.mou, "enrolment", "2025-26", SEX);
        match &asker.ask(&id, &tables).await[0].from[0].1 {
            Ok(_) => "RELEASED".to_owned(),
            Err(Absence::Refused(refusal)) => format!("{} {}", refusal.reason, refusal.clause),
            Err(absence) => absence.word().to_owned(),
        }
    }

    fn charged(&self) -> u64 {
        read_only(&self.coalition.ledger(COLLEGE, 1)).unwrap().charged_tables
    }

    fn step_to(&self, day: &str) {
        self.coalition.step_to(format!("{day}T12:00:00Z").parse().unwrap());
    }

    async fn stop(self) {
        self.serving.stop().await;
    }
}

#[tokio::test]
async fn parties() {
    let place = Place::under(&[]).await;
    let known = place.coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    assert_eq!(place.answers_to(&known).await, "RELEASED");
    // The same name, signed by a root that the agreement does not pin.
    let others = Parties::of(LAKESHORE, NOW);
    let identity = others.identity("lakeshore-chamber", PeerRole::Analyst, "maria");
    let Coalition { mou, trust, .. } = &place.coalition;
    let clock = place.coalition.clock();
    let stranger = Asker::new(mou.clone(), trust.clone(), &identity, &clock).unwrap();
    assert_eq!(place.answers_to(&stranger).await, "unreachable");
    place.stop().await;
}

#[tokio::test]
async fn roles() {
    let place = Place::under(&[(
        "backbone     = { party = \"lakeshore-chamber\", may = [\"ask\", \"read\", \"publish\"] }",
        "backbone     = { party = \"lakeshore-chamber\", may = [\"ask\"] }\n\
         reader       = { party = \"harbor-tech\", may = [\"read\"] }",
    ), (
        "guiding_team = { party = \"every-party\", may = [\"read\", \"propose\"] }",
        "guiding_team = { party = \"every-party\", may = [\"propose\"] }",
    )])
    .await;
    let asker = |party: &str, role| place.coalition.asker(party, role);
    for role in [PeerRole::Node, PeerRole::Steward] {
        let said = place.answers_to(&asker("lakeshore-chamber", role)).await;
        assert_eq!(said, "ROLE_MAY_NOT_ASK roles");
    }
    // Neither a node's own operator nor a party without the right asks; a reader gets what is released.
    let nobody = asker(COLLEGE, PeerRole::Analyst);
    assert_eq!(place.answers_to(&nobody).await, "PARTY_MAY_NOT_ASK roles");
    let reader = asker("harbor-tech", PeerRole::Analyst);
    assert_eq!(place.answers_to(&reader).await, "NOT_RELEASED_YET roles");
    assert_eq!(place.charged(), 0);
    assert_eq!(place.answers().await, "RELEASED");
    assert_eq!(place.answers_to(&reader).await, "RELEASED");
    place.stop().await;
}

#[tokio::test]
async fn purpose() {
    let place = Place::under(&[]).await;
    let purpose = |purpose: &str| Question {
        purpose: purpose.to_owned(),
        ..question("enrolment", "2025-26", &["sex"])
    };
    let said = place.says(&[purpose("marketing"), purpose("equity-review")]).await;
    assert_eq!(said, ["PURPOSE_NOT_LISTED agreement.purposes", "RELEASED"]);
    place.stop().await;
}

#[test]
fn permitted_data() {
    // No KPI may read what its parties withhold.
    let conflict = example(&[(
        "[[restrict]]",
        "[data.college]\nwithheld = [\"learner.sex\"]\n\n[[restrict]]",
    )]);
    let problems = Mou::read(conflict.as_bytes()).unwrap_err().to_string();
    assert!(problems.contains("reads `learner.sex`, which data.college withholds"), "{problems}");
    // And a node does not take it in, whatever its mapping fills.
    let site = Site::under(|mou| {
        let by = "by          = [[], [\"sex\"], [\"race_ethnicity\"]]";
        assert!(mou.contains(by));
        let mou = mou.replacen(by, "by          = [[], [\"sex\"]]", 1);
        format!("{mou}\n[data.college]\nwithheld = [\"learner.race_ethnicity\"]\n")
    });
    let export = "ID,SEX,RACE,START\nL1,F,3,2025-09-01\nL2,M,4,2025-09-01\n";
    fs::write(site.dir().join("again.csv"), export).unwrap();
    let words = ["import", "again.csv", "--mapping", "mapping.toml", "--as-of", "2026-01-15"];
    let words = [&words[..], &["--covers", "2025"]].concat();
    let said = site.run(SITE_COLLEGE, &words).well();
    assert!(
        said.err.contains("withheld by the MOU, not taken in: learner.race_ethnicity"),
        "{said:?}"
    );
    let secret = fs::read(site.home(SITE_COLLEGE).join("node.secret")).unwrap();
    let secret = sumac_keys::NodeSecret::new(secret.try_into().unwrap());
    let snapshots = site.home(SITE_COLLEGE).join("snapshots");
    let snapshot = Data::current(&snapshots, &secret, site.mou().schema()).unwrap().unwrap();
    let held = |column: &str| {
        let column = ColumnRef { table: TableName::Learner, column: column.to_owned() };
        snapshot.holdings().columns.contains(&column)
    };
    assert_eq!((held("sex"), held("race_ethnicity")), (true, false));
    // What is not withheld is answered as before.
    let serving = site.serve();
    site.run(CHAMBER, &["ask", "enrolment", "--period", "2025", "--by", "sex"]).well();
    drop(serving);
}

#[tokio::test]
async fn permitted_uses() {
    let place = Place::under(&[]).await;
    let said = place.says(&[question("wages", "2025-26", &[])]).await;
    assert_eq!(said, ["KPI_NOT_LISTED kpi"]);
    place.stop().await;
}

#[tokio::test]
async fn dimensions() {
    let place = Place::under(&[]).await;
    let by = |by: &[&str]| question("enrolment", "2025-26", by);
    let said = place.says(&[by(&["veteran"]), by(&["sex", "age_band"]), by(&["sex"])]).await;
    let not_listed = "BREAKDOWN_NOT_LISTED kpi.enrolment.by";
    assert_eq!(said, [not_listed, not_listed, "RELEASED"]);
    place.stop().await;
}

#[tokio::test]
async fn restrictions() {
    let sex = "[[restrict]]\nbecause = \"ours\"\nkpi = \"enrolment\"\ndimension = \"sex\"\nrefuse = true\n\n[[restrict]]";
    let wider =
        "[[restrict]]\nbecause = \"ours\"\nkpi = \"enrolment\"\nmargin = 40\n\n[[restrict]]";
    let place = Place::under(&[("[[restrict]]", sex), ("[[restrict]]", wider)]).await;
    let said = place
        .says(&[
            question("enrolment", "2025-26", &["sex"]),
            question("enrolment", "2025-26", &["pell"]),
            question("enrolment", "2025-26", &[]),
        ])
        .await;
    assert_eq!(said, ["RESTRICTED restrict[2]", "RESTRICTED restrict[3]", "RELEASED"]);
    // The strictest margin is the one that is measured at.
    let total = ask(&place.coalition, &[&[]]).await.remove(0);
    let facts = total.from[0].1.as_ref().unwrap().release().facts();
    assert_eq!(facts.margin.learners(), 40);
    place.stop().await;
}

#[tokio::test]
async fn minimum_group() {
    // Under the platform's own floor no node runs; and where each node judges the floor, it does.
    let floor = "floor       = 10 ";
    let low = Mou::read(example(&[(floor, "floor = 4 ")]).as_bytes()).unwrap_err().to_string();
    assert!(low.contains("4 is under the platform's own floor of 5 people"), "{low}");
    let at_node = ("floor_at    = \"coalition\"", "floor_at = \"node\"");
    let place = Place::under(&[(floor, "floor = 500 "), at_node]).await;
    let sex = ask(&place.coalition, SEX).await.remove(0);
    assert_eq!(cells(&sex, COLLEGE), [0, 0, 0, 0]);
    let facts = sex.from[0].1.as_ref().unwrap().release().facts();
    let withheld = facts.withheld.as_ref().unwrap();
    assert_eq!((withheld.below, withheld.groups.as_slice()), (500, &[0, 1, 2, 3][..]));
    place.stop().await;
}

#[tokio::test]
async fn employer_confidentiality() {
    let place = Place::of(EMPLOYER, &[]).await;
    let hires = [question("hires_of_completers", "2025-Q3", &[])];
    let too_small = "ROSTER_TOO_SMALL privacy.min_parties";
    for roster in [
        &[][..],
        &["northside-health", "county-transit"],
        &["northside-health", "county-transit", "lakeshore-cc"],
        &["northside-health", "county-transit", "acme"],
    ] {
        assert_eq!(place.says_to(EMPLOYER, roster, &hires).await, [too_small], "{roster:?}");
    }
    let three = ["northside-health", "county-transit", "bay-fabrication"];
    // Enough were asked together: it is the missing data that it speaks of now.
    assert_eq!(place.says_to(EMPLOYER, &three, &hires).await, ["NO_SNAPSHOT calendar"]);
    place.stop().await;
}

#[tokio::test]
async fn privacy_budget() {
    // Each table of enrolment costs 0.008536889: there is room for one.
    let place = Place::under(&[("rho = 0.5", "rho = 0.009")]).await;
    let by = |by: &[&str]| question("enrolment", "2025-26", by);
    let said = place.says(&[by(&["sex"]), by(&[]), by(&["sex"])]).await;
    assert_eq!(said, ["RELEASED", "BUDGET_SPENT privacy.budget", "RELEASED"]);
    assert_eq!(place.charged(), 1);
    place.stop().await;
}

#[tokio::test]
async fn approval() {
    let place = Place::under(&[
        ("margin      = 15 ", "needs = \"approval\"\nmargin      = 15 "),
        ("may = [\"read\", \"propose\"]", "may = [\"read\", \"propose\", \"approve\"]"),
    ])
    .await;
    assert_eq!(place.answers().await, "HELD kpi.enrolment.needs");
    assert_eq!(place.charged(), 0);
    place.stop().await;
}

#[tokio::test]
async fn contribution_caps() {
    // A learner more, who has enrolled full-time, part-time and otherwise, moves as many cells as the cap says.
    for cap in [1_u32, 2] {
        let define = format!(
            "title = \"Learners\"\ndefine = {{ measure = \"count\", cap = {cap}, of = \"enrolment\", during = \"term_start\" }}"
        );
        let changes = [
            ("uses        = \"ipeds/enrolment_headcount\"", define.as_str()),
            ("[\"sex\"], [\"age_band\"]]", "[\"sex\"], [\"intensity\"]]"),
        ];
        let mut released = Vec::new();
        for learners in [0..40, 0..41] {
            let coalition = Coalition::under(&example(&changes), PARTIES.clone(), &[COLLEGE]).await;
            let snapshots = coalition.home(COLLEGE).join("snapshots");
            let mut data = enrolled(learners, 3);
            let rows = data.tables.get_mut(&TableName::Enrolment).unwrap();
            let codes = (0..rows.person.len()).map(|row| u16::try_from(row % 3).unwrap());
            rows.columns.push(("intensity".into(), Values::Code(codes.collect())));
            freeze(&coalition, &snapshots, &data, &["2025-26"]);
            // The same chance for both, and so the same noise.
            let serving =
                coalition.serve(COLLEGE, coalition.node(COLLEGE, 1, &snapshots).await).await;
            let answers = ask(&coalition, &[&["intensity"]]).await.remove(0);
            let facts = signed(&answers, COLLEGE);
            let facts = Release::decode(&facts.body).unwrap().facts().clone();
            // ⌈1,920,800,000 · cap / 15²⌉
            assert_eq!(facts.price_nano_rho, (1_920_800_000 * u64::from(cap)).div_ceil(225));
            released.push(facts.cells);
            serving.stop().await;
        }
        let moved = released[1].iter().zip(&released[0]).map(|(more, less)| more - less);
        let moved: Vec<_> = moved.filter(|by| *by != 0).collect();
        assert_eq!(moved, std::iter::repeat_n(1, cap as usize).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn cadence() {
    let place = Place::under(&[("wait_days    = 21", "wait_days = 40")]).await;
    assert_eq!(place.answers().await, "PERIOD_NOT_CLOSED calendar.wait_days");
    place.step_to("2026-08-09");
    assert_eq!(place.answers().await, "PERIOD_NOT_CLOSED calendar.wait_days");
    place.step_to("2026-08-10");
    let first = signed(&ask(&place.coalition, SEX).await[0], COLLEGE);
    // One release a period: the same bytes, for nothing.
    assert_eq!(signed(&ask(&place.coalition, SEX).await[0], COLLEGE), first);
    assert_eq!(place.charged(), 1);
    place.stop().await;

    let terms = "terms = { FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\" }\nwait_days ";
    let by_term = ("\"year\"\nmargin      = 15", "\"term\"\nmargin = 15");
    let place = Place::under(&[("wait_days ", terms), by_term]).await;
    let said = ["2025-26", "2025-SUMMER", "2026-SUMMER", "2025-FALL"]
        .map(|period| question("enrolment", period, &["sex"]));
    let expected = [
        "PERIOD_NOT_OF_KPI kpi.enrolment.period",
        "PERIOD_BEFORE_FIRST calendar.first_period",
        "PERIOD_NOT_CLOSED calendar.wait_days",
        "RELEASED",
    ];
    assert_eq!(place.says(&said).await, expected);
    place.stop().await;
}

#[tokio::test]
async fn effective_expiry() {
    let days = [
        ("effective = 2026-07-15", "effective = 2026-08-03"),
        ("expires   = 2028-06-30", "expires = 2026-08-05"),
    ];
    let place = Place::under(&days).await;
    for (day, expected) in [
        ("2026-08-02", "MOU_NOT_YET_EFFECTIVE effective"),
        ("2026-08-03", "RELEASED"),
        ("2026-08-05", "RELEASED"),
        ("2026-08-06", "MOU_EXPIRED expires"),
    ] {
        place.step_to(day);
        assert_eq!(place.answers().await, expected, "{day}");
    }
    place.stop().await;
}

#[tokio::test]
async fn pilot() {
    let pilot = |parties: &str, kpis: &str| {
        format!(
            "[pilot]\nuntil = 2026-08-10\nparties = [{parties}]\nkpis = [{kpis}]\n\n[[restrict]]"
        )
    };
    let without_kpi = pilot("\"lakeshore-cc\"", "\"retention\"");
    let without_party = pilot("\"harbor-tech\"", "\"enrolment\"");
    for (pilot, clause) in [(without_kpi, "pilot.kpis"), (without_party, "pilot.parties")] {
        let place = Place::under(&[("[[restrict]]", &pilot)]).await;
        assert_eq!(place.answers().await, format!("NOT_IN_PILOT {clause}"));
        place.step_to("2026-08-11");
        assert_eq!(place.answers().await, "RELEASED");
        place.stop().await;
    }
}

#[tokio::test]
async fn data_quality() {
    let fresh = "[data.college]\nfreshness_days = 10\n\n[[restrict]]";
    let place = Place::under(&[("[[restrict]]", fresh)]).await;
    let by = |by: &[&str]| question("enrolment", "2025-26", by);
    place.step_to("2026-08-11");
    assert_eq!(place.says(&[by(&["sex"])]).await, ["RELEASED"]);
    place.step_to("2026-08-12");
    // What is released is answered all the same; nothing new is measured on data that is too old.
    let said = place.says(&[by(&["sex"]), by(&[])]).await;
    assert_eq!(said, ["RELEASED", "SNAPSHOT_STALE data.college.freshness_days"]);
    let snapshots = place.coalition.home(COLLEGE).join("snapshots");
    freeze(&place.coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
    assert_eq!(place.says(&[by(&[])]).await, ["RELEASED"]);
    place.stop().await;
}

#[tokio::test]
async fn security() {
    let place = Place::under(&[]).await;
    let address = place.coalition.address(COLLEGE);
    // Nobody without a certificate, and nothing older than TLS 1.3.
    let shaken = |version| {
        tokio::task::spawn_blocking(move || {
            let mut tls = SslConnector::builder(SslMethod::tls_client()).unwrap();
            tls.set_verify(SslVerifyMode::NONE);
            tls.set_max_proto_version(Some(version)).unwrap();
            tls.set_alpn_protos(b"\x02h2").unwrap();
            let tcp = std::net::TcpStream::connect(address).unwrap();
            tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let tls = tls.build().configure().unwrap();
            let tls = tls.verify_hostname(false).use_server_name_indication(false);
            let Ok(mut stream) = tls.connect("node", tcp) else { return "no handshake" };
            // In TLS 1.3 a client learns that it is refused where it waits for an answer.
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").ok();
            let mut answer = Vec::new();
            match stream.read_to_end(&mut answer) {
                Ok(_) if answer.is_empty() => "refused",
                Err(_) if answer.is_empty() => "refused",
                _ => "served",
            }
        })
    };
    assert_eq!(shaken(SslVersion::TLS1_2).await.unwrap(), "no handshake");
    assert_eq!(shaken(SslVersion::TLS1_3).await.unwrap(), "refused");
    assert_eq!(place.answers().await, "RELEASED");
    place.stop().await;
}
