"""The habits of the house that no linter knows."""

import ast
import gc
import importlib
import pkgutil
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import caddy_shopping
from caddy_shopping.kernel.errors import ShopError

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "caddy_shopping"
CHINESE = r"[\u4e00-\u9fff]"
Finder = Callable[[ast.Module], Iterator[int]]


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((SRC / folder).rglob("*.py"))]


def imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))


def type_checking(tree: ast.Module) -> Iterator[int]:
    yield from (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
    yield from (node.lineno for node in imports(tree) for name in node.names if name.name == "TYPE_CHECKING")


def relative_imports(tree: ast.Module) -> Iterator[int]:
    return (node.lineno for node in imports(tree) if node.level)


def future_imports(tree: ast.Module) -> Iterator[int]:
    return (node.lineno for node in imports(tree) if node.module == "__future__")


def prints(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno


def undocumented(tree: ast.Module) -> Iterator[int]:
    """Public classes and functions of a module that say nothing of themselves; errors say it in `en`."""
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not _speaks(node):
            yield node.lineno


def _speaks(node: ast.AST) -> bool:
    """Whether a class is an error or event whose name and fields are all there is to say, or a Protocol's twin."""
    if not isinstance(node, ast.ClassDef):
        return False
    named = {
        target.id
        for part in node.body
        if isinstance(part, ast.Assign)
        for target in part.targets
        if isinstance(target, ast.Name)
    }
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return "code" in named or any(base.endswith("Event") for base in bases)


def found(finder: Finder, paths: list[Path]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{line}" for path in paths for line in finder(parsed(path))]


@cache
def parsed(path: Path) -> ast.Module:
    """Read once for all finders."""
    # A collection in the midst of it may log a traceback, which parses too, and CPython takes that for a fault of ours.
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


@pytest.mark.parametrize("finder", [type_checking, relative_imports, future_imports, prints])
def test_nowhere_in_the_source(finder: Finder) -> None:
    assert found(finder, modules(".")) == []


@pytest.mark.parametrize("finder", [type_checking, relative_imports, future_imports])
def test_nowhere_in_the_tests(finder: Finder) -> None:
    own = Path(__file__)
    assert found(finder, [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != own]) == []


def test_what_others_build_on_is_documented() -> None:
    assert found(undocumented, modules("kernel", "contracts", "platform")) == []


@pytest.mark.parametrize(
    ("finder", "guilty", "innocent"),
    [
        (type_checking, "from typing import TYPE_CHECKING", "from typing import Any"),
        (type_checking, "import typing\nif TYPE_CHECKING: pass", "TYPE = 1"),
        (relative_imports, "from . import x", "from a import x"),
        (future_imports, "from __future__ import annotations", "from futures import x"),
        (prints, "def f():\n    print(1)", "console.print(1)"),
        (undocumented, "def f(): pass", "def _f(): pass"),
        (undocumented, "class A: x = 1", 'class A:\n    """Says."""'),
        (undocumented, "async def f(): pass", "class Gone(NotFound):\n    code = 'GONE'"),
    ],
)
def test_the_finders_find(finder: Finder, guilty: str, innocent: str) -> None:
    assert list(finder(ast.parse(guilty)))
    assert not list(finder(ast.parse(innocent)))


def test_packages_begin_empty() -> None:
    holders = [path for folder in (SRC, ROOT / "tests") for path in folder.rglob("__init__.py")]
    assert len(holders) > 30
    assert [str(path) for path in holders if path.read_text().strip()] == []


def test_every_folder_of_code_is_a_package() -> None:
    """Otherwise import-linter, mypy and coverage would each silently see something else."""
    folders = {path.parent for folder in (SRC, ROOT / "tests") for path in folder.rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def errors() -> list[type[ShopError]]:
    """Every named error of the shop: all modules are imported first."""
    for module in pkgutil.walk_packages(caddy_shopping.__path__, "caddy_shopping."):
        if not re.search(r"\.(migrations|alembic_env|__main__)", module.name):
            importlib.import_module(module.name)
    seen: list[type[ShopError]] = []
    waiting = [ShopError]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if error.__module__.startswith("caddy_shopping.") and error not in seen:
            seen.append(error)
    return seen


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_every_code_is_one_errors_alone() -> None:
    owners = defaultdict(set)
    for error in errors():
        # A subclass without a code of its own is the same error to a caller.
        if "code" in vars(error):
            owners[error.code].add(f"{error.__module__}.{error.__name__}")
    assert len(owners) > 40
    assert {code: names for code, names in owners.items() if len(names) > 1} == {}


def faults(error: type[ShopError]) -> Iterator[str]:
    """What is wrong with an error's code and texts."""
    if not re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", error.code):
        yield f"the code {error.code!r} is not UPPER_SNAKE"
    if placeholders(error.en) != placeholders(error.zh):
        yield "the texts do not have the same placeholders"
    if re.search(CHINESE, error.en) or not error.en.strip():
        yield "the English text is not English"
    if not re.search(CHINESE, error.zh):
        yield "the Chinese text is not Chinese"
    if ("en" in vars(error)) != ("zh" in vars(error)):
        yield "one text is its own, the other is inherited"


def test_every_error_speaks_both_languages() -> None:
    assert {error.__name__: list(faults(error)) for error in errors() if list(faults(error))} == {}


@pytest.mark.parametrize(
    ("code", "en", "zh"),
    [
        ("gone", "Gone.", "没了。"),
        ("GONE", "{a} is gone.", "没了。"),
        ("GONE", "没了。", "没了。"),
        ("GONE", " ", "没了。"),
        ("GONE", "Gone.", "Gone."),
        ("GONE", "Gone.", None),
    ],
)
def test_a_fault_of_an_error_is_seen(code: str, en: str, zh: str | None) -> None:
    texts = {"code": code, "en": en} | ({} if zh is None else {"zh": zh})
    assert list(faults(type("Gone", (ShopError,), texts)))
    assert not list(faults(ShopError))
