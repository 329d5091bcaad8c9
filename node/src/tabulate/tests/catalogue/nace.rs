//! NACE's First-Destination rates: the class of 2024-25, reported for 2025-26.

use sumac_policy::TableName::{self, Outcome};

use super::Case;

const CLASS: &[(TableName, &str)] = &[(
    Outcome,
    "who graduated_on first_destination
     1   2024-07-01   employed      | the first day of the class
     2   2025-06-30   service       | the last
     3   2025-05-20   military
     4   2025-05-20   continuing
     5   2025-05-20   seeking
     6   2025-05-20   seeking
     7   2025-05-20   not_seeking
     8   2025-05-20   unknown
     9   2024-06-30   employed      | the class before
     10  2025-07-01   employed      | the class after
     11  .            employed      | no graduate
     12  2024-12-15   unknown       | graduated twice:
     12  2025-05-20   employed      | known after one of them",
)];

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "nace/career_outcomes",
        period: "2025-26",
        rows: CLASS,
        // 1, 2, 3, 4 and 12; 5 and 6. 7 seeks nothing, and of 8 nothing is known.
        cells: &[("placed", 5), ("seeking", 2)],
    },
    Case {
        kpi: "nace/knowledge",
        period: "2025-26",
        rows: CLASS,
        cells: &[("known", 8), ("not_known", 1)],
    },
    Case {
        kpi: "nace/first_destination",
        period: "2025-26",
        rows: CLASS,
        cells: &[
            ("employed", 2),
            ("service", 1),
            ("military", 1),
            ("continuing", 1),
            ("seeking", 2),
            ("not_seeking", 1),
            ("not_known", 1),
        ],
    },
];
