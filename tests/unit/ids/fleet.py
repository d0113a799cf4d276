"""Many containers with bad clocks behind a bad network, all minting from one lease table.

A scenario is a list of steps. A slow request or answer is played by running the next steps of the
list, of other containers, in the middle of the call: so code without threads meets every
interleaving, and a failing scenario shrinks and repeats.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st

from chalicelib.errors import Unavailable
from chalicelib.ids.numbers import LeasedNumbers
from chalicelib.ids.ports import Granted, LeaseStore

LEASE_SECONDS = 600
CONTAINERS = 3
START = datetime(2026, 3, 1, tzinfo=UTC)


class Network(Enum):
    """What happens to the first lease write of a step."""

    PROMPT = auto()
    REQUEST_SLOW = auto()
    """Others act before the write."""
    ANSWER_SLOW = auto()
    """Others act between the write and the answer."""
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    REQUEST_DELAYED = auto()
    """The caller gives up; the write may happen much later."""
    REPEATED = auto()
    """The client sent it twice: the first answer is lost, the second one is heard."""
    REPEATED_LATE = auto()
    """The same, but the first one was only delayed, and may still arrive."""


@dataclass(frozen=True)
class Mint:
    container: int
    numbers: int
    network: Network


@dataclass(frozen=True)
class Round:
    """Time passes, then every container mints in turn; the network may be bad for renewals."""

    seconds: int
    renewals: tuple[Network, ...]


@dataclass(frozen=True)
class ClockJumps:
    container: int
    seconds: int


@dataclass(frozen=True)
class DelayedWritesArrive:
    newest_first: bool


@dataclass(frozen=True)
class Killed:
    """The container ends without a word, and a new one starts on the same machine."""

    container: int


Step = Mint | Round | ClockJumps | DelayedWritesArrive | Killed


@dataclass(frozen=True)
class Scenario:
    worker_ids: int
    clock_errors_seconds: tuple[int, ...]
    steps: tuple[Step, ...]


_CONTAINER = st.integers(0, CONTAINERS - 1)
_NETWORK = st.sampled_from([Network.PROMPT] * 8 + [Network.REQUEST_DELAYED] * 4 + list(Network))
_JUMP = st.sampled_from([-3600, -3540, -600, -60, -1, 1, 60, 600, 3600])


def _misled(container: int, seconds: int) -> tuple[Step, ...]:
    """A clock that is put right in the middle of a call."""
    return (
        ClockJumps(container, seconds),
        Mint(container, 1, Network.ANSWER_SLOW),
        ClockJumps(container, -seconds),
    )


_DISTURBANCES = st.one_of(
    st.tuples(st.builds(Mint, _CONTAINER, st.integers(1, 3), _NETWORK)),
    st.tuples(st.builds(ClockJumps, _CONTAINER, _JUMP)),
    st.tuples(st.builds(Killed, _CONTAINER)),
    st.builds(_misled, _CONTAINER, _JUMP),
)


@st.composite
def _some_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """Mostly a round; hypothesis itself has no weights."""
    kind = draw(st.integers(0, 9))
    if kind >= 8:
        return draw(_DISTURBANCES)
    if kind >= 6:
        return (DelayedWritesArrive(draw(st.booleans())),)
    seconds = draw(st.sampled_from([60, 90, 120]))
    return (Round(seconds, draw(st.tuples(*[_NETWORK] * CONTAINERS))),)


def _joined(steps: list[tuple[Step, ...]]) -> tuple[Step, ...]:
    return tuple(itertools.chain.from_iterable(steps))


def scenarios() -> st.SearchStrategy[Scenario]:
    """Coarse times, so that containers often mint in the same millisecond; much is delayed."""
    return st.builds(
        Scenario,
        st.sampled_from([1, 1, 2]),
        st.tuples(*[st.sampled_from([0] * 6 + [60, -60, 3600, -3600])] * CONTAINERS),
        st.lists(_some_steps(), min_size=25, max_size=50).map(_joined),
    )


def find_duplicates(store: Callable[[], LeaseStore]) -> Scenario:
    """A scenario in which a lease table of this kind lets a number be minted twice.

    Raises
    ------
    hypothesis.errors.NoSuchExample
        None was found.
    """
    return find(
        scenarios(),
        lambda scenario: bool(World(scenario, store()).play().duplicates()),
        settings=settings(
            max_examples=1_000,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@dataclass
class Container:
    """One container, with a clock of its own."""

    world: World
    clock_error: timedelta
    minter: LeasedNumbers = field(init=False)
    acquiring: Network = Network.PROMPT
    renewing: Network = Network.PROMPT
    busy: bool = False

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.minter = self.world.new_minter(self)

    def now(self) -> datetime:
        return self.world.now + self.clock_error

    def acquire(self, worker_id: int, *, token: str, now_ms: int, until_ms: int) -> Granted | None:
        network, self.acquiring = self.acquiring, Network.PROMPT
        return self._send(
            network,
            lambda: self.world.store.acquire(
                worker_id, token=token, now_ms=now_ms, until_ms=until_ms
            ),
        )

    def renew(self, worker_id: int, *, token: str, until_ms: int) -> Granted | None:
        return self._send(
            self.renewing,
            lambda: self.world.store.renew(worker_id, token=token, until_ms=until_ms),
        )

    def _send(self, network: Network, write: Callable[[], Granted | None]) -> Granted | None:
        world = self.world
        if network in (Network.REQUEST_DELAYED, Network.REPEATED_LATE):
            world.delayed.append(write)
        if network in (Network.REQUEST_DELAYED, Network.REQUEST_LOST):
            raise Unavailable
        if network is Network.REQUEST_SLOW:
            world.others_act()
        if network is Network.REPEATED:
            write()
        answer = write()
        if network is Network.ANSWER_LOST:
            raise Unavailable
        if network is Network.ANSWER_SLOW:
            world.others_act()
        # The table's own time stays untold: equal numbers must be impossible without that check.
        return answer and Granted(floor_ms=answer.floor_ms, server_ms=None)


class World:
    """Plays a scenario on a lease table and keeps what was minted."""

    def __init__(self, scenario: Scenario, store: LeaseStore, first_worker_id: int = 0) -> None:
        self.store = store
        self.now = START
        self.delayed: list[Callable[[], Granted | None]] = []
        self.minted: Counter[str] = Counter()
        self.refusals = 0
        self._steps = list(reversed(scenario.steps))
        self._worker_ids = range(first_worker_id, first_worker_id + scenario.worker_ids)
        self._starts = itertools.count()
        self._containers = [
            Container(self, timedelta(seconds=error)) for error in scenario.clock_errors_seconds
        ]

    def new_minter(self, container: Container) -> LeasedNumbers:
        return LeasedNumbers(
            container,
            container,
            lease_seconds=LEASE_SECONDS,
            worker_ids=self._worker_ids,
            random_below=lambda below: next(self._starts) % below,
            report=lambda _: None,
        )

    def play(self) -> World:
        while self._steps:
            self._play(self._steps.pop())
        return self

    def duplicates(self) -> list[str]:
        return [number for number, times in self.minted.items() if times > 1]

    def others_act(self) -> None:
        for _ in range(3):
            if self._steps:
                self._play(self._steps.pop())

    def _play(self, step: Step) -> None:
        match step:
            case Round(seconds, renewals):
                self.now += timedelta(seconds=seconds)
                for minting, renewal in zip(self._containers, renewals, strict=True):
                    self._mint(minting, 1, renewing=renewal)
            case ClockJumps(container, seconds):
                self._containers[container].clock_error += timedelta(seconds=seconds)
            case DelayedWritesArrive(newest_first):
                arriving, self.delayed = self.delayed, []
                for write in reversed(arriving) if newest_first else arriving:
                    write()
            case Killed(container):
                # One inside a call is spared: alive, it can do more harm.
                if not self._containers[container].busy:
                    self._containers[container].start()
            case Mint(container, numbers, network):
                self._mint(
                    self._containers[container], numbers, acquiring=network, renewing=network
                )

    def _mint(
        self,
        container: Container,
        numbers: int,
        *,
        renewing: Network,
        acquiring: Network = Network.PROMPT,
    ) -> None:
        if container.busy:
            return
        container.busy, container.acquiring, container.renewing = True, acquiring, renewing
        try:
            for _ in range(numbers):
                self.minted[container.minter.next_number()] += 1
        except Unavailable:
            self.refusals += 1
        finally:
            container.busy = False
