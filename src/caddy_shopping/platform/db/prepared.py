"""Statements of the hot paths: worked out once, then run at little more than the driver's own cost.

Between a built statement and the driver SQLAlchemy makes some 110 Python calls each time it is run: cache keys,
contexts, events, result proxies. A checkout has about 50 statements, so that was half of its cost. What they need of
all this is the SQL, the order of the parameters and the conversions of values, and those stay the same.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Parameters = Mapping[str, Any]
Convert = Callable[[Any], Any]


class Rows(list[Any]):
    """All rows of an answer, with attributes by column name; `rowcount` of a change."""

    __slots__ = ("rowcount",)

    def __init__(self, rows: Iterable[Any] = (), rowcount: int = -1) -> None:
        super().__init__(rows)
        self.rowcount = rowcount

    def first(self) -> Any:
        """The first row, None where there is none."""
        return self[0] if self else None

    def scalar(self) -> Any:
        """The first row's first column, None where there is no row."""
        return self[0][0] if self else None


class Prepared:
    """A Core statement that is run often. Build it once, at import or in a constructor.

    Parameters are `bindparam`s (a list where they are `expanding`), and for a bare INSERT its columns. Defaults that
    Python would fill in are refused: say each value.
    """

    __slots__ = ("_lists", "_recipes", "statement")

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._recipes: dict[tuple[Any, ...], Recipe] = {}
        self._lists: tuple[str, ...] | None = None

    def bound(self, dialect: Dialect, parameters: Parameters | Sequence[Parameters]) -> "tuple[Recipe, Any, bool]":
        """The recipe, the values for the driver, and whether these are many sets of values."""
        if type(parameters) is dict or isinstance(parameters, Mapping):  # the first is what it is, and is quick
            recipe = self.recipe(dialect, parameters)
            return recipe, recipe.bind(parameters), False
        recipe = self.recipe(dialect, parameters[0])
        return recipe, [recipe.bind(each) for each in parameters], True

    def recipe(self, dialect: Dialect, parameters: Parameters) -> "Recipe":
        """How this is said to `dialect` with these parameters; made at the first use of their names and lengths."""
        lists = self._lists
        if lists:
            key: tuple[Any, ...] = (dialect.name, *parameters, *(len(parameters[name]) for name in lists))
        else:
            key = (dialect.name, *parameters)
        recipe = self._recipes.get(key)
        if recipe is None or lists is None:
            compiled = _compile(self.statement, dialect, parameters)
            self._lists = tuple(sorted(bind.key for bind in compiled.post_compile_params))
            recipe = Recipe(compiled, parameters)
            if not self._lists or lists is not None:
                self._recipes[key] = recipe
        return recipe


class Recipe:
    """A statement as one database takes it: `sql`, and the conversions of what goes in and comes out."""

    __slots__ = ("_constants", "_conversions", "_lists", "_row", "_steps", "sql")

    def __init__(self, compiled: SQLCompiler, sample: Parameters) -> None:
        dialect, state = compiled.dialect, compiled.construct_expanded_state(dict(sample))
        self.sql = state.statement
        self._lists = dict(state.parameter_expansion)
        listed = {name for names in self._lists.values() for name in names}
        known, order = compiled.construct_params(dict(sample)), state.positiontup or ()
        convert = {
            name: state.processors.get(name) if name in listed else _to_driver(compiled.binds[name].type, dialect)
            for name in order
        }
        # What the statement itself says is converted once.
        constant = {name for name in order if name not in sample and name not in listed}
        self._constants = {name: _converted(known[name], convert.pop(name)) for name in constant}
        self._steps: list[tuple[str, Any]] = [(name, convert.get(name)) for name in order]
        columns = list(compiled.statement.selected_columns) if isinstance(compiled.statement, Select) else []
        self._row = _named([str(column.key) for column in columns])
        conversions = [(place, _from_driver(column.type, dialect)) for place, column in enumerate(columns)]
        self._conversions = [(place, each) for place, each in conversions if each is not None]

    def bind(self, parameters: Parameters) -> tuple[Any, ...]:
        """The values in the order of `sql`'s markers."""
        values = parameters if not self._constants else {**self._constants, **parameters}
        if self._lists:
            values = dict(values)
            for name, names in self._lists.items():
                values.update(zip(names, _flat(values[name]), strict=True))
        return tuple([values[name] if convert is None else convert(values[name]) for name, convert in self._steps])

    def rows(self, raw: Sequence[Sequence[Any]], rowcount: int = -1) -> Rows:
        """What the driver fetched, converted and named."""
        if not raw:
            return Rows((), rowcount)
        make, conversions, found = self._row, self._conversions, []
        for each in raw:
            values = list(each)
            for place, convert in conversions:
                values[place] = convert(values[place])
            found.append(make(values))
        return Rows(found, rowcount)


def _named(columns: list[str]) -> Callable[[Iterable[Any]], Any]:
    """Makes rows with these attributes, in the order of the values."""
    make: Any = namedtuple  # the type checker would have the names at check time
    row: Callable[[Iterable[Any]], Any] = make("Row", columns, rename=True)._make
    return row


def _compile(statement: Any, dialect: Dialect, parameters: Parameters) -> SQLCompiler:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(parameters) if statement.is_insert else None)
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise TypeError(f"a prepared statement fills in no defaults; say each value: {compiled}")
    made: SQLCompiler = compiled
    return made


def _flat(items: Sequence[Any]) -> Sequence[Any]:
    """The values of a list, or of a list of tuples, one after another."""
    return [value for item in items for value in item] if items and isinstance(items[0], tuple) else items


def _converted(value: Any, convert: Any) -> Any:
    return value if convert is None else convert(value)


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _from_driver(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
