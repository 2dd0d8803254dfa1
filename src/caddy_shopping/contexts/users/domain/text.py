"""Free text that people type: names, places, e-mail addresses."""

import unicodedata

from caddy_shopping.contexts.users.domain.errors import EmailInvalid, TextInvalid

EMAIL_LIMIT = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
LOCAL_LIMIT = 64  # RFC 5321 §4.5.3.1.1
KEY_LIMIT = 320
_SPECIALS = frozenset('<>()[]\\,;:"@')
_JOINERS = frozenset("\u200c\u200d")  # Persian and Indic names need them
# Letters and marks that show nothing: two addresses that look alike must not differ by one of them.
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
)


def clean_text(text: str, field: str, limit: int) -> str:
    """`text` stripped and in NFC, 1 to `limit` characters. Raises `TextInvalid` on control and bidi characters."""
    cleaned = unicodedata.normalize("NFC", text).strip()
    visible = False
    for character in cleaned:
        category = unicodedata.category(character)
        if character not in _JOINERS and (category[0] == "C" or category in ("Zl", "Zp")):
            raise TextInvalid(field=field, limit=limit)
        visible = visible or category[0] in "LNPS"
    if not visible or len(cleaned) > limit:
        raise TextInvalid(field=field, limit=limit)
    return cleaned


def clean_email(text: str) -> str:
    """A mailbox as it is shown and written to: stripped, in NFKC. Raises `EmailInvalid`."""
    email = unicodedata.normalize("NFKC", text.strip())
    local, _, host = email.rpartition("@")
    labels = host.split(".")
    if (
        len(email) > EMAIL_LIMIT
        or not 1 <= len(local) <= LOCAL_LIMIT
        or "" in local.split(".")
        or len(labels) < 2
        or not all(map(_is_label, labels))
        or not all(map(_is_plain, local))
        or len(email_key(email)) > KEY_LIMIT
    ):
        raise EmailInvalid(email=text[:EMAIL_LIMIT])
    return email


def email_key(text: str) -> str:
    """What two spellings of one mailbox have in common (NFKC, case folded): the look-up key. Takes any text."""
    key = unicodedata.normalize("NFKC", text).strip()
    for _ in range(2):  # folding may compose anew what then folds once more
        key = unicodedata.normalize("NFKC", key.casefold()).strip()
    return key


def _is_label(label: str) -> bool:
    inner = label.replace("-", "")
    return (
        1 <= len(label) <= 63
        and label[0] != "-"
        and label[-1] != "-"
        and inner.isalnum()
        and all(map(_is_plain, inner))
    )


def _is_plain(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and character != " " and character not in _SPECIALS
    return unicodedata.category(character)[0] in "LNM" and character not in _BLANKS
