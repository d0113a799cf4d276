"""What is due is found by its time, and leaves the index when nobody shall look any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from chalicelib.errors import QuotaExhausted, StaleWrite
from chalicelib.money import Fen
from chalicelib.orders.model import PayNo, PayRecord, Refund
from chalicelib.orders.ports import Change, OrderStore, QuotaTake
from tests.contract.orders.things import NEW, NOW, ORDER, RECORD, REFUND

MINUTE = timedelta(minutes=1)


def _attempt(number: int, due_in_minutes: int) -> PayRecord:
    due = NOW + due_in_minutes * MINUTE
    return replace(RECORD, pay_no=PayNo(str(number)), next_check_at=due)


def _due(store: OrderStore, now: datetime, most: int) -> tuple[str, ...]:
    due = store.due_checks(now, most)
    for check in due:
        record = store.pay_record(check.pay_no)
        assert record is not None
        assert record.next_check_at == check.at
    return tuple(check.pay_no for check in due)


def _refund(number: int, due_in_minutes: int) -> Refund:
    due = NOW + due_in_minutes * MINUTE
    return replace(REFUND, pay_no=PayNo(str(number)), out_refund_no=f"{number}_r", next_try_at=due)


def test_attempts_are_due_by_time_the_longest_due_first(store: OrderStore) -> None:
    # more than one in a shard, and one in each
    attempts = tuple(_attempt(3000 + n, due_in_minutes=10 - n) for n in range(9))
    store.commit(Change(write_id="w1", pay_records=attempts))

    assert _due(store, NOW, 100) == ()
    assert _due(store, NOW + 5 * MINUTE, 100) == ("3008", "3007", "3006", "3005")
    assert _due(store, NOW + 5 * MINUTE, 2) == ("3008", "3007")


def test_an_attempt_without_a_next_check_is_not_due(store: OrderStore) -> None:
    store.commit(Change(write_id="w1", pay_records=(_attempt(3000, 0),)))
    gone = replace(_attempt(3000, 0), next_check_at=None, version=1)
    store.commit(Change(write_id="w2", pay_records=(gone,)))
    assert _due(store, NOW + MINUTE, 100) == ()
    assert store.pay_record(PayNo("3000")) == replace(gone, version=2)


def test_a_check_is_rescheduled_without_a_new_version(store: OrderStore) -> None:
    store.commit(Change(write_id="w1", pay_records=(_attempt(3000, 0),)))
    store.reschedule_check(PayNo("3000"), NOW, NOW + MINUTE)

    assert _due(store, NOW, 100) == ()
    assert _due(store, NOW + MINUTE, 100) == ("3000",)
    record = store.pay_record(PayNo("3000"))
    assert record is not None
    assert record.version == 1


def test_a_check_that_somebody_else_moved_stays_where_it_is(store: OrderStore) -> None:
    store.commit(Change(write_id="w1", pay_records=(_attempt(3000, 2),)))
    store.reschedule_check(PayNo("3000"), NOW, NOW + 9 * MINUTE)
    assert _due(store, NOW + 2 * MINUTE, 100) == ("3000",)

    store.reschedule_check(PayNo("3000"), NOW + 2 * MINUTE, None)
    assert _due(store, NOW + 60 * MINUTE, 100) == ()
    record = store.pay_record(PayNo("3000"))
    assert record is not None
    assert record.next_check_at is None


def test_refunds_are_due_by_time(store: OrderStore) -> None:
    refunds = tuple(_refund(3000 + n, due_in_minutes=n) for n in range(6))
    waiting = replace(_refund(4000, 0), next_try_at=None)
    store.commit(Change(write_id="w1", refunds=(*refunds, waiting)))

    assert store.due_refunds(NOW + 2 * MINUTE, 100) == ("3000_r", "3001_r", "3002_r")
    assert store.due_refunds(NOW + 2 * MINUTE, 1) == ("3000_r",)


def test_several_are_read_at_once_in_the_order_asked_for(store: OrderStore) -> None:
    store.commit(Change(write_id="w1", pay_records=(_attempt(1, 0), _attempt(2, 0))))
    store.commit(Change(write_id="w2", refunds=(_refund(1, 0), _refund(2, 0))))

    records = store.pay_records([PayNo("2"), PayNo("9"), PayNo("1")])
    assert [record.pay_no for record in records] == ["2", "1"]
    refunds = store.refunds(["2_r", "nothing", "1_r"])
    assert [refund.out_refund_no for refund in refunds] == ["2_r", "1_r"]
    assert store.pay_records([]) == store.refunds([]) == ()


def _take(fen: int, *, most_refunds: int = 2, most_fen: int = 1000) -> QuotaTake:
    return QuotaTake(
        day=date(2026, 3, 1), amount_fen=Fen(fen), most_refunds=most_refunds, most_fen=Fen(most_fen)
    )


def test_a_day_lets_only_so_many_refunds_out(store: OrderStore) -> None:
    for number in (1, 2):
        change = Change(write_id=f"w{number}", refunds=(_refund(number, 0),), take_quota=_take(10))
        store.commit(change)
    with pytest.raises(QuotaExhausted):
        store.commit(Change(write_id="w3", refunds=(_refund(3, 0),), take_quota=_take(10)))
    assert store.refund("3_r") is None

    tomorrow = replace(_take(10), day=date(2026, 3, 2))
    store.commit(Change(write_id="w4", refunds=(_refund(3, 0),), take_quota=tomorrow))


@pytest.mark.parametrize("fen", [401, 1001])
def test_a_day_lets_only_so_much_money_out(store: OrderStore, fen: int) -> None:
    store.commit(Change(write_id="w1", refunds=(_refund(1, 0),), take_quota=_take(600)))
    with pytest.raises(QuotaExhausted):
        store.commit(Change(write_id="w2", refunds=(_refund(2, 0),), take_quota=_take(fen)))
    store.commit(Change(write_id="w3", refunds=(_refund(2, 0),), take_quota=_take(400)))


def test_a_repeated_change_takes_the_quota_once(store: OrderStore) -> None:
    change = Change(write_id="w1", refunds=(_refund(1, 0),), take_quota=_take(10, most_refunds=1))
    store.commit(change)
    store.commit(change)
    assert store.refund("1_r") is not None


def test_a_stale_change_is_stale_whatever_the_quota_says(store: OrderStore) -> None:
    store.commit(NEW)
    stale = Change(write_id="w2", orders=(ORDER,), take_quota=_take(10, most_refunds=0))
    with pytest.raises(StaleWrite):
        store.commit(stale)
