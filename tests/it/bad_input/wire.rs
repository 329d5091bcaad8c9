//! Questions that no asker of ours would send, straight to a node: it decides by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use sumac_node::records::canonical::{Canonical, Rows, Values};
use sumac_node::store::{Summary, read_only};
use sumac_policy::{PeerRole, TableName};
use sumac_protocol::wire::node_service_client::NodeServiceClient;
use sumac_protocol::wire::{AskRequest, PreviewRequest, Question, answer, preview};
use sumac_protocol::{MAX_MESSAGE_BYTES, MAX_TABLES_PER_CALL};
use tonic::Code;
use tonic::transport::Channel;

use crate::coalition::{Coalition, Parties, Serving, freeze};
use crate::raw::{self, one_reason, question};

const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");
const NOW: &str = "2026-08-01T12:00:00Z";
const COLLEGE: &str = "lakeshore-cc";
const EMPLOYER: &str = "northside-health";

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

/// A college with forty enrolled learners, and an analyst's bare connection to its node.
struct Line {
    coalition: Coalition,
    serving: Serving,
    client: NodeServiceClient<Channel>,
}

impl Line {
    async fn to(party: &str) -> Self {
        let coalition = Coalition::under(LAKESHORE, PARTIES.clone(), &[party]).await;
        let snapshots = coalition.home(party).join("snapshots");
        if party == COLLEGE {
            freeze(&coalition, &snapshots, &enrolled(), &["2025-26"]);
        }
        let node = coalition.node(party, 1, &snapshots).await;
        let serving = coalition.serve(party, node).await;
        let client = raw::client(&coalition, party, "lakeshore-chamber", PeerRole::Analyst).await;
        Self { coalition, serving, client }
    }

    fn ledger(&self, party: &str) -> Summary {
        read_only(&self.coalition.ledger(party, 1)).unwrap()
    }

    fn ask(&self, questions: &[Question]) -> AskRequest {
        raw::ask(&self.coalition, questions)
    }

    /// The reason of each answer; `RELEASED` where there is none.
    async fn reasons(&mut self, ask: AskRequest) -> Vec<String> {
        let answers = self.client.ask(ask).await.unwrap().into_inner().answers;
        let reason = |answer: sumac_protocol::wire::Answer| match answer.outcome.unwrap() {
            answer::Outcome::Released(release) => {
                assert!(!release.signature.is_empty());
                "RELEASED".to_owned()
            }
            answer::Outcome::Refused(refusal) => {
                assert!(!refusal.message.is_empty() && !refusal.hint.is_empty(), "{refusal:?}");
                refusal.reason().as_str_name().trim_start_matches("REFUSAL_REASON_").to_owned()
            }
            answer::Outcome::Fault(fault) => panic!("{fault:?}"),
        };
        answers.into_iter().map(reason).collect()
    }
}

fn enrolled() -> Canonical {
    let people: Vec<_> = (0..40).map(|n| [n; 16]).collect();
    let sexes = (0..40u16).map(|n| n % 2).collect();
    let learner =
        Rows { person: people.clone(), columns: vec![("sex".into(), Values::Code(sexes))] };
    let starts = vec![Some(20_332); people.len()];
    let enrolment =
        Rows { person: people, columns: vec![("term_start".into(), Values::Date(starts))] };
    let tables = [(TableName::Learner, learner), (TableName::Enrolment, enrolment)];
    Canonical { tables: BTreeMap::from(tables) }
}

#[tokio::test]
async fn one_bad_question_leaves_the_others_answered_and_costs_nothing() {
    let mut line = Line::to(COLLEGE).await;
    let long = "x".repeat(3_000);
    let many = vec!["sex"; 4];
    let purpose = |purpose: &str| Question {
        purpose: purpose.to_owned(),
        ..question("enrolment", "2025-26", &[])
    };
    let cases = [
        (question("enrolment", "2025-26", &["sex"]), "RELEASED"),
        (question("enrollment", "2025-26", &[]), "KPI_NOT_LISTED"),
        (question("", "2025-26", &[]), "KPI_NOT_LISTED"),
        (question(&long, "2025-26", &[]), "KPI_NOT_LISTED"),
        (question("enrolment'; drop table learner", "2025-26", &[]), "KPI_NOT_LISTED"),
        (question("enrolment", "2025-26", &["first_gen"]), "BREAKDOWN_NOT_LISTED"),
        (question("enrolment", "2025-26", &["sex", "age_band"]), "BREAKDOWN_NOT_LISTED"),
        (question("enrolment", "2025-26", &["sex", "sex"]), "BREAKDOWN_NOT_LISTED"),
        (question("enrolment", "2025-26", &many), "BREAKDOWN_NOT_LISTED"),
        (question("enrolment", "2025-26", &[""]), "BREAKDOWN_NOT_LISTED"),
        (question("enrolment", "2025-26", &["pell"]), "RESTRICTED"),
        (question("enrolment", "2026-27", &[]), "PERIOD_NOT_CLOSED"),
        (question("enrolment", "2024-25", &[]), "PERIOD_BEFORE_FIRST"),
        (question("enrolment", "2025-Q4", &[]), "PERIOD_NOT_OF_KPI"),
        (question("enrolment", "2025", &[]), "PERIOD_NOT_OF_KPI"),
        (question("enrolment", "", &[]), "PERIOD_NOT_OF_KPI"),
        (question("enrolment", "99999999999999999999", &[]), "PERIOD_NOT_OF_KPI"),
        (purpose("marketing"), "PURPOSE_NOT_LISTED"),
        (purpose(""), "PURPOSE_NOT_LISTED"),
        (question("retention", "2025-26", &[]), "COLUMN_NOT_HELD"),
        (question("hires_of_completers", "2025-Q3", &[]), "KPI_NOT_ANSWERED_HERE"),
        (Question::default(), "KPI_NOT_LISTED"),
        (question("enrolment", "2025-26", &[]), "RELEASED"),
    ];
    let questions: Vec<_> = cases.iter().map(|(question, _)| question.clone()).collect();
    let expected: Vec<_> = cases.iter().map(|(_, reason)| *reason).collect();
    let ask = line.ask(&questions);
    assert_eq!(line.reasons(ask).await, expected);
    let ledger = line.ledger(COLLEGE);
    assert_eq!((ledger.charged_tables, ledger.released_tables), (2, 2));

    // What asking would bring is said in the same words, and spends nothing.
    let ask = line.ask(&questions);
    let preview =
        PreviewRequest { mou_sha256: ask.mou_sha256, roster: ask.roster, questions: ask.questions };
    let previews = line.client.preview(preview).await.unwrap().into_inner().previews;
    for ((_, reason), preview) in cases.iter().zip(previews) {
        match preview.outcome.unwrap() {
            preview::Outcome::WouldAnswer(would) => {
                assert_eq!((*reason, would.price_nano_rho), ("RELEASED", 0));
            }
            preview::Outcome::Refused(refusal) => {
                assert!(refusal.reason().as_str_name().ends_with(reason), "{refusal:?}");
            }
        }
    }
    assert_eq!(line.ledger(COLLEGE), ledger);
    line.serving.stop().await;
}

#[tokio::test]
async fn a_call_that_makes_no_sense_fails_as_a_whole_with_one_reason_and_no_record() {
    let mut line = Line::to(COLLEGE).await;
    let good = question("enrolment", "2025-26", &[]);
    let sound = line.ask(std::slice::from_ref(&good));
    let before = line.ledger(COLLEGE);
    let with = |change: &dyn Fn(&mut AskRequest)| {
        let mut ask = sound.clone();
        change(&mut ask);
        ask
    };
    let roster = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        with(&move |ask| ask.roster = names.clone())
    };
    let ten_thousand = vec![good; 10_000];
    for (ask, code, reason, words) in [
        (AskRequest::default(), Code::InvalidArgument, "MALFORMED", "request_id"),
        (
            with(&|ask| ask.request_id = "a b\n".to_owned()),
            Code::InvalidArgument,
            "MALFORMED",
            "request_id",
        ),
        (
            with(&|ask| ask.request_id = "x".repeat(65)),
            Code::InvalidArgument,
            "MALFORMED",
            "request_id",
        ),
        (
            with(&|ask| ask.mou_sha256 = vec![1; 31]),
            Code::InvalidArgument,
            "MALFORMED",
            "`mou_sha256` has 31 bytes where 32 are needed",
        ),
        (with(&|ask| ask.mou_sha256.clear()), Code::InvalidArgument, "MALFORMED", "mou_sha256"),
        (
            with(&|ask| ask.mou_sha256 = vec![7; 32]),
            Code::FailedPrecondition,
            "MOU_DIFFERS",
            "was asked under sha256:0707",
        ),
        (
            roster(&[COLLEGE, "harbor-tech", COLLEGE]),
            Code::InvalidArgument,
            "MALFORMED",
            "`lakeshore-cc` is listed twice",
        ),
        (roster(&["Not A Party"]), Code::InvalidArgument, "MALFORMED", "roster"),
        (with(&|ask| ask.questions.clear()), Code::InvalidArgument, "MALFORMED", "`questions`"),
        (
            with(&|ask| ask.roster = (0..2_000).map(|n| format!("p{n}")).collect()),
            Code::InvalidArgument,
            "MALFORMED",
            "`roster` holds 2000, more than the 1000 allowed",
        ),
        (
            with(&|ask| ask.questions = ten_thousand.clone()),
            Code::InvalidArgument,
            "TOO_MANY_TABLES",
            "10000 tables in one call: a node accepts at most 256",
        ),
        (
            with(&|ask| ask.request_id = "x".repeat(MAX_MESSAGE_BYTES + 1)),
            Code::OutOfRange,
            "TOO_LARGE",
            "larger than the 4194304 bytes",
        ),
    ] {
        let status = line.client.ask(ask.clone()).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains(words), "{status}");
        one_reason(&status, reason);
        if !ask.request_id.is_empty() && ask.request_id.len() < 64 && !ask.request_id.contains(' ')
        {
            // The same call is as bad when nothing would be spent.
            let AskRequest { mou_sha256, roster, questions, .. } = ask;
            let preview = PreviewRequest { mou_sha256, roster, questions };
            let status = line.client.preview(preview).await.unwrap_err();
            assert_eq!(status.code(), code, "{status}");
            one_reason(&status, reason);
        }
    }
    assert_eq!(line.ledger(COLLEGE), before, "something was written");
    // The connection is as good as before, and the largest call that is allowed is answered.
    let most = vec![question("enrolment", "2025-26", &["sex"]); MAX_TABLES_PER_CALL];
    let ask = line.ask(&most);
    let reasons = line.reasons(ask).await;
    assert!(reasons.len() == MAX_TABLES_PER_CALL && reasons.iter().all(|said| said == "RELEASED"));
    assert_eq!(line.ledger(COLLEGE).charged_tables, 1);
    line.serving.stop().await;
}

#[tokio::test]
async fn a_roster_is_as_large_as_the_listed_parties_on_it() {
    let mut line = Line::to(EMPLOYER).await;
    let employers = [EMPLOYER, "county-transit", "bay-fabrication"];
    for (roster, reason) in [
        (&[][..], "ROSTER_TOO_SMALL"),
        (&employers[..1], "ROSTER_TOO_SMALL"),
        (&employers[..2], "ROSTER_TOO_SMALL"),
        (&[EMPLOYER, "county-transit", "stranger-1", "stranger-2"], "ROSTER_TOO_SMALL"),
        (&[EMPLOYER, "county-transit", COLLEGE, "harbor-tech"], "ROSTER_TOO_SMALL"),
        // Enough of them: now it is the data that is missing.
        (&employers, "NO_SNAPSHOT"),
    ] {
        let mut ask = line.ask(&[question("hires_of_completers", "2026-Q1", &[])]);
        ask.roster = roster.iter().map(|party| (*party).to_owned()).collect();
        assert_eq!(line.reasons(ask).await, [reason], "{roster:?}");
    }
    assert_eq!(line.ledger(EMPLOYER).charged_tables, 0);
    line.serving.stop().await;
}
