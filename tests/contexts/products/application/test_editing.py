"""Creating, changing and archiving products; the tree of categories."""

from typing import Any

import pytest
from msgspec import UNSET

from caddy_shopping.contexts.products.application.archive_product import ArchiveProduct
from caddy_shopping.contexts.products.application.change_product import ChangeProduct, DetailChanges
from caddy_shopping.contexts.products.application.create_product import CreateProduct
from caddy_shopping.contexts.products.application.edit_categories import ChangeCategory, CreateCategory, RemoveCategory
from caddy_shopping.contexts.products.application.queries import ProductFilter
from caddy_shopping.contexts.products.application.views import CategoryView, StaffProduct
from caddy_shopping.contexts.products.domain.category import MAX_DEPTH
from caddy_shopping.contexts.products.domain.errors import (
    CategoryInUse,
    CategoryLoop,
    CategoryNotFound,
    CategoryTooDeep,
    SkuTaken,
    SlugTaken,
)
from caddy_shopping.contexts.products.domain.specs import ProductDetails
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.repositories import SqlProductsTransaction
from caddy_shopping.contracts.products import ProductNotFound
from caddy_shopping.kernel.actor import ANONYMOUS, Actor, PermissionMissing
from caddy_shopping.kernel.errors import PreconditionFailed, ShopError, Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import PageRequest
from tests.contexts.products.conftest import SHOPPER, STAFF, Catalogue, a_variant


async def change(catalogue: Catalogue, product: StaffProduct, **given: Any) -> StaffProduct:
    details = DetailChanges(**given.pop("details", {}))
    command = ChangeProduct(
        actor=given.pop("actor", STAFF),
        product_id=product.id,
        version=given.pop("version", product.version),
        details=details,
        **given,
    )
    return await catalogue.run(catalogue.use_cases.change_product, command)


async def move(catalogue: Catalogue, category: CategoryView, **given: Any) -> CategoryView:
    command = ChangeCategory(actor=STAFF, category_id=category.id, version=category.version, **given)
    return await catalogue.run(catalogue.use_cases.change_category, command)


async def slugs(catalogue: Catalogue, **wanted: Any) -> set[str]:
    found = await catalogue.use_cases.queries.products(ProductFilter(**wanted), PageRequest())
    return {each.slug for each in found.items}


async def test_slugs_come_from_titles_and_are_told_apart(catalogue: Catalogue) -> None:
    first, second = await catalogue.add("夏季 T恤"), await catalogue.add("夏季 T恤")
    assert (first.slug, second.slug) == ("夏季-t恤", "夏季-t恤-2")
    nameless = await catalogue.add("!!!")
    assert nameless.slug.startswith("p-")
    for _ in range(9):
        last = await catalogue.add("夏季 T恤")
    assert last.slug not in {f"夏季-t恤-{n}" for n in range(10)}
    assert await catalogue.told() == ["ProductChanged"] * 12


async def test_a_slug_that_is_asked_for_must_be_free(catalogue: Catalogue) -> None:
    await catalogue.add(slug="Jumper")
    with pytest.raises(SlugTaken):
        await catalogue.add(slug="jumper")
    assert await catalogue.count(tables.products) == 1
    assert await catalogue.told() == ["ProductChanged"]


async def test_a_sku_belongs_to_one_product(catalogue: Catalogue) -> None:
    first = await catalogue.add("A", a_variant(sku="S-1"))
    with pytest.raises(SkuTaken):
        await catalogue.add("B", a_variant(sku="S-1"))
    other = await catalogue.add("B", a_variant(sku="S-2"))
    with pytest.raises(SkuTaken):
        await change(catalogue, other, variants=(a_variant(sku="S-1"),))
    again = await change(catalogue, first, variants=(a_variant(1, sku="S-1"),))
    assert again.variants[0].id == first.variants[0].id


async def test_a_change_touches_what_is_given_and_moves_the_version(catalogue: Catalogue) -> None:
    product = await catalogue.add(vendor="North", tags=("wool",))
    changed = await change(catalogue, product, details={"title": "Silk jumper", "vendor": UNSET})
    assert (changed.title, changed.vendor, changed.tags, changed.version) == ("Silk jumper", "North", ["wool"], 2)
    assert changed.slug == product.slug
    assert await catalogue.use_cases.queries.staff_product(product.id) == changed
    assert await catalogue.told() == ["ProductChanged", "ProductChanged"]


async def test_a_change_of_variants_keeps_their_books(catalogue: Catalogue) -> None:
    product = await catalogue.add(
        "Jumper", a_variant(100, "S", stock=3), a_variant(100, "L", stock=4), options=["Size"]
    )
    small, large = product.variants
    changed = await change(catalogue, product, variants=(a_variant(50, "L", stock=99), a_variant(60, "XL", stock=1)))
    assert [(v.options, v.stock, v.archived) for v in changed.variants] == [
        (["L"], 4, False),
        (["XL"], 1, False),
        (["S"], 3, True),
    ]
    assert changed.variants[0].id == large.id
    stored = await catalogue.use_cases.queries.staff_product(product.id)
    assert stored == changed
    views = {view.id: view for view in await catalogue.service.get_variants(variant_ids=[small.id, large.id])}
    assert (views[small.id].sellable, views[large.id].sellable) == (False, True)
    renamed = await change(catalogue, changed, options=("Grösse",))
    assert (renamed.options, renamed.variants[0].options) == (["Grösse"], ["L"])


async def test_a_stale_change_is_refused_and_changes_nothing(catalogue: Catalogue) -> None:
    product = await catalogue.add()
    await change(catalogue, product, details={"title": "Second"})
    with pytest.raises(PreconditionFailed):
        await change(catalogue, product, details={"title": "Third"})
    stored = await catalogue.use_cases.queries.staff_product(product.id)
    assert (stored.title, stored.version) == ("Second", 2)


async def test_a_new_slug_must_be_free_and_leads_to_the_product(catalogue: Catalogue) -> None:
    product, _ = await catalogue.add("A"), await catalogue.add("B")
    with pytest.raises(SlugTaken):
        await change(catalogue, product, slug="b")
    await change(catalogue, product, slug="New Name")
    assert (await catalogue.use_cases.queries.product("new-name")).id == product.id
    with pytest.raises(ProductNotFound):
        await catalogue.use_cases.queries.product("a")


async def test_archived_products_and_drafts_are_nowhere_in_the_shop(catalogue: Catalogue) -> None:
    product = await catalogue.add("Jumper", tags=("wool",))
    await catalogue.add("Draft jumper", status="draft", tags=("wool",))
    assert await slugs(catalogue) == await slugs(catalogue, tags=("wool",)) == await slugs(catalogue, q="jumper")
    assert await slugs(catalogue) == {"jumper"}
    command = ArchiveProduct(actor=STAFF, product_id=product.id, version=product.version)
    archived = await catalogue.run(catalogue.use_cases.archive_product, command)
    assert archived.status == "archived"
    for wanted in ({}, {"tags": ("wool",)}, {"q": "jumper"}, {"q": "ju"}):
        assert await slugs(catalogue, **wanted) == set()
    with pytest.raises(ProductNotFound):
        await catalogue.use_cases.queries.product("jumper")
    await change(catalogue, archived, details={"status": "active"})
    assert await slugs(catalogue, tags=("wool",)) == {"jumper"}


async def test_the_ledger_opens_with_the_first_stock(catalogue: Catalogue) -> None:
    product = await catalogue.add("A", a_variant(1, "S", stock=3), a_variant(1, "L", stock=0), options=["Size"])
    changed = await change(
        catalogue,
        product,
        variants=(a_variant(1, "S", stock=3), a_variant(1, "L"), a_variant(1, "XL", stock=8)),
    )
    rows = await catalogue.rows(tables.movements)
    assert {(row.variant_id, row.delta, row.reason) for row in rows} == {
        (product.variants[0].id, 3, "opening"),
        (changed.variants[2].id, 8, "opening"),
    }


async def test_only_staff_edits(catalogue: Catalogue) -> None:
    product = await catalogue.add()
    top = await catalogue.category("Top")
    refusals: list[tuple[Actor, type[ShopError]]] = [(SHOPPER, PermissionMissing), (ANONYMOUS, Unauthenticated)]
    use_cases = catalogue.use_cases
    for actor, refusal in refusals:
        details = ProductDetails(title="X")
        commands: list[tuple[Any, Any]] = [
            (use_cases.create_product, CreateProduct(actor=actor, details=details, variants=(a_variant(),))),
            (use_cases.change_product, ChangeProduct(actor=actor, product_id=product.id, version=1)),
            (use_cases.archive_product, ArchiveProduct(actor=actor, product_id=product.id, version=1)),
            (use_cases.create_category, CreateCategory(actor=actor, name="X")),
            (use_cases.change_category, ChangeCategory(actor=actor, category_id=top.id, version=1)),
            (use_cases.remove_category, RemoveCategory(actor=actor, category_id=top.id, version=1)),
        ]
        for handler, command in commands:
            with pytest.raises(refusal):
                await catalogue.run(handler, command)
    assert await catalogue.use_cases.queries.staff_product(product.id) == product
    assert await catalogue.told() == ["ProductChanged"]
    assert await catalogue.count(tables.categories) == 1


async def test_a_category_takes_in_what_lies_below(catalogue: Catalogue) -> None:
    clothes = await catalogue.category("Clothes")
    jumpers = await catalogue.category("Jumpers", clothes)
    other = await catalogue.category("Other")
    await catalogue.add("A", category_id=jumpers.id)
    await catalogue.add("B", category_id=clothes.id)
    await catalogue.add("C", category_id=other.id)
    assert await slugs(catalogue, category="clothes") == {"a", "b"}
    assert await slugs(catalogue, category="jumpers") == {"a"}
    assert await slugs(catalogue, category="nothing") == set()


async def test_a_category_moves_with_all_below_and_the_products_follow(catalogue: Catalogue) -> None:
    clothes, sale = await catalogue.category("Clothes"), await catalogue.category("Sale")
    jumpers = await catalogue.category("Jumpers", clothes)
    wool = await catalogue.category("Wool", jumpers)
    product = await catalogue.add("A", category_id=wool.id)
    await catalogue.add("B", category_id=clothes.id)
    moved = await move(catalogue, jumpers, parent_id=sale.id)
    assert moved.parent_id == sale.id
    assert await slugs(catalogue, category="clothes") == {"b"}
    assert await slugs(catalogue, category="sale") == {"a"}
    (view,) = await catalogue.service.get_variants(variant_ids=[product.variants[0].id])
    assert view.category_ids == [wool.id, jumpers.id, sale.id]
    renamed = await move(catalogue, moved, name="Pullovers", slug="pullovers", position=3)
    assert await slugs(catalogue, category="pullovers") == {"a"}
    assert await slugs(catalogue, category="jumpers") == set()
    await move(catalogue, renamed, parent_id=None)
    assert await slugs(catalogue, category="sale") == set()
    tree = await catalogue.use_cases.queries.categories()
    assert [(node.name, [child.name for child in node.children]) for node in tree] == [
        ("Clothes", []),
        ("Sale", []),
        ("Pullovers", ["Wool"]),
    ]


async def test_a_category_cannot_move_below_itself_or_too_deep(catalogue: Catalogue) -> None:
    top = await catalogue.category("Top")
    below = await catalogue.category("Below", top)
    with pytest.raises(CategoryLoop):
        await move(catalogue, top, parent_id=below.id)
    parent = await catalogue.category("Deep")
    for n in range(MAX_DEPTH - 2):
        parent = await catalogue.category(f"Deep {n}", parent)
    with pytest.raises(CategoryTooDeep):
        await move(catalogue, top, parent_id=parent.id)
    await move(catalogue, below, parent_id=parent.id)


async def test_a_category_in_use_stays(catalogue: Catalogue) -> None:
    top = await catalogue.category("Top")
    below = await catalogue.category("Below", top)
    product = await catalogue.add(category_id=below.id)

    async def remove(category: CategoryView) -> None:
        command = RemoveCategory(actor=STAFF, category_id=category.id, version=category.version)
        await catalogue.run(catalogue.use_cases.remove_category, command)

    for category in (top, below):
        with pytest.raises(CategoryInUse):
            await remove(category)
    await change(catalogue, product, details={"category_id": None})
    await remove(below)
    await remove(top)
    assert await catalogue.count(tables.categories) == 0


async def test_names_of_categories_are_told_apart_by_slug(catalogue: Catalogue) -> None:
    top = await catalogue.category("Top")
    other = await catalogue.category("Other")
    with pytest.raises(SlugTaken):
        await catalogue.category("TOP")
    with pytest.raises(SlugTaken):
        await move(catalogue, other, slug="top")
    assert (await catalogue.category("???")).slug.startswith("c-")
    same = await move(catalogue, top)
    assert same == top


async def test_what_is_not_there_is_said_by_name(catalogue: Catalogue) -> None:
    nowhere = new_id()
    with pytest.raises(CategoryNotFound):
        await catalogue.add(category_id=nowhere)
    with pytest.raises(CategoryNotFound):
        await catalogue.category("X", CategoryView(id=nowhere, slug="", name="", parent_id=None, position=0, version=1))
    with pytest.raises(CategoryNotFound):
        await catalogue.use_cases.queries.category(nowhere)
    product = await catalogue.add()
    with pytest.raises(CategoryNotFound):
        await change(catalogue, product, details={"category_id": nowhere})
    with pytest.raises(ProductNotFound):
        await catalogue.use_cases.queries.staff_product(nowhere)
    command = ArchiveProduct(actor=STAFF, product_id=nowhere, version=1)
    with pytest.raises(ProductNotFound):
        await catalogue.run(catalogue.use_cases.archive_product, command)


async def test_products_are_found_by_slug_and_skus_by_owner(catalogue: Catalogue) -> None:
    made = await catalogue.add("A", a_variant(sku="S-1"))
    uow = catalogue.bench.kit.unit_of_work(SqlProductsTransaction)
    async with uow() as tx:
        found = await tx.products.find_by_slugs(["a", "b"])
        assert {slug: product.id for slug, product in found.items()} == {"a": made.id}
        assert await tx.products.taken_skus(["S-1", "S-2"]) == {"S-1"}
        assert await tx.products.taken_skus(["S-1", "S-2"], made.id) == set()
