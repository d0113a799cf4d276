"""What came of the messages: read from the tables by the SDK alone, not by the project's stores.

What is expected is what the payment platform knows; what is found is what the rows say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from tests.chaos.shop import VALID_DAYS, Sale

_CHOSEN, _REFUNDED = "701001", "701003"
_ORDER_PAID, _ORDER_COMPLETED, _ORDER_REFUNDED = "600002", "600005", "600004"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one sale; ``is_lost``: its goods did not follow (yet)."""

    sale: Sale
    what: str
    is_lost: bool

    def __str__(self) -> str:
        return f"order {self.sale.order_id} of {self.sale.user_id}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The tables at one moment."""

    outbox: int
    """Rows that wait to be sent, or for an operator."""
    findings: tuple[Finding, ...]
    effects: int
    """Grants in force of what is paid, and of what was paid back those that are gone: exactly
    once each, and for the time that was bought."""

    @property
    def lost(self) -> int:
        """Sales whose goods did not follow."""
        return sum(finding.is_lost for finding in self.findings)

    @property
    def twice(self) -> tuple[Finding, ...]:
        """What happened otherwise than exactly once."""
        return tuple(finding for finding in self.findings if not finding.is_lost)


class Tables:
    """Reads tables whole, past the gate."""

    def __init__(self, engine_url: str, env: Mapping[str, str]) -> None:
        self._prefix = env["TABLE_PREFIX"]
        self._client = boto3.client(
            "dynamodb",
            endpoint_url=engine_url,
            region_name=env["AWS_REGION"],
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def close(self) -> None:
        """Leave the engine."""
        self._client.close()

    def books(self, sales: Iterable[Sale]) -> Books:
        """How what was sold stands."""
        orders = {row["order_id"]: row for row in self._rows("orders")}
        records = {row["key"]: row for row in self._rows("choose-courses")}
        courses: dict[str, list[Row]] = {}
        for row in self._rows("course-tables"):
            courses.setdefault(row["user_id"], []).append(row)
        findings: list[Finding] = []
        effects = 0
        for sale in sales:
            record = records.get(f"record#{sale.choose_course_id}", {})
            found = findings_of(
                sale, orders.get(sale.order_id, {}), record, courses.get(sale.user_id, [])
            )
            findings += found
            # a refund is an effect of its own: the grant came, or was never let in, and is gone
            effects += 0 if found else 1 + sale.paid_back
        return Books(outbox=self.outbox(), findings=tuple(findings), effects=effects)

    def to_follow(self) -> int:
        """Orders whose goods have not followed their payment or refund, whoever sold them."""
        records = {row["key"]: row.get("status") for row in self._rows("choose-courses")}
        wants = {_ORDER_PAID: _CHOSEN, _ORDER_COMPLETED: _CHOSEN, _ORDER_REFUNDED: _REFUNDED}
        return sum(
            records.get(f"record#{row['out_business_id']}") != wants[row["status"]]
            for row in self._rows("orders")
            if row["status"] in wants
        )

    def outbox(self) -> int:
        """Rows of the outbox."""
        return sum(1 for _ in self._rows("outbox"))

    def outbox_rows(self) -> list[Row]:
        """The rows of the outbox, as they are."""
        return list(self._rows("outbox"))

    def _rows(self, table: str) -> Iterator[Row]:
        read = TypeDeserializer().deserialize
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._prefix + table, ConsistentRead=True
        )
        for page in pages:
            for item in page["Items"]:
                yield {name: read(value) for name, value in item.items()}


def findings_of(sale: Sale, order: Row, record: Row, rows: list[Row]) -> list[Finding]:
    """What is wrong with a sale: its order, its choose-course record, its student's course rows."""
    found = [*_order_of(sale, order), *_goods_of(sale, record, rows)]
    return [Finding(sale, what, is_lost) for what, is_lost in found]


def _order_of(sale: Sale, order: Row) -> Iterator[tuple[str, bool]]:
    status = order.get("status")
    right = (_ORDER_REFUNDED,) if sale.paid_back else (_ORDER_PAID, _ORDER_COMPLETED)
    if status not in right:
        yield f"the order's status is {status}", False


def _goods_of(sale: Sale, record: Row, rows: list[Row]) -> Iterator[tuple[str, bool]]:
    """What is wrong, and whether it is that the goods did not follow."""
    ids = Counter(grant["choose_course_id"] for row in rows for grant in row["grants"])
    strange = sum(ids.values()) - ids[sale.choose_course_id]
    if ids[sale.choose_course_id] > 1 or strange or len(rows) > 1:
        yield f"{ids[sale.choose_course_id]} grants of it, and {strange} others", False
    live = [grant for row in rows for grant in row["grants"] if not grant["revoked"]]
    status = record.get("status")
    if sale.paid_back:
        if live or status != _REFUNDED:
            yield f"paid back, and {len(live)} grants are in force (record {status})", True
        return
    if not live or status != _CHOSEN:
        yield f"paid, and {len(live)} grants are in force (record {status})", True
        return
    yield from _exactly_once(sale, rows[0], live)


def _exactly_once(sale: Sale, row: Row, live: list[Row]) -> Iterator[tuple[str, bool]]:
    """Each effect adds one to the version of the row, so a second one would show even if equal."""
    if row["version"] != 1:
        yield f"its row was written {row['version']} times", False
    begins = min(_moment(grant["paid_at"]) for grant in live)
    days = sum(int(grant["valid_days"]) for grant in live)
    if days != VALID_DAYS or begins != sale.paid_at:
        yield f"open for {days} days from {begins}, paid at {sale.paid_at}", False


def _moment(text: str) -> datetime:
    """Of pynamodb's text of a UTC time."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
