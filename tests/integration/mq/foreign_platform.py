"""A virtual host of one's own for a foreign subscriber: our real names, and a user like theirs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import amqp
import httpx

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import RabbitPublisher
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import platform_topology
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, eventually, put_by_transactions
from tests.integration.mq.subscriber_from_the_page import Shelf, Subscriber
from tests.unit.mq.builders import an_insert

_OWNER = {"configure": ".*", "write": ".*", "read": ".*"}

# what docs/messages.md tells a new subscriber to ask for, and nothing more
_SUBSCRIBER = {
    "configure": r"^materials\..*$",
    "write": r"^materials\..*$",
    "read": r"^((paynotify|refundnotify)_exchange_fanout|materials\..*)$",
}


class ForeignPlatform:
    """The exchanges and queues under their real names, and the real relay."""

    def __init__(self, broker: ExternalBroker, settings: Settings, user: str) -> None:
        self.broker = broker
        self.user = self.password = user
        self._url = urlsplit(broker.amqp_url)
        self._virtual_host = self._url.path.removeprefix("/")
        self.topology = platform_topology(settings.retry_delays_seconds)
        self._wires = [Wire(broker, each) for each in self.topology.subscriptions]
        self.payments, self.refunds = self._wires[:2]
        for wire in self._wires:
            wire.declare()
        self._dynamo = Dynamo(settings)
        self._publisher = RabbitPublisher(self.payments.address, self.topology, SystemClock())
        self._relay = Relay(
            Outbox(self._dynamo), self._publisher, self.topology, SystemClock(), RelayLimits()
        )

    @property
    def port(self) -> int:
        assert self._url.port is not None
        return self._url.port

    def relay(self, *messages: OutboxMessage) -> None:
        """From the outbox to the exchanges, as in production; all of them are confirmed."""
        put_by_transactions(self._dynamo, messages)
        now = SystemClock().now()
        records = [an_insert(m, 100 + place, put_at=now) for place, m in enumerate(messages)]
        assert self._relay.publish(records) == {"batchItemFailures": []}

    def put(self, exchange: str, *bodies: bytes) -> None:
        """What some other sender might put there, or a later version of ours."""
        now = SystemClock().now()
        messages = [
            OutboxMessage(
                event_key=str(place),
                message_id=str(place),
                exchange=exchange,
                body=body.decode(),
                created_at=now,
            )
            for place, body in enumerate(bodies)
        ]
        results = self._publisher.publish(messages, Deadline.after(ANSWER_SECONDS))
        assert set(results.values()) == {PublishResult.CONFIRMED}

    def connection(self) -> amqp.Connection:
        """What the subscriber's user can do by hand."""
        return self._connection(self.user, self.password)

    def subscriber(self, shelf: Shelf, port: int | None = None) -> Subscriber:
        return Subscriber(
            host=f"{self._url.hostname}:{port or self.port}",
            virtual_host=self._virtual_host,
            user=self.user,
            password=self.password,
            shelf=shelf,
        )

    def bind(self, shelf: Shelf) -> None:
        """Let the subscriber connect once: messages are kept for it from then on."""
        subscriber = self.subscriber(shelf)
        subscriber.run(lambda: not subscriber.connections)

    def taken_from(self, queue: str) -> list[bytes]:
        """What waits in a queue; only for queues that nobody consumes at this moment."""
        return self.payments.bodies(queue)

    def received(self, queue: str) -> list[dict[str, object]]:
        """The properties of what waits in one of our queues, as a foreign client reads them."""
        found: list[dict[str, object]] = []
        with self._connection(self._url.username, self._url.password) as connection:
            channel = connection.channel()
            while (message := channel.basic_get(queue, no_ack=True)) is not None:
                found.append(dict(message.properties))
        return found

    def _connection(self, user: str | None, password: str | None) -> amqp.Connection:
        return amqp.Connection(
            host=f"{self._url.hostname}:{self.port}",
            virtual_host=self._virtual_host,
            userid=user,
            password=password,
        )

    def leave(self) -> None:
        self._publisher.close()
        for wire in self._wires:
            wire.clean_up()


@contextmanager
def foreign_platform(
    broker: Broker | ExternalBroker, settings: Settings
) -> Iterator[ForeignPlatform]:
    """Made and removed by the management API of the broker, which must have one."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    owner = urlsplit(broker.amqp_url).username or "guest"
    with httpx.Client(base_url=broker.management_url, timeout=60, trust_env=False) as api:
        _answered(lambda: api.put(f"/api/vhosts/{name}"))
        _answered(lambda: api.put(f"/api/users/{name}", json={"password": name, "tags": ""}))
        _answered(lambda: api.put(f"/api/permissions/{name}/{quote(owner)}", json=_OWNER))
        _answered(lambda: api.put(f"/api/permissions/{name}/{name}", json=_SUBSCRIBER))
        try:
            url = urlsplit(broker.amqp_url)._replace(path=f"/{name}").geturl()
            platform = ForeignPlatform(ExternalBroker(url), settings, name)
            yield platform
            platform.leave()
        finally:
            _answered(lambda: api.delete(f"/api/vhosts/{name}"))
            _answered(lambda: api.delete(f"/api/users/{name}"))


def _answered(ask: Callable[[], httpx.Response]) -> None:
    """The management API comes up a little after the broker."""

    def is_done() -> bool:
        try:
            ask().raise_for_status()
        except httpx.TransportError:
            return False
        return True

    eventually(is_done, "the management API does not answer")
