"""Draws the benchmark's rows: enrolments of learners in twelve terms, and as many hires. The same for the same
number of rows, because every value is a hash; nobody in it exists. Called by bench/run."""

import sys

import duckdb

# First days of the twelve terms of four years that start on 1 July.
TERMS = [
    "2022-08-29", "2023-01-17", "2023-06-05", "2023-08-28", "2024-01-16", "2024-06-03",
    "2024-08-26", "2025-01-21", "2025-06-02", "2025-08-25", "2026-01-20", "2026-06-01",
]  # fmt: skip

# Stays of n and 10 - n terms in turn: five terms on average, exactly.
LEARNERS = """
create table learner as
select i,
       'S' || lpad((hash(i, 0) % 1000000007)::varchar, 10, '0') || i as id,
       case when i % 2 = 0 then 1 + i // 2 % 9 else 10 - (1 + i // 2 % 9) end as terms,
       (hash(i, 1) % (13 - terms))::int as first,
       1 + hash(i, 2) % 9 as race, ['Y', 'N', ''][1 + (hash(i, 3) % 3)::int] as pell,
       printf('P%02d', (hash(i, 4) % 50)::int) as programme, hash(i, 5) % 3 = 0 as completes
from range({learners}) t(i)
"""

# Term by term and in no order of learners, as an export has them.
ENROLMENTS = """
copy (
    select id as STUDENT_ID, {terms}[term + 1] as TERM_START, printf('T%02d', term + 1) as TERM,
           race as RACE, pell as PELL, programme as PROGRAM,
           case when term + 1 = first + terms and completes then 'Y' else 'N' end as COMPLETED,
           printf('%.2f', (hash(i, term, 6) % 1800)::int / 100.0) as CREDITS
    from range(12) t(term), learner where term >= first and term < first + terms
    order by term, hash(i, 7)
) to '{directory}/enrolment.csv' (header)
"""

HIRES = """
copy (
    select id as STUDENT_ID, (date '2022-07-01' + (hash(i, n, 8) % 1460)::int) as HIRED_ON,
           programme as PROGRAM,
           printf('%.2f', (1500000 + (hash(i, n, 9) % 9000000)::int) / 100.0) as PAY
    from range(5) t(n), learner order by hash(i, n, 10)
) to '{directory}/hires.csv' (header)
"""


def main():
    directory, rows = sys.argv[1], int(float(sys.argv[2]))
    connection = duckdb.connect()
    for query in (LEARNERS, ENROLMENTS, HIRES):
        connection.execute(query.format(directory=directory, learners=rows // 5, terms=TERMS))


if __name__ == "__main__":
    main()
