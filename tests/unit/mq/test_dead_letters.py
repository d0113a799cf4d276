from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.mq.dead_letters import letters
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER, Delivery


def a_message(message_id: str = "1", body: bytes = b"{}", **headers: Any) -> Delivery:
    return Delivery(tag=1, message_id=message_id, body=body, headers=headers)


def ours(attempt: int, reason: str) -> dict[str, Any]:
    return {ATTEMPT_HEADER: attempt, REASON_HEADER: reason}


def test_two_copies_of_a_message_are_one_letter() -> None:
    first, other, again = a_message("1"), a_message("2"), a_message("1", **ours(3, "late"))

    found = letters([first, other, again])

    assert [letter.key for letter in found] == ["1", "2"]
    assert found[0].copies == (first, again)
    assert found[0].attempt == 3


def test_copies_without_an_id_are_known_by_their_body() -> None:
    found = letters([a_message("", b"x"), a_message("", b"y"), a_message("", b"x")])

    assert [len(letter.copies) for letter in found] == [2, 1]
    keys = [letter.key for letter in found]
    assert len(set(keys)) == 2
    assert all(re.fullmatch(r"sha256-[0-9a-f]{16}", key) for key in keys)
    assert [letter.key for letter in letters([a_message("", b"x")])] == keys[:1]


def test_an_id_that_two_bodies_share_names_neither() -> None:
    found = letters([a_message("7", b"one"), a_message("7", b"two"), a_message("7", b"one")])

    assert [(letter.body, len(letter.copies)) for letter in found] == [(b"one", 2), (b"two", 1)]
    keys = {letter.key for letter in found}
    assert len(keys) == 2
    assert "7" not in keys


@pytest.mark.parametrize(
    "message_id", ["--all", "a b", "a\nb", "付款", "\x1b[2J", "sha256-0123456789abcdef"]
)
def test_an_id_that_cannot_be_typed_or_looks_like_a_hash_is_hashed(message_id: str) -> None:
    (letter,) = letters([a_message(message_id)])
    assert letter.key != message_id
    assert re.fullmatch(r"sha256-[0-9a-f]{16}", letter.key)


@pytest.mark.parametrize("message_id", ["289431756025856001", "289431_WITHDRAWN", "of-12", "a#b"])
def test_the_ids_of_our_messages_are_their_keys(message_id: str) -> None:
    (letter,) = letters([a_message(message_id)])
    assert (letter.key, letter.message_id) == (message_id, message_id)


def test_the_reason_is_the_drains() -> None:
    (letter,) = letters([a_message(**ours(3, "no such record"))])
    assert letter.reason == "no such record"


def test_the_broker_gives_a_reason_of_its_own() -> None:
    deaths = [
        {"reason": "delivery_limit", "queue": "work", "count": 1},
        {"reason": "expired", "queue": "work.retry.10s", "count": 1},
    ]
    put_off, untouched = letters(
        [
            a_message("1", **ours(2, "throttled"), **{"x-death": deaths}),
            a_message("2", **{"x-death": deaths[:1]}),
        ]
    )
    assert put_off.reason == ("the broker gave up: delivery_limit in work; before that: throttled")
    assert untouched.reason == "the broker gave up: delivery_limit in work"


@pytest.mark.parametrize(
    "headers", [{}, {REASON_HEADER: 7}, {REASON_HEADER: b"\xff"}, {"x-death": 1}, {"x-death": [1]}]
)
def test_headers_of_a_stranger_give_no_reason(headers: dict[str, Any]) -> None:
    (letter,) = letters([a_message(**headers)])
    assert letter.reason == ""


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"businessKey1": "500", "more": [1]}', "500"),
        (b"{}", ""),
        (b'{"businessKey1": 500}', ""),
        (b"[]", ""),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_the_business_key_is_read_where_there_is_one(body: bytes, key: str) -> None:
    (letter,) = letters([a_message(body=body)])
    assert letter.business_key == key
