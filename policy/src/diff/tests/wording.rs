//! The main sentences, on edits of the example agreement.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use crate::diff::{Diff, Keeper, Version, answer};

const LAKESHORE: &str = include_str!("../../../../examples/mou/lakeshore/mou.toml");

fn read(text: &str) -> Version {
    Version::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The example with each of these replaced once.
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(LAKESHORE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// What the edits change, each as `widens: sentence [clauses]`; and back, with the directions turned.
fn check(edits: &[(&str, &str)], expected: &[&str]) {
    let (old, new) = (read(LAKESHORE), read(&edited(edits)));
    let diff = Diff::between(&old, &new);
    let found: Vec<_> = diff
        .changes
        .iter()
        .map(|reported| {
            let change = &reported.change;
            let clauses: Vec<_> =
                reported.clauses.iter().map(|clause| clause.reference.as_str()).collect();
            format!("{}: {} [{}]", change.direction, change.sentence, clauses.join(", "))
        })
        .collect();
    assert_eq!(found, expected);
    for witness in diff.changes.iter().flat_map(|reported| &reported.change.witnesses) {
        assert_eq!(answer(old.mou(), &witness.asked), witness.old);
        assert_eq!(answer(new.mou(), &witness.asked), witness.new);
        assert!(witness.old.as_ref().ok() != witness.new.as_ref().ok());
    }
    let back = Diff::between(&new, &old);
    assert_eq!(back.changes.len(), diff.changes.len());
    assert_eq!(
        back.widens(),
        diff.changes.iter().any(|found| found.change.direction.as_str() != "widens")
    );
}

const WHO: &str = "the backbone (`lakeshore-chamber`), and once released every other party,";

#[test]
fn a_new_breakdown_is_newly_let_to_be_seen() {
    check(
        &[("[[], [\"credential_type\"]]", "[[], [\"credential_type\"], [\"cip2\", \"schedule\"]]")],
        &[&format!(
            "widens: newly lets {WHO} see `hires_of_completers` by cip2 × schedule at ±15, and by cip2 and by \
             schedule, added up from larger tables once they are released [kpi.hires_of_completers.by]"
        )],
    );
    check(
        &[("[[], [\"race_ethnicity\"], [\"award_level\"]]", "[[], [\"award_level\"]]")],
        &["narrows: withdraws `completers` by race_ethnicity at ±10 [kpi.completers.by]"],
    );
    check(
        &[("[[], [\"sex\"]]", "[[\"sex\"]]")],
        &[
            "narrows: no longer measures `graduation` in all, and only adds it up from larger tables once they \
           are released [kpi.graduation.by]",
        ],
    );
}

#[test]
fn a_restriction_withdraws_what_it_meets() {
    let pell = "dimension = \"pell\"";
    check(
        &[(pell, "dimension = \"sex\"")],
        &[
            "narrows: withdraws `enrolment` by sex at ±15 [restrict[1]]",
            "narrows: withdraws `graduation` and `credential_attainment` by sex at ±10 [restrict[1]]",
        ],
    );
    let (old, new) = (read(LAKESHORE), read(&edited(&[(pell, "dimension = \"veteran\"")])));
    let diff = Diff::between(&old, &new);
    let beside: Vec<_> = diff.beside.iter().map(|aside| aside.sentence.as_str()).collect();
    let expected = [
        "drops the restriction of `pell` (Pell status comes from FAFSA records), which no table meets today",
        "adds the restriction of `veteran` (Pell status comes from FAFSA records), which no table meets today",
    ];
    assert_eq!(beside, expected);
    assert!(diff.changes.is_empty() && diff.widens() && diff.wording.is_empty());
}

#[test]
fn a_kpi_comes_and_goes_with_who_answers_it() {
    let start = LAKESHORE.find("[[kpi]]\nid          = \"retention\"").unwrap();
    let end = LAKESHORE.find("[[kpi]]\nid          = \"graduation\"").unwrap();
    check(
        &[(LAKESHORE.get(start..end).unwrap(), "")],
        &[
            "narrows: withdraws `retention` (Retention of first-time learners, fall to fall), in all and by \
           race_ethnicity at ±10, from every college [kpi.retention]",
        ],
    );
}

#[test]
fn a_margin_says_which_way_it_goes() {
    let before = "[[], [\"race_ethnicity\"]]\nperiod      = \"year\"\nmargin      = 10";
    check(
        &[(before, &before.replace("10", "8"))],
        &["widens: answers `retention` more precisely: ±8 instead of ±10 [kpi.retention.margin]"],
    );
    check(
        &[(
            "[[restrict]]  ",
            "[[restrict]]\nbecause = \"small\"\nkpi = \"retention\"\nmargin = 12\n[[restrict]]  ",
        )],
        &["narrows: answers `retention` less precisely: ±12 instead of ±10 [restrict[1]]"],
    );
}

#[test]
fn another_definition_under_the_same_id_goes_both_ways() {
    check(
        &[("\"ipeds/retention_fall\"", "\"ipeds/graduation_150\"")],
        &[&format!(
            "both: gives `retention` another meaning: withdraws it as it was counted, and newly lets {WHO} see \
             it as it is counted now [kpi.retention.uses]"
        )],
    );
}

#[test]
fn askers_readers_and_purposes_are_named() {
    check(
        &[("[\"read\", \"propose\"]", "[\"propose\"]")],
        &[
            "narrows: no longer lets every college and every employer read any table that is released \
           [roles.guiding_team.may]",
        ],
    );
    check(
        &[("[privacy] ", "research = { party = \"harbor-tech\", may = [\"ask\"] }\n[privacy] ")],
        &[
            "widens: lets `harbor-tech` (college) have any table measured, and not only read what is released \
           [roles.research]",
        ],
    );
    check(
        &[("\"equity-review\"]", "\"equity-review\", \"grants\"]")],
        &["widens: newly accepts questions for the purpose `grants` [agreement.purposes]"],
    );
}

#[test]
fn another_root_lets_in_whoever_holds_its_key() {
    check(
        &[(&"2".repeat(64), &"7".repeat(64))],
        &[
            "both: knows `harbor-tech` by another root certificate: whoever holds its key asks and answers as \
           `harbor-tech`, and the old one's holder is a stranger [party.harbor-tech.root]",
        ],
    );
}

#[test]
fn dates_periods_and_waiting_are_told_apart() {
    check(
        &[("2028-06-30", "2029-06-30")],
        &["widens: newly answers questions from 2028-07-01 to 2029-06-30 [expires]"],
    );
    check(
        &[("first_period = \"2025-26\"", "first_period = \"2023-24\"")],
        &[
            "widens: newly answers `enrolment`, `retention`, `graduation`, `credential_attainment` and \
             `completers` for 2023-24 and 2024-25 [calendar.first_period]",
            "widens: newly answers `hires_of_completers` for 2023-Q3 to 2025-Q2 [calendar.first_period]",
        ],
    );
    check(
        &[("wait_days    = 21", "wait_days    = 14")],
        &["widens: lets a period be asked about 14 days after it closes, where it was 21 days \
           [calendar.wait_days]"],
    );
    check(
        &[("year_starts  = \"07-01\"", "year_starts  = \"06-15\"")],
        &[
            "widens: lets periods be asked about sooner, because its years end on other days \
             [calendar.year_starts]",
            "both: starts its years on 06-15 instead of 07-01: a year means other days, and budgets are counted by \
             other years [calendar.year_starts]",
        ],
    );
}

#[test]
fn a_pilot_holds_back_what_it_leaves_out() {
    let pilot = "[pilot]\nuntil = 2027-06-30\nparties = [\"lakeshore-cc\"]\nkpis = [\"retention\"]\n[privacy] ";
    check(
        &[("[privacy] ", pilot)],
        &["narrows: holds back until 2027-06-30, for a pilot: `enrolment`, `graduation`, \
           `credential_attainment` and `completers` at every college; `retention` at `harbor-tech` (college); \
           `hires_of_completers` at every employer [pilot.until, pilot.parties, pilot.kpis]"],
    );
}

#[test]
fn what_protects_learners_says_which_way_it_goes() {
    check(
        &[("floor       = 10", "floor       = 8")],
        &["widens: shows groups of 8 learners or more, where it took 10 [privacy.floor]"],
    );
    check(
        &[("\"coalition\"      ", "\"node\"      ")],
        &[
            "narrows: has each node withhold its own small groups, where only the coalition's sum was judged \
           [privacy.floor_at]",
        ],
    );
    check(
        &[("rho = 0.5 }", "rho = 0.625 }")],
        &[
            "widens: lets each node spend ρ = 0.625 a year, where it was ρ = 0.5 [privacy.budget.rho]",
        ],
    );
    check(
        &[("employer = 3", "employer = 2")],
        &[
            "widens: needs 2 employers asked together for `hires_of_completers`, where it needed 3 employers \
           [privacy.min_parties.employer]",
        ],
    );
    check(
        &[(
            "[privacy] ",
            "[after]\nkeep_releases_days = 800\n[data.college]\nfreshness_days = 30\n[privacy] ",
        )],
        &[
            "narrows: measures on data up to 30 days old at every college, where it was of any age \
             [data.college.freshness_days]",
            "narrows: keeps releases for 800 days, where it kept them for ever [after.keep_releases_days]",
        ],
    );
    check(
        &[
            ("[[], [\"sex\"]]", "[[], [\"sex\"]]\nneeds = \"approval\""),
            ("\"propose\"]", "\"propose\", \"approve\"]"),
        ],
        &[
            "narrows: has each node measure `graduation` with the approval of one of its stewards, where it took \
           nobody's approval [kpi.graduation.needs]",
        ],
    );
}

#[test]
fn a_party_that_joins_answers_and_signs() {
    let party = "[[party]]\nid = \"coast\"\nname = \"Coast College\"\nkind = \"college\"\naddress = \"c.example:7443\"\n\
                 contacts = [\"a\", \"b\"]\nroot = \"sha256:ROOT\"\n[roles] "
        .replace("ROOT", &"9".repeat(64));
    check(
        &[("[roles] ", &party)],
        &[
            "widens: newly lets `coast` (college) read any table that is released [party.coast]",
            "widens: newly has `coast` (college) answer `enrolment`, `retention`, `graduation`, \
             `credential_attainment` and `completers` [party.coast]",
        ],
    );
    let (old, new) = (read(LAKESHORE), read(&edited(&[("[roles] ", &party)])));
    let diff = Diff::between(&old, &new);
    let beside: Vec<_> =
        diff.beside.iter().map(|aside| (aside.keeper, aside.sentence.as_str())).collect();
    assert_eq!(
        beside,
        [
            (Keeper::Software, "has `coast` (college) sign it, and every later version"),
            (Keeper::Software, "newly lets `coast` (college) propose amendments"),
        ]
    );
}

#[test]
fn words_that_people_keep_are_told_apart_from_wording() {
    let text = edited(&[
        ("\"marketing\", ", ""),
        ("margin      = 10\n", "margin      = 10\ntarget = { to = 0.42, by = 2027-06-30 }\n"),
        ("title     = \"Lakeshore Credential Coalition\"", "title     = \"Lakeshore\"   # shorter"),
        (
            "contacts = [\"ir@harbor.example\", \"ciso@harbor.example\"]",
            "contacts = [\"a@harbor.example\", \"b@harbor.example\"]",
        ),
        ("[\"annual-report\", \"equity-review\"]", "[\"equity-review\", \"annual-report\"]"),
    ]);
    let (old, new) = (read(LAKESHORE), read(&text));
    let diff = Diff::between(&old, &new);
    assert!(diff.changes.is_empty() && !diff.widens() && !diff.is_same());
    let beside: Vec<_> =
        diff.beside.iter().map(|aside| (aside.keeper, aside.sentence.as_str())).collect();
    assert_eq!(
        beside,
        [
            (Keeper::People, "sets a target for `retention`"),
            (Keeper::People, "changes the list of prohibited uses"),
        ]
    );
    let wording: Vec<_> = diff.wording.iter().map(|clause| clause.reference.as_str()).collect();
    assert_eq!(wording, ["title", "agreement.purposes", "party.harbor-tech.contacts"]);
}

#[test]
fn who_may_audit_widens_and_narrows_beside_the_questions() {
    let audit = |by: &str, days: u32| {
        let audit = format!("[audit]\nby = [{by}]\nwithin_days = {days}\n\n[amendment]");
        edited(&[("[amendment]", &audit)])
    };
    let one = audit("\"lakeshore-chamber\"", 30);
    let other = audit("\"lakeshore-cc\"", 45);
    for (old, new, expected) in [
        (
            LAKESHORE,
            &*one,
            &[
                "widens: newly lets the backbone (`lakeshore-chamber`) have a copy of every node's log",
            ][..],
        ),
        (
            &*one,
            LAKESHORE,
            &[
                "narrows: no longer lets the backbone (`lakeshore-chamber`) have a copy of every node's log",
            ],
        ),
        (
            &*one,
            &*other,
            &[
                "widens: newly lets `lakeshore-cc` (college) have a copy of every node's log",
                "narrows: no longer lets the backbone (`lakeshore-chamber`) have a copy of every node's log",
                "neither: has a copy of a log handed over within 45 days, where it was 30 days",
            ],
        ),
    ] {
        let (old, new) = (read(old), read(new));
        let diff = Diff::between(&old, &new);
        let found = diff.beside.iter().map(|beside| {
            let direction = beside.direction.map_or("neither", |direction| direction.as_str());
            format!("{direction}: {}", beside.sentence)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert_eq!(diff.widens(), expected.iter().any(|words| words.starts_with("widens")));
        assert!(diff.changes.is_empty() && diff.wording.is_empty(), "{:?}", diff.wording);
    }
}

#[test]
fn comments_spaces_and_order_change_nothing() {
    let moved = LAKESHORE.replace("[[restrict]]  ", "[[restrict]] #").replace("  = ", " =  ");
    let (old, new) = (read(LAKESHORE), read(&moved));
    assert_ne!(old.mou().hash(), new.mou().hash());
    let diff = Diff::between(&old, &new);
    assert!(diff.is_same() && diff.wording.is_empty());
}

#[test]
fn an_amendment_is_compared_from_its_first_day() {
    let replaces = format!("version   = 2\nreplaces = \"sha256:{}\"", "a".repeat(64));
    let later = [
        ("version   = 1", replaces.as_str()),
        ("effective = 2026-07-15", "effective = 2027-01-15"),
    ];
    let (old, new) = (read(LAKESHORE), read(&edited(&later)));
    let diff = Diff::between(&old, &new);
    assert!(diff.is_same() && diff.wording.is_empty(), "{:?}", diff.wording);
    assert_eq!(diff.compared_from(), Some("2027-01-15".parse().unwrap()));
    // Another draft of the same version leaves nothing in force before its first day.
    check(
        &[("effective = 2026-07-15", "effective = 2026-09-01")],
        &["narrows: answers no question any more from 2026-07-15 to 2026-08-31 [effective]"],
    );
}
