"""What is due, read from the indexes by time: all shards, merged by their times."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

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

_T = TypeVar("_T")


def shard_of(number: str) -> int:
    """The shard of a pay number or of an order number."""
    return int(number) % SHARDS


def checks(records: type[PayRecordRow], now: datetime, most: int) -> Iterator[PayRecordRow]:
    """The attempts that are due at ``now``, the longest due first."""

    def of(shard: int) -> list[PayRecordRow]:
        return list(
            records.query(
                shard,
                records.next_check_at <= now,
                index_name=DueChecksIndex.Meta.index_name,
                limit=most,
            )
        )

    return _merged(of, lambda row: row.next_check_at, most)


def refunds(rows: type[RefundRow], now: datetime, most: int) -> Iterator[RefundRow]:
    """The refunds that are due at ``now``, the longest due first."""

    def of(shard: int) -> list[RefundRow]:
        return list(
            rows.query(
                shard,
                rows.next_try_at <= now,
                index_name=DueRefundsIndex.Meta.index_name,
                limit=most,
            )
        )

    return _merged(of, lambda row: row.next_try_at, most)


def audits(orders: type[OrderRow], now: datetime, most: int) -> Iterator[OrderRow]:
    """The orders whose audit is due at ``now``, the longest due first."""

    def of(shard: int) -> list[OrderRow]:
        return list(
            orders.query(
                shard,
                orders.next_audit_at <= now,
                index_name=DueAuditsIndex.Meta.index_name,
                limit=most,
            )
        )

    return _merged(of, lambda row: row.next_audit_at, most)


def _merged(
    of: Callable[[int], list[_T]], due_at: Callable[[_T], datetime], most: int
) -> Iterator[_T]:
    shards = [repeating(lambda shard=shard: of(shard)) for shard in range(SHARDS)]  # type: ignore[misc]
    return itertools.islice(heapq.merge(*shards, key=due_at), most)
