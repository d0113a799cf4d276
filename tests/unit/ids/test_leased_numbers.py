"""How a container comes to a worker id, keeps it, and gives it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.clock import to_millis
from chalicelib.errors import Unavailable
from chalicelib.ids.numbers import MAX_PROBES, LeasedNumbers
from chalicelib.ids.ports import Granted, LeaseStore
from chalicelib.ids.snowflake import WORKERS, Parts, decompose
from tests.fakes.clock import FakeClock
from tests.unit.ids.leases import FakeLeaseStore, Row

LEASE_SECONDS = 600
LEASE_MS = LEASE_SECONDS * 1000


@dataclass
class Table:
    """A lease table that can be out of reach, lose answers and tell a time of its own."""

    store: FakeLeaseStore = field(default_factory=FakeLeaseStore)
    calls: list[tuple[str, int, str]] = field(default_factory=list)
    down: bool = False
    loses_answers: bool = False
    time_ms: Callable[[], int] | None = None
    before_answer: Callable[[], object] = lambda: None

    def acquire(self, worker_id: int, *, token: str, now_ms: int, until_ms: int) -> Granted | None:
        self.calls.append(("acquire", worker_id, token))
        return self._answer(
            lambda: self.store.acquire(worker_id, token=token, now_ms=now_ms, until_ms=until_ms)
        )

    def renew(self, worker_id: int, *, token: str, until_ms: int) -> Granted | None:
        self.calls.append(("renew", worker_id, token))
        return self._answer(lambda: self.store.renew(worker_id, token=token, until_ms=until_ms))

    def _answer(self, write: Callable[[], Granted | None]) -> Granted | None:
        if self.down:
            raise Unavailable
        answer = write()
        if self.loses_answers:
            raise Unavailable
        self.before_answer()
        if answer is None or self.time_ms is None:
            return answer
        return Granted(floor_ms=answer.floor_ms, server_ms=self.time_ms())

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.calls]


class Reports(list[str]):
    """What was counted."""

    def __call__(self, name: str) -> None:
        self.append(name)


def _numbers(store: LeaseStore, clock: FakeClock, **options: Any) -> LeasedNumbers:
    options = {"random_below": lambda _: 40, "report": Reports(), **options}
    return LeasedNumbers(store, clock, lease_seconds=LEASE_SECONDS, **options)


def _parts(numbers: LeasedNumbers) -> Parts:
    return decompose(int(numbers.next_number()))


def test_nothing_is_leased_before_the_first_number() -> None:
    table = Table()
    numbers = _numbers(table, FakeClock())
    assert table.calls == []
    assert numbers.next_number().isdigit()
    assert table.kinds() == ["acquire"]


def test_a_number_holds_the_time_and_the_leased_worker_id() -> None:
    clock = FakeClock()
    numbers = _numbers(Table(), clock)
    assert _parts(numbers) == Parts(to_millis(clock.now()), 40, 0)
    assert _parts(numbers) == Parts(to_millis(clock.now()), 40, 1)


def test_a_taken_worker_id_is_passed_over_and_the_last_one_is_followed_by_the_first() -> None:
    clock, table = FakeClock(), Table()
    for taken in (WORKERS - 1, 0):
        table.store.rows[taken] = Row("other", to_millis(clock.now()), 0)
    numbers = _numbers(table, clock, random_below=lambda below: below - 1)
    assert _parts(numbers).worker_id == 1


def test_a_lease_that_ended_is_taken_over_above_its_last_millisecond() -> None:
    clock, table = FakeClock(), Table()
    now_ms = to_millis(clock.now())
    table.store.rows[40] = Row("other", now_ms - 1, 0)
    assert _parts(_numbers(table, clock)) == Parts(now_ms, 40, 0)


def test_a_clock_that_falls_behind_the_floor_counts_on_from_it() -> None:
    clock, table = FakeClock(), Table()
    ended_ms = to_millis(clock.now()) - 1
    table.store.rows[40] = Row("other", ended_ms, 0)
    table.before_answer = lambda: clock.advance(seconds=-30)
    assert _parts(_numbers(table, clock)) == Parts(ended_ms + 1, 40, 0)


def test_after_sixteen_taken_worker_ids_the_caller_is_told_to_come_back() -> None:
    clock, table, reports = FakeClock(), Table(), Reports()
    for taken in range(40, 40 + MAX_PROBES):
        table.store.rows[taken] = Row("other", to_millis(clock.now()), 0)
    numbers = _numbers(table, clock, report=reports)
    with pytest.raises(Unavailable) as refused:
        numbers.next_number()
    assert refused.value.retry_after_seconds
    assert table.kinds() == ["acquire"] * MAX_PROBES
    assert reports == ["WorkerLeasesExhausted"]
    clock.advance(seconds=1)
    assert _parts(numbers).worker_id == 40


def test_every_acquisition_has_a_token_of_its_own() -> None:
    clock, table = FakeClock(), Table()
    table.store.rows[40] = Row("other", to_millis(clock.now()), 0)
    _numbers(table, clock).next_number()
    clock.advance(minutes=30)
    _numbers(table, clock).next_number()
    tokens = [token for _, _, token in table.calls]
    assert len(tokens) == 3
    assert len(set(tokens)) == 3


def test_one_container_that_leases_again_has_a_new_token() -> None:
    clock, table = FakeClock(), Table()
    numbers = _numbers(table, clock)
    numbers.next_number()
    clock.advance(minutes=11)
    table.store.rows[40].owner = "somebody else"
    clock.advance(minutes=11)
    numbers.next_number()
    assert table.kinds() == ["acquire", "renew", "acquire"]
    first, renewal, second = [token for _, _, token in table.calls]
    assert first == renewal != second


def test_a_lease_is_renewed_in_a_call_once_less_than_half_is_left() -> None:
    clock, table = FakeClock(), Table()
    numbers = _numbers(table, clock)
    numbers.next_number()
    clock.advance(seconds=300)
    numbers.next_number()
    assert table.kinds() == ["acquire"]
    clock.advance(seconds=0.001)
    numbers.next_number()
    numbers.next_number()
    assert table.kinds() == ["acquire", "renew"]
    assert table.store.rows[40].lease_until == to_millis(clock.now()) + LEASE_MS


def test_a_container_that_slept_past_its_lease_goes_on_if_nobody_took_it() -> None:
    clock, table = FakeClock(), Table()
    numbers = _numbers(table, clock)
    numbers.next_number()
    clock.advance(hours=5)
    assert _parts(numbers) == Parts(to_millis(clock.now()), 40, 0)
    assert table.kinds() == ["acquire", "renew"]


def test_a_lease_that_was_taken_over_is_used_up_to_the_bound_that_was_heard() -> None:
    clock, table = FakeClock(), Table()
    numbers = _numbers(table, clock)
    bound = to_millis(clock.now()) + LEASE_MS
    numbers.next_number()
    table.store.rows[40].owner = "a thief whose clock is ahead"
    clock.advance(seconds=LEASE_SECONDS)
    assert _parts(numbers) == Parts(bound, 40, 0)
    table.store.rows[40].lease_until = bound + LEASE_MS
    clock.advance(seconds=2)
    assert _parts(numbers).worker_id == 41


def test_a_renewal_that_was_not_heard_leaves_the_old_bound() -> None:
    clock, table = FakeClock(), Table()
    numbers = _numbers(table, clock)
    bound = to_millis(clock.now()) + LEASE_MS
    numbers.next_number()
    clock.advance(seconds=400)
    table.loses_answers = True
    assert _parts(numbers).worker_id == 40
    assert table.store.rows[40].lease_until > bound
    clock.advance(seconds=201)
    with pytest.raises(Unavailable):
        numbers.next_number()


def test_a_table_that_is_down_costs_few_calls_while_the_lease_lasts() -> None:
    clock, table = FakeClock(), Table()
    numbers = _numbers(table, clock)
    numbers.next_number()
    table.down = True
    clock.advance(seconds=301)
    for _ in range(290):
        clock.advance(seconds=1)
        numbers.next_number()
    assert table.kinds().count("renew") < 12
    table.down = False
    clock.advance(seconds=8)
    numbers.next_number()
    assert table.store.rows[40].lease_until == to_millis(clock.now()) + LEASE_MS


def test_a_table_that_is_down_when_a_lease_is_needed_is_told_as_such() -> None:
    clock, table = FakeClock(), Table(down=True)
    numbers = _numbers(table, clock)
    with pytest.raises(Unavailable):
        numbers.next_number()
    assert table.kinds() == ["acquire"]
    table.down = False
    assert numbers.next_number()


@pytest.mark.parametrize("seconds", [-5.0, -1.0, 0.0, 1.0, 5.9])
def test_a_clock_within_five_seconds_of_the_tables_is_good(seconds: float) -> None:
    clock, table = FakeClock(), Table()
    table.time_ms = lambda: to_millis(clock.now()) - int(seconds * 1000)
    assert _numbers(table, clock).next_number()


@pytest.mark.parametrize("seconds", [-3600.0, -5.1, 6.1, 3600.0])
def test_a_clock_further_off_gives_the_lease_up_unused(seconds: float) -> None:
    clock, reports, table = FakeClock(), Reports(), Table()
    table.time_ms = lambda: to_millis(clock.now()) - int(seconds * 1000)
    numbers = _numbers(table, clock, report=reports, wrong_clock_pause_seconds=0)
    with pytest.raises(Unavailable, match="clock"):
        numbers.next_number()
    assert reports == ["WorkerLeaseClockWrong"]
    table.time_ms = lambda: to_millis(clock.now())
    assert _parts(numbers).worker_id == 41


def test_a_container_with_a_wrong_clock_does_not_spoil_one_worker_id_after_another() -> None:
    clock, table = FakeClock(), Table()
    table.time_ms = lambda: to_millis(clock.now()) - 3_600_000
    numbers = _numbers(table, clock, wrong_clock_pause_seconds=3600)
    for _ in range(20):
        with pytest.raises(Unavailable) as refused:
            numbers.next_number()
    assert table.kinds() == ["acquire"]
    assert (refused.value.retry_after_seconds or 0) > 60


def test_a_clock_found_wrong_at_a_renewal_gives_the_lease_up_too() -> None:
    clock, table = FakeClock(), Table()
    time_ms = to_millis(clock.now())
    table.time_ms = lambda: time_ms
    numbers = _numbers(table, clock, wrong_clock_pause_seconds=0)
    assert _parts(numbers).worker_id == 40
    clock.advance(seconds=400)
    with pytest.raises(Unavailable, match="clock"):
        numbers.next_number()
    clock.advance(seconds=-400)
    assert _parts(numbers).worker_id == 41


def test_a_slow_answer_is_no_wrong_clock() -> None:
    clock, table = FakeClock(), Table()
    asked_at = to_millis(clock.now())
    table.time_ms = lambda: asked_at
    table.before_answer = lambda: clock.advance(seconds=7)
    assert _numbers(table, clock).next_number()


def test_a_container_that_froze_for_a_whole_lease_while_leasing_mints_nothing() -> None:
    clock, table = FakeClock(), Table()
    table.before_answer = lambda: clock.advance(minutes=11)
    with pytest.raises(Unavailable):
        _numbers(table, clock).next_number()


def test_threads_share_one_lease_and_get_different_numbers() -> None:
    table, clock = Table(), FakeClock()
    numbers = _numbers(table, clock)
    together = threading.Barrier(8, timeout=30)

    def mint() -> list[str]:
        together.wait()
        return [numbers.next_number() for _ in range(500)]

    with ThreadPoolExecutor(8) as pool:
        lists = [future.result(60) for future in [pool.submit(mint) for _ in range(8)]]
    assert len({number for minted in lists for number in minted}) == 4_000
    assert table.kinds() == ["acquire"]
