"""I9: money is whole fen, time is UTC inside and Beijing time outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.clock import (
    SystemClock,
    from_beijing_text,
    from_rfc3339,
    to_beijing_text,
    to_millis,
    to_rfc3339,
)
from chalicelib.deadline import Deadline
from chalicelib.money import Fen, fen_to_yuan_text, yuan_text_to_fen

MOMENTS = st.integers(min_value=10**9, max_value=4 * 10**9).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@given(st.integers(min_value=0, max_value=10**13 - 1))
def test_i9_every_amount_survives_the_way_to_yuan_and_back(amount: int) -> None:
    text = fen_to_yuan_text(Fen(amount))
    assert yuan_text_to_fen(text) == amount
    assert text.split(".")[1].isdigit()
    assert len(text.split(".")[1]) == 2


@pytest.mark.parametrize(
    ("text", "fen"), [("0.1", 10), ("0.10", 10), ("20", 2000), ("20.00", 2000), ("9.9", 990)]
)
def test_i9_a_platforms_spellings_of_an_amount_are_equal(text: str, fen: int) -> None:
    assert yuan_text_to_fen(text) == fen


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.", ".1", "1.001", "1e2", "1,00", " 1", "١", "NaN", "9" * 12, "1\n"]
)
def test_i9_what_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        yuan_text_to_fen(text)


def test_i9_no_amount_is_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        fen_to_yuan_text(Fen(-1))


def test_i9_people_and_platforms_read_beijing_time() -> None:
    moment = datetime(2026, 2, 28, 16, 30, 1, 999999, tzinfo=UTC)
    assert to_beijing_text(moment) == "2026-03-01 00:30:01"
    assert to_rfc3339(moment) == "2026-03-01T00:30:01+08:00"
    assert to_beijing_text(moment.astimezone(timezone(timedelta(hours=-5)))) == (
        "2026-03-01 00:30:01"
    )


@given(MOMENTS)
def test_i9_a_moment_survives_the_way_to_text_and_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert from_beijing_text(to_beijing_text(moment)) == moment
    assert from_rfc3339(to_rfc3339(moment)) == moment
    assert from_rfc3339(to_rfc3339(moment)).tzinfo is UTC


def test_a_moment_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        from_rfc3339("2026-03-01T00:00:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:00:00-08:00"])
def test_a_moment_outside_the_calendar_is_refused_as_text(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        from_rfc3339(text)
    with pytest.raises(ValueError, match="range"):
        from_beijing_text("0001-01-01 00:00:00")


def test_the_system_clock_knows_its_zone() -> None:
    assert SystemClock().now().tzinfo is UTC
    assert to_millis(datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)) == 1500


def test_a_deadline_cuts_a_time_out_and_never_turns_negative() -> None:
    assert Deadline.after(100).cut(5) == 5
    assert 0 < Deadline.after(2).cut(5) <= 2
    passed = Deadline.after(-1)
    assert passed.passed()
    assert passed.remaining_seconds() == passed.cut(5) == 0
