//! Random lists of operations. The same seed gives the same list, here and everywhere.

mod restore;
mod version;

use super::operation::{
    Budget, By, Case, Covers, For, IndexLeft, Kpi, Left, List, Moment, Op, Pause, Place, Q, Who,
};

/// Numbers that look random: SplitMix64.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// One of these, each as often as its weight says.
    pub(super) fn pick<T: Copy>(&mut self, weighted: &[(usize, T)]) -> T {
        let mut left = self.below(weighted.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in weighted {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *one,
            }
        }
        weighted[0].1
    }

    /// The same in another order.
    pub(super) fn shuffle<T>(&mut self, of: &mut [T]) {
        for last in (1..of.len()).rev() {
            of.swap(last, self.below(last + 1));
        }
    }
}

/// The case of a seed.
pub(super) fn case(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let nodes = dice.pick(&[(3, 2), (1, 3)]);
    let budget = dice.pick(&[(3, Budget::Tight), (1, Budget::Ample)]);
    let length = 14 + dice.below(13);
    let mut ops = Vec::new();
    for _ in 0..length {
        ops.push(operation(&mut dice, nodes, &ops));
    }
    Case { nodes, budget, ops: List(ops) }
}

/// A list of asks alone, of people who may ask.
pub(super) fn asks(dice: &mut Dice, length: usize) -> Vec<(Who, Vec<Q>)> {
    let one = |dice: &mut Dice| {
        let who = dice.pick(&[(1, Who::Maria), (1, Who::Omar)]);
        (who, questions(dice, 4).0)
    };
    (0..length).map(|_| one(dice)).collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Ask,
    Batch,
    Retry,
    Preview,
    Describe,
    DropReply,
    TwoAtOnce,
    Import,
    Remeasure,
    Pause,
    Crash,
    Amend,
    Restart,
    Down,
    Up,
    StepClock,
    Restore,
    Lose,
    Resume,
}

fn operation(dice: &mut Dice, nodes: usize, before: &[Op]) -> Op {
    if let Some(back) = restore::gives_back(dice, before) {
        return back;
    }
    if matches!(before.last(), Some(Op::Lose(..))) {
        let place = Place::ALL[dice.below(nodes)];
        return restore::restore(dice, place, before);
    }
    let kind = dice.pick(&[
        (24, Kind::Ask),
        (12, Kind::Batch),
        (8, Kind::Retry),
        (5, Kind::Preview),
        (4, Kind::Describe),
        (9, Kind::DropReply),
        (8, Kind::TwoAtOnce),
        (5, Kind::Import),
        (9, Kind::Remeasure),
        (7, Kind::Pause),
        (20, Kind::Crash),
        (14, Kind::Amend),
        (4, Kind::Restart),
        (3, Kind::Down),
        (4, Kind::Up),
        (6, Kind::StepClock),
        (14, Kind::Restore),
        (5, Kind::Lose),
        (2, Kind::Resume),
    ]);
    let place = Place::ALL[dice.below(nodes)];
    match kind {
        Kind::Ask => Op::Ask(who(dice), questions(dice, 1)),
        Kind::Batch => Op::Ask(who(dice), questions(dice, 5)),
        Kind::Retry => Op::Retry(dice.below(8)),
        Kind::Preview => Op::Preview(who(dice), questions(dice, 3)),
        Kind::Describe => Op::Describe(who(dice)),
        Kind::DropReply => {
            let of = questions(dice, 3);
            Op::DropReply(who(dice), of, moment(dice))
        }
        Kind::TwoAtOnce => Op::TwoAtOnce(who(dice), who(dice), questions(dice, 3)),
        Kind::Import => {
            let covers = dice.pick(&[(4, Covers::All), (1, Covers::Old), (2, Covers::New)]);
            Op::Import(place, covers, dice.byte())
        }
        Kind::Remeasure => Op::Remeasure(place, asked(dice, before)),
        Kind::Pause => pause(dice, place, before),
        Kind::Crash => {
            let of = match dice.below(6) {
                0 => List(Vec::new()),
                1 => questions(dice, 3),
                _ => List(vec![seldom_asked(dice)]),
            };
            let left = left(dice);
            Op::Crash(place, who(dice), of, Moment::Call(1 + dice.byte() % 6), left)
        }
        Kind::Amend => version::amend(dice, place, before),
        Kind::Restart => Op::Restart(place),
        Kind::Down => Op::Down(place),
        Kind::Up => Op::Up(place),
        Kind::StepClock => Op::StepClock(dice.pick(&[(3, 1), (2, 25), (2, 100), (2, 340)])),
        Kind::Restore => restore::restore(dice, place, before),
        Kind::Lose => restore::lose(dice),
        Kind::Resume => restore::resume(dice, place),
    }
}

/// What a kill leaves.
fn left(dice: &mut Dice) -> Left {
    let some = dice.byte();
    Left {
        tail: dice.pick(&[(2, 0), (1, 255), (3, some)]),
        index: match dice.below(4) {
            0 => IndexLeft::Deleted,
            1 => IndexLeft::Garbled(dice.byte()),
            _ => IndexLeft::Whole,
        },
    }
}

/// Mostly lifts the pause that was said last, so that most is asked of nodes that answer.
fn pause(dice: &mut Dice, place: Place, before: &[Op]) -> Op {
    let last = before.iter().rev().find_map(|op| match op {
        Op::Pause(place, pause) => Some((*place, *pause)),
        _ => None,
    });
    match last {
        Some((place, Pause::On | Pause::Days(_))) if dice.below(4) > 0 => {
            Op::Pause(place, Pause::Off)
        }
        _ => {
            let how = [(2, Pause::On), (3, Pause::Days(30)), (1, Pause::Days(0)), (1, Pause::Off)];
            Op::Pause(place, dice.pick(&how))
        }
    }
}

fn moment(dice: &mut Dice) -> Moment {
    match dice.below(4) {
        0 => Moment::Turn(dice.byte() % 100),
        _ => Moment::Call(1 + dice.byte() % 8),
    }
}

fn who(dice: &mut Dice) -> Who {
    dice.pick(&[(10, Who::Maria), (7, Who::Omar), (1, Who::Steward), (1, Who::Rival)])
}

fn questions(dice: &mut Dice, most: usize) -> List<Q> {
    let count = 1 + dice.below(most);
    List((0..count).map(|_| question(dice)).collect())
}

/// Any table that can be answered, so that it was probably never asked before.
fn seldom_asked(dice: &mut Dice) -> Q {
    let kpi = dice.pick(&[(4, Kpi::Enrolment), (1, Kpi::Retention)]);
    let by = match kpi {
        Kpi::Enrolment => dice.pick(&[(1, By::Total), (1, By::Sex), (1, By::RaceSex)]),
        _ => dice.pick(&[(1, By::Total), (1, By::Sex)]),
    };
    let year = dice.pick(&[(1, 2021), (1, 2022), (1, 2023), (1, 2024), (1, 2025)]);
    Q(kpi, by, year, For::Report)
}

/// Mostly a table that was asked for in the last call, so that there is something to correct.
fn asked(dice: &mut Dice, before: &[Op]) -> Q {
    let last = before.iter().rev().find_map(|op| match op {
        Op::Ask(_, of) | Op::TwoAtOnce(_, _, of) | Op::Crash(_, _, of, _, _) => of.0.first(),
        _ => None,
    });
    match last {
        Some(last) if dice.below(4) > 0 => *last,
        _ => question(dice),
    }
}

/// Mostly one of a few tables that can be answered, so that they come again.
fn question(dice: &mut Dice) -> Q {
    let kpi = dice.pick(&[
        (30, Kpi::Enrolment),
        (10, Kpi::Retention),
        (1, Kpi::Completers),
        (1, Kpi::Unheard),
    ]);
    let by = dice.pick(&[
        (8, By::Total),
        (8, By::Sex),
        (4, By::SexRace),
        (4, By::RaceSex),
        (2, By::Age),
        (1, By::Pell),
    ]);
    let year = dice.pick(&[
        (6, 2025),
        (4, 2024),
        (3, 2023),
        (2, 2022),
        (1, 2021),
        (2, 2026),
        (1, 2027),
        (1, 2020),
    ]);
    Q(kpi, by, year, dice.pick(&[(12, For::Report), (6, For::Equity), (1, For::Marketing)]))
}
