//! A node that its operator stopped for a while.

use std::sync::Arc;

use sumac_node::Node;
use sumac_node::console::{Command, Reply};
use sumac_node::store::Paused;
use sumac_policy::{PeerRole, Reason};

use crate::coalition::{Coalition, freeze, say, wanted};
use crate::command::{CHAMBER, COLLEGE as SITE_COLLEGE, Site};
use crate::promises::{answer, ask, enrolled, lakeshore, refusal, signed};

const COLLEGE: &str = "lakeshore-cc";
const SEX: &[&[&str]] = &[&["sex"]];

fn pause(until: Option<&str>) -> Command {
    let until = until.map(|day| day.parse().unwrap());
    Command::Pause(Paused { because: "the data is being corrected".into(), until })
}

async fn node(coalition: &Coalition) -> Arc<Node> {
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    coalition.node(COLLEGE, 1, &snapshots).await
}

async fn message(coalition: &Coalition) -> String {
    let answers = ask(coalition, SEX).await;
    assert_eq!(refusal(&answers[0], COLLEGE), Reason::Paused);
    answer(&answers[0], COLLEGE).as_ref().unwrap_err().to_string()
}

#[tokio::test]
async fn a_pause_refuses_at_once_what_is_released_too_and_outlasts_a_restart() {
    let coalition = lakeshore().await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
    let college = node(&coalition).await;
    let serving = coalition.serve(COLLEGE, college.clone()).await;
    let first = signed(&ask(&coalition, SEX).await[0], COLLEGE);
    assert_eq!(say(&coalition, COLLEGE, &college, &pause(None)).await, Reply::Paused);
    assert!(message(&coalition).await.contains("the data is being corrected"));
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", SEX);
    let preview = format!("{:?}", asker.preview(&tables).await[0].from[0]);
    assert!(preview.contains("Paused"), "{preview}");
    drop(college);
    serving.stop().await;
    let college = node(&coalition).await;
    let serving = coalition.serve(COLLEGE, college.clone()).await;
    message(&coalition).await;
    assert_eq!(say(&coalition, COLLEGE, &college, &Command::EndPause).await, Reply::PauseEnded);
    assert_eq!(signed(&ask(&coalition, SEX).await[0], COLLEGE), first);
    let again = say(&coalition, COLLEGE, &college, &Command::EndPause).await;
    assert!(matches!(again, Reply::Refused { .. }), "{again:?}");
    drop(college);
    serving.stop().await;
}

#[tokio::test]
async fn a_pause_ends_by_itself_after_its_last_day() {
    let coalition = lakeshore().await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
    let college = node(&coalition).await;
    let serving = coalition.serve(COLLEGE, college.clone()).await;
    let past = say(&coalition, COLLEGE, &college, &pause(Some("2026-07-31"))).await;
    assert!(matches!(past, Reply::Refused { .. }), "{past:?}");
    let two_days = pause(Some("2026-08-02"));
    assert_eq!(say(&coalition, COLLEGE, &college, &two_days).await, Reply::Paused);
    assert!(message(&coalition).await.contains("until 2026-08-02, that day included"));
    coalition.step_to("2026-08-02T23:59:59Z".parse().unwrap());
    message(&coalition).await;
    coalition.step_to("2026-08-03T00:00:00Z".parse().unwrap());
    assert!(answer(&ask(&coalition, SEX).await[0], COLLEGE).is_ok());
    drop(college);
    serving.stop().await;
}

#[test]
fn the_command_pauses_a_node_that_serves_and_one_that_does_not() {
    let site = Site::new();
    // Not serving: straight into the ledger.
    let said = site.run(SITE_COLLEGE, &["pause", "--because", "moving the server"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let serving = site.serve();
    let asked = || site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]);
    let refused = asked();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(
        refused.out.contains("PAUSED") && refused.out.contains("moving the server"),
        "{refused:?}"
    );
    let status = site.run(SITE_COLLEGE, &["status"]);
    assert!(
        status.out.contains("paused") && status.out.contains("moving the server"),
        "{status:?}"
    );
    let shown = site.run(SITE_COLLEGE, &["ledger", "show"]);
    assert!(shown.out.contains("Paused since"), "{shown:?}");
    // Serving: through the console.
    assert_eq!(site.run(SITE_COLLEGE, &["resume"]).code, Some(0));
    assert_eq!(asked().code, Some(0), "{:?}", asked());
    let past = site.run(SITE_COLLEGE, &["pause", "--because", "x", "--until", "2020-01-01"]);
    assert!(past.code == Some(1) && past.err.contains("is past"), "{past:?}");
    let again = site.run(SITE_COLLEGE, &["pause", "--because", "an audit"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(asked().code, Some(3));
    drop(serving);
}

#[test]
fn a_steward_decides_by_the_command_and_nobody_else_does() {
    let site = Site::under(|mou| {
        let kpi = mou.replacen("[[kpi]]\n", "[[kpi]]\nneeds = \"approval\"\n", 1);
        kpi.replacen(
            "[roles]\n",
            &format!("[roles]\nstewards = {{ party = \"{SITE_COLLEGE}\", may = [\"approve\"] }}\n"),
            1,
        )
    });
    let serving = site.serve();
    let none = site.run(SITE_COLLEGE, &["held"]);
    assert!(none.code == Some(1) && none.err.contains("no steward's certificate"), "{none:?}");
    for (party, name) in [(SITE_COLLEGE, "ana"), (CHAMBER, "eve")] {
        site.run(party, &["certificate", "issue", "steward", "--name", name]).well();
    }
    let held = site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]);
    assert!(held.code == Some(3) && held.out.contains("HELD"), "{held:?}");
    let listed = site.run(SITE_COLLEGE, &["held"]);
    assert!(listed.out.contains("enrolment 2025") && listed.out.contains("waits"), "{listed:?}");
    let status = site.run(SITE_COLLEGE, &["status"]);
    assert!(status.out.contains("1 questions wait for a steward"), "{status:?}");
    let json = site.run(SITE_COLLEGE, &["held", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&json["format"], &json["questions"][0]["number"]),
        (&"sumac-held/1".into(), &1.into())
    );
    let approved = site.run(SITE_COLLEGE, &["approve", "1"]);
    assert!(approved.code == Some(0) && approved.err.contains("approved"), "{approved:?}");
    let gone = site.run(SITE_COLLEGE, &["reject", "7", "--because", "no"]);
    assert!(gone.code == Some(3) && gone.err.contains("NOT_WAITING"), "{gone:?}");
    let answered = site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    drop(serving);
}
