from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mq.message import (
    MalformedMessage,
    PayResult,
    order_type_of,
    paid_event,
    parse_pay_result,
)
from tests.fakes.clock import START
from tests.unit.mq.builders import a_message

GOOD: dict[str, Any] = json.loads(a_message().body)
NUMBERS = st.integers(min_value=1, max_value=2**63 - 1).map(str)
SECONDS = st.integers(min_value=1_700_000_000, max_value=4_000_000_000)


@given(
    number=NUMBERS,
    business=st.text(min_size=1),
    order=NUMBERS,
    paid=SECONDS,
    days=st.integers(min_value=1, max_value=10_000),
)
def test_what_is_sent_is_what_is_read(
    number: str, business: str, order: str, paid: int, days: int
) -> None:
    result = PayResult(
        message_id=number,
        out_business_id=business,
        order_type="60201",
        order_id=order,
        paid_at=datetime.fromtimestamp(paid, UTC),
        valid_days=days,
    )
    assert parse_pay_result(paid_event(result, START).body.encode()) == result


def test_ids_go_out_as_text_and_times_with_their_offset() -> None:
    assert isinstance(GOOD["id"], str)
    assert isinstance(GOOD["orderId"], str)
    assert GOOD["paidAt"] == "2026-03-01T12:00:00+08:00"


def test_one_order_has_one_paid_event() -> None:
    message = a_message()
    assert message.event_key == f"{GOOD['orderId']}#paid"
    assert message.message_id == GOOD["id"]


def test_keys_of_later_versions_are_ignored() -> None:
    later = {**GOOD, "version": 9, "businessKey3": None, "somethingNew": {"a": [1]}}
    assert parse_pay_result(json.dumps(later).encode()) == parse_pay_result(
        json.dumps(GOOD).encode()
    )


@pytest.mark.parametrize("key", ["id", "messageType", "businessKey1", "businessKey2"])
@pytest.mark.parametrize("value", [..., None, 7, {}])
def test_a_message_without_its_keys_is_malformed(key: str, value: object) -> None:
    broken = {k: v for k, v in GOOD.items() if k != key}
    if value is not ...:
        broken[key] = value
    for read in (parse_pay_result, order_type_of):
        with pytest.raises(MalformedMessage):
            read(json.dumps(broken).encode())


@pytest.mark.parametrize("key", ["orderId", "paidAt", "validDays"])
def test_what_a_grant_needs_must_be_there_but_the_order_type_can_be_read(key: str) -> None:
    older = json.dumps({k: v for k, v in GOOD.items() if k != key}).encode()
    assert order_type_of(older) == "60201"
    with pytest.raises(MalformedMessage, match=key):
        parse_pay_result(older)


@pytest.mark.parametrize(
    "change",
    [
        {"messageType": "refundresult_notify"},
        {"paidAt": "2026-03-01 12:00:00"},
        {"paidAt": "2026-03-01T12:00:00"},
        {"paidAt": "yesterday"},
        {"validDays": "365"},
    ],
)
def test_values_of_another_form_are_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedMessage):
        parse_pay_result(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id": "\xff"}'])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_pay_result(body)
