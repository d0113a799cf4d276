"""Notifications that a test delivers itself: no thread, no connection, the clock of the test.

::

    platform = Platform(merchant, keys, clock=clock, notify_by_hand=True)
    ...                                          # somebody pays
    for letter in platform.due_notifications():
        letter.answered(*shop.receive(letter.url, letter.fields))
    platform.next_notification_at()              # where to put the clock for the next attempt

A letter that is not delivered counts as lost: its next attempt comes all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from infra.local.alipay.faults import NOTIFY, Fault, Faults
from infra.local.alipay.notification import Delivery, Notification, NotifyWriter
from infra.local.alipay.notify import Notifier


@dataclass(frozen=True, slots=True)
class Letter:
    """One attempt: POST ``fields``, signed and perhaps spoiled as ordered, as a form to ``url``."""

    url: str
    fields: dict[str, str]
    out_trade_no: str
    _record: Callable[[int | None, str], None] = field(repr=False, compare=False)

    def answered(self, status: int | None, answer: str = "") -> None:
        """Tell what the merchant answered; None is no answer at all.

        200 with ``success`` ends the attempts of this notification.
        """
        self._record(status, answer)


@dataclass(slots=True)
class _Waiting:
    notification: Notification
    due_at: datetime
    attempts_made: int = 0
    has_had_its_fault: bool = False
    is_held: bool = False
    """Ordered to be late: it goes after another notification of its trade."""


class HandNotifier(Notifier):
    """Keeps what is to be sent until somebody asks for it; `send` and `send_again` still POST."""

    def __init__(
        self, writer: NotifyWriter, faults: Faults, delays_seconds: tuple[float, ...]
    ) -> None:
        super().__init__(writer, faults, delays_seconds)
        self._queue: list[_Waiting] = []

    def take_due(self) -> list[Letter]:
        """What is to be sent by now, the longest due first; each attempt is handed out once."""
        with self._lock:
            now = self._writer.clock.now()
            letters: list[Letter] = []
            held: list[_Waiting] = []
            attempted: set[str] = set()
            for waiting in sorted(self._queue, key=lambda w: w.due_at):
                if waiting.due_at > now:
                    break
                fault = self._fault_of(waiting, now)
                if waiting.is_held:
                    held.append(waiting)
                elif waiting.due_at <= now:
                    attempted.add(waiting.notification.out_trade_no)
                    letters += self._letters(waiting, fault, now)
            for waiting in held:
                if waiting.notification.out_trade_no in attempted:
                    letters += self._letters(waiting, None, now)
            return letters

    def next_due_at(self) -> datetime | None:
        """When the next attempt is due; None when nothing waits but for another notification."""
        with self._lock:
            return min((w.due_at for w in self._queue if not w.is_held), default=None)

    def _start(self, notification: Notification) -> None:
        with self._lock:
            self._queue.append(_Waiting(notification, self._writer.clock.now()))

    def _fault_of(self, waiting: _Waiting, now: datetime) -> Fault | None:
        """The fault of this attempt, once; one that holds it back has done so afterwards."""
        if waiting.has_had_its_fault:
            return None
        waiting.has_had_its_fault = True
        fault = self._faults.take(NOTIFY, waiting.notification.out_trade_no)
        if fault is not None and fault.do == "delay":
            waiting.due_at = now + timedelta(seconds=fault.seconds)
        if fault is not None and fault.do == "reorder":
            waiting.is_held = True
        return fault

    def _letters(self, waiting: _Waiting, fault: Fault | None, now: datetime) -> list[Letter]:
        self._queue.remove(waiting)
        notification, made = waiting.notification, waiting.attempts_made
        if made < len(self._delays_seconds):
            due_at = now + timedelta(seconds=self._delays_seconds[made])
            self._queue.append(_Waiting(notification, due_at, made + 1))
        fields = self._writer.fields(notification)
        if fault is not None and fault.do == "drop":
            self._note(notification, Delivery(now, None, "dropped", fields))
            return []
        letter = self._letter(fault, fields)
        copies = fault.copies if fault is not None and fault.do == "duplicate" else 0
        return [self._addressed(notification, letter) for _ in range(1 + copies)]

    def _addressed(self, notification: Notification, fields: dict[str, str]) -> Letter:
        def record(status: int | None, answer: str) -> None:
            delivery = Delivery(self._writer.clock.now(), status, answer, fields)
            self._note(notification, delivery)
            if delivery.is_accepted:
                with self._lock:
                    self._queue = [w for w in self._queue if w.notification is not notification]

        return Letter(notification.url, dict(fields), notification.out_trade_no, record)
