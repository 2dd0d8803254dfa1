"""The categories that an imported file speaks of, by the slug or name that it gives them."""

import zlib
from collections.abc import Collection

from caddy_shopping.contexts.products.application.import_ports import ImportTransaction
from caddy_shopping.contexts.products.domain.category import MAX_DEPTH, Category
from caddy_shopping.contexts.products.domain.product_draft import CategoryName
from caddy_shopping.contexts.products.domain.slug import slug_of

CategoryPath = tuple[CategoryName, ...]


async def find_or_add(
    tx: ImportTransaction, paths: Collection[CategoryPath]
) -> tuple[dict[CategoryPath, Category], bool]:
    """The category at the end of each path, and whether one of them had to be added.

    A slug that the file says is the category, wherever it hangs in the shop. A name is looked for
    below its parent, and gets a slug of its own where another branch has the plain one.
    """
    slugs = {slug for path in paths for depth in range(len(path)) for slug in _slugs(path[: depth + 1])}
    by_slug = await tx.bulk.find_categories(slugs) if slugs else {}
    found: dict[CategoryPath, Category] = {}
    added = False
    for path in dict.fromkeys(paths):
        here: Category | None = None
        for depth in range(1, len(path) + 1):
            step = path[:depth]
            slug = _slug(step, here, by_slug)
            if slug not in by_slug:
                if here is not None and here.path.count("/") >= MAX_DEPTH:
                    break
                by_slug[slug] = Category.create(slug, step[-1].name, here)
                tx.categories.add(by_slug[slug])
                added = True
            here = by_slug[slug]
        if here:
            found[path] = here
    return found, added


def _slug(path: CategoryPath, parent: Category | None, by_slug: dict[str, Category]) -> str:
    """The slug of the category that the path's last step means: one that is there, or that is free."""
    *others, last = _slugs(path)
    for slug in others:
        known = by_slug.get(slug)
        if known is None or known.parent_id == (parent.id if parent else None):
            return slug
    return last


def _slugs(path: CategoryPath) -> list[str]:
    """The slugs to try, best first. The last is taken wherever it hangs: staff may have moved it."""
    step = path[-1]
    if step.slug:
        return [step.slug]
    number = f"c-{zlib.crc32('/'.join(step.name for step in path).encode()):08x}"
    plain = slug_of(step.name) or number
    return [plain] if len(path) == 1 else [plain, slug_of(f"{path[-2].name} {step.name}") or number, number]
