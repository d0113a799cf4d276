"""The outbox table: messages that are stored but that the broker has not confirmed yet.

A row is put by the transaction that changes what the message tells of, and deleted when the broker
confirmed that it routed the message. The table's stream starts the relay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.constants import STREAM_NEW_IMAGE
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from chalicelib.clock import to_millis
from chalicelib.dynamo import Dynamo, repeating
from chalicelib.errors import Unavailable
from chalicelib.mq.message import OutboxMessage

_DELETES_A_REQUEST = 25


class OutboxItem(Model):
    """One message. ``event_key`` names the event, so that one event has one row."""

    class Meta:
        """The table, as its own deployment prefixes it."""

        table_name = "outbox"
        stream_view_type = STREAM_NEW_IMAGE

    event_key = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute()
    exchange = UnicodeAttribute()
    body = UnicodeAttribute()
    created_at_ms = NumberAttribute()


def put_in(transaction: TransactWrite, model: type[OutboxItem], message: OutboxMessage) -> None:
    """Join a message to a transaction; the transaction fails if the event has a row already.

    Parameters
    ----------
    transaction : TransactWrite
        The caller's own; nothing is written before the caller commits it.
    model : type[OutboxItem]
        As bound by the caller's `Dynamo`.
    message : OutboxMessage
        What to deliver once the transaction holds.
    """
    row = model(
        event_key=message.event_key,
        message_id=message.message_id,
        exchange=message.exchange,
        body=message.body,
        created_at_ms=to_millis(message.created_at),
    )
    transaction.save(row, condition=model.event_key.does_not_exist())


class Outbox:
    """The rows, as the relay sees them."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._model = dynamo.bind(OutboxItem)

    def existing(self, event_keys: Collection[str]) -> frozenset[str]:
        """Which of the rows are still there, by consistent reads.

        Raises
        ------
        Unavailable
            DynamoDB did not answer.
        """
        if not event_keys:
            return frozenset()
        # pynamodb pages, and asks again for the keys that DynamoDB left unprocessed
        return repeating(
            lambda: frozenset(
                row.event_key
                for row in self._model.batch_get(
                    event_keys, consistent_read=True, attributes_to_get=["event_key"]
                )
            )
        )

    def delete(self, event_keys: Iterable[str]) -> None:
        """Delete rows; one that is gone already is no error, so repeating is safe.

        Raises
        ------
        Unavailable
            DynamoDB did not answer or kept leaving rows unprocessed; some may be deleted.
        """
        keys = iter(dict.fromkeys(event_keys))
        while page := list(islice(keys, _DELETES_A_REQUEST)):
            # the client asks only once more for what was left unprocessed, and without a pause
            Retrying(
                retry=retry_if_exception_type(Unavailable),
                wait=wait_random_exponential(multiplier=0.05, max=0.8),
                stop=stop_after_attempt(4),
                reraise=True,
            )(self._delete_page, page)

    def _delete_page(self, event_keys: list[str]) -> None:
        def write() -> None:
            with self._model.batch_write() as batch:
                for event_key in event_keys:
                    batch.delete(self._model(event_key=event_key))

        repeating(write)
