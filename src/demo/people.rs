//! Made-up people: learners of two colleges and workers of three employers, from one seed.
//!
//! Nobody in here is real. Shares, gaps and rates are of the size that public reports of community colleges
//! show, so that the demo's tables look like tables and not like dice.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The same people every time.
const SEED: u64 = 0x5eed_50ac;
/// People who enrolled at one of the colleges at least.
const LEARNERS: u32 = 21_500;
/// Of a hundred learners, so many are known to both colleges.
const KNOWN_TO_BOTH: f64 = 0.05;
/// Entering years reported on: retention looks back one year and graduation three.
const COHORTS: i16 = 5;

/// Everyone.
pub(super) struct People {
    /// Records of the colleges, in the order of [`College::ALL`].
    pub(super) colleges: [Vec<Record>; 2],
    /// Workers of the employers, in the order of [`Employer::ALL`].
    pub(super) employers: [Vec<Worker>; 3],
    /// How many people both colleges know.
    pub(super) known_to_both: u32,
}

/// The colleges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum College {
    Lakeshore,
    Harbor,
}

/// The employers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Employer {
    Northside,
    Transit,
    Bay,
}

/// What does not depend on the college.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) born: Date,
    pub(super) sex: &'static str,
    /// IPEDS 1 to 9.
    pub(super) race: u8,
    pub(super) pell: bool,
    pub(super) first_gen: bool,
}

/// One college's record of a person.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) person: Person,
    /// First calendar year of the entering cohort.
    pub(super) cohort: i16,
    pub(super) entry: &'static str,
    pub(super) full_time: bool,
    pub(super) degree_seeking: bool,
    pub(super) field: &'static str,
    /// Terms attended before the day of the export, in order.
    pub(super) terms: Vec<Term>,
    pub(super) fate: Fate,
    /// Whether the next fall saw them again.
    pub(super) retained: bool,
    /// Whether they had completed by then.
    pub(super) completed_by_fall: bool,
    /// Why IPEDS leaves them out; mostly blank.
    pub(super) exclusion: &'static str,
    pub(super) award: Option<Award>,
    pub(super) exit: Option<Exit>,
}

/// What had become of a learner by the day of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Enrolled,
    Completed,
    Transferred,
    Left,
}

/// A term: fall, spring or summer of an academic year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// First calendar year of the academic year.
    pub(super) year: i16,
    /// 10 fall, 20 spring, 30 summer.
    pub(super) part: u8,
}

/// An award conferred.
#[derive(Debug, Clone)]
pub(super) struct Award {
    /// Banner's category: 21 and 22 certificates, 23 associate, 24 bachelor.
    pub(super) category: u8,
    pub(super) on: Date,
    pub(super) began: Date,
}

/// An exit from a training program.
#[derive(Debug, Clone)]
pub(super) struct Exit {
    pub(super) entered: Date,
    pub(super) left: Date,
    pub(super) training: bool,
    pub(super) placed: bool,
}

/// One employer's record of a worker.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) hired: Date,
    pub(super) ended: Option<Date>,
    pub(super) full_time: bool,
    pub(super) pay: u32,
    pub(super) soc: &'static str,
    /// Issuer, type and field of the credential on the applicant's record.
    pub(super) credential: Option<(&'static str, &'static str, &'static str)>,
}

impl College {
    pub(super) const ALL: [Self; 2] = [Self::Lakeshore, Self::Harbor];

    /// As employers write it.
    fn name(self) -> &'static str {
        match self {
            Self::Lakeshore => "Lakeshore Community College",
            Self::Harbor => "Harbor Technical College",
        }
    }
}

impl Employer {
    pub(super) const ALL: [Self; 3] = [Self::Northside, Self::Transit, Self::Bay];

    /// Workers without a credential from the coalition.
    fn others(self) -> u32 {
        match self {
            Self::Northside => 1_900,
            Self::Transit => 1_300,
            Self::Bay => 900,
        }
    }

    /// Who hires people of a field.
    fn of(field: &str, rng: &mut impl Rng) -> Self {
        match field {
            "51.3801" | "51.0904" => Self::Northside,
            "15.0613" | "48.0508" | "47.0201" => Self::Bay,
            _ if rng.random_bool(0.3) => Self::Northside,
            _ => Self::Transit,
        }
    }
}

impl Term {
    /// Its first day.
    pub(super) fn starts(self) -> Date {
        match self.part {
            10 => date(self.year, 8, 25),
            20 => date(self.year + 1, 1, 13),
            _ => date(self.year + 1, 6, 2),
        }
    }

    /// The day on which awards of the term are conferred.
    fn confers(self) -> Date {
        match self.part {
            10 => date(self.year, 12, 15),
            20 => date(self.year + 1, 5, 20),
            _ => date(self.year + 1, 8, 8),
        }
    }

    /// The next fall or spring.
    fn next(self) -> Self {
        match self.part {
            10 => Self { part: 20, ..self },
            _ => Self { year: self.year + 1, part: 10 },
        }
    }
}

impl People {
    /// Everyone whom the partners know on the day of the export, where `last_cohort` is the first calendar
    /// year of the reporting year.
    pub(super) fn made_up(last_cohort: i16, as_of: Date) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let mut colleges = [Vec::new(), Vec::new()];
        let mut known_to_both = 0;
        for _ in 0..LEARNERS {
            let person = Person::made_up(last_cohort, &mut rng);
            let home = if rng.random_bool(0.62) { 0 } else { 1 };
            let both = rng.random_bool(KNOWN_TO_BOTH);
            known_to_both += u32::from(both);
            for (place, records) in colleges.iter_mut().enumerate() {
                if place == home || both {
                    records.push(Record::made_up(person.clone(), last_cohort, as_of, &mut rng));
                }
            }
        }
        let employers = hires(&colleges, last_cohort, as_of, &mut rng);
        Self { colleges, employers, known_to_both }
    }
}

impl Person {
    fn made_up(last_cohort: i16, rng: &mut impl Rng) -> Self {
        // White, Hispanic, Black, Asian, two or more, unknown, nonresident, American Indian, Pacific.
        let race = one_of(
            &[(7, 44), (2, 21), (5, 17), (4, 7), (8, 4), (9, 3), (1, 2), (3, 1), (6, 1)],
            rng,
        );
        let sex = one_of(&[("F", 570), ("M", 415), ("X", 10), ("N", 5)], rng);
        let age = match rng.random_range(0..100) {
            0..8 => rng.random_range(16..18),
            8..60 => rng.random_range(18..25),
            60..88 => rng.random_range(25..40),
            _ => rng.random_range(40..66),
        };
        let born = date(last_cohort - age - 2, 1, 1) + rng.random_range(0..365).days();
        let strained = matches!(race, 2 | 3 | 5 | 6);
        let pell = rng.random_bool(if strained { 0.58 } else { 0.36 });
        let first_gen = rng.random_bool(if strained { 0.52 } else { 0.33 });
        Self { born, sex, race, pell, first_gen }
    }

    /// How likely they are to complete: two in five, and the gaps that coalitions are founded to close.
    fn chance_to_complete(&self, full_time: bool) -> f64 {
        let by_race = match self.race {
            1 | 4 => 0.08,
            7 => 0.05,
            2 => -0.05,
            5 => -0.10,
            3 | 6 => -0.12,
            _ => -0.02,
        };
        let all: f64 = [
            by_race,
            if self.sex == "F" { 0.03 } else { -0.02 },
            if self.pell { -0.04 } else { 0.02 },
            if self.first_gen { -0.03 } else { 0.01 },
            if full_time { 0.06 } else { -0.08 },
        ]
        .iter()
        .sum();
        0.43 + all
    }
}

impl Record {
    fn made_up(person: Person, last_cohort: i16, as_of: Date, rng: &mut impl Rng) -> Self {
        let cohort = last_cohort - rng.random_range(0..COHORTS);
        let full_time = rng.random_bool(0.55);
        let entry = one_of(&[("N", 68), ("T", 20), ("R", 9), ("", 3)], rng);
        let field = one_of(
            &[
                ("51.3801", 18),
                ("51.0904", 8),
                ("24.0101", 26),
                ("52.0201", 16),
                ("15.0613", 9),
                ("48.0508", 8),
                ("47.0201", 7),
                ("11.0101", 8),
            ],
            rng,
        );
        let first = Term { year: cohort, part: if rng.random_bool(0.82) { 10 } else { 20 } };
        let completes = rng.random_bool(person.chance_to_complete(full_time));
        let category = one_of(&[(21, 22), (22, 24), (23, 52), (24, 2)], rng);
        let length = if completes {
            terms_to_complete(category, full_time, rng)
        } else {
            terms_before_leaving(rng)
        };

        let all: Vec<_> =
            std::iter::successors(Some(first), |term| Some(term.next())).take(length).collect();
        let terms: Vec<_> = all.iter().copied().filter(|term| term.starts() < as_of).collect();
        let last = all.last().copied().unwrap_or(first);
        let ended = last.confers() < as_of;
        let fate = match (ended, completes) {
            (false, _) => Fate::Enrolled,
            (true, true) => Fate::Completed,
            (true, false) if rng.random_bool(0.25) => Fate::Transferred,
            (true, false) => Fate::Left,
        };
        let award = (fate == Fate::Completed).then(|| Award {
            category,
            on: last.confers(),
            began: first.starts(),
        });
        let exit = Exit::made_up(first, last, &award, as_of, rng);
        let next_fall = date(cohort + 1, 8, 25);
        let retained = terms.iter().any(|term| term.starts() == next_fall);
        let completed_by_fall = award.as_ref().is_some_and(|award| award.on < next_fall);
        let degree_seeking = rng.random_bool(0.86);
        let exclusion = one_of(&[("", 990), ("D", 4), ("A", 5), ("C", 1)], rng);
        Self {
            person,
            cohort,
            entry,
            full_time,
            degree_seeking,
            field,
            terms,
            fate,
            retained,
            completed_by_fall,
            exclusion,
            award,
            exit,
        }
    }
}

/// Fall and spring terms until an award.
fn terms_to_complete(category: u8, full_time: bool, rng: &mut impl Rng) -> usize {
    let terms: usize = match category {
        21 => rng.random_range(1..3),
        22 => rng.random_range(2..4),
        23 => rng.random_range(4..7),
        _ => rng.random_range(8..10),
    };
    if full_time { terms } else { terms + terms / 3 }
}

/// Fall and spring terms until a learner is not seen again.
fn terms_before_leaving(rng: &mut impl Rng) -> usize {
    let mut terms = 1;
    while terms < 9 && rng.random_bool(0.68) {
        terms += 1;
    }
    terms
}

impl Exit {
    /// One learner in three takes part in a training program, and leaves it within weeks of the college.
    fn made_up(
        first: Term,
        last: Term,
        award: &Option<Award>,
        as_of: Date,
        rng: &mut impl Rng,
    ) -> Option<Self> {
        let takes_part = rng.random_bool(0.33);
        let left = last.confers() + rng.random_range(0..60).days();
        let exit = Self {
            entered: first.starts() + rng.random_range(0..40).days(),
            left,
            training: rng.random_bool(0.9),
            placed: rng.random_bool(if award.is_some() { 0.71 } else { 0.48 }),
        };
        (takes_part && left < as_of).then_some(exit)
    }
}

/// Everyone whom the employers hired in the reporting year and since: completers, and others.
fn hires(
    colleges: &[Vec<Record>; 2],
    last_cohort: i16,
    as_of: Date,
    rng: &mut impl Rng,
) -> [Vec<Worker>; 3] {
    let mut employers = [Vec::new(), Vec::new(), Vec::new()];
    let mut place = |employer: Employer, worker: Worker| {
        let workers = match employer {
            Employer::Northside => &mut employers[0],
            Employer::Transit => &mut employers[1],
            Employer::Bay => &mut employers[2],
        };
        workers.push(worker);
    };
    for (college, records) in College::ALL.iter().zip(colleges) {
        let completers = records.iter().filter_map(|record| Some((record, record.award.as_ref()?)));
        for (record, award) in completers {
            let hired = award.on + rng.random_range(10..200).days();
            if !rng.random_bool(0.42) || hired >= as_of {
                continue;
            }
            let kind = match award.category {
                23 => "Associate Degree",
                24 => "Bachelor Degree",
                _ => "Certificate",
            };
            let credential = Some((college.name(), kind, record.field));
            place(Employer::of(record.field, rng), Worker::made_up(hired, credential, as_of, rng));
        }
    }
    let from = date(last_cohort - 1, 7, 1);
    let days = from.until(as_of).map_or(1, |span| span.get_days().max(1));
    for employer in Employer::ALL {
        for _ in 0..employer.others() {
            let credential = match rng.random_range(0..10) {
                0..2 => Some(("Another School", "Certificate", "52.0201")),
                2 => Some(("State University", "Bachelor Degree", "52.0201")),
                _ => None,
            };
            let hired = from + rng.random_range(0..days).days();
            place(employer, Worker::made_up(hired, credential, as_of, rng));
        }
    }
    employers
}

impl Worker {
    fn made_up(
        hired: Date,
        credential: Option<(&'static str, &'static str, &'static str)>,
        as_of: Date,
        rng: &mut impl Rng,
    ) -> Self {
        let ended = hired + rng.random_range(60..900).days();
        let base = if credential.is_some() { 38_000 } else { 31_000 };
        Self {
            hired,
            ended: (ended < as_of).then_some(ended),
            full_time: rng.random_bool(0.78),
            pay: base + rng.random_range(0..24_000),
            soc: one_of(
                &[
                    ("29-1141", 20),
                    ("31-1131", 25),
                    ("51-4041", 18),
                    ("53-3052", 22),
                    ("43-6014", 15),
                ],
                rng,
            ),
            credential,
        }
    }
}

/// One of several, by weight.
fn one_of<T: Copy>(choices: &[(T, u32)], rng: &mut impl Rng) -> T {
    let total = choices.iter().map(|(_, weight)| weight).sum();
    let mut drawn = rng.random_range(0..total);
    for (choice, weight) in choices {
        if drawn < *weight {
            return *choice;
        }
        drawn -= weight;
    }
    choices.last().expect("every list of choices in this file has one").0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        People::made_up(2025, date(2026, 11, 23))
    }

    #[test]
    fn the_same_people_live_every_time() {
        let (one, two) = (people(), people());
        assert_eq!(format!("{:?}", one.colleges), format!("{:?}", two.colleges));
        assert_eq!(format!("{:?}", one.employers), format!("{:?}", two.employers));
    }

    #[test]
    fn the_colleges_know_twenty_thousand_and_share_one_in_twenty() {
        let people = people();
        let records: usize = people.colleges.iter().map(Vec::len).sum();
        assert!(records > 20_000, "{records}");
        let share = f64::from(people.known_to_both) / f64::from(LEARNERS);
        assert!((0.04..0.06).contains(&share), "{share}");
    }

    #[test]
    fn two_in_five_complete_and_groups_differ() {
        let people = people();
        let ended = |record: &&Record| record.fate != Fate::Enrolled && record.cohort < 2023;
        let rate = |race: Option<u8>| {
            let of = people.colleges.iter().flatten().filter(ended);
            let of: Vec<_> =
                of.filter(|record| race.is_none_or(|race| record.person.race == race)).collect();
            let completed = of.iter().filter(|record| record.fate == Fate::Completed).count();
            completed as f64 / of.len() as f64
        };
        assert!((0.35..0.48).contains(&rate(None)), "{}", rate(None));
        assert!(rate(Some(7)) > rate(Some(5)) + 0.08, "{} and {}", rate(Some(7)), rate(Some(5)));
    }
}
