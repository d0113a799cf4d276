"""Reads what WeChat Pay posts to ``notify_url``, of payments and of refunds.

https://pay.weixin.qq.com/doc/v3/merchant/4012791861 (支付成功回调通知),
https://pay.weixin.qq.com/doc/v3/merchant/4012791865 (退款结果回调通知).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.clock import Clock
from chalicelib.errors import NotifyRejected, NotifyUnusable
from chalicelib.orders.model import PayNo, is_pay_no
from chalicelib.orders.platform import Notify, RefundNotice
from chalicelib.orders.verdict import Unknown, Verdict
from chalicelib.orders.wechat.refund import verdict_of_refund
from chalicelib.orders.wechat.sdk import NotSigned, WeChatSdk
from chalicelib.orders.wechat.trade import Fields, UnreadableTrade, amount_of, text_of, verdict_of

_LIMIT_BYTES = 64 * 1024


class WeChatNotifies:
    """Verifies, then reads, the notifications of one merchant."""

    def __init__(self, sdk: WeChatSdk, *, app_id: str, mch_id: str, clock: Clock) -> None:
        self._sdk = sdk
        self._app_id = app_id
        self._mch_id = mch_id
        self._clock = clock

    def parse(self, headers: Mapping[str, str], raw_body: bytes) -> Notify:
        """As ``PaymentChannel.parse_notify``."""
        content = self._verified(headers, raw_body)
        resource: dict[str, Any] = content["resource"]
        try:
            event_type = text_of(content, "event_type")
            self._refuse_unless_ours(event_type, resource)
            pay_no = text_of(resource, "out_trade_no")
            if not is_pay_no(pay_no):
                raise UnreadableTrade("out_trade_no is no pay number")
            return Notify(
                pay_no=PayNo(pay_no),
                notify_id=text_of(content, "id"),
                app_id=resource.get("appid"),
                merchant_id=self._mch_id,
                tells=_told(event_type, resource),
            )
        except UnreadableTrade as error:
            raise NotifyUnusable(detail=str(error)) from error

    def _verified(self, headers: Mapping[str, str], raw_body: bytes) -> dict[str, Any]:
        if len(raw_body) > _LIMIT_BYTES:
            raise NotifyRejected(detail="it is too long")
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            return self._sdk.opened(lower, raw_body, self._clock.now())
        except NotSigned as error:
            raise NotifyRejected(detail=str(error)) from None

    def _refuse_unless_ours(self, event_type: str, resource: Fields) -> None:
        if resource.get("mchid") != self._mch_id:
            raise NotifyRejected(detail="for another mchid")
        app_id = resource.get("appid")
        may_lack_it = not event_type.startswith("TRANSACTION.")
        if app_id != self._app_id and not (app_id is None and may_lack_it):
            raise NotifyRejected(detail="for another appid")


def _told(event_type: str, resource: Fields) -> Verdict | RefundNotice:
    if event_type == "TRANSACTION.SUCCESS":
        return verdict_of(resource)
    if event_type.startswith("REFUND."):
        text_of(resource, "transaction_id")
        return RefundNotice(
            channel_refund_no=text_of(resource, "out_refund_no"),
            amount_fen=amount_of(resource, "refund"),
            verdict=verdict_of_refund(resource, "refund_status"),
        )
    return Unknown(f"event_type {event_type[:32]!r}")
