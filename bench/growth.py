"""Times Sumac over more and more rows and fits time = a · rows^b; a b of 1 is linear. Then takes the fewest rows in
another order: the cells must be the same, and the time is told beside. Called by bench/growth."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from compare import TABLES, Sumac, freeze

RUNS = 5


def main():
    binary, directory, sizes = sys.argv[1], Path(sys.argv[2]), [int(size) for size in sys.argv[3:]]
    threads = len(os.sched_getaffinity(0))
    works = ["import of both files", *(what for _, what, _ in TABLES)]
    print(f"{threads} cores, best of {RUNS} warm runs; seconds\n")
    print("| rows | memory of the import |", " | ".join(works), "|")
    print("|---" * (len(works) + 2) + "|", flush=True)
    found = []
    for rows in sizes:
        generate(directory, rows)
        found.append(measure(binary, directory, threads, f"{rows:,}"))
        if rows != sizes[0]:
            (directory / "enrolment.csv").unlink()
            (directory / "hires.csv").unlink()
    fit = [exponent(sizes, [times[n] for times, _ in found]) for n in range(len(works))]
    print("| exponent | |", " | ".join(f"{b:.2f}" for b in fit), "|", flush=True)

    generate(directory, sizes[0])
    reorder(directory)
    _, learners = measure(binary, directory, threads, f"{sizes[0]:,}, by learner")
    if learners != found[0][1]:
        sys.exit("another order of the rows gives other cells")


def generate(directory, rows):
    script = Path(__file__).with_name("generate.py")
    subprocess.run([sys.executable, script, directory, str(rows)], check=True)


def reorder(directory):
    """The same rows, each learner's together."""
    for name in ("enrolment", "hires"):
        file, other = directory / f"{name}.csv", directory / f"{name}.other.csv"
        rows = f"from read_csv('{file}', all_varchar = true) order by STUDENT_ID"
        duckdb.execute(f"copy (select * {rows}) to '{other}' (header)")
        shutil.move(other, file)


def measure(binary, directory, threads, what):
    """Seconds of the import and of each table, and a table's cells."""
    frozen = freeze(binary, directory, [directory / "enrolment.csv", directory / "hires.csv"])
    sumac = Sumac(binary, directory)
    times = [frozen["seconds"]]
    for table, _, _ in TABLES:
        times.append(min([sumac.seconds(table, threads) for _ in range(RUNS + 1)][1:]))
    shown = " | ".join(f"{time:.3f}" for time in times)
    print(f"| {what} | {frozen['peak_mib']:.0f} MiB | {shown} |", flush=True)
    return times, sumac.facts["learners"]


def exponent(sizes, times):
    """The slope of the line through the logarithms, by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(time) for time in times]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
    return covariance / sum((a - mean_x) ** 2 for a in x) if len(x) > 1 else math.nan


if __name__ == "__main__":
    main()
