//! What becomes of a learner's rows that count: the cells, for each measure.

use sumac_policy::{Bins, Clip, Quantity, RATIO_PER};

use super::super::plan::Work;
use super::{COUNTING, LAST, Statement, flat};

/// One more than the greatest tag.
const TAGS: u32 = 1 << 31;

impl Statement<'_> {
    /// The query for cells and numbers.
    pub(super) fn measured(&mut self, word: u32) -> String {
        let plan = self.plan;
        match &plan.work {
            Work::Once => {
                let (joins, first) = self.outcomes();
                let outcomes = plan.outcomes;
                let cell = format!("({}) * {outcomes} + outcome", self.group());
                format!(
                    "SELECT CAST({cell} AS BIGINT) AS cell, count(*) AS number FROM (SELECT {LAST}.*, {first} AS outcome FROM {LAST}{joins}) AS found WHERE outcome < {outcomes} GROUP BY 1"
                )
            }
            Work::Bits { cap, .. } | Work::Groups { cap, .. } | Work::Rows { cap, .. } => {
                self.placed();
                self.capped(word, *cap)
            }
            Work::Mean { value, clip } => {
                self.values(value);
                mean(*clip, &self.group())
            }
            Work::Distribution { value, bins } => {
                self.values(value);
                distribution(bins, &self.group())
            }
        }
    }

    /// The query for the number of learners whom the bound cuts, where there may be any.
    pub(super) fn over(&mut self) -> Option<String> {
        let plan = self.plan;
        match &plan.work {
            Work::Once | Work::Distribution { .. } => None,
            Work::Bits { cap, .. } | Work::Groups { cap, .. } | Work::Rows { cap, .. } => {
                self.placed();
                Some(format!(
                    "SELECT count(*) FROM (SELECT person FROM placed GROUP BY person HAVING count(*) > {cap}) AS cut"
                ))
            }
            Work::Mean { value, clip } => {
                self.values(value);
                let (lo, hi) = (clip.lo(), clip.hi());
                Some(format!("SELECT count(*) FROM amounts WHERE amount < {lo} OR amount > {hi}"))
            }
        }
    }

    /// What a cap chooses from, each with its cell: a learner's groups, or their rows.
    fn placed(&mut self) {
        let group = self.group();
        let placed = match &self.plan.work {
            Work::Rows { level: None, .. } => {
                format!("SELECT person, 0 AS below, {group} AS cell FROM {COUNTING}")
            }
            Work::Rows { level: Some((column, below)), .. } => {
                let cases = below.iter().enumerate();
                let cases = cases.map(|(code, below)| format!(" WHEN {code} THEN {below}"));
                let below = format!("CASE {}{} END", flat(column), cases.collect::<String>());
                format!("SELECT person, {below} AS below, {group} AS cell FROM {COUNTING}")
            }
            _ => format!("SELECT DISTINCT person, 0 AS below, {group} AS cell FROM {COUNTING}"),
        };
        self.part("placed", placed);
    }

    /// Counts so many rows of each learner in `placed`: those of the highest level, and as many as are left of the
    /// next, round the circle of that level from where the learner's begins.
    fn capped(&mut self, word: u32, cap: usize) -> String {
        let tags = self.dialect.tags("placed");
        self.part("tags", tags);
        let level = "PARTITION BY person, below";
        self.part(
            "standing",
            format!(
                "SELECT person, cell, CAST(row_number() OVER ({level} ORDER BY cell) AS BIGINT) - 1 AS place, CAST(count(*) OVER ({level}) AS BIGINT) AS number, CAST(rank() OVER (PARTITION BY person ORDER BY below) AS BIGINT) - 1 AS above FROM placed"
            ),
        );
        // a XOR b is a + b less twice what they have in common.
        let drawn = format!("(tag + {word} - 2 * (tag & {word}))");
        self.part(
            "turned",
            format!(
                "SELECT cell, above, (place + number - {drawn} * number / {TAGS}) % number AS turn FROM standing JOIN (SELECT person AS who, tag FROM tags) AS whose ON whose.who = standing.person"
            ),
        );
        format!(
            "SELECT CAST(cell AS BIGINT) AS cell, count(*) AS number FROM turned WHERE above + turn < {cap} GROUP BY 1"
        )
    }

    /// What each learner has, beside their last row: `having`, with `amount`.
    fn values(&mut self, value: &Quantity) {
        let amount = match value {
            Quantity::Sum(column) => self.dialect.sum(&flat(column)),
            Quantity::Ratio { of, to } => {
                let (above, below) = (self.dialect.sum(&flat(of)), self.dialect.sum(&flat(to)));
                let sign = format!("CASE WHEN ({above} < 0) = ({below} < 0) THEN 1 ELSE -1 END");
                let twice = format!("(2 * {RATIO_PER} * abs({above}) + abs({below}))");
                let size = self.dialect.quotient(&twice, &format!("(2 * abs({below}))"));
                format!("CASE WHEN {below} = 0 THEN NULL ELSE {sign} * {size} END")
            }
            Quantity::Days { until, from } => format!("min({} - {})", flat(until), flat(from)),
        };
        self.part(
            "amounts",
            format!("SELECT person AS who, {amount} AS amount FROM {COUNTING} GROUP BY person"),
        );
        self.part(
            "having_it",
            format!(
                "SELECT {LAST}.*, amount FROM {LAST} JOIN amounts ON amounts.who = {LAST}.person"
            ),
        );
    }
}

/// The learners of each group, and the sum of twice what each has, clipped, less the ends of the clip.
fn mean(clip: Clip, group: &str) -> String {
    let (lo, hi) = (clip.lo(), clip.hi());
    let clipped =
        format!("CASE WHEN amount < {lo} THEN {lo} WHEN amount > {hi} THEN {hi} ELSE amount END");
    let of = |place: u32, number: &str| {
        format!(
            "SELECT CAST(({group}) * 2 + {place} AS BIGINT) AS cell, {number} AS number FROM having_it WHERE amount IS NOT NULL GROUP BY 1"
        )
    };
    let sum = format!("CAST(sum(2 * ({clipped}) - ({})) AS BIGINT)", clip.ends());
    format!("{} UNION ALL {}", of(0, "count(*)"), of(1, &sum))
}

/// The learners of each group and bin: the number of inner edges that what they have reaches.
fn distribution(bins: &Bins, group: &str) -> String {
    let unknown = bins.count();
    let inner = bins.edges().get(1..unknown).unwrap_or_default();
    let reached =
        inner.iter().map(|edge| format!(" + CASE WHEN amount >= {edge} THEN 1 ELSE 0 END"));
    let bin = format!(
        "CASE WHEN amount IS NULL THEN {unknown} ELSE 0{} END",
        reached.collect::<String>()
    );
    format!(
        "SELECT CAST(({group}) * {} + ({bin}) AS BIGINT) AS cell, count(*) AS number FROM having_it GROUP BY 1",
        unknown + 1
    )
}
