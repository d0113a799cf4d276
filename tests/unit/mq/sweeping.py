"""A sweeper and a relay on one outbox and one broker in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import Publisher, PublishResult
from chalicelib.mq.relay import Answer, Relay, RelayLimits
from chalicelib.mq.sweeper import Sweeper, SweepLimits, Swept
from tests.fakes.clock import FakeClock
from tests.fakes.mq import FakeBroker, FakePublisher
from tests.fakes.outbox import FakeOutbox, FakeSwitch
from tests.unit.mq.builders import (
    REFUND_SUBSCRIPTION,
    SUBSCRIPTION,
    TOPOLOGY,
    an_insert,
)

LIMITS = SweepLimits(
    most=1_000,
    publish_deadline_seconds=10,
    retry_after=(timedelta(seconds=60), timedelta(seconds=120), timedelta(seconds=300)),
    refusals_until_dead=4,
)


class Bench:
    """Everything of one deployment; ``messages`` are in its outbox, and due."""

    def __init__(self, *messages: OutboxMessage) -> None:
        self.clock = FakeClock()
        self.broker = FakeBroker()
        for subscription in (SUBSCRIPTION, REFUND_SUBSCRIPTION):
            self.broker.declare(subscription)
        self.publisher = FakePublisher(self.broker, TOPOLOGY)
        self.outbox = FakeOutbox(messages)
        self.switch = FakeSwitch()
        self.messages = messages
        self.clock.advance(seconds=61)

    def sweep(
        self,
        limits: SweepLimits = LIMITS,
        *,
        seconds: float = 60,
        rows: Any = None,
        publisher: Publisher | None = None,
        switch: Any = None,
    ) -> Swept:
        sweeper = Sweeper(
            rows=rows or self.outbox,
            publisher=publisher or self.publisher,
            topology=TOPOLOGY,
            pause=switch or self.switch,
            clock=self.clock,
            limits=limits,
        )
        return sweeper.run(Deadline.after(seconds))

    def relay(self) -> Answer:
        """Deliver what is in the outbox as if it was brand-new to the stream."""
        relay = Relay(self.outbox, self.publisher, TOPOLOGY, self.clock, RelayLimits(), self.switch)
        now = self.clock.now()
        return relay.publish(
            an_insert(message, 100 + number, put_at=now)
            for number, message in enumerate(self.messages)
        )

    def queued(self) -> list[str]:
        return [
            message.message_id
            for subscription in (SUBSCRIPTION, REFUND_SUBSCRIPTION)
            for message in self.broker.queues[subscription.work_queue]
        ]

    def ids(self) -> list[str]:
        return [message.message_id for message in self.messages]


class ScriptedPublisher:
    """Gives each message the next of its results; None: nothing of its batch is published."""

    def __init__(self, results: Mapping[str, list[PublishResult | None]]) -> None:
        self._results = {key: list(answers) for key, answers in results.items()}
        self.confirmations: list[str] = []
        self.sent: list[str] = []

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> dict[str, PublishResult]:
        answers = {m.event_key: self._next(m.event_key) for m in messages}
        if None in answers.values():
            raise BrokerError(detail="not now")
        results = {key: answer for key, answer in answers.items() if answer is not None}
        self.sent += results
        self.confirmations += [k for k, r in results.items() if r is PublishResult.CONFIRMED]
        return results

    @property
    def confirmed(self) -> set[str]:
        return set(self.confirmations)

    def _next(self, event_key: str) -> PublishResult | None:
        left = self._results.get(event_key)
        return left.pop(0) if left else PublishResult.CONFIRMED
