"""What the management API answers, as far as we read it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chalicelib.mq.drift.found import (
    ExchangeProperties,
    FoundExchange,
    FoundQueue,
    QueueProperties,
)


class Exchange(msgspec.Struct):
    """One of ``/api/exchanges/<vhost>``."""

    name: str
    type: str
    durable: bool
    auto_delete: bool = False
    internal: bool = False
    arguments: object = None

    def found(self) -> FoundExchange:
        """In our words."""
        properties = ExchangeProperties(
            kind=self.type,
            durable=self.durable,
            auto_delete=self.auto_delete,
            internal=self.internal,
            arguments=_table(self.arguments),
        )
        return FoundExchange(name=self.name, properties=properties)


class Queue(msgspec.Struct):
    """One of ``/api/queues/<vhost>``; what is None was not reported yet."""

    name: str
    type: str
    durable: bool
    auto_delete: bool = False
    exclusive: bool = False
    arguments: object = None
    effective_policy_definition: object = None
    messages_ready: int | None = None
    messages_unacknowledged: int | None = None
    messages_dlx: int | None = None
    consumers: int | None = None

    def found(self) -> FoundQueue:
        """In our words."""
        out = self.messages_unacknowledged
        properties = QueueProperties(
            durable=self.durable,
            queue_type=self.type,
            auto_delete=self.auto_delete,
            exclusive=self.exclusive,
            arguments=_table(self.arguments),
            policy=_table(self.effective_policy_definition),
        )
        return FoundQueue(
            name=self.name,
            properties=properties,
            ready=self.messages_ready,
            unacknowledged=None if out is None else out + (self.messages_dlx or 0),
            consumers=self.consumers,
        )


class Binding(msgspec.Struct):
    """One of ``/api/bindings/<vhost>``; the source of those that every queue has is empty."""

    source: str
    destination: str
    destination_type: str


COLUMNS: Mapping[str, str] = {
    kind: ",".join(shape.__struct_fields__)
    for kind, shape in (("exchanges", Exchange), ("queues", Queue), ("bindings", Binding))
}

"""What is asked for of each kind: queues alone would tell a hundred things more."""


def _table(value: object) -> dict[str, object]:
    """An empty table comes as a list from some versions."""
    return value if isinstance(value, dict) else {}
