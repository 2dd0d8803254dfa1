"""Full-text search, by the means of the database at hand."""

from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Integer, Select, String, column, literal, select, table

from caddy_shopping.contexts.products.domain.slug import search_key
from caddy_shopping.contexts.products.infrastructure.tables import products, texts

MAX_WORDS = 8
MAX_TITLES = 1000
"""How many products a query of nothing but short words finds at most."""
MAX_TEXTS = 20_000
"""How many products, the newest, are searched where a database has no index of words (MariaDB, TiDB)."""

# FTS5's own name for "any of my columns" is the table's.
_fts = table("product_texts_fts", column("rowid", Integer), column("product_texts_fts", String))


class Stream(NamedTuple):
    """What a query finds, as what a statement begins with."""

    source: FromClause
    """A join that `products` is part of."""
    conditions: list[ColumnElement[bool]]
    order: ColumnElement[int] | None = None
    """Where it is a run of an index, so that a page costs what a page shows: descending, this is the newest first."""

    def position(self, product_id: UUID) -> ColumnElement[int]:
        """Where in `order` a product lies."""
        return select(texts.c.seq).where(texts.c.product_id == product_id).scalar_subquery()


class Search(Protocol):
    def conditions(self, query: str, *, active_only: bool = True) -> list[ColumnElement[bool]]:
        """Conditions on `products` that hold for what `query` finds. No query breaks them."""
        ...

    def stream(self, query: str, *, newest: bool) -> Stream | None:
        """The same to begin with, where that costs less: for a page of the `newest`, or for one that must be sorted."""
        ...


class TrigramSearch:
    """SQLite's FTS5 with the trigram tokenizer: any three characters in a row, in any script, are in its index.

    A shorter word, common in Chinese, is looked for in titles: in those that the longer words leave, or,
    where there is no longer one, in the index of titles.
    """

    def conditions(self, query: str, *, active_only: bool = True) -> list[ColumnElement[bool]]:
        long, short = _words(query)
        if not long:
            return [_short_only(short, active_only)] if short else []
        found = select(texts.c.product_id).join_from(_fts, texts, texts.c.seq == _fts.c.rowid).where(_matches(long))
        return [products.c.id.in_(found), *(_in_title(word) for word in short)]

    def stream(self, query: str, *, newest: bool) -> Stream | None:
        long, short = _words(query)
        if not (long and newest):
            return None
        source = _fts.join(texts, texts.c.seq == _fts.c.rowid).join(products, products.c.id == texts.c.product_id)
        return Stream(source, [_matches(long), *(_in_title(word) for word in short)], _fts.c.rowid)


class LikeSearch:
    """LIKE over the same texts. PostgreSQL takes it from a trigram index; without one it would read them all."""

    def conditions(self, query: str, *, active_only: bool = True) -> list[ColumnElement[bool]]:
        long, short = _words(query)
        if not long:
            return [_short_only(short, active_only)] if short else []
        return [products.c.id.in_(self._found(long, active_only)), *(_in_title(word) for word in short)]

    def stream(self, query: str, *, newest: bool) -> Stream | None:
        return None

    def _found(self, words: list[str], active_only: bool) -> Select[tuple[UUID]]:
        return select(texts.c.product_id).where(*_in_body(words))


class NewestSearch(LikeSearch):
    """LIKE over the texts of the newest products only, where no index can help with words of every script.

    MariaDB has no FULLTEXT parser for languages without spaces, TiDB no FULLTEXT at all. The limit bounds what a
    search may cost, however large the catalogue grows.
    """

    def stream(self, query: str, *, newest: bool) -> Stream | None:
        long, short = _words(query)
        if not long:
            return None
        # The limit, which changes nothing, keeps what is found a table of its own.
        found = self._found(long, active_only=True).limit(MAX_TEXTS).subquery("found")
        source = found.join(products, products.c.id == found.c.product_id)
        return Stream(source, [_in_title(word) for word in short])

    def _found(self, words: list[str], active_only: bool) -> Select[tuple[UUID]]:
        newest = select(products.c.id).order_by(products.c.id.desc()).limit(MAX_TEXTS)
        if active_only:
            newest = newest.where(products.c.is_active)
        looked_at = newest.subquery("looked_at")
        return select(texts.c.product_id).join(looked_at, looked_at.c.id == texts.c.product_id).where(*_in_body(words))


def search_for(dialect: str) -> Search:
    """The search of a database, by its dialect's name."""
    ways: dict[str, type[Search]] = {"sqlite": TrigramSearch, "postgresql": LikeSearch}
    return ways.get(dialect, NewestSearch)()


def _words(query: str) -> tuple[list[str], list[str]]:
    """The words of a query: those of three characters or more, and the shorter ones."""
    words = list(dict.fromkeys(search_key(query).split()))[:MAX_WORDS]
    return [word for word in words if len(word) > 2], [word for word in words if len(word) <= 2]


def _matches(words: list[str]) -> ColumnElement[bool]:
    # Each word is a quoted string (fts5.html §3.1): nothing in it can be an operator.
    quoted = " ".join('"' + word.replace('"', '""') + '"' for word in words)
    return _fts.c.product_texts_fts.op("MATCH")(literal(quoted))


def _in_body(words: list[str]) -> list[ColumnElement[bool]]:
    return [texts.c.body.contains(word, autoescape=True) for word in words]


def _in_title(word: str) -> ColumnElement[bool]:
    return products.c.title_key.contains(word, autoescape=True)


def _short_only(words: list[str], active_only: bool) -> ColumnElement[bool]:
    titles = products.alias("titles")
    found = select(titles.c.id)
    if active_only:
        found = found.where(titles.c.is_active)
    for word in words:
        found = found.where(titles.c.title_key.contains(word, autoescape=True))
    # Doubly nested, since MySQL takes no LIMIT directly inside IN.
    bounded = found.limit(MAX_TITLES).subquery("bounded")
    return products.c.id.in_(select(bounded.c.id))
