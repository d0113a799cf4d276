"""The lease table in memory and the one in DynamoDB answer alike."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.clock import SystemClock, to_millis
from chalicelib.dynamo import Dynamo
from chalicelib.errors import Unavailable
from chalicelib.ids.ports import Granted, LeaseStore
from chalicelib.ids.worker_lease import DynamoLeaseStore, WorkerLeaseItem
from chalicelib.settings import Settings
from tests.conftest import CreateTables
from tests.unit.ids.leases import FakeLeaseStore

NOW = 1_772_337_600_000
_WORKER_IDS = itertools.count()


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> LeaseStore:
    if request.param == "memory":
        return FakeLeaseStore()
    real: DynamoLeaseStore = request.getfixturevalue("real_store")
    return real


@pytest.fixture
def real_store(local_settings: Settings, create_tables: CreateTables) -> DynamoLeaseStore:
    create_tables(WorkerLeaseItem)
    return DynamoLeaseStore(Dynamo(local_settings))


def _floor(granted: Granted | None) -> int | None:
    return None if granted is None else granted.floor_ms


def _acquire(store: LeaseStore, token: str, now_ms: int, until_ms: int) -> int | None:
    return _floor(store.acquire(5, token=token, now_ms=now_ms, until_ms=until_ms))


def _renew(store: LeaseStore, token: str, until_ms: int) -> int | None:
    return _floor(store.renew(5, token=token, until_ms=until_ms))


def test_a_worker_id_that_nobody_had_has_no_floor(store: LeaseStore) -> None:
    assert _acquire(store, "a", NOW, NOW + 600) == 0


def test_a_worker_id_is_free_after_the_last_millisecond_and_not_in_it(store: LeaseStore) -> None:
    _acquire(store, "a", NOW, NOW + 600)
    assert _acquire(store, "b", NOW + 599, NOW + 1200) is None
    assert _acquire(store, "b", NOW + 600, NOW + 1200) is None
    assert _acquire(store, "b", NOW + 601, NOW + 1201) == NOW + 600


def test_the_floor_is_the_end_as_it_was_last_extended(store: LeaseStore) -> None:
    _acquire(store, "a", NOW, NOW + 600)
    _renew(store, "a", NOW + 900)
    assert _acquire(store, "b", NOW + 901, NOW + 1501) == NOW + 900


def test_an_acquisition_that_is_sent_twice_is_refused_the_second_time(store: LeaseStore) -> None:
    assert _acquire(store, "a", NOW, NOW + 600) == 0
    assert _acquire(store, "a", NOW, NOW + 600) is None


def test_only_the_holder_renews(store: LeaseStore) -> None:
    assert _renew(store, "a", NOW + 600) is None
    _acquire(store, "a", NOW, NOW + 600)
    assert _renew(store, "b", NOW + 900) is None
    assert _renew(store, "a", NOW + 900) == 0
    _acquire(store, "b", NOW + 901, NOW + 1501)
    assert _renew(store, "a", NOW + 2000) is None
    assert _renew(store, "b", NOW + 2000) == NOW + 900


def test_a_renewal_never_lowers_or_repeats_an_end(store: LeaseStore) -> None:
    _acquire(store, "a", NOW, NOW + 600)
    assert _renew(store, "a", NOW + 900) == 0
    assert _renew(store, "a", NOW + 900) is None
    assert _renew(store, "a", NOW + 899) is None
    assert _acquire(store, "b", NOW + 900, NOW + 1500) is None


@dataclass(frozen=True)
class Acquire:
    token: str
    now: int

    def on(self, store: LeaseStore, worker_id: int) -> Granted | None:
        return store.acquire(
            worker_id, token=self.token, now_ms=NOW + self.now, until_ms=NOW + self.now + 5
        )


@dataclass(frozen=True)
class Renew:
    token: str
    until: int

    def on(self, store: LeaseStore, worker_id: int) -> Granted | None:
        return store.renew(worker_id, token=self.token, until_ms=NOW + self.until)


_TOKEN = st.sampled_from("ab")
_WRITES = st.lists(
    st.builds(Acquire, _TOKEN, st.integers(0, 20)) | st.builds(Renew, _TOKEN, st.integers(0, 25)),
    min_size=3,
    max_size=12,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(writes=_WRITES)
def test_both_tables_answer_any_writes_alike(
    real_store: DynamoLeaseStore, writes: list[Acquire | Renew]
) -> None:
    in_memory, worker_id = FakeLeaseStore(), next(_WORKER_IDS)
    for write in writes:
        expected = write.on(in_memory, worker_id)
        assert _floor(write.on(real_store, worker_id)) == _floor(expected)


def test_the_table_tells_its_own_time_with_each_grant(real_store: DynamoLeaseStore) -> None:
    before = to_millis(SystemClock().now())
    acquired = real_store.acquire(5, token="a", now_ms=NOW, until_ms=NOW + 600)
    renewed = real_store.renew(5, token="a", until_ms=NOW + 900)
    after = to_millis(SystemClock().now())
    for granted in (acquired, renewed):
        assert granted is not None
        assert granted.server_ms is not None
        assert before - 1000 <= granted.server_ms <= after


def test_a_table_that_does_not_answer_is_unavailable(
    local_settings: Settings, aws_credentials: None
) -> None:
    nowhere = Settings.from_env({"DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:9"})
    store = DynamoLeaseStore(Dynamo(nowhere))
    started = time.monotonic()
    with pytest.raises(Unavailable):
        store.acquire(5, token="a", now_ms=NOW, until_ms=NOW + 600)
    assert time.monotonic() - started < 30
