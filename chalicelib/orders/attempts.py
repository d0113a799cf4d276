"""The life of one attempt: made, withdrawn, and when somebody looks at it again. No I/O.

Nobody tells us that a payer gave up, and a notification may never come, so every attempt is looked
at until nobody can pay it any more::

    made ──────────────────────────────► at its end (an order that nobody opened expires)
    opened ─ each minute ─ each 5 minutes ─► at its end, and 5 min, 1 h, 24 h after it
    closed at its platform, paid ──────► no more; but while its order is unpaid and offers it,
                                         at that order's end (`standing_for`)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.orders.claims import released
from chalicelib.orders.model import Order, OrderStatus, PayNo, PayRecord, PayStatus, Phase
from chalicelib.orders.states import move_pay

STILL_PAYABLE_MARGIN = timedelta(minutes=5)
"""How long after its expiry a platform may still complete a payment."""

LEAST_TIME_TO_PAY = timedelta(seconds=90)
"""With less left nothing is opened any more: WeChat wants 60 s, and a payer needs a moment."""

MOST_ATTEMPTS = 30
"""Of one order: who changes the channel more often than that is not about to pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSchedule:
    """When an attempt is looked at; all of it are settings, so that tests can shorten them."""

    often: timedelta = timedelta(minutes=1)
    often_for: timedelta = timedelta(minutes=10)
    later: timedelta = timedelta(minutes=5)
    after_expiry: tuple[timedelta, ...] = (
        timedelta(0),
        timedelta(minutes=5),
        timedelta(hours=1),
        timedelta(hours=24),
    )

    def next_check(self, record: PayRecord, now: datetime) -> datetime | None:
        """The first moment after ``now`` at which ``record`` shall be looked at; None: never."""
        if not is_undecided(record):
            return None
        if record.opened_at is None:
            return max(record.expires_at, now + self.often)
        if now < record.expires_at:
            young = now < record.opened_at + self.often_for
            return min(now + (self.often if young else self.later), record.expires_at)
        ends = (record.expires_at + wait for wait in self.after_expiry)
        return next((end for end in ends if end > now), None)


def is_undecided(record: PayRecord) -> bool:
    """Whether money may still arrive for it, as far as we know."""
    if record.status is PayStatus.CLOSED:
        return record.still_payable_until is not None
    return record.status is PayStatus.UNPAID


def attempt_for(order: Order, now: datetime) -> PayRecord:
    """A new attempt under the order's live pay number, not opened yet."""
    return PayRecord(
        pay_no=order.live_pay_no,
        order_id=order.order_id,
        user_id=order.user_id,
        status=PayStatus.UNPAID,
        amount_fen=order.total_fen,
        subject=order.title,
        created_at=now,
        expires_at=order.expires_at,
        next_check_at=order.expires_at,
    )


def with_new_attempt(order: Order, pay_no: PayNo) -> Order:
    """The order with ``pay_no`` as the attempt that it offers; nobody has opened that yet."""
    order = released(order, Phase.NONE)
    return replace(order, live_pay_no=pay_no, pay_nos=(*order.pay_nos, pay_no))


def closed_there(record: PayRecord) -> PayRecord:
    """An attempt that its platform has closed, or that nobody ever opened: never paid again."""
    return replace(move_pay(record, PayStatus.CLOSED), still_payable_until=None, next_check_at=None)


def standing_for(order: Order, record: PayRecord) -> PayRecord:
    """An attempt that nobody need look at any more, unless it is the one its unpaid order offers.

    That order must come to its end, and is looked at only through the attempt.
    """
    offered = order.status is OrderStatus.UNPAID and order.live_pay_no == record.pay_no
    if offered and record.next_check_at is None:
        return replace(record, next_check_at=order.expires_at)
    return record


def withdrawn(record: PayRecord) -> PayRecord:
    """An attempt that we no longer offer; one that was opened is watched while it is payable."""
    if record.opened_at is None:
        return closed_there(record)
    return replace(
        move_pay(record, PayStatus.CLOSED),
        still_payable_until=record.expires_at + STILL_PAYABLE_MARGIN,
    )
