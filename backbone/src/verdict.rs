//! What came of asking, as a whole.

use sumac_policy::Reason;

use crate::absence::Absence;
use crate::combine::Combined;

/// What came of asking for some tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// At least one node answered at least one table. Who did not is stated with each.
    Answered,
    /// No node answered; every one refused.
    Refused,
    /// No node answered; every one refused because its year's budget does not hold the price.
    Spent,
    /// No node answered, and at least one for another cause than a refusal. Also: nobody was asked.
    Failed,
}

/// What came of all these tables together.
pub fn verdict<'a>(tables: impl IntoIterator<Item = &'a Combined>) -> Verdict {
    let mut absences = Vec::new();
    for table in tables {
        if !table.coverage.answered.is_empty() {
            return Verdict::Answered;
        }
        absences.extend(table.coverage.missing.iter().map(|(_, absence)| absence));
    }
    let all = |is: fn(&Absence) -> bool| {
        !absences.is_empty() && absences.iter().all(|absence| is(absence))
    };
    if all(
        |absence| matches!(absence, Absence::Refused(refusal) if refusal.reason == Reason::BudgetSpent),
    ) {
        Verdict::Spent
    } else if all(|absence| matches!(absence, Absence::Refused(_))) {
        Verdict::Refused
    } else {
        Verdict::Failed
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use sumac_policy::{Clause, Refusal};

    use super::*;
    use crate::connect::Unreachable;
    use crate::testing::Coalition;

    #[test]
    fn says_what_came_of_it_only_by_what_nobody_answered() {
        let coalition = Coalition::new("coalition");
        let spent = || Err(refused(Reason::BudgetSpent));
        let not_held = || Err(refused(Reason::PeriodNotHeld));
        let away = || Err(Absence::Unreachable(Unreachable::Busy));
        let fault = || Err(Absence::Fault("7f3a".parse().unwrap()));
        let table = coalition.table("completers", &[]);
        let good = || Ok(coalition.verified(&table, "lakeshore-cc", vec![100]));
        for (one, two, expected) in [
            (good(), away(), Verdict::Answered),
            (spent(), good(), Verdict::Answered),
            (spent(), spent(), Verdict::Spent),
            (spent(), not_held(), Verdict::Refused),
            (not_held(), not_held(), Verdict::Refused),
            (not_held(), away(), Verdict::Failed),
            (spent(), fault(), Verdict::Failed),
            (away(), away(), Verdict::Failed),
        ] {
            let combined = coalition.combined(&table, [one, two]);
            assert_eq!(verdict([&combined]), expected, "{:?}", combined.coverage);
        }
        assert_eq!(verdict([]), Verdict::Failed);
    }

    #[test]
    fn one_answered_table_is_an_answer() {
        let coalition = Coalition::new("coalition");
        let table = coalition.table("completers", &[]);
        let spent = || Err(refused(Reason::BudgetSpent));
        let good = Ok(coalition.verified(&table, "harbor-tech", vec![100]));
        let tables = [
            coalition.combined(&table, [spent(), spent()]),
            coalition.combined(&table, [spent(), good]),
        ];
        assert_eq!(verdict(&tables), Verdict::Answered);
    }

    fn refused(reason: Reason) -> Absence {
        Absence::Refused(Refusal {
            reason,
            clause: Clause::at("privacy.budget"),
            message: "no".into(),
            hint: String::new(),
        })
    }
}
