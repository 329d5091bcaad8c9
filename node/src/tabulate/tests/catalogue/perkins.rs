//! Perkins V, postsecondary core indicators.

use sumac_policy::TableName::{Award, Outcome};

use super::Case;

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "perkins/1p1",
        period: "2025-26",
        rows: &[(
            Outcome,
            "who completed_on cte_concentrator placed_q2
             1   2024-07-01   Y                Y
             2   2025-06-30   Y                N
             3   2025-05-20   Y                unknown
             4   2025-05-20   N                Y        | no concentrator
             5   2025-05-20   unknown          Y
             6   2025-07-01   Y                Y        | completed in the year itself
             7   .            Y                Y        | has not completed
             8   2024-12-15   Y                N        | two programmes:
             8   2025-05-20   Y                Y        | placed after one of them",
        )],
        cells: &[("placed", 2), ("not_placed", 2)],
    },
    Case {
        kpi: "perkins/2p1",
        period: "2025-26",
        rows: &[
            (
                Outcome,
                "who entered_on completed_on cte_concentrator
                 1   2023-08-28 2025-05-20   Y
                 2   2023-08-28 2025-05-20   Y       | within a year after
                 3   2023-08-28 2025-05-20   Y       | a day later than that
                 4   2023-08-28 2025-05-20   Y       | revoked
                 5   2023-08-28 2025-05-20   Y       | not recognised
                 6   2023-08-28 2025-05-20   Y       | before entering
                 7   2023-08-28 2025-05-20   Y       | none
                 8   2023-08-28 2025-05-20   N       | no concentrator
                 9   2023-08-28 .            Y       | has not completed",
            ),
            (
                Award,
                "who awarded_on recognised_postsecondary revoked_on
                 1   2025-05-20 Y                        .
                 2   2026-05-20 Y                        .
                 3   2026-05-21 Y                        .
                 4   2025-05-20 Y                        2026-01-01
                 5   2025-05-20 N                        .
                 6   2023-08-27 Y                        .
                 8   2025-05-20 Y                        .
                 9   2025-05-20 Y                        .",
            ),
        ],
        cells: &[("attained", 2), ("not_attained", 5)],
    },
    Case {
        kpi: "perkins/3p1",
        period: "2025-26",
        rows: &[(
            Outcome,
            "who program_year completed_on cte_concentrator nontraditional
             1   2025         .            Y                Y
             2   2025         2025-12-15   Y                Y        | completed or not
             3   2025         .            Y                N
             4   2025         .            Y                unknown
             5   2025         .            N                Y        | no concentrator
             6   2024         .            Y                Y        | the year before
             7   .            2025-12-15   Y                Y        | a row of no programme year",
        )],
        cells: &[("nontraditional", 2), ("other", 2)],
    },
];
