from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.money import Fen
from chalicelib.mq.message import MalformedMessage, order_type_of, parse_pay_result
from chalicelib.mq.refund_message import (
    RefundResult,
    parse_refund_result,
    refund_event,
    refund_order_type_of,
)
from tests.fakes.clock import START
from tests.unit.mq.builders import a_message, a_refund_message

GOOD: dict[str, Any] = json.loads(a_refund_message().body)
NUMBERS = st.integers(min_value=1, max_value=2**63 - 1).map(str)
SECONDS = st.integers(min_value=1_700_000_000, max_value=4_000_000_000)


@given(
    refund=st.text(min_size=1),
    business=st.text(min_size=1),
    order=NUMBERS,
    refunded=SECONDS,
    fen=st.integers(min_value=1, max_value=10_000_000_00),
)
def test_what_is_sent_is_what_is_read(
    refund: str, business: str, order: str, refunded: int, fen: int
) -> None:
    result = RefundResult(
        message_id=refund,
        out_business_id=business,
        order_type="60201",
        order_id=order,
        refund_no=refund,
        refund_fen=Fen(fen),
        refunded_at=datetime.fromtimestamp(refunded, UTC),
    )
    assert parse_refund_result(refund_event(result, START).body.encode()) == result


def test_ids_go_out_as_text_money_in_fen_and_times_with_their_offset() -> None:
    assert isinstance(GOOD["id"], str)
    assert isinstance(GOOD["orderId"], str)
    assert GOOD["refundFen"] == 990
    assert GOOD["refundedAt"] == "2026-03-01T12:00:00+08:00"


def test_each_refund_of_an_order_is_an_event_of_its_own() -> None:
    message = a_refund_message()
    assert message.event_key == f"{GOOD['orderId']}#refund#{GOOD['refundNo']}"
    assert message.message_id == GOOD["id"] == GOOD["refundNo"]


def test_a_refund_never_travels_on_the_exchange_of_payments() -> None:
    assert a_refund_message().exchange == "refundnotify_exchange_fanout"
    assert a_refund_message().exchange != a_message().exchange


@pytest.mark.parametrize("read", [parse_pay_result, order_type_of])
def test_a_refund_cannot_be_taken_for_a_payment(read: Callable[[bytes], object]) -> None:
    with pytest.raises(MalformedMessage, match="refundresult_notify"):
        read(a_refund_message().body.encode())


@pytest.mark.parametrize("read", [parse_refund_result, refund_order_type_of])
def test_a_payment_cannot_be_taken_for_a_refund(read: Callable[[bytes], object]) -> None:
    with pytest.raises(MalformedMessage, match="payresult_notify"):
        read(a_message().body.encode())


def test_keys_of_later_versions_are_ignored() -> None:
    later = {**GOOD, "version": 9, "businessKey3": None, "somethingNew": {"a": [1]}}
    assert parse_refund_result(json.dumps(later).encode()) == parse_refund_result(
        json.dumps(GOOD).encode()
    )


@pytest.mark.parametrize("key", ["id", "messageType", "businessKey1", "businessKey2"])
@pytest.mark.parametrize("value", [..., None, 7, {}])
def test_a_message_without_its_keys_is_malformed(key: str, value: object) -> None:
    broken = {k: v for k, v in GOOD.items() if k != key}
    if value is not ...:
        broken[key] = value
    for read in (parse_refund_result, refund_order_type_of):
        with pytest.raises(MalformedMessage):
            read(json.dumps(broken).encode())


@pytest.mark.parametrize("key", ["orderId", "refundNo", "refundFen", "refundedAt"])
def test_what_a_revocation_needs_must_be_there_but_the_order_type_can_be_read(key: str) -> None:
    without = json.dumps({k: v for k, v in GOOD.items() if k != key}).encode()
    assert refund_order_type_of(without) == "60201"
    with pytest.raises(MalformedMessage, match=key):
        parse_refund_result(without)


@pytest.mark.parametrize(
    "change",
    [
        {"refundedAt": "2026-03-01 12:00:00"},
        {"refundedAt": "2026-03-01T12:00:00"},
        {"refundedAt": "1026-03-01T12:00:00+08:00"},
        {"refundFen": "990"},
        {"refundFen": 9.9},
        {"refundFen": 0},
        {"refundFen": -990},
    ],
)
def test_values_of_another_form_are_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedMessage):
        parse_refund_result(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id": "\xff"}'])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_refund_result(body)
