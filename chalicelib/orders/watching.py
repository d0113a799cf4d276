"""The compensation job: every attempt is looked at until nobody can pay it any more.

It finds what nobody told us: payments whose notification was lost, orders that expired, calls to a
platform that were killed half-way, payments of attempts that were replaced but could not be closed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import AppError, ChannelError, PaymentInProgress
from chalicelib.optimistic import until_written
from chalicelib.orders.attempts import CheckSchedule, is_undecided, standing_for
from chalicelib.orders.claims import is_calling, is_overdue, released
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderId,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Phase,
)
from chalicelib.orders.platform import Channels, platform_of
from chalicelib.orders.ports import AsksPlatforms, Change, DueCheck, OrderStore, Report
from chalicelib.orders.silence import Silence
from chalicelib.orders.verdict import ClosedThere, StillOpen, Unknown, Verdict
from chalicelib.orders.withdrawal import Withdrawal

_UNFORESEEN_PAUSE = timedelta(minutes=5)
_UNKNOWN_PAUSE = timedelta(hours=1)
_SECONDS_A_CHECK = 8
_LEAST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Watched:
    """What one run did: attempts looked at, and those that could not be decided now."""

    checked: int
    undecided: int


class Watching:
    """Looks at what is due; each attempt by itself, so that one bad row stops no other."""

    def __init__(
        self,
        *,
        store: OrderStore,
        results: AsksPlatforms,
        withdrawal: Withdrawal,
        channels: Channels,
        clock: Clock,
        schedule: CheckSchedule,
        report: Report,
        on_unforeseen: Callable[[PayNo], None],
        most: int,
    ) -> None:
        self._store = store
        self._results = results
        self._withdrawal = withdrawal
        self._channels = channels
        self._clock = clock
        self._schedule = schedule
        self._report = report
        self._on_unforeseen = on_unforeseen
        self._most = most

    def run(self, deadline: Deadline) -> Watched:
        """Look at the attempts whose time has come, the longest due first, until ``deadline``.

        Idempotent, and safe to run twice at once: what it decides is written on condition. An
        attempt that it did not get to, or that it was killed at, is due at the next run.
        """
        checked = undecided = 0
        silence = Silence()
        for due in self._store.due_checks(self._clock.now(), self._most):
            if deadline.remaining_seconds() < _LEAST_SECONDS:
                break
            checked += 1
            undecided += not self._check_safely(due, silence, deadline)
        return Watched(checked, undecided)

    def _check_safely(self, due: DueCheck, silence: Silence, deadline: Deadline) -> bool:
        channel: PayChannel | None = None
        pause = self._schedule.often
        try:
            record = self._store.pay_record(due.pay_no)
            channel = record.channel if record is not None else None
            if not silence.of(channel):
                self.check(due.pay_no, Deadline.after(deadline.cut(_SECONDS_A_CHECK)))
                return True
            self._report("ChecksUnanswered")
        except (ChannelError, PaymentInProgress) as error:
            silence.note(channel, error)
            self._report("ChecksUnanswered")
        except AppError:
            self._on_unforeseen(due.pay_no)
            self._report("ChecksFailed")
        except Exception:  # noqa: BLE001  the attempts after it shall be looked at as well
            self._on_unforeseen(due.pay_no)
            self._report("ChecksFailed")
            pause = _UNFORESEEN_PAUSE
        self._put_off(due, pause)
        return False

    def _put_off(self, due: DueCheck, pause: timedelta) -> None:
        """Again soon, also past the last scheduled check: an unanswered question stays one.

        By the index alone: a row that cannot be read shall not stand in front of the others.
        """
        try:
            self._store.reschedule_check(due.pay_no, due.at, self._clock.now() + pause)
        except AppError:
            self._report("ChecksFailed")

    def check(self, pay_no: PayNo, deadline: Deadline) -> None:
        """Ask about one attempt, and bring its order to where it belongs by now.

        Raises
        ------
        ChannelError, PaymentInProgress
            A platform did not answer; nothing was decided.
        """
        due = self._store.pay_record(pay_no)
        if due is None or due.next_check_at is None:
            return
        verdict: Verdict | None = None
        if is_undecided(due) and due.opened_at is not None:
            verdict = self._results.ask(due, deadline)
            if isinstance(verdict, StillOpen):
                self._close_if_withdrawn(pay_no, deadline)
        self._see_to_the_order(due.order_id, pay_no, deadline)
        self._schedule_next(pay_no, due.next_check_at, is_unknown=isinstance(verdict, Unknown))

    def _close_if_withdrawn(self, pay_no: PayNo, deadline: Deadline) -> None:
        """What we no longer offer and the payer has opened after all can be closed by now."""
        record = self._store.pay_record(pay_no)
        if record is None or record.status is not PayStatus.CLOSED:
            return
        answer = platform_of(self._channels, record).close(record, deadline)
        if isinstance(answer, ClosedThere):
            gone = replace(record, still_payable_until=None, next_check_at=None)
            order = self._store.order(record.order_id)
            assert order is not None, f"order {record.order_id} is gone"
            gone = standing_for(order, gone)
            self._store.commit(Change(write_id=secrets.token_hex(8), pay_records=(gone,)))

    def _see_to_the_order(self, order_id: OrderId, pay_no: PayNo, deadline: Deadline) -> None:
        order = self._store.order(order_id)
        now = self._clock.now()
        if order is None or order.status is not OrderStatus.UNPAID or is_calling(order, now):
            return
        because = order.closing_because
        if because is not None and because.closes_the_order:
            self._withdrawal.close_order(order_id, because, deadline)
        elif now >= order.expires_at:
            self._withdrawal.close_order(order_id, ClosingReason.EXPIRED, deadline)
        elif is_overdue(order, now) and order.live_pay_no == pay_no:
            until_written(lambda: self._end_call(order_id, deadline))

    def _end_call(self, order_id: OrderId, deadline: Deadline) -> None:
        """A switch or an opening that was never finished: the order offers nothing for now."""
        order = self._store.order(order_id)
        if order is None or not is_overdue(order, self._clock.now()):
            return
        if order.closing_because is None:
            # asked just now: the platform has the trade open, or never heard of it
            self._commit(released(order, Phase.OPEN))
            return
        live = self._store.pay_record(order.live_pay_no)
        assert live is not None, f"order {order_id} lost its attempt"
        gone = self._withdrawal.withdraw(order, live, order.closing_because, deadline)
        self._commit(gone.order, *(standing_for(order, attempt) for attempt in gone.attempts))

    def _schedule_next(self, pay_no: PayNo, was: datetime, *, is_unknown: bool) -> None:
        record = self._store.pay_record(pay_no)
        if record is None or record.next_check_at != was:
            return  # written meanwhile by whoever decided it
        again = self._next_check(record)
        if again is None and is_unknown:
            # it may be a payment that we cannot read yet
            again = self._clock.now() + _UNKNOWN_PAUSE
        self._store.reschedule_check(pay_no, was, again)

    def _next_check(self, record: PayRecord) -> datetime | None:
        now = self._clock.now()
        again = self._schedule.next_check(record, now)
        order = self._store.order(record.order_id)
        if again is not None or order is None or order.live_pay_no != record.pay_no:
            return again
        # a decided attempt still stands for its order, which must not stay unpaid for ever
        unpaid = order.status is OrderStatus.UNPAID
        return max(order.expires_at, now + self._schedule.often) if unpaid else None

    def _commit(self, order: Order, *records: PayRecord) -> None:
        self._store.commit(
            Change(write_id=secrets.token_hex(8), orders=(order,), pay_records=records)
        )
