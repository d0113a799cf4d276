"""Claims: whose call to a platform an order waits for. No I/O.

Before a platform is asked to start or close an attempt, one conditional write says so on the order.
Only who wrote it calls. A claim that is overdue belongs to nobody: its call may have reached the
platform or not, so whoever comes next asks the platform first.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.errors import PaymentInProgress
from chalicelib.orders.model import ClosingReason, Order, Phase

_CALLING = (Phase.OPENING, Phase.CLOSING)


def claimed(
    order: Order, phase: Phase, until: datetime, because: ClosingReason | None = None
) -> Order:
    """The order while somebody calls the platform, at most ``until``."""
    return replace(
        order,
        phase=phase,
        claim_token=secrets.token_hex(8),
        claim_deadline=until,
        closing_because=because,
    )


def released(order: Order, phase: Phase) -> Order:
    """The order when the call has ended, or nobody needs to call."""
    return replace(order, phase=phase, claim_token=None, claim_deadline=None, closing_because=None)


def is_calling(order: Order, now: datetime) -> bool:
    """Whether somebody calls the platform right now."""
    return (
        order.phase in _CALLING and order.claim_deadline is not None and now < order.claim_deadline
    )


def is_overdue(order: Order, now: datetime) -> bool:
    """Whether a call never came to its end."""
    return order.phase in _CALLING and not is_calling(order, now)


def refuse_while_calling(order: Order, now: datetime) -> None:
    """Let nobody else call meanwhile.

    Raises
    ------
    PaymentInProgress
        With the seconds until the claim is overdue.
    """
    if not is_calling(order, now):
        return
    assert order.claim_deadline is not None
    left = order.claim_deadline - now
    raise PaymentInProgress(
        detail=f"order {order.order_id} is {order.phase}",
        retry_after_seconds=max(1, -(-left // timedelta(seconds=1))),
    )
