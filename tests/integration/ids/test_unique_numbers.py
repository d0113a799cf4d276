"""Order numbers are unique on the real lease table, too."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from pynamodb.expressions.condition import Condition

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.errors import Unavailable
from chalicelib.ids.numbers import LeasedNumbers
from chalicelib.ids.snowflake import WORKERS, decompose
from chalicelib.ids.worker_lease import DynamoLeaseStore, WorkerLeaseItem
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.unit.ids.fleet import Scenario, World, find_duplicates, scenarios
from tests.unit.ids.leases import FakeLeaseStoreThatLowers

HOLDERS = 8
_FIRST_WORKER_IDS = itertools.count(step=3)


class DynamoLeaseStoreThatLowers(DynamoLeaseStore):
    """Without the rule that a renewal only ever moves the end on."""

    def _renewable(self, token: str, until_ms: int) -> Condition:
        condition: Condition = self._item.owner == token
        return condition


class OffClock:
    """The machine's clock, and an error."""

    def __init__(self, error: timedelta) -> None:
        self._error = error

    def now(self) -> datetime:
        return SystemClock().now() + self._error


@pytest.fixture
def dynamo(local_settings: Settings, create_tables: CreateTables) -> Dynamo:
    create_tables(WorkerLeaseItem)
    return Dynamo(local_settings)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenario=scenarios())
def test_i6_no_number_is_minted_twice_on_the_real_table(dynamo: Dynamo, scenario: Scenario) -> None:
    world = World(scenario, DynamoLeaseStore(dynamo), next(_FIRST_WORKER_IDS))
    assert world.play().duplicates() == []


def test_without_the_rule_that_a_renewal_only_moves_on_the_real_table_lets_duplicates_happen(
    dynamo: Dynamo,
) -> None:
    scenario = find_duplicates(FakeLeaseStoreThatLowers)
    without = World(scenario, DynamoLeaseStoreThatLowers(dynamo), next(_FIRST_WORKER_IDS))
    assert without.play().duplicates()
    with_it = World(scenario, DynamoLeaseStore(dynamo), next(_FIRST_WORKER_IDS))
    assert with_it.play().duplicates() == []


def test_containers_that_mint_at_the_same_time_never_meet(dynamo: Dynamo) -> None:
    """Each holder starts at the same worker id, so that all of them race for the same rows."""
    together = threading.Barrier(HOLDERS, timeout=60)

    def mint() -> list[str]:
        store = DynamoLeaseStore(dynamo)
        numbers = LeasedNumbers(
            store, SystemClock(), lease_seconds=600, random_below=lambda _: WORKERS - 3
        )
        together.wait()
        return [numbers.next_number() for _ in range(5_000)]

    with ThreadPoolExecutor(HOLDERS) as pool:
        lists = [f.result(120) for f in [pool.submit(mint) for _ in range(HOLDERS)]]
    assert len({number for minted in lists for number in minted}) == HOLDERS * 5_000
    assert len({decompose(int(minted[0])).worker_id for minted in lists}) == HOLDERS


def test_holders_that_steal_from_one_another_all_the_time_never_meet(dynamo: Dynamo) -> None:
    """Leases of one second, few worker ids, and clocks up to four seconds apart."""
    worker_ids = range(100, 104)

    def mint(holder: int) -> list[int]:
        until = Deadline.after(4)
        numbers = LeasedNumbers(
            DynamoLeaseStore(dynamo),
            OffClock(timedelta(milliseconds=500 * (holder - HOLDERS // 2))),
            lease_seconds=1,
            worker_ids=worker_ids,
            report=lambda _: None,
        )
        minted = []
        while not until.passed():
            try:
                minted.append(int(numbers.next_number()))
            except Unavailable:
                continue
        return minted

    lists: list[list[int]] = []
    for _ in range(10):  # on a busy machine it may take more than one round
        with ThreadPoolExecutor(HOLDERS) as pool:
            lists += [f.result(120) for f in [pool.submit(mint, n) for n in range(HOLDERS)]]
        holdings = [{decompose(number).worker_id for number in minted} for minted in lists]
        if sum(map(len, holdings)) > len(worker_ids):
            break
    everything = [number for minted in lists for number in minted]
    assert len(set(everything)) == len(everything)
    assert sum(map(len, holdings)) > len(worker_ids), "no worker id changed hands"
