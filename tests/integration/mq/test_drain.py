"""The drain at the real broker."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import (
    ATTEMPT_HEADER,
    REASON_HEADER,
    Ack,
    Dead,
    Delivery,
    Handler,
    Outcome,
    Pause,
    Retry,
)
from chalicelib.mq.drain import Drain, DrainLimits, DrainReport
from chalicelib.mq.rabbit import connector
from infra.local.processes.children import ROOT
from infra.local.services.broker import Broker
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, eventually


def run_until(
    wire: Wire,
    handler: Handler,
    over: Callable[[], bool],
    *,
    prefetch: int = 20,
    attempts_in_all: float = ANSWER_SECONDS,
) -> DrainReport:
    """Drain until ``over()``: the function's time is said to be up as soon as it holds."""
    give_up_at = time.monotonic() + attempts_in_all

    def remaining_millis() -> int:
        assert time.monotonic() < give_up_at, "the drain did not get there"
        return 0 if over() else 60_000

    limits = DrainLimits(window_seconds=2 * ANSWER_SECONDS, prefetch=prefetch)
    return Drain(connector(wire.address), wire.subscription, handler, limits).run(remaining_millis)


class Effects:
    """What a handler stored, and when."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def store(self, delivery: Delivery) -> Outcome:
        self.bodies.append(delivery.body)
        return Ack()


def test_the_first_run_declares_what_it_needs(wire: Wire) -> None:
    effects = Effects()
    run_until(wire, effects.store, lambda: True)
    wire.put(b"1")
    assert run_until(wire, effects.store, lambda: bool(effects.bodies)) == DrainReport(acked=1)
    assert effects.bodies == [b"1"]
    assert wire.bodies(wire.subscription.work_queue) == []


def test_a_message_that_comes_during_the_window_is_stored_at_once(wire: Wire) -> None:
    effects = Effects()
    wire.declare()
    put = iter([lambda: wire.put(b"late")])

    def over() -> bool:
        next(put, lambda: None)()
        return bool(effects.bodies)

    assert run_until(wire, effects.store, over).acked == 1


def test_a_failed_message_comes_back_after_its_delay_and_is_dead_after_three(wire: Wire) -> None:
    wire.declare()
    wire.put(b"1")
    at: list[tuple[int, float]] = []

    def fail(delivery: Delivery) -> Outcome:
        at.append((delivery.attempt, time.monotonic()))
        return Retry("no luck")

    report = run_until(wire, fail, lambda: len(at) == 3)

    assert report == DrainReport(retried=2, dead=1)
    assert [attempt for attempt, _ in at] == [1, 2, 3]
    first, second, third = (moment for _, moment in at)
    assert second - first >= 1
    assert third - second >= 2
    ((properties, body),) = wire.take_all(wire.subscription.dead_queue)
    assert body == b"1"
    assert properties.message_id == "1"
    assert properties.delivery_mode == 2
    assert properties.headers is not None
    assert properties.headers[ATTEMPT_HEADER] == 3
    assert properties.headers[REASON_HEADER] == "failed 3 times, at last: no luck"


def test_two_hundred_good_ones_are_stored_before_the_poison_is_tried_again(wire: Wire) -> None:
    wire.declare()
    good = [str(n).encode() for n in range(200)]
    wire.put(*good[:50], b"poison", *good[50:])
    effects = Effects()
    stored_at_second_attempt: list[int] = []

    def handle(delivery: Delivery) -> Outcome:
        if delivery.body != b"poison":
            return effects.store(delivery)
        if delivery.attempt == 1:
            return Retry("poison")
        stored_at_second_attempt.append(len(effects.bodies))
        return Dead("poison")

    report = run_until(wire, handle, lambda: bool(stored_at_second_attempt))

    assert effects.bodies == good
    assert stored_at_second_attempt == [200]
    assert report == DrainReport(acked=200, retried=1, dead=1)


def test_a_pause_keeps_the_message_and_counts_nothing(wire: Wire) -> None:
    wire.declare()
    wire.put(b"1")
    pauses: list[int] = []

    def refuse(delivery: Delivery) -> Outcome:
        pauses.append(delivery.attempt)
        return Pause("throttled")

    first = run_until(wire, refuse, lambda: len(pauses) >= 3)
    assert (first.acked, first.retried, first.dead) == (0, 0, 0)
    effects = Effects()
    assert run_until(wire, effects.store, lambda: bool(effects.bodies)) == DrainReport(acked=1)
    assert set(pauses) == {1}
    assert wire.bodies(wire.subscription.dead_queue) == []


def test_a_consumer_killed_between_store_and_acknowledgement_loses_nothing(
    wire: Wire, tmp_path: Path
) -> None:
    wire.declare()
    wire.put(b"1", b"2")
    subscription = wire.subscription
    stuck = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.integration.mq.stuck_consumer"),
            *(wire.broker.amqp_url, subscription.exchange, subscription.work_queue, str(tmp_path)),
        ],
        cwd=ROOT,
    )
    try:
        eventually(lambda: (tmp_path / "1").exists(), "the consumer stored nothing")
    finally:
        stuck.kill()
        stuck.wait(30)

    stored: list[tuple[str, bool]] = []

    def store_once(delivery: Delivery) -> Outcome:
        effect = tmp_path / delivery.message_id
        stored.append((delivery.message_id, effect.exists()))
        effect.write_bytes(delivery.body)
        return Ack()

    run_until(wire, store_once, lambda: len(stored) >= 2)

    assert sorted(stored) == [("1", True), ("2", False)]
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"1": b"1", "2": b"2"}
    assert wire.bodies(subscription.work_queue) == []


def test_competing_drains_share_the_work(wire: Wire) -> None:
    wire.declare()
    wire.put(*(str(n).encode() for n in range(40)))
    effects, others = Effects(), Effects()

    def store_and_let_another_drain_run(delivery: Delivery) -> Outcome:
        if not effects.bodies:
            run_until(wire, others.store, lambda: len(others.bodies) >= 30)
        return effects.store(delivery)

    both = effects.bodies, others.bodies
    run_until(
        wire,
        store_and_let_another_drain_run,
        lambda: sum(map(len, both)) >= 40,
        prefetch=10,
    )
    assert sorted(effects.bodies + others.bodies) == sorted(str(n).encode() for n in range(40))


def test_a_queue_that_is_deleted_under_the_drain_ends_the_run(wire: Wire) -> None:
    wire.declare()
    wire.put(b"1")

    def delete_queue(delivery: Delivery) -> Outcome:
        wire.on_channel(lambda c: c.queue_delete(wire.subscription.work_queue))
        return Ack()

    with pytest.raises(BrokerError, match="queue is gone"):
        run_until(wire, delete_queue, lambda: False)


@pytest.mark.restarts_broker
def test_messages_survive_a_restart_of_the_broker_in_every_queue(
    wire: Wire, broker: Broker
) -> None:
    wire.declare()
    subscription = wire.subscription
    wire.put(b"retry", b"dead")
    handled: list[bytes] = []

    def put_off_or_bury(delivery: Delivery) -> Outcome:
        handled.append(delivery.body)
        return Retry() if delivery.body == b"retry" else Dead("broken")

    run_until(wire, put_off_or_bury, lambda: len(handled) == 2)
    wire.put(b"work")
    broker.restart()

    effects = Effects()
    run_until(wire, effects.store, lambda: len(effects.bodies) == 2)
    assert sorted(effects.bodies) == [b"retry", b"work"]
    assert wire.bodies(subscription.dead_queue) == [b"dead"]
