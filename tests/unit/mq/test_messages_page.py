"""docs/messages.md is the contract: what it shows is what we send, and what we can read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER
from chalicelib.mq.message import PayResult, paid_event, parse_pay_result
from chalicelib.mq.topology import platform_topology
from chalicelib.settings import Settings
from infra.local.processes.children import ROOT

PAGE = (ROOT / "docs" / "messages.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
PAID = PayResult(
    message_id="289431756025856001",
    out_business_id="289431754842865665",
    order_type="60201",
    order_id="289431755929387008",
    paid_at=datetime(2026, 3, 1, 4, 0, 5, tzinfo=UTC),
    valid_days=365,
)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 3


def test_what_we_send_is_the_first_example() -> None:
    sent: dict[str, Any] = json.loads(paid_event(PAID, created_at=PAID.paid_at).body)
    assert sent == json.loads(EXAMPLES[0])


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_read(example: str) -> None:
    result = parse_pay_result(example.encode())
    body = json.loads(example)
    assert result.message_id == body["id"]
    assert result.out_business_id == body["businessKey1"]
    assert result.order_type == body["businessKey2"]
    assert result.order_id == body["orderId"]
    assert result.valid_days == body["validDays"]
    assert result.paid_at == datetime.fromisoformat(body["paidAt"])


def test_the_first_example_reads_as_what_was_sent() -> None:
    assert parse_pay_result(EXAMPLES[0].encode()) == PAID


def test_the_page_names_every_exchange_queue_argument_and_header() -> None:
    topology = platform_topology(Settings.from_env({}).retry_delays_seconds)
    names = {*topology.exchanges(), ATTEMPT_HEADER, REASON_HEADER}
    for subscription in topology.subscriptions:
        for queue in subscription.queues():
            names |= {queue.name, *queue.arguments}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_the_page_tells_the_values_of_the_arguments() -> None:
    topology = platform_topology(Settings.from_env({}).retry_delays_seconds)
    for subscription in topology.subscriptions:
        for queue in subscription.queues():
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{queue.name}` |"))
            for name, value in queue.arguments.items():
                assert f"`{name}` {value or '(empty)'}" in row
