"""The layout of a number, and the minting under one lease."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.ids.snowflake import (
    EPOCH_MS,
    LAST_MS,
    SEQUENCES,
    WORKERS,
    Minter,
    Parts,
    compose,
    decompose,
)

_PARTS = st.builds(
    Parts,
    st.integers(EPOCH_MS, LAST_MS),
    st.integers(0, WORKERS - 1),
    st.integers(0, SEQUENCES - 1),
)
_NOW = EPOCH_MS + 1_000_000


class Ticks:
    """A clock in milliseconds that a test sets."""

    def __init__(self, now_ms: int = _NOW) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def _minter(ticks: Ticks, *, floor_ms: int = 0, until_ms: int = _NOW + 600_000) -> Minter:
    return Minter(7, floor_ms=floor_ms, until_ms=until_ms, now_ms=ticks)


def _mint(minter: Minter) -> Parts:
    number = minter.mint()
    assert number is not None
    return decompose(number)


@settings(max_examples=300, deadline=None)
@given(_PARTS)
def test_a_number_tells_its_parts_and_fits_a_java_long(parts: Parts) -> None:
    number = compose(parts)
    assert decompose(number) == parts
    assert 0 <= number < 2**63
    assert len(str(number)) <= 19


@settings(max_examples=300, deadline=None)
@given(_PARTS, _PARTS)
def test_numbers_sort_by_time_then_worker_then_sequence(one: Parts, other: Parts) -> None:
    assert (compose(one) < compose(other)) == (one < other)


@pytest.mark.parametrize(
    "parts",
    [
        Parts(EPOCH_MS - 1, 0, 0),
        Parts(LAST_MS + 1, 0, 0),
        Parts(_NOW, WORKERS, 0),
        Parts(_NOW, -1, 0),
        Parts(_NOW, 0, SEQUENCES),
        Parts(_NOW, 0, -1),
    ],
)
def test_parts_that_do_not_fit_make_no_number(parts: Parts) -> None:
    with pytest.raises(ValueError, match="out of range"):
        compose(parts)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-10_000, 10_000),
    st.lists(st.integers(-5_000, 5_000), min_size=1, max_size=40),
    st.integers(0, 20_000),
)
def test_a_minter_only_counts_up_and_stays_between_its_bounds(
    floor: int, jumps: list[int], lease: int
) -> None:
    ticks = Ticks()
    floor_ms, until_ms = _NOW + floor, _NOW + lease
    minter = _minter(ticks, floor_ms=floor_ms, until_ms=until_ms)
    numbers = []
    for jump in jumps:
        ticks.now_ms += jump
        numbers += [minter.mint(), minter.mint()]
    minted = [number for number in numbers if number is not None]
    assert all(earlier < later for earlier, later in pairwise(minted))
    assert all(floor_ms < decompose(number).millis <= until_ms for number in minted)


def test_nothing_is_minted_in_the_floors_own_millisecond() -> None:
    ticks = Ticks(_NOW)
    assert _mint(_minter(ticks, floor_ms=_NOW)) == Parts(_NOW + 1, 7, 0)


def test_the_last_millisecond_of_a_lease_is_used_and_the_next_one_is_not() -> None:
    ticks = Ticks()
    minter = _minter(ticks, until_ms=_NOW)
    assert _mint(minter).millis == _NOW
    ticks.now_ms += 1
    assert minter.mint() is None


def test_a_millisecond_that_is_used_up_is_followed_by_the_next() -> None:
    ticks = Ticks()
    minter = _minter(ticks, until_ms=_NOW + 1)
    parts = [_mint(minter) for _ in range(SEQUENCES + 1)]
    assert parts[-2:] == [Parts(_NOW, 7, SEQUENCES - 1), Parts(_NOW + 1, 7, 0)]
    for _ in range(SEQUENCES - 1):
        _mint(minter)
    assert minter.mint() is None


def test_a_clock_that_goes_back_is_carried_on_by_counting() -> None:
    ticks = Ticks()
    minter = _minter(ticks)
    _mint(minter)
    ticks.now_ms -= 3_600_000
    assert _mint(minter) == Parts(_NOW, 7, 1)


def test_a_refused_number_leaves_no_trace() -> None:
    ticks = Ticks()
    minter = _minter(ticks, until_ms=_NOW + 10)
    ticks.now_ms = _NOW + 1_000_000
    assert minter.mint() is None
    ticks.now_ms = _NOW
    assert _mint(minter) == Parts(_NOW, 7, 0)


def test_an_extended_lease_goes_on_where_it_was() -> None:
    ticks = Ticks()
    minter = _minter(ticks, until_ms=_NOW)
    _mint(minter)
    ticks.now_ms += 1
    assert minter.mint() is None
    minter.extend(_NOW + 1)
    assert _mint(minter) == Parts(_NOW + 1, 7, 0)


def test_no_number_lies_outside_the_years_that_the_layout_covers() -> None:
    assert _minter(Ticks(0), until_ms=EPOCH_MS - 1).mint() is None
    assert _mint(_minter(Ticks(0))).millis == EPOCH_MS
    late = _minter(Ticks(LAST_MS), until_ms=LAST_MS + 600_000)
    assert _mint(late).millis == LAST_MS
    assert _minter(Ticks(LAST_MS + 1), until_ms=LAST_MS + 600_000).mint() is None


def test_threads_that_share_a_minter_get_different_numbers() -> None:
    minter = _minter(Ticks())
    together = threading.Barrier(8, timeout=30)

    def mint() -> list[int | None]:
        together.wait()
        return [minter.mint() for _ in range(2_000)]

    with ThreadPoolExecutor(8) as pool:
        lists = [future.result(60) for future in [pool.submit(mint) for _ in range(8)]]
    assert len({number for numbers in lists for number in numbers}) == 16_000
