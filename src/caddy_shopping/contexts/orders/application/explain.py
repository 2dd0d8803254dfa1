"""A quote in words: each step of the calculation with its amount."""

from decimal import Decimal

from caddy_shopping.contexts.orders.application.views import QuoteLine, QuoteView, ShippingOption, Step
from caddy_shopping.contexts.orders.domain.pricing import PricedLine, PricedShipping, Quote, ShippingMethod
from caddy_shopping.kernel.money import Money

_WORDS = {
    "line": ("{quantity} × {title} ({sku}) at {price}", "{title}（{sku}）{quantity} 件，单价 {price}"),
    "subtotal": ("Goods together", "商品合计"),
    "no_shipping": ("Nothing to ship", "无需配送"),
    "free_shipping": ("Shipping: {name}, free from {free_from}", "运费：{name}，满 {free_from} 免运费"),
    "weighed_shipping": (
        "Shipping: {name}, {base} and {per_kg} for each of {kilograms} kg begun",
        "运费：{name}，基础 {base}，另按每公斤 {per_kg} × {kilograms} 公斤（不足一公斤按一公斤计）",
    ),
    "flat_shipping": ("Shipping: {name}", "运费：{name}"),
    "tax_in": ("Tax contained in it", "其中含税"),
    "tax_on_line": ("Tax of {rate} % on {title}", "{title} 税费（{rate}%）"),
    "tax_on_shipping": ("Tax of {rate} % on shipping", "运费税费（{rate}%）"),
    "total": ("Total", "总计"),
}


def explain(quote: Quote, language: str) -> QuoteView:
    """The quote as it is answered, in `language`."""
    chosen = quote.shipping.method
    return QuoteView(
        lines=[_line(line) for line in quote.lines],
        shipping_method=chosen.code if chosen else None,
        shipping_options=[
            ShippingOption(option.method.code, _name(option.method, language), option.total)
            for option in quote.options
            if option.method is not None
        ],
        subtotal=quote.subtotal,
        shipping=quote.shipping.total,
        tax=quote.tax,
        tax_included=quote.tax_included,
        total=quote.total,
        steps=_steps(quote, language),
    )


def _line(line: PricedLine) -> QuoteLine:
    variant = line.variant
    return QuoteLine(
        variant_id=variant.id,
        sku=variant.sku,
        title=variant.title,
        options=variant.options,
        quantity=line.quantity,
        unit_price=variant.price,
        amount=line.amount,
        tax=line.tax,
        total=line.total,
    )


def _steps(quote: Quote, language: str) -> list[Step]:
    def step(key: str, amount: Money, counts: bool, **values: object) -> Step:
        return Step(_WORDS[key][language == "zh"].format(**values), amount, counts)

    steps = [
        step("line", line.amount, True, quantity=line.quantity, title=_title(line), sku=line.variant.sku,
             price=line.variant.price)
        for line in quote.lines
    ]  # fmt: skip
    steps.append(step("subtotal", quote.subtotal, False))
    key, values = _shipping(quote.shipping, quote.subtotal, language)
    steps.append(step(key, quote.shipping.amount, True, **values))
    if quote.tax_included:
        steps.append(step("tax_in", quote.tax, False))
    else:
        taxed = [line for line in quote.lines if line.tax]
        steps += [step("tax_on_line", line.tax, True, rate=_percent(line), title=_title(line)) for line in taxed]
        if quote.shipping.tax:
            steps.append(step("tax_on_shipping", quote.shipping.tax, True, rate=_percent(quote.shipping)))
    return [*steps, step("total", quote.total, False)]


def _shipping(shipping: PricedShipping, goods: Money, language: str) -> tuple[str, dict[str, object]]:
    method = shipping.method
    if method is None:
        return "no_shipping", {}
    name = _name(method, language)
    if method.free_from is not None and method.free(goods):
        return "free_shipping", {"name": name, "free_from": Money.parse(method.free_from, goods.currency)}
    per_kg = Money.parse(method.per_kg, goods.currency)
    if per_kg:
        base = Money.parse(method.price, goods.currency)
        return "weighed_shipping", {
            "name": name, "base": base, "per_kg": per_kg, "kilograms": -(-shipping.grams // 1000)
        }  # fmt: skip
    return "flat_shipping", {"name": name}


def _name(method: ShippingMethod, language: str) -> str:
    return method.names.get(language) or method.names.get("en") or method.code


def _title(line: PricedLine) -> str:
    return " / ".join([line.variant.title, *line.variant.options])


def _percent(taxed: PricedLine | PricedShipping) -> str:
    percent = Decimal(taxed.rate.numerator * 100) / Decimal(taxed.rate.denominator)
    return f"{percent.normalize():f}"
