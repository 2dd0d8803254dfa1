"""What payments refuses, by name."""

from caddy_shopping.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class PaymentNotFound(NotFound):
    code = "PAYMENT_NOT_FOUND"
    en = "There is no such payment."
    zh = "支付记录不存在。"


class OrderNotPayable(Conflict):
    """The order is past the state in which it can be paid: paid already, cancelled, refunded."""

    code = "ORDER_NOT_PAYABLE"
    en = "Order {number} cannot be paid: its status is {status}."
    zh = "订单 {number} 无法支付：当前状态为 {status}。"


class OrderPaymentExpired(Conflict):
    code = "ORDER_PAYMENT_EXPIRED"
    en = "The time to pay order {number} ran out. Place the order again."
    zh = "订单 {number} 的支付时间已过，请重新下单。"


class PaymentInProgress(Conflict):
    """The earlier attempt could not be called back: it was paid, or the provider is still at it."""

    code = "PAYMENT_IN_PROGRESS"
    en = "This order already has a payment with method '{method}' that cannot be called back. See payment {payment_id}."
    zh = "该订单已有一笔使用“{method}”的支付，无法撤回，请查看支付 {payment_id}。"


class PaymentMethodUnknown(Invalid):
    code = "PAYMENT_METHOD_UNKNOWN"
    en = "There is no payment method '{method}'. Choose one of: {methods}."
    zh = "不支持支付方式“{method}”，可选：{methods}。"


class CapturedAmountMismatch(Conflict):
    """The provider speaks of another currency than we asked for: nothing is booked, a person has to look."""

    code = "CAPTURED_AMOUNT_MISMATCH"
    en = "The provider reports {captured} for a payment of {asked}."
    zh = "支付渠道上报金额 {captured} 与应付金额 {asked} 不符。"


class RefundExceedsCaptured(Conflict):
    code = "REFUND_EXCEEDS_CAPTURED"
    en = "{amount} cannot be given back: {left} of this payment is left."
    zh = "无法退款 {amount}：该支付可退余额为 {left}。"


class ProviderUnknown(NotFound):
    code = "PAYMENT_PROVIDER_UNKNOWN"
    en = "There is no payment provider '{provider}' here."
    zh = "支付渠道“{provider}”不存在。"


class ProviderUnavailable(Unavailable):
    """The provider could not be asked. Every call to it may be repeated."""

    code = "PAYMENT_PROVIDER_UNAVAILABLE"
    en = "The payment provider cannot be reached just now. Try again in a moment."
    zh = "支付渠道暂时不可用，请稍后重试。"


class WebhookMalformed(Invalid):
    code = "WEBHOOK_MALFORMED"
    en = "The webhook's body is not one of this provider's events."
    zh = "Webhook 内容不是该支付渠道的有效事件。"
