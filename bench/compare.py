"""Times an import and each table beside DuckDB doing the same work without privacy, in turn, so that both meet the
same machine. Writes a table in Markdown. Called by bench/run."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb

# What the tables mean to somebody who is not asked for privacy: rows counted, no learner once.
ENROLMENT, HIRES = "from '{enrolment}'", "from '{hires}'"
TABLES = [
    ("learners", "count by race/ethnicity", f"select RACE, count(*) {ENROLMENT} group by all"),
    (
        "completion",
        "rate by race/ethnicity x Pell",
        f"select RACE, PELL, COMPLETED, count(*) {ENROLMENT} group by all",
    ),
    ("credits", "mean by programme", f"select PROGRAM, avg(CREDITS) {ENROLMENT} group by all"),
    ("pay", "median of pay by programme", f"select PROGRAM, median(PAY) {HIRES} group by all"),
    (
        "in_four_terms",
        "learners by term, four terms each at most",
        f"select TERM, count(*) {ENROLMENT} group by all",
    ),
    (
        "crossed",
        "the same by term x programme x race/ethnicity",
        f"select TERM, PROGRAM, RACE, count(*) {ENROLMENT} group by all",
    ),
]

# The benchmark is worth nothing unless both count the same learners.
DISTINCT = f"select RACE, count(distinct STUDENT_ID) {ENROLMENT} group by all order by all"

SORTED = "copy (select * from read_csv('{csv}') order by STUDENT_ID, {time}) to '{parquet}'"


class Sumac:
    """The benchmark's own half, counting whenever it is asked to."""

    def __init__(self, binary, directory):
        pipe = subprocess.PIPE
        command = [binary, "count", directory]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def seconds(self, table, threads):
        self.process.stdin.write(f"{table} {threads}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def peak_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


def main():
    binary, directory, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cores = len(os.sched_getaffinity(0))
    print(f"DuckDB {duckdb.__version__}, {cores} cores, best of {runs} warm runs in turn\n")
    print("| work | threads | sumac | DuckDB | sumac takes |\n|---|---|---|---|---|")
    imports(binary, directory, cores)
    sumac = Sumac(binary, directory)
    names = {name: directory / f"{name}.parquet" for name in ("enrolment", "hires")}
    agree(sumac, names)
    for threads in range(1, cores + 1):
        connection = duckdb.connect()
        connection.execute(f"set threads = {threads}")
        for table, what, query in TABLES:
            query = query.format(**names)
            ours, theirs = in_turn(
                runs,
                lambda: sumac.seconds(table, threads),
                lambda: timed(lambda: connection.execute(query).fetchall()),
            )
            line(what, threads, ours, theirs)
        bounded, free = in_turn(
            runs,
            lambda: sumac.seconds("in_four_terms", threads),
            lambda: sumac.seconds("in_all_terms", threads),
        )
        print(
            f"| four terms at most, beside all terms | {threads} | {bounded * 1000:.0f} ms |"
            f" {free * 1000:.0f} ms (sumac) | {bounded / free:.2f} x |"
        )
    print(f"\nMemory of all tables: {sumac.peak_mib():.0f} MiB at most.")


def freeze(binary, directory, files):
    """Freezes the files into a snapshot; the seconds and the memory that it took."""
    command = [binary, "import", directory, *files]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def imports(binary, directory, threads):
    """CSV to snapshot, and CSV to sorted Parquet, of both files."""
    files = [directory / "enrolment.csv", directory / "hires.csv"]
    for file in files:  # into the page cache, for both
        subprocess.run(["cat", file], check=True, stdout=subprocess.DEVNULL)
    ours = freeze(binary, directory, files)
    connection = duckdb.connect()
    connection.execute(f"set threads = {threads}")
    theirs = 0
    for file, column in zip(files, ("TERM_START", "HIRED_ON")):
        query = SORTED.format(csv=file, time=column, parquet=file.with_suffix(".parquet"))
        theirs += timed(lambda: connection.execute(query))
    line("import of both files", threads, ours["seconds"], theirs)
    print(f"| memory of the import | | {ours['peak_mib']:.0f} MiB | {peak_mib():.0f} MiB | |")


def in_turn(runs, ours, theirs):
    """The best of each; the first run warms up and is not kept."""
    pairs = [(ours(), theirs()) for _ in range(runs + 1)][1:]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def line(what, threads, ours, theirs):
    def shown(seconds):
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

    print(
        f"| {what} | {threads} | {shown(ours)} | {shown(theirs)} | {ours / theirs:.2f} x |",
        flush=True,
    )


def agree(sumac, names):
    learners = [row[1] for row in duckdb.execute(DISTINCT.format(**names)).fetchall()]
    if learners != sumac.facts["learners"]:
        sys.exit("the two disagree about the learners")


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
