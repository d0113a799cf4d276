"""docs/messages.md is the contract: what it shows is what we send, and what we can read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER
from chalicelib.mq.message import (
    PAYRESULT_NOTIFY,
    MalformedMessage,
    PayResult,
    paid_event,
    parse_pay_result,
)
from chalicelib.mq.refund_message import (
    REFUNDRESULT_NOTIFY,
    RefundResult,
    parse_refund_result,
    refund_event,
)
from chalicelib.mq.topology import QueueStyle, learning_subscription, platform_topology
from chalicelib.settings import Settings
from infra.local.processes.children import ROOT

PAGE = (ROOT / "docs" / "messages.md").read_text("utf-8")
EXAMPLES: list[str] = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
PAYMENTS = [e for e in EXAMPLES if json.loads(e)["messageType"] == PAYRESULT_NOTIFY]
REFUNDS = [e for e in EXAMPLES if json.loads(e)["messageType"] == REFUNDRESULT_NOTIFY]
TOPOLOGY = platform_topology(Settings.from_env({}).retry_delays_seconds)
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


@pytest.mark.parametrize(("examples", "heading"), [(PAYMENTS, "a payment"), (REFUNDS, "a refund")])
def test_the_table_of_a_body_explains_each_of_its_keys_and_no_other(
    examples: list[str], heading: str
) -> None:
    explained = {key for row in rows_of(f"## The body of {heading}") for key in names_in(row[0])}
    sent = set(json.loads(examples[0]))
    assert explained == sent | {"businessKey3"}


def test_a_key_that_the_table_asks_for_is_asked_for_by_the_receiver_as_well() -> None:
    for examples, parse in ((PAYMENTS, parse_pay_result), (REFUNDS, parse_refund_result)):
        body = json.loads(examples[0])
        # older senders of these types had no version
        for key in set(body) - {"version"}:
            without = json.dumps({name: body[name] for name in body if name != key})
            with pytest.raises(MalformedMessage):
                parse(without.encode())


def test_the_page_names_every_exchange_queue_argument_and_header() -> None:
    names = {*TOPOLOGY.exchanges(), PAYRESULT_NOTIFY, REFUNDRESULT_NOTIFY}
    names |= {ATTEMPT_HEADER, REASON_HEADER}
    for subscription in TOPOLOGY.subscriptions:
        for queue in subscription.queues():
            names |= {queue.name, *queue.arguments}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_the_table_of_exchanges_is_the_topology() -> None:
    assert [row[0].strip("`") for row in rows_of("## The exchanges")] == [*TOPOLOGY.exchanges()]


def test_the_table_of_queues_is_the_topology_to_the_last_argument() -> None:
    told = {
        row[0].strip("`"): dict(re.findall(r"`([a-z-]+)` ([^,]+)", row[1]))
        for row in rows_of("## The queues of the sellers")
        if row[0].startswith("`")
    }
    assert told == {
        queue.name: {name: str(value) or "(empty)" for name, value in queue.arguments.items()}
        for subscription in TOPOLOGY.subscriptions
        for queue in subscription.queues()
    }


def test_the_page_counts_the_attempts_and_deliveries_as_the_topology_does() -> None:
    (attempts,) = {subscription.attempts for subscription in TOPOLOGY.subscriptions}
    assert attempts == 3
    assert "after the third attempt it is dead" in PAGE
    work_queues = [
        queue
        for subscription in TOPOLOGY.subscriptions
        for queue in subscription.queues()
        if queue.name == subscription.work_queue
    ]
    (limit,) = {queue.arguments["x-delivery-limit"] for queue in work_queues}
    assert f"handed {limit:,} times" in PAGE


def test_a_queue_that_was_there_before_is_declared_as_the_page_says() -> None:
    plain = learning_subscription((10, 60), QueueStyle.PLAIN)
    ours = learning_subscription((10, 60))
    assert "`PAYNOTIFY_QUEUE_STYLE=plain`" in PAGE
    by_name = {queue.name: queue for queue in plain.queues()}
    assert by_name.pop(plain.work_queue).arguments == {}
    assert [*by_name.values()] == [q for q in ours.queues() if q.name != ours.work_queue]


def test_every_setting_of_the_page_is_a_setting() -> None:
    settings = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`", PAGE))
    assert {"OUTBOX_STREAM_OWNS_SECONDS", "RETRY_DELAYS_SECONDS"} <= named
    assert {name for name in named if f"`{name}`" not in settings} == set()


def rows_of(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    after = PAGE.split(f"\n{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", after, flags=re.MULTILINE)
    assert table is not None
    lines = table.group().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
