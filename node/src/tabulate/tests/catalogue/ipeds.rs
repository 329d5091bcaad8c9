//! IPEDS: enrolment, retention, graduation, outcome measures, completions.

use sumac_policy::TableName::{Award, Enrolment};

use super::Case;

const CONFERRED: &str = "who awarded_on award_level major   revoked_on
     1   2025-12-15 1a          first   .
     1   2025-12-15 1b          first   .
     1   2026-05-20 2           first   .
     1   2026-05-20 3           first   .          | a fourth: three count
     2   2026-05-20 5           first   .
     2   2026-05-20 5           second  .          | an additional major
     3   2025-12-15 2           unknown .          | not known to be an additional one
     3   2026-05-20 3           first   2026-06-01 | revoked
     4   2026-05-20 unknown     first   .          | a badge, of no IPEDS level
     5   2025-06-30 5           first   .          | last year
     6   2026-07-01 5           second  .          | next year
     7   .          5           first   .          | no day
     8   2026-06-30 17          first   .";

pub(super) const CASES: &[Case] = &[
    Case {
        kpi: "ipeds/enrolment_headcount",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who term_start
             1   2025-08-25
             1   2026-01-12   | a second term: counted once
             2   2025-07-01   | the first day of the year
             3   2026-06-30   | the last
             4   2025-06-30   | the day before
             5   2026-07-01   | the day after
             6   .            | no term",
        )],
        cells: &[("count", 3)],
    },
    Case {
        kpi: "ipeds/enrolment_fall",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who term    term_start
             1   FALL    2025-08-25
             1   SPRING  2026-01-12
             2   SPRING  2026-01-12   | spring alone
             3   FALL    2024-08-26   | last year's fall
             4   unknown 2025-08-25   | not known to be a fall term
             5   FALL    .            | no day
             6   FALL    2025-09-02",
        )],
        cells: &[("count", 2)],
    },
    Case {
        kpi: "ipeds/retention_fall",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status degree_seeking exclusion         retained completed_by_fall
             1   2024        FALL        first_time   Y              none              Y        N
             1   2024        FALL        first_time   Y              none              Y        N   | another term
             2   2024        FALL        first_time   Y              none              N        Y   | completed in the year
             3   2024        FALL        first_time   Y              none              N        N
             4   2024        FALL        first_time   Y              none              unknown  unknown
             5   2024        FALL        transfer_in  Y              none              Y        N   | not first-time
             6   2024        FALL        readmit      Y              none              Y        N   | not first-time
             7   2024        SPRING      first_time   Y              none              Y        N   | not of the fall
             8   2024        FALL        first_time   N              none              Y        N   | seeks no degree
             9   2024        FALL        first_time   Y              deceased_disabled N        N
             10  2024        FALL        first_time   Y              armed_forces      N        N
             11  2024        FALL        first_time   Y              foreign_aid       N        N
             12  2024        FALL        first_time   Y              church_mission    N        N
             13  2025        FALL        first_time   Y              none              Y        N   | this fall's cohort
             14  .           FALL        first_time   Y              none              Y        N   | of no cohort",
        )],
        cells: &[("retained", 2), ("not_retained", 2)],
    },
    Case {
        kpi: "ipeds/retention_fall_4yr",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status degree_seeking award_level_sought exclusion      retained
             1   2024        FALL        first_time   Y              5                  none           Y
             2   2024        FALL        first_time   Y              5                  none           N   | completed or not: not re-enrolled
             3   2024        FALL        first_time   Y              3                  none           Y   | seeks an associate's
             4   2024        FALL        first_time   Y              unknown            none           Y
             5   2024        FALL        transfer_in  Y              5                  none           Y
             6   2024        FALL        readmit      Y              5                  none           Y
             7   2024        SUMMER      first_time   Y              5                  none           Y
             8   2024        FALL        first_time   Y              5                  church_mission N
             9   2024        FALL        first_time   N              5                  none           Y
             10  2023        FALL        first_time   Y              5                  none           Y",
        )],
        cells: &[("retained", 1), ("not_retained", 1)],
    },
    Case {
        kpi: "ipeds/graduation_150",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status intensity degree_seeking exclusion         status      completion_time
             1   2022        FALL        first_time   FT        Y              none              completed   within_100
             2   2022        FALL        first_time   FT        Y              none              completed   within_150
             2   2022        FALL        first_time   FT        Y              none              completed   within_150 | several terms
             3   2022        FALL        first_time   FT        Y              none              transferred within_150 | completed first
             4   2022        FALL        first_time   FT        Y              none              completed   later      | in the fourth year
             5   2022        FALL        first_time   FT        Y              none              enrolled    none
             6   2022        FALL        first_time   FT        Y              none              transferred none
             7   2022        FALL        first_time   FT        Y              none              left        none
             8   2022        FALL        first_time   FT        Y              none              unknown     unknown
             9   2022        FALL        first_time   PT        Y              none              completed   within_100 | part-time
             10  2022        FALL        first_time   unknown   Y              none              completed   within_100
             11  2022        FALL        transfer_in  FT        Y              none              completed   within_100
             12  2022        FALL        readmit      FT        Y              none              completed   within_100
             13  2022        FALL        first_time   FT        N              none              completed   within_100
             14  2022        SPRING      first_time   FT        Y              none              completed   within_100
             15  2022        FALL        first_time   FT        Y              deceased_disabled left        none
             16  2022        FALL        first_time   FT        Y              armed_forces      left        none
             17  2022        FALL        first_time   FT        Y              foreign_aid       left        none
             18  2022        FALL        first_time   FT        Y              church_mission    left        none
             19  2023        FALL        first_time   FT        Y              none              completed   within_100 | the next cohort
             20  .           FALL        first_time   FT        Y              none              completed   within_100",
        )],
        cells: &[("completed", 3), ("transferred", 1), ("enrolled", 2), ("left", 2)],
    },
    Case {
        kpi: "ipeds/graduation_150_4yr",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status intensity degree_seeking award_level_sought exclusion    status      completion_time
             1   2019        FALL        first_time   FT        Y              5                  none         completed   within_100
             2   2019        FALL        first_time   FT        Y              5                  none         completed   later
             3   2019        FALL        first_time   FT        Y              5                  none         transferred none
             4   2019        FALL        first_time   FT        Y              5                  none         left        none
             5   2019        FALL        first_time   FT        Y              3                  none         completed   within_100 | seeks an associate's
             6   2019        FALL        first_time   FT        Y              5                  armed_forces left        none
             7   2019        FALL        first_time   PT        Y              5                  none         completed   within_150
             8   2019        FALL        transfer_in  FT        Y              5                  none         completed   within_100
             9   2022        FALL        first_time   FT        Y              5                  none         completed   within_100 | three years, not six",
        )],
        cells: &[("completed", 1), ("transferred", 1), ("enrolled", 1), ("left", 1)],
    },
    Case {
        kpi: "ipeds/transfer_out",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status intensity degree_seeking exclusion   status      completion_time
             1   2022        FALL        first_time   FT        Y              none        transferred none
             2   2022        FALL        first_time   FT        Y              none        transferred within_100 | completed first
             3   2022        FALL        first_time   FT        Y              none        transferred unknown    | not known to have completed
             4   2022        FALL        first_time   FT        Y              none        completed   within_150
             5   2022        FALL        first_time   FT        Y              none        left        none
             6   2022        FALL        first_time   FT        Y              foreign_aid transferred none
             7   2022        FALL        first_time   PT        Y              none        transferred none
             8   2022        FALL        readmit      FT        Y              none        transferred none",
        )],
        cells: &[("transferred", 2), ("not_transferred", 3)],
    },
    Case {
        kpi: "ipeds/outcome_4yr",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year entry_status degree_seeking exclusion    award_year_4
             1   2021        first_time   Y              none         bachelors
             2   2021        transfer_in  Y              none         associate   | not first-time, and in the cohort
             3   2021        first_time   Y              none         certificate
             3   2021        first_time   Y              none         certificate | several terms
             4   2021        first_time   Y              none         none
             5   2021        first_time   Y              none         unknown
             6   2021        readmit      Y              none         bachelors   | entered before
             7   2021        unknown      Y              none         bachelors
             8   2021        first_time   N              none         associate
             9   2021        first_time   Y              armed_forces none
             10  2020        first_time   Y              none         associate",
        )],
        cells: &[("bachelors", 1), ("associate", 1), ("certificate", 1), ("none", 2)],
    },
    Case {
        kpi: "ipeds/outcome_6yr",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year entry_status degree_seeking exclusion         award_year_6
             1   2019        transfer_in  Y              none              bachelors
             2   2019        first_time   Y              none              associate
             3   2019        first_time   Y              none              certificate
             4   2019        first_time   Y              none              none
             5   2019        first_time   Y              deceased_disabled none
             6   2019        readmit      Y              none              certificate
             7   .           first_time   Y              none              bachelors",
        )],
        cells: &[("bachelors", 1), ("associate", 1), ("certificate", 1), ("none", 1)],
    },
    Case {
        kpi: "ipeds/outcome_8yr",
        period: "2025-26",
        rows: &[(
            Enrolment,
            "who cohort_year cohort_term entry_status degree_seeking exclusion      award_year_8 status
             1   2017        FALL        first_time   Y              none           bachelors    completed
             2   2017        SPRING      transfer_in  Y              none           associate    enrolled    | an award, whatever came after; entered in spring
             3   2017        FALL        first_time   Y              none           certificate  transferred
             4   2017        FALL        first_time   Y              none           none         enrolled
             5   2017        FALL        first_time   Y              none           none         transferred
             6   2017        FALL        first_time   Y              none           none         left
             7   2017        FALL        first_time   Y              none           unknown      unknown
             8   2017        FALL        readmit      Y              none           bachelors    completed
             9   2017        FALL        first_time   N              none           bachelors    completed
             10  2017        FALL        first_time   Y              church_mission none         left
             11  2017        FALL        transfer_in  Y              foreign_aid    none         left
             12  2018        FALL        first_time   Y              none           bachelors    completed",
        )],
        cells: &[
            ("bachelors", 1),
            ("associate", 1),
            ("certificate", 1),
            ("enrolled", 1),
            ("elsewhere", 1),
            ("left", 2),
        ],
    },
    Case {
        kpi: "ipeds/completers",
        period: "2025-26",
        rows: &[(
            Award,
            "who awarded_on award_level revoked_on
             1   2025-12-15 1b          .
             1   2026-05-20 3           .          | two awards: one completer
             2   2026-05-20 3           2026-06-01 | revoked
             3   2025-12-15 2           2026-01-10 | one revoked,
             3   2026-05-20 3           .          | and one that stands
             4   2026-05-20 unknown     .          | a badge, of no IPEDS level
             5   2025-06-30 5           .          | last year
             6   2026-07-01 5           .          | next year
             7   .          5           .          | no day
             8   2025-07-01 5           .",
        )],
        cells: &[("count", 3)],
    },
    Case {
        kpi: "ipeds/awards_conferred",
        period: "2025-26",
        rows: &[(Award, CONFERRED)],
        // Three of 1's four; one each of 2 and 3; 8's.
        cells: &[("awards", 6)],
    },
    Case {
        kpi: "ipeds/second_majors",
        period: "2025-26",
        rows: &[(Award, CONFERRED)],
        // 2's.
        cells: &[("awards", 1)],
    },
];
