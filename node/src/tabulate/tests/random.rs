//! Agreements and records by the throw of dice.

use std::collections::BTreeMap;
use std::ops::Range;

use sumac_policy::{Kind, Mou, Period, PeriodKind, Schema, TableName};

use super::kpi;
use crate::records::canonical::{Canonical, PersonKey, Rows, Values};

pub(super) const LEARNERS: Range<u8> = 0..40;

/// SplitMix64: the same throws for the same seed, everywhere.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What conditions are made of: `c` a code with some of its list, `d` a date, `y` a year, `i` a number.
const ENROLMENT: &[(&str, &str)] = &[
    ("enrolment.cohort_year", "y"),
    ("enrolment.term_start", "d"),
    ("enrolment.intensity", "c FT PT unknown"),
    ("enrolment.status", "c enrolled completed left"),
    ("enrolment.credits_earned", "i"),
];
const AWARD: &[(&str, &str)] = &[
    ("award.awarded_on", "d"),
    ("award.revoked_on", "d"),
    ("award.recognised_postsecondary", "c Y N unknown"),
];
const OUTCOME: &[(&str, &str)] = &[
    ("outcome.exit_on", "d"),
    ("outcome.q2_employed", "c Y N unknown"),
    ("outcome.q2_earnings", "i"),
];
const LEARNER: &[(&str, &str)] = &[
    ("learner.birth_year", "y"),
    ("learner.sex", "c F M unknown"),
    ("learner.disability", "c Y N"),
];

fn columns(table: &str) -> &'static [(&'static str, &'static str)] {
    match table {
        "enrolment" => ENROLMENT,
        "award" => AWARD,
        "outcome" => OUTCOME,
        _ => LEARNER,
    }
}

pub(super) fn agreement(dice: &mut Dice) -> Mou {
    let (year_starts, first_period) =
        dice.pick(&[&("07-01", "2018-19"), &("01-01", "2018"), &("10-15", "2018-19")]);
    let terms = dice.pick(&[
        "FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\"",
        "WINTER = \"12-15\", SPRING = \"03-01\", FALL = \"09-01\"",
        "FALL = \"10-15\"",
    ]);
    let mut rest = String::from(
        "[[dimension]]\nid = \"band\"\ntitle = \"Band\"\nof = \"learner\"\ncodes = { a = \"A\", unknown = \"U\", b = \"B\" }\n",
    );
    for number in 0..8 {
        let of = dice.pick(&["enrolment", "enrolment", "award", "outcome", "learner"]);
        let anchor = match of {
            "enrolment" => dice.pick(&["during = \"term_start\"", "cohort = \"cohort_year\""]),
            "award" => "during = \"awarded_on\"",
            "outcome" => "during = \"exit_on\"",
            _ => "cohort = \"birth_year\"",
        };
        let lag = dice.below(3);
        let mut define = format!("of = \"{of}\", {anchor}, lag_years = {lag}");
        if !dice.one_in(3) {
            let population = condition(dice, &[of, "learner"], 1);
            define += &format!(", where = \"{population}\"");
        }
        let measure = dice.below(9);
        if measure < 2 {
            define += ", measure = \"count\"";
        } else if measure < 4 {
            define += &format!(", measure = \"count\", cap = {}", 1 + dice.below(4));
        } else if measure == 4 {
            define += &format!(", measure = \"awards\", cap = {}", 1 + dice.below(3));
        } else if measure < 7
            && let Some(value) = value(dice, of)
        {
            let lo = dice.pick(&[&-1000, &0, &3]);
            let width = dice.pick(&[&1, &4, &9000]);
            define += &match measure {
                5 => format!(
                    ", measure = \"mean\", value = \"{value}\", clip = [{lo}, {}]",
                    lo + width
                ),
                _ => format!(
                    ", measure = \"distribution\", value = \"{value}\", bins = [{lo}, {}, {}, {}]",
                    lo + 2,
                    lo + 3,
                    lo + 3 + width
                ),
            };
        } else {
            let outcomes: String = (0..=dice.below(2)).map(|n| outcome(dice, of, n)).collect();
            define += &format!(
                ", measure = \"rate\", outcomes = [{outcomes}{{ id = \"rest\", title = \"Rest\", otherwise = true }}]"
            );
        }
        let mut dimensions = vec!["sex", "age_band", "band", "disability"];
        match of {
            "enrolment" => {
                dimensions.extend(["intensity", "intensity", "cohort_term", "cohort_year", "cip2"])
            }
            "award" => dimensions.extend(["award_level", "award_level", "credential_type"]),
            _ => {}
        }
        let mut by: Vec<_> = (0..dice.below(4)).map(|_| dice.pick(&dimensions)).collect();
        by.sort_unstable();
        by.dedup();
        // The two longest lists, with a third one, are more cells than an agreement may have.
        if by.contains(&"cohort_year") {
            by.retain(|id| *id != "cip2");
        }
        if dice.one_in(2) {
            by.reverse();
        }
        let mut periods = vec!["year", "year", "2 years", "3 years"];
        // A cohort is named by its year, and has no terms and no quarters.
        if anchor.starts_with("during") {
            periods.extend(["term", "quarter"]);
        }
        let period = dice.pick(&periods);
        rest += &kpi(&format!("k{number}"), &define, &format!("{by:?}"), period);
    }
    super::agreement_with_terms(year_starts, first_period, terms, &rest)
}

/// What a mean or a distribution takes of rows of this table; none of one that has nothing to take.
fn value(dice: &mut Dice, of: &str) -> Option<&'static str> {
    match of {
        "enrolment" => Some(dice.pick(&[
            "credits_earned",
            "credits_earned / credits_attempted",
            "term_start - term_start",
        ])),
        "award" => Some("awarded_on - program_start_on"),
        "outcome" => Some(dice.pick(&["q2_earnings", "exit_on - entered_on"])),
        _ => None,
    }
}

fn outcome(dice: &mut Dice, of: &str, number: usize) -> String {
    let others: Vec<&str> =
        ["enrolment", "award", "outcome"].into_iter().filter(|table| *table != of).collect();
    let (within, when) = if dice.one_in(2) {
        (String::new(), condition(dice, &[of, "learner"], 2))
    } else {
        let other = dice.pick(&others);
        let day = match other {
            "enrolment" => "term_start",
            "award" => "awarded_on",
            _ => "exit_on",
        };
        // Whatever the rest reads, the condition has to read a column of the other table.
        let read = format!("({other}.{day} is null or {other}.{day} is not null)");
        let rest = condition(dice, &[other, other, of, "learner"], 2);
        (format!("in = \"{other}\", "), format!("{read} and {rest}"))
    };
    format!("{{ id = \"o{number}\", title = \"An outcome\", {within}when = \"{when}\" }}, ")
}

fn condition(dice: &mut Dice, tables: &[&str], depth: usize) -> String {
    if depth > 0 && !dice.one_in(3) {
        let (one, two) = (condition(dice, tables, depth - 1), condition(dice, tables, depth - 1));
        return match dice.below(4) {
            0 => format!("({one} and {two})"),
            1 => format!("({one} or {two})"),
            2 => format!("not ({one})"),
            _ => format!("({one} and not ({two}))"),
        };
    }
    let (column, kind) = {
        let columns = columns(dice.pick(tables));
        columns[dice.below(columns.len())]
    };
    if dice.one_in(8) {
        return format!("{column} is {}null", dice.pick(&["", "not "]));
    }
    let op = dice.pick(&["=", "<>", "<", "<=", ">", ">="]);
    match kind {
        "y" => format!("{column} {op} {}", 2000 + dice.below(26)),
        "i" => format!("{column} {op} {}", dice.below(5)),
        "d" => {
            let dates: Vec<&str> = tables
                .iter()
                .flat_map(|table| columns(table))
                .filter(|(_, kind)| *kind == "d")
                .map(|(column, _)| *column)
                .collect();
            match dice.below(4) {
                0 => format!("{column} {op} date '202{}-0{}-15'", dice.below(7), 1 + dice.below(9)),
                1 => format!("{column} {op} {}", dice.pick(&dates)),
                _ => {
                    let (sign, unit) =
                        (dice.pick(&["+", "-"]), dice.pick(&["months", "days", "years"]));
                    let (other, number) = (dice.pick(&dates), dice.below(14));
                    format!("{column} {op} {other} {sign} interval '{number} {unit}'")
                }
            }
        }
        codes => {
            let codes: Vec<&str> = codes.split(' ').skip(1).collect();
            let (one, two) = (dice.pick(&codes), dice.pick(&codes));
            match dice.below(3) {
                0 => format!("{column} = '{one}'"),
                1 => format!("{column} <> '{one}'"),
                _ => format!("{column} in ('{one}', '{two}')"),
            }
        }
    }
}

/// A period of this kind, laid out as the agreement's calendar does.
pub(super) fn period(dice: &mut Dice, mou: &Mou, kind: PeriodKind) -> Period {
    let steps = match kind {
        PeriodKind::Quarter => 12 + dice.below(20),
        PeriodKind::Term => {
            let terms = mou.calendar().terms.iter().count();
            terms * 3 + dice.below(terms * 5)
        }
        PeriodKind::Year => 2 + dice.below(6),
        PeriodKind::Years(_) => 1 + dice.below(2),
    };
    mou.calendar().periods(kind).nth(steps).unwrap()
}

/// Every column of the tables that conditions read, with gaps, for learners some of whom lack a learner
/// row and some of whom have two.
pub(super) fn canonical(dice: &mut Dice, schema: &Schema) -> Canonical {
    let mut tables = BTreeMap::new();
    for (name, most) in [
        (TableName::Learner, 45),
        (TableName::Enrolment, 250),
        (TableName::Award, 90),
        (TableName::Outcome, 90),
    ] {
        let person: Vec<PersonKey> =
            (0..dice.below(most)).map(|_| [u8::try_from(dice.below(40)).unwrap(); 16]).collect();
        let columns = schema.table(name).unwrap().columns.iter();
        let columns = columns
            .map(|column| {
                let rows = person.len();
                let born = column.name == "birth_year";
                let values = match &column.kind {
                    Kind::Code(codes) => Values::Code(
                        (0..rows)
                            .map(|_| u16::try_from(dice.below(codes.len().min(5))).unwrap())
                            .collect(),
                    ),
                    Kind::Date => Values::Date((0..rows).map(|_| day(dice)).collect()),
                    Kind::Year => Values::Year((0..rows).map(|_| year(dice, born)).collect()),
                    Kind::Integer => Values::Integer(
                        (0..rows)
                            .map(|_| {
                                (!dice.one_in(5)).then(|| i64::try_from(dice.below(5)).unwrap())
                            })
                            .collect(),
                    ),
                };
                (column.name.clone(), values)
            })
            .collect();
        tables.insert(name, Rows { person, columns });
    }
    Canonical { tables }
}

/// From 2018 to 2026.
fn day(dice: &mut Dice) -> Option<i32> {
    let day = 17_532 + i32::try_from(dice.below(3_200)).unwrap();
    (!dice.one_in(6)).then_some(day)
}

fn year(dice: &mut Dice, born: bool) -> Option<i16> {
    // Some are young enough to be of the period's own years, so that a KPI of the learner table counts them.
    let (first, years) = if born { (1980, 46) } else { (2018, 8) };
    let year = i16::try_from(first + dice.below(years)).unwrap();
    (!dice.one_in(6)).then_some(year)
}

/// The same records without one learner's.
pub(super) fn without(canonical: &Canonical, learner: PersonKey) -> Canonical {
    fn kept<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
        values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
    }
    let mut canonical = canonical.clone();
    for rows in canonical.tables.values_mut() {
        let keep: Vec<bool> = rows.person.iter().map(|person| *person != learner).collect();
        rows.person = kept(&rows.person, &keep);
        for (_, values) in &mut rows.columns {
            match values {
                Values::Code(values) => *values = kept(values, &keep),
                Values::Date(values) => *values = kept(values, &keep),
                Values::Year(values) => *values = kept(values, &keep),
                Values::Integer(values) => *values = kept(values, &keep),
            }
        }
    }
    canonical
}
