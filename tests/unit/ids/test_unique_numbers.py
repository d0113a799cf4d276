"""Order numbers are unique whatever the clocks of the containers do."""

from __future__ import annotations

from hypothesis import given, settings

from tests.unit.ids.fleet import Scenario, World, find_duplicates, scenarios
from tests.unit.ids.leases import FakeLeaseStore, FakeLeaseStoreThatLowers


@settings(max_examples=300, deadline=None)
@given(scenarios())
def test_i6_no_number_is_minted_twice(scenario: Scenario) -> None:
    assert World(scenario, FakeLeaseStore()).play().duplicates() == []


def test_without_the_rule_that_a_renewal_only_moves_on_duplicates_are_found() -> None:
    scenario = find_duplicates(FakeLeaseStoreThatLowers)
    assert World(scenario, FakeLeaseStore()).play().duplicates() == []
