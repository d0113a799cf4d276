from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from chalicelib.settings import Settings
from infra.local.services.dynamodb import DynamoDB, ExternalDynamoDB
from infra.local.services.tables import create_tables
from tests.integration.orders.machine import Tally
from tests.integration.orders.platforms import Platforms
from tests.integration.orders.shop import Tables
from tests.integration.orders.town import Town

NewTown = Callable[..., Town]

_towns = count(1)
_tallies: dict[str, tuple[Tally, float]] = {}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much the state machine has tried."""
    for name, (tally, seconds) in _tallies.items():
        terminalreporter.write_line(
            f"state machine {name}: {tally.examples} examples, {tally.steps} steps, {seconds:.0f} s"
        )


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    counted, began = Tally(), time.monotonic()
    yield counted
    _tallies[request.node.name] = (counted, time.monotonic() - began)


@pytest.fixture(scope="package")
def tables(dynamodb: DynamoDB | ExternalDynamoDB, aws_credentials: None) -> Tables:
    """The tables that all towns share; their numbers keep them apart."""
    settings = Settings.from_env(
        {
            "STAGE": "local",
            "DYNAMODB_ENDPOINT_URL": dynamodb.endpoint_url,
            "TABLE_PREFIX": f"towns-{uuid.uuid4().hex[:8]}-",
        }
    )
    create_tables(settings)
    return Tables(settings)


@pytest.fixture(scope="package")
def platforms() -> Iterator[Platforms]:
    made = Platforms()
    with made.connected():
        yield made


@pytest.fixture(scope="package")
def new_town(tables: Tables, platforms: Platforms) -> NewTown:
    def make(**broken: Any) -> Town:
        return Town(tables, platforms, next(_towns), **broken)

    return make


@pytest.fixture
def town(new_town: NewTown) -> Iterator[Town]:
    made = new_town()
    yield made
    made.leave()
