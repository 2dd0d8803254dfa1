"""What a proof found: lines that each hold or do not, and a table of them for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    """`what` must hold; `words` are the figures, or name the breach where `good` is False."""

    what: str
    good: bool
    words: str


def show(title: str, lines: Sequence[Line], console: Console) -> bool:
    """Print a table; whether every line holds."""
    table = Table("", "What must hold", "Found", title=title, show_edge=False)
    for line in lines:
        table.add_row("[green]ok[/]" if line.good else "[red]no[/]", line.what, line.words)
    console.print(table)
    return all(line.good for line in lines)


def listed(what: str, breaches: Sequence[str], fine: str) -> Line:
    """One line for many possible breaches, the first of them by name."""
    if not breaches:
        return Line(what, True, fine)
    more = [f"and {len(breaches) - SHOWN} more"] if len(breaches) > SHOWN else []
    return Line(what, False, "\n".join([*breaches[:SHOWN], *more]))
