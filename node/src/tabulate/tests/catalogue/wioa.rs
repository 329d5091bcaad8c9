//! WIOA's primary indicators of performance.

use sumac_policy::TableName::{self, Award, Outcome};

use super::Case;

/// Exits of 2024-25, reported for 2025-26, and what followed.
const EXITS: &[(TableName, &str)] = &[(
    Outcome,
    "who exit_on    exclusion         q2_employed q4_employed same_employer_q2q4
     1   2024-07-01 none              Y           Y           Y        | the first day
     2   2025-06-30 none              Y           Y           N        | the last
     3   2024-12-15 none              Y           N           N
     4   2024-12-15 none              N           Y           N
     5   2024-12-15 none              N           N           N
     6   2024-12-15 none              unknown     unknown     unknown  | no wage record found
     7   2024-12-15 institutionalized Y           Y           Y
     8   2024-12-15 health_medical    Y           Y           Y
     9   2024-12-15 deceased          N           N           N
     10  2024-12-15 reserve_forces    Y           Y           Y
     11  2024-12-15 foster_care       Y           Y           Y
     12  2024-06-30 none              Y           Y           Y        | the year before
     13  2025-07-01 none              Y           Y           Y        | the year itself
     14  .          none              Y           Y           Y        | has not left
     15  2024-09-01 none              N           N           N        | left twice: counted once,
     15  2025-03-01 none              Y           Y           Y        | employed after either",
)];

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "wioa/credential_attainment",
        period: "2025-26",
        rows: &[
            (
                Outcome,
                "who entered_on exit_on    education_or_training exclusion      placed_within_year
                 1   2024-01-15 2024-12-15 Y                     none           N
                 2   2024-01-15 2024-12-15 Y                     none           N       | within a year after
                 3   2024-01-15 2024-12-15 Y                     none           N       | a day later than that
                 4   2024-01-15 2024-12-15 Y                     none           N       | before entering
                 5   2024-01-15 2024-12-15 Y                     none           N       | revoked
                 6   2024-01-15 2024-12-15 Y                     none           Y       | a diploma, and placed
                 7   2024-01-15 2024-12-15 Y                     none           N       | a diploma alone
                 8   2024-01-15 2024-12-15 Y                     none           unknown | a GED, placement not known
                 9   2024-01-15 2024-12-15 Y                     none           N       | not recognised
                 10  2024-01-15 2024-12-15 Y                     none           Y       | no award
                 11  2024-01-15 2024-12-15 N                     none           Y       | on-the-job training alone
                 12  2024-01-15 2024-12-15 Y                     health_medical N
                 13  2024-01-15 2025-12-15 Y                     none           N       | left in the year itself
                 14  2024-01-15 .          Y                     none           N       | has not left
                 15  2024-01-15 2024-12-15 Y                     none           N       | one of two revoked",
            ),
            (
                Award,
                "who awarded_on credential_type             recognised_postsecondary revoked_on
                 1   2024-05-20 Certificate                 Y                        .
                 2   2025-12-15 AssociateDegree             Y                        .
                 3   2025-12-16 AssociateDegree             Y                        .
                 4   2024-01-14 Certificate                 Y                        .
                 5   2024-05-20 Certificate                 Y                        2024-06-01
                 6   2024-05-20 SecondarySchoolDiploma      N                        .
                 7   2024-05-20 SecondarySchoolDiploma      N                        .
                 8   2024-05-20 GeneralEducationDevelopment N                        .
                 9   2024-05-20 Badge                       N                        .
                 11  2024-05-20 Certificate                 Y                        .
                 12  2024-05-20 Certificate                 Y                        .
                 13  2024-05-20 Certificate                 Y                        .
                 14  2024-05-20 Certificate                 Y                        .
                 15  2024-05-20 Certificate                 Y                        2024-06-01
                 15  2024-11-20 Certificate                 Y                        .",
            ),
        ],
        // 1, 2, 6 and 15; not 3, 4, 5, 7, 8, 9 and 10.
        cells: &[("attained", 4), ("not_attained", 7)],
    },
    Case {
        kpi: "wioa/measurable_skill_gains",
        period: "2025-26",
        rows: &[(
            Outcome,
            "who program_year exit_on    training exclusion      skill_gain
             1   2025         .          Y        none           Y        | has not left
             2   2025         2025-11-30 Y        none           Y        | left in the year
             3   2025         .          Y        none           N
             4   2025         .          Y        none           unknown
             5   2025         .          N        none           Y        | not in training
             6   2025         .          Y        deceased       N
             7   2025         .          Y        reserve_forces Y
             8   2024         .          Y        none           Y        | the year before
             9   .            2025-11-30 Y        none           Y        | a row of no programme year
             10  2025         2025-09-01 Y        none           N        | two programmes:
             10  2025         .          Y        none           Y        | a gain in one of them",
        )],
        cells: &[("gained", 3), ("none", 2)],
    },
    Case {
        kpi: "wioa/employment_q2",
        period: "2025-26",
        rows: EXITS,
        // 1, 2, 3 and 15; not 4, 5 and 6.
        cells: &[("employed", 4), ("not_employed", 3)],
    },
    Case {
        kpi: "wioa/employment_q4",
        period: "2025-26",
        rows: EXITS,
        // 1, 2, 4 and 15; not 3, 5 and 6.
        cells: &[("employed", 4), ("not_employed", 3)],
    },
    Case {
        kpi: "wioa/same_employer_retention",
        period: "2025-26",
        rows: EXITS,
        // 1 and 15; not 2 and 3. The rest were not employed in the second quarter.
        cells: &[("same", 2), ("not_same", 2)],
    },
    Case {
        kpi: "wioa/median_earnings_q2",
        period: "2025-26",
        rows: &[(
            Outcome,
            "who exit_on    exclusion q2_employed q2_earnings
             1   2024-07-01 none      Y           0         | the first bin
             2   2025-06-30 none      Y           25000     | its upper edge is the second's
             3   2024-12-15 none      Y           724999
             4   2024-12-15 none      Y           5000000   | the last edge
             5   2024-12-15 none      Y           9000000   | beyond it
             6   2024-12-15 none      Y           .         | employed, earnings not known
             7   2024-12-15 none      N           700000    | not employed
             8   2024-12-15 none      unknown     700000
             9   2024-12-15 deceased  Y           700000
             10  2025-07-01 none      Y           700000    | left in the year itself
             11  .          none      Y           700000    | has not left
             12  2024-09-01 none      Y           300000    | left twice: both are added up,
             12  2025-03-01 none      Y           420000    | which makes 7,200 dollars",
        )],
        // 643,000 to 763,000 cents is the twenty-first bin.
        cells: &[("bin_1", 1), ("bin_2", 1), ("bin_21", 2), ("bin_32", 2), ("unknown", 1)],
    },
];
