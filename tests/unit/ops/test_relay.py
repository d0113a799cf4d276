from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.errors import Unavailable
from chalicelib.mq.pause import SwitchState, Turn
from chalicelib.ops.relay import SPARE_SECONDS, pause, resume, status
from tests.fakes.clock import START
from tests.fakes.outbox import FakeSwitch

TURN = Turn("ops", START, "the queues are rebuilt")
LATER = Turn("ops2", START + timedelta(minutes=5), "done")


class Unturnable(FakeSwitch):
    def pause(self, turn: Turn) -> None:
        raise Unavailable(detail="no answer")


def test_a_pause_is_stored_before_the_wait_for_what_began_before() -> None:
    switch = FakeSwitch()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        assert switch.is_paused()
        waits.append(seconds)

    lines: list[str] = []
    pause(switch, TURN, 10, wait, lines.append)
    assert waits == [10 + SPARE_SECONDS]
    assert lines[-1].startswith("nothing is being published now")


def test_a_pause_that_could_not_be_stored_does_not_say_that_it_is_over() -> None:
    lines: list[str] = []
    with pytest.raises(Unavailable):
        pause(Unturnable(), TURN, 10, lambda _: None, lines.append)
    assert lines == []


def test_whoever_pauses_again_hears_of_the_first() -> None:
    switch = FakeSwitch()
    lines: list[str] = []
    for _ in range(2):
        pause(switch, TURN, 0, lambda _: None, lines.append)
    assert any("was paused before: 2026-03-01T12:00:00+08:00 by ops: the" in x for x in lines)


def test_the_state_names_who_turned_it_when_and_why() -> None:
    switch = FakeSwitch()
    lines: list[str] = []
    status(switch, lines.append)
    assert lines == ["publishing", "last pause: none", "last resumption: none"]

    switch.pause(TURN)
    lines.clear()
    status(switch, lines.append)
    told = "2026-03-01T12:00:00+08:00 by ops: the queues are rebuilt"
    assert lines[:2] == ["paused: nothing is published", f"last pause: {told}"]

    lines.clear()
    resume(switch, LATER, lines.append)
    assert lines[0].startswith("resumed: the sweeper sends what has waited")
    assert lines[1] == f"last pause: {told}"
    lines.clear()
    status(switch, lines.append)
    assert lines[0] == "publishing"
    assert lines[2] == "last resumption: 2026-03-01T12:05:00+08:00 by ops2: done"


def test_a_resumption_is_stored_before_anybody_looks_at_the_switch() -> None:
    class Unreadable(FakeSwitch):
        def state(self) -> SwitchState:
            raise Unavailable(detail="no answer")

    switch = Unreadable()
    switch.pause(TURN)
    lines: list[str] = []
    with pytest.raises(Unavailable):
        resume(switch, LATER, lines.append)
    assert not switch.is_paused()
    assert [line.partition(":")[0] for line in lines] == ["resumed"]


def test_a_turn_whose_time_cannot_be_read_is_told_all_the_same() -> None:
    switch = FakeSwitch()
    switch.pause(Turn("ops", None, "the queues are rebuilt"))
    lines: list[str] = []
    status(switch, lines.append)
    assert lines[1] == ("last pause: at a time that cannot be read by ops: the queues are rebuilt")
