"""What an audit does of each order, whatever its seller says and the outbox holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import NotFound
from chalicelib.orders.grant_audit import Audited, Step
from chalicelib.orders.model import OrderId, OrderStatus
from chalicelib.purchasables import SaleStatus
from tests.unit.orders.auditing import (
    PAID_KEY,
    PAID_MESSAGE,
    PAUSES,
    REFUND,
    REVOKED_KEY,
    REVOKED_MESSAGE,
    Auditing,
    revoked,
)
from tests.unit.orders.refunding import ORDER_ID

ANSWERS = (*SaleStatus, None)
BOUGHT: dict[str, dict[str, Any]] = {
    "paid": {},
    "completed": {"status": OrderStatus.COMPLETED},
}
REVOKED: dict[str, dict[str, Any]] = {
    "refunded": revoked(),
    "paid, a part back with the goods": {"revoked_by": REFUND.out_refund_no},
    "completed, a part back with the goods": {
        "status": OrderStatus.COMPLETED,
        "revoked_by": REFUND.out_refund_no,
    },
}
NEVER_PAID: dict[str, dict[str, Any]] = {
    "unpaid": {"status": OrderStatus.UNPAID, "paid_by_pay_no": None},
    "closed": {"status": OrderStatus.CLOSED, "paid_by_pay_no": None},
}


def _states(states: dict[str, dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("state", states.values(), ids=states)


@pytest.mark.parametrize("answer", [a for a in ANSWERS if a is not SaleStatus.GRANTED])
@_states(BOUGHT)
def test_what_is_paid_and_not_granted_is_told_again(
    state: dict[str, Any], answer: SaleStatus | None
) -> None:
    auditing = Auditing(**state)
    auditing.seller_says(answer)

    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0)

    assert auditing.store.outbox == {
        PAID_KEY: replace(PAID_MESSAGE, created_at=auditing.clock.now())
    }
    assert auditing.order.next_audit_at == auditing.clock.now() + PAUSES[1]
    assert auditing.order.audits == 1
    assert auditing.reports == ["PaidNotGranted"]
    assert [(f.seller_says, f.step) for f in auditing.missing] == [(answer, Step.EMITTED)]


@pytest.mark.parametrize("answer", [a for a in ANSWERS if a is not SaleStatus.TAKEN_BACK])
@_states(REVOKED)
def test_what_is_refunded_and_not_taken_back_is_told_as_a_refund_alone(
    state: dict[str, Any], answer: SaleStatus | None
) -> None:
    auditing = Auditing(**state)
    auditing.seller_says(answer)

    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0)

    assert auditing.store.outbox == {
        REVOKED_KEY: replace(REVOKED_MESSAGE, created_at=auditing.clock.now())
    }
    assert auditing.order.audits == 1
    assert auditing.reports == ["RefundedNotRevoked"]


@pytest.mark.parametrize("waiting", [PAID_MESSAGE, None])
@pytest.mark.parametrize(
    ("state", "answer"),
    [(state, SaleStatus.GRANTED) for state in BOUGHT.values()]
    + [(state, SaleStatus.TAKEN_BACK) for state in REVOKED.values()]
    + [(state, answer) for state in NEVER_PAID.values() for answer in ANSWERS],
)
def test_goods_that_are_where_they_belong_are_not_looked_for_again(
    state: dict[str, Any], answer: SaleStatus | None, waiting: Any
) -> None:
    auditing = Auditing(**state, audits=2)
    auditing.seller_says(answer)
    outbox = {PAID_KEY: waiting} if waiting is not None else {}
    auditing.store.outbox.update(outbox)

    assert auditing.run() == Audited(looked_at=1, missing=0, failed=0)

    assert auditing.store.outbox == outbox
    assert auditing.order.next_audit_at is None
    assert auditing.order.audits == 2
    assert auditing.reports == []
    assert auditing.run() == Audited(0, 0, 0)


@pytest.mark.parametrize(
    ("state", "message", "metric"),
    [
        *((state, PAID_MESSAGE, "PaidNotGranted") for state in BOUGHT.values()),
        *((state, REVOKED_MESSAGE, "RefundedNotRevoked") for state in REVOKED.values()),
    ],
)
def test_a_message_that_is_in_the_outbox_still_is_left_there_and_counted(
    state: dict[str, Any], message: Any, metric: str
) -> None:
    auditing = Auditing(**state)
    auditing.store.outbox[message.event_key] = message
    auditing.seller_says(SaleStatus.AWAITING_PAYMENT)

    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0)

    assert auditing.store.outbox == {message.event_key: message}
    assert auditing.order.next_audit_at == auditing.clock.now() + PAUSES[1]
    assert auditing.order.audits == 1
    assert auditing.reports == [metric, "GrantAuditsInOutbox"]


def test_the_pauses_grow_up_to_the_last_and_each_audit_tells_again() -> None:
    auditing = Auditing()
    pauses = []
    for _ in range(5):
        auditing.run_at_the_next_audit()
        assert auditing.order.next_audit_at is not None
        pauses.append(auditing.order.next_audit_at - auditing.clock.now())
        auditing.store.outbox.clear()  # delivered, and lost again
    assert pauses == [PAUSES[1], *[PAUSES[2]] * 4]
    assert auditing.order.audits == 5
    assert auditing.reports == ["PaidNotGranted"] * 5

    auditing.seller_says(SaleStatus.GRANTED)
    assert auditing.run_at_the_next_audit() == Audited(looked_at=1, missing=0, failed=0)
    assert auditing.order.next_audit_at is None


def test_the_whole_amount_back_and_no_refund_that_took_the_goods_is_never_told_as_paid() -> None:
    auditing = Auditing(status=OrderStatus.REFUNDED)
    assert auditing.run() == Audited(looked_at=1, missing=0, failed=1)
    assert auditing.store.outbox == {}
    assert auditing.reports == ["RefundedNotRevoked", "GrantAuditsFailed"]
    assert auditing.unforeseen == [ORDER_ID]


def test_one_order_is_audited_on_demand_though_it_never_was_due() -> None:
    auditing = Auditing(next_audit_at=None)
    assert auditing.run() == Audited(0, 0, 0)

    finding = auditing.audit.audit(ORDER_ID)
    assert (finding.step, finding.seller_says) == (Step.EMITTED, None)
    assert auditing.emitted() == [PAID_KEY]
    assert auditing.order.next_audit_at == auditing.clock.now() + PAUSES[1]


def test_nothing_is_written_of_an_order_that_was_audited_on_demand_and_is_well() -> None:
    auditing = Auditing(next_audit_at=None)
    auditing.seller_says(SaleStatus.GRANTED)
    before = auditing.order
    assert auditing.audit.audit(ORDER_ID).step is Step.FOLLOWED
    assert auditing.order == before


def test_an_order_that_does_not_exist_cannot_be_audited() -> None:
    with pytest.raises(NotFound):
        Auditing().audit.audit(OrderId("1"))


def test_before_its_time_an_order_is_left_alone_whatever_the_index_says() -> None:
    auditing = Auditing()
    stale = list(auditing.store.due_audits(auditing.clock.now(), 10))
    auditing.run()
    auditing.store.outbox.clear()
    auditing.store.due_audits = lambda now, page: iter(stale)  # type: ignore[method-assign]

    auditing.clock.advance(minutes=9)
    assert auditing.run() == Audited(looked_at=1, missing=0, failed=0)
    assert auditing.emitted() == []
    auditing.clock.advance(minutes=1)
    assert auditing.run() == Audited(looked_at=1, missing=1, failed=0)
    assert auditing.emitted() == [PAID_KEY]
