"""A run of the grant audit: bounded, stopped by no single order, beside other runs and writers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.deadline import Deadline
from chalicelib.errors import Unavailable
from chalicelib.orders.grant_audit import Audited, Step
from chalicelib.orders.model import OrderId, OrderStatus
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from tests.fakes.clock import START
from tests.unit.orders.auditing import (
    MINUTE,
    PAID_KEY,
    PAID_MESSAGE,
    PAUSES,
    REVOKED_KEY,
    REVOKED_MESSAGE,
    Auditing,
    revoked,
)
from tests.unit.orders.refunding import ORDER_ID, a_paid_order


def _many(number: int) -> Auditing:
    """Orders that are due one after the other, the first of them first."""
    auditing = Auditing()
    for count in range(1, number):
        due = START + count * MINUTE / 60
        order_id = OrderId(str(int(ORDER_ID) + count))
        auditing.put(a_paid_order(order_id=order_id, next_audit_at=due))
    auditing.clock.advance(minutes=number)
    return auditing


def _keys(*numbers: int) -> list[str]:
    return [f"{int(ORDER_ID) + number}#paid" for number in numbers]


class _Lasting:
    """A deadline that is over after some looks at it."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    def remaining_seconds(self) -> float:
        self._left -= 1
        return 60 if self._left >= 0 else 0


def test_a_run_goes_on_until_its_time_is_over_the_longest_due_first() -> None:
    auditing = _many(5)
    first: Any = _Lasting(looks=2)
    assert auditing.audit.run(first) == Audited(looked_at=2, missing=2, failed=0)
    assert auditing.emitted() == _keys(0, 1)
    assert auditing.run() == Audited(looked_at=3, missing=3, failed=0)
    assert auditing.emitted() == _keys(0, 1, 2, 3, 4)


def test_a_run_tells_how_long_the_oldest_audit_was_overdue_also_when_it_has_no_time() -> None:
    auditing = _many(3)
    auditing.run(seconds=1)
    auditing.clock.advance(minutes=1)
    auditing.run()
    auditing.run()
    name = "GrantAuditOldestSeconds"
    assert auditing.gauges == [(name, 180.0), (name, 240.0), (name, 0.0)]


def test_an_index_entry_without_its_order_is_counted_and_put_off() -> None:
    auditing = _many(3)
    lost = OrderId(str(int(ORDER_ID) + 1))
    audit = auditing.another(store=_Losing(auditing.store, lost))

    assert audit.run(Deadline.after(60)) == Audited(looked_at=3, missing=2, failed=1)
    assert auditing.unforeseen == [lost]
    assert auditing.reports.count("GrantAuditsFailed") == 1
    assert audit.run(Deadline.after(60)) == Audited(0, 0, 0), "it is due at every run"


class _Losing:
    """A store that has an order in its index alone."""

    def __init__(self, real: Any, lost: OrderId) -> None:
        self._real, self._lost = real, lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def order(self, order_id: OrderId) -> Any:
        return None if order_id == self._lost else self._real.order(order_id)


def test_a_run_without_time_leaves_its_orders_to_the_next() -> None:
    auditing = _many(3)
    assert auditing.run(seconds=1) == Audited(0, 0, 0)
    assert auditing.run() == Audited(looked_at=3, missing=3, failed=0)


class _Refusing:
    """A part that fails at one order: its store cannot read it, or its seller breaks down."""

    def __init__(self, real: Any, method: str, at: str, error: Exception) -> None:
        self._real, self._method, self._at, self._error = real, method, at, error

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)

        def refused(*arguments: Any) -> Any:
            if name == self._method and self._at in map(str, arguments):
                raise self._error
            return real(*arguments)

        return refused


@pytest.mark.parametrize("error", [Unavailable(), RuntimeError("a bug")])
def test_an_order_that_cannot_be_read_is_put_off_and_stops_no_other(error: Exception) -> None:
    auditing = _many(3)
    broken = _Refusing(auditing.store, "order", str(int(ORDER_ID) + 1), error)
    audit = auditing.another(store=broken)

    assert audit.run(Deadline.after(60)) == Audited(looked_at=3, missing=2, failed=1)
    assert auditing.emitted() == _keys(0, 2)
    assert auditing.unforeseen == [OrderId(str(int(ORDER_ID) + 1))]
    assert auditing.reports.count("GrantAuditsFailed") == 1
    assert audit.run(Deadline.after(60)) == Audited(0, 0, 0), "it stands before the others"

    auditing.clock.advance(minutes=5)
    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0)


def test_a_seller_that_does_not_answer_is_asked_again() -> None:
    auditing = Auditing()
    record = auditing.order.out_business_id
    silent = auditing.another(sellers=_Refusing(auditing.sellers, "get", record, Unavailable()))

    assert silent.run(Deadline.after(60)) == Audited(looked_at=1, missing=0, failed=1)
    assert auditing.emitted() == []
    assert auditing.reports == ["GrantAuditsFailed"], "nobody knows whether it is granted"
    auditing.clock.advance(minutes=5)
    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0)


def test_when_not_even_the_time_can_be_moved_the_others_are_looked_at_all_the_same() -> None:
    auditing = _many(3)
    worse = _Refusing(auditing.store, "reschedule_audit", str(ORDER_ID), Unavailable())
    broken = _Refusing(worse, "order", str(ORDER_ID), Unavailable())
    audit = auditing.another(store=broken)
    assert audit.run(Deadline.after(60)) == Audited(looked_at=3, missing=2, failed=1)
    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0), "it stays due"


class _Asked:
    """A seller at whose question another container does something."""

    def __init__(self, auditing: Auditing, then: Any) -> None:
        self._auditing, self._then = auditing, then

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        answer = self._auditing.sellers.get(out_business_id, order_type)
        self._then()
        return answer


def test_of_two_runs_at_once_one_tells() -> None:
    auditing = Auditing()
    second = auditing.another(sellers=_Asked(auditing, auditing.run))

    assert second.run(Deadline.after(60)) == Audited(looked_at=1, missing=0, failed=0)

    assert auditing.emitted() == [PAID_KEY]
    assert auditing.order.audits == 1
    assert [finding.step for finding in auditing.missing] == [Step.EMITTED]


@pytest.mark.parametrize("delivered", [False, True])
def test_a_refund_that_comes_between_is_not_overwritten_and_never_told_as_paid(
    delivered: bool,
) -> None:
    auditing = Auditing()

    def refund() -> None:
        auditing.change(**revoked(), next_audit_at=auditing.clock.now(), audits=0)
        if not delivered:
            auditing.store.outbox[REVOKED_KEY] = REVOKED_MESSAGE

    overtaken = auditing.another(sellers=_Asked(auditing, refund))
    assert overtaken.run(Deadline.after(60)) == Audited(looked_at=1, missing=0, failed=0)
    assert PAID_KEY not in auditing.emitted()
    assert auditing.order.status is OrderStatus.REFUNDED
    assert auditing.order.audits == 0

    auditing.run()
    assert auditing.emitted() == [REVOKED_KEY]


def test_goods_that_were_granted_are_looked_for_again_when_a_refund_comes_between() -> None:
    auditing = Auditing()
    auditing.seller_says(SaleStatus.GRANTED)
    now = auditing.clock.now()
    refunded = auditing.another(
        sellers=_Asked(auditing, lambda: auditing.change(**revoked(), next_audit_at=now))
    )
    assert refunded.audit(ORDER_ID).step is Step.OVERTAKEN
    assert auditing.order.next_audit_at == now


def test_a_row_that_comes_and_goes_while_the_audit_writes_loses_nothing() -> None:
    """The relay deletes the row between the two writes: the time is kept, the next audit tells."""
    auditing = Auditing()
    auditing.store.outbox[PAID_KEY] = PAID_MESSAGE
    commits = iter((lambda: None, auditing.store.outbox.clear))
    auditing.store.before_commit = lambda: next(commits)()

    assert auditing.audit.audit(ORDER_ID).step is Step.IN_OUTBOX

    auditing.store.before_commit = lambda: None
    assert auditing.emitted() == []
    assert auditing.order.next_audit_at == auditing.clock.now() + PAUSES[1]
    auditing.run_at_the_next_audit()
    assert auditing.emitted() == [PAID_KEY]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*SaleStatus, None]),
            st.booleans(),  # whether the broker has taken what waits meanwhile
            st.booleans(),  # whether a refund takes the goods meanwhile
        ),
        max_size=8,
    )
)
def test_whatever_happens_a_refunded_order_is_never_told_as_paid_and_the_audits_end(
    steps: list[tuple[SaleStatus | None, bool, bool]],
) -> None:
    auditing = Auditing()
    for answer, taken, refund in steps:
        if taken:
            auditing.store.outbox.clear()
        if refund and auditing.order.revoked_by is None:
            auditing.store.outbox.clear()
            auditing.change(**revoked(), next_audit_at=auditing.clock.now(), audits=0)
        auditing.seller_says(answer)
        auditing.clock.advance(hours=1)
        before = auditing.emitted()
        auditing.run()
        told = set(auditing.emitted()) - set(before)
        of = REVOKED_KEY if auditing.order.revoked_by else PAID_KEY
        assert told <= {of}
        bodies = {PAID_KEY: PAID_MESSAGE.body, REVOKED_KEY: REVOKED_MESSAGE.body}
        assert all(m.body == bodies[key] for key, m in auditing.store.outbox.items())
    is_revoked = auditing.order.revoked_by is not None
    auditing.seller_says(SaleStatus.TAKEN_BACK if is_revoked else SaleStatus.GRANTED)
    auditing.clock.advance(hours=2)
    auditing.run()
    assert auditing.order.next_audit_at is None
    assert replace(auditing.order, audits=0, version=0) == a_paid_order(
        **(revoked() if is_revoked else {})
    )
