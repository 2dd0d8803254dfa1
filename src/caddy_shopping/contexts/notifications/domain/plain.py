"""Text that people typed, made fit to stand in a line of a mail."""

import unicodedata
from typing import Any


def one_line(text: str) -> str:
    """`text` without anything that is not seen: one line, single spaces.

    Line breaks and controls become spaces, so that nobody can add a header or a paragraph; zero-width
    characters and bidirectional overrides (Unicode category Cf) go, so that nothing can be hidden or
    shown in another order than it is written; so do lone surrogates, which have no UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = (_shown(character) for character in text)
    return " ".join("".join(kept).split())


def _shown(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" | "Cs":
            return ""
        case _:
            return character


def tidy(data: Any) -> Any:
    """`one_line` for every text in JSON-like `data`."""
    match data:
        case str():
            return one_line(data)
        case dict():
            return {key: tidy(value) for key, value in data.items()}
        case list():
            return [tidy(value) for value in data]
        case _:
            return data
