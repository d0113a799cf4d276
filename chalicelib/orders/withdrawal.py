"""Withdrawing the attempt that an order offers: claimed, closed at its platform, then written.

Every way that takes an attempt off the counter goes through here: another channel or payer,
expiry, cancelling, another price. Between the claim and the answer anything may happen::

    claim (closing, why, until when) ─► close at the platform ─┬─► closed there
                                                               ├─► knows no such trade: watched
     refused ─► query ─► paid: settled, read again             │   until nobody can pay it
     no answer ─► the claim stays; the job goes on             ▼
     when it is overdue                        the caller writes what follows on the claimed version
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelError, PaymentInProgress, StaleWrite
from chalicelib.optimistic import until_written
from chalicelib.orders.attempts import CheckSchedule, closed_there, withdrawn
from chalicelib.orders.claims import claimed, refuse_while_calling, released
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderId,
    OrderStatus,
    PayRecord,
    PayStatus,
    Phase,
)
from chalicelib.orders.platform import Channels, platform_of
from chalicelib.orders.ports import AsksPlatforms, Change, OrderStore
from chalicelib.orders.states import move_order
from chalicelib.orders.verdict import ClosedThere, ClosedUnpaid, CloseRefused, NothingToClose, Paid

_RETRY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An order that offers nothing any more, to be written by the caller in its own change.

    ``attempts`` are the records that the change must carry; ``order`` has no claim.
    """

    order: Order
    attempts: tuple[PayRecord, ...]


class Withdrawal:
    """Takes attempts off the counter; asks their platforms to close them first."""

    def __init__(
        self,
        *,
        store: OrderStore,
        results: AsksPlatforms,
        channels: Channels,
        clock: Clock,
        schedule: CheckSchedule,
        claim_for: timedelta,
    ) -> None:
        self._store = store
        self._results = results
        self._channels = channels
        self._clock = clock
        self._schedule = schedule
        self._claim_for = claim_for

    def withdraw(
        self, order: Order, live: PayRecord, because: ClosingReason, deadline: Deadline
    ) -> Withdrawn:
        """Close the live attempt of an unpaid order, as far as its platform knows it.

        Raises
        ------
        PaymentInProgress
            Somebody else calls the platform, or it did not answer: nothing is decided, the claim
            stays until it is overdue.
        StaleWrite
            Somebody else was faster, or the platform says that it is paid, which is settled now:
            read again and decide again.
        """
        if live.status is not PayStatus.UNPAID:
            return Withdrawn(released(order, Phase.NONE), ())
        if live.opened_at is None:
            return Withdrawn(released(order, Phase.NONE), (closed_there(live),))
        order, live = self._claim(order, live, because)
        try:
            attempts = self._closed(live, deadline)
        except ChannelError as error:
            raise PaymentInProgress(
                detail=f"close of {live.pay_no}: {error}", retry_after_seconds=_RETRY_SECONDS
            ) from error
        return Withdrawn(released(order, Phase.NONE), attempts)

    def close_order(self, order_id: OrderId, because: ClosingReason, deadline: Deadline) -> Order:
        """Close an unpaid order with its live attempt; one that is not unpaid is left alone.

        Idempotent. Returns the order as it is then: closed, or paid meanwhile.

        Raises
        ------
        PaymentInProgress
            The platform did not answer, or somebody else calls it.
        """
        return until_written(lambda: self._close_order(order_id, because, deadline))

    def _close_order(self, order_id: OrderId, because: ClosingReason, deadline: Deadline) -> Order:
        order = self._store.order(order_id)
        assert order is not None, f"order {order_id} is gone"
        if order.status is not OrderStatus.UNPAID:
            return order
        live = self._store.pay_record(order.live_pay_no)
        assert live is not None, f"order {order_id} lost its attempt"
        gone = self.withdraw(order, live, because, deadline)
        closed = replace(move_order(gone.order, OrderStatus.CLOSED), closing_because=because)
        self._store.commit(
            Change(write_id=secrets.token_hex(8), orders=(closed,), pay_records=gone.attempts)
        )
        return replace(closed, version=closed.version + 1)

    def _claim(
        self, order: Order, live: PayRecord, because: ClosingReason
    ) -> tuple[Order, PayRecord]:
        now = self._clock.now()
        refuse_while_calling(order, now)
        until = now + self._claim_for
        order = claimed(order, Phase.CLOSING, until, because)
        live = replace(live, next_check_at=until)
        self._store.commit(
            Change(write_id=secrets.token_hex(8), orders=(order,), pay_records=(live,))
        )
        return (
            replace(order, version=order.version + 1),
            replace(live, version=live.version + 1),
        )

    def _closed(self, live: PayRecord, deadline: Deadline) -> tuple[PayRecord, ...]:
        match platform_of(self._channels, live).close(live, deadline):
            case ClosedThere():
                return (closed_there(live),)
            case NothingToClose():
                watched = withdrawn(live)
                next_check = self._schedule.next_check(watched, self._clock.now())
                return (replace(watched, next_check_at=next_check),)
            case CloseRefused():
                return self._closed_before(live, deadline)

    def _closed_before(self, live: PayRecord, deadline: Deadline) -> tuple[PayRecord, ...]:
        """A platform that will not close it says why when it is asked."""
        verdict = self._results.ask(live, deadline)
        match verdict:
            case ClosedUnpaid():
                return ()  # settled: the attempt is stored as closed
            case Paid():
                raise StaleWrite(detail=f"{live.pay_no} is paid: settled just now, read again")
            case _:
                raise PaymentInProgress(detail=repr(verdict), retry_after_seconds=_RETRY_SECONDS)
