"""Everything that the orders context refuses, by name."""

from caddy_shopping.kernel.errors import Conflict, Invalid, NotFound


class CartItemNotFound(NotFound):
    code = "CART_ITEM_NOT_FOUND"
    en = "There is no such line in your cart."
    zh = "购物车中没有该商品。"


class CartFull(Conflict):
    code = "CART_FULL"
    en = "A cart holds at most {limit} different things. Remove one first."
    zh = "购物车最多可放 {limit} 种商品，请先移除一种。"


class QuantityTooLarge(Conflict):
    code = "QUANTITY_TOO_LARGE"
    en = "At most {limit} of one thing can be in a cart; this would make {quantity}."
    zh = "单种商品最多 {limit} 件，当前将达到 {quantity} 件。"


class NoLongerSold(Conflict):
    code = "NO_LONGER_SOLD"
    en = "{sku} is not sold any more. Remove it or deselect it."
    zh = "{sku} 已停售，请移除或取消选择。"


class CurrenciesMixed(Conflict):
    code = "CURRENCIES_MIXED"
    en = "Things priced in {left} and in {right} cannot go into one order."
    zh = "以 {left} 与 {right} 计价的商品不能放在同一订单中。"


class CartEmpty(Conflict):
    code = "CART_EMPTY"
    en = "Nothing in your cart is selected, so there is nothing to order."
    zh = "购物车中没有已选中的商品。"


class CartChanged(Conflict):
    code = "CART_CHANGED"
    en = "Your cart changed while you were ordering, or it was ordered already. Look at it and order again."
    zh = "下单期间购物车发生了变化或已被下单，请查看后重新下单。"


class PriceChanged(Conflict):
    code = "PRICE_CHANGED"
    en = "The total is {total} now, not {expected}. Ask for a new quote and confirm it."
    zh = "订单总额现为 {total}，而不是 {expected}，请重新确认。"


class ShippingMethodUnknown(Invalid):
    code = "SHIPPING_METHOD_UNKNOWN"
    en = "'{method}' is not offered for this cart and address. Offered: {offered}."
    zh = "该购物车和地址不支持配送方式“{method}”，可选：{offered}。"


class NothingShipsThere(Conflict):
    code = "NOTHING_SHIPS_THERE"
    en = "We do not ship to {country}."
    zh = "暂不支持配送到 {country}。"


class AddressRequired(Invalid):
    code = "ADDRESS_REQUIRED"
    en = "Say where to ship it: send 'address'."
    zh = "请提供收货地址（address）。"


class EmailRequired(Invalid):
    code = "EMAIL_REQUIRED"
    en = "Say where to write to: send 'email'."
    zh = "请提供电子邮箱（email）。"


class TotalTooLarge(Invalid):
    code = "TOTAL_TOO_LARGE"
    en = "This cart comes to more than one order can hold."
    zh = "订单金额超过上限。"


class OrderTimedOut(Conflict):
    """Placing took longer than the stock was held for; the same request may be sent again."""

    code = "ORDER_TIMED_OUT"
    en = "Placing the order took too long and its stock was given back. Send the same request again."
    zh = "下单超时，库存已释放，请重新提交。"
    retryable = True


class OrderStateWrong(Conflict):
    code = "ORDER_STATE_WRONG"
    en = "An order that is {status} cannot become {wanted}."
    zh = "状态为 {status} 的订单不能变更为 {wanted}。"


class OrderLineNotFound(NotFound):
    code = "ORDER_LINE_NOT_FOUND"
    en = "The order has no such line."
    zh = "订单中没有该行。"


class NotReturnable(Conflict):
    code = "NOT_RETURNABLE"
    en = "Of {sku}, only {left} can still come back; {quantity} given."
    zh = "{sku} 仅可再退回 {left} 件，而请求为 {quantity} 件。"


class RefundTooLarge(Conflict):
    code = "REFUND_TOO_LARGE"
    en = "{amount} is more than the {left} that can still be refunded."
    zh = "{amount} 超过了可退金额 {left}。"


class RefundUnclear(Invalid):
    code = "REFUND_UNCLEAR"
    en = "Say either 'amount' or 'lines', more than zero; 'restock' goes with 'lines'."
    zh = "请提供大于零的 amount 或 lines 之一；restock 只能与 lines 一起使用。"


class RefundNotFound(NotFound):
    code = "REFUND_NOT_FOUND"
    en = "The order has no such refund."
    zh = "订单中没有该退款。"


class RefundNotFailed(Conflict):
    code = "REFUND_NOT_FAILED"
    en = "Only a refund that FAILED can be asked for again; this one is {status}."
    zh = "仅失败的退款可以重新发起，该退款状态为 {status}。"


class RefundUnderWay(Conflict):
    code = "REFUND_UNDER_WAY"
    en = "All of this order's money is on its way back, so it is not shipped."
    zh = "该订单正在全额退款，不能发货。"


class RefundMismatch(Conflict):
    """What payments says of a refund does not fit what the order knows; a person has to look."""

    code = "REFUND_MISMATCH"
    en = "Refund {refund_id} of order {number} is {known}, but payments says {said}."
    zh = "订单 {number} 的退款 {refund_id} 状态为 {known}，与支付方所报 {said} 不符。"


class YearNotOver(Conflict):
    code = "YEAR_NOT_OVER"
    en = "{year} is not over: only a year that is can be archived."
    zh = "{year} 年尚未结束，只能归档已结束的年份。"


class YearHasOpenOrders(Conflict):
    code = "YEAR_HAS_OPEN_ORDERS"
    en = "{count} orders of {year} are still to be paid, shipped or completed."
    zh = "{year} 年仍有 {count} 个订单未支付、未发货或未完成。"
