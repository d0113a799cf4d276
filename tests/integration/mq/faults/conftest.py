from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.mq.outbox import OutboxItem
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire
from tests.integration.mq.faults.scene import Scene


@pytest.fixture
def scene(
    request: pytest.FixtureRequest,
    wire: Wire,
    local_settings: Settings,
    create_tables: CreateTables,
) -> Iterator[Scene]:
    """Two subscribers with queues of the test's own, and an outbox of its own."""
    create_tables(OutboxItem)
    scene = Scene(wire, Dynamo(local_settings))
    yield scene
    # after a restart the node would lose its dead-lettering: see the wire
    if request.node.get_closest_marker("restarts_broker") is None:
        scene.clean_up()
