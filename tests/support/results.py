"""What was run on what: a line for each engine, and the table in the README, from the results of the test runs.

`python -m tests.support.results FOLDER` reads `SQLite.xml`, `PostgreSQL.xml` and so on (JUnit's format) there. With
`--write README.md` the table between the two markers of that file is made anew.
"""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from tests.support.engine import SQLITE
from tests.support.servers import ENGINES

BEGIN, END = "<!-- made by tests/support/results.py: begin -->", "<!-- end -->"
ROWS = {
    "users": "tests.contexts.users",
    "products": "tests.contexts.products",
    "orders": "tests.contexts.orders",
    "payments": "tests.contexts.payments",
    "notifications": "tests.contexts.notifications",
    "platform": "tests.platform",
    "process and commands": "tests.main",
    "whole journeys": "tests.scenarios",
    "races, crashes, fuzzing": "tests.properties",
    "kernel, layers, documents, the tests' own tools": "tests",
}
"""Where a test belongs: to the first that its module's name begins with."""
Counts = dict[str, Counter[str]]


def read(report: Path) -> Counts:
    """How the tests of one run ended, by row: `passed`, `failed`, `skipped`."""
    found: Counts = {row: Counter() for row in ROWS}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '')}."
        row = next(row for row, prefix in ROWS.items() if name.startswith(f"{prefix}."))
        kinds = {child.tag for child in case}
        ended = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[row][ended] += 1
    return found


def line(engine: str, counts: Counts | None) -> str:
    """For the end of a run."""
    if counts is None:
        return f"{engine}: not run"
    total = sum(counts.values(), Counter[str]())
    return f"{engine}: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"


def table(runs: Mapping[str, Counts | None]) -> str:
    """Markdown: passed tests by row and engine, with those that failed or were skipped beside them."""
    lines = ["| tests of | " + " | ".join(runs) + " |", "| --- |" + " --- |" * len(runs)]
    for row in ROWS:
        cells = [_cell(None if counts is None else counts[row]) for counts in runs.values()]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(counts: Counter[str] | None) -> str:
    if counts is None:
        return "not run"
    if not counts:
        return "–"
    extra = [f"{counts[kind]} {kind}" for kind in ("failed", "skipped") if counts[kind]]
    return f"{counts['passed']}" + (f" ({', '.join(extra)})" if extra else "")


def written(text: str, made: str) -> str:
    """`text` with `made` between its markers. Raises `ValueError` where they are missing."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the file has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main(arguments: list[str]) -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    reports = {engine: options.folder / f"{engine}.xml" for engine in (SQLITE, *ENGINES)}
    runs = {engine: read(report) if report.exists() else None for engine, report in reports.items()}
    if options.write:
        options.write.write_text(written(options.write.read_text(), table(runs)))
    print("\n".join(line(engine, counts) for engine, counts in runs.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
