#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");

fn read(text: &str) -> Mou {
    Mou::read(text.as_bytes()).unwrap()
}

/// The example with one replacement, which must change it.
fn with(from: &str, to: &str) -> Mou {
    assert!(LAKESHORE.contains(from), "{from}");
    read(&LAKESHORE.replace(from, to))
}

fn shown(mou: &Mou) -> Vec<String> {
    year_prices(mou)
        .into_iter()
        .map(|YearPrice { kind, year, price, tables }| {
            format!("{year} {kind}: {tables} tables, {price}")
        })
        .collect()
}

#[test]
fn every_shipped_agreement_fits_its_budget() {
    for text in [
        LAKESHORE,
        include_str!("../../../examples/mou/oulad/mou.toml"),
        include_str!("../../../examples/mou/statewide/mou.toml"),
    ] {
        assert_eq!(lint(&read(text)), []);
    }
}

#[test]
fn every_year_and_kind_is_priced_with_the_backlog_in_the_first() {
    // Colleges: 4 tables at ±15 and 11 at ±10. Employers: the quarters 2025-Q3 to 2027-Q1 in the first
    // year and 2027-Q2 to 2028-Q1 in the second, two tables each at ±15.
    assert_eq!(
        shown(&read(LAKESHORE)),
        [
            "2026-27 college: 15 tables, 0.245435556",
            "2026-27 employer: 14 tables, 0.119516446",
            "2027-28 college: 15 tables, 0.245435556",
            "2027-28 employer: 8 tables, 0.068295112",
        ]
    );
}

#[test]
fn a_year_in_which_nothing_is_due_costs_nothing() {
    let mou = with("first_period = \"2025-26\"", "first_period = \"2026-27\"");
    assert_eq!(
        shown(&mou),
        [
            "2026-27 college: 0 tables, 0",
            "2026-27 employer: 6 tables, 0.051221334",
            "2027-28 college: 15 tables, 0.245435556",
            "2027-28 employer: 8 tables, 0.068295112",
        ]
    );
}

#[test]
fn one_table_under_two_names_is_paid_once_at_the_dearer_margin() {
    let twin = |margin: u32| {
        read(&LAKESHORE.replace(
            "[[restrict]]",
            &format!(
                "[[kpi]]\nid = \"again\"\nuses = \"ipeds/retention_fall\"\nanswered_by = [\"college\"]\n\
                 by = [[]]\nperiod = \"year\"\nmargin = {margin}\n[[restrict]]"
            ),
        ))
    };
    let first = |mou: &Mou| shown(mou).first().unwrap().clone();
    assert_eq!(first(&twin(20)), "2026-27 college: 15 tables, 0.245435556");
    // 76 832 000 − 19 208 000 nano-ρ more.
    assert_eq!(first(&twin(5)), "2026-27 college: 15 tables, 0.303059556");
}

#[test]
fn a_budget_passed_by_one_billionth_is_an_error_with_what_would_fit() {
    let budget = |rho: &str| with("{ rho = 0.5 }", &format!("{{ rho = {rho} }}"));
    assert_eq!(lint(&budget("0.245435556")), []);
    let problems = lint(&budget("0.245435555"));
    let kpi = "kpi `credential_attainment`";
    let years: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert!(years.len() == 2, "{years:?}");
    for (problem, year) in problems.iter().zip(["2026-27", "2027-28"]) {
        let line = problem.line.checked_sub(1).and_then(|line| LAKESHORE.lines().nth(line));
        assert_eq!(line, Some("[[kpi]]"));
        assert_eq!((problem.place.as_str(), problem.severity), (kpi, Severity::Error));
        for part in ["college", year, "0.245435556", "0.245435555"] {
            assert!(problem.message.contains(part), "{problem}");
        }
        // 4 × 0.019208; and at ±11, 4 × 0.008536889 + 11 × 0.015874381 = 0.208765747.
        assert!(problem.hint.contains("0.076832"), "{problem}");
        assert!(problem.hint.contains("±11"), "{problem}");
    }
}

#[test]
fn the_margin_that_fits_is_the_narrowest_one() {
    let mou = with("{ rho = 0.5 }", "{ rho = 0.1 }");
    let due = mou.calendar_tables();
    let purchases = purchases(&mou, &due, as_written);
    let (mut tried, budget) = (0, yearly(&mou));
    for year in year_prices(&mou).into_iter().filter(|year| year.price > budget) {
        let bought = of_year(&purchases, year.kind, year.year);
        let margin = margin_that_fits(&bought, budget).unwrap();
        let narrower = Margin::new(margin.learners() - 1).unwrap();
        assert!(
            sum_at_least(&bought, margin) <= budget && sum_at_least(&bought, narrower) > budget
        );
        tried += 1;
    }
    assert_eq!(tried, 3);
}

#[test]
fn a_budget_smaller_than_its_tables_fits_at_no_margin() {
    let problems = lint(&with("{ rho = 0.5 }", "{ rho = 0.000000014 }"));
    let hopeless = problems.iter().filter(|problem| problem.hint.contains("fewer tables"));
    // Fifteen tables cost fifteen billionths at least.
    assert_eq!((problems.len(), hopeless.count()), (4, 2));
}

#[test]
fn promise_3_the_price_depends_on_public_parameters_only() {
    // No snapshot, node, balance or day can be handed in: the MOU's clause is all there is.
    let of_the_kpi: fn(&Kpi) -> NanoRho = kpi_price;
    let of_a_table: fn(Margin, Sensitivity) -> NanoRho = price;
    let mou = read(LAKESHORE);
    for due in mou.calendar_tables() {
        let kpi = due.table.kpi();
        assert_eq!(of_the_kpi(kpi), of_a_table(kpi.margin, Sensitivity::ONE));
    }
}

/// The example, with less to spend and more asked of the colleges.
fn tight(rho: &str) -> Mou {
    with("{ rho = 0.5 }", &format!("{{ rho = {rho} }}"))
}

#[test]
fn the_calendar_runs_through_each_year_and_ends_at_its_price() {
    let mou = read(LAKESHORE);
    let calendar = calendar(&mou);
    assert!(calendar.windows(2).all(|pair| match pair {
        [a, b] => (a.kind, a.from) <= (b.kind, b.from),
        _ => true,
    }));
    for year in year_prices(&mou) {
        let due: Vec<_> =
            calendar.iter().filter(|due| (due.kind, due.year) == (year.kind, year.year)).collect();
        assert_eq!(due.len(), year.tables);
        assert_eq!(due.last().map(|due| due.spent), Some(year.price));
        let mut spent = NanoRho::ZERO;
        for due in due {
            spent = spent.checked_add(due.price).unwrap();
            assert_eq!(due.spent, spent);
            assert_eq!(due.price, price(due.margin, Sensitivity::ONE));
        }
    }
    assert!(passes(&mou, &calendar).is_empty());
}

#[test]
fn the_day_and_the_table_that_pass_the_budget_are_named() {
    // 4 × 0.008536889 + 3 × 0.019208 = 0.091771556, and the next passes 0.1.
    let mou = tight("0.1");
    let calendar = calendar(&mou);
    let passed: Vec<_> = passes(&mou, &calendar)
        .into_iter()
        .map(|due| {
            format!(
                "{} {} {} {} {} {}",
                due.kind,
                due.year,
                due.from,
                due.table.kpi().id,
                due.table.breakdown(),
                due.spent
            )
        })
        .collect();
    assert_eq!(
        passed,
        [
            "college 2026-27 2026-07-22 graduation sex 0.110979556",
            "college 2027-28 2027-07-22 graduation sex 0.110979556",
            "employer 2026-27 2027-01-22 hires_of_completers credential_type 0.102442668",
        ]
    );
}

/// The example with its enrolment reported by these terms.
fn by_terms(terms: &str) -> Mou {
    let listed = LAKESHORE.replacen("wait_days ", &format!("terms = {{ {terms} }}\nwait_days "), 1);
    read(&listed.replacen("\"year\"\nmargin      = 15", "\"term\"\nmargin = 15", 1))
}

#[test]
fn the_terms_of_a_year_add_up_for_a_learner_may_be_in_each() {
    let of_college = |mou: &Mou| {
        let of = |due: &&Due| due.table.kpi().id.as_str() == "enrolment";
        let due = mou.calendar_tables();
        let bought = purchases(mou, &due, as_written);
        ["2026-27", "2027-28"].map(|year| {
            let year = of_year(&bought, PartyKind::College, year.parse().unwrap());
            let terms: Vec<_> = year.into_iter().filter(|bought| of(&bought.due)).collect();
            (terms.len(), sum(&terms).to_string())
        })
    };
    // Four breakdowns at ±15, 0.008536889 each. Before 1 July 2027 the terms from 2025-FALL to 2027-SPRING are due,
    // which is five; from then on 2027-SUMMER, 2027-FALL and 2028-SPRING.
    let three = by_terms("FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\"");
    assert_eq!(of_college(&three), [(20, "0.17073778".into()), (12, "0.102442668".into())]);
    // Two long terms: from 2025-FALL to 2026-FALL, the last of which ends on 9 January; then 2027-SPRING and 2027-FALL.
    let two = by_terms("FALL = \"08-15\", SPRING = \"01-10\"");
    assert_eq!(of_college(&two), [(12, "0.102442668".into()), (8, "0.068295112".into())]);
    assert_eq!(lint(&three), []);
    // And what they add up to is held against the budget of the year.
    let tight = LAKESHORE.replace("rho = 0.5", "rho = 0.38");
    assert_eq!(lint(&read(&tight)), []);
    let tight = tight.replacen(
        "wait_days ",
        "terms = { FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\" }\nwait_days ",
        1,
    );
    let tight = read(&tight.replacen("\"year\"\nmargin      = 15", "\"term\"\nmargin = 15", 1));
    assert!(!lint(&tight).is_empty());
}

#[test]
fn the_kpi_that_frees_most_per_breakdown_goes_first() {
    let drops = |mou: &Mou, kind| {
        let year = "2026-27".parse().unwrap();
        let order = drop_first(mou, kind, year).into_iter();
        order
            .map(|d| format!("{} {} {} {}", d.kpi, d.frees, d.breakdowns, d.left))
            .collect::<Vec<_>>()
    };
    // Four KPIs free 0.019208 a breakdown; attainment frees most in all.
    let fits = read(LAKESHORE);
    assert_eq!(drops(&fits, PartyKind::College), ["credential_attainment 0.076832 4 0.168603556"]);
    // Seven quarters of two breakdowns: 0.059758223 each.
    assert_eq!(drops(&fits, PartyKind::Employer), ["hires_of_completers 0.119516446 2 0"]);
    assert_eq!(
        drops(&tight("0.1"), PartyKind::College),
        [
            "credential_attainment 0.076832 4 0.168603556",
            "completers 0.057624 3 0.110979556",
            // Of the two that free as much, the one listed last.
            "graduation 0.038416 2 0.072563556",
        ]
    );
    assert_eq!(drops(&fits, PartyKind::Provider), [""; 0]);
}

/// Every kind's every year fits at these margins.
fn all_fit(mou: &Mou, margins: &[(KpiId, Margin)]) -> bool {
    let due = mou.calendar_tables();
    let of = |kpi: &Kpi| margins.iter().find(|(id, _)| *id == kpi.id).map(|(_, margin)| *margin);
    let bought = purchases(mou, &due, of);
    years(mou).all(|year| {
        kinds(mou).into_iter().all(|kind| sum(&of_year(&bought, kind, year)) <= yearly(mou))
    })
}

#[test]
fn equal_shares_fit_and_one_learner_less_does_not() {
    for rho in ["0.05", "0.1", "0.5"] {
        let mou = tight(rho);
        let margins = equal_shares(&mou).unwrap();
        assert!(all_fit(&mou, &margins), "{margins:?}");
        for kind in [PartyKind::College, PartyKind::Employer] {
            let narrower: Vec<_> = margins
                .iter()
                .map(|(id, margin)| {
                    let of_kind = mou.kpi(id).unwrap().answered_by.contains(&kind);
                    let less = Margin::new(margin.learners() - u32::from(of_kind)).unwrap();
                    (id.clone(), less)
                })
                .collect();
            assert!(!all_fit(&mou, &narrower), "{kind} at ρ = {rho}: {narrower:?}");
        }
    }
    assert_eq!(equal_shares(&tight("0.000000014")), None);
}

#[test]
fn no_proposal_is_narrower_than_a_restriction() {
    let text = LAKESHORE.replace(
        "[[restrict]]",
        "[[restrict]]\nbecause = \"small\"\nkpi = \"retention\"\nmargin = 40\n[[restrict]]",
    );
    let mou = read(&text);
    let margin = |margins: Vec<(KpiId, Margin)>, kpi: &str| {
        margins.iter().find(|(id, _)| id.as_str() == kpi).unwrap().1.learners()
    };
    assert_eq!(margin(equal_shares(&mou).unwrap(), "retention"), 40);
    assert!(margin(equal_shares(&mou).unwrap(), "graduation") < 10);
}

#[test]
fn the_least_relative_margins_spend_where_groups_are_small() {
    use crate::forecast::{forecast, typical};
    use crate::sizes::{Amount, SizeRow, Sizes};
    let mou = tight("0.1");
    let total = |kpi: &str, learners| SizeRow {
        kpi: Some(kpi.parse().unwrap()),
        group: None,
        amount: Amount::Learners(learners),
        outcome_share: None,
    };
    let sizes = Sizes::new(vec![total("enrolment", 40_000), total("retention", 900)], Some(3_000));
    let typical = typical(&mou, &forecast(&mou, &sizes));
    let margins = least_relative(&mou, &typical).unwrap();
    assert!(all_fit(&mou, &margins), "{margins:?}");
    let relative = |(id, margin): &(KpiId, Margin)| {
        f64::from(margin.learners()) / typical.get(id).unwrap().reach()
    };
    // The employers have one KPI, so both ways give it one margin.
    let squares = |margins: &[(KpiId, Margin)]| {
        let colleges = margins.iter().filter(|(id, _)| id.as_str() != "hires_of_completers");
        let tables = |id: &KpiId| mou.kpi(id).unwrap().by.len() as f64;
        colleges.map(|margin| tables(&margin.0) * relative(margin).powi(2)).sum::<f64>()
    };
    let (least, equal) = (squares(&margins), squares(&equal_shares(&mou).unwrap()));
    assert!(least < equal, "{least} {equal}");
    // Moving a fifth of a margin from any KPI of the colleges to any other is no better where it fits.
    for (wider, (a, _)) in margins.iter().enumerate() {
        for (narrower, (b, _)) in margins.iter().enumerate() {
            let moved: Vec<_> = margins
                .iter()
                .enumerate()
                .map(|(place, (id, margin))| {
                    let learners = margin.learners();
                    let by = learners.div_ceil(5);
                    let learners = match place {
                        _ if place == wider => learners + by,
                        _ if place == narrower => learners - by,
                        _ => learners,
                    };
                    (id.clone(), Margin::new(learners).unwrap())
                })
                .collect();
            assert!(
                wider == narrower || !all_fit(&mou, &moved) || squares(&moved) > least,
                "{a} {b}"
            );
        }
    }
    let of = |kpi: &str| margins.iter().find(|(id, _)| id.as_str() == kpi).unwrap().1;
    assert!(of("retention") < of("graduation") && of("graduation") < of("enrolment"));
    // A learner less everywhere does not fit.
    let narrower: Vec<_> = margins
        .iter()
        .map(|(id, margin)| (id.clone(), Margin::new(margin.learners() - 1).unwrap()))
        .collect();
    assert!(!all_fit(&mou, &narrower));
    assert_eq!(least_relative(&mou, &std::collections::BTreeMap::new()), None);
    assert_eq!(least_relative(&tight("0.000000014"), &typical), None);
}
