"""What a look at the broker found; `chalicelib.mq.drift.plan` compares it with what should be.

Two can look. The management API sees everything. An AMQP client sees whether a name is there, and
is told when it asks for the same name with other properties; bindings it does not see at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.mq.topology import Topology

Table = Mapping[str, object]
"""Arguments or a policy, as the broker gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeProperties:
    """How an exchange was declared."""

    kind: str
    durable: bool
    auto_delete: bool = False
    internal: bool = False
    arguments: Table = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProperties:
    """How a queue was declared, and the policies on it.

    ``queue_type`` is the broker's own word for it; it may stand in no argument.
    """

    durable: bool
    queue_type: str
    auto_delete: bool = False
    exclusive: bool = False
    arguments: Table = field(default_factory=dict)
    policy: Table = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundExchange:
    """An exchange that is there.

    ``properties`` are None when they cannot be seen; ``refusal`` is then what the broker said to
    ours, or empty if it took ours for the same.
    """

    name: str
    properties: ExchangeProperties | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundQueue:
    """A queue that is there; ``properties`` and ``refusal`` as in `FoundExchange`.

    The numbers are messages and consumers; None is not known. ``unacknowledged`` are out with a
    consumer, or on their way to another queue.
    """

    name: str
    properties: QueueProperties | None = None
    refusal: str = ""
    ready: int | None = None
    unacknowledged: int | None = None
    consumers: int | None = None


@dataclass(frozen=True, slots=True)
class FoundBinding:
    """A binding of a queue; the default exchange's own are not among them."""

    exchange: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTopology:
    """All of it; ``bindings`` are None when they cannot be seen."""

    exchanges: Mapping[str, FoundExchange]
    queues: Mapping[str, FoundQueue]
    bindings: frozenset[FoundBinding] | None


class Survey(Protocol):
    """A way to look at the broker."""

    def look(self, topology: Topology) -> FoundTopology:
        """What is there; of what is not in ``topology``, as much as this way can see.

        Changes nothing.

        Raises
        ------
        BrokerError
            It does not answer, or refuses us.
        """
        ...
