//! What the coalition asks of itself.

use sumac_policy::TableName::{Award, Employment, Enrolment, Learner, Support};

use super::Case;

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "coalition/hires_of_completers",
        period: "2026-Q1",
        rows: &[(
            Employment,
            "who hired_on   credential_issuer
             1   2026-01-01 coalition
             1   2026-02-01 coalition   | hired again: counted once
             2   2026-03-31 coalition
             3   2026-02-01 other       | from elsewhere
             4   2026-02-01 none
             5   2026-02-01 unknown
             6   2025-12-31 coalition   | the quarter before
             7   2026-04-01 coalition   | the quarter after
             8   .          coalition   | no day",
        )],
        cells: &[("count", 2)],
    },
    Case {
        kpi: "coalition/support_reach",
        period: "2025-26",
        rows: &[
            (
                Learner,
                "who target
                 1   Y
                 2   Y
                 3   Y
                 4   Y
                 5   Y
                 6   N
                 7   unknown
                 8   Y
                 9   Y",
            ),
            (
                Enrolment,
                "who term_start
                 1   2025-08-25
                 2   2025-08-25 | seven months before the last term,
                 2   2026-01-12 | which is this one
                 3   2025-08-25 | too late
                 4   2025-08-25 | too early
                 5   2025-08-25 | no service
                 6   2025-08-25 | not of those meant
                 7   2025-08-25
                 8   2024-08-26 | enrolled last year
                 9   .          | no term
                 10  2025-08-25 | no learner row",
            ),
            (
                Support,
                "who started_on
                 1   2025-02-25 | six months before, to the day
                 1   2025-12-01 | and another: reached once
                 2   2026-07-12 | six months after, to the day
                 3   2026-02-26
                 4   2025-02-24
                 6   2025-09-01
                 7   2025-09-01
                 8   2025-09-01
                 9   2025-09-01
                 10  2025-09-01",
            ),
        ],
        cells: &[("reached", 2), ("not_reached", 3)],
    },
    Case {
        kpi: "coalition/support_gap",
        period: "2025-26",
        rows: &[
            (
                Enrolment,
                "who cohort_year degree_seeking exclusion    status
                 1   2022        Y              none         completed
                 1   2022        Y              none         completed   | several terms
                 2   2022        Y              none         left
                 3   2022        Y              none         enrolled
                 4   2022        Y              none         completed   | no service
                 5   2022        Y              none         transferred | no service
                 6   2022        Y              none         left        | a service of no known day is none
                 7   2022        N              none         completed
                 8   2022        Y              armed_forces left
                 9   2021        Y              none         completed",
            ),
            (
                Support,
                "who started_on
                 1   2022-09-10
                 1   2023-02-01
                 2   2024-02-01
                 3   2022-09-10
                 6   .
                 7   2022-09-10
                 9   2022-09-10",
            ),
        ],
        cells: &[
            ("supported_completed", 1),
            ("supported_not_completed", 2),
            ("rest_completed", 1),
            ("rest_not_completed", 2),
        ],
    },
    Case {
        kpi: "coalition/learners_supported",
        period: "2025-26",
        rows: &[(
            Support,
            "who started_on
             1   2025-07-01
             1   2025-10-01 | a second service: counted once
             2   2026-06-30
             3   2025-06-30 | began the year before
             4   .",
        )],
        cells: &[("count", 2)],
    },
    Case {
        kpi: "coalition/starting_wage",
        period: "2026-Q1",
        rows: &[(
            Employment,
            "who hired_on   credential_issuer start_pay_annual
             1   2026-01-01 coalition         4160000   | 41,600 dollars
             2   2026-03-31 coalition         4210000   | an edge is its upper bin's
             3   2026-02-01 coalition         30000000  | beyond the last
             4   2026-02-01 coalition         .         | pay not known
             5   2026-02-01 other             4160000   | from elsewhere
             6   2026-02-01 none              4160000
             7   2025-12-31 coalition         4160000   | the quarter before
             8   .          coalition         4160000",
        )],
        // 3,520,000 to 4,210,000 cents is the twenty-second bin.
        cells: &[("bin_22", 1), ("bin_23", 1), ("bin_32", 1), ("unknown", 1)],
    },
    Case {
        kpi: "coalition/credentials_issued",
        period: "2025-26",
        rows: &[(
            Award,
            "who awarded_on award_level source revoked_on
             1   2025-09-01 unknown     ob3    .
             1   2025-10-01 unknown     ob3    .
             1   2025-11-01 unknown     clr2   .
             1   2025-12-01 unknown     ob3    .          | a fourth: three count
             2   2026-05-20 3           clr2   .
             2   2026-05-20 3           sis    .          | no digital credential
             3   2026-05-20 unknown     ob3    2026-06-01 | revoked
             4   2026-05-20 unknown     csv    .
             5   2026-07-01 unknown     ob3    .          | next year
             6   .          unknown     ob3    .",
        )],
        cells: &[("awards", 4)],
    },
];
