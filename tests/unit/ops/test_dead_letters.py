"""The commands over dead letters, on a broker in memory."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Sequence

import pytest

from chalicelib.errors import BrokerError
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER
from chalicelib.mq.topology import Subscription
from chalicelib.ops.dead_letters import MOST_MESSAGES, NotChosen, drop, replay, show
from tests.fakes.mq import FakeBroker, FakeDeadQueue, Queued

PAYMENTS = Subscription("pay", "pay.queue", (1, 2))
REFUNDS = Subscription("refund", "refund.queue", (1, 2))
BOTH = (PAYMENTS, REFUNDS)
DEAD = {ATTEMPT_HEADER: 3, REASON_HEADER: "no such record"}


class Desk:
    """An operator with what was told to them."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.looks: list[FakeDeadQueue] = []
        self.told: list[str] = []
        for subscription in BOTH:
            self.broker.declare(subscription)

    def bury(self, *messages: tuple[str, bytes], among: Subscription = PAYMENTS) -> deque[Queued]:
        queue = self.broker.queues[among.dead_queue]
        queue.extend(Queued(message_id, body, DEAD) for message_id, body in messages)
        return queue

    def open(self, subscription: Subscription) -> FakeDeadQueue:
        self.looks.append(FakeDeadQueue(self.broker, subscription))
        return self.looks[-1]

    def replay(self, keys: Sequence[str] | None, among: Sequence[Subscription] = BOTH) -> None:
        replay(self.open, among, keys, self.told.append)

    def drop(self, *keys: str, reason: str = "a test of another team") -> None:
        drop(self.open, BOTH, keys, reason, self.told.append)

    def contents(self) -> dict[str, list[bytes]]:
        return {name: self.broker.bodies(name) for name in self.broker.queues}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_list_tells_each_letter_once_and_changes_nothing(desk: Desk) -> None:
    body = b'{"businessKey1":"500"}'
    desk.bury(("1", body), ("2", b"{"), ("1", body))
    before = desk.contents()

    show(desk.open, BOTH, desk.told.append)

    assert desk.told == [
        "pay.queue.dead: 2 letters",
        "  1: attempt 3, 22 bytes, 2 copies",
        "    message id: 1",
        "    business key: 500",
        "    reason: no such record",
        "  2: attempt 3, 1 bytes",
        "    message id: 2",
        "    business key: none",
        "    reason: no such record",
        "refund.queue.dead: 0 letters",
    ]
    assert desk.contents() == before
    assert all(look.closed for look in desk.looks)


def test_what_a_stranger_wrote_cannot_command_the_terminal(desk: Desk) -> None:
    desk.bury(("\x1b[2J", b'{"businessKey1":"\\u001b[2J"}'))
    show(desk.open, BOTH, desk.told.append)
    assert all(line.isprintable() for line in desk.told)


def test_no_more_than_the_most_is_looked_at(desk: Desk) -> None:
    desk.bury(*((str(n), b"{}") for n in range(MOST_MESSAGES + 3)))
    show(desk.open, (PAYMENTS,), desk.told.append)
    assert desk.told[0] == f"pay.queue.dead: {MOST_MESSAGES} letters"
    assert desk.told[-1] == f"  {MOST_MESSAGES} messages were looked at, 3 more were not"

    desk.replay(None)

    assert desk.told[-1] == f"{MOST_MESSAGES} letters replayed, 3 messages were left alone"
    assert len(desk.broker.queues[PAYMENTS.dead_queue]) == 3


def test_a_replayed_letter_is_new_in_its_own_work_queue_and_its_copies_are_gone(
    desk: Desk,
) -> None:
    dead = desk.bury(("1", b"{1}"), ("2", b"{2}"), ("1", b"{1}"))

    desk.replay(["1"])

    assert list(desk.broker.queues[PAYMENTS.work_queue]) == [Queued("1", b"{1}")]
    assert [message.body for message in dead] == [b"{2}"]
    assert desk.told == ["replayed 1 to pay.queue", "1 letters replayed"]


def test_all_letters_of_all_queues_go_back_each_to_its_own(desk: Desk) -> None:
    desk.bury(("1", b"{1}"), ("2", b"{2}"))
    desk.bury(("3", b"{3}"), among=REFUNDS)

    desk.replay(None)

    assert desk.broker.bodies(PAYMENTS.work_queue) == [b"{1}", b"{2}"]
    assert desk.broker.bodies(REFUNDS.work_queue) == [b"{3}"]
    assert desk.broker.bodies(PAYMENTS.dead_queue) == []
    assert desk.broker.bodies(REFUNDS.dead_queue) == []


def test_a_key_that_is_none_changes_nothing(desk: Desk) -> None:
    desk.bury(("1", b"{1}"))
    before = desk.contents()
    for attempt in (lambda: desk.replay(["1", "404"]), lambda: desk.drop("1", "404")):
        with pytest.raises(NotChosen, match="404"):
            attempt()
        assert desk.contents() == before


def test_a_key_of_two_queues_is_refused_until_the_queue_is_named(desk: Desk) -> None:
    desk.bury(("1", b"{1}"))
    desk.bury(("1", b"{1}"), among=REFUNDS)
    before = desk.contents()
    with pytest.raises(NotChosen, match="more than one queue"):
        desk.replay(["1"])
    assert desk.contents() == before

    desk.replay(["1"], among=(REFUNDS,))

    assert desk.broker.bodies(REFUNDS.work_queue) == [b"{1}"]
    assert desk.broker.bodies(PAYMENTS.work_queue) == []


def test_a_key_that_is_given_twice_is_replayed_once(desk: Desk) -> None:
    desk.bury(("1", b"{1}"))
    desk.replay(["1", "1"])
    assert desk.broker.bodies(PAYMENTS.work_queue) == [b"{1}"]


def test_without_a_confirmed_copy_the_letter_stays(desk: Desk) -> None:
    desk.bury(("1", b"{1}"), ("1", b"{1}"))
    desk.broker.silent = True
    with pytest.raises(BrokerError):
        desk.replay(["1"])
    assert desk.broker.bodies(PAYMENTS.dead_queue) == [b"{1}", b"{1}"]


def test_a_dropped_letter_is_told_whole_before_it_is_gone(desk: Desk) -> None:
    dead = desk.bury(("1", b'{"id":"1"}'), ("2", b"{2}"), ("1", b'{"id":"1"}'))
    still_there: list[int] = []

    def tell(line: str) -> None:
        desk.told.append(line)
        still_there.append(len(desk.looks[0]._taken))

    drop(desk.open, BOTH, ["1"], "sent by mistake", tell)

    assert desk.told[0] == "dropping from pay.queue.dead, because: sent by mistake"
    assert desk.told[-2:] == ['    body: {"id":"1"}', "dropped 1"]
    assert still_there == [3] * (len(desk.told) - 1) + [1]
    assert [message.body for message in dead] == [b"{2}"]


def test_a_body_that_cannot_be_shown_can_be_had_back(desk: Desk) -> None:
    body = b'{\n"id": "\xff"}'
    desk.bury(("1", body))
    desk.drop("1")
    (line,) = [line for line in desk.told if line.startswith("    body: base64 ")]
    assert base64.b64decode(line.rpartition(" ")[2]) == body


def test_an_operator_who_cannot_be_told_drops_nothing(desk: Desk) -> None:
    desk.bury(("1", b"{1}"))

    def broken(line: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        drop(desk.open, BOTH, ["1"], "why", broken)
    assert desk.broker.bodies(PAYMENTS.dead_queue) == [b"{1}"]


def test_nothing_is_dropped_without_a_reason(desk: Desk) -> None:
    desk.bury(("1", b"{1}"))
    with pytest.raises(NotChosen, match="reason"):
        desk.drop("1", reason="  ")
    assert desk.broker.bodies(PAYMENTS.dead_queue) == [b"{1}"]


def test_a_letter_that_dies_while_one_looks_is_for_the_next_look(desk: Desk) -> None:
    dead = desk.bury(("1", b"{1}"))

    def open_and_let_another_die(subscription: Subscription) -> FakeDeadQueue:
        look = desk.open(subscription)
        desk.bury(("2", b"{2}"))
        return look

    replay(open_and_let_another_die, (PAYMENTS,), None, desk.told.append)

    assert desk.broker.bodies(PAYMENTS.work_queue) == [b"{1}"]
    assert [message.body for message in dead] == [b"{2}"]
