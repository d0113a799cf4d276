"""The relay's way to the broker: one connection, kept between invocations, one batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tenacity import Retrying, retry_if_exception, stop_after_attempt

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.confirms import ConfirmChannel, Outgoing
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.declaring import Declarations
from chalicelib.mq.rabbit.faults import ConnectionLost
from chalicelib.mq.rabbit.login import log_in
from chalicelib.mq.topology import Topology

_MAX_IDLE = timedelta(seconds=30)
_ATTEMPTS = 2


class RabbitPublisher:
    """Implements `chalicelib.mq.ports.Publisher`. Not for more than one thread.

    Before each batch its exchanges and the work queues that are expected there are looked for, and
    nothing is published if one is missing. A connection that is lost meanwhile is opened once
    more, for what is still unknown; not so if the broker refuses us or reads nothing for want of
    memory. A connection that owes answers at the deadline is dropped.

    Parameters
    ----------
    address : BrokerAddress
        Where the broker is.
    topology : Topology
        What must be there.
    clock : Clock
        The wall clock: a container that was frozen finds its connection idle for too long.
    """

    def __init__(self, address: BrokerAddress, topology: Topology, clock: Clock) -> None:
        self._address = address
        self._topology = topology
        self._clock = clock
        self._link: _Link | None = None

    def publish(
        self, messages: Sequence[OutboxMessage], deadline: Deadline
    ) -> dict[str, PublishResult]:
        """Publish a batch; see the port."""
        batch = _Batch(tuple(_outgoing(message) for message in messages))
        if not batch.messages:
            return {}
        self._leave_idle_link()
        once_more = Retrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, ConnectionLost) and not deadline.passed()
            ),
            stop=stop_after_attempt(_ATTEMPTS),
            reraise=True,
        )
        try:
            once_more(self._publish_unknown, batch, deadline)
        except BrokerError:
            if not batch.sent:
                raise
        return batch.results

    def close(self) -> None:
        """Leave the broker. The next batch connects again."""
        link, self._link = self._link, None
        if link is not None:
            link.connection.close()

    def _publish_unknown(self, batch: _Batch, deadline: Deadline) -> None:
        link = self._ready_link(self._topology.of(batch.exchanges), deadline)
        batch.sent = True
        clean = False
        try:
            answered = link.confirms.publish(batch.unknown(), batch.results, deadline)
            # RabbitMQ 3.10 goes on refusing a channel that met a full quorum queue, even when there
            # is room again: https://github.com/rabbitmq/rabbitmq-server/issues/12206
            clean = answered and PublishResult.NACKED not in batch.results.values()
        finally:
            if not clean:
                self._drop_link()
        link.used_at = self._clock.now()

    def _ready_link(self, expected: Topology, deadline: Deadline) -> _Link:
        try:
            if self._link is None:
                self._link = _Link(self._address, deadline, self._clock.now())
            self._link.declarations.check(expected, deadline)
        except BaseException:
            self._drop_link()
            raise
        return self._link

    def _leave_idle_link(self) -> None:
        if self._link is not None and self._clock.now() - self._link.used_at > _MAX_IDLE:
            self._drop_link()

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.connection.abort()


class _Batch:
    """What is to be published, and how far that is."""

    def __init__(self, messages: tuple[Outgoing, ...]) -> None:
        self.messages = messages
        self.exchanges = frozenset(message.exchange for message in messages)
        self.results = {message.key: PublishResult.UNKNOWN for message in messages}
        self.sent = False

    def unknown(self) -> list[Outgoing]:
        return [m for m in self.messages if self.results[m.key] is PublishResult.UNKNOWN]


class _Link:
    """A connection with its two channels."""

    def __init__(self, address: BrokerAddress, deadline: Deadline, now: datetime) -> None:
        self.used_at = now
        self.connection: RabbitConnection = log_in(address, "relay", deadline)
        try:
            self.declarations = Declarations(self.connection, deadline)
            self.confirms = ConfirmChannel(self.connection, deadline)
        except BaseException:
            self.connection.abort()
            raise


def _outgoing(message: OutboxMessage) -> Outgoing:
    return Outgoing(
        key=message.event_key,
        exchange=message.exchange,
        routing_key="",
        message_id=message.message_id,
        body=message.body.encode("utf-8"),
    )
