//! What no text and no question can do: make reading or deciding panic, or be answered for a word that the
//! agreement does not have.
//!
//! Mutates the examples by their structure: keys, values, sections, lines and bytes. A hundred and fifty runs here;
//! `SUMAC_FUZZ_RUNS=200000 cargo test --release -p sumac-policy --test fuzz` goes on longer, and
//! `SUMAC_FUZZ_SEED` starts elsewhere. What once made it panic is kept in `REGRESSIONS`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "no chain is verified here: the peer is given; and the environment says how long to go on"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::civil::Date;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sumac_policy::{
    Breakdown, Case, KpiId, Mou, Narrow, PartyId, Peer, PeerRole, PeriodKind, Purpose, Question,
    Reason, decide, with_margins,
};

const MOUS: [&str; 3] = [
    include_str!("../../examples/mou/lakeshore/mou.toml"),
    include_str!("../../examples/mou/oulad/mou.toml"),
    include_str!("../../examples/mou/statewide/mou.toml"),
];
const CASES: [&str; 3] = [
    include_str!("../../examples/mou/lakeshore/tests.toml"),
    include_str!("../../examples/mou/oulad/tests.toml"),
    include_str!("../../examples/mou/statewide/tests.toml"),
];

/// Texts that once made reading or deciding panic. None so far.
const REGRESSIONS: [&str; 0] = [];

/// What a value becomes.
const VALUES: [&str; 47] = [
    "0",
    "-1",
    "1",
    "4",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "0.5",
    "1e308",
    "-0.0",
    "nan",
    "inf",
    "0.000000001",
    "0.0000000001",
    "true",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"é\"",
    "\"a\"",
    "\"college\"",
    "\"every-party\"",
    "\"approval\"",
    "\"year\"",
    "\"term\"",
    "\"quarter\"",
    "\"10 years\"",
    "\"1 years\"",
    "\"2025-26\"",
    "\"2199-00\"",
    "\"1900\"",
    "\"02-29\"",
    "{ FALL = \"08-15\", SPRING = \"01-10\" }",
    "{ SUMMER = \"06-01\" }",
    "\"12-31\"",
    "\"01-01\"",
    "0001-01-01",
    "2149-12-31",
    "9999-12-31",
    "2026-02-30",
    "2026-01-01T00:00:00Z",
    "[]",
    "[[]]",
    "[[[]]]",
    "{}",
    "[{}]",
    "'''\n'''",
];

/// What a text may be spliced with.
const TOKENS: [&str; 30] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    "\n",
    "#",
    ".",
    ",",
    "[[kpi]]\n",
    "[[restrict]]\n",
    "[privacy]\n",
    "[[test]]\n",
    "needs = \"approval\"\n",
    "refuse = true\n",
    "margin = 1\n",
    "floor = 1000000\n",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "and ",
    "or not (",
    "between ",
    "interval '1 year'",
    "is null ",
    "in ('a')",
    "date '2026-01-01'",
    "= '",
];

/// A source of choices.
struct Chance(ChaCha20Rng);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.0.next_u64() % end).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all.get(self.below(all.len())).copied().unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Changes a text once, by its structure.
fn mutate(text: &mut Vec<u8>, chance: &mut Chance) {
    let lines = || -> Vec<&[u8]> { text.split_inclusive(|byte| *byte == b'\n').collect() };
    match chance.below(10) {
        0 => {
            let at = chance.below(text.len());
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        1 => {
            let at = chance.below(text.len() + 1);
            let end = (at + chance.below(20)).min(text.len());
            text.splice(at..end, chance.of(&TOKENS).bytes());
        }
        2..=5 => {
            // Another value for a key.
            let mut lines: Vec<Vec<u8>> = lines().into_iter().map(<[u8]>::to_vec).collect();
            let keyed: Vec<_> = (0..lines.len())
                .filter(|n| lines.get(*n).is_some_and(|line| line.contains(&b'=')))
                .collect();
            let Some(line) = keyed.get(chance.below(keyed.len())).and_then(|n| lines.get_mut(*n))
            else {
                return;
            };
            let equals = line.iter().position(|byte| *byte == b'=').unwrap_or(0);
            line.truncate(equals + 1);
            line.push(b' ');
            line.extend(chance.of(&VALUES).bytes());
            line.push(b'\n');
            *text = lines.concat();
        }
        6 => {
            // A line left out, or there twice.
            let mut lines: Vec<Vec<u8>> = lines().into_iter().map(<[u8]>::to_vec).collect();
            let at = chance.below(lines.len());
            if chance.one_in(2) && at < lines.len() {
                lines.remove(at);
            } else if let Some(line) = lines.get(at).cloned() {
                lines.insert(chance.below(lines.len()), line);
            }
            *text = lines.concat();
        }
        7 => {
            // Two words change places.
            let words: Vec<_> = quoted(text);
            let (a, b) = (chance.below(words.len()), chance.below(words.len()));
            if let (Some(a), Some(b)) = (words.get(a.min(b)).cloned(), words.get(a.max(b)).cloned())
                && a.end <= b.start
            {
                let (first, second) = (
                    text.get(a.clone()).unwrap_or_default().to_vec(),
                    text.get(b.clone()).unwrap_or_default().to_vec(),
                );
                text.splice(b, first);
                text.splice(a, second);
            }
        }
        8 => {
            // Deep nesting, or a huge list, where a value was.
            let deep = chance.below(300);
            let (open, close) = *chance.of(&[&("[", "]"), &("{a=", "}"), &("(", ")")]);
            let nested = if chance.one_in(2) {
                format!("{}{}", open.repeat(deep), close.repeat(deep))
            } else {
                format!("[{}]", "\"sex\",".repeat(deep * 10))
            };
            let at = chance.below(text.len() + 1);
            let from = text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'='));
            let at = from.map_or(at, |from| at + from + 1);
            let line = text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'));
            text.splice(at..at + line.unwrap_or(0), nested.bytes());
        }
        _ => {
            let keep = chance.below(text.len());
            text.truncate(keep);
        }
    }
}

/// Where the texts in quotes are.
fn quoted(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let quotes: Vec<_> = (0..text.len()).filter(|n| text.get(*n) == Some(&b'"')).collect();
    quotes.windows(2).filter_map(|pair| Some(*pair.first()?..*pair.last()? + 1)).collect()
}

/// Reads a text as everything that it may be, and works with what could be read.
fn work_with(text: &[u8], cases: &[Case], chance: &mut Chance) -> bool {
    let _ = with_margins(text, &[]);
    for case in Case::read_all(text).unwrap_or_default() {
        let _ = case.expect.to_string();
    }
    let Ok((Some(mou), problems)) = Mou::examine(text) else { return false };
    assert!(problems.iter().all(|found| found.line > 0 && !found.message.is_empty()));
    for due in mou.calendar_tables().iter().take(50) {
        assert!(due.table.cells() > 0);
    }
    for case in cases {
        let _ = case.run(&mou);
    }
    for _ in 0..20 {
        decide_one(&mou, chance);
    }
    true
}

/// Asks one question of words that the agreement has, and of words that it has not: the latter are refused.
fn decide_one(mou: &Mou, chance: &mut Chance) {
    let parties: Vec<_> = mou.parties().iter().map(|party| &party.id).collect();
    let stranger: PartyId = "nobody-at-all".parse().unwrap();
    let party = |chance: &mut Chance| {
        if parties.is_empty() || chance.one_in(8) {
            stranger.clone()
        } else {
            chance.of(&parties).clone()
        }
    };
    let (node, asker) = (party(chance), party(chance));
    let roster: Vec<_> = (0..chance.below(60)).map(|_| party(chance)).collect();
    let kpis: Vec<_> = mou.kpis().iter().map(AsRef::as_ref).collect();
    let unknown_kpi: KpiId = "no-such-kpi".parse().unwrap();
    let kpi = (!kpis.is_empty() && !chance.one_in(8)).then(|| chance.of(&kpis));
    let kinds = [
        PeriodKind::Year,
        PeriodKind::Term,
        PeriodKind::Quarter,
        PeriodKind::Years(2),
        PeriodKind::Years(10),
    ];
    let kind = kpi.filter(|_| !chance.one_in(5)).map(|kpi| kpi.period);
    let kind = kind.unwrap_or_else(|| *chance.of(&kinds.each_ref()));
    let calendar = mou.calendar();
    // Without terms there is no period by term, and a question may ask for one all the same.
    let period = calendar.periods(kind).nth(chance.below(4));
    let period = period.unwrap_or_else(|| "2026-SPRING".parse().unwrap());
    let listed: Vec<_> = kpi.iter().flat_map(|kpi| &kpi.by).collect();
    let mut dimensions = match listed.is_empty() {
        true => Vec::new(),
        false => chance.of(&listed).dimensions().to_vec(),
    };
    let unknown_dimension = chance.one_in(6);
    match chance.below(4) {
        _ if unknown_dimension => dimensions.push("no_such_dimension".parse().unwrap()),
        0 => dimensions.push("sex".parse().unwrap()),
        1 => drop(dimensions.pop()),
        2 => dimensions.reverse(),
        _ => {}
    }
    let purposes: Vec<_> = mou.terms().purposes.iter().collect();
    let unknown_purpose: Purpose = "no-such-purpose".parse().unwrap();
    let purpose = (!purposes.is_empty() && !chance.one_in(8)).then(|| chance.of(&purposes));
    let days = [mou.effective(), mou.expires(), Date::MIN, Date::MAX, Date::constant(2027, 9, 1)];
    let today = *chance.of(&days.each_ref());
    let roles = [PeerRole::Analyst, PeerRole::Analyst, PeerRole::Node, PeerRole::Steward];
    let role = *chance.of(&roles.each_ref());
    let question = Question {
        kpi: kpi.map_or(unknown_kpi, |kpi| kpi.id.clone()),
        period,
        breakdown: Breakdown::by(dimensions),
        purpose: purpose.unwrap_or(&unknown_purpose).clone(),
    };
    let peer = Peer::verified_by_keys(asker.clone(), role, "fuzz".to_owned());
    let strange = kpi.is_none()
        || purpose.is_none()
        || unknown_dimension
        || role != PeerRole::Analyst
        || mou.party(&asker).is_none()
        || mou.party(&node).is_none();
    match decide(mou, &Narrow::none(), &node, &peer, &question, &roster, today) {
        Ok(permit) => {
            assert!(!strange, "answered: {question:?} of {peer} at {node}");
            assert_eq!(permit.question(), &question);
            assert!(mou.effective() <= today && today <= mou.expires());
        }
        Err(refusal) => {
            assert!(!refusal.hint.trim().is_empty() && !refusal.message.trim().is_empty());
            assert!(!refusal.clause.as_str().is_empty());
            assert!(Reason::from_code(refusal.reason.code()) == Some(refusal.reason));
        }
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn nothing_makes_reading_or_deciding_panic_and_unknown_words_are_refused() {
    let runs = number("SUMAC_FUZZ_RUNS", 150);
    let mut seed = [4; 32];
    seed.iter_mut()
        .zip(number("SUMAC_FUZZ_SEED", 0).to_le_bytes())
        .for_each(|(to, from)| *to ^= from);
    let mut chance = Chance(ChaCha20Rng::from_seed(seed));
    let cases: Vec<_> =
        CASES.iter().flat_map(|text| Case::read_all(text.as_bytes()).unwrap()).collect();
    let mut readable = 0;
    for run in 0..runs {
        let mut text =
            if chance.one_in(4) { chance.of(&CASES) } else { chance.of(&MOUS) }.as_bytes().to_vec();
        for _ in 0..chance.below(4) {
            mutate(&mut text, &mut chance);
        }
        let worked = catch_unwind(AssertUnwindSafe(|| work_with(&text, &cases, &mut chance)));
        match worked {
            Ok(read) => readable += usize::from(read),
            Err(_) => {
                let text = String::from_utf8_lossy(&text);
                assert!(text.is_empty(), "run {run} panicked; keep this in REGRESSIONS:\n{text}");
            }
        }
    }
    // A mutation that spoils every text would test the reader of TOML alone.
    assert!(readable * 10 > runs, "{readable} of {runs} could be read");
}

#[test]
fn what_once_panicked_does_not_any_more() {
    let mut chance = Chance(ChaCha20Rng::from_seed([7; 32]));
    for text in REGRESSIONS.iter().chain(&MOUS).chain(&CASES) {
        work_with(text.as_bytes(), &[], &mut chance);
    }
}
