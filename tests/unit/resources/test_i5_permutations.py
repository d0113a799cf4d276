"""I5: every order, and every repetition, of payments and refunds ends in one owned row.

All of them are gone through, message by message, by the handlers that the queues have: three
purchases of one material, one of which was free, beside a course's messages on the same queues.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, combinations, permutations

import pytest

from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.mq.message import OutboxMessage, paid_event
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE, refund_event
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import ChooseMaterial, OwnedMaterial
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from tests.fakes.clock import START
from tests.fakes.resources import FakeResourcesStore
from tests.unit.resources.builders import (
    STUDENT,
    a_free_record,
    a_pay_result,
    a_pending_record,
    a_refund_result,
    an_owned,
)

FIRST, SECOND, THIRD = "500", "501", "502"
PAID_ON_DAY = {FIRST: 0, SECOND: 5, THIRD: 18}
FREE = "600"


def paid(number: str, order_type: str = OrderType.STUDY_MATERIAL) -> OutboxMessage:
    moment = START + timedelta(days=PAID_ON_DAY[number])
    result = a_pay_result(number, paid_at=moment, order_type=order_type)
    return paid_event(replace(result, message_id=f"{number}_paid", order_id=number), moment)


def refunded(
    number: str, refund_no: str = "refund", order_type: str = OrderType.STUDY_MATERIAL
) -> OutboxMessage:
    result = a_refund_result(number, refund_no=f"{number}_{refund_no}", order_type=order_type)
    return refund_event(replace(result, order_id=number), result.refunded_at)


PAID = tuple(paid(number) for number in PAID_ON_DAY)

OPENED_BY: dict[tuple[str, ...], str | None] = {
    (): FIRST,
    (FIRST,): SECOND,
    (SECOND,): FIRST,
    (THIRD,): FIRST,
    (FIRST, SECOND): THIRD,
    (FIRST, THIRD): SECOND,
    (SECOND, THIRD): FIRST,
    (FIRST, SECOND, THIRD): None,
}
"""By what is refunded: the record that opens the material, worked out by hand."""


@dataclass(frozen=True)
class Stored:
    """The owned row, the choose-material records, and whether one of them awaits payment."""

    owned: OwnedMaterial | None
    records: tuple[ChooseMaterial, ...]
    awaits_payment: bool


class Desk:
    """The two handlers on one store, in which three records await payment."""

    def __init__(self, *, free_grant: bool = False) -> None:
        self.store = FakeResourcesStore()
        for number in PAID_ON_DAY:
            change = ResourcesChange(
                write_id=number,
                choose_material=a_pending_record(number),
                open_pending=number == THIRD,
            )
            self.store.commit(change)
        if free_grant:
            record = a_free_record(FREE)
            self.store.commit(
                ResourcesChange(
                    write_id=FREE, choose_material=record, owned=an_owned(record.grant())
                )
            )
        self._grant = PayResultSubscriber(OrderType.STUDY_MATERIAL, MaterialGranting(self.store))
        self._revoke = RefundResultSubscriber(
            OrderType.STUDY_MATERIAL, MaterialRevoking(self.store)
        )

    def hear(self, messages: Iterable[OutboxMessage]) -> None:
        for message in messages:
            of_refunds = message.exchange == REFUNDNOTIFY_EXCHANGE
            handler = self._revoke if of_refunds else self._grant
            delivery = Delivery(tag=1, message_id=message.message_id, body=message.body.encode())
            assert handler(delivery) == Ack()

    def stored(self) -> Stored:
        """All that is stored, but for how many writes it took."""
        owned = self.store.owned(STUDENT, "3002")
        return Stored(
            owned=replace(owned, version=0) if owned else None,
            records=tuple(replace(record, version=0) for record in self.store.records),
            awaits_payment=self.store.pending(STUDENT, "3002") is not None,
        )


def after(messages: Iterable[OutboxMessage], *, free_grant: bool = False) -> Stored:
    desk = Desk(free_grant=free_grant)
    desk.hear(messages)
    return desk.stored()


@pytest.mark.parametrize("gone", OPENED_BY, ids=lambda gone: "+".join(gone) or "none")
def test_i5_payments_and_refunds_end_as_worked_out_by_hand_in_every_order(
    gone: tuple[str, ...],
) -> None:
    messages = (*PAID, *(refunded(number) for number in gone))
    expected = after(messages)
    owned = expected.owned
    assert owned is not None
    assert not expected.awaits_payment
    assert (owned.opening and owned.opening.choose_material_id) == OPENED_BY[gone]
    assert [(grant.choose_material_id, grant.revoked) for grant in owned.grants] == [
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


def test_i5_a_free_grant_outlives_every_order_of_payments_and_refunds_beside_it() -> None:
    messages = (*PAID[:2], refunded(FIRST), refunded(SECOND))
    expected = after(messages, free_grant=True)
    assert expected.owned is not None
    live = [grant for grant in expected.owned.grants if not grant.revoked]
    assert [grant.choose_material_id for grant in live] == [FREE]

    for order in permutations(messages):
        assert after(order, free_grant=True) == expected, _told(order)


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


def test_i5_a_courses_messages_change_nothing_at_any_place_of_any_order() -> None:
    # by the numbers of our own records: the order type alone tells whose they are
    course = (paid(FIRST, OrderType.COURSE), refunded(SECOND, order_type=OrderType.COURSE))
    ours = (paid(FIRST), paid(SECOND), refunded(FIRST))
    expected = after(ours)
    for order in permutations((*ours, *course)):
        assert after(order) == expected, _told(order)


def _subsets(messages: Sequence[OutboxMessage]) -> Iterable[tuple[OutboxMessage, ...]]:
    return chain.from_iterable(combinations(messages, size) for size in range(len(messages) + 1))


def _told(messages: Iterable[OutboxMessage]) -> str:
    return " ".join(message.message_id for message in messages)
