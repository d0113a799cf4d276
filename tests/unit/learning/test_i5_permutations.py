"""I5: every order, and every repetition, of payments and refunds ends in one course row.

The other suites draw orders at random; here all of them are gone through, message by message, by
the handlers that the queues have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, combinations, permutations

import pytest

from chalicelib.learning.grants import Granting
from chalicelib.learning.model import ChooseCourse, CourseRow, LearnStatus
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.mq.message import OutboxMessage, paid_event
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE, refund_event
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from tests.fakes.clock import START
from tests.fakes.learning import FakeLearningStore
from tests.unit.learning.builders import STUDENT, a_pay_result, a_pending_record, a_refund_result

FIRST, SECOND, RENEWAL = "500", "501", "502"
DAYS = 10
PAID_ON_DAY = {FIRST: 0, SECOND: 5, RENEWAL: 18}

Span = tuple[int, int] | None
"""From day and to day after START; None when the course is not open."""


def paid(number: str) -> OutboxMessage:
    moment = START + timedelta(days=PAID_ON_DAY[number])
    result = a_pay_result(number, paid_at=moment, valid_days=DAYS)
    return paid_event(replace(result, message_id=f"{number}_paid", order_id=number), moment)


def refunded(number: str, refund_no: str = "refund") -> OutboxMessage:
    result = a_refund_result(number, refund_no=f"{number}_{refund_no}")
    return refund_event(replace(result, order_id=number), result.refunded_at)


PAID = tuple(paid(number) for number in PAID_ON_DAY)

ENDS: dict[tuple[str, ...], Span] = {
    (): (0, 30),  # the second lengthens the first, the renewal both
    (FIRST,): (18, 28),  # 5 to 15, then a gap: the running stretch is the renewal's
    (SECOND,): (18, 28),  # 0 to 10, then a gap
    (RENEWAL,): (0, 20),
    (FIRST, SECOND): (18, 28),
    (FIRST, RENEWAL): (5, 15),
    (SECOND, RENEWAL): (0, 10),
    (FIRST, SECOND, RENEWAL): None,
}
"""By what is refunded: which days the course is open, worked out by hand."""


@dataclass(frozen=True)
class Stored:
    """The course row, the choose-course records, and whether one of them awaits payment."""

    row: CourseRow | None
    records: tuple[ChooseCourse, ...]
    awaits_payment: bool


class Centre:
    """The two handlers on one store, in which three records await payment."""

    def __init__(self) -> None:
        self.store = FakeLearningStore()
        for number in PAID_ON_DAY:
            record = a_pending_record(number)
            change = LearningChange(
                write_id=number, choose_course=record, open_pending=number == RENEWAL
            )
            self.store.commit(change)
        self._grant = PayResultSubscriber(OrderType.COURSE, Granting(self.store))
        self._revoke = RefundResultSubscriber(OrderType.COURSE, Revoking(self.store))

    def hear(self, messages: Iterable[OutboxMessage]) -> None:
        for message in messages:
            of_refunds = message.exchange == REFUNDNOTIFY_EXCHANGE
            handler = self._revoke if of_refunds else self._grant
            delivery = Delivery(tag=1, message_id=message.message_id, body=message.body.encode())
            assert handler(delivery) == Ack()

    def stored(self) -> Stored:
        """All that is stored, but for how many writes it took."""
        row = self.store.course_row(STUDENT, "1002")
        return Stored(
            row=replace(row, version=0) if row else None,
            records=tuple(replace(record, version=0) for record in self.store.records),
            awaits_payment=self.store.pending(STUDENT, "1002") is not None,
        )


def after(messages: Iterable[OutboxMessage]) -> Stored:
    centre = Centre()
    centre.hear(messages)
    return centre.stored()


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@pytest.mark.parametrize("gone", ENDS, ids=lambda gone: "+".join(gone) or "none")
def test_i5_payments_and_refunds_end_as_worked_out_by_hand_in_every_order(
    gone: tuple[str, ...],
) -> None:
    messages = (*PAID, *(refunded(number) for number in gone))
    expected = after(messages)
    row = expected.row
    assert row is not None
    assert not expected.awaits_payment
    span = ENDS[gone]
    if span is None:
        assert row.learn_status(START) is LearnStatus.NOT_CHOSEN_OR_NOT_PAID
        assert (row.valid_from, row.valid_to) == (None, None)
    else:
        assert (row.valid_from, row.valid_to) == (day(span[0]), day(span[1]))
    assert [(grant.choose_course_id, grant.revoked) for grant in row.grants] == [
        (number, number in gone) for number in PAID_ON_DAY
    ]
    assert [record.status for record in expected.records] == [
        ChooseStatus.REFUNDED if number in gone else ChooseStatus.CHOSEN for number in PAID_ON_DAY
    ]

    for order in permutations(messages):
        assert after(order) == expected, _told(order)


@pytest.mark.parametrize("gone", [(FIRST,), (FIRST, SECOND)], ids="+".join)
def test_i5_one_message_more_at_any_place_of_any_order_changes_nothing(
    gone: tuple[str, ...],
) -> None:
    messages = (*PAID, *(refunded(number) for number in gone))
    expected = after(messages)
    for order in permutations(messages):
        for place, repeated in enumerate(order):
            for later in range(place + 1, len(order) + 1):
                heard = (*order[:later], repeated, *order[later:])
                assert after(heard) == expected, _told(heard)


def test_i5_what_is_stored_depends_on_which_messages_were_heard_and_on_nothing_else() -> None:
    # Each step from each set of messages leads to the set's own state. So any order of any
    # number of repetitions ends where its set ends: the proof goes by the length of the order.
    all_of_them = (*PAID, *(refunded(number) for number in PAID_ON_DAY), refunded(FIRST, "another"))
    steps = 0
    for heard in _subsets(all_of_them):
        for message in all_of_them:
            together = [m for m in all_of_them if m in heard or m == message]
            assert after((*heard, message)) == after(together), _told((*heard, message))
            steps += 1
    assert steps == 2 ** len(all_of_them) * len(all_of_them)


def test_the_states_of_the_sets_are_not_all_alike() -> None:
    # else the test above could not fail
    all_of_them = (*PAID, *(refunded(number) for number in PAID_ON_DAY))
    different = {repr(after(heard)) for heard in _subsets(all_of_them)}
    assert len(different) == 2 ** len(all_of_them)


def _subsets(messages: Sequence[OutboxMessage]) -> Iterable[tuple[OutboxMessage, ...]]:
    return chain.from_iterable(combinations(messages, size) for size in range(len(messages) + 1))


def _told(messages: Iterable[OutboxMessage]) -> str:
    return " ".join(message.message_id for message in messages)
