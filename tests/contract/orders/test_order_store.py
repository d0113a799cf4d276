"""One contract for the order store, held by the fake of the unit tests and by DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.orders.model import (
    ClosingReason,
    OrderId,
    OrderStatus,
    PayNo,
    Phase,
)
from chalicelib.orders.ports import Change, GuardTake, OrderStore
from tests.contract.orders.things import ITEM, MESSAGE, NEW, NOW, ORDER, PAID, RECORD, REFUND


def test_what_was_written_is_read_back(store: OrderStore) -> None:
    store.commit(NEW)

    assert store.order(ORDER.order_id) == replace(ORDER, version=1)
    assert store.pay_record(RECORD.pay_no) == replace(RECORD, version=1)
    assert store.items(ORDER.order_id) == (ITEM,)
    assert store.guarded_order_id("9001") == "1001"


def test_nothing_is_none_not_an_error(store: OrderStore) -> None:
    assert store.order(OrderId("1")) is None
    assert store.pay_record(PayNo("1")) is None
    assert store.items(OrderId("1")) == ()
    assert store.guarded_order_id("1") is None
    assert store.refund("1") is None


def test_every_field_survives(store: OrderStore) -> None:
    store.commit(NEW)
    paid_order = replace(
        ORDER,
        status=OrderStatus.PAID,
        phase=Phase.CLOSING,
        claim_token="c",
        claim_deadline=NOW,
        closing_because=ClosingReason.SWITCHED,
        revoked_by="2001_r",
        next_audit_at=NOW,
        audits=3,
        pay_nos=(PayNo("2001"), PayNo("2002")),
        paid_by_pay_no=PayNo("2001"),
        paid_at=NOW,
        version=1,
    )
    store.commit(
        Change(
            write_id="w2",
            orders=(paid_order,),
            pay_records=(PAID,),
            refunds=(REFUND,),
            messages=(MESSAGE,),
        )
    )

    assert store.order(ORDER.order_id) == replace(paid_order, version=2)
    assert store.pay_record(RECORD.pay_no) == replace(PAID, version=2)
    assert store.refund(REFUND.out_refund_no) == replace(REFUND, version=1)


def test_a_field_can_be_taken_back(store: OrderStore) -> None:
    store.commit(NEW)
    store.commit(Change(write_id="w2", orders=(replace(ORDER, claim_token="c", version=1),)))
    store.commit(Change(write_id="w3", orders=(replace(ORDER, version=2),)))
    assert store.order(ORDER.order_id) == replace(ORDER, version=3)


def test_a_repeated_change_is_done_once(store: OrderStore) -> None:
    store.commit(NEW)
    store.commit(NEW)
    assert store.order(ORDER.order_id) == replace(ORDER, version=1)


@pytest.mark.parametrize(
    "stale",
    [
        Change(write_id="w2", orders=(ORDER,)),
        Change(write_id="w2", orders=(replace(ORDER, version=2),)),
        Change(write_id="w2", pay_records=(RECORD,)),
        Change(write_id="w2", pay_records=(replace(RECORD, version=7),)),
    ],
)
def test_a_change_on_an_old_reading_is_stale(store: OrderStore, stale: Change) -> None:
    store.commit(NEW)
    with pytest.raises(StaleWrite):
        store.commit(stale)


def test_a_stale_part_spoils_the_whole_change(store: OrderStore) -> None:
    store.commit(NEW)
    with pytest.raises(StaleWrite):
        store.commit(
            Change(
                write_id="w2",
                orders=(replace(ORDER, status=OrderStatus.PAID, version=1),),
                pay_records=(replace(PAID, version=9),),
            )
        )
    assert store.order(ORDER.order_id) == replace(ORDER, version=1)


def test_the_guard_lets_one_order_through(store: OrderStore) -> None:
    store.commit(NEW)
    rival = replace(ORDER, order_id=OrderId("1002"))
    take = GuardTake(out_business_id="9001", order_id=OrderId("1002"))
    with pytest.raises(StaleWrite):
        store.commit(Change(write_id="w2", orders=(rival,), take_guard=take))
    assert store.order(OrderId("1002")) is None

    take = replace(take, replacing=OrderId("1001"))
    store.commit(Change(write_id="w3", orders=(rival,), take_guard=take))
    assert store.guarded_order_id("9001") == "1002"


def test_one_event_is_stored_once(store: OrderStore) -> None:
    store.commit(NEW)
    store.commit(Change(write_id="w2", orders=(replace(ORDER, version=1),), messages=(MESSAGE,)))
    with pytest.raises(StaleWrite):
        store.commit(
            Change(write_id="w3", orders=(replace(ORDER, version=2),), messages=(MESSAGE,))
        )


def test_one_trade_of_a_platform_pays_one_attempt(store: OrderStore) -> None:
    store.commit(NEW)
    store.commit(Change(write_id="w2", pay_records=(PAID,)))
    other = replace(PAID, pay_no=PayNo("2002"), version=0)
    with pytest.raises(StaleWrite):
        store.commit(Change(write_id="w3", pay_records=(other,)))
    store.commit(Change(write_id="w4", pay_records=(replace(PAID, version=2),)))


def test_a_question_to_a_platform_is_claimed_once_in_an_interval(store: OrderStore) -> None:
    store.commit(NEW)
    interval = timedelta(seconds=3)

    def claim(at: datetime) -> bool:
        return store.claim_query(RECORD.pay_no, at, at - interval)

    assert claim(NOW)
    assert not claim(NOW + timedelta(seconds=2))
    assert claim(NOW + timedelta(seconds=3))
    assert not store.claim_query(PayNo("1"), NOW, NOW - interval)


def test_a_change_on_a_reading_from_before_the_question_does_not_undo_its_claim(
    store: OrderStore,
) -> None:
    store.commit(NEW)
    before = store.pay_record(RECORD.pay_no)
    assert before is not None
    assert store.claim_query(RECORD.pay_no, NOW, NOW - timedelta(seconds=3))
    store.commit(Change(write_id="w2", pay_records=(before,)))

    later = NOW + timedelta(seconds=2)
    assert not store.claim_query(RECORD.pay_no, later, later - timedelta(seconds=3))
    record = store.pay_record(RECORD.pay_no)
    assert record is not None
    assert (record.version, record.queried_at) == (2, NOW)


def test_of_many_writers_on_one_reading_one_wins(store: OrderStore) -> None:
    store.commit(NEW)
    outcomes: list[str] = []

    def write(n: int) -> Callable[[], None]:
        def attempt() -> None:
            try:
                store.commit(Change(write_id=f"t{n}", orders=(replace(ORDER, version=1),)))
                outcomes.append("won")
            except StaleWrite:
                outcomes.append("stale")

        return attempt

    threads = [threading.Thread(target=write(n)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["stale"] * 5 + ["won"]
