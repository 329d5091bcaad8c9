#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::sizes::{Amount, SizeRow};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::noise::{Exact, release};

const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");

fn mou(from: &str, to: &str) -> Mou {
    assert!(LAKESHORE.contains(from), "{from}");
    Mou::read(LAKESHORE.replacen(from, to, 1).as_bytes()).unwrap()
}

fn row(kpi: &str, group: Option<(&str, &str)>, learners: u64, share: Option<f64>) -> SizeRow {
    SizeRow {
        kpi: (!kpi.is_empty()).then(|| kpi.parse().unwrap()),
        group: group.map(|(dimension, code)| (dimension.parse().unwrap(), code.to_owned())),
        amount: Amount::Learners(learners),
        outcome_share: share,
    }
}

fn table(mou: &Mou, sizes: &Sizes, kpi: &str, by: &str) -> TableForecast {
    let found = forecast(mou, sizes).into_iter();
    let mut found =
        found.filter(|table| table.kpi.id.as_str() == kpi && table.breakdown.to_string() == by);
    found.next().unwrap()
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
}

#[test]
fn a_guess_is_spread_evenly_and_nothing_is_said_of_unknown() {
    let mou = mou("", "");
    let sizes = Sizes::new(Vec::new(), Some(1_200));
    let total = table(&mou, &sizes, "retention", "total");
    assert_eq!((total.groups.len(), total.nodes), (1, 2));
    close(total.groups.first().unwrap().size.learners, 1_200.0, 1e-9);
    let by_race = table(&mou, &sizes, "retention", "race_ethnicity");
    assert_eq!(by_race.groups.len(), 8);
    for group in &by_race.groups {
        close(group.size.learners, 150.0, 1e-9);
        assert!(group.codes.iter().all(|code| code.id != "unknown"));
    }
}

#[test]
fn what_is_stated_for_a_kpi_wins_over_what_is_stated_for_all() {
    let mou = mou("[\"sex\"], [\"age_band\"]]     #", "[\"sex\"], [\"sex\", \"age_band\"]]     #");
    let rows = vec![
        row("", Some(("sex", "F")), 600, None),
        row("", Some(("sex", "M")), 400, Some(0.25)),
        row("enrolment", Some(("sex", "F")), 60, None),
        row("enrolment", Some(("sex", "M")), 30, None),
        row("enrolment", Some(("sex", "X")), 10, None),
    ];
    let sizes = Sizes::new(rows, None);
    let learners = |kpi, by| -> Vec<f64> {
        table(&mou, &sizes, kpi, by).groups.iter().map(|group| group.size.learners).collect()
    };
    // No total is stated: the codes add up to it.
    assert_eq!(learners("enrolment", "total"), [100.0]);
    assert_eq!(learners("enrolment", "sex"), [60.0, 30.0, 10.0]);
    assert_eq!(learners("graduation", "sex"), [600.0, 400.0]);
    // Crossed with a dimension of which nothing is stated: even over its four bands.
    assert_eq!(learners("enrolment", "age_band × sex").first(), Some(&15.0));
    assert_eq!(learners("enrolment", "age_band × sex").len(), 12);
    let rates: Vec<_> = table(&mou, &sizes, "graduation", "sex")
        .groups
        .iter()
        .map(|group| group.size.outcome_share)
        .collect();
    assert_eq!(rates, [0.5, 0.25]);
    // Employers' hires by credential type: nothing is stated but the total.
    assert!(learners("hires_of_completers", "credential_type").iter().all(|n| *n < 100.0));
    let nothing = Sizes::default();
    assert!(forecast(&mou, &nothing).iter().all(|table| table.groups.is_empty()));
}

#[test]
fn the_probability_agrees_with_noise_that_is_drawn() {
    // Retention at ±10, two outcomes, two colleges: shown from 10 + guard(4σ²) = 10 + 24.
    const TRIALS: u32 = 500;
    let mou = mou("", "");
    let rule = Rule::of(&mou, mou.kpi(&"retention".parse().unwrap()).unwrap());
    let shown_from = 10 + i64::try_from(crate::guard(4.0 * variance(rule.kpi.margin))).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    for learners in [20_i64, 34, 50] {
        let cells = vec![learners / 4, learners - learners / 4 * 3, learners / 4, learners / 4];
        let withheld = (0..TRIALS).filter(|_| {
            let noisy = release(Exact::counted(cells.clone()), rule.kpi.margin, &mut rng).unwrap();
            noisy.cells().iter().sum::<i64>() < shown_from
        });
        let drawn = withheld.count() as f64 / f64::from(TRIALS);
        close(rule.withheld(learners as f64), drawn, 0.06);
    }
    // And a group just under the floor is shown once in a hundred times at most.
    assert!(rule.withheld(9.0) >= 0.99, "{}", rule.withheld(9.0));
    assert!(rule.withheld(150.0) < 1e-6);
}

#[test]
fn a_node_that_judges_for_itself_judges_its_own_part() {
    let coalition = mou("", "");
    let node = mou("\"coalition\"   ", "\"node\"   ");
    let of = |mou: &Mou, kpi: &str, learners: f64| {
        Rule::of(mou, mou.kpi(&kpi.parse().unwrap()).unwrap()).withheld(learners)
    };
    // Sixty learners: thirty at each college, about its own floor and guard.
    assert!(of(&coalition, "retention", 60.0) < 0.01);
    let below_floor = |variance| below(10 + crate::guard(variance), variance, 30.0);
    let each = below_floor(2.0 * variance(sumac_policy::Margin::new(10).unwrap()));
    close(of(&node, "retention", 60.0), each * each, 1e-12);
    // Three employers are needed, and there are three: each of them must show it.
    let each = below_floor(variance(sumac_policy::Margin::new(15).unwrap()));
    close(of(&node, "hires_of_completers", 90.0), 1.0 - (1.0 - each).powi(3), 1e-9);
}

#[test]
fn enough_of_many_is_a_binomial_tail() {
    for (least, trials, each, expected) in [
        (0, 5, 0.1, 1.0),
        (1, 2, 0.5, 0.75),
        (2, 3, 0.5, 0.5),
        (3, 3, 0.9, 0.729),
        (4, 3, 1.0, 0.0),
        (20, 40, 1.0, 1.0),
        (20, 40, 0.0, 0.0),
    ] {
        close(at_least(least, trials, each), expected, 1e-12);
    }
    close(at_least(20, 40, 0.5), 0.562_685, 1e-6);
}

#[test]
fn widths_are_those_of_the_report() {
    let mou = mou("", "");
    let sizes = Sizes::new(vec![row("", None, 400, Some(0.25))], None);
    let width = |kpi, by| table(&mou, &sizes, kpi, by).groups.first().unwrap().width;
    // Two colleges at ±15 and at ±10.
    assert_eq!(width("enrolment", "total"), Width::Learners(22));
    assert_eq!(width("completers", "total"), Width::Learners(15));
    let margin = mou.kpi(&"retention".parse().unwrap()).unwrap().margin;
    let RateEstimate::Rate { rate, low, high } = rate_interval(100, 400, 2.0 * variance(margin), 2)
    else {
        unreachable!("four hundred learners say something")
    };
    assert_eq!(width("retention", "total"), Width::Points(100.0 * (high - rate).max(rate - low)));
    let few = Sizes::new(vec![row("", None, 10, None)], None);
    let few = table(&mou, &few, "retention", "total");
    assert_eq!(few.groups.first().unwrap().width, Width::TooNoisy);
}

#[test]
fn a_breakdown_that_is_mostly_withheld_is_warned_of_once() {
    let mou = mou("", "");
    let few = forecast(&mou, &Sizes::new(Vec::new(), Some(160)));
    let warned: Vec<_> =
        mostly_withheld(&few).into_iter().map(|found| (found.place, found.message)).collect();
    let kpi = "kpi `retention`".to_owned();
    let (_, message) = warned.iter().find(|(place, _)| *place == kpi).unwrap();
    assert!(message.contains("of its 8 groups by race_ethnicity will be shown"), "{message}");
    assert!(warned.iter().all(|(_, message)| !message.contains("by total")), "{warned:?}");
    let many = forecast(&mou, &Sizes::new(Vec::new(), Some(20_000)));
    assert_eq!(mostly_withheld(&many), []);
}
