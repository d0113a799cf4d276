"""Exchanges and queues that are not there, not bound, or full."""

from __future__ import annotations

from collections.abc import Callable

from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.rabbit import RabbitPublisher
from chalicelib.mq.rabbit.faults import TopologyFault
from tests.integration.mq.faults.scene import (
    CONFIRMED,
    NACKED,
    RETURNED,
    UNKNOWN,
    Outcome,
    Scene,
)
from tests.integration.mq.tcp_proxy import TcpProxy


def keys_of(batch: list[OutboxMessage]) -> set[str]:
    return {message.event_key for message in batch}


def publisher_at_work(scene: Scene, proxy: TcpProxy | None = None) -> RabbitPublisher:
    publisher = scene.publisher(proxy)
    assert scene.relay(scene.batch(1), publisher).error is None
    return publisher


def nothing_goes_out(scene: Scene, publisher: RabbitPublisher, what: str) -> None:
    """A batch is refused as a whole until everything is declared again."""
    before = [sum(scene.copies(queue).values()) for queue in scene.queues if what != queue]
    batch = scene.batch(3)

    outcome = scene.relay(batch, publisher)

    assert isinstance(outcome.error, TopologyFault)
    assert what in outcome.error.detail
    assert outcome.rows_left == keys_of(batch)
    after = [sum(scene.copies(queue).values()) for queue in scene.queues if what != queue]
    assert after == before
    scene.declare()
    scene.completes(batch, outcome, publisher)


def test_an_exchange_that_was_deleted_stops_its_messages(scene: Scene) -> None:
    publisher = publisher_at_work(scene)
    scene.wire.on_channel(lambda c: c.exchange_delete(scene.exchange))
    nothing_goes_out(scene, publisher, scene.exchange)


def test_one_deleted_queue_of_two_stops_the_messages_for_both(scene: Scene) -> None:
    publisher = publisher_at_work(scene)
    scene.wire.on_channel(lambda c: c.queue_delete(scene.queues[1]))
    nothing_goes_out(scene, publisher, scene.queues[1])


def test_with_both_queues_deleted_nothing_goes_out(scene: Scene) -> None:
    publisher = publisher_at_work(scene)
    _delete(scene, *scene.queues)
    batch = scene.batch(3)
    outcome = scene.relay(batch, publisher)
    assert isinstance(outcome.error, TopologyFault)
    assert outcome.rows_left == keys_of(batch)
    scene.declare()
    scene.completes(batch, outcome, publisher)


def after_the_look(scene: Scene, happens: Callable[[], object]) -> tuple[int, Outcome]:
    """Something happens between the look at the queues and the first message of a batch.

    Tells how many connections the publisher needed, and what came of the batch; afterwards all is
    well again.
    """
    with scene.proxy() as proxy:
        publisher = publisher_at_work(scene, proxy)
        batch = scene.batch(3)
        proxy.before(batch[0].body.encode(), happens)
        outcome = scene.relay(batch, publisher)
        connections = proxy.connections
        scene.declare()
        lost = {queue: outcome.of(CONFIRMED) for queue in scene.queues[1:]}
        scene.completes(batch, outcome, publisher, but_for=lost)
        return connections, outcome


def test_an_exchange_deleted_after_the_look_leaves_all_unknown(scene: Scene) -> None:
    """The broker closes the channel and says nothing of the single messages."""

    def delete() -> None:
        scene.wire.on_channel(lambda c: c.exchange_delete(scene.exchange))

    connections, outcome = after_the_look(scene, delete)
    assert len(outcome.of(UNKNOWN)) == 3
    assert connections == 1


def test_both_queues_deleted_after_the_look_make_returns(scene: Scene) -> None:
    _, outcome = after_the_look(scene, lambda: _delete(scene, *scene.queues))
    assert len(outcome.of(RETURNED)) == 3


def test_one_queue_of_two_deleted_after_the_look_is_confirmed_for_the_other(scene: Scene) -> None:
    """The limit of what a publisher can see: only the grant audit brings this back."""
    _, outcome = after_the_look(scene, lambda: _delete(scene, scene.queues[1]))
    assert len(outcome.of(CONFIRMED)) == 3


def test_queues_without_a_binding_make_returns(scene: Scene) -> None:
    publisher = publisher_at_work(scene)
    for queue in scene.queues:
        scene.wire.on_channel(lambda c, queue=queue: c.queue_unbind(queue, scene.exchange))
    batch = scene.batch(3)
    outcome = scene.relay(batch, publisher)
    assert outcome.of(RETURNED) == keys_of(batch)
    assert not any(scene.copies(queue).keys() & keys_of(batch) for queue in scene.queues)
    scene.declare()
    scene.completes(batch, outcome, publisher)


def test_a_full_queue_refuses_and_the_other_has_them_twice_in_the_end(scene: Scene) -> None:
    publisher = publisher_at_work(scene)
    open_queue, full_queue = scene.queues

    def make_it_small(channel: BlockingChannel) -> None:
        channel.queue_delete(full_queue)
        limit = {"x-max-length": 2, "x-overflow": "reject-publish"}
        channel.queue_declare(full_queue, durable=True, arguments=limit)
        channel.queue_bind(full_queue, scene.exchange)

    scene.wire.on_channel(make_it_small)
    batch = scene.batch(5)

    outcome = scene.relay(batch, publisher)

    assert outcome.of(CONFIRMED) == keys_of(batch[:2])
    assert outcome.of(NACKED) == keys_of(batch[2:])
    assert set(scene.copies(full_queue)) == keys_of(batch[:2])
    assert set(scene.copies(open_queue)) >= keys_of(batch)

    _delete(scene, full_queue)
    scene.declare()
    scene.completes(batch, outcome, publisher)
    copies = scene.copies(open_queue)
    assert [copies[m.event_key] for m in batch] == [1, 1, 2, 2, 2]


def _delete(scene: Scene, *queues: str) -> None:
    def delete(channel: BlockingChannel) -> None:
        for queue in queues:
            channel.queue_delete(queue)

    scene.wire.on_channel(delete)
