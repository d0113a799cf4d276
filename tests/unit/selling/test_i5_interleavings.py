"""I5 for two sellers: any interleaving of payments and refunds, with repetitions, ends in the rows
that their order on the calendar gives, at the seller whose goods they are and nowhere else.

Each seller has queues of its own, so each hears the messages in an order of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.learning.grants import Granting
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, OutboxMessage
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from tests.fakes.learning import FakeLearningStore
from tests.fakes.resources import FakeResourcesStore
from tests.unit.learning.builders import STUDENT
from tests.unit.learning.builders import a_pending_record as a_pending_course
from tests.unit.resources.builders import a_pending_record as a_pending_material
from tests.unit.selling.builders import paid, refunded

COURSE, MATERIAL = OrderType.COURSE, OrderType.STUDY_MATERIAL
PURCHASES = ((COURSE, "500"), (MATERIAL, "500"), (MATERIAL, "501"))
"""A course and two materials; one id is in both, for an id alone says nothing."""
MATERIAL_OF = {"500": "3001", "501": "3002"}
PAYMENTS = tuple(paid(*purchase) for purchase in PURCHASES)


class Sellers:
    """Both on fakes; a record of each purchase awaits its payment."""

    def __init__(self) -> None:
        self.learning, self.resources = FakeLearningStore(), FakeResourcesStore()
        course = a_pending_course("500")
        self.learning.commit(LearningChange(write_id="w", choose_course=course, open_pending=True))
        for record_id, material_id in MATERIAL_OF.items():
            record = a_pending_material(record_id, material_id=material_id)
            self.resources.commit(
                ResourcesChange(write_id=record_id, choose_material=record, open_pending=True)
            )
        self._courses = (
            PayResultSubscriber(COURSE, Granting(self.learning)),
            RefundResultSubscriber(COURSE, Revoking(self.learning)),
        )
        self._materials = (
            PayResultSubscriber(MATERIAL, MaterialGranting(self.resources)),
            RefundResultSubscriber(MATERIAL, MaterialRevoking(self.resources)),
        )

    def hear(
        self, by_courses: Iterable[OutboxMessage], by_materials: Iterable[OutboxMessage]
    ) -> None:
        """Everything is acknowledged: stored, stored before, or the other's."""
        for (payments, refunds), heard in (
            (self._courses, by_courses),
            (self._materials, by_materials),
        ):
            for message in heard:
                handler = payments if message.exchange == PAYNOTIFY_EXCHANGE else refunds
                delivery = Delivery(tag=1, message_id=message.message_id, body=_body(message))
                assert handler(delivery) == Ack()

    def stored(self) -> list[Any]:
        """All that is stored, but for how many writes it took."""
        row = self.learning.course_row(STUDENT, "1002")
        owned = [self.resources.owned(STUDENT, each) for each in MATERIAL_OF.values()]
        found = [*self.learning.records, row, *self.resources.records, *owned]
        return [replace(each, version=0) if each is not None else None for each in found]

    def awaiting(self) -> list[bool]:
        """Which purchases await their payment, in the order of `PURCHASES`."""
        materials = MATERIAL_OF.values()
        return [
            self.learning.pending(STUDENT, "1002") is not None,
            *(self.resources.pending(STUDENT, each) is not None for each in materials),
        ]


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[OutboxMessage], list[OutboxMessage], list[Any]]:
    """What happened, in its order; and what each seller hears of it, anyhow and repeatedly."""
    gone = draw(st.sets(st.sampled_from(PURCHASES)))
    happened = [*PAYMENTS, *(refunded(*purchase) for purchase in PURCHASES if purchase in gone)]
    heard = [
        draw(st.permutations([*happened, *draw(st.lists(st.sampled_from(happened), max_size=6))]))
        for _ in range(2)
    ]
    return heard[0], heard[1], happened


@given(story=stories())
def test_i5_any_interleaving_with_repetitions_ends_where_the_order_of_events_does(
    story: tuple[list[OutboxMessage], list[OutboxMessage], list[OutboxMessage]],
) -> None:
    by_courses, by_materials, happened = story
    expected, found = Sellers(), Sellers()
    expected.hear(happened, happened)
    found.hear(by_courses, by_materials)
    assert found.stored() == expected.stored()
    assert found.awaiting() == expected.awaiting() == [False, False, False]


@pytest.mark.parametrize("purchase", PURCHASES, ids="-".join)
@pytest.mark.parametrize("gone", [False, True], ids=["kept", "refunded"])
def test_one_purchase_changes_its_own_rows_and_no_others(
    purchase: tuple[OrderType, str], gone: bool
) -> None:
    before, sellers = Sellers(), Sellers()
    told = [paid(*purchase), *([refunded(*purchase)] if gone else [])]
    sellers.hear(told, told)

    assert sellers.awaiting() == [each != purchase for each in PURCHASES]
    changed = [
        now for now, then in zip(sellers.stored(), before.stored(), strict=True) if now != then
    ]
    assert len(changed) == 2, "the record, and what the student has of those goods"
    record, row = changed
    assert record.status is (ChooseStatus.REFUNDED if gone else ChooseStatus.CHOSEN)
    assert [grant.revoked for grant in row.grants] == [gone]


def _body(message: OutboxMessage) -> bytes:
    return message.body.encode()
