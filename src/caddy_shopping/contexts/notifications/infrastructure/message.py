"""From a letter to the bytes that go over the wire (RFC 5322, RFC 2045, RFC 2046)."""

import base64
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from caddy_shopping.contexts.notifications.application.ports import Letter, LetterBroken
from caddy_shopping.contexts.notifications.domain.email import Email
from caddy_shopping.contexts.notifications.domain.plain import one_line

_LOCAL = re.compile(r'[^\s@<>()\[\]",:;\\]{1,64}')
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_LANGUAGE_TAGS = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """`recipient` is for the SMTP dialogue; `utf8` where that takes SMTPUTF8 (RFC 6531)."""

    recipient: str
    utf8: bool
    content: bytes


class Composer:
    """Makes messages, always the same bytes for the same mail and letter."""

    def __init__(self, sender_address: str, shop_name: str) -> None:
        self._sender = Address(one_line(shop_name), addr_spec=sender_address)

    def compose(self, email: Email, letter: Letter) -> Envelope:
        """The mail ready to send; its Date is when it was queued. Raises `LetterBroken` for a bad address.

        Headers that hold what people typed are written by the `email` package, which encodes, folds, and
        refuses line breaks. The rest is put together here: for that the package takes three times as long
        as everything else that a mail needs.
        """
        recipient = _address(email.address)
        utf8 = not recipient.addr_spec.isascii()
        message = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
        message["From"] = self._sender
        message["To"] = recipient
        message["Subject"] = letter.subject
        boundary = f"=_{email.id.hex}"  # "=_" can stand in no base64 text
        parts = _part(boundary, "plain", letter.text) + _part(boundary, "html", letter.html)
        content = _own_headers(email, boundary) + message.as_bytes() + parts + f"--{boundary}--\r\n".encode()
        return Envelope(recipient.addr_spec, utf8, content)


def _own_headers(email: Email, boundary: str) -> bytes:
    lines = (
        f"Date: {format_datetime(email.created_at)}",
        f"Message-ID: {email.message_id}",
        f"Content-Language: {_LANGUAGE_TAGS[email.language]}",
        "Auto-Submitted: auto-generated",  # RFC 3834: out-of-office replies are not wanted
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _address(text: str) -> Address:
    """Stricter than RFC 5322, which allows quotes and comments that nobody has.

    A domain outside ASCII becomes its IDNA form, which every mail server understands.
    """
    local, _, domain = text.rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError as fault:
        raise LetterBroken(f"not an e-mail address: {fault}") from fault
    if text != one_line(text) or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise LetterBroken("not an e-mail address")
    return Address(username=local, domain=domain)


def _part(boundary: str, subtype: str, text: str) -> bytes:
    head = f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")
