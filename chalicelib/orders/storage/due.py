"""What is due, read from the indexes by time: all shards, merged by their times, page by page.

The entries are read as DynamoDB answers them, without the model: one whose time no model can read
must not hide the others. It counts as due now; whoever reads its row finds out what is wrong.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.attributes import UTCDateTimeAttribute
from pynamodb.models import Model

from chalicelib.dynamo import repeating
from chalicelib.orders.storage.rows import (
    SHARDS,
    DueAuditsIndex,
    DueChecksIndex,
    DueRefundsIndex,
    OrderRow,
    PayRecordRow,
    RefundRow,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """The number of a row, and since when it is due; ``now`` where its time cannot be read."""

    number: str
    at: datetime


def shard_of(number: str) -> int:
    """The shard of a pay number or of an order number."""
    return int(number) % SHARDS


def checks(records: type[PayRecordRow], now: datetime, page: int) -> Iterator[Entry]:
    """The attempts that are due at ``now``, the longest due first, read as they are taken."""
    return _due(records, DueChecksIndex, "pay_no", records.next_check_at, now, page)


def refunds(rows: type[RefundRow], now: datetime, page: int) -> Iterator[Entry]:
    """The refunds that are due at ``now``, the longest due first, read as they are taken."""
    return _due(rows, DueRefundsIndex, "out_refund_no", rows.next_try_at, now, page)


def audits(orders: type[OrderRow], now: datetime, page: int) -> Iterator[Entry]:
    """The orders whose audit is due at ``now``, the longest due first, read as they are taken."""
    return _due(orders, DueAuditsIndex, "order_id", orders.next_audit_at, now, page)


def _due(
    model: type[Model],
    index: Any,
    number: str,
    time: UTCDateTimeAttribute,
    now: datetime,
    page: int,
) -> Iterator[Entry]:
    """No entry comes twice, as long as whoever moves one moves it past ``now``."""
    shards = [_items(model, index, shard, time <= now, page) for shard in range(SHARDS)]
    # as texts: that is how the index sorts them
    for item in heapq.merge(*shards, key=lambda item: item[time.attr_name]["S"]):
        yield Entry(item[number]["S"], _moment(time, item[time.attr_name]["S"]) or now)


def _items(model: type[Model], index: Any, shard: int, come: Any, page: int) -> Iterator[Any]:
    table, start = model._get_connection(), None
    while True:
        answer = repeating(
            lambda start=start: table.query(  # type: ignore[misc]
                str(shard),
                range_key_condition=come,
                index_name=index.Meta.index_name,
                limit=page,
                exclusive_start_key=start,
            )
        )
        yield from answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            return


def _moment(time: UTCDateTimeAttribute, text: str) -> datetime | None:
    try:
        moment: datetime = time.deserialize(text)  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    return moment
