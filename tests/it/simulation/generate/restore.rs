//! Random backups and restores, and what follows them.

use super::super::operation::{Kept, List, Op, Place, Said, Who};
use super::{Dice, asked, questions};

/// Mostly a restore, where there is a backup.
pub(super) fn restore(dice: &mut Dice, place: Place, before: &[Op]) -> Op {
    let backed_up = before.iter().rev().find_map(|op| match op {
        Op::Backup(place) => Some(*place),
        _ => None,
    });
    // Otherwise all that was lost comes back.
    let has_lost = matches!(before.last(), Some(Op::Lose(..)));
    match backed_up {
        Some(_) if !has_lost && dice.below(4) == 0 => Op::Lose(asker(dice), Kept::Receipts),
        Some(place) if has_lost || dice.below(5) > 1 => {
            Op::Restore(place, dice.pick(&[(4, Said::Once), (1, Said::Twice)]))
        }
        _ => Op::Backup(place),
    }
}

/// What mostly follows a restore: those who may ask do so, the operator goes on without them, or has measured anew what
/// is lost.
pub(super) fn gives_back(dice: &mut Dice, before: &[Op]) -> Option<Op> {
    let restored = before.iter().rev().take(5).find_map(|op| match op {
        Op::Restore(place, _) => Some(*place),
        _ => None,
    });
    let place = restored?;
    match dice.below(12) {
        0..5 => Some(Op::Ask(asker(dice), questions(dice, 3))),
        5..7 => Some(resume(dice, place)),
        7..9 => Some(Op::Remeasure(place, asked(dice, before))),
        _ => None,
    }
}

pub(super) fn lose(dice: &mut Dice) -> Op {
    Op::Lose(asker(dice), dice.pick(&[(3, Kept::Receipts), (1, Kept::All)]))
}

pub(super) fn resume(dice: &mut Dice, place: Place) -> Op {
    Op::Resume(place, List(gone(dice)))
}

fn asker(dice: &mut Dice) -> Who {
    dice.pick(&[(1, Who::Maria), (1, Who::Omar)])
}

fn gone(dice: &mut Dice) -> Vec<Who> {
    match dice.below(4) {
        0 => vec![Who::Maria, Who::Omar],
        1 => vec![Who::Maria],
        _ => vec![Who::Omar],
    }
}
