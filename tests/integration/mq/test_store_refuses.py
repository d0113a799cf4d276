"""The store refuses everything for ten runs of the scheduled function itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.clock import SystemClock
from chalicelib.mq.delivery import ATTEMPT_HEADER
from chalicelib.mq.topology import learning_subscription
from chalicelib.settings import Settings
from infra.local.aws.container import ProcessContainer
from infra.local.aws.lambda_runtime import PROJECT_APP
from infra.local.aws.scheduler import scheduled_event
from infra.local.services.broker import Broker, ExternalBroker
from infra.local.services.dynamodb import DynamoDB, ExternalDynamoDB
from tests.chaos.gate import RefusingGate
from tests.conftest import CreateTables
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, eventually
from tests.integration.mq.learning_centre import LearningCentre
from tests.integration.mq.virtual_host import a_virtual_host

MANY = range(1000, 1020)
RUNS = 10
FUNCTION = "update_learning"


@pytest.fixture
def gate(dynamodb: DynamoDB | ExternalDynamoDB) -> Iterator[RefusingGate]:
    with RefusingGate(dynamodb.endpoint_url) as standing:
        yield standing


@pytest.fixture
def centre(
    broker: Broker | ExternalBroker, local_settings: Settings, create_tables: CreateTables
) -> Iterator[LearningCentre]:
    """With the queues that the function knows; what the test itself does passes no gate."""
    with a_virtual_host(broker) as host:
        there = ExternalBroker(host.amqp_url, host.management_url)
        wire = Wire(there, learning_subscription((1, 2)))
        centre = LearningCentre(wire, local_settings, create_tables)
        yield centre
        wire.leave()


@pytest.fixture
def environment(
    centre: LearningCentre, gate: RefusingGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """What a function's process inherits."""
    names = {
        "STAGE": "local",
        "SECRETS_DIR": str(tmp_path),
        "TABLE_PREFIX": centre.settings.table_prefix,
        "DYNAMODB_ENDPOINT_URL": gate.url,
        "RABBITMQ_URL": centre.wire.broker.amqp_url,
        "RETRY_DELAYS_SECONDS": "1,2",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_store_that_refuses_for_ten_scheduled_runs_costs_no_attempt(
    centre: LearningCentre, gate: RefusingGate, environment: pytest.MonkeyPatch
) -> None:
    centre.choose(*MANY)
    centre.pay(*MANY)

    gate.refuses = True
    environment.setenv("DRAIN_WINDOW_SECONDS", "1")
    with a_container() as function:
        refused_runs = 0
        while refused_runs < RUNS:
            before = gate.refused
            run_once(function)
            refused_runs += gate.refused > before
    gate.refuses = False
    assert centre.opened() == 0
    assert attempts(centre.wire) == [None] * len(MANY), "all are in the work queue, as new"

    environment.setenv("DRAIN_WINDOW_SECONDS", str(2 * ANSWER_SECONDS))
    with a_container() as function:
        run_until(centre.all_opened, function)
    assert centre.is_right_and_done()


def attempts(wire: Wire) -> list[object]:
    """What the messages of the work queue say of their attempts; they stay there."""
    found: list[object] = []

    def look(channel: BlockingChannel) -> None:
        # what is not acknowledged goes back with the connection
        while (got := channel.basic_get(wire.subscription.work_queue))[0] is not None:
            properties = got[1]
            found.append((properties.headers or {}).get(ATTEMPT_HEADER))

    wire.on_channel(look)
    return found


def run_once(function: ProcessContainer) -> None:
    """A scheduled run to the end of its window, with time to spare behind it."""
    event = scheduled_event(FUNCTION, SystemClock().now(), "local")
    function.run(event, timeout_seconds=ANSWER_SECONDS)


def run_until(holds: Callable[[], bool], function: ProcessContainer) -> None:
    """One scheduled run; it has no time left as soon as the condition holds."""
    run = threading.Thread(target=run_once, args=(function,))
    run.start()
    try:
        eventually(holds, "the run did not get there", ANSWER_SECONDS / 2)
    finally:
        function.leave_early()
        run.join()


@contextmanager
def a_container() -> Iterator[ProcessContainer]:
    container = ProcessContainer(PROJECT_APP, FUNCTION)
    try:
        yield container
    finally:
        container.end()
