"""A row that this version cannot read holds up its own message and no other."""

from __future__ import annotations

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.learning.rows import ChooseCourseItem
from chalicelib.mq.dead_letters import letters
from chalicelib.mq.drain import DrainReport
from chalicelib.mq.rabbit import RabbitDeadQueue, dead_queue_opener
from chalicelib.ops.dead_letters import replay
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire
from tests.integration.mq.learning_centre import LearningCentre, drain, ready

UNREADABLE = 1000
GOOD = range(1001, 1021)
OF_NEWER_CODE = "701999"


@pytest.fixture
def centre(wire: Wire, local_settings: Settings, create_tables: CreateTables) -> LearningCentre:
    return LearningCentre(wire, local_settings, create_tables)


def test_an_unreadable_row_holds_up_none_of_20_and_is_granted_once_it_can_be_read(
    centre: LearningCentre, local_settings: Settings
) -> None:
    centre.choose(UNREADABLE, *GOOD)
    readable = write_status(local_settings, OF_NEWER_CODE)
    centre.pay(UNREADABLE, *GOOD)
    wire, subscription = centre.wire, centre.wire.subscription

    first = drain(wire, centre.subscriber(), lambda: centre.opened() == len(GOOD))
    assert (first.acked, first.paused) == (len(GOOD), 0)

    later = drain(wire, centre.subscriber(), lambda: ready(wire, subscription.dead_queue) == 1)
    assert (later.acked, first.dead + later.dead, first.retried + later.retried) == (0, 1, 2)
    dead_queue = RabbitDeadQueue(wire.address, subscription)
    letter = dead_queue.take()
    dead_queue.close()
    assert letter is not None
    (told,) = letters([letter])
    assert (told.business_key, told.attempt) == (str(UNREADABLE), 3)
    assert "unreadable row" in told.reason
    assert OF_NEWER_CODE in told.reason

    write_status(local_settings, readable)
    replay(dead_queue_opener(wire.address), (subscription,), None, lambda _: None)
    assert drain(wire, centre.subscriber(), centre.all_opened) == DrainReport(acked=1)
    assert centre.is_right_and_done()


def write_status(settings: Settings, code: str) -> str:
    """Put a code into the record; returns the one that was there."""
    model = Dynamo(settings).bind(ChooseCourseItem)
    item = model.get(f"record#{UNREADABLE}")
    before = item.status
    item.update(actions=[model.status.set(code)])
    return before
