"""The refund message: goods that were paid for are to be taken back.

It travels on an exchange of its own: whoever hears payments looks only at the order type, and
would grant the goods again. The order service sends it only for a refund that revokes the goods;
money that goes back for any other reason is no message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from chalicelib.clock import to_rfc3339
from chalicelib.money import Fen
from chalicelib.mq.message import (
    MalformedMessage,
    MessageBody,
    OutboxMessage,
    decoded,
    moment_of,
)

REFUNDNOTIFY_EXCHANGE = "refundnotify_exchange_fanout"
REFUNDNOTIFY_QUEUE = "refundnotify_queue"
REFUNDNOTIFY_RESOURCES_QUEUE = "refundnotify_resources_queue"
REFUNDRESULT_NOTIFY = "refundresult_notify"
REFUND_MESSAGE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    """An order's goods were refunded: what a subscriber needs in order to revoke them.

    ``message_id`` is the refund no; the same refund always has the same one. ``refund_fen`` is
    what this refund gave back.
    """

    message_id: str
    out_business_id: str
    order_type: str
    order_id: str
    refund_no: str
    refund_fen: Fen
    refunded_at: datetime


class _RefundResultBody(MessageBody, rename="camel"):
    version: int = REFUND_MESSAGE_VERSION
    order_id: str | None = None
    refund_no: str | None = None
    refund_fen: int | None = None
    refunded_at: str | None = None


def refund_event(result: RefundResult, created_at: datetime) -> OutboxMessage:
    """The outbox row of a refund that revokes goods; one per refund of an order."""
    body = _RefundResultBody(
        id=result.message_id,
        message_type=REFUNDRESULT_NOTIFY,
        business_key1=result.out_business_id,
        business_key2=result.order_type,
        order_id=result.order_id,
        refund_no=result.refund_no,
        refund_fen=result.refund_fen,
        refunded_at=to_rfc3339(result.refunded_at),
    )
    return OutboxMessage(
        event_key=f"{result.order_id}#refund#{result.refund_no}",
        message_id=result.message_id,
        exchange=REFUNDNOTIFY_EXCHANGE,
        body=msgspec.json.encode(body).decode("utf-8"),
        created_at=created_at,
    )


def refund_order_type_of(body: bytes) -> str:
    """Whose goods were refunded; needs none of the keys that a revocation needs.

    Raises
    ------
    MalformedMessage
        It is not JSON, lacks a key, has a wrong type, or is another message type.
    """
    return decoded(body, _RefundResultBody, REFUNDRESULT_NOTIFY).business_key2


def parse_refund_result(body: bytes) -> RefundResult:
    """Read the body of a ``refundresult_notify``; unknown keys are ignored.

    Raises
    ------
    MalformedMessage
        As `refund_order_type_of`, or a key of a refund is missing or unreadable.
    """
    message = decoded(body, _RefundResultBody, REFUNDRESULT_NOTIFY)
    if (
        message.order_id is None
        or message.refund_no is None
        or message.refund_fen is None
        or message.refunded_at is None
    ):
        raise MalformedMessage("orderId, refundNo, refundFen or refundedAt is missing")
    if message.refund_fen <= 0:
        raise MalformedMessage(f"refundFen: {message.refund_fen}")
    return RefundResult(
        message_id=message.id,
        out_business_id=message.business_key1,
        order_type=message.business_key2,
        order_id=message.order_id,
        refund_no=message.refund_no,
        refund_fen=Fen(message.refund_fen),
        refunded_at=moment_of("refundedAt", message.refunded_at),
    )
