"""Rules speak of nothing that the shop does not count."""

import re
from pathlib import Path

import pytest
import yaml

from caddy_shopping.main.build import build
from caddy_shopping.platform.settings import Settings

RULES = Path(__file__).parents[2] / "deploy" / "monitoring" / "rules"
PROMETHEUS_ITSELF = {"up"}
WORDS = set("sum by rate max min avg increase histogram_quantile and or unless on ignoring".split())


def expressions() -> list[str]:
    texts = [path.read_text() for path in sorted(RULES.glob("*.yml"))]
    return [rule["expr"] for text in texts for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def names_in(expression: str) -> set[str]:
    """The metrics of an expression: what is left without labels, ranges and words of the language."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|(by|on|ignoring|without) ?\([^)]*\)", " ", expression)
    return set(re.findall(r"[a-zA-Z_][a-zA-Z0-9_]*", bare)) - WORDS


def labels_in(expression: str) -> set[str]:
    return set(re.findall(r"(\w+)(?==~?\"|!=|!~)", expression))


async def test_what_rules_ask_for_is_counted(tmp_path: Path) -> None:
    process = build(Settings(data_dir=tmp_path))
    try:
        process.metrics.http.count("GET", "/", 200, 0.1)
        families = list(process.metrics.registry.collect())
    finally:
        await process.stop()
    counted = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert expressions()
    for expression in expressions():
        assert names_in(expression) <= counted | PROMETHEUS_ITSELF, expression
        assert labels_in(expression) <= labels | {"job", "service"}, expression


@pytest.mark.parametrize(
    ("expression", "names", "labels"),
    [
        ('up{job="shop"} == 0', {"up"}, {"job"}),
        ('sum by (a) (rate(x_total{c=~"5.."}[5m])) > 0.05 * y', {"x_total", "y"}, {"c"}),
        ('max by (c) (z{d!="e"}) > 60', {"z"}, {"d"}),
    ],
)
def test_names_are_found(expression: str, names: set[str], labels: set[str]) -> None:
    assert (names_in(expression), labels_in(expression)) == (names, labels)
