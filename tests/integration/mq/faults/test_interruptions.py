"""What happens to us and not to the broker: frozen, interrupted, short of memory."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress, RabbitPublisher
from chalicelib.mq.rabbit.confirms import ConfirmChannel, Outgoing
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import ConnectionLost
from tests.fakes.clock import FakeClock
from tests.integration.mq.conftest import ANSWER_SECONDS
from tests.integration.mq.faults.scene import CONFIRMED, LOOPBACK, Scene


class Hasty:
    """The broker's address, with heartbeats a second apart."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self.forget = address.forget

    def parameters(self, name: str) -> pika.URLParameters:
        parameters = self._address.parameters(name)
        parameters.heartbeat = 1
        return parameters


class Interrupted(BaseException):
    """As KeyboardInterrupt, and nobody else's."""


@contextmanager
def interrupting() -> Iterator[Callable[[], None]]:
    """Gives what interrupts the main thread, wherever it is."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    try:
        yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_container_that_was_frozen_for_long_takes_a_new_connection(scene: Scene) -> None:
    clock = FakeClock()
    with scene.proxy() as proxy:
        address = scene.address(host=LOOPBACK, port=proxy.port)
        publisher = RabbitPublisher(address, scene.wire.topology, clock)
        scene.relay(scene.batch(1), publisher)
        clock.advance(seconds=30)
        scene.relay(scene.batch(1), publisher)
        assert proxy.connections == 1
        clock.advance(seconds=31)
        batch = scene.batch(3)
        outcome = scene.relay(batch, publisher)
        assert proxy.connections == 2
        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        scene.completes(batch, outcome, publisher)
        publisher.close()


def test_a_frozen_container_whose_heartbeats_were_missed_connects_again(scene: Scene) -> None:
    """Its clock stood still as well, so that the connection looks as good as new."""
    with scene.proxy() as proxy:
        address = Hasty(scene.address(host=LOOPBACK, port=proxy.port))
        publisher = RabbitPublisher(address, scene.wire.topology, FakeClock())  # type: ignore
        scene.relay(scene.batch(1), publisher)
        assert proxy.left.wait(ANSWER_SECONDS), "the broker did not miss us"
        batch = scene.batch(3)
        outcome = scene.relay(batch, publisher)
        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        assert proxy.connections == 2
        scene.completes(batch, outcome, publisher)
        publisher.close()


def test_an_interrupted_wait_leaves_a_publisher_that_can_go_on(scene: Scene) -> None:
    with scene.proxy() as proxy, interrupting() as interrupt:
        publisher = scene.publisher(proxy)
        scene.relay(scene.batch(1), publisher)
        batch = scene.batch(3)

        def hold_back_and_interrupt() -> None:
            proxy.silence()
            interrupt()

        proxy.before(batch[0].body.encode(), hold_back_and_interrupt)
        with pytest.raises(Interrupted):
            scene.relay(batch, publisher)
        assert proxy.left.wait(ANSWER_SECONDS), "the connection is still there"
        proxy.listen()
        outcome = scene.relay(batch, publisher)
        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        assert proxy.connections == 2
        scene.completes(batch, outcome, publisher)


class Full(dict[str, PublishResult]):
    """Takes nothing more, as when memory is short."""

    def __setitem__(self, key: str, result: PublishResult) -> None:
        raise MemoryError


def test_a_mistake_in_the_middle_of_a_confirm_is_an_end_of_the_connection(scene: Scene) -> None:
    """pika gives up a connection whose callback fails; its results stay unknown."""
    deadline = Deadline.after(ANSWER_SECONDS)
    connection = RabbitConnection(scene.wire.address.parameters("test"), deadline)
    results = Full({"1": PublishResult.UNKNOWN})
    outgoing = Outgoing(
        key="1", exchange=scene.exchange, routing_key="", message_id="1", body=b"{}"
    )
    with pytest.raises(ConnectionLost, match="MemoryError"):
        ConfirmChannel(connection, deadline).publish([outgoing], results, deadline)
    assert results == {"1": PublishResult.UNKNOWN}
    connection.abort()
    assert scene.copies(scene.queues[0]) == {"1#paid": 1}
