//! The Postsecondary Data Partnership.

use sumac_policy::TableName::Enrolment;

use super::Case;

/// The same learners for the two KPIs of one partition.
const SECOND_YEAR: &str = "who cohort_year cohort_term entry_status retained_year_2 persisted_year_2
     1   2024        FALL        first_time   Y               N
     2   2024        SPRING      first_time   Y               N       | entered in spring
     3   2024        FALL        transfer_in  Y               Y       | retained wins
     3   2024        FALL        transfer_in  Y               Y       | another term
     4   2024        FALL        first_time   N               Y
     5   2024        FALL        first_time   unknown         Y       | not known here, and there elsewhere
     6   2024        FALL        first_time   N               N
     7   2024        FALL        transfer_in  unknown         unknown
     8   2024        FALL        readmit      Y               N       | entered before
     9   2024        FALL        unknown      Y               N
     10  2023        FALL        first_time   Y               N       | the cohort before
     11  .           FALL        first_time   Y               N       | of no cohort";

/// The same learners for both marks.
const FIRST_YEAR: &str =
    "who cohort_year entry_status intensity credits_attempted_year_1 credits_earned_year_1
     1   2025        first_time   FT        3000                     3000    | 30 credits exactly
     2   2025        first_time   FT        3000                     2999
     3   2025        transfer_in  FT        2400                     2400
     4   2025        transfer_in  FT        2400                     2399
     5   2025        first_time   PT        1500                     1500    | 15 credits exactly
     6   2025        first_time   PT        1500                     1499
     7   2025        first_time   PT        1200                     1200
     8   2025        first_time   PT        1200                     0
     9   2025        first_time   unknown   3000                     3000    | intensity not known
     10  2025        readmit      FT        3000                     3000    | entered before
     11  2025        first_time   FT        0                        0       | attempted none
     12  2025        first_time   FT        99                       0       | less than one
     13  2025        first_time   FT        .                        3000    | attempts not known
     14  2025        first_time   FT        3000                     .       | earned not known: not reached
     15  2024        first_time   FT        3000                     3000    | the cohort before
     16  2025        first_time   FT        3600                     3300
     16  2025        first_time   FT        3600                     3300    | another term of theirs";

/// The cohort of eight years before.
const COMPLETED: &str = "who cohort_year entry_status term_number time_to_credential
     1   2017        first_time   1           200
     1   2017        first_time   2           200     | a second term: the time is not doubled
     2   2017        transfer_in  1           450
     3   2017        first_time   1           1200    | longer than ten years
     4   2017        first_time   1           .       | no credential
     5   2017        first_time   1           0       | in the term of entry
     6   2017        readmit      1           300     | entered before
     7   2018        first_time   1           200     | the next cohort
     8   .           first_time   1           200     | of no cohort
     9   2017        first_time   .           200     | the term not known";

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "pdp/retention",
        period: "2025-26",
        rows: &[(Enrolment, SECOND_YEAR)],
        cells: &[("retained", 3), ("persisted", 2), ("neither", 2)],
    },
    Case {
        kpi: "pdp/persistence",
        period: "2025-26",
        rows: &[(Enrolment, SECOND_YEAR)],
        cells: &[("persisted", 2), ("retained", 3), ("neither", 2)],
    },
    Case {
        kpi: "pdp/term_persistence",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status returned_next_term
             1   2025        FALL        first_time   Y
             1   2025        FALL        first_time   Y       | the spring term itself
             2   2025        SPRING      transfer_in  Y       | spring to fall
             3   2025        FALL        first_time   N
             4   2025        FALL        first_time   unknown
             5   2025        FALL        readmit      Y
             6   2024        FALL        first_time   Y
             7   .           FALL        first_time   Y",
        )],
        cells: &[("persisted", 2), ("not_persisted", 2)],
    },
    Case {
        kpi: "pdp/term_persistence_fall",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status retained completed_by_fall
             1   2024        FALL        first_time   Y        N
             2   2024        FALL        transfer_in  N        Y      | completed
             3   2024        FALL        first_time   N        N
             4   2024        FALL        first_time   unknown  N
             5   2024        SPRING      first_time   Y        N      | not of the fall
             6   2024        FALL        readmit      Y        N
             7   2025        FALL        first_time   Y        N",
        )],
        cells: &[("persisted", 2), ("not_persisted", 2)],
    },
    Case {
        kpi: "pdp/credit_accumulation",
        period: "2025-26",
        rows: &[(Enrolment, FIRST_YEAR)],
        // 1, 5 and 16; not 2, 3, 4, 6, 7, 8 and 14.
        cells: &[("reached", 3), ("not_reached", 7)],
    },
    Case {
        kpi: "pdp/credit_accumulation_24_12",
        period: "2025-26",
        rows: &[(Enrolment, FIRST_YEAR)],
        // 1, 2, 3, 5, 6, 7 and 16; not 4, 8 and 14.
        cells: &[("reached", 7), ("not_reached", 3)],
    },
    Case {
        kpi: "pdp/credit_completion_ratio",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year entry_status credits_attempted_year_1 credits_earned_year_1
             1   2025        first_time   3000                     3000
             2   2025        transfer_in  3000                     1000    | a third: 3333 ten-thousandths
             2   2025        transfer_in  3000                     1000    | another term of theirs
             3   2025        first_time   1200                     0
             4   2025        first_time   1200                     1500    | more than attempted: counts as all
             5   2025        first_time   0                        0       | attempted none
             6   2025        first_time   .                        1200    | attempts not known
             7   2025        first_time   1200                     .       | earned not known
             8   2025        readmit      1200                     1200    | entered before
             9   2024        first_time   1200                     1200    | the cohort before
             10  .           first_time   1200                     1200",
        )],
        // 2 × (10,000 + 3,333 + 0 + 10,000) less 4 × 10,000.
        cells: &[("learners", 4), ("sum", 6_666)],
    },
    Case {
        kpi: "pdp/time_to_credential",
        period: "2025-26",
        rows: &[(Enrolment, COMPLETED)],
        // 2 × (200 + 450 + 1,000 + 0) less 4 × 1,000.
        cells: &[("learners", 4), ("sum", -700)],
    },
    Case {
        kpi: "pdp/time_to_credential_years",
        period: "2025-26",
        rows: &[(Enrolment, COMPLETED)],
        // 5; 1, who took two years to the day; 2; 3, who took longer than the last bin holds; 4.
        cells: &[("bin_1", 1), ("bin_5", 1), ("bin_10", 1), ("bin_20", 1), ("unknown", 1)],
    },
];
