"""Take some products of a file into the catalogue: one batch, one transaction."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from caddy_shopping.contexts.products.application.import_categories import CategoryPath, find_or_add
from caddy_shopping.contexts.products.application.import_ports import ImportTransaction
from caddy_shopping.contexts.products.application.ports import MANAGE
from caddy_shopping.contexts.products.domain.category import Category
from caddy_shopping.contexts.products.domain.csv_merge import (
    CREATED,
    UNCHANGED,
    UPDATED,
    DraftRefused,
    Merged,
    merge,
    refused,
)
from caddy_shopping.contexts.products.domain.errors import ProductInvalid
from caddy_shopping.contexts.products.domain.product import Product
from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal
from caddy_shopping.contexts.products.domain.stock import Movement, Reason
from caddy_shopping.contracts.products import StockChanged
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ImportProducts(msgspec.Struct, frozen=True, kw_only=True):
    """`drafts` have a handle each of their own. `set_stock` counts for variants that are in the shop already."""

    actor: Actor
    drafts: list[ProductDraft]
    set_stock: bool = False


@dataclass
class ImportReport:
    """What became of it: how many were CREATED, UPDATED, UNCHANGED, and each row that was refused."""

    products: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    rows_taken: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportProductsHandler:
    uow: UnitOfWork[ImportTransaction]
    clock: Clock
    currency: str

    async def __call__(self, command: ImportProducts) -> ImportReport:
        """Create the products that are not there and change those that are, by handle.

        Nothing is removed, and where nothing differs nothing is written: the same file can be taken
        again at any time. Stock of a variant that is in the shop is the shop's, not the file's (orders
        may have come in since), unless `set_stock` is said; the ledger then says "imported". A row that
        cannot be taken is left out, with its reason in the report.
        """
        command.actor.require(MANAGE)
        while True:
            async with self.uow() as tx:
                report = ImportReport()
                plans = await self._plan(tx, command, report)
                categories, added = await find_or_add(tx, [plan.category for plan in plans])
                if added:
                    # Committed by themselves, before products name them; then all is looked at again.
                    continue
                new = []
                for plan in plans:
                    new += await self._carry_out(tx, plan, categories, command, report)
                if new:
                    await tx.bulk.add_products(new)
                return report

    async def _plan(self, tx: ImportTransaction, command: ImportProducts, report: ImportReport) -> "list[_Plan]":
        drafts = command.drafts
        products = await tx.products.find_by_slugs([draft.handle for draft in drafts])
        skus = _skus(drafts)
        held = await tx.products.taken_skus(skus) if skus else set()
        plans, claimed = [], set[str]()
        for draft in drafts:
            product = products.get(draft.handle)
            own = {variant.sku for variant in product.variants} if product else set()
            try:
                merged = merge(draft, product, (held - own) | claimed, set_stock=command.set_stock)
            except DraftRefused as refusal:
                report.products["refused"] += 1
                report.refusals += refusal.refusals
                continue
            claimed.update(spec.sku for spec in merged.specs if spec.sku)
            plans.append(_Plan(draft, product, merged))
        return plans

    async def _carry_out(
        self,
        tx: ImportTransaction,
        plan: "_Plan",
        categories: dict[CategoryPath, Category],
        command: ImportProducts,
        report: ImportReport,
    ) -> list[Product]:
        """Change the product or make a new one, which is for the caller to add."""
        now, new, fate = self.clock.now(), [], CREATED
        category = categories.get(plan.category)
        try:
            if plan.product is None:
                new = [plan.create(category, self.currency, now)]
            else:
                fate = UPDATED if plan.change(plan.product, category, now) else UNCHANGED
        except ProductInvalid as error:
            report.products["refused"] += 1
            report.refusals += refused(plan.draft, error, plan.merged.refusals).refusals
            return []
        if plan.product and plan.merged.shelf:
            await self._set_stock(tx, plan.product, plan.merged, command.actor, now)
            fate = UPDATED
        plan.count(report, fate)
        return new

    async def _set_stock(
        self, tx: ImportTransaction, product: Product, merged: Merged, actor: Actor, now: datetime
    ) -> None:
        for variant, stock in merged.shelf:
            _, left = await tx.stock.change(
                Movement(
                    variant_id=variant.id,
                    delta=stock - variant.stock,
                    reason=Reason.IMPORTED,
                    at=now,
                    actor_id=actor.id,
                )
            )
            tx.publish(StockChanged(product_id=product.id, variant_id=variant.id, stock=left))


@dataclass(frozen=True, slots=True)
class _Plan:
    draft: ProductDraft
    product: Product | None
    merged: Merged

    @property
    def category(self) -> CategoryPath:
        """Where the file puts the product.

        A Type or tag that stands for a category counts only while the product has none, or when the Type changes.
        """
        draft, product = self.draft, self.product
        if product is None or draft.category_said or product.category_id is None:
            return draft.category
        return draft.category if self.merged.details.product_type != product.product_type else ()

    def create(self, category: Category | None, currency: str, now: datetime) -> Product:
        merged = self.merged
        details = msgspec.structs.replace(merged.details, category_id=category.id if category else None)
        return Product.create(self.draft.handle, details, merged.options, merged.specs, merged.pictures, currency, now)

    def change(self, product: Product, category: Category | None, now: datetime) -> bool:
        """Change what differs, if anything does; whether it did."""
        merged = self.merged
        details = merged.details
        if category or self.draft.category_said:
            details = msgspec.structs.replace(details, category_id=category.id if category else None)
        offer = (merged.options, merged.specs)
        same_offer = offer == (product.options, [variant.spec() for variant in product.offered])
        if same_offer and details == product.details and merged.pictures == product.images:
            return False
        product.change(now, details=details, offer=None if same_offer else offer, images=merged.pictures)
        return True

    def count(self, report: ImportReport, fate: str) -> None:
        report.products[fate] += 1
        report.variants += self.merged.variants
        report.images += self.merged.images
        report.refusals += self.merged.refusals
        report.rows_taken += len(self.draft.lines) - len(self.merged.refusals)


def _skus(drafts: Iterable[ProductDraft]) -> list[str]:
    return [row.spec.sku for draft in drafts for row in draft.variants if row.spec.sku]
