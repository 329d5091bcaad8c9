//! CCRC's early momentum metrics: nine yes/no answers, and the same as three partitions.

use sumac_policy::TableName::{self, Enrolment};

use super::Case;

/// Everything that the nine read, of one cohort.
const COHORT: &[(TableName, &str)] = &[(
    Enrolment,
    "who cohort_year cohort_term entry_status credits_earned_term_1 credits_earned_year_1 gateway_math gateway_english returned_next_term
     1   2025        FALL        first_time   1200                  3000                  Y            Y               Y
     1   2025        FALL        first_time   1200                  3000                  Y            Y               Y       | another term
     2   2025        FALL        first_time   1199                  2999                  Y            N               Y
     3   2025        FALL        first_time   600                   2400                  N            Y               N
     4   2025        SPRING      first_time   599                   2399                  N            N               Y       | not of the fall
     5   2025        FALL        first_time   0                     1500                  unknown      Y               unknown
     6   2025        FALL        first_time   .                     1499                  unknown      unknown         N       | first term not known
     7   2025        FALL        transfer_in  1500                  3000                  Y            Y               Y       | not first-time
     8   2025        FALL        readmit      1500                  3000                  Y            Y               Y       | not first-time
     9   2024        FALL        first_time   1500                  3000                  Y            Y               Y       | the cohort before
     10  .           FALL        first_time   1500                  3000                  Y            Y               Y       | of no cohort
     11  2025        FALL        first_time   1500                  .                     N            N               N       | first year not known",
)];

/// A yes/no answer about the seven learners of the cohort.
const fn asked(kpi: &'static str, cells: &'static [(&'static str, i64)]) -> Case {
    Case { kpi, period: "2025-26", rows: COHORT, cells }
}

pub(super) const CASES: &[Case] = &[
    // 1, 2, 3 and 11.
    asked("ccrc/early_momentum_credits_6_term_1", &[("reached", 4), ("not_reached", 3)]),
    // 1 and 11.
    asked("ccrc/early_momentum_credits_12_term_1", &[("reached", 2), ("not_reached", 5)]),
    // 1 to 5.
    asked("ccrc/early_momentum_credits_15_year_1", &[("reached", 5), ("not_reached", 2)]),
    // 1, 2 and 3.
    asked("ccrc/early_momentum_credits_24_year_1", &[("reached", 3), ("not_reached", 4)]),
    // 1.
    asked("ccrc/early_momentum_credits_30_year_1", &[("reached", 1), ("not_reached", 6)]),
    // 1 and 2.
    asked("ccrc/early_momentum_math", &[("reached", 2), ("not_reached", 5)]),
    // 1, 3 and 5.
    asked("ccrc/early_momentum_english", &[("reached", 3), ("not_reached", 4)]),
    // 1.
    asked("ccrc/early_momentum_math_english", &[("reached", 1), ("not_reached", 6)]),
    // 1 and 2; 4 did not enter in the fall.
    asked("ccrc/early_momentum_fall_spring", &[("reached", 2), ("not_reached", 4)]),
    // 1 and 11; 2 and 3; 4, 5 and 6.
    asked("ccrc/early_momentum_term_1", &[("twelve", 2), ("six", 2), ("fewer", 3)]),
    // 1; 2 and 3; 4 and 5; 6 and 11.
    asked(
        "ccrc/early_momentum_year_1",
        &[("thirty", 1), ("twenty_four", 2), ("fifteen", 2), ("fewer", 2)],
    ),
    // 1; 2; 3 and 5; 4, 6 and 11.
    asked(
        "ccrc/early_momentum_gateway",
        &[("both", 1), ("math", 1), ("english", 2), ("neither", 3)],
    ),
];
