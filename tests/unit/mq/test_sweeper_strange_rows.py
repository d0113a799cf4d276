"""Rows that this code cannot send, or not even write: they stop nobody, and are not lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import StoreRefused, Unavailable
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.sweeper import Swept
from chalicelib.mq.waiting import Claim, Claimed, DueRow, Malformed, Standing
from tests.fakes.clock import START
from tests.fakes.outbox import FakeOutbox
from tests.unit.mq.builders import a_message
from tests.unit.mq.sweeping import LIMITS, Bench, ScriptedPublisher

NEWER = replace(a_message(77), exchange="an_exchange_of_newer_code")
STRANGE = "strange#paid"


class Unwritable(FakeOutbox):
    """The table refuses to write one row: it is as large as an item may be."""

    def __init__(self, table: FakeOutbox, at: str) -> None:
        super().__init__()
        self.table = table.table
        self._at = at

    def claim(self, row: DueRow, until: datetime) -> Claimed | Malformed | None:
        self._check("claim", row.event_key)
        return super().claim(row, until)

    def refused(self, claim: Claim, answer: str, *, next_at: datetime, dead: bool = False) -> None:
        self._check("refused", claim.event_key)
        super().refused(claim, answer, next_at=next_at, dead=dead)

    def _check(self, doing: str, event_key: str) -> None:
        if (doing, event_key) == (self._at, STRANGE):
            raise StoreRefused(detail="an item may have 400 KB")


@pytest.fixture
def bench() -> Bench:
    return Bench(*(a_message(n, START - timedelta(seconds=n)) for n in range(5)))


def metrics(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.parametrize(("at", "claimed"), [("claim", 5), ("refused", 6)])
def test_a_row_that_cannot_be_written_is_counted_and_the_others_go_on(
    bench: Bench, at: str, claimed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.outbox.put_malformed(STRANGE, START - timedelta(hours=1))
    assert bench.sweep(rows=Unwritable(bench.outbox, at)) == Swept(claimed, confirmed=5)
    assert bench.outbox.rows_left == {STRANGE}
    assert '"OutboxMalformed":[1.0]' in metrics(capsys)


def test_a_refusal_that_cannot_be_written_keeps_no_other_from_being_counted(bench: Bench) -> None:
    strange = replace(a_message(9, START - timedelta(hours=1)), event_key=STRANGE)
    bench.outbox.put(strange)
    answers = {m.event_key: [PublishResult.NACKED] for m in (strange, *bench.messages)}
    bench.sweep(rows=Unwritable(bench.outbox, "refused"), publisher=ScriptedPublisher(answers))
    refusals = {key: row.refusals for key, row in bench.outbox.table.items()}
    assert refusals == {STRANGE: 0, **{m.event_key: 1 for m in bench.messages}}


def test_an_exchange_of_newer_code_is_a_refusal_and_the_row_waits_for_that_code(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.outbox.put(NEWER)
    assert bench.sweep() == Swept(claimed=6, confirmed=5)
    row = bench.outbox.table[NEWER.event_key]
    assert (row.is_dead, row.refusals) == (False, 1)
    assert row.last_answer == "unknown exchange 'an_exchange_of_newer_code'"
    assert row.next_attempt_at == bench.clock.now() + LIMITS.retry_after[0]
    assert '"OutboxMalformed":[1.0]' in metrics(capsys)


def test_an_exchange_that_nobody_ever_knows_waits_longer_each_time_and_dies_at_last() -> None:
    bench = Bench(NEWER)
    waits = []
    for _ in range(LIMITS.refusals_until_dead - 1):
        assert bench.sweep().died == 0
        at = bench.outbox.table[NEWER.event_key].next_attempt_at
        assert at is not None
        waits.append(at - bench.clock.now())
        bench.clock.set(at)
    assert tuple(waits) == LIMITS.retry_after
    assert bench.sweep().died == 1
    assert bench.outbox.table[NEWER.event_key].is_dead


@pytest.mark.parametrize("error", [Unavailable(detail="throttled"), StoreRefused(detail="index")])
def test_a_standing_that_cannot_be_read_ends_no_sweep(bench: Bench, error: Exception) -> None:
    class NoStanding(FakeOutbox):
        def standing(self) -> Standing:
            raise error

    rows: Any = NoStanding()
    rows.table = bench.outbox.table
    assert bench.sweep(rows=rows).confirmed == 5


def test_the_standing_is_told_as_the_run_leaves_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.sweep()
    assert '"OutboxOldestSeconds":[0.0]' in metrics(capsys)


def test_the_standing_is_told_when_the_run_fails(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.switch.error = Unavailable(detail="no answer")
    with pytest.raises(Unavailable):
        bench.sweep()
    assert '"OutboxOldestSeconds":[65.0]' in metrics(capsys)
