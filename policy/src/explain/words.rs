//! Small words: lists, numbers, shares.

use std::fmt::Display;

use super::Risk;
use crate::period::DayOfYear;

/// One in billionths.
const ONE: u64 = 1_000_000_000;

/// `a, b and c`.
pub(super) fn and(words: &[String]) -> String {
    joined(words, "and")
}

/// `a, b or c`.
pub(super) fn or(words: &[String]) -> String {
    joined(words, "or")
}

fn joined(words: &[String], last: &str) -> String {
    match words {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [all @ .., end] => format!("{} {last} {end}", all.join(", ")),
    }
}

/// `1 day`, `21 days`.
pub(super) fn counted(
    number: impl Display + PartialEq<u64> + Copy,
    one: &str,
    more: &str,
) -> String {
    if number == 1 { format!("{number} {one}") } else { format!("{number} {more}") }
}

/// `38` as `3.8 %`.
pub(super) fn percent(permille: u64) -> String {
    match permille % 10 {
        0 => format!("{} %", permille / 10),
        tenth => format!("{}.{tenth} %", permille / 10),
    }
}

/// `19_208_000` as `0.019208`.
pub(super) fn rho(nano_rho: u64) -> String {
    decimal(nano_rho, ONE, 9)
}

/// A number of parts as a decimal, without zeros at its end.
pub(super) fn decimal(parts: u64, one: u64, places: usize) -> String {
    let (whole, rest) = (parts / one, parts % one);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{rest:0places$}").trim_end_matches('0'))
}

/// What an amount of ρ means, as a half sentence.
pub(super) fn guess(risk: &Risk) -> String {
    format!(
        "somebody who knows everything else could guess whether one particular learner is counted and be right \
         {} of the time, where tossing a coin is right 50 % of the time (in the terms of the literature: ρ = {}, \
         or ε = {} at δ = {})",
        percent(u64::from(risk.guess_permille)),
        rho(risk.nano_rho),
        decimal(risk.epsilon_thousandths, 1000, 3),
        rho(u64::from(risk.delta_billionths)),
    )
}

/// The same in short, for a table among others.
pub(super) fn short_guess(risk: &Risk) -> String {
    format!(
        "the best guess whether one particular learner is counted is right {} of the time instead of 50 % \
         (ρ = {}, or ε = {} at δ = {})",
        percent(u64::from(risk.guess_permille)),
        rho(risk.nano_rho),
        decimal(risk.epsilon_thousandths, 1000, 3),
        rho(u64::from(risk.delta_billionths)),
    )
}

/// `both parties`, `all 3 parties`.
pub(super) fn all_parties(number: usize) -> String {
    match number {
        2 => "both parties".to_owned(),
        more => format!("all {more} parties"),
    }
}

/// `1 July`.
pub(super) fn day_of_year(start: DayOfYear) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let text = start.to_string();
    let named = text.split_once('-').and_then(|(month, day)| {
        let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(format!("{} {month}", day.trim_start_matches('0')))
    });
    named.unwrap_or(text)
}

/// A word with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Several lines of a file as one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
