"""The words of in-app notifications, found when they are read: in the reader's language of that day."""

from collections.abc import Mapping
from typing import Any

from caddy_shopping.contexts.notifications.domain.kinds import NoticeKind
from caddy_shopping.contexts.notifications.domain.plain import tidy
from caddy_shopping.kernel.money import Money

_K = NoticeKind
_EN = {
    _K.WELCOME: ("Welcome", "Good to have you here, {name}."),
    _K.ORDER_PLACED: ("Order {number} received", "We keep your items for you. Please pay {total}."),
    _K.ORDER_PAID: ("Order {number} paid", "We received {total} and are getting your parcel ready."),
    _K.ORDER_SHIPPED: ("Order {number} is on its way", "Sent with {carrier}, tracking number {tracking_number}."),
    _K.ORDER_COMPLETED: ("Order {number} completed", "We hope you enjoy it."),
    _K.ORDER_CANCELLED: ("Order {number} cancelled", "Reason: {reason}"),
    _K.ORDER_RETURNED: ("Return for order {number} received", "Your return has arrived with us."),
    _K.ORDER_REFUND_REQUESTED: ("Refund for order {number} under way", "We asked for {amount} to be paid back to you."),
    _K.ORDER_REFUNDED: ("Refund for order {number}", "{amount} is on its way back to you."),
}
_ZH = {
    _K.WELCOME: ("欢迎加入", "{name}，很高兴见到您。"),
    _K.ORDER_PLACED: ("订单 {number} 已提交", "商品已为您预留，请支付 {total}。"),
    _K.ORDER_PAID: ("订单 {number} 已付款", "已收到 {total}，正在为您备货。"),
    _K.ORDER_SHIPPED: ("订单 {number} 已发货", "承运商：{carrier}，运单号：{tracking_number}。"),
    _K.ORDER_COMPLETED: ("订单 {number} 已完成", "祝您使用愉快。"),
    _K.ORDER_CANCELLED: ("订单 {number} 已取消", "原因：{reason}"),
    _K.ORDER_RETURNED: ("订单 {number} 的退货已签收", "我们已收到您退回的商品。"),
    _K.ORDER_REFUND_REQUESTED: ("订单 {number} 正在退款", "已为您申请退款 {amount}。"),
    _K.ORDER_REFUNDED: ("订单 {number} 已退款", "{amount} 正在退回您的账户。"),
}


def words(kind: NoticeKind, data: Mapping[str, Any], language: str) -> tuple[str, str]:
    """Title and body in `language` (`en` or `zh`; anything else reads English)."""
    title, body = (_ZH if language == "zh" else _EN)[kind]
    facts = {name: _shown(value) for name, value in data.items()}
    return title.format_map(facts), body.format_map(facts)


def _shown(value: Any) -> Any:
    """Money as `99.99 CNY`, typed text as one clean line."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return str(Money(**value))
    return tidy(value)
