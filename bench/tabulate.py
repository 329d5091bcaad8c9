"""One table beside DuckDB, on the Parquet file that the benchmark freezes. Called by bench/run."""

import json
import statistics
import subprocess
import sys
import time

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


# DuckDB's heavier queries are timed in this many of the runs.
HEAVY_RUNS = 3


class Sumac:
    """The benchmark, counting whenever it is asked to."""

    def __init__(self, directory):
        command = "cargo bench --quiet --locked -p sumac-node --features bench --bench tabulate --"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*command.split(), directory], stdin=pipe, stdout=pipe, text=True
        )
        first = self.process.stdout.readline()
        if not first:
            sys.exit("the benchmark did not start; see above")
        self.facts = json.loads(first)

    def seconds(self, threads):
        self.process.stdin.write(f"{threads}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main():
    directory, runs = sys.argv[1], int(sys.argv[2])
    sumac = Sumac(directory)
    names = {"file": sumac.facts["parquet"], "completed": COMPLETED}
    queries = [
        ("DuckDB: plain GROUP BY of rows", PLAIN, runs),
        ("DuckDB: count(distinct person)", DISTINCT, min(runs, HEAVY_RUNS)),
        ("DuckDB: each learner once (equal work)", EQUAL, min(runs, HEAVY_RUNS)),
    ]
    print(f"DuckDB {duckdb.__version__}; {runs} warm runs in turn, in ms; ratios of the best")
    print(f"{'threads':>7}  {'what':<40}{'median':>9}{'best':>9}   sumac is")
    for threads in (1, 2):
        connection = duckdb.connect()
        connection.execute(f"set threads = {threads}")
        ours, theirs = [], {what: [] for what, _, _ in queries}
        # The first run warms up and is not kept.
        for run in range(runs + 1):
            ours.append(sumac.seconds(threads))
            for what, query, wanted in queries:
                if run <= wanted:
                    started = time.perf_counter()
                    rows = connection.execute(query.format(**names)).fetchall()
                    theirs[what].append(time.perf_counter() - started)
                    if query is EQUAL:
                        agree(sumac.facts["cells"], rows)
        best = line(threads, "sumac: each learner once, exact cells", ours[1:])
        for what, times in theirs.items():
            line(threads, what, times[1:], best)


def line(threads, what, times, ours=None):
    """Prints a line of the table and returns its best time."""
    median, best = statistics.median(times) * 1000, min(times) * 1000
    ratio = "" if ours is None else f"{best / ours:8.2f} x as fast"
    print(f"{threads:>7}  {what:<40}{median:9.1f}{best:9.1f}  {ratio}".rstrip())
    return best


def agree(cells, rows):
    """The benchmark is worth nothing unless both count the same learners."""
    theirs = [0] * len(cells)
    for race, completed, learners in rows:
        theirs[race * 2 + (0 if completed else 1)] = learners
    if theirs != cells:
        sys.exit("the two disagree about the cells")


if __name__ == "__main__":
    main()
