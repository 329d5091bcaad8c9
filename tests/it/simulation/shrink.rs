//! From a list that breaks a promise to the least one that still breaks the same.

use super::model::Broken;
use super::operation::{Case, Kept, List, Op, Q, Said, To};

/// Cases tried; each takes a second or two.
const TRIES: usize = 300;

/// Takes away what is not needed. `broken` runs a case: the promise that it breaks, if it breaks one.
pub(super) fn shrink(
    case: &Case,
    first: Broken,
    broken: impl Fn(&Case) -> Option<Broken>,
) -> (Case, Broken) {
    let mut least = (case.clone(), first);
    let mut tries = 0;
    let mut breaks = |candidate: &Case, promise: &str| {
        tries += 1;
        let found = if tries > TRIES { None } else { broken(candidate) };
        found.filter(|found| found.promise == promise)
    };
    loop {
        let smaller = smaller(&least.0).into_iter().find_map(|candidate| {
            let found = breaks(&candidate, least.1.promise)?;
            Some((candidate, found))
        });
        match smaller {
            Some(smaller) => least = smaller,
            None => return least,
        }
    }
}

/// Everything that is a step smaller, the largest steps first.
fn smaller(case: &Case) -> Vec<Case> {
    let ops = &case.ops.0;
    let mut all = Vec::new();
    let mut size = ops.len().div_ceil(2);
    while size > 0 {
        // From the end: what comes behind the break is never needed.
        for from in (0..ops.len()).step_by(size).rev() {
            let mut ops = ops.clone();
            ops.drain(from..(from + size).min(case.ops.0.len()));
            all.push(Case { ops: List(ops), ..case.clone() });
        }
        size /= 2;
    }
    if case.nodes > 1 {
        all.push(Case { nodes: case.nodes - 1, ..case.clone() });
    }
    for (place, op) in ops.iter().enumerate() {
        let questions = questions(op).map_or(0, |of| of.0.len());
        for question in 0..if questions > 1 { questions } else { 0 } {
            let mut ops = ops.clone();
            if let Some(of) = questions_mut(&mut ops[place]) {
                of.0.remove(question);
            }
            all.push(Case { ops: List(ops), ..case.clone() });
        }
        if let Some(simpler) = simpler(op) {
            let mut ops = ops.clone();
            ops[place] = simpler;
            all.push(Case { ops: List(ops), ..case.clone() });
        }
    }
    for (place, op) in ops.iter().enumerate() {
        if let Op::Amend(change, days, to) = op {
            let sooner = (*days > 0).then_some(Op::Amend(*change, 0, *to));
            let to_all = (*to != To::All).then_some(Op::Amend(*change, *days, To::All));
            for simpler in sooner.into_iter().chain(to_all) {
                let mut ops = ops.clone();
                ops[place] = simpler;
                all.push(Case { ops: List(ops), ..case.clone() });
            }
        }
    }
    all
}

/// The same with less to it.
fn simpler(op: &Op) -> Option<Op> {
    match op {
        Op::Restore(place, Said::Twice) => Some(Op::Restore(*place, Said::Once)),
        Op::Lose(who, Kept::All) => Some(Op::Lose(*who, Kept::Receipts)),
        _ => None,
    }
}

fn questions(op: &Op) -> Option<&List<Q>> {
    match op {
        Op::Ask(_, of)
        | Op::Preview(_, of)
        | Op::DropReply(_, of, _)
        | Op::TwoAtOnce(_, _, of)
        | Op::Crash(_, _, of, _, _) => Some(of),
        _ => None,
    }
}

fn questions_mut(op: &mut Op) -> Option<&mut List<Q>> {
    match op {
        Op::Ask(_, of)
        | Op::Preview(_, of)
        | Op::DropReply(_, of, _)
        | Op::TwoAtOnce(_, _, of)
        | Op::Crash(_, _, of, _, _) => Some(of),
        _ => None,
    }
}
