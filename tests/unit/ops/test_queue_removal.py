"""A queue is deleted when nothing can be lost with it, and not a moment before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.mq.drift.found import FoundTopology
from chalicelib.ops.queue_removal import NotDeleted, QueueRemoval, quiet_seconds
from tests.fakes.topology import FakePause, FakeTopology
from tests.unit.mq.builders import REFUND_SUBSCRIPTION, SUBSCRIPTION, TOPOLOGY
from tests.unit.mq.drift.builders import all_of, with_queue, without_queue

WORK, DEAD = SUBSCRIPTION.work_queue, SUBSCRIPTION.dead_queue
RETRY = "paynotify_queue.retry.10s"
ALL = all_of(TOPOLOGY)
QUIET = 30.0


class Bench:
    """A removal whose time passes only while it waits."""

    def __init__(self, found: FoundTopology = ALL) -> None:
        self.broker = FakeTopology(found)
        self.pause = FakePause(paused=True)
        self.now = 100.0
        self.said: list[str] = []
        self.removal = QueueRemoval(
            topology=TOPOLOGY,
            survey=self.broker,
            builder=self.broker,
            pause=self.pause,
            quiet_seconds=QUIET,
            monotonic=lambda: self.now,
            wait=self._wait,
        )

    def delete(self, name: str) -> None:
        self.removal.delete(name, self.said.append)

    def refusal(self, name: str) -> str:
        with pytest.raises(NotDeleted) as refused:
            self.delete(name)
        assert self.broker.done == []
        return str(refused.value)

    def _wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.mark.parametrize("name", [WORK, DEAD, RETRY])
def test_an_empty_queue_is_deleted_after_it_was_seen_empty_for_long_enough(name: str) -> None:
    bench = Bench()
    bench.delete(name)
    assert bench.broker.done == [f"delete {name}"]
    assert name not in bench.broker.found.queues
    assert bench.now - 100.0 >= QUIET
    assert bench.broker.looks >= QUIET
    assert bench.said[-1] == (
        f"deleted queue {name}; next: topology apply, topology check, relay resume"
    )


def test_a_classic_queue_is_deleted_on_condition_that_it_is_empty() -> None:
    bench = Bench(with_queue(ALL, WORK, queue_type="classic", arguments={}))
    bench.delete(WORK)
    assert bench.broker.done == [f"delete {WORK} if empty"]


def test_a_queue_that_is_gone_is_no_error() -> None:
    bench = Bench(without_queue(ALL, WORK))
    bench.delete(WORK)
    assert bench.said == [f"queue {WORK} is not there"]
    assert bench.broker.done == []


def test_nothing_is_deleted_while_publishing_goes_on() -> None:
    bench = Bench()
    bench.pause.paused = False
    assert "relay pause" in bench.refusal(WORK)
    assert bench.broker.looks == 0


def test_nothing_is_deleted_when_publishing_was_resumed_meanwhile() -> None:
    bench = Bench()

    def resume() -> None:
        bench.pause.paused = bench.now < 110.0

    bench.broker.before_look = resume
    assert "not paused" in bench.refusal(WORK)


@pytest.mark.parametrize("name", ["theirs", "paynotify_queue.retry.", "paynotify_queue_2", ""])
def test_queues_of_others_are_left_alone(name: str) -> None:
    assert bench_refuses(name) == f"{name} is none of our queues"


def bench_refuses(name: str) -> str:
    return Bench(with_queue(ALL, WORK)).refusal(name)


def test_without_the_management_api_nobody_sees_what_consumers_hold() -> None:
    assert "RABBITMQ_MANAGEMENT_URL" in Bench(replace(ALL, bindings=None)).refusal(WORK)


@pytest.mark.parametrize("name", [WORK, DEAD, RETRY])
@pytest.mark.parametrize("full", [WORK, RETRY, "paynotify_queue.retry.60s"])
@pytest.mark.parametrize("numbers", [{"ready": 1}, {"unacknowledged": 1}])
def test_a_message_in_any_queue_from_which_it_might_come_is_in_the_way(
    name: str, full: str, numbers: dict[str, int]
) -> None:
    assert full in Bench(with_queue(ALL, full, **numbers)).refusal(name)


def test_messages_that_come_while_it_is_watched_are_in_the_way() -> None:
    bench = Bench()

    def come() -> None:
        if bench.now > 125.0:
            bench.broker.found = with_queue(ALL, RETRY, ready=1)

    bench.broker.before_look = come
    assert RETRY in bench.refusal(WORK)


@pytest.mark.parametrize("name", [WORK, DEAD, RETRY])
@pytest.mark.parametrize("full", [WORK, RETRY])
def test_a_message_that_the_statistics_do_not_show_yet_is_in_the_way(name: str, full: str) -> None:
    bench = Bench()

    def come_at_the_end() -> None:
        if bench.now - 100.0 >= QUIET:
            bench.broker.not_counted_yet[full] = 1

    bench.broker.before_look = come_at_the_end
    assert "1 messages wait" in bench.refusal(name)


def test_dead_letters_are_in_the_way_of_their_own_queue_alone() -> None:
    with_letters = with_queue(ALL, DEAD, ready=1)
    assert DEAD in Bench(with_letters).refusal(DEAD)
    bench = Bench(with_letters)
    bench.delete(WORK)
    assert bench.broker.done == [f"delete {WORK}"]


def test_another_subscribers_messages_are_not_in_the_way() -> None:
    bench = Bench(with_queue(ALL, REFUND_SUBSCRIPTION.work_queue, ready=9, unacknowledged=9))
    bench.delete(WORK)
    assert bench.broker.done == [f"delete {WORK}"]


def test_what_is_not_known_at_the_end_is_in_the_way() -> None:
    assert "does not tell" in Bench(with_queue(ALL, WORK, unacknowledged=None)).refusal(WORK)


def test_a_retry_queue_of_other_delays_can_be_deleted_and_is_watched_too() -> None:
    old = "paynotify_queue.retry.30s"
    left_over = replace(ALL.queues[RETRY], name=old)
    found = replace(ALL, queues={**ALL.queues, old: left_over})
    bench = Bench(found)
    bench.delete(old)
    assert bench.broker.done == [f"delete {old}"]
    assert old in Bench(with_queue(found, old, ready=1)).refusal(WORK)


def test_it_is_watched_until_any_batch_ended_and_was_counted() -> None:
    assert quiet_seconds(10) >= 10 + 2 * 5
