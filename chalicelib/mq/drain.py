"""A bounded consume loop: what a scheduled function does with its window.

The effect comes first, the acknowledgement after it. A killed drain therefore repeats, never
loses; the effects are idempotent. Deliveries are settled strictly in order, so one acknowledgement
covers all up to its own. One that can be neither put off nor buried is stuck: it stays with the
consumer until the run ends and then goes back, while those behind it go on, each acknowledged by
itself.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from tenacity import RetryCallState, Retrying, retry_if_result, wait_random_exponential

from chalicelib.deadline import Deadline, within
from chalicelib.errors import StaleWrite, Unavailable, UnreadableRow
from chalicelib.mq.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    Ack,
    Dead,
    Delivery,
    Handler,
    Outcome,
    Pause,
    Retry,
)
from chalicelib.mq.message import MalformedMessage
from chalicelib.mq.ports import Connect, ForwardRefused, Inbox
from chalicelib.mq.topology import Subscription
from chalicelib.observability import count, logger

_MILLIS = 1000
_LOOK_SECONDS = 0.5
_REASON_CHARACTERS = 500
# However slow the handler is: the broker hears from us, and a killed run repeats little.
_ACKNOWLEDGED_EVERY_SECONDS = 5
_PAUSE = wait_random_exponential(multiplier=0.2, max=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainLimits:
    """How long a run stays, and how much it holds.

    ``spare_seconds`` before the Lambda deadline nothing is fetched any more; half of them is for
    the handler of the last message, so that its outcome can be settled. ``prefetch`` messages are
    out with the consumer at most; half of them are acknowledged at once.
    """

    window_seconds: float
    prefetch: int
    spare_seconds: float = 10
    answer_seconds: float = 8

    def __post_init__(self) -> None:
        # AMQP takes 0 for "no limit"
        if self.prefetch < 1:
            raise ValueError(f"prefetch must be at least 1, not {self.prefetch}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainReport:
    """What a run did. ``paused`` counts the waits, the others count messages.

    ``stuck`` are those whose copy the broker refused: they are in the work queue as before.
    """

    acked: int = 0
    retried: int = 0
    dead: int = 0
    paused: int = 0
    stuck: int = 0


class Drain:
    """Brings the messages of one work queue to their handler.

    Parameters
    ----------
    connect : Connect
        Declares the subscription's queues and consumes the work queue.
    subscription : Subscription
        Its retry delays say how often a message is tried.
    handler : Handler
        `MalformedMessage` counts as Dead, `Unavailable` and `StaleWrite` as Pause, any other
        exception as Retry, and so does `UnreadableRow`: it ails one message, not the store.
    limits : DrainLimits
        The window.
    monotonic : Callable[[], float]
        Seconds; wall-clock jumps do not move it.
    """

    def __init__(
        self,
        connect: Connect,
        subscription: Subscription,
        handler: Handler,
        limits: DrainLimits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._subscription = subscription
        self._handler = handler
        self._limits = limits
        self._monotonic = monotonic

    def run(self, remaining_millis: Callable[[], int]) -> DrainReport:
        """Stay for the window, however empty the queue is; then report.

        It ends earlier when as many deliveries are stuck as may be out with the consumer.

        Parameters
        ----------
        remaining_millis : Callable[[], int]
            What is left of the Lambda function's time, in milliseconds.

        Raises
        ------
        BrokerError
            The broker cannot be used any more. What was stored but not acknowledged comes again.
        """
        ends_at = self._monotonic() + self._limits.window_seconds

        def seconds_left() -> float:
            spare = remaining_millis() / _MILLIS - self._limits.spare_seconds
            return max(0.0, min(ends_at - self._monotonic(), spare))

        deadline = Deadline.after(self._limits.answer_seconds)
        inbox = self._connect(self._subscription, self._limits.prefetch, deadline)
        run = _Run(
            inbox,
            self._subscription,
            self._handler,
            self._limits,
            seconds_left,
            self._monotonic,
        )
        try:
            run.until_over()
        finally:
            inbox.close()
            report = run.report()
            logger.info("drained", queue=self._subscription.work_queue, report=repr(report))
            if report.acked:
                count("DrainAcked", report.acked)
        return report


class _Run:
    """One stay at the queue."""

    def __init__(
        self,
        inbox: Inbox,
        subscription: Subscription,
        handler: Handler,
        limits: DrainLimits,
        seconds_left: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._subscription = subscription
        self._handler = handler
        self._limits = limits
        self._seconds_left = seconds_left
        self._monotonic = monotonic
        self._acknowledged_at = monotonic()
        self._chunk = max(1, limits.prefetch // 2)
        self._settled: list[int] = []
        self._stuck = 0
        self._counts: Counter[str] = Counter()

    def until_over(self) -> None:
        while (left := self._seconds_left()) > 0 and self._stuck < self._limits.prefetch:
            delivery = self._inbox.next(0)
            if delivery is None:
                # nothing at hand: nobody should wait for these
                self._acknowledge()
                delivery = self._inbox.next(min(left, _LOOK_SECONDS))
            if delivery is not None and not self._settle(delivery):
                break
        self._acknowledge()

    def report(self) -> DrainReport:
        return DrainReport(**self._counts)

    def _settle(self, delivery: Delivery) -> bool:
        """Whether to go on; if not, the delivery goes back to the queue with the rest."""
        outcome = self._patiently(delivery)
        try:
            match outcome:
                case Ack():
                    self._counts["acked"] += 1
                case Retry(reason):
                    self._put_off(delivery, reason)
                case Dead(reason):
                    self._bury(delivery, reason)
                case Pause():
                    return False
                case _:
                    assert_never(outcome)
        except ForwardRefused as error:
            self._leave(delivery, error)
            return True
        self._settled.append(delivery.tag)
        quiet_for = self._monotonic() - self._acknowledged_at
        if len(self._settled) >= self._chunk or quiet_for >= _ACKNOWLEDGED_EVERY_SECONDS:
            self._acknowledge()
        return True

    def _patiently(self, delivery: Delivery) -> Outcome:
        """The outcome; a pause is waited for in place, as long as the window lasts."""
        retrying = Retrying(
            retry=retry_if_result(lambda outcome: isinstance(outcome, Pause)),
            wait=_PAUSE,
            stop=lambda _: self._seconds_left() <= 0,
            sleep=lambda seconds: self._inbox.wait(min(seconds, self._seconds_left())),
            before_sleep=lambda state: self._before_pause(delivery, state),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        outcome: Outcome = retrying(self._handle, delivery)
        return outcome

    def _before_pause(self, delivery: Delivery, state: RetryCallState) -> None:
        self._acknowledge()
        self._counts["paused"] += 1
        if state.attempt_number == 1 and state.outcome is not None:
            outcome = repr(state.outcome.result())
            logger.warning("paused", message_id=delivery.message_id, outcome=outcome)
            count("DrainPaused")

    def _handle(self, delivery: Delivery) -> Outcome:
        deadline = Deadline.after(self._seconds_left() + self._limits.spare_seconds / 2)
        try:
            with within(deadline):
                return self._handler(delivery)
        except MalformedMessage as error:
            return Dead(f"malformed: {error}")
        except UnreadableRow as error:
            logger.error("unreadable row", message_id=delivery.message_id, detail=error.detail)
            return Retry(error.detail)
        except (Unavailable, StaleWrite) as error:
            return Pause(error.detail)
        except Exception as error:  # noqa: BLE001  one message must not stop the others
            logger.exception("the handler failed", message_id=delivery.message_id)
            return Retry(repr(error))

    def _put_off(self, delivery: Delivery, reason: str) -> None:
        queue = self._subscription.retry_queue(delivery.attempt)
        if queue is None:
            self._bury(delivery, f"failed {delivery.attempt} times, at last: {reason}")
            return
        self._forward(delivery, queue, delivery.attempt + 1, reason)
        self._counts["retried"] += 1
        count("DrainRetried")

    def _bury(self, delivery: Delivery, reason: str) -> None:
        self._forward(delivery, self._subscription.dead_queue, delivery.attempt, reason)
        logger.error("dead letter", message_id=delivery.message_id, reason=reason)
        self._counts["dead"] += 1
        count("DrainDead")

    def _forward(self, delivery: Delivery, queue: str, attempt: int, reason: str) -> None:
        # what is stored already shall not come again if this takes the connection along
        self._acknowledge()
        headers: dict[str, str | int] = {
            ATTEMPT_HEADER: attempt,
            REASON_HEADER: _sendable(reason),
        }
        deadline = Deadline.after(self._limits.answer_seconds)
        self._inbox.forward(delivery, queue, headers, deadline)

    def _leave(self, delivery: Delivery, error: ForwardRefused) -> None:
        self._stuck += 1
        self._counts["stuck"] += 1
        logger.error("stuck delivery", message_id=delivery.message_id, detail=error.detail)
        count("DrainStuck")

    def _acknowledge(self) -> None:
        if self._settled and self._stuck:
            self._inbox.ack(self._settled)
        elif self._settled:
            self._inbox.ack_up_to(self._settled[-1])
        self._settled = []
        self._acknowledged_at = self._monotonic()


def _sendable(reason: str) -> str:
    """What a header can hold: half a surrogate pair has no UTF-8, and the copy could not go out."""
    return reason[:_REASON_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
