"""What can be seen of a text that people typed."""

import re
import unicodedata

# Letters by category that show nothing.
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0")
_SHOWN = ("L", "N", "P", "S")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters that are no text. Tabs and line ends are."""


def is_visible(text: str) -> bool:
    """Whether there is anything to see in it: a letter, a number, a symbol, a mark of punctuation."""
    return any(unicodedata.category(char)[0] in _SHOWN and char not in _BLANKS for char in text)


def hidden_character(text: str) -> str | None:
    """The first character that nobody sees, as `U+200B`: a trap in what people type or scan."""
    for char in () if text.isascii() and text.isprintable() else text:
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn"):
            return f"U+{ord(char):04X}"
    return None
