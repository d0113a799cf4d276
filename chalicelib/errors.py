"""Everything this project raises on purpose.

    AppError                       500  INTERNAL_ERROR
     ├─ InvalidRequest             400  INVALID_REQUEST
     │   ├─ InvalidLink            400  INVALID_LINK
     │   └─ PayloadTooLarge        413  PAYLOAD_TOO_LARGE
     ├─ Unauthenticated            401  UNAUTHENTICATED
     ├─ Forbidden                  403  FORBIDDEN
     ├─ NotFound                   404  NOT_FOUND
     ├─ Conflict                   409  CONFLICT
     │   ├─ NotForSale             409  NOT_FOR_SALE
     │   ├─ OrderAlreadyPaid       409  ORDER_ALREADY_PAID
     │   ├─ GoodsBeingOpened       409  GOODS_BEING_OPENED
     │   ├─ OrderNotPayable        409  ORDER_NOT_PAYABLE
     │   ├─ PaymentInProgress      409  PAYMENT_IN_PROGRESS    (retry_after_seconds)
     │   └─ RefundNotPossible      409  REFUND_NOT_POSSIBLE
     ├─ NotifyRejected             400  NOTIFY_REJECTED        not verified, or not for us
     ├─ NotifyUnusable             500  NOTIFY_UNUSABLE        verified, but we cannot place it yet
     ├─ ChannelError               502  CHANNEL_ERROR
     │   ├─ ChannelUnavailable     503  CHANNEL_UNAVAILABLE    outcome unknown: ask again
     │   └─ ChannelRefused         502  CHANNEL_REFUSED        the platform said no
     ├─ Unavailable                503  UNAVAILABLE            (retry_after_seconds)
     │   └─ UnreadableRow          503  UNAVAILABLE            one row, not the whole store
     ├─ StoreRefused               500  INTERNAL_ERROR         our own request was wrong
     ├─ StaleWrite                 503  STALE_WRITE            another writer won; read again
     ├─ QuotaExhausted             503  QUOTA_EXHAUSTED        automatic refunds of the day
     └─ BrokerError                503  BROKER_ERROR           never seen by a browser

``message`` is Chinese, for the person in front of the page; ``detail`` is English, for the log,
and never leaves the system. ``chalicelib.http`` is the one place that turns these into HTTP.
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """The root: an error that this project foresaw."""

    http_status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    default_message: ClassVar[str] = "系统繁忙，请稍后再试"

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: str = "",
        retry_after_seconds: int | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{self.code}: {self.message}" + (f" ({detail})" if detail else ""))


class InvalidRequest(AppError):
    """The request cannot be understood, or breaks a rule that the caller can mend."""

    http_status = 400
    code = "INVALID_REQUEST"
    default_message = "请求参数有误"


class InvalidLink(InvalidRequest):
    """A payment link whose signature is missing, wrong or expired."""

    code = "INVALID_LINK"
    default_message = "支付链接无效或已过期，请重新获取支付二维码"


class PayloadTooLarge(InvalidRequest):
    """A body beyond the limit."""

    http_status = 413
    code = "PAYLOAD_TOO_LARGE"
    default_message = "请求内容过大"


class Unauthenticated(AppError):
    """No valid token."""

    http_status = 401
    code = "UNAUTHENTICATED"
    default_message = "请先登录"


class Forbidden(AppError):
    """A valid token that does not permit this."""

    http_status = 403
    code = "FORBIDDEN"
    default_message = "没有权限"


class NotFound(AppError):
    """It does not exist, or is not the caller's: the answer is the same for both."""

    http_status = 404
    code = "NOT_FOUND"
    default_message = "内容不存在"


class Conflict(AppError):
    """The request is sound, but the present state does not allow it."""

    http_status = 409
    code = "CONFLICT"
    default_message = "当前状态不允许该操作"


class NotForSale(Conflict):
    """The goods cannot be bought now: unpublished, offline, or their price is not fit for sale."""

    code = "NOT_FOR_SALE"
    default_message = "该商品暂不可购买"


class OrderAlreadyPaid(Conflict):
    """The order is paid and its goods were granted."""

    code = "ORDER_ALREADY_PAID"
    default_message = "订单已支付，请勿重复支付"


class GoodsBeingOpened(Conflict):
    """The order is paid; the grant is on its way."""

    code = "GOODS_BEING_OPENED"
    default_message = "订单已支付，正在开通"


class OrderNotPayable(Conflict):
    """The order is closed, refunded or expired."""

    code = "ORDER_NOT_PAYABLE"
    default_message = "订单已关闭或已过期，请重新获取支付二维码"


class PaymentInProgress(Conflict):
    """A platform has been asked and has not answered yet."""

    code = "PAYMENT_IN_PROGRESS"
    default_message = "处理中，请稍候"


class RefundNotPossible(Conflict):
    """Nothing of this payment can go back as asked: not paid, more than is left, other words."""

    code = "REFUND_NOT_POSSIBLE"
    default_message = "该订单当前无法退款"


class NotifyRejected(AppError):
    """A notification that is not verified, or not meant for our merchant account."""

    http_status = 400
    code = "NOTIFY_REJECTED"
    default_message = "通知验证失败"


class NotifyUnusable(AppError):
    """A verified notification that we cannot place; the platform shall send it again."""

    http_status = 500
    code = "NOTIFY_UNUSABLE"
    default_message = "通知暂时无法处理"


class ChannelError(AppError):
    """A payment platform did not do what was asked."""

    http_status = 502
    code = "CHANNEL_ERROR"
    default_message = "支付平台异常，请稍后再试"


class ChannelUnavailable(ChannelError):
    """No usable answer: a time-out, a broken answer, a wrong signature. The outcome is unknown."""

    http_status = 503
    code = "CHANNEL_UNAVAILABLE"
    default_message = "支付平台暂时没有响应，请稍候"


class ChannelRefused(ChannelError):
    """A clear refusal by the platform; ``detail`` has its code and text."""

    code = "CHANNEL_REFUSED"


class Unavailable(AppError):
    """Something of ours is missing for the moment; the same request may succeed later."""

    http_status = 503
    code = "UNAVAILABLE"


class UnreadableRow(Unavailable):
    """A row holds what this version cannot read; all other rows may be well.

    Newer code may have written it. Whoever has more to do goes on with that.
    """


class StoreRefused(AppError):
    """The database will never accept this request; repeating it does not help."""


class StaleWrite(AppError):
    """A conditional write lost to another writer; read again and decide again."""

    http_status = 503
    code = "STALE_WRITE"


class QuotaExhausted(AppError):
    """No more automatic refunds go out today; they wait, and somebody is alarmed."""

    http_status = 503
    code = "QUOTA_EXHAUSTED"


class BrokerError(AppError):
    """RabbitMQ cannot be used: unreachable, refused, or its topology is missing."""

    http_status = 503
    code = "BROKER_ERROR"
