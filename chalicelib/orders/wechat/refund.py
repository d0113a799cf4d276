"""What WeChat Pay's fields and refusals say of a refund.

https://pay.weixin.qq.com/doc/v3/merchant/4012556457 (申请退款),
https://pay.weixin.qq.com/doc/v3/merchant/4012556459 (查询退款),
https://pay.weixin.qq.com/doc/v3/merchant/4012791865 (退款结果通知). Amounts are in fen.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.orders.model import PayRecord, Refund
from chalicelib.orders.verdict import (
    RefundAbnormal,
    RefundAccepted,
    RefundClosed,
    RefundDone,
    RefundNotThere,
    RefundRefused,
    RefundUnknown,
    RefundVerdict,
)
from chalicelib.orders.wechat.gateway import Refusal
from chalicelib.orders.wechat.trade import Fields, UnreadableTrade, amount_of, text_of, time_of

_FINAL = frozenset(
    {
        "PARAM_ERROR",
        "INVALID_REQUEST",
        "MCH_NOT_EXISTS",
        "RESOURCE_NOT_EXISTS",
        "USER_ACCOUNT_ABNORMAL",
    }
)
"""The same request will be refused for ever. All else may pass: the balance is topped up, a minute
goes by, an operator mends a key or a permission."""


def verdict_of_refund(
    fields: Fields, status_name: str, *, seen_at: datetime | None = None
) -> RefundVerdict:
    """What a refund's status says; ``seen_at`` as in ``trade.verdict_of``.

    Raises
    ------
    UnreadableTrade
        The status is missing, or a field of a finished refund is unreadable.
    """
    status = text_of(fields, status_name)
    match status:
        case "SUCCESS":
            return RefundDone(
                amount_fen=amount_of(fields, "refund"),
                refunded_at=time_of(fields, "success_time", untold=seen_at),
            )
        case "PROCESSING":
            return RefundAccepted()
        case "CLOSED":
            return RefundClosed()
        case "ABNORMAL":
            return RefundAbnormal("ABNORMAL")
        case _:
            return RefundUnknown(f"{status_name} {status[:32]!r}")


def verdict_of_answer(
    fields: Fields, record: PayRecord, refund: Refund, *, seen_at: datetime
) -> RefundVerdict:
    """What a signed answer says of ``refund``: nothing, unless it is about just that one."""
    try:
        another = _names_another(fields, record, refund)
        if another:
            return RefundUnknown(f"the answer is about another {another}")
        return verdict_of_refund(fields, "status", seen_at=seen_at)
    except UnreadableTrade as error:
        return RefundUnknown(str(error))


def verdict_of_refusal(refusal: Refusal) -> RefundVerdict:
    """What a refused request for a refund means."""
    return RefundRefused(refusal.code, is_final=refusal.code in _FINAL and not refusal.is_too_fast)


def verdict_of_refused_query(refusal: Refusal) -> RefundVerdict:
    """What a refused question means: it says nothing of the refund, unless there is none."""
    if refusal.status == 404 and refusal.code == "RESOURCE_NOT_EXISTS":
        return RefundNotThere()
    return RefundUnknown(str(refusal))


def _names_another(fields: Fields, record: PayRecord, refund: Refund) -> str:
    if text_of(fields, "out_refund_no") != refund.channel_refund_no:
        return "out_refund_no"
    if text_of(fields, "out_trade_no") != record.pay_no:
        return "out_trade_no"
    if record.channel_trade_no not in (None, text_of(fields, "transaction_id")):
        return "transaction_id"
    if amount_of(fields, "refund") != refund.amount_fen:
        return "amount.refund"
    if amount_of(fields, "total") != record.paid_fen:
        return "amount.total"
    return ""
