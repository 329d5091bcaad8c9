"""DuckDB's times beside ours, on the Parquet file that the benchmark froze. Called by bench/run."""

import json
import statistics
import sys
import time
from pathlib import Path

import duckdb

# Codes as the benchmark's agreement lists them.
COMPLETED = 0

# The same columns, counted as rows: no privacy, no person counted once.
PLAIN = "select race, completed, count(*) from '{file}' group by race, completed"

# Persons once in each cell; a learner may still be in two.
DISTINCT = "select race, completed, count(distinct person) from '{file}' group by race, completed"

# What the table means: each learner in one cell, by their latest row in the period.
EQUAL = """
select race, completed, count(*) from (
    select arg_max(race, term_start) as race, bool_or(completed = {completed}) as completed
    from '{file}' where term_start between date '2022-07-01' and date '2026-06-30'
    group by person
) group by race, completed
"""


def timed(connection, query, runs):
    """Seconds of each run but the first, and the last run's rows."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        rows = connection.execute(query).fetchall()
        times.append(time.perf_counter() - started)
    return times[1:], rows


def main():
    directory = Path(sys.argv[1])
    ours = json.loads((directory / "sumac.json").read_text())
    names = {"file": ours["parquet"], "completed": COMPLETED}
    print(f"DuckDB {duckdb.__version__}; {len(ours['seconds']['1'])} warm runs, in ms; ratios of the best")
    print(f"{'threads':>7}  {'what':<40}{'median':>9}{'best':>9}   sumac is")
    for threads, seconds in ours["seconds"].items():
        line(threads, "sumac: each learner once, exact cells", seconds)
        connection = duckdb.connect()
        connection.execute(f"set threads = {threads}")
        for what, query, runs in [
            ("DuckDB: plain GROUP BY of rows", PLAIN, len(seconds)),
            ("DuckDB: count(distinct person)", DISTINCT, 3),
            ("DuckDB: each learner once (equal work)", EQUAL, 3),
        ]:
            times, rows = timed(connection, query.format(**names), runs)
            line(threads, what, times, f"{min(times) / min(seconds):8.2f} x as fast")
            if query is EQUAL:
                agree(ours["cells"], rows)


def line(threads, what, times, ratio=""):
    median, best = statistics.median(times) * 1000, min(times) * 1000
    print(f"{threads:>7}  {what:<40}{median:9.1f}{best:9.1f}  {ratio}".rstrip())


def agree(cells, rows):
    """The benchmark is worth nothing unless both count the same learners."""
    theirs = [0] * len(cells)
    for race, completed, learners in rows:
        theirs[race * 2 + (0 if completed else 1)] = learners
    if theirs != cells:
        sys.exit("the two disagree about the cells")


if __name__ == "__main__":
    main()
