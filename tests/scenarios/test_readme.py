"""The README's own lines, run as they stand there."""

import re

from tests.support.readme import README, lines_against
from tests.support.shop import Shop


def test_the_lines_end_in_a_paid_order(shop: Shop) -> None:
    assert lines_against(shop.url)[-1] == "PAID"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"^\$ make (\S+)", README.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
