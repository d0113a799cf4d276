"""The learning centre behind a queue of the test's own: its real handler, its real tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import LearnStatus
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.mq.delivery import Delivery, Handler, Outcome
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.message import OutboxMessage, paid_event
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress, connector
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.subscriber import PayResultSubscriber
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.fakes.clock import START
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire
from tests.unit.learning.builders import STUDENT, a_pay_result, a_pending_record


class LearningCentre:
    """Courses that were paid for; course and record of a payment have one number."""

    def __init__(self, wire: Wire, settings: Settings, create_tables: CreateTables) -> None:
        create_tables(CourseItem, ChooseCourseItem, CourseTableItem)
        self.wire = wire
        self.settings = settings
        self.store = DynamoLearningStore(Dynamo(settings))
        self.numbers: list[str] = []
        wire.declare()

    def subscriber(self) -> Handler:
        """What handles a payment."""
        return PayResultSubscriber(OrderType.COURSE, Granting(self.store))

    def choose(self, *numbers: int) -> None:
        """Courses are chosen, and wait for their payments."""
        for number in map(str, numbers):
            record = a_pending_record(number, course_id=number)
            change = LearningChange(write_id=number, choose_course=record, open_pending=True)
            self.store.commit(change)
            self.numbers.append(number)

    def pay(self, *numbers: int) -> None:
        """Their messages are in the queue."""
        messages = [self.message(number) for number in numbers]
        results = self.wire.publisher().publish(messages, Deadline.after(ANSWER_SECONDS))
        assert set(results.values()) == {PublishResult.CONFIRMED}

    def message(self, number: int) -> OutboxMessage:
        """The message that course ``number`` is paid for."""
        result = replace(a_pay_result(str(number)), message_id=f"9{number}", order_id=f"8{number}")
        return replace(paid_event(result, START), exchange=self.wire.subscription.exchange)

    def opened(self) -> int:
        """How many of the chosen courses are open."""
        return sum(self._is_open(number) for number in self.numbers)

    def all_opened(self) -> bool:
        """Whether all of them are."""
        return all(self._is_open(number) for number in self.numbers)

    def is_right_and_done(self) -> bool:
        """Each course is open by one grant, for its days; nothing waits and nothing is dead."""
        subscription = self.wire.subscription
        for number in self.numbers:
            record = self.store.choose_course(number)
            row = self.store.course_row(STUDENT, number)
            assert record is not None
            assert row is not None
            assert record.status is ChooseStatus.CHOSEN
            assert [g.choose_course_id for g in row.grants] == [number]
            # written once: another effect would be another version
            assert row.version == 1
            assert (record.version, row.learn_status(START)) == (2, LearnStatus.MAY_LEARN)
        for queue in subscription.queues():
            assert self.wire.bodies(queue.name) == []
        return True

    def _is_open(self, number: str) -> bool:
        row = self.store.course_row(STUDENT, number)
        return row is not None and row.has_grant(number)


def drain(
    wire: Wire,
    handler: Handler,
    over: Callable[[], bool] = lambda: False,
    *,
    window_seconds: float = 2 * ANSWER_SECONDS,
    prefetch: int = 20,
    answer_seconds: float = 8,
    address: BrokerAddress | None = None,
) -> DrainReport:
    """One scheduled run; its time is up as soon as ``over()`` holds."""
    give_up_at = time.monotonic() + ANSWER_SECONDS

    def remaining_millis() -> int:
        assert time.monotonic() < give_up_at, "the drain did not get there"
        return 0 if over() else 60_000

    limits = DrainLimits(
        window_seconds=window_seconds, prefetch=prefetch, answer_seconds=answer_seconds
    )
    connect = connector(address or wire.address)
    return Drain(connect, wire.subscription, handler, limits).run(remaining_millis)


def drain_until_nothing_comes(wire: Wire, handler: Handler) -> None:
    """Scheduled runs, until one of them finds nothing and nothing waits for a retry."""
    queues = [queue.name for queue in wire.subscription.queues()]
    waiting = [name for name in queues if name != wire.subscription.dead_queue]
    deadline = Deadline.after(ANSWER_SECONDS)
    while True:
        assert not deadline.passed(), "there is always another message"
        found = drain(wire, handler, window_seconds=0.6)
        if found == DrainReport() and not any(ready(wire, name) for name in waiting):
            return


def ready(wire: Wire, queue: str) -> int:
    """How many messages of a queue are not out with anybody."""
    counts: list[int] = []
    wire.on_channel(
        lambda channel: counts.append(
            channel.queue_declare(queue, passive=True).method.message_count
        )
    )
    return counts[0]


class Noting:
    """A handler that notes what it was given, and asks ``before`` first."""

    def __init__(self, handler: Handler, before: Callable[[Delivery], object] | None = None):
        self._handler = handler
        self._before = before
        self.handled: list[Delivery] = []

    def __call__(self, delivery: Delivery) -> Outcome:
        if self._before is not None:
            self._before(delivery)
        outcome = self._handler(delivery)
        self.handled.append(delivery)
        return outcome
