//! `tests.toml`: questions and what must come of them.

use std::collections::BTreeSet;

use crate::case::{Case, DECIDED_BY_THE_MOU, Expected};
use crate::clause::Clause;
use crate::dimension::Breakdown;
use crate::margin::Margin;
use crate::names::{DimensionId, KpiId, PartyId, Purpose};
use crate::nearest::nearest;
use crate::peer::PeerRole;
use crate::period::Period;
use crate::problem::Problems;
use crate::question::Question;
use crate::refusal::Reason;
use crate::section::{Section, Sheet};

impl Case {
    /// Reads the cases of a `tests.toml`, in their order.
    ///
    /// # Errors
    /// Every problem found, each with its line. A file without a case is one: it would hold whatever happens.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, Problems> {
        let sheet = Sheet::parse(bytes)?;
        let root = sheet.root();
        if let Some(format) = root.text("format")
            && format.value != "sumac-mou-tests/1"
        {
            root.problem_at(
                "format",
                format_args!("unknown format `{}`", format.value),
                "use \"sumac-mou-tests/1\"",
            );
        }
        let sections = root.sections("test");
        if sections.is_empty() {
            root.problem_at("test", "there is no case", "write [[test]] above each");
        }
        let mut names = BTreeSet::new();
        let mut cases = Vec::new();
        for section in sections {
            let name = section.text("name").map(|found| found.value.to_owned());
            if let Some(name) = &name
                && !names.insert(name.clone())
            {
                section.problem_at(
                    "name",
                    format_args!("`{name}` is the name of another case"),
                    "each claims something of its own",
                );
            }
            cases.push(case(section, name));
        }
        root.end(&[]);
        let problems = sheet.problems();
        // Every way of giving up a case notes a problem first.
        if problems.is_empty() {
            Ok(cases.into_iter().flatten().collect())
        } else {
            Err(Problems(problems))
        }
    }
}

fn case(section: Section<'_>, name: Option<String>) -> Option<Case> {
    let line = section.line();
    let asker = section.word::<PartyId>("asker");
    let role = section.word_if_any::<PeerRole>("role");
    let nodes = section.words_if_any::<PartyId>("nodes");
    if nodes.as_ref().is_some_and(Vec::is_empty) {
        section.problem_at(
            "nodes",
            "nobody is asked",
            "name a party at least, or leave it out: every party that answers the KPI",
        );
    }
    let kpi = section.word::<KpiId>("kpi");
    let period = section.word::<Period>("period");
    let by = section.words_if_any::<DimensionId>("by").unwrap_or_default();
    let purpose = section.word::<Purpose>("purpose");
    let on = section.day("on");
    let expect = expected(&section);
    section.end(&[]);
    Some(Case {
        name: name?,
        asker: asker?.value,
        role: role.map_or(PeerRole::Analyst, |found| found.value),
        nodes: nodes.map(|nodes| nodes.into_iter().map(|found| found.value).collect()),
        question: Question {
            kpi: kpi?.value,
            period: period?.value,
            breakdown: Breakdown::by(by.into_iter().map(|found| found.value)),
            purpose: purpose?.value,
        },
        on: on?.value,
        expect: expect?,
        line,
    })
}

/// `answered = true`, perhaps with `margin` or `derived`; or `refused = "RESTRICTED"`; either with `clause`.
fn expected(section: &Section<'_>) -> Option<Expected> {
    let answered = section.flag_if_any("answered");
    let refused = section.text_if_any("refused");
    let margin = section.number_if_any("margin", 1..=i64::from(Margin::MAX));
    let derived = section.flag_if_any("derived");
    let clause = section.text_if_any("clause").map(|found| Clause::at(found.value));
    match (answered, refused) {
        (Some(answered), None) => {
            if !answered.value {
                section.problem_at(
                    "answered",
                    "a case says what happens",
                    "write refused = \"…\" with the reason, such as \"RESTRICTED\"",
                );
                return None;
            }
            let derived = derived.map(|found| found.value);
            if margin.is_some() && derived == Some(true) {
                section.problem_at(
                    "margin",
                    "how wide a derived table's margin is depends on which listed table is released",
                    "leave `margin` out",
                );
                return None;
            }
            let margin = margin.and_then(|found| Margin::new(u32::try_from(found.value).ok()?));
            Some(Expected::Answered { margin, derived, clause })
        }
        (None, Some(refused)) => {
            for (key, there) in [("margin", margin.is_some()), ("derived", derived.is_some())] {
                if there {
                    section.problem_at(
                        key,
                        "a refusal brings no table",
                        format_args!("leave `{key}` out"),
                    );
                }
            }
            Some(Expected::Refused { reason: reason(section, refused.value)?, clause })
        }
        // A value of the wrong type is a problem of its own.
        (None, None) if section.item("answered").or(section.item("refused")).is_some() => None,
        _ => {
            section.problem(
                "exactly one of `answered` and `refused` says what happens",
                "answered = true, or refused = \"RESTRICTED\"",
            );
            None
        }
    }
}

fn reason(section: &Section<'_>, code: &str) -> Option<Reason> {
    let reason = Reason::from_code(code);
    if reason.is_some_and(|reason| DECIDED_BY_THE_MOU.contains(&reason)) {
        return reason;
    }
    let codes = || DECIDED_BY_THE_MOU.iter().map(|reason| reason.code());
    let hint = match nearest(code, codes()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", codes().collect::<Vec<_>>().join(", ")),
    };
    match reason {
        Some(reason) => section.problem_at(
            "refused",
            format_args!(
                "no MOU decides `{reason}`: it depends on a node's data, ledger or operator"
            ),
            hint,
        ),
        None => section.problem_at("refused", format_args!("no reason `{code}`"), hint),
    }
    None
}
