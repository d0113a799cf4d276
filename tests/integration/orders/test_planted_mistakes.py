"""The state machine sees what it is there to see: without any one of these conditions it fails."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from chalicelib.errors import AppError
from chalicelib.orders.states import UndeclaredMove
from tests.integration.orders.conftest import NewTown
from tests.integration.orders.machine import OrderMachine, Tally
from tests.integration.orders.planted import MISTAKES, Mistake
from tests.integration.orders.platforms import Platforms
from tests.integration.orders.shop import Tables
from tests.integration.orders.test_machine import LEAST_EXAMPLES, MOST_STEPS_OF_ONE

SEEN_AS = (AssertionError, AppError, UndeclaredMove)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found(
    mistake: Mistake, tables: Tables, platforms: Platforms, new_town: NewTown, tally: Tally
) -> None:
    broken = mistake.parts(tables, platforms)

    def look_for_it() -> None:
        run_state_machine_as_test(
            lambda: OrderMachine(lambda: new_town(**broken), tally),
            settings=hypothesis.settings(
                max_examples=LEAST_EXAMPLES,
                stateful_step_count=MOST_STEPS_OF_ONE,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
                report_multiple_bugs=False,
            ),
        )

    with pytest.MonkeyPatch.context() as patch:
        mistake.patch(patch)
        with pytest.raises(SEEN_AS, match=mistake.shows_as):
            look_for_it()
