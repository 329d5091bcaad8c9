//! Academic terms: `2025-FALL` is the fall term that begins in 2025.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::{DayOfYear, PeriodError, Span, four_digits};

/// The field's names of terms, as the catalogue's `cohort_term` has them. In the order in which those of one
/// calendar year mostly begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermName {
    /// `WINTER`
    Winter,
    /// `SPRING`
    Spring,
    /// `SUMMER`
    Summer,
    /// `FALL`
    Fall,
}

/// A term, named by the calendar year in which it begins, so that no start of a reporting year renames it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    pub(crate) year: i16,
    pub(crate) name: TermName,
}

/// The terms of an agreement with the day on which each begins; a term lasts until the next begins. None where
/// the agreement reports nothing by term.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TermStarts(Vec<(DayOfYear, TermName)>);

impl TermName {
    /// Every name.
    pub const ALL: &'static [Self] = &[Self::Winter, Self::Spring, Self::Summer, Self::Fall];

    /// The word in the MOU.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winter => "WINTER",
            Self::Spring => "SPRING",
            Self::Summer => "SUMMER",
            Self::Fall => "FALL",
        }
    }
}

impl fmt::Display for TermName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{}", self.year, self.name)
    }
}

impl FromStr for Term {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let read = |(year, name): (&str, &str)| {
            let name = TermName::ALL.iter().find(|known| known.as_str() == name)?;
            Some(Self { year: four_digits(year)?, name: *name })
        };
        text.split_once('-').and_then(read).ok_or_else(|| PeriodError::of(text))
    }
}

impl TermStarts {
    /// These terms, in whatever order they are given; each name once, each day once.
    pub(crate) fn new(mut terms: Vec<(DayOfYear, TermName)>) -> Self {
        terms.sort();
        Self(terms)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each term's name and first day, in the order of the calendar year.
    pub fn iter(&self) -> impl Iterator<Item = (TermName, DayOfYear)> {
        self.0.iter().map(|(day, name)| (*name, *day))
    }

    /// The day on which terms of this name begin.
    pub fn begins(&self, name: TermName) -> Option<DayOfYear> {
        self.iter().find(|(known, _)| *known == name).map(|(_, day)| day)
    }

    /// First and last day; none for a term that is not among these.
    pub(crate) fn span(&self, term: Term) -> Option<Span> {
        let first_day = |term: Term| Some(self.begins(term.name)?.in_year(term.year));
        Some(Span::until(first_day(term)?, first_day(self.after(term)?)?))
    }

    /// The term that begins when this one is over.
    pub(crate) fn after(&self, term: Term) -> Option<Term> {
        let place = self.0.iter().position(|(_, name)| *name == term.name)?;
        match self.0.get(place + 1) {
            Some((_, name)) => Some(Term { year: term.year, name: *name }),
            None => self.0.first().map(|(_, name)| Term { year: term.year + 1, name: *name }),
        }
    }

    /// The first term that begins on this day or later.
    pub(crate) fn first_from(&self, day: Date) -> Option<Term> {
        let later = self.0.iter().find(|(begins, _)| day <= begins.in_year(day.year()));
        match later {
            Some((_, name)) => Some(Term { year: day.year(), name: *name }),
            None => self.0.first().map(|(_, name)| Term { year: day.year() + 1, name: *name }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// `FALL 08-15, SPRING 01-10`
    fn terms(text: &str) -> TermStarts {
        let term = |text: &str| {
            let (name, day) = text.split_once(' ').unwrap();
            let name = TermName::ALL.iter().find(|known| known.as_str() == name).unwrap();
            (day.parse().unwrap(), *name)
        };
        TermStarts::new(text.split(", ").map(term).collect())
    }

    const THREE: &str = "FALL 08-15, SPRING 01-10, SUMMER 05-20";

    #[test]
    fn a_term_lasts_until_the_next_begins() {
        for (listed, term, first, last) in [
            (THREE, "2025-FALL", "2025-08-15", "2026-01-09"),
            (THREE, "2026-SPRING", "2026-01-10", "2026-05-19"),
            (THREE, "2026-SUMMER", "2026-05-20", "2026-08-14"),
            // A winter term of December is named by its December.
            ("FALL 08-15, WINTER 12-15, SPRING 01-10", "2025-WINTER", "2025-12-15", "2026-01-09"),
            ("WINTER 01-02, SPRING 03-01", "2027-WINTER", "2027-01-02", "2027-02-28"),
            ("WINTER 01-02, SPRING 03-01", "2028-WINTER", "2028-01-02", "2028-02-29"),
            ("WINTER 01-02, SPRING 02-28", "2028-WINTER", "2028-01-02", "2028-02-27"),
            ("FALL 01-01, SPRING 07-01", "2025-SPRING", "2025-07-01", "2025-12-31"),
            ("FALL 08-15", "2027-FALL", "2027-08-15", "2028-08-14"),
        ] {
            let span = terms(listed).span(term.parse().unwrap()).unwrap();
            assert_eq!(
                (span.first.to_string(), span.last.to_string()),
                (first.into(), last.into()),
                "{term}"
            );
        }
        assert_eq!(terms(THREE).span("2025-WINTER".parse().unwrap()), None);
        assert_eq!(TermStarts::default().span("2025-FALL".parse().unwrap()), None);
    }

    #[test]
    fn terms_follow_each_other_without_gap_or_overlap_through_leap_years() {
        for listed in [
            THREE,
            "FALL 08-15",
            "FALL 09-01, WINTER 12-15, SPRING 03-01, SUMMER 06-10",
            "WINTER 01-01, SPRING 02-28, SUMMER 03-01, FALL 12-31",
        ] {
            let terms = terms(listed);
            let names = terms.iter().count();
            let mut term = terms.first_from("2027-01-01".parse().unwrap()).unwrap();
            let first = terms.span(term).unwrap().first;
            for _ in 0..3 * names {
                let (span, next) = (terms.span(term).unwrap(), terms.after(term).unwrap());
                assert!(span.first <= span.last, "{term}");
                assert_eq!(
                    span.last.tomorrow().unwrap(),
                    terms.span(next).unwrap().first,
                    "{term}"
                );
                term = next;
            }
            // Three years, one of them with a 29 February.
            let days = first.until(terms.span(term).unwrap().first).unwrap().get_days();
            assert_eq!(days, 3 * 365 + 1, "{listed}");
        }
    }

    #[test]
    fn the_first_term_from_a_day_begins_on_it_or_after() {
        for (day, term) in [
            ("2025-07-01", "2025-FALL"),
            ("2025-08-15", "2025-FALL"),
            ("2025-08-16", "2026-SPRING"),
            ("2026-01-01", "2026-SPRING"),
        ] {
            let found = terms(THREE).first_from(day.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), term, "{day}");
        }
        assert_eq!(TermStarts::default().first_from("2025-07-01".parse().unwrap()), None);
    }

    #[test]
    fn the_order_in_which_terms_are_written_says_nothing() {
        assert_eq!(terms(THREE), terms("SUMMER 05-20, FALL 08-15, SPRING 01-10"));
        assert_ne!(terms(THREE), terms("FALL 08-16, SPRING 01-10, SUMMER 05-20"));
    }
}
