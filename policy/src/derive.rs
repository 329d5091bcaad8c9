//! Tables that the MOU does not list, and that follow from one that it lists: its cells, added up.

use crate::clause::Clause;
use crate::digest::Sha256;
use crate::dimension::Dimension;
use crate::measure::Measure;
use crate::permit::Table;
use crate::predicate::ColumnRef;
use crate::question::Question;
use crate::refusal::{Reason, Refusal};
use crate::schema::TableName;

/// A table that the MOU does not list, and the listed ones that hold every cell of it.
#[derive(Debug, Clone)]
pub struct RollUp {
    table: Table,
    sources: Vec<Source>,
}

/// A listed table whose cells, added up, are an unlisted one.
#[derive(Debug, Clone)]
pub struct Source {
    table: Table,
    /// For each of its groups, the group of the roll-up that it goes into.
    into: Vec<usize>,
    cells_added: u32,
}

/// Proof that the MOU in force allows this question from this peer as far as a listed table answers it that
/// is released already. Nothing is measured for it. Made only by [`crate::decide()`].
#[derive(Debug, Clone)]
pub struct DerivePermit {
    pub(crate) question: Question,
    pub(crate) clause: Clause,
    pub(crate) mou: Sha256,
    pub(crate) roll_up: RollUp,
}

impl DerivePermit {
    /// The question allowed.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The clause that lists what it may be derived from.
    pub fn clause(&self) -> &Clause {
        &self.clause
    }

    /// The MOU version that allows it.
    pub fn mou(&self) -> Sha256 {
        self.mou
    }

    /// The table allowed, and what it may be derived from.
    pub fn roll_up(&self) -> &RollUp {
        &self.roll_up
    }
}

impl RollUp {
    /// The best source first: fewest cells added, hence the narrowest margin; then by key. One order for
    /// everybody.
    pub(crate) fn from(table: Table, mut sources: Vec<Source>) -> Self {
        sources.sort_by_key(|source| (source.cells_added, source.table.key()));
        Self { table, sources }
    }

    /// The table that follows.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The listed tables that hold every cell of it, the best first. Never empty.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The refusal where none of the sources is released, or only in part.
    pub fn not_released(&self) -> Refusal {
        let kpi = self.table.kpi();
        let first = self.sources.first().map(|source| source.table.breakdown().to_string());
        Refusal {
            reason: Reason::BreakdownNotListed,
            clause: Clause::at(format!("kpi.{}.by", kpi.id)),
            message: format!(
                "`{}` is not broken down by {}, and no released table holds every cell of it",
                kpi.id,
                self.table.breakdown()
            ),
            hint: format!(
                "ask for {} first: this one then follows from it, free, if nothing of it is withheld",
                first.unwrap_or_default()
            ),
        }
    }
}

impl Source {
    /// `source` as a source of `table`: one of the same KPI and period with dimensions to spare.
    /// None where adding up does not give the table.
    pub(crate) fn of(table: &Table, source: Table) -> Option<Self> {
        // Whoever is counted in several groups of a capped count would be counted as often in their sum. Where
        // the learner's own row says the code that is added up over, it is one in all of their groups.
        let capped = matches!(source.kpi().definition.measure, Measure::Count { cap: Some(_) });
        let own = |column: ColumnRef| column.table == TableName::Learner;
        let kept = |axis: &Dimension| table.breakdown().dimensions().contains(&axis.id);
        if capped && source.axes().any(|(axis, column)| !kept(axis) && !own(column)) {
            return None;
        }
        let codes = |axis: &std::sync::Arc<crate::dimension::Dimension>| axis.codes.len().max(1);
        let groups: usize = source.dimensions().iter().map(codes).product();
        let into = (0..groups).map(|group| {
            // The place of each code, from the last axis to the first; those kept make up the new place.
            let (mut rest, mut place, mut stride) = (group, 0, 1);
            for axis in source.dimensions().iter().rev() {
                let code = rest % codes(axis);
                rest /= codes(axis);
                if table.breakdown().dimensions().contains(&axis.id) {
                    place += code * stride;
                    stride *= codes(axis);
                }
            }
            place
        });
        let into = into.collect();
        let kept: usize = table.dimensions().iter().map(codes).product();
        let cells_added = u32::try_from(groups / kept.max(1)).ok()?;
        Some(Self { table: source, into, cells_added })
    }

    /// The listed table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How many of its cells are added for one of the roll-up.
    pub fn cells_added(&self) -> u32 {
        self.cells_added
    }

    /// The roll-up's cells from this table's, both in the order of [`Table::cells`]. None if there are more
    /// or fewer than this table has, or a sum does not fit.
    pub fn add_up(&self, cells: &[i64]) -> Option<Vec<i64>> {
        let outcomes = self.table.kpi().definition.outcomes.len();
        if outcomes == 0 || cells.len() != self.table.cells() {
            return None;
        }
        let groups = self.into.iter().max()? + 1;
        let mut sums = vec![0_i64; groups * outcomes];
        for (group, into) in cells.chunks(outcomes).zip(&self.into) {
            for (sum, cell) in sums.iter_mut().skip(into * outcomes).zip(group) {
                *sum = sum.checked_add(*cell)?;
            }
        }
        Some(sums)
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may panic"
    )]

    use super::*;
    use crate::dimension::Breakdown;
    use crate::mou::Mou;
    use crate::resolve::Resolved;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    /// Enrolment by `listed` alone, asked by `by`.
    fn asked(listed: &str, by: &[&str]) -> Result<Resolved, Refusal> {
        let all = "[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]     #";
        assert!(LAKESHORE.contains(all));
        let mou = LAKESHORE.replacen(all, &format!("[{listed}]     #"), 1);
        let mou = Mou::read(mou.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
        let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
        Resolved::of(&mou, &"enrolment".parse().unwrap(), "2025-26".parse().unwrap(), &by)
    }

    fn roll_up(listed: &str, by: &[&str]) -> RollUp {
        match asked(listed, by).unwrap() {
            Resolved::RollUp(roll_up) => roll_up,
            Resolved::Listed(table) => panic!("{} is listed", table.breakdown()),
        }
    }

    #[test]
    fn a_listed_table_is_never_derived() {
        let both = "[\"sex\", \"age_band\"], [\"age_band\"]";
        assert!(matches!(asked(both, &["age_band"]), Ok(Resolved::Listed(_))));
        assert!(matches!(asked(both, &["age_band", "sex"]), Ok(Resolved::Listed(_))));
        assert!(matches!(asked(both, &["sex"]), Ok(Resolved::RollUp(_))));
    }

    #[test]
    fn what_no_listed_table_holds_is_refused() {
        let listed = "[\"sex\", \"age_band\"]";
        for by in [&["race_ethnicity"][..], &["sex", "race_ethnicity"], &["sex", "sex"]] {
            assert_eq!(asked(listed, by).unwrap_err().reason, Reason::BreakdownNotListed, "{by:?}");
        }
        // Restricted is restricted, listed or not.
        let pell = asked("[\"pell\", \"sex\"]", &["pell"]).unwrap_err();
        assert_eq!(pell.reason, Reason::Restricted);
        // And what only a restricted table holds is not derived either.
        let through = asked("[\"pell\", \"sex\"]", &["sex"]).unwrap_err();
        assert_eq!(through.reason, Reason::BreakdownNotListed);
    }

    #[test]
    fn the_source_with_the_fewest_cells_added_comes_first() {
        let listed = "[\"race_ethnicity\", \"sex\"], [\"sex\", \"age_band\"], [\"race_ethnicity\", \"sex\", \"age_band\"]";
        let roll_up = roll_up(listed, &["sex"]);
        let sources: Vec<_> = roll_up
            .sources()
            .iter()
            .map(|source| (source.table().breakdown().to_string(), source.cells_added()))
            .collect();
        let expected = [
            ("age_band × sex".to_owned(), 5),
            ("race_ethnicity × sex".to_owned(), 9),
            ("age_band × race_ethnicity × sex".to_owned(), 45),
        ];
        assert_eq!(sources, expected);
        let refusal = roll_up.not_released();
        assert!(refusal.hint.contains("age_band × sex"), "{}", refusal.hint);
    }

    #[test]
    fn cells_go_where_their_codes_say() {
        // Axes in the order of their ids: age_band (5 codes), then sex (4). The cell at (age, sex) is 10·age + sex.
        let cells: Vec<i64> =
            (0..5).flat_map(|age| (0..4).map(move |sex| 10 * age + sex)).collect();
        let listed = "[\"sex\", \"age_band\"]";
        let sums = |by: &[&str]| {
            let roll_up = roll_up(listed, by);
            let sums = roll_up.sources().first().unwrap().add_up(&cells).unwrap();
            assert_eq!(sums.len(), roll_up.table().cells());
            sums
        };
        assert_eq!(sums(&["sex"]), [100, 105, 110, 115]);
        assert_eq!(sums(&["age_band"]), [6, 46, 86, 126, 166]);
        assert_eq!(sums(&[]), [430]);
        let roll_up = roll_up(listed, &[]);
        let source = roll_up.sources().first().unwrap();
        assert_eq!(source.add_up(&cells[1..]), None);
        assert_eq!(source.add_up(&[i64::MAX; 20]), None);
    }
}
