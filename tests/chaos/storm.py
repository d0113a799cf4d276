"""One run: the writers write, the faults strike in their order, and then all becomes quiet."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from chalicelib.mq.message import PAYNOTIFY_EXCHANGE
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE
from tests.chaos.books import Books, Tables
from tests.chaos.counts import counted
from tests.chaos.faults import FAULTS, start
from tests.chaos.place import Place
from tests.chaos.plan import Plan, Step, plan_of
from tests.chaos.report import Happened, Report, published
from tests.chaos.sales import Sales
from tests.chaos.shop import engine_env

_LOOK_SECONDS = 2
_TELL_SECONDS = 10
_WORKERS = ("stream_pump", "scheduler")

say = partial(print, flush=True)
Say = Callable[[str], None]


def run(
    folder: Path,
    *,
    seed: int,
    messages: int,
    pace_seconds: float,
    quiet_seconds: float,
    tell: Say = say,
) -> Report:
    """Run the plan of ``seed`` and look at what came of it; what broke is healed in any case.

    Parameters
    ----------
    folder : Path
        Gets data and logs; must not exist, or be empty.
    pace_seconds : float
        Between two messages, at least.
    quiet_seconds : float
        How long the last messages may take to come to their end.

    Raises
    ------
    RuntimeError
        The run itself could not go on: a part did not start, a writer failed, a fault was not
        healed.
    """
    plan = plan_of(seed, messages, tuple(FAULTS))
    with Place(folder) as place:
        storm = _Storm(place, plan, tell)
        env = engine_env(place.env, place.engine_url)
        with (
            closing(Tables(place.engine_url, env)) as tables,
            Sales(env, pace_seconds) as sales,
        ):
            storm.blow(sales)
            storm.wait_for_quiet(tables, sales, quiet_seconds)
            return storm.report(tables, sales, seed)


class _Storm:
    def __init__(self, place: Place, plan: Plan, tell: Say) -> None:
        self._place = place
        self._plan = plan
        self._tell = tell
        self._began = time.monotonic()
        self._happened: list[Happened] = []

    def blow(self, sales: Sales) -> None:
        self._began = time.monotonic()
        for step in self._plan.steps:
            self._strike(step, sales)
        sales.allow(self._plan.rest)
        sales.wait()

    def _strike(self, step: Step, sales: Sales) -> None:
        sales.allow(step.calm)
        sales.wait()
        written, struck_at = sales.written, self._seconds()
        with FAULTS[step.fault](self._place, random.Random(step.seed)):
            sales.allow(step.held)
            sales.wait()
            # the writers do not wait for the healing
            sales.allow(step.healing)
        happened = Happened(
            fault=step.fault,
            struck_at=round(struck_at, 1),
            healed_at=round(self._seconds(), 1),
            written=written,
        )
        self._happened.append(happened)
        self._tell(
            f"{happened.struck_at:6.1f} s  {happened.fault}, for "
            f"{happened.healed_at - happened.struck_at:.1f} s, after {written} messages"
        )
        sales.wait()

    def wait_for_quiet(self, tables: Tables, sales: Sales, seconds: float) -> None:
        """Until outbox and queues are empty and all goods followed, or the time is over."""
        start(self._place, _WORKERS)
        ends_at = time.monotonic() + seconds
        tell_at = time.monotonic()
        while True:
            books = tables.books(sales.sold)
            waiting = self._place.waiting()
            if not books.outbox and not books.lost and not any(waiting.values()):
                self._tell(f"{self._seconds():6.1f} s  quiet")
                return
            now = time.monotonic()
            if now > ends_at:
                self._tell(f"{self._seconds():6.1f} s  not quiet: {_standing(books, waiting)}")
                return
            if now >= tell_at:
                tell_at = now + _TELL_SECONDS
                self._tell(f"{self._seconds():6.1f} s  {_standing(books, waiting)}")
            time.sleep(_LOOK_SECONDS)

    def report(self, tables: Tables, sales: Sales, seed: int) -> Report:
        """Read all once more, when nothing can change it any more."""
        seconds = self._seconds()
        for part in _WORKERS:
            self._place.part(part).stop()
        books = tables.books(sales.sold)
        metrics = counted(self._place.logs)
        messages = sales.written
        for finding in books.findings[:20]:
            self._tell(f"          {finding}")
        return Report(
            seed=seed,
            messages=messages,
            published=published(metrics),
            confirmed=metrics["OutboxConfirmed"],
            acked=metrics["DrainAcked"],
            duplicated=max(
                0,
                metrics["OutboxConfirmed"] - messages,
                metrics["DrainAcked"] - self._place.strangers.acks - self._heard_of(sales),
            ),
            poison=self._place.strangers.messages,
            lost=books.lost,
            effects=books.effects,
            wrong=[str(finding) for finding in books.twice],
            dead=sum(self._place.dead().values()),
            outbox_left=books.outbox,
            seconds=round(seconds, 1),
            metrics=dict(sorted(metrics.items())),
            faults=self._happened,
        )

    def _heard_of(self, sales: Sales) -> int:
        """Deliveries, when every subscriber hears once of each payment and of each refund."""
        refunds = sum(sale.paid_back for sale in sales.sold)
        listeners = Counter(s.exchange for s in self._place.topology.subscriptions)
        paid, refunded = listeners[PAYNOTIFY_EXCHANGE], listeners[REFUNDNOTIFY_EXCHANGE]
        return len(sales.sold) * paid + refunds * refunded

    def _seconds(self) -> float:
        return time.monotonic() - self._began


def _standing(books: Books, waiting: dict[str, int]) -> str:
    queues = ", ".join(f"{name} {count}" for name, count in sorted(waiting.items()) if count)
    return f"outbox {books.outbox}, goods to follow {books.lost}, queues: {queues or 'empty'}"
