"""Files stay a read and functions a screen: hard limits for each, and a habit for nearly all."""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
FILE_LIMIT, FILE_HABIT = 400, 250
DEF = (ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTION_LIMIT, FUNCTION_HABIT = 60, 35


def sources() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def file_lengths() -> dict[str, int]:
    """Lines of every module that holds something."""
    lengths = {str(path.relative_to(SRC)): len(path.read_text().splitlines()) for path in sources()}
    return {name: length for name, length in lengths.items() if length}


def function_lengths(tree: ast.Module, name: str) -> dict[str, int]:
    """Lines from `def` to the end of the body, without its docstring, and without functions inside it: those count
    for themselves (a context's CLI is one function that holds a dozen commands).
    """
    return {f"{name}:{node.lineno} {node.name}": own_lines(node) for node in ast.walk(tree) if isinstance(node, DEF)}


def own_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    inner = sum(span(below) for below in outermost_functions(node))
    docstring = span(node.body[0]) if ast.get_docstring(node, clean=False) is not None else 0
    return span(node) - docstring - inner


def span(node: ast.stmt) -> int:
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(mark.lineno for mark in marks)])
    return (node.end_lineno or first) - first + 1


def outermost_functions(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, DEF):
            yield child
        else:
            yield from outermost_functions(child)


def all_functions() -> dict[str, int]:
    lengths: dict[str, int] = {}
    for path in sources():
        lengths |= function_lengths(ast.parse(path.read_text()), str(path.relative_to(SRC)))
    return lengths


def over(lengths: dict[str, int], limit: int) -> list[str]:
    """Whatever is longer than `limit`, longest first."""
    found = sorted(lengths.items(), key=lambda item: -item[1])
    return [f"{name}: {length} lines" for name, length in found if length > limit]


@pytest.mark.parametrize(
    ("lengths", "limit", "habit"),
    [(file_lengths(), FILE_LIMIT, FILE_HABIT), (all_functions(), FUNCTION_LIMIT, FUNCTION_HABIT)],
    ids=["files", "functions"],
)
def test_sizes(lengths: dict[str, int], limit: int, habit: int) -> None:
    assert len(lengths) > 100, "nothing to measure was found"
    assert over(lengths, limit) == []
    beyond_habit = over(lengths, habit)
    assert len(beyond_habit) <= 0.05 * len(lengths), beyond_habit


def test_the_measure_measures() -> None:
    body = "\n".join(f"    x{line} = {line}" for line in range(10))
    (length,) = function_lengths(ast.parse(f'async def f():\n    """Two\n    lines."""\n{body}\n'), "m").values()
    assert length == 11
    inner = textwrap.indent(f"@mark\ndef g():\n{body}", "        ")
    nested = ast.parse(f"def f():\n    if x:\n{inner}\n    return 1\n")
    assert sorted(function_lengths(nested, "m").values()) == [3, 12]
    assert over({"short": 3, "long": 5, "longer": 9}, 4) == ["longer: 9 lines", "long: 5 lines"]
