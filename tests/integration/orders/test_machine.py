"""I1, I2 and I3 for the whole order service: hypothesis looks for a way to break them.

``HYPOTHESIS_PROFILE=explore`` looks much longer. The closing lines of a test run say how much was
tried.
"""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.orders.conftest import NewTown
from tests.integration.orders.machine import OrderMachine, Tally

LEAST_EXAMPLES = 200
LEAST_STEPS = LEAST_EXAMPLES * 30
MOST_STEPS_OF_ONE = 36
"""Some examples end early; with so many at most the average is over thirty."""


@pytest.mark.timeout(0)
def test_nothing_paid_is_lost_and_nothing_unpaid_is_granted(
    new_town: NewTown, tally: Tally
) -> None:
    run_state_machine_as_test(
        lambda: OrderMachine(new_town, tally),
        settings=hypothesis.settings(
            max_examples=max(LEAST_EXAMPLES, hypothesis.settings.default.max_examples),
            stateful_step_count=MOST_STEPS_OF_ONE,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
    assert tally.examples >= LEAST_EXAMPLES
    assert tally.steps >= LEAST_STEPS
