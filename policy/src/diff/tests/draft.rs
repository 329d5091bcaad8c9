//! Small agreements, made and changed by chance.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;

use crate::diff::Version;
use crate::read::standard;

/// Chance that a seed decides: xorshift64.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(count.max(1)).unwrap()).unwrap()
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len());
        from.get(at).unwrap().clone()
    }

    /// Some of them, one at least.
    fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        let mut some: Vec<_> = from.iter().filter(|_| self.below(2) == 0).cloned().collect();
        if some.is_empty() {
            some.push(self.pick(from));
        }
        some
    }
}

type Word = &'static str;

#[derive(Clone)]
pub(super) struct Draft {
    version: u32,
    effective: Word,
    expires: Word,
    purposes: Vec<Word>,
    year_starts: Word,
    first_period: Word,
    terms: Word,
    wait: u32,
    /// Id, kind, digit of the root.
    parties: Vec<(Word, Word, Word)>,
    /// Holder and capabilities.
    roles: Vec<(Word, Vec<Word>)>,
    rho: Word,
    floor: u32,
    floor_at: Word,
    min_parties: Vec<(Word, u32)>,
    codes: Word,
    kpis: Vec<Kpi>,
    restricts: Vec<Word>,
    pilot: Option<(Word, Vec<Word>, Vec<Word>)>,
    freshness: Vec<(Word, u32)>,
    keep: Option<u32>,
}

#[derive(Clone)]
struct Kpi {
    id: Word,
    uses: Word,
    answered_by: Vec<Word>,
    by: Vec<Word>,
    period: Word,
    margin: u32,
    needs: Option<Word>,
}

const BREAKDOWNS: &[Word] = &["[]", "[\"sex\"]", "[\"region\"]", "[\"sex\", \"region\"]"];
const USES: &[Word] =
    &["ipeds/enrolment_headcount", "ipeds/completers", "coalition/hires_of_completers"];
const RESTRICTS: &[Word] = &[
    "dimension = \"region\"\nrefuse = true",
    "dimension = \"region\"\nkpi = \"one\"\nrefuse = true",
    "kpi = \"two\"\nrefuse = true",
    "kpi = \"one\"\nmargin = 12",
    "floor = 12",
];
const PARTIES: &[(Word, Word, Word)] = &[
    ("chamber", "backbone", "1"),
    ("cc", "college", "2"),
    ("transit", "employer", "3"),
    ("works", "employer", "4"),
];
const KINDS: &[Word] = &["college", "employer"];

impl Draft {
    pub(super) fn by(chance: &mut Chance) -> Self {
        let kpi = |id, chance: &mut Chance| Kpi {
            id,
            uses: chance.pick(USES),
            answered_by: chance.some(KINDS),
            by: chance.some(BREAKDOWNS),
            period: chance.pick(&["year", "year", "term", "quarter", "2 years"]),
            margin: 10,
            needs: None,
        };
        let mut draft = Self {
            version: 1,
            effective: "2026-07-15",
            expires: "2027-12-31",
            purposes: vec!["report"],
            year_starts: "07-01",
            first_period: "2025-26",
            terms: "FALL = \"08-15\", SPRING = \"01-10\"",
            wait: 21,
            parties: PARTIES.to_vec(),
            roles: vec![("chamber", vec!["ask"]), ("every-party", vec!["approve"])],
            rho: "0.5",
            floor: 10,
            floor_at: "coalition",
            min_parties: Vec::new(),
            codes: "north = \"North\", unknown = \"Unknown\"",
            kpis: vec![kpi("one", chance)],
            restricts: Vec::new(),
            pilot: None,
            freshness: Vec::new(),
            keep: None,
        };
        if chance.below(2) == 0 {
            draft.kpis.push(kpi("two", chance));
        }
        for _ in 0..chance.below(5) {
            draft.change(chance);
        }
        draft
    }

    /// One change of a clause.
    pub(super) fn change(&mut self, chance: &mut Chance) {
        let at = chance.below(self.kpis.len());
        let kpi = self.kpis.get_mut(at).unwrap();
        match chance.below(33) {
            0 => self.effective = chance.pick(&["2026-07-15", "2026-09-01"]),
            1 => self.expires = chance.pick(&["2027-12-31", "2027-08-05", "2028-01-31"]),
            2 => self.purposes = chance.some(&["report", "equity"]),
            3 => {
                (self.year_starts, self.first_period) = chance.pick(&[
                    ("07-01", "2025-26"),
                    ("07-01", "2024-25"),
                    ("08-01", "2025-26"),
                    ("01-01", "2025"),
                ])
            }
            4 => self.wait = chance.pick(&[0, 21, 60]),
            5 => self.parties = PARTIES.to_vec(),
            6 => drop(self.parties.pop().filter(|_| self.parties.len() > 3)),
            7 => {
                let at = chance.below(self.parties.len());
                self.parties.get_mut(at).unwrap().2 = chance.pick(&["7", "8", "9"]);
            }
            8 => {
                let at = chance.below(self.parties.len());
                self.parties.get_mut(at).unwrap().1 = chance.pick(KINDS);
            }
            9 => self
                .roles
                .push((chance.pick(&["cc", "every-party"]), chance.some(&["ask", "read"]))),
            10 => self.roles.truncate(2),
            11 => self.rho = chance.pick(&["0.5", "0.6", "0.25"]),
            12 => self.floor = chance.pick(&[8, 10, 12]),
            13 => self.floor_at = chance.pick(&["coalition", "node"]),
            14 | 15 => {
                self.min_parties = chance.pick(&[
                    vec![],
                    vec![("employer", 2)],
                    vec![("employer", 1), ("college", 1)],
                ]);
            }
            16 => {
                self.codes = chance.pick(&[
                    "north = \"North\", unknown = \"Unknown\"",
                    "north = \"The north\", unknown = \"Unknown\"",
                    "north = \"North\", south = \"South\", unknown = \"Unknown\"",
                ]);
            }
            17 => kpi.uses = chance.pick(USES),
            18 => kpi.answered_by = chance.some(KINDS),
            19 | 20 => kpi.by = chance.some(BREAKDOWNS),
            21 => kpi.period = chance.pick(&["year", "term", "quarter", "2 years"]),
            22 => kpi.margin = chance.pick(&[8, 10, 15]),
            23 => kpi.needs = chance.pick(&[None, Some("approval"), Some("two approvals")]),
            24 => self.restricts = chance.some(RESTRICTS),
            25 => self.restricts.clear(),
            26 => {
                let until = chance.pick(&["2026-08-10", "2027-07-31"]);
                let kpis = chance.some(&["one", "two"]);
                self.pilot = Some((until, chance.some(&["cc", "transit"]), kpis));
            }
            27 => self.pilot = None,
            28 | 29 => match self.kpis.pop().filter(|_| !self.kpis.is_empty()) {
                Some(kpi) if kpi.id == "two" => {}
                _ => *self = Self::by(chance),
            },
            30 | 31 => {
                self.terms = chance.pick(&[
                    "FALL = \"08-15\", SPRING = \"01-10\"",
                    "FALL = \"08-20\", SPRING = \"01-10\"",
                    "WINTER = \"12-15\", FALL = \"08-15\", SPRING = \"01-10\"",
                    "SPRING = \"01-10\"",
                ]);
            }
            _ => {
                self.freshness =
                    chance.pick(&[vec![], vec![("college", 30)], vec![("employer", 9)]]);
                self.keep = chance.pick(&[None, Some(400), Some(800)]);
            }
        }
    }

    pub(super) fn amends(mut self) -> Self {
        self.version += 1;
        self
    }

    /// As a version, if the agreement is sound.
    pub(super) fn version(&self) -> Option<Version> {
        Version::read(self.text().as_bytes()).ok()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let quoted = |words: &[Word]| format!("{words:?}");
        let hash = |digit: Word| format!("sha256:{}", digit.repeat(64));
        let Self { version, effective, expires, wait, rho, floor, .. } = self;
        let _ = write!(
            text,
            "format = \"sumac-mou/1\"\nid = \"small\"\ntitle = \"Small\"\nversion = {version}\n\
             catalogue = \"{}\"\neffective = {effective}\nexpires = {expires}\n",
            standard().hash
        );
        if *version > 1 {
            let _ = writeln!(text, "replaces = \"{}\"", hash("a"));
        }
        let _ = write!(
            text,
            "[agreement]\npurposes = {}\n[calendar]\nyear_starts = \"{}\"\nfirst_period = \"{}\"\n\
             terms = {{ {} }}\nwait_days = {wait}\n[privacy]\nbudget = {{ rho = {rho} }}\nfloor = {floor}\nfloor_at = \"{}\"\n",
            quoted(&self.purposes),
            self.year_starts,
            self.first_period,
            self.terms,
            self.floor_at
        );
        let least: Vec<_> =
            self.min_parties.iter().map(|(kind, least)| format!("{kind} = {least}")).collect();
        let _ = writeln!(text, "min_parties = {{ {} }}\n[roles]", least.join(", "));
        for (n, (holder, may)) in self.roles.iter().enumerate() {
            let _ = writeln!(text, "r{n} = {{ party = \"{holder}\", may = {} }}", quoted(may));
        }
        for (kind, days) in &self.freshness {
            let _ = writeln!(text, "[data.{kind}]\nfreshness_days = {days}");
        }
        if let Some(days) = self.keep {
            let _ = writeln!(text, "[after]\nkeep_releases_days = {days}");
        }
        if let Some((until, parties, kpis)) = &self.pilot {
            let listed: Vec<_> =
                kpis.iter().filter(|id| self.kpis.iter().any(|kpi| kpi.id == **id)).collect();
            let (parties, kpis) = (quoted(parties), format!("{listed:?}"));
            let _ = writeln!(text, "[pilot]\nuntil = {until}\nparties = {parties}\nkpis = {kpis}");
        }
        for (id, kind, digit) in &self.parties {
            let _ = writeln!(
                text,
                "[[party]]\nid = \"{id}\"\nname = \"{id}\"\nkind = \"{kind}\"\nroot = \"{}\"\n\
                 address = \"{id}.example:7443\"\ncontacts = [\"a\", \"b\"]",
                hash(digit)
            );
        }
        let _ = writeln!(
            text,
            "[[dimension]]\nid = \"region\"\ntitle = \"Region\"\nof = \"learner\"\ncodes = {{ {} }}",
            self.codes
        );
        for kpi in &self.kpis {
            let Kpi { id, uses, period, margin, .. } = kpi;
            let _ = writeln!(
                text,
                "[[kpi]]\nid = \"{id}\"\nuses = \"{uses}\"\nanswered_by = {}\nby = [{}]\n\
                 period = \"{period}\"\nmargin = {margin}",
                quoted(&kpi.answered_by),
                kpi.by.join(", ")
            );
            if let Some(needs) = kpi.needs {
                let _ = writeln!(text, "needs = \"{needs}\"");
            }
        }
        for restrict in &self.restricts {
            if restrict.contains("two") && self.kpis.len() < 2 {
                continue;
            }
            let _ = writeln!(text, "[[restrict]]\nbecause = \"we said so\"\n{restrict}");
        }
        text
    }
}
