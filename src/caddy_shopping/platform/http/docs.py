"""What a handler says about itself to the OpenAPI document and to authentication."""

from typing import Any

import msgspec

from caddy_shopping.kernel.errors import ShopError


class Notes(msgspec.Struct, frozen=True):
    """Kept with a route handler (`opt["notes"]`)."""

    errors: tuple[type[ShopError], ...] = ()
    public: bool = False
    idempotent: bool = False
    if_match: bool = False
    tagged: bool = False
    document: dict[str, Any] = {}


def documented(
    *errors: type[ShopError],
    public: bool = False,
    idempotent: bool = False,
    if_match: bool = False,
    tagged: bool = False,
    document: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Keyword arguments for a route decorator.

    `errors` are those special to the operation; what any operation may answer is known already.
    `public` lets callers in who send no access token; without it the answer to them is 401 before anything
    else is looked at. `idempotent` and `if_match` document the headers that the handler reads; `tagged` the `ETag`
    of one that makes it by itself. `document` goes into the operation as it is: what a handler that reads the raw
    request cannot say by its types.
    """
    return {"opt": {"notes": Notes(errors, public, idempotent, if_match, tagged, document or {})}}


def notes_of(opt: dict[str, Any]) -> Notes:
    """The notes of a handler; a handler without any is not public."""
    notes = opt.get("notes")
    return notes if isinstance(notes, Notes) else Notes()
