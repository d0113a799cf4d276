"""docs/messages.md is the contract: what it shows is what we send, and what we can read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER
from chalicelib.mq.message import PAYRESULT_NOTIFY, PayResult, paid_event, parse_pay_result
from chalicelib.mq.refund_message import (
    REFUNDRESULT_NOTIFY,
    RefundResult,
    parse_refund_result,
    refund_event,
)
from chalicelib.mq.topology import platform_topology
from chalicelib.settings import Settings
from infra.local.processes.children import ROOT

PAGE = (ROOT / "docs" / "messages.md").read_text("utf-8")
EXAMPLES: list[str] = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
PAYMENTS = [e for e in EXAMPLES if json.loads(e)["messageType"] == PAYRESULT_NOTIFY]
REFUNDS = [e for e in EXAMPLES if json.loads(e)["messageType"] == REFUNDRESULT_NOTIFY]
PAID = PayResult(
    message_id="289431756025856001",
    out_business_id="289431754842865665",
    order_type="60201",
    order_id="289431755929387008",
    paid_at=datetime(2026, 3, 1, 4, 0, 5, tzinfo=UTC),
    valid_days=365,
)
REFUNDED = RefundResult(
    message_id="289431756025859001",
    out_business_id="289431754842865665",
    order_type="60201",
    order_id="289431755929387008",
    refund_no="289431756025859001",
    refund_fen=Fen(990),
    refunded_at=datetime(2026, 3, 3, 10, 20, tzinfo=UTC),
)


def test_the_page_has_examples_of_both_messages_and_of_nothing_else() -> None:
    assert len(PAYMENTS) >= 3
    assert len(REFUNDS) >= 2
    assert len(EXAMPLES) == len(PAYMENTS) + len(REFUNDS)


def test_what_we_send_of_a_payment_is_the_first_example() -> None:
    sent: dict[str, Any] = json.loads(paid_event(PAID, created_at=PAID.paid_at).body)
    assert sent == json.loads(PAYMENTS[0])


def test_what_we_send_of_a_refund_is_the_first_example() -> None:
    sent: dict[str, Any] = json.loads(refund_event(REFUNDED, REFUNDED.refunded_at).body)
    assert sent == json.loads(REFUNDS[0])


@pytest.mark.parametrize("example", PAYMENTS)
def test_every_example_of_a_payment_can_be_read(example: str) -> None:
    result = parse_pay_result(example.encode())
    body = json.loads(example)
    assert result.message_id == body["id"]
    assert result.out_business_id == body["businessKey1"]
    assert result.order_type == body["businessKey2"]
    assert result.order_id == body["orderId"]
    assert result.valid_days == body["validDays"]
    assert result.paid_at == datetime.fromisoformat(body["paidAt"])


@pytest.mark.parametrize("example", REFUNDS)
def test_every_example_of_a_refund_can_be_read(example: str) -> None:
    result = parse_refund_result(example.encode())
    body = json.loads(example)
    assert result.message_id == body["id"] == body["refundNo"]
    assert result.out_business_id == body["businessKey1"]
    assert result.order_type == body["businessKey2"]
    assert result.order_id == body["orderId"]
    assert result.refund_no == body["refundNo"]
    assert result.refund_fen == body["refundFen"]
    assert result.refunded_at == datetime.fromisoformat(body["refundedAt"])


def test_the_first_examples_read_as_what_was_sent() -> None:
    assert parse_pay_result(PAYMENTS[0].encode()) == PAID
    assert parse_refund_result(REFUNDS[0].encode()) == REFUNDED


def test_the_page_names_every_exchange_queue_argument_and_header() -> None:
    topology = platform_topology(Settings.from_env({}).retry_delays_seconds)
    names = {*topology.exchanges(), PAYRESULT_NOTIFY, REFUNDRESULT_NOTIFY}
    names |= {ATTEMPT_HEADER, REASON_HEADER}
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
