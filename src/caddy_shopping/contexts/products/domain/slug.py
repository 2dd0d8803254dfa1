"""Names in addresses: `/products/{slug}`."""

import unicodedata

MAX_SLUG = 120


def slug_of(text: str) -> str:
    """The slug of a title: NFKC (UAX #15), without case, every run of other characters one hyphen.

    Letters, marks and digits of every script stay, so `夏季 T恤 2026!` becomes `夏季-t恤-2026`. Empty where
    nothing of the text can stay.
    """
    kept = []
    for char in _folded(text):
        kept.append(char if unicodedata.category(char)[0] in "LMN" else "-")
    words = [word for word in "".join(kept).split("-") if word]
    return "-".join(words)[:MAX_SLUG].rstrip("-")


def search_key(text: str) -> str:
    """What texts are ordered and searched by: case, width, ligatures and invisible characters do not count."""
    visible = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in _folded(text))
    return " ".join(visible.split())


def _folded(text: str) -> str:
    """NFKC without case (UAX #15, The Unicode Standard §3.13); folding twice changes nothing more."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text.casefold()).casefold())
