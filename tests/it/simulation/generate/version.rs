//! Random changes of the agreement.

use super::super::operation::{Budget, By, Change, Counted, Folders, Kpi, Op, Place, To};
use super::{Dice, left};

/// Mostly at once, and often to all.
pub(super) fn amend(dice: &mut Dice, place: Place, before: &[Op]) -> Op {
    let change = change(dice, before);
    let days = dice.pick(&[(8, 0), (2, 1), (2, 30), (1, 200)]);
    let to = match dice.below(8) {
        0 | 1 => To::AllBut(place),
        2..5 => To::Killed(place, Folders(dice.byte()), left(dice)),
        _ => To::All,
    };
    Op::Amend(change, days, to)
}

/// What was changed last in what is listed or meant is often changed back.
fn change(dice: &mut Dice, before: &[Op]) -> Change {
    let undo = before.iter().rev().find_map(|op| match op {
        Op::Amend(Change::Without(kpi), ..) => Some(Change::With(*kpi)),
        Op::Amend(Change::NotBy(by), ..) => Some(Change::AlsoBy(*by)),
        Op::Amend(Change::Counts(Counted::Fall), ..) => Some(Change::Counts(Counted::AllYear)),
        _ => None,
    });
    if let Some(undo) = undo.filter(|_| dice.below(3) == 0) {
        return undo;
    }
    let enrolment = dice.pick(&[(3, 12), (1, 15), (2, 20), (1, 30)]);
    let retention = dice.pick(&[(2, 8), (1, 10), (2, 14)]);
    let kpi = dice.pick(&[(2, Kpi::Enrolment), (1, Kpi::Retention)]);
    let by = dice.pick(&[(1, By::SexRace), (1, By::Age)]);
    dice.pick(&[
        (8, Change::Margin(Kpi::Enrolment, enrolment)),
        (3, Change::Margin(Kpi::Retention, retention)),
        (2, Change::Budget(Budget::Tight)),
        (2, Change::Budget(Budget::Ample)),
        (2, Change::Without(kpi)),
        (1, Change::With(kpi)),
        (1, Change::NotBy(by)),
        (3, Change::AlsoBy(by)),
        (3, Change::Counts(Counted::Fall)),
        (1, Change::Counts(Counted::AllYear)),
    ])
}
