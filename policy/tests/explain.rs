//! Nothing signed stays unexplained: every sentence names clauses that stand in the file, and every clause of
//! the file is named by a sentence.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;

use sumac_policy::explain::{
    Figures, Foreseen, Keeper, KpiFigures, Paper, Paragraph, Risk, Sentence, explain, foresee,
};
use sumac_policy::{Breakdown, Mou, PartyId, Question, Refusal, standard};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");
const OULAD: &str = include_str!("../../examples/mou/oulad/mou.toml");
const EVERYTHING: &str = include_str!("explain/everything.toml");

fn everything() -> String {
    EVERYTHING.replace("CATALOGUE", &standard().hash.to_string())
}

/// Figures that are nobody's: only the privacy room works real ones out.
fn some_figures(mou: &Mou) -> Figures {
    let risk = Risk {
        nano_rho: 19_208_000,
        guess_permille: 540,
        epsilon_thousandths: 881,
        delta_billionths: 1_000,
    };
    let kpi = |kpi| KpiFigures {
        table: risk,
        share_permille: Some(39),
        group: 15,
        parties: u32::try_from(mou.answering(kpi).count()).unwrap(),
        sum: 15,
        sum_of_group: 20,
        shown_from: 34,
    };
    Figures {
        kpis: mou.kpis().iter().map(|listed| kpi(listed)).collect(),
        years: Vec::new(),
        year: risk,
        two: risk,
        everywhere: risk,
    }
}

fn explained(text: &str) -> Vec<Paragraph> {
    let mou = Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    explain(&mou, &Paper::read(text.as_bytes()).unwrap(), &some_figures(&mou))
}

fn sentences(text: &str) -> Vec<Sentence> {
    explained(text).into_iter().flat_map(|paragraph| paragraph.sentences).collect()
}

/// The files explained here: the examples, one that says everything, and variants that leave things out.
fn files() -> Vec<String> {
    let everything = everything();
    let without = |key: &str| {
        let lines: Vec<_> = everything.lines().filter(|line| !line.starts_with(key)).collect();
        assert!(lines.len() < everything.lines().count(), "{key}");
        lines.join("\n")
    };
    let start = |end: &str| everything.split_once(end).unwrap().0.to_owned();
    vec![
        LAKESHORE.to_owned(),
        OULAD.to_owned(),
        without("comment_days"),
        without("exit_notice_days"),
        without("prohibited"),
        without("legal"),
        without("min_parties"),
        without("title       = \"Retention"),
        without("define.lag_years"),
        without("keep_releases_days"),
        without("breach_notice"),
        start("[after]"),
        start("[amendment]"),
        start("[audit]"),
        everything.replace("min_parties = { college = 2 }", "min_parties = {}"),
        everything.replace("floor_at    = \"node\"", "floor_at    = \"coalition\""),
        everything.replace("until   = 2027-06-30", "until   = 2028-06-30"),
        everything,
    ]
}

/// A file's clauses by a walk of its own: every key, down to the depth at which clauses are named.
fn keys(text: &str) -> BTreeSet<String> {
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    let mut keys = BTreeSet::new();
    for (key, item) in document.iter() {
        if let Some(list) = item.as_array_of_tables() {
            for (n, table) in list.iter().enumerate() {
                if key == "restrict" {
                    keys.insert(format!("restrict[{}]", n + 1));
                    continue;
                }
                let id = table.get("id").unwrap().as_str().unwrap();
                for (inner, value) in table.iter() {
                    match value.as_table_like().filter(|_| inner == "define") {
                        Some(define) => keys.extend(
                            define.iter().map(|(word, _)| format!("{key}.{id}.define.{word}")),
                        ),
                        None => {
                            keys.insert(format!("{key}.{id}.{inner}"));
                        }
                    }
                }
            }
        } else if let Some(table) = item.as_table() {
            for (inner, value) in table.iter() {
                match value.as_table().filter(|_| key == "data") {
                    Some(rules) => {
                        keys.extend(rules.iter().map(|(word, _)| format!("data.{inner}.{word}")));
                    }
                    None => {
                        keys.insert(format!("{key}.{inner}"));
                    }
                }
            }
        } else {
            keys.insert(key.to_owned());
        }
    }
    keys
}

#[test]
fn every_sentence_names_a_clause_that_stands_in_the_file() {
    for text in files() {
        let keys = keys(&text);
        for sentence in sentences(&text) {
            assert!(!sentence.clauses.is_empty() && !sentence.kept_by.is_empty(), "{sentence:?}");
            for clause in &sentence.clauses {
                assert!(
                    keys.contains(clause.as_str()),
                    "{clause} is not in the file: {}",
                    sentence.text
                );
            }
            let text = &sentence.text;
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains(".."), "{text}");
        }
    }
}

#[test]
fn every_clause_of_the_file_is_named_by_a_sentence() {
    for text in files() {
        let sentences = sentences(&text);
        let named: BTreeSet<_> = sentences
            .iter()
            .flat_map(|sentence| &sentence.clauses)
            .map(|clause| clause.as_str())
            .collect();
        let silent: Vec<_> =
            keys(&text).into_iter().filter(|key| !named.contains(key.as_str())).collect();
        assert_eq!(silent, Vec::<String>::new());
    }
}

#[test]
fn the_paper_finds_the_clauses_that_a_walk_of_the_file_finds() {
    for text in files() {
        let paper = Paper::read(text.as_bytes()).unwrap();
        let found: BTreeSet<_> =
            paper.clauses().iter().map(|clause| clause.as_str().to_owned()).collect();
        assert_eq!(found, keys(&text));
    }
}

/// The one sentence of the file that says everything which rests on this clause alone, kept by people.
fn carried(clause: &str, says: &[&str]) {
    let sentences = sentences(&everything());
    let found: Vec<_> = sentences
        .iter()
        .filter(|sentence| sentence.clauses.iter().any(|named| named.as_str() == clause))
        .filter(|sentence| sentence.kept_by == [Keeper::People])
        .collect();
    assert!(!found.is_empty(), "{clause} is not shown as kept by people");
    for word in says {
        assert!(found.iter().any(|sentence| sentence.text.contains(word)), "{word}: {found:#?}");
    }
}

#[test]
fn carried_roles_may_publish_and_set_targets() {
    carried("roles.backbone", &["Chamber of Commerce", "publish", "set targets"]);
}

#[test]
fn carried_agreement_legal() {
    carried("agreement.legal", &["34 CFR 99.31(b)"]);
}

#[test]
fn carried_agreement_prohibited() {
    carried("agreement.prohibited", &["Re-identification and marketing are prohibited"]);
}

#[test]
fn carried_agreement_document() {
    carried("agreement.document", &["sha256:8888", "disputes, liability, costs"]);
}

#[test]
fn carried_kpi_target() {
    carried("kpi.retention.target", &["from 34 %", "to 42.5 %", "2027-06-30", "5 points"]);
    carried("kpi.awards.target", &["to 500 learners by 2027-06-30"]);
}

#[test]
fn carried_after_breach_notice() {
    carried(
        "after.breach_notice",
        &["72 hours", "registrar@lakeshore.example", "data@chamber.example"],
    );
}

#[test]
fn carried_amendment_comment_days() {
    carried("amendment.comment_days", &["30 days to comment"]);
}

#[test]
fn carried_amendment_exit_notice_days() {
    carried("amendment.exit_notice_days", &["without notice"]);
}

#[test]
fn carried_audit_within_days() {
    carried("audit.within_days", &["hands the copy over within 30 days"]);
}

#[test]
fn carried_party_contacts() {
    carried("party.harbor-tech.contacts", &["ir@harbor.example and ciso@harbor.example"]);
}

fn says(text: &str, words: &str) {
    let sentences = sentences(text);
    let found = sentences.iter().any(|sentence| sentence.text.contains(words));
    assert!(found, "nothing says {words:?} in\n{}", {
        sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn a_definition_is_said_in_words_with_nothing_left_out() {
    let everything = everything();
    for words in [
        "whose cohort year is 3 years before one of the period’s years",
        "for which entry status is “First-time” and it is not so that (either exclusion is “Armed forces” or “Church mission” \
         or intensity is on record and is not “Full-time”)",
        "no award’s day revoked is on record and the award’s day conferred is after the day 6 months before the first day of the term",
        "its denominator is all such learners, each counted once, and its numerator those of them whose outcome is “Completed”",
        "“Exclusion”, in enrolment records (`enrolment.exclusion`): Why a learner leaves an IPEDS cohort",
        "once for each 2 reporting years taken together",
        "“Region”, which this agreement declares, means: “North”, “South”, “Unknown”. It is read from learner records",
    ] {
        says(&everything, words);
    }
}

#[test]
fn restrictions_are_in_the_numbers_they_narrow() {
    let everything = everything();
    for words in [
        "lies within 25 learners of the exact one",
        "Groups of fewer than 15 learners are not shown",
        "two different stewards of that party approve it",
        "Until 2027-06-30, that day included, only `retention` may be asked, and only the nodes of `lakeshore-cc` answer",
    ] {
        says(&everything, words);
    }
}

#[test]
fn who_sees_small_groups_depends_on_where_the_floor_is_judged() {
    says(&everything(), "the asker does not receive small groups either");
    says(LAKESHORE, "the asker’s machine gets each node’s whole table");
    says(LAKESHORE, "the asker’s machine receives each party’s answer by itself");
}

#[test]
fn what_the_file_leaves_out_is_said_to_be_left_out() {
    for words in [
        "does not say who is told of a breach",
        "does not say what a party that leaves deletes",
        "No time is set: nodes keep their answers",
        "No time of notice is set",
    ] {
        says(OULAD, words);
    }
}

fn foreseen(text: &str, asker: &str, kpi: &str, by: &[&str], on: &str) -> Vec<(String, String)> {
    let mou = Mou::read(text.as_bytes()).unwrap();
    let question = Question {
        kpi: kpi.parse().unwrap(),
        period: "2025-26".parse().unwrap(),
        breakdown: Breakdown::by(by.iter().map(|id| id.parse().unwrap())),
        purpose: "annual-report".parse().unwrap(),
    };
    let roster: Vec<PartyId> = mou.parties().iter().map(|party| party.id.clone()).collect();
    let said = foresee(&mou, &asker.parse().unwrap(), &question, &roster, on.parse().unwrap());
    let word = |foreseen: Result<Foreseen, Refusal>| match foreseen {
        Ok(Foreseen::Measured { needs, .. }) if needs.is_some() => "held".to_owned(),
        Ok(Foreseen::Measured { .. }) => "measured".to_owned(),
        Ok(Foreseen::Read { .. }) => "read".to_owned(),
        Ok(Foreseen::Derived { from, .. }) => format!("derived from {from}"),
        Err(refusal) => refusal.reason.code().to_owned(),
    };
    said.into_iter().map(|(party, foreseen)| (party.to_string(), word(foreseen))).collect()
}

#[test]
fn foresees_what_each_party_would_say() {
    let at = |college: &str, other: &str| {
        [("lakeshore-cc", college), ("harbor-tech", other)]
            .map(|(party, word)| (party.to_owned(), word.to_owned()))
    };
    let everything = everything();
    for (asker, by, on, college, other) in [
        ("chamber", vec!["sex", "region"], "2026-08-01", "held", "NOT_IN_PILOT"),
        ("chamber", vec!["sex", "region"], "2027-08-01", "held", "held"),
        (
            "chamber",
            vec!["sex"],
            "2027-08-01",
            "derived from region × sex",
            "derived from region × sex",
        ),
        ("harbor-tech", vec!["sex", "region"], "2027-08-01", "read", "read"),
        ("chamber", vec!["pell"], "2027-08-01", "RESTRICTED", "RESTRICTED"),
        ("chamber", vec!["sex", "region"], "2026-07-16", "PERIOD_NOT_CLOSED", "PERIOD_NOT_CLOSED"),
        ("chamber", vec!["sex", "region"], "2029-07-16", "MOU_EXPIRED", "MOU_EXPIRED"),
    ] {
        let said = foreseen(&everything, asker, "retention", &by, on);
        let mut expected = at(college, other);
        // The pilot is asked after the KPI, the calendar after the pilot.
        if on == "2026-07-16" {
            expected = at(college, "NOT_IN_PILOT");
        }
        assert_eq!(said, expected, "{asker} {by:?} {on}");
    }
}
