"""The time that Lambda gives each function, as Chalice reads it from its configuration file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chalice.app import ScheduledEventConfig
from chalice.config import Config

from app import app
from chalicelib.mq.drain import DrainLimits
from chalicelib.settings import Settings

GATEWAY_SECONDS = 29
"""API Gateway waits no longer for an answer."""

FILE = Path(__file__).parents[2] / ".chalice" / "config.json"
SCHEDULED = sorted(e.name for e in app.event_sources if isinstance(e, ScheduledEventConfig))
DRAINS = (
    "update_learning",
    "update_learning_refunds",
    "update_resources",
    "update_resources_refunds",
)


def seconds_of(function: str) -> int:
    config = Config(
        chalice_stage="dev",
        function_name=function,
        config_from_disk=json.loads(FILE.read_text("utf-8")),
    )
    seconds = config.lambda_timeout
    assert seconds is not None
    return int(seconds)


@pytest.mark.parametrize("function", SCHEDULED)
def test_a_scheduled_function_has_a_minute(function: str) -> None:
    assert seconds_of(function) >= 60


@pytest.mark.parametrize("function", DRAINS)
def test_a_drain_has_its_window_and_what_it_spares(function: str) -> None:
    window = Settings.from_env({}).drain_window_seconds
    spare = DrainLimits(window_seconds=window, prefetch=1).spare_seconds
    assert seconds_of(function) >= window + spare


@pytest.mark.parametrize("function", ["api_handler", "publish_outbox"])
def test_what_somebody_waits_for_ends_with_the_gateway(function: str) -> None:
    assert seconds_of(function) == GATEWAY_SECONDS


def test_only_functions_that_exist_have_limits() -> None:
    named = json.loads(FILE.read_text("utf-8"))["lambda_functions"]
    assert set(named) == set(SCHEDULED)
