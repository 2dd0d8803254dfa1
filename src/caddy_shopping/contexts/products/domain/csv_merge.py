"""What a draft makes of a product: rows matched with the variants and images that are there already."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.domain.csv_errors import (
    FirstRowRefused,
    OptionMissing,
    OptionsDiffer,
    OptionUnnamed,
    RowRefused,
    SkuElsewhere,
    TitleMissing,
    VariantMissing,
    VariantRepeated,
    VariantsTooMany,
    shown,
)
from caddy_shopping.contexts.products.domain.product import Image, Product, Status, Variant
from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal, VariantDraft
from caddy_shopping.contexts.products.domain.specs import MAX_VARIANTS, ProductDetails, VariantSpec
from caddy_shopping.kernel.errors import ShopError

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass
class Merged:
    """The product as it will be. `variants` and `images` count what becomes of each by CREATED … UNCHANGED."""

    details: ProductDetails
    options: list[str]
    specs: list[VariantSpec] = field(default_factory=list)
    pictures: list[Image] = field(default_factory=list)
    variants: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    shelf: list[tuple[Variant, int]] = field(default_factory=list)
    """Variants that are in the shop, with the other stock that they are to have."""


class DraftRefused(Exception):
    """The whole product cannot be taken; `refusals` has every row of it."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        super().__init__(str(refusals[0]))


def merge(
    draft: ProductDraft, product: Product | None, taken: Collection[str] = (), *, set_stock: bool = False
) -> Merged:
    """Match `draft` with `product` (None: a new one). `taken` are SKUs of other products.

    A variant is the one with the row's SKU, else the one with its option values. With `set_stock` the stock
    of tracked variants becomes the file's, where it has a column for it. Raises `DraftRefused`.
    """
    try:
        merged = Merged(_details(draft, product), list(_option_names(draft, product)))
    except RowRefused as error:
        raise refused(draft, error) from None
    found = _variants(draft, product, merged, taken, set_stock=set_stock and "stock" in draft.given)
    _images(draft, product, merged)
    refusals = merged.refusals
    if refusals and (refusals[0].line == draft.lines[0] or (product is None and not found)):
        raise refused(draft, refusals[0].error, refusals)
    if product is None and not found:
        raise refused(draft, VariantMissing())
    return merged


def _details(draft: ProductDraft, product: Product | None) -> ProductDetails:
    """A known product's details with what the file has columns for; archived stays, unless Status speaks."""
    details = draft.details
    if product is None:
        if details is None:
            raise TitleMissing()
        return details
    if details is None:
        return product.details
    given = {name: getattr(details, name) for name in details.__struct_fields__ if name in draft.given}
    if product.status is Status.ARCHIVED and not draft.status_said:
        given.pop("status", None)
    return msgspec.structs.replace(product.details, **given)


def refused(draft: ProductDraft, error: ShopError, own: Sequence[Refusal] = ()) -> DraftRefused:
    """All rows of `draft`: the first for its reason, `own` for theirs, the others because of the first."""
    errors: dict[int, ShopError] = {refusal.line: refusal.error for refusal in own}
    follows = FirstRowRefused(handle=draft.handle, first=draft.lines[0])
    errors.setdefault(draft.lines[0], error)
    return DraftRefused([Refusal(line, draft.handle, errors.get(line, follows)) for line in draft.lines])


def _option_names(draft: ProductDraft, product: Product | None) -> tuple[str, ...]:
    named = draft.option_names
    if product is None:
        return named or ()
    if named is None or draft.details is None:
        return tuple(product.options)
    if len(named) != len(product.options):
        raise OptionsDiffer(kept=_listed(product.options), given=_listed(named))
    return named


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


class _Shelf:
    """The product's variants, to be found once each."""

    def __init__(self, product: Product | None) -> None:
        known = product.variants if product else []
        self._by_sku = {variant.sku: variant for variant in known}
        self._by_options = {tuple(variant.options): variant for variant in known if not variant.archived}
        self._found: set[UUID] = set()

    def match(self, spec: VariantSpec) -> Variant | None:
        """Raises `SkuElsewhere` where SKU and option values speak of two variants.

        A SKU that an earlier row takes from a variant is free only after the commit.
        """
        same_sku, same_options = self._by_sku.get(spec.sku or ""), self._by_options.get(spec.options)
        if same_options and same_options.id in self._found:
            same_options = None
        if same_sku and (same_sku.id in self._found or (same_options and same_sku is not same_options)):
            raise SkuElsewhere(sku=spec.sku, owner=f"the product's variant '{shown(' / '.join(same_sku.options))}'")
        found = same_sku or same_options
        if found:
            self._found.add(found.id)
        return found


def _variants(
    draft: ProductDraft, product: Product | None, merged: Merged, taken: Collection[str], *, set_stock: bool
) -> int:
    shelf = _Shelf(product)
    offered = product.offered if product else []
    rows: dict[tuple[str, ...], VariantSpec] = {}
    lines: dict[object, int] = {}
    room = MAX_VARIANTS - len(offered)
    for row in draft.variants:
        spec = row.spec
        try:
            _check(row, merged.options, lines, taken)
            known = shelf.match(spec)
            if known is None and room <= 0:
                raise VariantsTooMany(most=MAX_VARIANTS)
        except RowRefused as error:
            merged.refusals.append(Refusal(row.line, draft.handle, error))
            continue
        lines |= {spec.options: row.line} | ({spec.sku: row.line} if spec.sku else {})
        if known is None:
            room -= 1
            merged.variants[CREATED] += 1
            rows[spec.options] = spec
            continue
        room -= known.archived
        before = known.spec()
        rows[spec.options] = after = _changed(before, spec, draft.given)
        moved = set_stock and after.tracked and spec.stock != known.stock
        merged.variants[UPDATED if moved or known.archived or before != after else UNCHANGED] += 1
        merged.shelf.extend([(known, spec.stock)] if moved else [])
    merged.specs = _ordered([variant.spec() for variant in offered], list(rows.values()))
    return len(rows)


def _check(row: VariantDraft, names: list[str], lines: dict[object, int], taken: Collection[str]) -> None:
    spec = row.spec
    for name, value in zip(names, spec.options + ("",) * len(names), strict=False):
        if not value:
            raise OptionMissing(option=name)
    if len(spec.options) > len(names):
        raise OptionUnnamed(value=shown(spec.options[len(names)]))
    if spec.options in lines:
        raise VariantRepeated(first=lines[spec.options])
    if spec.sku and spec.sku in lines:
        raise SkuElsewhere(sku=spec.sku, owner=f"the variant at line {lines[spec.sku]}")
    if spec.sku in taken:
        raise SkuElsewhere(sku=spec.sku, owner="another product")


def _changed(before: VariantSpec, spec: VariantSpec, given: frozenset[str]) -> VariantSpec:
    """`before` with what the file has columns for; the stock is the ledger's, and a blank SKU changes nothing."""
    fields = {name: getattr(spec, name) for name in spec.__struct_fields__ if name in given - {"stock"}}
    return msgspec.structs.replace(before, **fields | {"options": spec.options, "sku": spec.sku or before.sku})


def _ordered(before: list[VariantSpec], rows: list[VariantSpec]) -> list[VariantSpec]:
    """The file's order where it names every variant that there is; else new ones after the old."""
    named = {spec.id: spec for spec in rows}
    if all(spec.id in named for spec in before):
        return rows
    old = {spec.id for spec in before}
    return [named.get(spec.id, spec) for spec in before] + [spec for spec in rows if spec.id not in old]


def _images(draft: ProductDraft, product: Product | None, merged: Merged) -> None:
    refused_lines = {refusal.line for refusal in merged.refusals}
    drafts = [image for image in draft.images if image.line not in refused_lines]
    if all(image.position for image in drafts):
        drafts.sort(key=lambda image: image.position or 0)
    before = {image.url: image for image in (product.images if product else [])}
    rows: dict[str, Image] = {}
    for drafted in drafts:
        rows.setdefault(drafted.image.url, drafted.image)
    for url, image in rows.items():
        merged.images[CREATED if url not in before else UNCHANGED if before[url] == image else UPDATED] += 1
    merged.images[UNCHANGED] += len(drafts) - len(rows)
    merged.pictures = list(rows.values() if before.keys() <= rows.keys() else (before | rows).values())
