"""The same questions to the switch in memory and to the table on the engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.errors import Unavailable
from chalicelib.mq.pause import Switch, Turn, permission
from chalicelib.mq.switches import PublishingSwitch, SwitchItem
from chalicelib.settings import Settings
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


STRANGE: list[dict[str, dict[str, Any]]] = [
    {"paused_at": {"S": "2026-11-25T01:00:00Z"}},
    {"paused_at": {"N": "7"}, "paused_by": {"L": []}, "pause_reason": {"NULL": True}},
    {"resumed_at": {"S": ""}, "resumed_by": {"N": "7"}, "of_a_later_version": {"S": "x"}},
]


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("paused", [True, False])
def test_what_is_strange_in_the_item_keeps_nobody_from_reading_or_turning_it(
    strange: dict[str, dict[str, Any]],
    paused: bool,
    local_settings: Settings,
    create_tables: Any,
) -> None:
    create_tables(SwitchItem)
    switch = PublishingSwitch(Dynamo(local_settings))
    _put(local_settings, is_paused={"BOOL": paused}, **strange)
    assert (switch.is_paused(), switch.state().is_paused) == (paused, paused)
    switch.resume(RESUMPTION)
    assert not switch.is_paused()
    assert switch.state().last_resumption == RESUMPTION
    switch.pause(PAUSE)
    assert switch.is_paused()
    assert switch.state().last_pause == PAUSE


@pytest.mark.parametrize("position", [{}, {"is_paused": {"S": "no"}}])
def test_an_item_without_a_position_permits_nothing(
    position: dict[str, Any], local_settings: Settings, create_tables: Any
) -> None:
    create_tables(SwitchItem)
    _put(local_settings, **position)
    assert PublishingSwitch(Dynamo(local_settings)).is_paused()


def _put(settings: Settings, **attributes: dict[str, Any]) -> None:
    """An item as it stands, whatever the model says."""
    model = Dynamo(settings).bind(SwitchItem)
    client: Any = model._get_connection().connection.client
    item = {"name": {"S": "publishing"}, **attributes}
    client._make_api_call("PutItem", {"TableName": model.Meta.table_name, "Item": item})
