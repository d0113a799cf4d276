"""Worker leases in DynamoDB: the table, and the two conditional writes on it.

An item is never deleted, given back early, lowered or left to TTL: its ``lease_until`` is the
only memory of how far numbers of that worker id may have been minted.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
(every operand of one update is the item as it was before the update)
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from chalicelib.clock import to_millis
from chalicelib.dynamo import ConditionFailed, Dynamo, repeating
from chalicelib.ids.ports import Granted


class WorkerLeaseItem(Model):
    """Who may mint with a worker id, until when, and from when on."""

    class Meta:
        """Bound to a deployment by `Dynamo.bind`."""

        table_name = "worker-leases"

    worker_id = NumberAttribute(hash_key=True)
    owner = UnicodeAttribute()
    lease_until = NumberAttribute()
    """The last millisecond that any holder, present or past, may mint in."""
    floor = NumberAttribute()
    """``lease_until`` as the present holder found it."""


class DynamoLeaseStore:
    """Implements `chalicelib.ids.ports.LeaseStore`."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._item = dynamo.bind(WorkerLeaseItem)

    def acquire(self, worker_id: int, *, token: str, now_ms: int, until_ms: int) -> Granted | None:
        """Take the id if its lease is over."""
        item = self._item
        return self._write(
            worker_id,
            [
                item.floor.set(item.lease_until | 0),
                item.lease_until.set(until_ms),
                item.owner.set(token),
            ],
            item.lease_until.does_not_exist() | (item.lease_until < now_ms),
        )

    def renew(self, worker_id: int, *, token: str, until_ms: int) -> Granted | None:
        """Move the end on, if the token still has the id and the end is earlier."""
        return self._write(
            worker_id, [self._item.lease_until.set(until_ms)], self._renewable(token, until_ms)
        )

    def _renewable(self, token: str, until_ms: int) -> Condition:
        item = self._item
        condition: Condition = (item.owner == token) & (item.lease_until < until_ms)
        return condition

    def _write(self, worker_id: int, actions: list[Action], condition: Condition) -> Granted | None:
        item = self._item(worker_id)
        try:
            response = repeating(lambda: item.update(actions, condition))
        except ConditionFailed:
            return None
        # pynamodb asks for ALL_NEW and reads it into the item: the floor is this response's own.
        return Granted(floor_ms=int(item.floor), server_ms=_date_ms(response))


def _date_ms(response: Mapping[str, Any]) -> int | None:
    """The ``Date`` header that DynamoDB sent with this response."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return to_millis(parsedate_to_datetime(headers["date"]))
    except (KeyError, ValueError):
        return None
