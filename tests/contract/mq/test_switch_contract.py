"""The same questions to the switch in memory and to the table on the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.errors import Unavailable
from chalicelib.mq.pause import Switch, Turn, permission
from chalicelib.mq.switches import PublishingSwitch, SwitchItem
from tests.fakes.clock import START
from tests.fakes.outbox import FakeSwitch

PAUSE = Turn("ops", START, "the queues are rebuilt")
RESUMPTION = Turn("ops", START + timedelta(minutes=5), "they are there")


@pytest.fixture(params=["memory", "engine"])
def switch(request: pytest.FixtureRequest) -> Switch:
    if request.param == "memory":
        return FakeSwitch()
    request.getfixturevalue("create_tables")(SwitchItem)
    return PublishingSwitch(Dynamo(request.getfixturevalue("local_settings")))


def test_what_was_never_turned_pauses_nothing(switch: Switch) -> None:
    assert not switch.is_paused()
    assert (switch.state().last_pause, switch.state().last_resumption) == (None, None)
    assert permission(switch, 10) is not None


def test_a_pause_holds_until_somebody_resumes(switch: Switch) -> None:
    switch.pause(PAUSE)
    switch.pause(PAUSE)
    assert switch.is_paused()
    assert permission(switch, 10) is None
    switch.resume(RESUMPTION)
    assert not switch.is_paused()
    assert permission(switch, 10) is not None


def test_who_turned_it_when_and_why_is_kept(switch: Switch) -> None:
    switch.pause(PAUSE)
    assert switch.state().last_pause == PAUSE
    switch.resume(RESUMPTION)
    state = switch.state()
    assert (state.last_pause, state.last_resumption) == (PAUSE, RESUMPTION)


def test_a_switch_that_cannot_be_read_permits_nothing() -> None:
    switch = FakeSwitch()
    switch.error = Unavailable(detail="no answer")
    with pytest.raises(Unavailable):
        permission(switch, 10)
