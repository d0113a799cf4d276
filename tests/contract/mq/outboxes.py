"""The outbox in memory and on the engine, as a contract test arranges and observes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from chalicelib.clock import to_millis
from chalicelib.dynamo import Dynamo
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.waiting import DueRow, StoredRow
from chalicelib.settings import Settings
from tests.fakes.outbox import FakeOutbox
from tests.integration.mq.conftest import STREAM_OWNS, put_by_transactions


class Table(Protocol):
    """An outbox, and ways to put rows that nobody of today puts."""

    outbox: Any

    def put(self, *messages: OutboxMessage) -> None: ...

    def put_malformed(self, event_key: str, next_attempt_at: datetime) -> None: ...

    def put_by_an_earlier_version(self, message: OutboxMessage) -> None: ...


class MemoryTable:
    def __init__(self) -> None:
        self.outbox = FakeOutbox()

    def put(self, *messages: OutboxMessage) -> None:
        for message in messages:
            self.outbox.put(message, STREAM_OWNS)

    def put_malformed(self, event_key: str, next_attempt_at: datetime) -> None:
        self.outbox.put_malformed(event_key, next_attempt_at)

    def put_by_an_earlier_version(self, message: OutboxMessage) -> None:
        self.outbox.put_by_an_earlier_version(message)


class EngineTable:
    def __init__(self, settings: Settings) -> None:
        self.dynamo = Dynamo(settings)
        self.outbox = Outbox(self.dynamo)

    def put(self, *messages: OutboxMessage) -> None:
        put_by_transactions(self.dynamo, messages)

    def put_malformed(self, event_key: str, next_attempt_at: datetime) -> None:
        self.put_item(
            event_key={"S": event_key},
            exchange={"N": "7"},
            sweep_shard={"S": "0"},
            next_attempt_at_ms={"N": str(to_millis(next_attempt_at))},
        )

    def put_by_an_earlier_version(self, message: OutboxMessage) -> None:
        self.put_item(
            event_key={"S": message.event_key},
            message_id={"S": message.message_id},
            exchange={"S": message.exchange},
            body={"S": message.body},
            created_at_ms={"N": str(to_millis(message.created_at))},
        )

    def put_item(self, **item: dict[str, str]) -> None:
        """An item as it stands, whatever the model says."""
        table = self.dynamo.bind(OutboxItem)
        client: Any = table._get_connection().connection.client
        client._make_api_call("PutItem", {"TableName": table.Meta.table_name, "Item": item})


def stored_row(table: Table, event_key: str) -> StoredRow:
    (row,) = [row for row in table.outbox.rows() if row.event_key == event_key]
    assert isinstance(row, StoredRow)
    return row


def due_keys(table: Table, now: datetime) -> list[str]:
    return [row.event_key for row in table.outbox.due(now)]


def only_due(table: Table, now: datetime) -> DueRow:
    (row,) = table.outbox.due(now)
    assert isinstance(row, DueRow)
    return row
