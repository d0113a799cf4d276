"""The outbox table: messages that are stored but that the broker has not confirmed yet.

A row is put by the transaction that changes what the message tells of, and deleted when the broker
confirmed that it routed the message. The table's stream starts the relay; what that leaves is found
by the index of the next attempts. Items are read as DynamoDB answers them, without the model: one
that no model can read must neither stop the others nor be hidden from operators.
"""

from __future__ import annotations

import heapq
import secrets
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.constants import ALL_NEW, STREAM_NEW_IMAGE
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from chalicelib.clock import to_millis
from chalicelib.dynamo import ConditionFailed, Dynamo, repeating
from chalicelib.errors import Unavailable
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.row_image import (
    DEAD,
    Item,
    MalformedRow,
    due_row,
    message_in,
    moment_in,
    number_in,
    stored_row,
)
from chalicelib.mq.waiting import Claim, Claimed, DueRow, Malformed, Standing, StoredRow

_SHARDS = 4
_DELETES_A_REQUEST = 25
_ROWS_A_PAGE = 250
_DEAD_COUNTED = 1_000


class ByNextAttemptIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Rows by when they are to be sent next, and apart from them the dead ones."""

    class Meta:
        index_name = "by-next-attempt"
        projection = IncludeProjection(["exchange", "created_at_ms"])

    sweep_shard = UnicodeAttribute(hash_key=True)
    next_attempt_at_ms = NumberAttribute(range_key=True)


class OutboxItem(Model):
    """One message. ``event_key`` names the event, so that one event has one row.

    What stands below ``created_at_ms`` is missing in rows of earlier versions.
    """

    class Meta:
        """The table, as its own deployment prefixes it."""

        table_name = "outbox"
        stream_view_type = STREAM_NEW_IMAGE

    by_next_attempt = ByNextAttemptIndex()
    event_key = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute()
    exchange = UnicodeAttribute()
    body = UnicodeAttribute()
    created_at_ms = NumberAttribute()
    sweep_shard = UnicodeAttribute(null=True)
    """One of a few, so that the newest rows do not all meet in one partition; or "dead"."""
    next_attempt_at_ms = NumberAttribute(null=True)
    refusals = NumberAttribute(default=0)
    last_answer = UnicodeAttribute(null=True)
    claim_id = UnicodeAttribute(null=True)


def put_in(
    transaction: TransactWrite,
    model: type[OutboxItem],
    message: OutboxMessage,
    stream_owns: timedelta,
) -> None:
    """Join a message to a transaction; the transaction fails if the event has a row already.

    Parameters
    ----------
    transaction : TransactWrite
        The caller's own; nothing is written before the caller commits it.
    model : type[OutboxItem]
        As bound by the caller's `Dynamo`.
    message : OutboxMessage
        What to deliver once the transaction holds.
    stream_owns : timedelta
        How long the relay has the row for itself; after that it is due.
    """
    row = model(
        event_key=message.event_key,
        message_id=message.message_id,
        exchange=message.exchange,
        body=message.body,
        created_at_ms=to_millis(message.created_at),
        sweep_shard=_shard_of(message.event_key),
        next_attempt_at_ms=to_millis(message.created_at + stream_owns),
    )
    transaction.save(row, condition=model.event_key.does_not_exist())


class Outbox:
    """The rows, as the relay, the sweeper and operators see them.

    Implements `chalicelib.mq.relay.OutboxRows`, `chalicelib.mq.waiting.WaitingRows` and
    `chalicelib.mq.waiting.StoredRows`.
    """

    def __init__(self, dynamo: Dynamo) -> None:
        self._model = dynamo.bind(OutboxItem)
        self._table = self._model._get_connection()

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

    def due(self, now: datetime) -> Iterator[DueRow]:
        """The rows that are due at ``now``, the longest due first, read as they are taken."""
        come = self._model.next_attempt_at_ms <= to_millis(now)
        shards = [
            map(due_row, self._queried(_rows_of(shard), range_key_condition=come))
            for shard in range(_SHARDS)
        ]
        return heapq.merge(*shards, key=lambda row: row.next_attempt_at_ms)

    def claim(self, row: DueRow, until: datetime) -> Claimed | Malformed | None:
        """Take a row, if nobody has since it was seen: it is due again at ``until``.

        One conditional update. The id of the claim holds the condition as well: the answer to our
        own write may have been lost, and the write repeated below us.
        """
        model, claim_id = self._model, secrets.token_hex(8)
        seen_at = row.next_attempt_at_ms
        as_seen = (
            (model.next_attempt_at_ms >= seen_at)
            & (model.next_attempt_at_ms < seen_at + 1)  # a strange row may have a fraction
            & (model.sweep_shard != DEAD)
        )
        actions = [
            model.next_attempt_at_ms.set(to_millis(until)),
            model.claim_id.set(claim_id),
        ]
        item = self._updated(row.event_key, actions, as_seen | (model.claim_id == claim_id))
        if item is None:
            return None
        claim = Claim(row.event_key, claim_id, number_in(item, "refusals") or 0)
        try:
            return Claimed(claim, message_in(item))
        except MalformedRow as error:
            return Malformed(claim, str(error))

    def refused(self, claim: Claim, answer: str, *, next_at: datetime, dead: bool = False) -> None:
        """Count a refusal, if the claim still holds; a dead row is due no more. Idempotent."""
        model = self._model
        shard = DEAD if dead else _shard_of(claim.event_key)
        actions = [
            model.next_attempt_at_ms.set(to_millis(next_at)),
            model.sweep_shard.set(shard),
            model.refusals.set(claim.refusals + 1),
            model.last_answer.set(answer),
        ]
        self._updated(claim.event_key, actions, model.claim_id == claim.claim_id)

    def standing(self) -> Standing:
        """How the outbox stands, by the index; of each shard those that are due first."""
        put_at = [
            moment
            for shard in range(_SHARDS)
            for item in islice(self._queried(_rows_of(shard)), _ROWS_A_PAGE)
            if (moment := moment_in(item, "created_at_ms")) is not None
        ]
        dead = sum(1 for _ in islice(self._queried(DEAD), _DEAD_COUNTED))
        return Standing(oldest_at=min(put_at, default=None), dead=dead)

    def rows(self) -> Iterator[StoredRow]:
        """Every row, by a scan of the whole table: for operators, never in a function."""
        pages = _pages(
            lambda start: self._table.scan(consistent_read=True, exclusive_start_key=start)
        )
        return map(stored_row, pages)

    def replay(self, event_key: str, now: datetime) -> bool:
        """Make a row due now, as if it was never refused; False: there is no such row.

        Idempotent. Whoever has the row claimed loses the claim. The last answer stays.
        """
        model = self._model
        actions = [
            model.sweep_shard.set(_shard_of(event_key)),
            model.next_attempt_at_ms.set(to_millis(now)),
            model.refusals.set(0),
            model.claim_id.remove(),
        ]
        return self._updated(event_key, actions, model.event_key.exists()) is not None

    def _queried(self, shard: str, **options: Any) -> Iterator[Item]:
        return _pages(
            lambda start: self._table.query(
                shard,
                index_name=ByNextAttemptIndex.Meta.index_name,
                limit=_ROWS_A_PAGE,
                exclusive_start_key=start,
                **options,
            )
        )

    def _updated(self, event_key: str, actions: list[Any], condition: Any) -> Item | None:
        """The item after an update; None if its condition did not hold."""
        try:
            answer = repeating(
                lambda: self._table.update_item(
                    event_key, actions=actions, condition=condition, return_values=ALL_NEW
                )
            )
        except ConditionFailed:
            return None
        item: Item = answer["Attributes"]
        return item

    def _delete_page(self, event_keys: list[str]) -> None:
        def write() -> None:
            with self._model.batch_write() as batch:
                for event_key in event_keys:
                    batch.delete(self._model(event_key=event_key))

        repeating(write)


def _shard_of(event_key: str) -> str:
    """The same for the same key in every process, which `hash` is not."""
    return _rows_of(zlib.crc32(event_key.encode("utf-8")) % _SHARDS)


def _rows_of(shard: int) -> str:
    return str(shard)


def _pages(ask: Callable[[Any], Mapping[str, Any]]) -> Iterator[Item]:
    """The items of all pages; each page is asked for when the one before is used up."""
    start = None
    while True:
        page = repeating(lambda start=start: ask(start))  # type: ignore[misc]
        yield from page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return
