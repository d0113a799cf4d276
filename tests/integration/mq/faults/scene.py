"""One exchange with two subscribers, outbox rows, and what is true after every fault.

A batch goes the way it goes in earnest: rows put by transactions, the relay, the real publisher.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.errors import BrokerError
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox
from chalicelib.mq.ports import Publisher, PublishResult
from chalicelib.mq.rabbit import BrokerAddress, RabbitInbox, RabbitPublisher
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import Subscription, Topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.services.broker import Broker
from tests.integration.mq.conftest import (
    ANSWER_SECONDS,
    Wire,
    eventually,
    messages_to,
    put_by_transactions,
)
from tests.integration.mq.tcp_proxy import TcpProxy, in_front_of
from tests.unit.mq.builders import an_insert

LOOPBACK = "127.0.0.1"
CONFIRMED = PublishResult.CONFIRMED
NACKED = PublishResult.NACKED
RETURNED = PublishResult.RETURNED
UNKNOWN = PublishResult.UNKNOWN


@dataclass(frozen=True)
class Outcome:
    """What became of a batch: the publisher's results, or why there are none; the rows left."""

    results: Mapping[str, PublishResult]
    error: BrokerError | None
    rows_left: frozenset[str]

    def of(self, result: PublishResult) -> set[str]:
        """The event keys with this result."""
        return {key for key, found in self.results.items() if found is result}


@dataclass
class Listening:
    """Passes a batch on to a publisher, and keeps what it says."""

    publisher: Publisher
    results: Mapping[str, PublishResult] = field(default_factory=dict)
    error: BrokerError | None = None

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> Mapping[str, PublishResult]:
        try:
            self.results = self.publisher.publish(messages, deadline)
        except BrokerError as error:
            self.error = error
            raise
        return self.results


class Scene:
    """Two work queues on an exchange of the test's own, and an outbox."""

    def __init__(self, wire: Wire, dynamo: Dynamo) -> None:
        self.wire = wire
        self.first = wire.subscription
        self.second = Subscription(self.first.exchange, f"{self.first.work_queue}.other", (1, 2))
        wire.topology = Topology((self.first, self.second))
        self.exchange = self.first.exchange
        self.queues = (self.first.work_queue, self.second.work_queue)
        self._dynamo = dynamo
        self._outbox = Outbox(dynamo)
        self._made = 0
        self._found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.declare()

    def declare(self) -> None:
        """Make what is missing of both subscribers."""
        for subscription in (self.first, self.second):
            deadline = Deadline.after(ANSWER_SECONDS)
            RabbitInbox(self.wire.address, subscription, 10, deadline).close()

    def proxy(self) -> TcpProxy:
        """A proxy in front of the broker, still to be entered."""
        return in_front_of(self.wire.broker.amqp_url)

    def publisher(self, proxy: TcpProxy | None = None) -> RabbitPublisher:
        """A publisher that is closed with the test; through a proxy if there is one."""
        return self.wire.publisher(
            None if proxy is None else self.address(host=LOOPBACK, port=proxy.port)
        )

    def address(self, **other: object) -> BrokerAddress:
        """The broker's address with some parts replaced: user, password, host, port, vhost."""
        parts = urlsplit(self.wire.broker.amqp_url)
        have = {
            "user": parts.username,
            "password": parts.password,
            "host": parts.hostname,
            "port": parts.port or 5672,
            "vhost": parts.path[1:],
        } | other
        url = "amqp://{user}:{password}@{host}:{port}/{vhost}".format(**have)
        return BrokerAddress(Settings.from_env({"RABBITMQ_URL": url}), FetchedSecrets(dict))

    def batch(self, count: int) -> list[OutboxMessage]:
        """Messages with their rows in the outbox."""
        made = messages_to(self.exchange, self._made + count)[self._made :]
        self._made += count
        put_by_transactions(self._dynamo, made)
        return made

    def relay(
        self, batch: Sequence[OutboxMessage], publisher: Publisher, seconds: float = ANSWER_SECONDS
    ) -> Outcome:
        """Bring a batch to the broker as the stream's function does.

        Whatever happens, a row is gone if, and only if, its message was confirmed.
        """
        listening = Listening(publisher)
        limits = RelayLimits(publish_deadline_seconds=seconds)
        relay = Relay(self._outbox, listening, self.wire.topology, SystemClock(), limits)
        now = SystemClock().now()
        relay.publish([an_insert(m, 100 + n, put_at=now) for n, m in enumerate(batch)])
        keys = {message.event_key for message in batch}
        outcome = Outcome(listening.results, listening.error, self.rows(batch))
        assert outcome.rows_left == keys - outcome.of(CONFIRMED)
        assert outcome.error is not None or set(outcome.results) == keys
        return outcome

    def rows(self, batch: Sequence[OutboxMessage]) -> frozenset[str]:
        """The event keys of a batch that are in the outbox."""
        return self._outbox.existing({message.event_key for message in batch})

    def copies(self, queue: str) -> Counter[str]:
        """How many copies of each message a queue has been found to have, this look included.

        A look takes them: one that gave them back would hide them from the next for a moment.
        """
        found = self._found[queue]
        found.update(f"{p.message_id}#paid" for p, _ in self.wire.take_all(queue))
        return found

    def completes(
        self,
        batch: Sequence[OutboxMessage],
        outcome: Outcome,
        publisher: Publisher,
        *,
        but_for: Mapping[str, set[str]] | None = None,
    ) -> None:
        """The fault is gone: nothing that was confirmed is lost, and the rest is made good.

        ``but_for`` names what a queue may lack: what went down with it when it was deleted.
        """
        lost = but_for or {}
        for queue in self.queues:
            assert set(self.copies(queue)) >= outcome.of(CONFIRMED) - lost.get(queue, set())
        rest = [message for message in batch if message.event_key in outcome.rows_left]
        if rest:
            again = self.relay(rest, publisher)
            assert again.error is None
            assert set(again.results.values()) == {CONFIRMED}
        more = self.batch(3)
        assert set(self.relay(more, publisher).results.values()) == {CONFIRMED}
        keys = {message.event_key for message in (*batch, *more)}
        for queue in self.queues:
            assert set(self.copies(queue)) >= keys - lost.get(queue, set())

    @staticmethod
    def is_on_disk(queue: str, broker: Broker) -> None:
        """Wait until the node would know a quorum queue again after a kill."""
        eventually(lambda: broker.keeps(queue), f"{queue} is not on disk")

    def clean_up(self) -> None:
        """Delete the second subscriber's queues; the first's are the wire's."""

        def delete(channel: BlockingChannel) -> None:
            for queue in self.second.queues():
                channel.queue_delete(queue.name)

        self.wire.on_channel(delete)
