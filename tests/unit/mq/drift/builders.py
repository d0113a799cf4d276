"""What a look finds when all is as it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.mq.drift.found import (
    ExchangeProperties,
    FoundBinding,
    FoundExchange,
    FoundQueue,
    FoundTopology,
    QueueProperties,
)
from chalicelib.mq.topology import Queue, Topology


def an_exchange(name: str) -> FoundExchange:
    return FoundExchange(name=name, properties=ExchangeProperties(kind="fanout", durable=True))


def a_queue(queue: Queue) -> FoundQueue:
    arguments = dict(queue.arguments)
    return FoundQueue(
        name=queue.name,
        properties=QueueProperties(
            durable=True,
            queue_type=str(arguments.get("x-queue-type", "classic")),
            arguments=arguments,
        ),
        ready=0,
        unacknowledged=0,
        consumers=1,
    )


def all_of(topology: Topology) -> FoundTopology:
    return FoundTopology(
        exchanges={name: an_exchange(name) for name in topology.exchanges()},
        queues={queue.name: a_queue(queue) for queue in topology.queues()},
        bindings=frozenset(FoundBinding(s.exchange, s.work_queue) for s in topology.subscriptions),
    )


def with_queue(found: FoundTopology, name: str, **changes: Any) -> FoundTopology:
    """Changes of the queue, or of its properties."""
    queue = found.queues[name]
    of_queue = {k: v for k, v in changes.items() if hasattr(queue, k)}
    of_properties = {k: v for k, v in changes.items() if k not in of_queue}
    assert queue.properties is not None
    properties = replace(queue.properties, **of_properties)
    changed = replace(queue, **{"properties": properties, **of_queue})
    return replace(found, queues={**found.queues, name: changed})


def with_arguments(found: FoundTopology, name: str, **arguments: Any) -> FoundTopology:
    """Arguments by their names with underscores; None takes one away."""
    properties = found.queues[name].properties
    assert properties is not None
    changed = {
        **properties.arguments,
        **{f"x-{key.replace('_', '-')}": value for key, value in arguments.items()},
    }
    return with_queue(found, name, arguments={k: v for k, v in changed.items() if v is not None})


def without_queue(found: FoundTopology, name: str) -> FoundTopology:
    bound = found.bindings or frozenset()
    return replace(
        found,
        queues={k: v for k, v in found.queues.items() if k != name},
        bindings=frozenset(b for b in bound if b.queue != name),
    )
