"""What has to be done so that the broker has what it should have. Pure: nothing is asked or done.

::

    found ─┐
           ├─ plan ─► steps      what is missing; `chalicelib.mq.rabbit` carries them out
    wanted ┘          conflicts  there under the same name, but another thing: a person decides
                      unseen     bindings that may be missing, when bindings cannot be seen
                      remarks    nothing is wrong by our lights, but somebody should know

Brokers report what nobody set in different ways: ``x-queue-type`` is among the arguments of every
queue from 3.13.7 and 4.0 on (https://github.com/rabbitmq/rabbitmq-server/pull/12109), and before
only where it was given. So what we set is compared, and the type; and of what we did not set what
would lose messages. Queues of others on our exchanges are fine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.mq.drift.compare import exchange_conflicts, queue_conflicts, strange_arguments
from chalicelib.mq.drift.conflict import Conflict
from chalicelib.mq.drift.found import FoundBinding, FoundQueue, FoundTopology
from chalicelib.mq.topology import Queue, Subscription, Topology

_ANY_DELAY = re.compile(r"\.retry\.\d+s")


@dataclass(frozen=True, slots=True)
class DeclareExchange:
    """Make a durable fanout exchange."""

    name: str

    def __str__(self) -> str:
        return f"declare exchange {self.name}"


@dataclass(frozen=True, slots=True)
class DeclareQueue:
    """Make a queue."""

    queue: Queue

    def __str__(self) -> str:
        return f"declare queue {self.queue.name}"


@dataclass(frozen=True, slots=True)
class Bind:
    """Let a queue have what is published to an exchange."""

    queue: str
    exchange: str

    def __str__(self) -> str:
        return f"bind queue {self.queue} to exchange {self.exchange}"


Step = DeclareExchange | DeclareQueue | Bind
"""Each may be repeated: the broker answers that it is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """See the module's text."""

    steps: tuple[Step, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unseen: tuple[Bind, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[str, ...]:
        """Between what is there and what should be, a line each."""
        missing = (f"missing: {step}" for step in self.steps)
        return (*missing, *(str(conflict) for conflict in self.conflicts))


def steps_of(subscription: Subscription) -> tuple[Step, ...]:
    """All that a subscriber needs, in an order in which it can be made.

    The work queue comes last and its binding right after it. Once the queue is there publishing
    goes on, and what is confirmed while another subscriber alone is bound misses ours.
    """
    work_queue = subscription.work_queue
    work_last = sorted(subscription.queues(), key=lambda queue: queue.name == work_queue)
    return (
        DeclareExchange(subscription.exchange),
        *(DeclareQueue(queue) for queue in work_last),
        Bind(work_queue, subscription.exchange),
    )


def plan(topology: Topology, found: FoundTopology) -> Plan:
    """What leads from ``found`` to ``topology``."""
    needed = dict.fromkeys(step for s in topology.subscriptions for step in steps_of(s))
    return Plan(
        steps=tuple(step for step in needed if _is_missing(step, found)),
        conflicts=tuple(_conflicts(topology, found)),
        unseen=tuple(step for step in needed if isinstance(step, Bind) and found.bindings is None),
        remarks=tuple(_remarks(topology, found)),
    )


def _is_missing(step: Step, found: FoundTopology) -> bool:
    match step:
        case DeclareExchange(name):
            return name not in found.exchanges
        case DeclareQueue(queue):
            return queue.name not in found.queues
        case Bind(queue_name, exchange):
            bound = found.bindings
            return bound is not None and FoundBinding(exchange, queue_name) not in bound


def _conflicts(topology: Topology, found: FoundTopology) -> Iterator[Conflict]:
    for name in topology.exchanges():
        if name in found.exchanges:
            yield from exchange_conflicts(found.exchanges[name])
    for queue in topology.queues():
        if queue.name in found.queues:
            yield from queue_conflicts(queue, found.queues[queue.name])


def _remarks(topology: Topology, found: FoundTopology) -> Iterator[str]:
    for subscription in topology.subscriptions:
        for queue in subscription.queues():
            there = found.queues.get(queue.name)
            if there is not None:
                yield from _remarks_on(subscription, queue, there)
        yield from _strangers_bindings(subscription, found)
        yield from _left_over(subscription, found)


def _remarks_on(subscription: Subscription, queue: Queue, there: FoundQueue) -> Iterator[str]:
    if queue.name == subscription.work_queue and there.consumers == 0:
        yield f"queue {queue.name} has no consumer at the moment"
    if queue.name == subscription.dead_queue and there.ready:
        yield f"queue {queue.name} has {there.ready} dead letters"
    for argument in strange_arguments(queue, there):
        yield f"queue {queue.name} has the argument {argument}, which is none of ours"


def _strangers_bindings(subscription: Subscription, found: FoundTopology) -> Iterator[str]:
    ours = {queue.name for queue in subscription.queues()}
    own = FoundBinding(subscription.exchange, subscription.work_queue)
    for binding in sorted(found.bindings or (), key=lambda b: (b.queue, b.exchange)):
        if binding.queue in ours and binding != own:
            yield f"queue {binding.queue} is bound to {binding.exchange}, which is not our doing"


def _left_over(subscription: Subscription, found: FoundTopology) -> Iterator[str]:
    ours = {queue.name for queue in subscription.queues()}
    for name in sorted(found.queues):
        if name not in ours and _ANY_DELAY.fullmatch(name.removeprefix(subscription.work_queue)):
            yield f"queue {name} belongs to other RETRY_DELAYS_SECONDS; delete it once it is empty"
