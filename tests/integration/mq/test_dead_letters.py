"""Messages that die, and come back to life, on the real broker and the learning centre's tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.mq.dead_letters import DeadLetter, letters
from chalicelib.mq.delivery import Delivery, Outcome
from chalicelib.mq.drain import DrainReport
from chalicelib.mq.rabbit import RabbitDeadQueue, dead_queue_opener
from chalicelib.ops.dead_letters import replay, show
from chalicelib.settings import Settings
from infra.local.processes.children import ROOT
from tests.conftest import CreateTables
from tests.integration.mq.conftest import Wire, eventually
from tests.integration.mq.learning_centre import (
    LearningCentre,
    Noting,
    drain,
    drain_until_nothing_comes,
    ready,
)

POISON = 1100
GOOD = [n for n in range(1000, 1201) if n != POISON]


@pytest.fixture
def centre(wire: Wire, local_settings: Settings, create_tables: CreateTables) -> LearningCentre:
    return LearningCentre(wire, local_settings, create_tables)


def dead_letters(wire: Wire) -> list[DeadLetter]:
    queue = RabbitDeadQueue(wire.address, wire.subscription)
    taken = [queue.take() for _ in range(queue.waiting)]
    queue.close()
    return letters(delivery for delivery in taken if delivery is not None)


def replay_all(wire: Wire) -> list[str]:
    told: list[str] = []
    replay(dead_queue_opener(wire.address), (wire.subscription,), None, told.append)
    return told


def test_a_poison_message_holds_up_none_of_200_and_is_granted_once_after_the_fix(
    centre: LearningCentre,
) -> None:
    centre.choose(*GOOD, POISON)
    centre.pay(*range(1000, 1201))
    poison_id = f"9{POISON}"
    stored: list[str] = []
    stored_before: list[int] = []
    store = centre.subscriber()

    def with_a_mistake(delivery: Delivery) -> Outcome:
        if delivery.message_id == poison_id:
            stored_before.append(len(stored))
            raise ZeroDivisionError
        outcome = store(delivery)
        stored.append(delivery.message_id)
        return outcome

    report = drain(centre.wire, with_a_mistake, lambda: len(stored_before) == 3)

    assert report == DrainReport(acked=200, retried=2, dead=1)
    assert stored_before == [100, 200, 200]
    assert centre.opened() == 200
    (letter,) = dead_letters(centre.wire)
    assert (letter.key, letter.business_key, letter.attempt) == (poison_id, str(POISON), 3)
    assert letter.reason == "failed 3 times, at last: ZeroDivisionError()"

    assert replay_all(centre.wire)[-1] == "1 letters replayed"
    mended = Noting(centre.subscriber())
    assert drain(centre.wire, mended, lambda: bool(mended.handled)) == DrainReport(acked=1)
    assert [d.attempt for d in mended.handled] == [1]
    assert centre.is_right_and_done()


def test_a_letter_whose_cause_is_not_mended_comes_back_and_can_be_replayed_again(
    centre: LearningCentre,
) -> None:
    centre.pay(1000)  # for a record that is not there
    assert drain_one(centre) == DrainReport(dead=1)
    replay_all(centre.wire)
    assert drain_one(centre) == DrainReport(dead=1)
    (letter,) = dead_letters(centre.wire)
    assert letter.reason == "no choose-course record '1000'"

    centre.choose(1000)
    replay_all(centre.wire)
    assert drain_one(centre) == DrainReport(acked=1)
    assert centre.is_right_and_done()


@pytest.mark.parametrize("delays", ["1,2", ""], ids=["put off", "buried"])
def test_a_consumer_killed_between_a_copy_and_its_acknowledgement_leaves_two_and_one_effect(
    centre: LearningCentre, tmp_path: Path, delays: str
) -> None:
    centre.choose(1000)
    centre.pay(1000)
    subscription = centre.wire.subscription
    copied_to = subscription.retry_queue(1) if delays else subscription.dead_queue
    assert copied_to is not None

    kill_after_the_copy(centre.wire, delays, tmp_path / "hangs")

    work_queue = subscription.work_queue
    if delays:
        handled = Noting(centre.subscriber())
        drain(centre.wire, handled, lambda: len(handled.handled) == 2)
        assert sorted(d.attempt for d in handled.handled) == [1, 2]
    else:
        # the one that was not acknowledged dies too
        assert ready(centre.wire, work_queue) == ready(centre.wire, copied_to) == 1
        kill_after_the_copy(centre.wire, delays, tmp_path / "hangs again")
        (letter,) = dead_letters(centre.wire)
        assert (letter.key, len(letter.copies)) == ("91000", 2)
        assert told_of(centre.wire)[0] == f"{subscription.dead_queue}: 1 letters"
        assert replay_all(centre.wire)[-1] == "1 letters replayed"
        drain_until_nothing_comes(centre.wire, centre.subscriber())
    assert centre.is_right_and_done()


def test_a_replay_that_ends_between_the_copy_and_the_settling_may_be_repeated(
    centre: LearningCentre,
) -> None:
    centre.pay(1000)
    drain_one(centre)
    centre.choose(1000)
    killed = RabbitDeadQueue(centre.wire.address, centre.wire.subscription)
    dead = killed.take()
    assert dead is not None
    killed.to_work_queue(dead)
    killed.close()
    assert len(dead_letters(centre.wire)) == 1

    replay_all(centre.wire)

    assert ready(centre.wire, centre.wire.subscription.work_queue) == 2
    drain_until_nothing_comes(centre.wire, centre.subscriber())
    assert centre.is_right_and_done()


def test_what_the_broker_gives_up_is_a_letter_with_the_brokers_reason(wire: Wire) -> None:
    wire.declare()
    subscription = wire.subscription
    impatient = f"{subscription.work_queue}.impatient"
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": subscription.dead_queue,
    }
    wire.on_channel(lambda c: c.queue_declare(impatient, durable=True, arguments=arguments))
    wire.on_channel(lambda c: c.queue_bind(impatient, subscription.exchange))
    wire.put(b"1")

    def handed_out_without_an_outcome() -> bool:
        wire.on_channel(lambda channel: channel.basic_get(impatient))
        return ready(wire, subscription.dead_queue) == 1

    eventually(handed_out_without_an_outcome, "the broker does not give it up")
    wire.on_channel(lambda c: c.queue_delete(impatient))

    (letter,) = dead_letters(wire)
    assert letter.key == "1"
    assert letter.reason == f"the broker gave up: delivery_limit in {impatient}"


def drain_one(centre: LearningCentre) -> DrainReport:
    handled = Noting(centre.subscriber())
    return drain(centre.wire, handled, lambda: bool(handled.handled))


def told_of(wire: Wire) -> list[str]:
    told: list[str] = []
    show(dead_queue_opener(wire.address), (wire.subscription,), told.append)
    return told


def kill_after_the_copy(wire: Wire, delays: str, hangs: Path) -> None:
    """A consumer fails the message, puts its copy away, and is killed before it acknowledges."""
    subscription = wire.subscription
    names = (wire.broker.amqp_url, subscription.exchange, subscription.work_queue)
    stuck = subprocess.Popen(
        (sys.executable, "-m", "tests.integration.mq.stuck_forwarder", *names, delays, str(hangs)),
        cwd=ROOT,
    )
    try:
        eventually(hangs.exists, "the consumer put nothing away")
    finally:
        stuck.kill()
        stuck.wait(30)
    eventually(lambda: ready(wire, subscription.work_queue) == 1, "it was acknowledged")
