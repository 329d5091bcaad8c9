//! Earnings of graduates, in pooled cohorts.

use sumac_policy::TableName::{self, Outcome};

use super::Case;

/// Graduates of many years, each with what they earned in the first, the fifth and the tenth year after.
const GRADUATES: &[(TableName, &str)] = &[(
    Outcome,
    "who graduated_on earnings_year_1 earnings_year_5 earnings_year_10
     1   2021-07-01   3519999         .               .        | the first day of the cohort of 2021 to 2024
     2   2024-06-30   3520000         .               .        | the last: an edge is its upper bin's
     3   2023-05-20   .               .               .        | not attached to the labour market
     4   2021-06-30   3600000         3600000         .        | a day before: of the cohort before
     5   2024-07-01   3600000         .               .        | a day after: of the cohort after
     6   2017-07-01   3600000         0               .        | nothing earned in the fifth year
     7   2019-12-15   3600000         40000000        .        | beyond the last bin
     8   2012-07-01   3600000         3600000         7200000
     9   2015-06-30   3600000         3600000         .
     10  .            3600000         3600000         3600000  | no graduate",
)];

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "pseo/earnings_1yr",
        // Less two years: graduates of July 2021 to June 2024.
        period: "2023-24/2025-26",
        rows: GRADUATES,
        // 2,950,000 to 3,520,000 cents is the twenty-first bin.
        cells: &[("bin_21", 1), ("bin_22", 1), ("unknown", 1)],
    },
    Case {
        kpi: "pseo/earnings_5yr",
        // Less six: July 2017 to June 2020.
        period: "2023-24/2025-26",
        rows: GRADUATES,
        cells: &[("bin_1", 1), ("bin_32", 1)],
    },
    Case {
        kpi: "pseo/earnings_10yr",
        // Less eleven: July 2012 to June 2015.
        period: "2023-24/2025-26",
        rows: GRADUATES,
        // 7,190,000 to 8,590,000 cents is the twenty-sixth bin.
        cells: &[("bin_26", 1), ("unknown", 1)],
    },
];
