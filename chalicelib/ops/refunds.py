"""Refunds that were made without us and that nobody told us of."""

from __future__ import annotations

from chalicelib.deadline import Deadline
from chalicelib.errors import NotFound
from chalicelib.money import Fen
from chalicelib.orders.model import PayNo, Refund, RefundKind, RefundStatus
from chalicelib.orders.platform import Channels, RefundNotice, platform_of
from chalicelib.orders.ports import OrderStore
from chalicelib.orders.results import HearsOfRefunds
from chalicelib.orders.verdict import RefundDone, RefundVerdict, Settlement

_SECONDS = 10


def found(
    store: OrderStore,
    channels: Channels,
    refunds: HearsOfRefunds,
    pay_no: PayNo,
    channel_refund_no: str,
    amount_fen: Fen,
) -> RefundVerdict | Settlement:
    """Settle a refund that somebody made in the merchant portal, by its number there. Idempotent.

    The platform has the word: only when it says that just this refund of just this amount is done,
    the books follow. WeChat does not say of a payment how much of it went back, so a portal refund
    without a notification is found in no other way.

    Returns
    -------
    RefundVerdict | Settlement
        What followed; or what the platform said instead, and nothing changed.

    Raises
    ------
    NotFound
        There is no such payment.
    ChannelUnavailable
        Its platform is not served.
    """
    record = store.pay_record(pay_no)
    if record is None or record.paid_fen is None:
        raise NotFound("支付记录不存在", detail=f"{pay_no} is no payment")
    asked = Refund(
        out_refund_no=channel_refund_no,
        pay_no=pay_no,
        order_id=record.order_id,
        kind=RefundKind.EXTERNAL,
        amount_fen=amount_fen,
        amount_asked_fen=amount_fen,
        reason="",
        revoke=False,
        status=RefundStatus.SENT,
        created_at=record.created_at,
    )
    platform = platform_of(channels, record)
    verdict = platform.query_refund(record, asked, Deadline.after(_SECONDS))
    if not isinstance(verdict, RefundDone):
        return verdict
    return refunds.told(
        pay_no,
        RefundNotice(channel_refund_no=channel_refund_no, amount_fen=amount_fen, verdict=verdict),
    )
