from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.mq.waiting import Claimed
from chalicelib.ops.outbox import dead_keys, replay, show
from tests.fakes.clock import START
from tests.fakes.outbox import FakeOutbox
from tests.unit.mq.builders import a_message, a_refund_message

NOW = START + timedelta(hours=26, minutes=3)


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox([a_refund_message(2, START + timedelta(hours=1)), a_message(1)])


def told(outbox: FakeOutbox, *, dead_only: bool = False) -> list[str]:
    lines: list[str] = []
    show(outbox, NOW, lines.append, dead_only=dead_only)
    return lines


def refuse(outbox: FakeOutbox, event_key: str, *, dead: bool) -> None:
    (row,) = [row for row in outbox.due(NOW) if row.event_key == event_key]
    got = outbox.claim(row, NOW)
    assert isinstance(got, Claimed)
    next_at = NOW + timedelta(minutes=5)
    outbox.refused(got.claim, "returned", next_at=next_at, dead=dead)


def test_each_row_is_shown_the_oldest_first(outbox: FakeOutbox) -> None:
    lines = told(outbox)
    assert lines[0] == "3001#paid"
    assert lines[1] == "  message id 1001, exchange paynotify_exchange_fanout, age 1 d 2 h 3 min"
    assert lines[2] == "  refusals 0, last answer none, next at the next sweep"
    assert lines[3] == "3002#refund#4002"
    assert lines[-1] == "2 rows wait, 0 of them dead"


def test_a_refused_row_says_how_often_why_and_when_next(outbox: FakeOutbox) -> None:
    refuse(outbox, "3001#paid", dead=False)
    assert "  refusals 1, last answer returned, next 2026-03-02T14:08:00+08:00" in told(outbox)


def test_dead_rows_alone_are_shown_when_asked_for(outbox: FakeOutbox) -> None:
    refuse(outbox, "3001#paid", dead=True)
    lines = told(outbox, dead_only=True)
    assert "  refusals 1, last answer returned, next never: it is dead" in lines
    assert not any("refund" in line for line in lines)
    assert lines[-1] == "2 rows wait, 1 of them dead"


def test_rows_that_nobody_can_read_are_shown_as_well(outbox: FakeOutbox) -> None:
    outbox.put_malformed("x\x1b[2J#paid", START)
    outbox.put_by_an_earlier_version(a_message(9))
    lines = told(outbox)
    assert lines[0] == "x?[2J#paid"
    assert lines[1] == "  message id none, exchange none, age unknown"
    assert any("next never: of an earlier version, replay it" in line for line in lines)


def test_a_replay_makes_rows_due_and_says_which_are_not_there(outbox: FakeOutbox) -> None:
    refuse(outbox, "3001#paid", dead=True)
    lines: list[str] = []
    assert dead_keys(outbox) == ("3001#paid",)
    assert replay(outbox, dead_keys(outbox), NOW, lines.append)
    assert dead_keys(outbox) == ()
    assert not replay(outbox, ["3001#paid", "3001#paid", "nobody#paid"], NOW, lines.append)
    assert lines == ["3001#paid is due now", "3001#paid is due now", "no row nobody#paid"]
    assert {row.event_key for row in outbox.due(NOW)} == {"3001#paid", "3002#refund#4002"}
