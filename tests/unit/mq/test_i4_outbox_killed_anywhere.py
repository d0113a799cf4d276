"""I4 and I7 in full: whatever answers come and wherever it is killed, a row goes only confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mq.ports import PublishResult
from tests.fakes.clock import START
from tests.unit.mq.builders import a_message, a_refund_message
from tests.unit.mq.sweeping import LIMITS, Bench, ScriptedPublisher
from tests.unit.orders.killing import Fate, Killed

MESSAGES = (a_message(1), a_refund_message(2), a_message(3), a_message(4))
STUBBORN = replace(LIMITS, refusals_until_dead=1_000)

ANSWERS = st.sampled_from([*PublishResult, None])
"""None: the broker cannot be used."""


class Fatal:
    """Passes each call on, through a fate that it shares with the others."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return self._fate.around(getattr(self._real, name))


def swept(bench: Bench, publisher: Any, fate: Fate | None = None) -> bool:
    """Whether a run was killed."""
    if fate is None:
        bench.sweep(STUBBORN, publisher=publisher)
        return False
    try:
        bench.sweep(
            STUBBORN,
            rows=Fatal(bench.outbox, fate),
            publisher=Fatal(publisher, fate),
            switch=Fatal(bench.switch, fate),
        )
    except Killed:
        return True
    return False


@given(
    answers=st.lists(st.lists(ANSWERS, max_size=6), min_size=4, max_size=4),
    fates=st.lists(
        st.none() | st.builds(Fate, st.integers(min_value=1, max_value=16), st.booleans()),
        min_size=1,
        max_size=8,
    ),
)
def test_i4_a_row_is_gone_if_and_only_if_its_message_was_confirmed(
    answers: list[list[PublishResult | None]], fates: list[Fate | None]
) -> None:
    bench = Bench(*MESSAGES)
    keys = {m.event_key for m in MESSAGES}
    publisher = ScriptedPublisher(
        {m.event_key: given for m, given in zip(MESSAGES, answers, strict=True)}
    )
    for fate in fates:
        before = len(publisher.confirmations)
        killed = swept(bench, publisher, fate)
        gone = keys - bench.outbox.rows_left
        assert gone <= publisher.confirmed
        assert killed or set(publisher.confirmations[before:]) <= gone
        bench.clock.advance(minutes=6)
    _until_empty(bench, publisher)
    assert publisher.confirmed == keys


def _until_empty(bench: Bench, publisher: ScriptedPublisher) -> None:
    for _ in range(40):
        if not bench.outbox.rows_left:
            return
        bench.clock.advance(minutes=6)
        swept(bench, publisher)
    raise AssertionError(f"stuck: {bench.outbox.table}")


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
def test_i7_a_sweep_killed_at_any_call_is_completed_by_the_next(done: bool) -> None:
    deaths = 0
    for fatal in range(1, 40):
        bench = Bench(*MESSAGES)
        first = MESSAGES[0].event_key
        publisher = ScriptedPublisher({first: [PublishResult.NACKED]})
        if not swept(bench, publisher, Fate(fatal, done)):
            break
        deaths += 1
        assert {m.event_key for m in MESSAGES} - bench.outbox.rows_left <= publisher.confirmed
        for _ in range(2):  # the claim's pause, then that of the refusal
            bench.clock.advance(minutes=6)
            swept(bench, publisher)
        assert bench.outbox.rows_left == set(), f"killed at call {fatal}"
        assert publisher.confirmed == {m.event_key for m in MESSAGES}
    # standing, due, switch, four claims, two batches, two deletes, one refusal
    assert deaths == 12


def test_i7_a_killed_bury_is_completed_by_the_next_run() -> None:
    for done in (False, True):
        bench = Bench()
        bench.outbox.put_malformed("broken#paid", START - timedelta(minutes=1))
        fate = Fate(5, done)  # standing, due, switch, claim, and then the burial
        assert swept(bench, bench.publisher, fate)
        bench.clock.advance(minutes=6)
        swept(bench, bench.publisher)
        assert bench.outbox.table["broken#paid"].is_dead


@given(
    relay_first=st.booleans(),
    answers=st.lists(st.sampled_from(list(PublishResult)), min_size=4, max_size=4),
)
def test_i4_a_sweeper_beside_a_relay_loses_nothing(
    relay_first: bool, answers: list[PublishResult]
) -> None:
    bench = Bench(*MESSAGES)
    publisher = ScriptedPublisher(
        {m.event_key: [answer] for m, answer in zip(MESSAGES, answers, strict=True)}
    )
    if relay_first:
        bench.broker.full.add("paynotify_queue")
        bench.relay()
        assert set(publisher.confirmed) == set()
        bench.broker.full.clear()
    swept(bench, publisher)
    gone = {m.event_key for m in MESSAGES} - bench.outbox.rows_left
    by_relay = {MESSAGES[1].event_key} if relay_first else set()
    assert gone == publisher.confirmed | by_relay
    assert bench.relay() == {"batchItemFailures": []}
    assert bench.outbox.rows_left == set()
