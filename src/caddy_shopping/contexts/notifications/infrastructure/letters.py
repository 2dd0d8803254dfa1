"""Mail texts from templates: subject, text and HTML for each kind and language."""

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from caddy_shopping.contexts.notifications.application.ports import Letter, LetterBroken
from caddy_shopping.contexts.notifications.domain.email import Email
from caddy_shopping.contexts.notifications.domain.plain import one_line, tidy
from caddy_shopping.kernel.money import Money

TEMPLATES = Path(__file__).parent / "templates"


class JinjaLetters:
    """`<language>/<kind>.{subject,txt,html}.jinja`, on the layouts beside the languages' folders.

    What came from outside is one clean line (`domain.plain`) before a template sees it, and is escaped
    in HTML. A template that asks for what is not there fails.
    """

    def __init__(self, shop_name: str, shop_url: str) -> None:
        self._shop = {"shop_name": one_line(shop_name), "shop_url": shop_url.rstrip("/")}

    @cached_property
    def _environment(self) -> Any:
        import jinja2  # with the first letter: a start has no use for it

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=jinja2.select_autoescape(enabled_extensions=("html.jinja",), default=False),
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # No template uses Jinja's own globals, which would be copied for each.
        environment.globals.clear()
        environment.filters.update(money=_money, moment=_moment)
        return environment

    def write(self, email: Email) -> Letter:
        from jinja2 import TemplateError

        facts = {
            **tidy(email.data),
            **self._shop,
            "language": email.language,
            "address": email.address,
        }
        try:
            subject, text, html = (self._fill(email, part, facts) for part in ("subject", "txt", "html"))
        except (TemplateError, KeyError, TypeError, ValueError) as fault:
            raise LetterBroken(f"the {email.kind} mail cannot be written: {fault}") from fault
        return Letter(one_line(subject), text.strip() + "\n", html)

    def _fill(self, email: Email, part: str, facts: dict[str, Any]) -> str:
        template = self._environment.get_template(f"{email.language}/{email.kind}.{part}.jinja")
        return str(template.render(facts))


def _money(value: dict[str, Any]) -> str:
    """`99.99 CNY`."""
    return str(Money(value["amount"], value["currency"]))


def _moment(value: str) -> str:
    """`2026-03-14 09:56 UTC`."""
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
