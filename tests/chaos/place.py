"""The place of a run: a broker and a database of its own, and the functions as real processes.

::

    stream_pump, scheduler ══TLS══► line ══► tls ──► broker
              └───────────────────► gate ──► database engine ◄── writers, books

The functions wait for short times instead of minutes; all else is as it is shipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from chalicelib.mq.topology import Topology, platform_topology
from infra.local.processes import interruptions
from infra.local.processes.server import Server
from infra.local.services.broker import Broker
from infra.local.services.dynamodb import DynamoDB
from infra.local.stack import Stack
from tests.chaos.gate import RefusingGate
from tests.chaos.line import Line
from tests.chaos.tls import HOST, TlsTerminator

QUICK = {
    "SCHEDULE_PERIOD_SECONDS": "4",
    "DRAIN_WINDOW_SECONDS": "5",
    "DRAIN_PREFETCH": "20",
    "RETRY_DELAYS_SECONDS": "1,2",
    "PUBLISH_DEADLINE_SECONDS": "4",
    "OUTBOX_STREAM_OWNS_SECONDS": "6",
    "OUTBOX_RETRY_SECONDS": "2,4,8",
    "GRANT_AUDIT_SECONDS": "12,12,24",
}
"""What the functions wait, instead of minutes."""

FOREIGN_QUEUE = "another_subscriber"
"""Not ours, and bound to each of our exchanges: a message that reached it is not returned."""

PARTS = ("tables", "stream_pump", "scheduler", "queues")
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.2


@dataclass(slots=True)
class Strangers:
    """What came from elsewhere; ``acks`` are deliveries of it that drains were done with."""

    messages: int = 0
    acks: int = 0


class Place:
    """A context manager: everything runs inside it, and nothing of it afterwards."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.broker = Broker(folder / "broker")
        self._engine = DynamoDB(folder / "dynamodb")
        self.tls = TlsTerminator(folder / "tls", self.broker.port)
        self.line = Line(self.tls.port)
        self.gate = RefusingGate(self._engine.endpoint_url)
        delays = tuple(int(delay) for delay in QUICK["RETRY_DELAYS_SECONDS"].split(","))
        self.topology: Topology = platform_topology(delays)
        self.strangers = Strangers()
        self._stack = Stack(folder / "stack", self._overrides(), only=PARTS)
        self._held = ExitStack()

    @property
    def engine_url(self) -> str:
        """The database without the gate."""
        return self._engine.endpoint_url

    @property
    def env(self) -> dict[str, str]:
        """The environment of the functions."""
        return self._stack.env

    @property
    def logs(self) -> Path:
        """Where the functions write."""
        return self.folder / "stack" / "logs"

    @property
    def queues(self) -> tuple[str, ...]:
        """All queues of ours."""
        return tuple(q.name for s in self.topology.subscriptions for q in s.queues())

    def __enter__(self) -> Place:
        try:
            self._held.enter_context(interruptions.raised())
            for server in (self._engine, self.broker):
                self._held.callback(server.stop)
                server.launch()
            for server in (self._engine, self.broker):
                server.wait_ready()
            self._held.enter_context(self.tls)
            self._held.enter_context(self.line)
            self._held.enter_context(self.gate)
            self._held.enter_context(self._stack)
            self.bind_foreign_queue()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # what they keep is not looked at again, so they need no orderly end
        for server in (self.broker, self._engine):
            self._held.callback(server.kill)
        with interruptions.ignored():
            self._held.close()

    def part(self, name: str) -> Server:
        """One process of the functions."""
        return self._stack.part(name)

    def on_broker(self, use: Callable[[BlockingChannel], object]) -> None:
        """Use a channel of an operator, who does not go over the line."""
        connection = pika.BlockingConnection(pika.URLParameters(self.broker.amqp_url))
        try:
            use(connection.channel())
        finally:
            if connection.is_open:
                connection.close()

    def waiting(self) -> dict[str, int]:
        """How many messages each queue of ours has, with those that a drain holds.

        The broker counts every few seconds only.
        """
        lines = self.broker.ctl("-q", "list_queues", "--no-table-headers", "name", "messages")
        counts = (line.split("\t") for line in lines.splitlines() if line)
        return {name: int(count) for name, count in counts if name in self.queues}

    def dead(self) -> dict[str, int]:
        """How many messages each dead queue has, now."""
        counts: dict[str, int] = {}

        def ask(channel: BlockingChannel) -> None:
            for subscription in self.topology.subscriptions:
                answer = channel.queue_declare(subscription.dead_queue, passive=True)
                counts[subscription.dead_queue] = answer.method.message_count

        self.on_broker(ask)
        return counts

    def bind_foreign_queue(self) -> None:
        """Declare and bind the queue of another subscriber; its messages stay in it. Idempotent."""
        self.on_broker(self._bind_foreign_queue)

    def _bind_foreign_queue(self, channel: BlockingChannel) -> None:
        channel.queue_declare(FOREIGN_QUEUE, durable=True)
        for exchange in self.topology.exchanges():
            channel.queue_bind(FOREIGN_QUEUE, exchange)

    def topology_is_there(self) -> bool:
        """Whether exchanges and queues are there, as the relay looks for them."""
        try:
            self.on_broker(self._declare_passively)
        except ChannelClosedByBroker:
            return False
        return True

    def _declare_passively(self, channel: BlockingChannel) -> None:
        for exchange in self.topology.exchanges():
            channel.exchange_declare(exchange, passive=True)
        for queue in self.queues:
            channel.queue_declare(queue, passive=True)

    def node_knows_its_queues(self) -> bool:
        """Whether the node would know its quorum queues after a kill: all are in its directory.

        A queue's folder is made at once, its entry in the directory some seconds later; of a
        queue that is killed in between RabbitMQ 3.10 keeps the messages and loses the way to them.
        """
        directories = list(self.broker_folder.glob("mnesia/*/quorum/*/names.dets"))
        known = b"".join(directory.read_bytes() for directory in directories)
        return bool(known) and all(name in known for name in self._queue_folders())

    @property
    def broker_folder(self) -> Path:
        """What the node keeps."""
        return self.folder / "broker"

    def _queue_folders(self) -> Iterator[bytes]:
        for directory in self.broker_folder.glob("mnesia/*/quorum/*/*"):
            if directory.is_dir():
                yield directory.name.encode()

    def _overrides(self) -> dict[str, str]:
        there = urlsplit(self.broker.amqp_url)
        url = there._replace(
            scheme="amqps", netloc=f"{there.username}:{there.password}@{HOST}:{self.line.port}"
        )
        return {
            **QUICK,
            "RABBITMQ_URL": url.geturl(),
            "RABBITMQ_CA_FILE": str(self.tls.ca_file.resolve()),
            "RABBITMQ_MANAGEMENT_URL": self.broker.management_url,
            "DYNAMODB_ENDPOINT_URL": self.gate.url,
            "TABLE_PREFIX": "chaos-",
        }


def until(what: str, holds: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait until a condition holds.

    Raises
    ------
    RuntimeError
        It did not within ``seconds``; the text says ``what`` did not happen.
    """
    ends_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends_at:
            raise RuntimeError(f"not within {seconds:g} s: {what}")
        time.sleep(_POLL_SECONDS)
