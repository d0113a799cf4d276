"""Whether the platforms accept us, and what they say of one attempt. Moves no money."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.clock import to_rfc3339
from chalicelib.deadline import Deadline
from chalicelib.errors import AppError
from chalicelib.money import Fen
from chalicelib.orders.model import (
    OrderId,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    TradeType,
)
from chalicelib.orders.platform import Channels, PaymentChannel
from chalicelib.orders.ports import OrderStore
from chalicelib.orders.verdict import NothingToClose, NotThereYet

_SECONDS_A_CALL = 10
_TRADE_TYPES = {PayChannel.ALIPAY: TradeType.ALI_WAP, PayChannel.WECHAT: TradeType.WX_NATIVE}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. ``found`` is what the platform said, for people to read."""

    channel: PayChannel
    what: str
    is_good: bool
    found: str


def check(channels: Channels, unused_pay_no: PayNo, now: datetime) -> Iterator[Finding]:
    """Ask each platform about a payment that does not exist.

    "Does not exist" is the good answer: the platform knows our app and merchant, accepts our
    signature, and its own signature holds under the public key that we have of it.
    """
    for channel, made in channels.items():
        try:
            platform = made()
        except (AppError, ValueError) as error:
            yield Finding(channel, "settings and keys", False, str(error))
            continue
        yield Finding(channel, "settings and keys", True, "loaded")
        probe = _probe(channel, unused_pay_no, now)
        yield from _ask(channel, platform, probe)


def _ask(channel: PayChannel, platform: PaymentChannel, probe: PayRecord) -> Iterator[Finding]:
    questions: tuple[tuple[str, type, Callable[[Deadline], object]], ...] = (
        ("query a payment", NotThereYet, lambda limit: platform.query(probe, limit)),
        ("close a payment", NothingToClose, lambda limit: platform.close(probe, limit)),
    )
    for what, good, question in questions:
        try:
            answer = question(Deadline.after(_SECONDS_A_CALL))
        except AppError as error:
            yield Finding(channel, what, False, str(error))
        else:
            yield Finding(channel, what, isinstance(answer, good), repr(answer))


def look(channels: Channels, store: OrderStore, pay_no: PayNo) -> Iterator[str]:
    """What we have stored of one attempt, and what its platform says of it now.

    Settles nothing.
    """
    record = store.pay_record(pay_no)
    if record is None:
        yield f"no attempt {pay_no}"
        return
    order = store.order(record.order_id)
    yield f"attempt {pay_no}: {record.status.name}, {record.amount_fen} fen, {record.trade_type}"
    payable = f"payable until {_moment(record.still_payable_until)}"
    yield f"  next check {_moment(record.next_check_at)}, {payable}"
    if order is not None:
        live = "this one" if order.live_pay_no == pay_no else order.live_pay_no
        yield f"order {order.order_id}: {order.status.name}, live attempt {live}"
        because = f", {order.closing_because}" if order.closing_because else ""
        yield f"  phase {order.phase}{because}, claimed until {_moment(order.claim_deadline)}"
    for entry in store.notifies_of(pay_no):
        yield f"notify {entry.notify_id} at {to_rfc3339(entry.received_at)}: {entry.outcome}"
    for refund in store.refunds(record.refund_nos):
        yield f"refund {refund.out_refund_no}: {refund.status.name}, {refund.amount_fen} fen"
    if record.channel is None or record.channel not in channels:
        yield "never opened at a platform that is served"
        return
    try:
        verdict = channels[record.channel]().query(record, Deadline.after(_SECONDS_A_CALL))
    except AppError as error:
        yield f"{record.channel.name} did not say: {error}"
    else:
        yield f"{record.channel.name} says: {verdict!r}"


def _moment(moment: datetime | None) -> str:
    return to_rfc3339(moment) if moment is not None else "-"


def _probe(channel: PayChannel, pay_no: PayNo, now: datetime) -> PayRecord:
    return PayRecord(
        pay_no=pay_no,
        order_id=OrderId(pay_no),
        user_id="check",
        status=PayStatus.UNPAID,
        amount_fen=Fen(1),
        subject="check",
        created_at=now,
        expires_at=now,
        channel=channel,
        trade_type=_TRADE_TYPES[channel],
    )
