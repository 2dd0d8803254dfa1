"""The public list: filters, sorts, pages and facets out of indexes.

A filter on a label (category, tag, …) starts from `product_labels`, whose indexes hold every label in every
sort order; the others are then checked product by product. Without one it starts from `products`, or, for
words with the newest first, from the index of words.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, null, or_, select, union_all

from caddy_shopping.contexts.products.application.queries import ProductFilter, Sort
from caddy_shopping.contexts.products.application.views import Facets, FacetValue, ProductSummary
from caddy_shopping.contexts.products.infrastructure.search import Search, Stream
from caddy_shopping.contexts.products.infrastructure.tables import labels, products
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest, Slice
from caddy_shopping.platform.db.engine import Database

_p = products.c
COLUMNS = (
    _p.id,
    _p.slug,
    _p.title,
    _p.vendor,
    _p.product_type,
    _p.min_price_amount,
    _p.max_price_amount,
    _p.compare_at_amount,
    _p.currency,
    _p.image_url,
    _p.in_stock,
)
Label = tuple[str, tuple[str, ...]]
_MYSQL = ("mysql", "mariadb")
INDEXES = {
    Sort.NEWEST: "idx_products_newest",
    Sort.PRICE_ASC: "idx_products_price",
    Sort.PRICE_DESC: "idx_products_price",
    Sort.TITLE: "idx_products_title",
}
"""The index of `products` that each order is a walk along."""


class Listing:
    def __init__(self, database: Database, search: Search) -> None:
        self._database = database
        self._search = search

    async def products(self, wanted: ProductFilter, page: PageRequest) -> Slice[ProductSummary]:
        statement = self.statement(wanted, page)
        connect = self._database.glance if _is_quick(wanted, page) else self._database.read
        async with connect() as connection:
            rows = (await connection.execute(statement)).all()
        total = (rows[0].total if rows else 0) if page.total else None
        cut = Slice.cut(rows, page, lambda row: (wanted.sort, _sort_value(row, wanted.sort), row.id), total)
        return Slice([summary(row) for row in cut.items], cut.next_cursor, cut.total)

    def statement(self, wanted: ProductFilter, page: PageRequest) -> Select[Any]:
        """The one SELECT of a page."""
        stream = self._stream(wanted)
        found, lead = self._found(wanted, stream)
        columns: list[Any] = [*COLUMNS, *([_p.title_key] if wanted.sort is Sort.TITLE else [])]
        if page.total:
            columns.append(select(func.count()).select_from(found.subquery()).scalar_subquery().label("total"))
        statement = found.with_only_columns(*columns, maintain_column_froms=True)
        if not (_labels_of(wanted) or wanted.q):
            statement = _along(statement, INDEXES[wanted.sort])
        key, ident = _order(wanted.sort, lead)
        descending = wanted.sort in (Sort.NEWEST, Sort.PRICE_DESC)
        after = _after(page, wanted.sort)
        if stream is not None and stream.order is not None:
            ident = stream.order
            statement = statement if after is None else statement.where(ident < stream.position(after[1]))
        elif after is not None:
            statement = statement.where(_beyond(after, key, ident, descending))
        order = [ident] if key is None else [key, ident]
        return statement.order_by(*(each.desc() if descending else each for each in order)).limit(page.limit + 1)

    def _stream(self, wanted: ProductFilter) -> Stream | None:
        stream = self._search.stream(wanted.q or "", newest=wanted.sort is Sort.NEWEST)
        led_by_label = stream is not None and stream.order is None and _labels_of(wanted)
        return None if led_by_label else stream

    async def facets(self, wanted: ProductFilter) -> Facets:
        found, _lead = self._found(wanted)
        counted = select(labels.c.kind, labels.c.value, func.count().label("n"))
        if wanted != ProductFilter(sort=wanted.sort):
            counted = counted.where(labels.c.product_id.in_(found.with_only_columns(_p.id, maintain_column_froms=True)))
        prices = found.with_only_columns(
            _p.currency, func.min(_p.min_price_amount), func.max(_p.max_price_amount), maintain_column_froms=True
        ).group_by(_p.currency)
        statement = union_all(
            counted.add_columns(null().label("high")).group_by(labels.c.kind, labels.c.value),
            select(literal("price"), *prices.subquery().c),
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return _facets([(row[0], row[1], row[2], row[3]) for row in rows])

    def _found(self, wanted: ProductFilter, stream: Stream | None = None) -> tuple[Select[Any], Label | None]:
        """Everything that the filters leave, and the label it starts from (None: products, or `stream`)."""
        groups = _labels_of(wanted)
        lead = next((group for group in groups if len(group[1]) == 1), None) if stream is None else None
        statement: Select[Any] = select(_p.id)
        if stream is not None:
            statement = statement.select_from(stream.source).where(_p.is_active)
            statement = statement if stream.order is not None else _from_first(statement)
        elif lead is not None:
            statement = statement.join_from(labels, products, _p.id == labels.c.product_id)
            statement = statement.where(labels.c.kind == lead[0], labels.c.value == lead[1][0])
        else:
            statement = statement.where(_p.is_active)
        for group in groups:
            if group is not lead:
                statement = statement.where(_has_label(group))
        price = _p.min_price_amount if lead is None else labels.c.min_price_amount
        if wanted.min_price is not None:
            statement = statement.where(price >= wanted.min_price)
        if wanted.max_price is not None:
            statement = statement.where(price <= wanted.max_price)
        if wanted.in_stock:
            statement = statement.where(_p.in_stock)
        words = self._search.conditions(wanted.q or "") if stream is None else stream.conditions
        return statement.where(*words), lead


def _along(statement: Select[Any], index: str) -> Select[Any]:
    """MariaDB and TiDB rather sort all that a range of prices leaves than walk to the end of a page: they are told to.

    The index holds the price, so that what the range passes over is not looked up.
    """
    for dialect in _MYSQL:
        statement = statement.with_hint(products, f"FORCE INDEX ({index})", dialect)
    return statement


def _from_first(statement: Select[Any]) -> Select[Any]:
    """MariaDB and TiDB would rather walk all products and look for words at each than sort the few that were found."""
    for dialect in _MYSQL:
        statement = statement.prefix_with("STRAIGHT_JOIN", dialect=dialect)
    return statement


def summary(row: Any) -> ProductSummary:
    """A row of `COLUMNS` as lists show it."""
    currency = row.currency
    return ProductSummary(
        id=row.id,
        slug=row.slug,
        title=row.title,
        vendor=row.vendor,
        product_type=row.product_type,
        price=Money(row.min_price_amount, currency),
        max_price=Money(row.max_price_amount, currency),
        compare_at_price=None if row.compare_at_amount is None else Money(row.compare_at_amount, currency),
        image_url=row.image_url,
        in_stock=row.in_stock,
    )


def _is_quick(wanted: ProductFilter, page: PageRequest) -> bool:
    """Whether a page is a run of one index, with no row that a further filter passes over."""
    passing_over = wanted.q or wanted.in_stock or wanted.min_price is not None or wanted.max_price is not None
    groups = _labels_of(wanted)
    return not (passing_over or page.total or len(groups) > 1 or any(len(values) > 1 for _, values in groups))


def _labels_of(wanted: ProductFilter) -> list[Label]:
    """The labels asked for; within one group any will do. What is rarer in a shop comes first."""
    groups: list[Label] = [("tag", (tag,)) for tag in dict.fromkeys(wanted.tags)]
    options: dict[str, list[str]] = {}
    for option in dict.fromkeys(wanted.options):
        options.setdefault(option.partition(":")[0], []).append(option)
    groups += [("option", tuple(values)) for values in options.values()]
    groups += [("vendor", (wanted.vendor,))] if wanted.vendor else []
    groups += [("category", (wanted.category,))] if wanted.category else []
    groups += [("type", (wanted.product_type,))] if wanted.product_type else []
    return groups


def _has_label(group: Label) -> ColumnElement[bool]:
    also = labels.alias()
    return (
        select(also.c.product_id)
        .where(also.c.product_id == _p.id, also.c.kind == group[0], also.c.value.in_(group[1]))
        .exists()
    )


def _order(sort: Sort, lead: Any) -> tuple[Any, Any]:
    """(sort column, tie-breaking id), from the table that the statement starts with. UUIDv7 is newest first."""
    source = _p if lead is None else labels.c
    ident = _p.id if lead is None else labels.c.product_id
    key = {Sort.NEWEST: None, Sort.TITLE: source.title_key}.get(sort, source.min_price_amount)
    return key, ident


def _sort_value(row: Any, sort: Sort) -> int | str | None:
    if sort is Sort.NEWEST:
        return None
    value: int | str = row.title_key if sort is Sort.TITLE else row.min_price_amount
    return value


def _after(page: PageRequest, sort: Sort) -> tuple[int | str | None, UUID] | None:
    """Sort value and id of the last row seen. Raises `CursorInvalid` where the cursor is of another order."""
    after = page.after(tuple[Sort, int | str | None, UUID])
    if after is None:
        return None
    cursor_sort, value, last = after
    shapes: dict[Sort, type] = {Sort.NEWEST: type(None), Sort.TITLE: str}
    if cursor_sort is not sort or not isinstance(value, shapes.get(sort, int)):
        raise CursorInvalid()
    return value, last


def _beyond(after: tuple[int | str | None, UUID], key: Any, ident: Any, descending: bool) -> ColumnElement[bool]:
    value, last = after
    past_id = ident < last if descending else ident > last
    if key is None:
        condition: ColumnElement[bool] = past_id
        return condition
    if descending:
        return and_(key <= value, or_(key < value, past_id))
    return and_(key >= value, or_(key > value, past_id))


def _facets(rows: list[tuple[str, str, int, int | None]]) -> Facets:
    kinds: dict[str, list[FacetValue]] = {"category": [], "tag": [], "vendor": [], "type": [], "option": []}
    low = high = None
    for kind, value, n, top in rows:
        if kind == "price":
            low, high = Money(n, value), Money(top or 0, value)
        else:
            kinds[kind].append(FacetValue(value=value, count=n))
    for values in kinds.values():
        values.sort(key=lambda each: (-each.count, each.value))
    options: dict[str, list[FacetValue]] = {}
    for each in kinds["option"]:
        name, _, value = each.value.partition(":")
        options.setdefault(name, []).append(FacetValue(value=value, count=each.count))
    return Facets(
        categories=kinds["category"],
        tags=kinds["tag"],
        vendors=kinds["vendor"],
        types=kinds["type"],
        options=options,
        min_price=low,
        max_price=high,
    )
