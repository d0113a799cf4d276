"""What a drain does with a delivery that can be neither put off nor buried."""

from __future__ import annotations

import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import Dead, Delivery, Handler, Outcome, Retry
from chalicelib.mq.drain import DrainLimits, DrainReport
from tests.unit.mq.builders import SUBSCRIPTION
from tests.unit.mq.test_drain import FIRST_RETRY, WORK, Bench

DEAD = SUBSCRIPTION.dead_queue
GOOD = [f"good{n}".encode() for n in range(20)]
BAD = [f"bad{n}".encode() for n in range(6)]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.put(*GOOD[:2], *BAD[:3], *GOOD[2:9], *BAD[3:], *GOOD[9:])
    return bench


@pytest.mark.parametrize(
    ("refusing", "outcome"), [(DEAD, Dead("malformed")), (FIRST_RETRY, Retry("not yet"))]
)
def test_a_full_queue_holds_up_only_those_that_must_go_there(
    bench: Bench, refusing: str, outcome: Outcome
) -> None:
    bench.broker.full.add(refusing)

    def handle(delivery: Delivery) -> Outcome:
        return outcome if delivery.body in BAD else bench.store(delivery)

    for _ in range(2):
        assert bench.run(handle).stuck == 6
        assert bench.effects == GOOD
        assert bench.broker.bodies(WORK) == BAD
        assert bench.broker.bodies(refusing) == []

    bench.broker.full.clear()
    assert bench.run(handle).stuck == 0
    assert bench.broker.bodies(WORK) == []
    assert bench.broker.bodies(refusing) == BAD


def test_what_is_behind_a_stuck_one_is_acknowledged_by_itself(bench: Bench) -> None:
    bench.broker.full.add(DEAD)

    assert bench.run(bury_the_bad(bench)) == DrainReport(acked=20, stuck=6)

    stuck = {3, 4, 5, 13, 14, 15}
    assert bench.inboxes[0].acks == [2, *(tag for tag in range(6, 27) if tag not in stuck)]


def test_what_was_stored_is_acknowledged_before_a_copy_is_sent(bench: Bench) -> None:
    bench.broker.silent = True
    with pytest.raises(BrokerError):
        bench.run(bury_the_bad(bench))
    assert bench.effects == GOOD[:2]
    assert bench.inboxes[0].acks == [2]
    assert set(GOOD[:2]).isdisjoint(bench.broker.bodies(WORK))


def test_a_run_ends_when_only_stuck_ones_are_out(bench: Bench) -> None:
    bench.broker.full.add(DEAD)
    limits = DrainLimits(window_seconds=58, prefetch=5)

    assert bench.run(bury_the_bad(bench), limits) == DrainReport(acked=9, stuck=5)

    assert bench.seconds() < 58
    assert bench.broker.bodies(WORK) == [*BAD, *GOOD[9:]]


def test_a_connection_that_ends_still_ends_the_run(bench: Bench) -> None:
    def lose_the_broker(delivery: Delivery) -> Outcome:
        bench.broker.down = True
        return Dead("malformed")

    with pytest.raises(BrokerError):
        bench.run(lose_the_broker)
    assert len(bench.broker.bodies(WORK)) == 26


def test_a_stuck_delivery_is_counted_and_not_called_a_dead_letter(
    bench: Bench, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.broker.full.add(DEAD)

    bench.run(bury_the_bad(bench))

    said = [record.getMessage() for record in caplog.records]
    assert said.count("stuck delivery") == 6
    assert "dead letter" not in said
    out = capsys.readouterr().out
    assert out.count('"DrainStuck":[1.0]') == 6
    assert "DrainDead" not in out


def bury_the_bad(bench: Bench) -> Handler:
    def handle(delivery: Delivery) -> Outcome:
        return Dead("malformed") if delivery.body in BAD else bench.store(delivery)

    return handle
